# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_backends_out
short_description: Servers of upstreams that load balancers remember as out of service
version_added: 0.1.0
author: The evenkeel developers
description:
  - Adds up what the hosts remember, takes further servers out and puts others back. Servers that no upstream has any longer are forgotten.
positional: upstreams, take_out, put_back
options:
  _input:
    description: The variables of each host, of which C(nginx_found) (M(evenkeel.nginx_ha.nginx_info)) counts.
    type: list
    elements: dict
    required: true
  upstreams:
    description: The nginx role's C(nginx_upstreams).
    type: list
    elements: dict
    required: true
  take_out:
    description: Names or addresses of servers.
    type: list
    elements: str
    default: []
  put_back:
    description: Names or addresses of servers.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show what is out of service once web1 is, too
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | map('extract', hostvars) | evenkeel.nginx_ha.nginx_backends_out(nginx_upstreams, ['web1']) }}"
"""

RETURN = r"""
_value:
  description: Names and addresses of the servers, in alphabetical order.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.kept import nginx_backends_out


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_backends_out": nginx_backends_out}
