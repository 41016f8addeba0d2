# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Priorities and states of one VIP on the hosts of its cluster, and pins that cannot work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..settings.problem import Problem
from ..settings.vip import LOWEST, Vip


def first_hosts(vip: Vip, hosts: Sequence[str]) -> Sequence[str]:
    """The hosts that the VIP's order starts with: what it prefers, else all by its priorities where each has one."""
    if vip.order or vip.preferred or set(vip.priorities) == set(hosts):
        return vip.pinned
    return ()


def priorities_of(vip: Vip, order: Sequence[str], base: int, step: int) -> dict[str, int]:
    return {host: vip.priorities.get(host, base - rank * step) for rank, host in enumerate(order)}


def states_of(vip: Vip, ranks: Mapping[str, int], preempt_delay: float) -> dict[str, str]:
    best = max(ranks, key=lambda host: ranks[host])
    starting = "BACKUP" if _backups_only(vip, preempt_delay) else "MASTER"
    return {host: vip.states.get(host, starting if host == best else "BACKUP") for host in ranks}


def _backups_only(vip: Vip, preempt_delay: float) -> str:
    """The variable for which every host has to start as a backup, or else keepalived ignores it."""
    return "nopreempt" if vip.nopreempt else "keepalived_preempt_delay" if preempt_delay else ""


def pin_problems(vip: Vip, hosts: Sequence[str]) -> Iterator[Problem]:
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


def problems_of(vip: Vip, ranks: Mapping[str, int], order: Sequence[str], preempt_delay: float) -> Iterator[Problem]:
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
