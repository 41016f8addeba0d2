# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a failover drill: which fault of faults.yml is injected where, how, and who should have which VIP then.

A fault is a bash script for the load balancer itself. It heals the fault when its time is over or when it is told to
stop, so that a fault ends even if whoever injected it is cut off. VIPs have their prefixes, except where they are what clients ask.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ansible.module_utils.common.yaml import yaml_load

from ..cluster.instance import Instance
from ..settings.problem import InputError, Problem
from .outcome import Step
from .result import DrilledVip

# The transient systemd unit that a fault runs as.
UNIT = "evenkeel-drill"
# Where a fault says when it began and when it ended, in seconds since 1970.
LOG = f"/run/{UNIT}"
# What makes a host that fails repeatedly come back later and later; a drill's faults are not to count.
FAILURES = "/run/vrrp/nginx.failures"
# Seconds after which a fault ends that should have been ended by hand.
HELD = 60
# Seconds in which the prober sees the VIPs at rest, and whoever has started the fault hears of it, before it is injected.
REST = 2

# The instances of each host; those of one cluster have theirs in the same order.
Plan = Mapping[str, Sequence[Instance]]


@dataclass(frozen=True)
class Fault:
    """One fault.

    inject, heal: bash; $interface is the interface that carries the VIPs.
    effect: what becomes of the VIPs of the host while it lasts: "away" (another host takes them), "gone" (no host has
    them), "both" (each host has them) or "any" (it is over too soon to look).
    everywhere: it is injected on all hosts at once.
    seconds: how long it lasts unless it is ended sooner; cut: its host may be out of reach meanwhile.
    reboots: the host leaves by itself and comes back by itself.
    harsh: it interrupts service for certain, or costs what was not written to disk; only run when it is named.
    """

    name: str
    title: str
    expected: str
    inject: str
    heal: str = ""
    effect: Literal["away", "gone", "both", "any"] = "away"
    everywhere: bool = False
    reboots: bool = False
    harsh: bool = False
    cut: bool = False
    seconds: float = HELD

    @property
    def ends_by_itself(self) -> bool:
        return self.seconds < HELD


FAULTS = tuple(
    Fault(name, **fault)
    for name, fault in yaml_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")).items()
)
BY_NAME = {fault.name: fault for fault in FAULTS}


def select(names: Sequence[str]) -> list[Fault]:
    """The faults of these names, in their order; no name means all that are not harsh, and "all" means all. Raises InputError."""
    if list(names) == ["all"]:
        return list(FAULTS)
    for name in names:
        if name not in BY_NAME:
            there_are = f"There are {', '.join(BY_NAME)}."
            raise InputError(Problem("drill_faults", f"names {name!r}, which is no fault", there_are))
    return [BY_NAME[name] for name in names] or [fault for fault in FAULTS if not fault.harsh]


def script(fault: Fault, interface: str) -> str:
    """The bash script of one fault: it says when it began, and heals when its time is over or when it is stopped."""
    return f"""
interface={shlex.quote(interface)}
heal() {{
    trap - EXIT TERM
    {fault.heal or ":"}
    rm --force {FAILURES}
    date +%s.%N >{LOG}.healed
    exit 0
}}
trap heal EXIT TERM
rm --force {LOG}.healed
sleep {REST}
date +%s.%N >{LOG}.injected
{fault.inject}
sleep {fault.seconds:g} & wait $!
""".strip()


def command(fault: Fault, interface: str) -> list[str]:
    """How the fault is started on the host; it returns at once, and the fault goes on without its caller."""
    # Only the script is told to stop: a program that heals must not be ended with it.
    options = ["--quiet", "--collect", f"--unit={UNIT}", "--service-type=exec", "--property=KillMode=mixed"]
    return ["systemd-run", *options, "bash", "-c", script(fault, interface)]


def ending(fault: Fault) -> list[str]:
    """How the fault is ended on the host, or how its end is waited for; prints when it began and when it ended."""
    end = f"systemctl stop {UNIT}"
    if fault.ends_by_itself:
        end = f"for second in {{1..90}}; do systemctl --quiet is-active {UNIT} || break; sleep 1; done"
    return ["bash", "-c", f"{end}; cat {LOG}.injected {LOG}.healed"]


def steps(plan: Plan, hosts: Sequence[str], names: Sequence[str], interfaces: Mapping[str, str]) -> list[Step]:
    """The drill's steps in their order: every fault on every host of hosts, and those that hit all hosts once a cluster.

    names: of the faults, as for select; interfaces: the one that carries the VIPs, by host. Raises InputError.
    """
    for host in hosts:
        if host not in plan:
            what = f"names {host}, which is no load balancer of this run"
            raise InputError(Problem("drill_hosts", what, f"There are {', '.join(plan)}."))
    vips_of = {host: {instance.ips[0] for instance in instances} for host, instances in plan.items()}
    clusters = {host: tuple(other for other in plan if vips_of[host] & vips_of[other]) for host in plan}
    first = [host for index, host in enumerate(hosts) if clusters[host] not in map(clusters.get, hosts[:index])]
    return [
        _step(fault, host, {member: plan[member] for member in clusters[host]}, interfaces)
        for fault in select(names)
        for host in (first if fault.everywhere else hosts)
    ]


def vips(plan: Plan) -> list[DrilledVip]:
    """Each VIP with its preferred host."""
    speakers: dict[str, list[tuple[int, str, str]]] = {}
    for host, instances in plan.items():
        for instance in instances:
            speakers.setdefault(instance.ips[0], []).append((instance.priority, host, instance.name))
    best = {address: max(found, key=lambda speaker: speaker[0]) for address, found in speakers.items()}
    return [DrilledVip(address, name, host) for address, (dummy, host, name) in best.items()]


def _step(fault: Fault, host: str, plan: Plan, interfaces: Mapping[str, str]) -> Step:
    hit = list(plan) if fault.everywhere else [host]
    return Step(
        fault=fault.name,
        title=fault.title,
        expected=fault.expected,
        host=", ".join(hit),
        commands={name: command(fault, interfaces[name]) for name in hit},
        ending=ending(fault),
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
