# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: vrrp_fleet
short_description: The plan of all clusters of an inventory, and what is wrong with them
version_added: 0.1.0
author: The evenkeel developers
description:
  - Plans each cluster as P(evenkeel.nginx_ha.vrrp_plan#filter) does, VRIDs together for clusters that share a network,
    and checks the rules between hosts.
  - The keepalived role's preflight calls it once for a play, after it has collected each host's settings.
positional: play_hosts
options:
  _input:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  play_hosts:
    description:
      - The hosts of the play. Of other hosts of the inventory only the variables that it sets are known; they count for
        VRIDs and for differences between members.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Plan all clusters
  ansible.builtin.set_fact:
    fleet: "{{ hostvars | evenkeel.nginx_ha.vrrp_fleet(ansible_play_hosts_all) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(plan) has the instances of each host, C(problems) and C(warnings) one sentence each, C(table) the plan as lines
      to print, and C(moves) what applying it would move.
  type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.cluster import table
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import preflight


def vrrp_fleet(hostvars: Mapping[str, Any], play_hosts: Iterable[str]) -> dict[str, Any]:
    fleet = preflight.judged(hostvars, play_hosts)
    in_play = set(play_hosts)
    return {
        "plan": {
            host: [instance.as_fact() for instance in instances]
            for host, instances in fleet.plan.items()
            if host in in_play
        },
        "problems": list(map(str, fleet.problems)),
        "warnings": list(fleet.warnings),
        "table": table(fleet.clusters),
        "moves": [text for cluster in fleet.clusters for text in cluster.moves()],
    }


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"vrrp_fleet": vrrp_fleet}
