# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the role nginx. They are private, and may change with any version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import tree
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.certificates import nginx_kept, self_signed_names
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.packages import nginx_connections, nginx_packages
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.server import Server
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import NginxSettings, nginx_backends_out


def nginx_probes(servers: Sequence[Mapping[str, Any]], vips: Sequence[str] = ()) -> list[dict[str, Any]]:
    settings = NginxSettings.of({"servers": servers, "vips": vips})
    return [
        {
            "address": "127.0.0.1",
            "port": port,
            "host": _host(server, settings.vips),
            "path": "/",
            "tls": server.tls is not None,
        }
        for server in settings.servers
        if not (server.proxy_protocol or server.vips or server.is_maintained)
        for port in server.ports
    ]


def _host(server: Server, vips: Sequence[str]) -> str:
    """The first of its names that is one and no pattern."""
    return next((name for name in server.names(vips) if not set(name) & set("*~_")), "localhost")


def nginx_self_signed_names(servers: Sequence[Mapping[str, Any]], vips: Sequence[str] = ()) -> dict[str, list[str]]:
    return self_signed_names(NginxSettings.of({"servers": servers, "vips": vips}))


def nginx_tree(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    read = NginxSettings.of(settings)
    return [*tree.fixed(read), *tree.files(read)]


def package_pins(versions: Mapping[str, str], names: Sequence[str], os_family: str) -> list[str]:
    separator = "=" if os_family == "Debian" else "-"
    return [f"{name}{separator}{version}" for name, version in sorted(versions.items()) if name in names]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "_nginx_backends_out": nginx_backends_out,
            "_nginx_connections": nginx_connections,
            "_nginx_kept": nginx_kept,
            "_nginx_packages": nginx_packages,
            "_nginx_probes": nginx_probes,
            "_nginx_problems": nginx_problems,
            "_nginx_self_signed_names": nginx_self_signed_names,
            "_nginx_tree": nginx_tree,
            "_package_pins": package_pins,
        }
