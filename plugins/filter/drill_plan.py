# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_plan
short_description: The steps of a failover drill
version_added: 0.1.0
author: The evenkeel developers
description:
  - Says for a failover drill which fault is injected where and how, and which host should have which VIP while it lasts
    and afterwards. P(evenkeel.nginx_ha.drill_row#filter) compares that with what was found.
  - It works on what the keepalived role's preflight has planned in the same run.
positional: play_hosts, hosts, faults
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
  hosts:
    description: The load balancers to injure, one after the other. An empty list means all of the play.
    type: list
    elements: str
    required: true
  faults:
    description: The faults' names. An empty list means all that interrupt no service, C([all]) means all.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Plan the drill
  ansible.builtin.set_fact:
    __drill: "{{ hostvars | evenkeel.nginx_ha.drill_plan(ansible_play_hosts, [], ['nginx_kill', 'host_cut_off']) }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary with C(steps), C(names) (the hosts by the MAC addresses of their interfaces) and C(cluster) (what the report
      says of it).
    - Each step has the C(fault), its C(title), what is C(expected), the C(host), the hosts that it is C(injected_on), a
      command for each of them (C(commands)), the addresses that each host should have C(during) the fault and at C(home), and the
      C(targets) to probe.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import network
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import plan as drill


def drill_plan(
    hostvars: Mapping[str, Any], play_hosts: Sequence[str], hosts: Sequence[str], faults: Sequence[str]
) -> dict[str, Any]:
    members = {host: hostvars[host] for host in play_hosts}
    plan = {host: variables["keepalived_instances"] for host, variables in members.items()}
    interfaces = {host: variables["keepalived_settings"]["interface"] for host, variables in members.items()}
    try:
        steps = drill.steps(plan, list(hosts) or list(play_hosts), faults, interfaces)
    except drill.DrillError as error:
        raise AnsibleFilterError(f"evenkeel.nginx_ha.drill_plan: {error}") from error
    return {
        "steps": steps,
        "names": {
            str(network.fact(variables["ansible_facts"], interfaces[host])["macaddress"]): host
            for host, variables in members.items()
        },
        "cluster": _cluster(members, plan),
    }


def _cluster(members: Mapping[str, Any], plan: drill.Plan) -> dict[str, Any]:
    first = next(iter(members.values()))
    settings = first["keepalived_settings"]
    return {
        "hosts": list(members),
        "vips": drill.vips(plan),
        "keepalived": first["keepalived_found"]["version"],
        "advert_int": settings["advert_int"],
        "vrrp_version": settings["vrrp_version"],
    }


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"drill_plan": drill_plan}
