# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: vrrp_plan
short_description: Priorities, VRIDs and states of every VIP on every host
version_added: 0.1.0
author: The evenkeel developers
description:
  - Plans which host is master of which virtual IP address (VIP), so that nobody writes a priority, a state or a
    virtual router id (VRID) by hand.
  - The first VIP prefers the first host, the second the second, and so on, round and round. One VIP gives
    master/backup, two give dual-master. The further choices of each VIP are dealt out so that the loads of any two
    hosts that are up differ by one at most, also while any one host is lost.
  - Which one is first is told by their names, in natural order (C(nginx2) before C(nginx10)). The order in which they are listed
    changes nothing; V(preferred) and V(order) do.
  - A VIP's VRID is the last octet of its address (of IPv6 the last 8 bits). Where several VIPs want one number, the
    lowest address has it, and the others take the next free numbers above; 0 becomes the next free one. IPv4 and
    IPv6 count separately.
  - In each instance a host with a failed check ranks below every healthy one, by the planned weight.
positional: hosts
options:
  _input:
    description:
      - The VIPs. Each has a V(name) and an V(address) with its prefix, and may pin V(virtual_router_id) (1 to 255),
        V(preferred) (a host), V(order) (hosts, the first ones or all), V(priorities) (a dictionary of host and priority,
        1 to 254) and V(states) (a dictionary of host and V(MASTER) or V(BACKUP)).
      - One with an V(address6) beside its address becomes two instances, the second of which is called as the first with
        V(_6) behind it and has its order of hosts.
    type: list
    elements: dict
    required: true
  hosts:
    description: The members of the cluster.
    type: list
    elements: str
    required: true
  advert_int:
    description: Seconds between two adverts; the step between priorities follows from it.
    type: float
    default: 0.25
  base:
    description: Priority of a VIP's preferred host, 1 to 254.
    type: int
    default: 254
  step:
    description:
      - How much lower the priority of each further host is.
      - With V(0) it is just large enough for the skew times of two backups to differ by O(skew)
        (RFC 5798, skew time = (256 - priority) / 256 x advert_int). Where so many hosts share a VIP that a failed one
        would not find room below the healthy ones, it is smaller, down to 1.
    type: int
    default: 0
  skew:
    description: Seconds by which the skew times of two backups differ at least; more than the network's delay.
    type: float
    default: 0.01
  reserved:
    description: VRIDs that others on the network use.
    type: list
    elements: int
    default: []
"""

EXAMPLES = r"""
- name: Show the plan of the reference's two VIPs
  ansible.builtin.debug:
    msg: "{{ vips | evenkeel.nginx_ha.vrrp_plan(['nginx1', 'nginx2'], base=150, step=50) }}"
  vars:
    vips:
      - {name: VI_1, address: 192.168.200.200/24, virtual_router_id: 51}
      - {name: VI_2, address: 192.168.200.210/24, virtual_router_id: 52}
"""

RETURN = r"""
_value:
  description:
    - A dictionary of the hosts; each has the list of its VRRP instances in the natural order of their names.
    - An instance has C(name), C(virtual_router_id), C(priority), C(state), C(virtual_ipaddress) (a list) and C(weight),
      a negative number that puts a host with a failed check below every healthy one.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.plan import plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import SKEW_SECONDS, parse
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.vip import HIGHEST


def vrrp_plan(
    vips: Sequence[Mapping[str, Any]],
    hosts: Sequence[str],
    advert_int: float = 0.25,
    base: int = HIGHEST,
    step: int = 0,
    skew: float = SKEW_SECONDS,
    reserved: Sequence[int] = (),
) -> dict[str, list[dict[str, Any]]]:
    settings, problems = parse(
        {
            "vips": vips,
            "hosts": hosts,
            "advert_int": advert_int,
            "priority_base": base,
            "priority_step": step,
            "skew": skew,
            "reserved_vrids": reserved,
        }
    )
    planned = plan(settings)
    problems += planned.problems
    if problems:
        raise AnsibleFilterError(f"evenkeel.nginx_ha.vrrp_plan: {problems[0]}")
    return {host: [_shown(instance) for instance in instances] for host, instances in planned.instances.items()}


def _shown(instance: Instance) -> dict[str, Any]:
    """Whose adverts a firewall is to let in is a matter of facts, which are not known here."""
    return {key: value for key, value in instance.as_fact().items() if key != "senders"}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"vrrp_plan": vrrp_plan}
