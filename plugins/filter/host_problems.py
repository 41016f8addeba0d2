# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_problems
short_description: What is wrong with keepalived on a host
version_added: 0.1.0
author: The evenkeel developers
description:
  - Judges what a host says of its keepalived, so that a play can wait until there is nothing left to say.
positional: expected, planned
options:
  _input:
    description: The result of P(evenkeel.nginx_ha.keepalived_info#module) with O(evenkeel.nginx_ha.keepalived_info#module:state).
    type: dict
    required: true
  expected:
    description: The addresses that the host must hold, with prefixes. Null if it does not matter.
    type: list
    elements: str
  planned:
    description: The names of the VRRP instances that must run.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Wait until keepalived is healthy
  evenkeel.nginx_ha.keepalived_info:
    interface: ens33
    state: true
  register: now
  until: now | evenkeel.nginx_ha.host_problems(['192.0.2.200/24'], ['VI_1']) | length == 0
  retries: 30
  delay: 1
"""

RETURN = r"""
_value:
  description:
    - Sentences without the host's name, none if there is nothing wrong. On a drained host an instance in FAULT is right where the drain has no weight
      by which it could lower the priority, as with C(nopreempt).
  type: list
  elements: str
"""

from collections.abc import Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.host_problems import keepalived_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.observed import KeepalivedState


def host_problems(
    info: object, expected: Sequence[str] | None = None, planned: Sequence[str] | None = None
) -> list[str]:
    return keepalived_problems(read(KeepalivedState, info), expected or (), planned or ())


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"host_problems": host_problems}
