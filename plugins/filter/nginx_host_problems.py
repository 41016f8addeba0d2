# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_host_problems
short_description: What is wrong with nginx on a host
version_added: 0.1.0
author: The evenkeel developers
description:
  - Judges what a host says of its nginx after a change, so that a play can wait until there is nothing left to say.
positional: before, reloaded
options:
  _input:
    description: The result of P(evenkeel.nginx_ha.nginx_info#module).
    type: dict
    required: true
  before:
    description: The result of the same module, with the same probes, before the change, or an empty dictionary.
    type: dict
    default: {}
  reloaded:
    description: Whether nginx was told to reload in between, so that none of its former workers may be left.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Wait until nginx is healthy
  evenkeel.nginx_ha.nginx_info:
  register: now
  until: now | evenkeel.nginx_ha.nginx_host_problems(before, true) | length == 0
  retries: 20
  delay: 1
"""

RETURN = r"""
_value:
  description:
    - Sentences without the host's name, none if there is nothing wrong. A status of 500 or more counts only where it was below before.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.host_problems import nginx_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.observed import NginxState


def nginx_host_problems(info: object, before: object = None, reloaded: bool = False) -> list[str]:
    return nginx_problems(read(NginxState, info), read(NginxState, before), reloaded)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_host_problems": nginx_host_problems}
