# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is master of which VIP: the VRRP instances of a cluster.

Pure functions of the inventory's data; they run on the control node only. The order in which the inventory lists hosts and VIPs
changes nothing: settings have both in the natural order of their names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..settings.keepalived import KeepalivedSettings, SyncGroup
from ..settings.problem import Problem
from ..settings.vip import HIGHEST, LOWEST, Vip
from . import balance
from .instance import Instance
from .vrids import plan_vrids

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
    problems = [*_problems(settings), *(each for vip in vips for each in _pin_problems(vip, hosts))]
    if numbers is None:
        numbers, found = plan_vrids(vips, settings.reserved_vrids)
        problems += found
    if problems:
        return Plan(dict.fromkeys(hosts, ()), problems)
    step = settings.priority_step or _step(len(hosts), settings)
    own: dict[str, list[Instance]] = {host: [] for host in hosts}
    for vip, number, order in zip(vips, numbers, _orders(settings), strict=True):
        ranks = {
            host: vip.priorities.get(host, settings.priority_base - rank * step) for rank, host in enumerate(order)
        }
        problems += _rank_problems(vip, ranks, order, settings.preempt_delay)
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
    """Of each VIP all hosts, in the order in which they take it: that of its leader."""
    hosts, leaders = settings.hosts, leaders_of(settings.vips, settings.sync_groups)
    numbers = {host: number for number, host in enumerate(hosts)}
    pins: dict[int, list[int]] = {leader: [] for leader in sorted(leaders)}
    for vip, leader in zip(settings.vips, leaders, strict=True):
        pins[leader] = max(pins[leader], [numbers[host] for host in _first_hosts(vip, hosts)], key=len)
    orders = dict(zip(pins, balance.orders(list(pins.values()), len(hosts)), strict=True))
    return [[hosts[number] for number in orders[leader]] for leader in leaders]


def _instances(vip: Vip, number: int, ranks: Mapping[str, int], preempt_delay: float) -> dict[str, Instance]:
    best = max(ranks, key=lambda host: ranks[host])
    starting = "BACKUP" if _backups_only(vip, preempt_delay) else "MASTER"
    # A host that does not preempt takes nothing from a master whose priority falls: only FAULT (0) moves the VIP.
    weight = 0 if vip.nopreempt else min(ranks.values()) - max(ranks.values()) - 1
    return {
        host: Instance(
            name=vip.name,
            virtual_router_id=number,
            priority=priority,
            state=vip.states.get(host, starting if host == best else "BACKUP"),
            weight=weight,
            nopreempt=vip.nopreempt,
            virtual_ipaddress=vip.texts,
            options=vip.options,
            address_options=vip.address_options,
        )
        for host, priority in ranks.items()
    }


def _first_hosts(vip: Vip, hosts: Sequence[str]) -> Sequence[str]:
    """The hosts that the VIP's order starts with: what it prefers, else all by its priorities where each has one."""
    if vip.order or vip.preferred or set(vip.priorities) == set(hosts):
        return vip.pinned
    return ()


def _backups_only(vip: Vip, preempt_delay: float) -> str:
    """The variable for which every host has to start as a backup, or else keepalived ignores it."""
    return "nopreempt" if vip.nopreempt else "keepalived_preempt_delay" if preempt_delay else ""


def _pin_problems(vip: Vip, hosts: Sequence[str]) -> Iterator[Problem]:
    """Pins of hosts that are no members."""
    named: Mapping[str, Iterable[str]] = {
        "order": vip.order,
        "preferred": (vip.preferred,) if vip.preferred else (),
        "priorities": vip.priorities,
        "states": vip.states,
    }
    for key, pinned in named.items():
        for host in pinned:
            if host not in hosts:
                what = f"names {host}, which is no member"
                yield vip.problem(key, what, f"The members are {', '.join(hosts)}.")


def _rank_problems(vip: Vip, ranks: Mapping[str, int], order: Sequence[str], preempt_delay: float) -> Iterator[Problem]:
    """Why the priorities and states of a VIP would not work."""
    yield from _equal(vip, ranks)
    highest, lowest = max(ranks.values()), min(ranks.values())
    master = max(ranks, key=lambda host: ranks[host])
    if (vip.order or vip.preferred) and master != order[0]:
        what = f"make {master} its master, but preferred or order names {order[0]}"
        yield vip.problem("priorities", what, "Set one of the two.")
    fallen = 2 * lowest - highest - 1
    if fallen < LOWEST:
        what = (
            f"make priorities {highest} to {lowest}, which leave no room for a failed host to rank below a healthy one (the last would "
            f"fall to {fallen})"
        )
        fix = "Use a smaller keepalived_priority_step or a higher keepalived_priority_base."
        yield (
            vip.problem("priorities", what, fix)
            if vip.priorities
            else Problem("keepalived_priority_base and _step", what, fix)
        )
    reason = _backups_only(vip, preempt_delay)
    for host, state in vip.states.items():
        if state == "MASTER" and reason:
            what = f"is MASTER, with which {reason} has no effect; keepalived wants BACKUP on all hosts for it"
            yield vip.problem(f"states.{host}", what, f"Remove the pinned state, or {reason}.")


def _equal(vip: Vip, ranks: Mapping[str, int]) -> Iterator[Problem]:
    holders: dict[int, str] = {}
    for host, priority in ranks.items():
        other = holders.setdefault(priority, host)
        if other != host:
            what = f"give {other} and {host} both {priority}"
            yield vip.problem("priorities", what, "Equal priorities go to the higher address; give each host its own.")


def leaders_of(vips: Sequence[Vip], groups: Sequence[SyncGroup]) -> list[int]:
    """For each VIP the number of the first VIP of its sync group, of the one that it follows, or its own."""
    numbers = {vip.name: number for number, vip in enumerate(vips)}
    leaders = list(range(len(vips)))
    for group in groups:
        members = sorted(numbers[name] for name in group.vips if name in numbers)
        for index in members:
            leaders[index] = members[0]
    for index, vip in enumerate(vips):
        if vip.follows:
            leaders[index] = leaders[numbers[vip.follows]]
    return leaders
