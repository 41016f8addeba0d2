# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of an nginx, put together of the role's variables and of what was found on the host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.kept import nginx_backends_out
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import KEYS, NginxSettings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.table import named


def collected(variables: Mapping[str, Any], hosts: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The settings as NginxSettings.of takes them. variables: by their names, with those of Ansible.

    Which backends load balancers remember as out of service is in nginx_backends_kept, or is asked of the variables of hosts.
    """
    own = {KEYS.get(name, name): variables[f"nginx_{name}"] for name in named(NginxSettings)}
    here, kept = variables.get("nginx_found") or {}, _kept(own, variables, hosts)
    return {
        **own,
        "installed": here.get("installed", True),
        "modules_here": here.get("modules", []),
        "packages": here.get("packages", {}),
        "listeners": here.get("listeners", []),
        "version": here.get("version", ""),
        "backends_out": [*own["backends_out"], *kept],
        "backends_lasting": own["backends_out"],
        "backends_kept": kept,
        "group": variables["nginx_user"],
        "kept": variables.get("nginx_kept") or {},
        "coming_version": (variables.get("nginx_upgrade") or {}).get("nginx", ""),
        "ipv6": "ipv6" in (variables["ansible_facts"].get("lo") or {}),
    }


def _kept(own: Mapping[str, Any], variables: Mapping[str, Any], hosts: Iterable[Mapping[str, Any]]) -> list[str]:
    if "nginx_backends_kept" in variables:
        return list(variables["nginx_backends_kept"])
    return nginx_backends_out(hosts, own["upstreams"], own["backends_take_out"], own["backends_put_back"])
