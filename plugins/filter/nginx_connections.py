# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_connections
short_description: How many connections each worker of nginx can have on a host
version_added: 0.1.0
author: The evenkeel developers
description:
  - A quarter of the memory, shared by all workers, at 32 kB a connection. It is a power of two from 1,024 to 16,384, and at most half of
    the files that systemd lets a service open.
positional: processes
options:
  _input:
    description: The result of P(evenkeel.nginx_ha.nginx_info#module).
    type: dict
    required: true
  processes:
    description: The number of workers, or V(auto) for one of each core.
    type: str
    default: auto
"""

EXAMPLES = r"""
- name: Show it
  ansible.builtin.debug:
    msg: "{{ nginx | evenkeel.nginx_ha.nginx_connections }}"
"""

RETURN = r"""
_value:
  description: The number of connections; 4,096 where nothing is known of the host.
  type: int
"""

from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.packages import nginx_connections


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_connections": nginx_connections}
