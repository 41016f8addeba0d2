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
  - Turns the nginx role's servers into probes as the module M(evenkeel.nginx_ha.nginx_info) takes them, one a server.
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
  description: A probe for each server, with C(address), C(port), C(host) and C(path).
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any


def nginx_probes(servers: Sequence[Mapping[str, Any]], vips: Sequence[str] = ()) -> list[dict[str, Any]]:
    return [
        {
            "address": "127.0.0.1",
            "port": int(server.get("listen", 80)),
            "host": str(next(iter(server.get("server_names") or vips), "localhost")),
            "path": "/",
        }
        for server in servers
    ]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_probes": nginx_probes}
