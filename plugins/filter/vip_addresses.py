# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: vip_addresses
short_description: The bare addresses of the VIPs
version_added: 0.1.0
author: The evenkeel developers
description:
  - Takes the VIPs as O(evenkeel.nginx_ha.vrrp_plan#filter:_input) does and gives their addresses without prefix.
  - An entry that is no address is left out; the keepalived role's preflight names it.
options:
  _input:
    description: The VIPs.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the addresses that clients use
  ansible.builtin.debug:
    msg: "{{ [{'name': 'VI_1', 'address': '192.168.200.200/24'}] | evenkeel.nginx_ha.vip_addresses }}"
"""

RETURN = r"""
_value:
  description: The addresses, in the natural order of the VIPs' names.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.reader import Reader
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.vip import parse_vips
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import natural


def vip_addresses(vips: Sequence[Mapping[str, Any]]) -> list[str]:
    ordered = sorted(parse_vips(Reader({"vips": vips}, "")), key=lambda vip: natural(vip.name))
    return [str(address) for vip in ordered for dummy, address in vip.located]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"vip_addresses": vip_addresses}
