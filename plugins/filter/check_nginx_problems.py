# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: check_nginx_problems
short_description: What is wrong with the check_nginx role's variables
version_added: 0.1.0
author: The evenkeel developers
description:
  - Checks each variable of a host by itself, before anything of it stands in a script or a unit.
positional: host
options:
  _input:
    description: The role's variables without their prefix.
    type: dict
    required: true
  host:
    description: The host's name in the inventory.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse input that cannot work
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join('\n') }}"
  vars:
    problems: "{{ settings | evenkeel.nginx_ha.check_nginx_problems(inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: One sentence for each problem, which names the host, the variable, the value and the fix.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.check_nginx import check_nginx_problems


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"check_nginx_problems": check_nginx_problems}
