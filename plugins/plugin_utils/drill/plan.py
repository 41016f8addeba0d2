# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover drill: which fault is injected where, and who should have which VIP then.

VIPs have their prefixes, except where they are what clients ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.host import network_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import faults
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.faults import Fault
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.result import DrilledVip
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.problem import InputError, Problem

# The instances of each host; those of one cluster have theirs in the same order.
Plan = Mapping[str, Sequence[Instance]]
Holders = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Member:
    """A load balancer. interface: the one that carries the VIPs, mac: its address; keepalived: its version; advert_int: seconds; vrrp_version: 2 or 3."""

    instances: tuple[Instance, ...]
    interface: str
    mac: str
    keepalived: str
    advert_int: float
    vrrp_version: int

    @classmethod
    def from_hostvars(cls, variables: Mapping[str, Any]) -> Member:
        """From what the preflight has left on the host."""
        settings = variables["keepalived_settings"]
        network = network_of(variables["ansible_facts"])
        return cls(
            instances=tuple(map(Instance.from_fact, variables["keepalived_instances"])),
            interface=settings["interface"],
            mac=network.nic(settings["interface"]).mac if network else "",
            keepalived=str(variables["keepalived_found"]["version"]),
            advert_int=settings["advert_int"],
            vrrp_version=settings["vrrp_version"],
        )


@dataclass(frozen=True)
class Step:
    """One fault on one host, or on all hosts of a cluster.

    host: the hosts' names as a text; injected_on: the hosts; commands: what injects the fault on each, ending: what ends it there or
    waits for its end, and prints when it began and ended. home, during: the VIPs that each host should have before and after the fault,
    and while it lasts (empty where nothing in particular is expected); vips: all of them; targets: the addresses to ask;
    bystanders: those whose host nothing happens to; gone: none of them need answer meanwhile.
    """

    fault: str
    title: str
    expected: str
    host: str
    injected_on: Sequence[str]
    commands: Mapping[str, Sequence[str]]
    ending: Sequence[str]
    ends_by_itself: bool
    reboots: bool
    cut: bool
    gone: bool
    home: Holders
    during: Holders
    vips: Sequence[str]
    targets: Sequence[str]
    bystanders: Sequence[str]

    @classmethod
    def from_fact(cls, fact: Mapping[str, Any]) -> Step:
        """A step from what as_fact has made of one."""
        return cls(**fact)

    def as_fact(self) -> dict[str, Any]:
        return asdict(self)


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
            speakers.setdefault(_vip(instance), []).append((instance.priority, host, instance.name))
    best = {address: max(found, key=lambda speaker: speaker[0]) for address, found in speakers.items()}
    return [DrilledVip(_bare(address), name, host) for address, (dummy, host, name) in best.items()]


def _occasions(fault: Fault, hosts: Sequence[str], plan: Plan) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The hosts to inject a fault on, each with the members of its cluster."""
    done: set[tuple[str, ...]] = set()
    for host in hosts:
        members = _members(plan, host)
        if not fault.everywhere or members not in done:
            yield host, members
        done.add(members)


def _members(plan: Plan, host: str) -> tuple[str, ...]:
    own = set(map(_vip, plan[host]))
    return tuple(other for other, instances in plan.items() if own & set(map(_vip, instances)))


def _vip(instance: Instance) -> str:
    """An instance's first address."""
    return instance.virtual_ipaddress[0]


def _bare(address: str) -> str:
    return address.split("/")[0]


def _step(fault: Fault, host: str, plan: Plan, interfaces: Mapping[str, str]) -> Step:
    hit = list(plan) if fault.everywhere else [host]
    home = _holding(plan, [])
    return Step(
        fault=fault.name,
        title=fault.title,
        expected=fault.expected,
        host=", ".join(hit),
        injected_on=hit,
        commands={name: faults.command(fault, interfaces[name]) for name in hit},
        ending=faults.ending(fault),
        ends_by_itself=fault.ends_by_itself,
        reboots=fault.reboots,
        cut=fault.cut,
        gone=fault.effect == "gone" or (fault.everywhere and fault.reboots),
        home=home,
        during=_during(fault, hit, plan),
        vips=_everything(plan),
        targets=[_bare(_vip(instance)) for instance in _instances(plan)],
        bystanders=[_bare(address) for holder, held in home.items() if holder not in hit for address in held],
    )


def _instances(plan: Plan) -> Sequence[Instance]:
    """Those of any host, for the hosts of a cluster have the same."""
    return next(iter(plan.values()))


def _everything(plan: Plan) -> list[str]:
    return [address for instance in _instances(plan) for address in instance.virtual_ipaddress]


def _holding(plan: Plan, lost: Sequence[str]) -> dict[str, list[str]]:
    """The addresses that each host should have while some hosts are lost."""
    left = [host for host in plan if host not in lost]
    held: dict[str, list[str]] = {host: [] for host in plan}
    for index, instance in enumerate(_instances(plan)):
        if left:
            best = max(left, key=lambda host: plan[host][index].priority)
            held[best].extend(instance.virtual_ipaddress)
    return held


def _during(fault: Fault, hit: Sequence[str], plan: Plan) -> dict[str, list[str]]:
    if fault.effect == "away":
        return _holding(plan, hit)
    if fault.effect == "gone":
        return {host: [] for host in plan}
    if fault.effect == "both" and fault.everywhere:
        return {host: _everything(plan) for host in plan}
    if fault.effect == "both":
        return {**_holding(plan, hit), hit[0]: _holding(plan, [])[hit[0]]}
    return {}
