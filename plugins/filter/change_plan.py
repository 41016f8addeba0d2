# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: change_plan
short_description: What a run does to the load balancers, and in which order
version_added: 0.1.0
author: The evenkeel developers
description:
  - Decides what has to be done on each host, in which order the hosts have their turn, and which of them are drained meanwhile, so that
    as few clients as possible notice it.
  - It works on what was found before any change and on what the roles' C(stage) tasks have tested in the same run.
  - Clusters change in parallel. Within a cluster the hosts with the fewest VIPs come first.
positional: play_hosts
options:
  _input:
    description: The C(hostvars).
    type: dict
    required: true
  play_hosts:
    description: The load balancers of the play.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Plan what has to be done, and in which order
  ansible.builtin.set_fact:
    __change: "{{ hostvars | evenkeel.nginx_ha.change_plan(ansible_play_hosts) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The plan of the run.
  type: dict
  contains:
    changes:
      description: Whether there is anything to do.
      type: bool
    batches:
      description:
        - Hosts whose turn comes at the same time, one batch after the other.
        - Each has its C(hosts), those to C(drain) before and to C(undrain) afterwards, those whose C(keepalived), C(nginx) and C(check)
          change, and by host the addresses to C(expect) there in the end, with prefixes.
      type: list
      elements: dict
    lockstep:
      description:
        - Clusters whose members do not understand each other while their settings differ, so that keepalived changes on all of them at
          once, after the batches.
        - Each has its C(hosts), the C(survivor) that holds most VIPs, the C(others), which of the two goes C(first) (V(survivor) or
          V(others)), the hosts to C(restart), those to C(drain) before, and the C(reasons).
      type: list
      elements: dict
    disruptions:
      description: What the run moves or interrupts, a sentence each.
      type: list
      elements: str
    summary:
      description: What the run does, as lines to print.
      type: list
      elements: str
    actions:
      description:
        - By host what happens to C(nginx) (V(none), V(start), V(reload), V(upgrade)), C(check) (V(none), V(apply)) and C(keepalived)
          (V(none), V(start), V(reload), V(restart)).
      type: dict
    final:
      description:
        - By host the addresses that it must hold after the run, with prefixes. Of a VIP whose holder the plan does not determine, because
          it is not preempted or members are not in the play, there is none.
      type: dict
    problems:
      description: Why the run cannot do it, a sentence each.
      type: list
      elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.change import plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.hostvars import before_change


def change_plan(hostvars: Mapping[str, Any], play_hosts: Sequence[str]) -> dict[str, Any]:
    return plan(before_change(hostvars, play_hosts), play_hosts)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"change_plan": change_plan}
