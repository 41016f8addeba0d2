# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover drill: which fault is injected where, and who should have which VIP then.

VIPs have their prefixes, except where they are what clients ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..cluster.instance import Instance
from ..settings.problem import InputError, Problem
from . import faults
from .faults import Fault
from .outcome import Step
from .result import DrilledVip

# The instances of each host; those of one cluster have theirs in the same order.
Plan = Mapping[str, Sequence[Instance]]


def steps(plan: Plan, hosts: Sequence[str], names: Sequence[str], interfaces: Mapping[str, str]) -> list[Step]:
    """The drill's steps in their order: every fault on every host of hosts, and those that hit all hosts once a cluster.

    names: of the faults, as for faults.select; interfaces: the one that carries the VIPs, by host. Raises InputError.
    """
    for host in hosts:
        if host not in plan:
            what = f"names {host}, which is no load balancer of this run"
            raise InputError(Problem("drill_hosts", what, f"There are {', '.join(plan)}."))
    return [
        _step(fault, host, {member: plan[member] for member in members}, interfaces)
        for fault in faults.select(names)
        for host, members in _occasions(fault, hosts, plan)
    ]


def vips(plan: Plan) -> list[DrilledVip]:
    """Each VIP with its preferred host."""
    speakers: dict[str, list[tuple[int, str, str]]] = {}
    for host, instances in plan.items():
        for instance in instances:
            speakers.setdefault(instance.ips[0], []).append((instance.priority, host, instance.name))
    best = {address: max(found, key=lambda speaker: speaker[0]) for address, found in speakers.items()}
    return [DrilledVip(address, name, host) for address, (dummy, host, name) in best.items()]


def _occasions(fault: Fault, hosts: Sequence[str], plan: Plan) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The hosts to inject a fault on, each with the members of its cluster."""
    vips_of = {host: {instance.ips[0] for instance in instances} for host, instances in plan.items()}
    done: set[tuple[str, ...]] = set()
    for host in hosts:
        members = tuple(other for other in plan if vips_of[host] & vips_of[other])
        if not fault.everywhere or members not in done:
            yield host, members
        done.add(members)


def _step(fault: Fault, host: str, plan: Plan, interfaces: Mapping[str, str]) -> Step:
    hit = list(plan) if fault.everywhere else [host]
    return Step(
        fault=fault.name,
        title=fault.title,
        expected=fault.expected,
        host=", ".join(hit),
        commands={name: faults.command(fault, interfaces[name]) for name in hit},
        ending=faults.ending(fault),
        ends_by_itself=fault.ends_by_itself,
        reboots=fault.reboots,
        cut=fault.cut,
        gone=fault.effect == "gone" or (fault.everywhere and fault.reboots),
        home=_holding(plan),
        during=_during(fault, hit, plan),
        vips=[address for instance in plan[host] for address in instance.virtual_ipaddress],
        targets=[instance.ips[0] for instance in plan[host]],
    )


def _holding(plan: Plan, lost: Sequence[str] = ()) -> dict[str, list[str]]:
    """The addresses that each host should have while some hosts are lost."""
    held: dict[str, list[str]] = {host: [] for host in plan}
    left = [host for host in plan if host not in lost]
    for rivals in zip(*(plan[host] for host in left), strict=True):
        host, best = max(zip(left, rivals, strict=True), key=lambda rival: rival[1].priority)
        held[host] += best.virtual_ipaddress
    return held


def _during(fault: Fault, hit: Sequence[str], plan: Plan) -> dict[str, list[str]]:
    if fault.effect == "any":
        return {}
    during = _holding(plan, hit)
    if fault.effect == "both":
        # All hear nobody and take everything, or the one that is cut off keeps what it has.
        during |= {host: _holding({host: plan[host]} if fault.everywhere else plan)[host] for host in hit}
    return during
