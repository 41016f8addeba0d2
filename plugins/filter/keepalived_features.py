# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: keepalived_features
short_description: What keepalived has to be compiled with
version_added: 0.1.0
author: The evenkeel developers
description:
  - Tells which features of keepalived the directives in use need that it is not compiled with by default.
options:
  _input:
    description: The keepalived role's variables with directives, without their prefix.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show them
  ansible.builtin.debug:
    msg: "{{ {'global_defs': {'enable_snmp_vrrp': true}} | evenkeel.nginx_ha.keepalived_features }}"
"""

RETURN = r"""
_value:
  description: Their names in the order of the alphabet, such as V(bfd), V(nftables) and V(snmp).
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives as keepalived_settings


def keepalived_features(settings: Mapping[str, Any]) -> list[str]:
    return keepalived_settings.features(settings)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"keepalived_features": keepalived_features}
