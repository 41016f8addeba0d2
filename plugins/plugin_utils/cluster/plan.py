# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is master of which VIP: the VRRP instances of a cluster.

Pure functions of the inventory's data; they run on the control node only. The order in which the inventory lists hosts and VIPs
changes nothing: settings have both in the natural order of their names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..settings.keepalived import KeepalivedSettings
from ..settings.problem import Problem
from ..settings.vip import HIGHEST, LOWEST, Vip
from . import groups, priorities, vrids
from .instance import Instance

# VRRPv3 counts hundredths of a second.
SHORTEST_ADVERT = 0.01


@dataclass(frozen=True)
class Plan:
    """The instances of each host, in the natural order of the VIPs' names, and why they would not work."""

    instances: Mapping[str, Sequence[Instance]]
    problems: Sequence[Problem]


def plan(settings: KeepalivedSettings, numbers: Sequence[int] | None = None) -> Plan:
    """The plan of one cluster. numbers: the VRIDs of its VIPs, where they are planned together with other clusters.

    A takeover after a fault takes (256 - priority) / 256 x advert_int (RFC 5798, skew time): so the master's priority is as high
    as can be, and the step to each further host just large enough for the skew times of two backups to differ by skew. Where so many
    hosts share a VIP that this leaves a failed host no room below the healthy ones, the step shrinks, down to 1.
    """
    hosts, vips = settings.hosts, settings.vips
    problems = [*_problems(settings), *(each for vip in vips for each in priorities.pin_problems(vip, hosts))]
    if numbers is None:
        numbers, found = vrids.plan_vrids(vips, settings.reserved_vrids)
        problems += found
    if problems:
        return Plan(dict.fromkeys(hosts, ()), problems)
    step = settings.priority_step or _step(len(hosts), settings)
    own: dict[str, list[Instance]] = {host: [] for host in hosts}
    for vip, number, order in zip(vips, numbers, _orders(settings), strict=True):
        ranks = priorities.priorities_of(vip, order, settings.priority_base, step)
        problems += priorities.problems_of(vip, ranks, order, settings.preempt_delay)
        for host, instance in _instances(vip, number, ranks, settings.preempt_delay).items():
            own[host].append(instance)
    return Plan(own, list(dict.fromkeys(problems)))


def _problems(settings: KeepalivedSettings) -> list[Problem]:
    found = []
    if not settings.hosts:
        found.append(Problem("keepalived_hosts", "is empty", "Set it, e.g. to the group of load balancers."))
    if not LOWEST < settings.priority_base <= HIGHEST:
        what = f"is {settings.priority_base}"
        fix = f"It must be {LOWEST + 1} to {HIGHEST}; 255 would make the master the owner, which no failed check can lower."
        found.append(Problem("keepalived_priority_base", what, fix))
    if settings.priority_step < 0:
        fix = "It is 0 (chosen) or more; pin priorities to prefer another host."
        found.append(Problem("keepalived_priority_step", f"is {settings.priority_step}", fix))
    return found


def _step(count: int, settings: KeepalivedSettings) -> int:
    wanted = math.ceil(min(settings.skew * 256 / max(settings.advert_int, SHORTEST_ADVERT), HIGHEST))
    # A failed host loses the whole span and one more, and must still be at LOWEST or above.
    room = (settings.priority_base - LOWEST - 1) // (2 * max(count - 1, 1))
    return max(1, min(wanted, room))


def _orders(settings: KeepalivedSettings) -> list[list[str]]:
    """Of each VIP all hosts, in the order in which they take it."""
    hosts = settings.hosts
    numbers = {host: number for number, host in enumerate(hosts)}
    pins = [[numbers[host] for host in priorities.first_hosts(vip, hosts)] for vip in settings.vips]
    leaders = groups.leaders_of(settings.vips, settings.sync_groups)
    return [[hosts[number] for number in order] for order in groups.orders(pins, len(hosts), leaders)]


def _instances(vip: Vip, number: int, ranks: Mapping[str, int], preempt_delay: float) -> dict[str, Instance]:
    states = priorities.states_of(vip, ranks, preempt_delay)
    # A host that does not preempt takes nothing from a master whose priority falls: only FAULT (0) moves the VIP.
    weight = 0 if vip.nopreempt else min(ranks.values()) - max(ranks.values()) - 1
    return {
        host: Instance(
            name=vip.name,
            virtual_router_id=number,
            priority=priority,
            state=states[host],
            weight=weight,
            nopreempt=vip.nopreempt,
            virtual_ipaddress=vip.texts,
            options=vip.options,
            address_options=vip.address_options,
        )
        for host, priority in ranks.items()
    }
