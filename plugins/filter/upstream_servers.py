# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: upstream_servers
short_description: The servers of an nginx upstream from hosts of the inventory
version_added: 0.1.0
author: The evenkeel developers
description:
  - Turns a group of hosts into the list of servers that RV(_value) shows, so that adding a host to the group is the
    whole change.
  - A host's address is its variable C(upstream_address), else its C(ansible_host), else its name; its port is its
    variable C(upstream_port), else O(port).
positional: hostvars, port
options:
  _input:
    description: Names of hosts, as C(groups['web_servers']) gives them.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  port:
    description: The port of hosts that set none.
    type: int
    default: 80
"""

EXAMPLES = r"""
# in group_vars of the load balancers
nginx_upstreams:
  - name: web
    servers: "{{ groups['web_servers'] | evenkeel.nginx_ha.upstream_servers(hostvars) }}"
"""

RETURN = r"""
_value:
  description: A server for each host, with C(name), C(address) and C(port).
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import natural


@dataclass(frozen=True)
class Backend:
    """A host's variables."""

    upstream_address: str = ""
    ansible_host: str = ""
    upstream_port: int | None = None

    def server(self, host: str, port: int) -> dict[str, Any]:
        address = self.upstream_address or self.ansible_host or host
        return {"name": host, "address": address, "port": port if self.upstream_port is None else self.upstream_port}


def upstream_servers(hosts: Sequence[str], hostvars: Mapping[str, object], port: int = 80) -> list[dict[str, Any]]:
    return [read(Backend, hostvars[host]).server(host, port) for host in sorted(hosts, key=natural)]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"upstream_servers": upstream_servers}
