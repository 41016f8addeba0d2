# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_problems
short_description: What is wrong with the nginx role's input on a host
version_added: 0.1.0
author: The evenkeel developers
description:
  - Checks the rules between variables, and between variables and facts, that argument specs cannot express.
  - The nginx role's preflight asserts that the answer is empty.
positional: facts, host
options:
  _input:
    description: The nginx role's variables, by their names without the prefix.
    type: dict
    required: true
  facts:
    description: The host's C(ansible_facts).
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
    problems: "{{ settings | evenkeel.nginx_ha.nginx_problems(ansible_facts, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: One sentence for each problem, which names the host, the variable, the value and the fix.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_problems": nginx_problems}
