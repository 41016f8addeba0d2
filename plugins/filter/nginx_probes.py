# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_probes
short_description: What to ask an nginx on its own host to see that its servers answer
version_added: 0.1.0
author: The evenkeel developers
description:
  - Turns the nginx role's servers into probes as the module M(evenkeel.nginx_ha.nginx_info) takes them, one a server and port.
  - Left out are servers behind the PROXY protocol, which answer nobody without it, servers in maintenance, which answer 503 on purpose,
    and those that listen on VIPs only, which another host may have. The role's C(nginx_streams) have no probes, for what answers there is
    not HTTP.
positional: vips
options:
  _input:
    description: The nginx role's C(nginx_servers).
    type: list
    elements: dict
    required: true
  vips:
    description: Addresses that stand in for the names of a server that has none of its own.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Ask each server
  evenkeel.nginx_ha.nginx_info:
    probes: "{{ nginx_servers | evenkeel.nginx_ha.nginx_probes(['192.168.200.200']) }}"
"""

RETURN = r"""
_value:
  description: A probe for each server and port, with C(address), C(port), C(host), C(path) and C(tls).
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.server import Server
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import NginxSettings


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


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_probes": nginx_probes}
