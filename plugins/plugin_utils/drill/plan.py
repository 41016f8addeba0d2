# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover drill: which fault is injected where, who should have which VIP then, and what came of it.

A plan is what vrrp.plan gives: the VRRP instances of each host. Addresses have their prefix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import faults
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.faults import Fault

Plan = Mapping[str, Sequence[Mapping[str, Any]]]


class DrillError(ValueError):
    """The drill cannot be run as it was asked for; the text names the variable, the value and the fix."""


def steps(
    plan: Plan, hosts: Sequence[str], names: Sequence[str], interfaces: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The drill's steps in their order: every fault on every host of hosts, and those that hit all hosts once a cluster.

    A step has fault, title, expected, host, injected_on, reboots, cut, commands (by host), home and during (addresses by
    host; during is empty where nothing in particular is expected) and bystanders: VIPs whose host nothing happens to.
    """
    _refuse_unknown(hosts, plan)
    try:
        chosen = faults.select(names)
    except ValueError as error:
        raise DrillError(f"drill_faults: {error}") from None
    found = []
    for fault in chosen:
        done: set[tuple[str, ...]] = set()
        for host in hosts:
            members = _members(plan, host)
            if fault.everywhere and members in done:
                continue
            done.add(members)
            found.append(_step(fault, host, {member: plan[member] for member in members}, interfaces))
    return found


def row(
    step: Mapping[str, Any],
    seen: Mapping[str, Any],
    during: Mapping[str, Sequence[str]],
    after: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """What came of a step: the prober's targets, and the addresses that hosts had while the fault lasted and afterwards."""
    surprises = [*_displaced(step["during"], during, "while it lasted"), *_displaced(step["home"], after, "afterwards")]
    surprises += _unanswered(step, seen)
    return {
        "fault": step["fault"],
        "title": step["title"],
        "expected": step["expected"],
        "host": step["host"],
        "ok": not surprises,
        "surprise": " ".join(surprises),
        "probe": seen,
    }


def vips(plan: Plan) -> list[dict[str, str]]:
    """Each VIP's name, address and preferred host."""
    found = {}
    for instances in plan.values():
        for instance in instances:
            address = instance["virtual_ipaddress"][0]
            best = max(_speakers(plan, address), key=lambda pair: pair[1])[0]
            found[address] = {"name": instance["name"], "address": address.split("/")[0], "preferred": best}
    return list(found.values())


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The drill as lines to print."""
    lines = [("fault", "host", "VIP", "failed", "longest gap", "")]
    for entry in rows:
        for address, target in (entry["probe"].get("targets") or {}).items():
            verdict = "as expected" if entry["ok"] else "SURPRISE"
            counts = f"{target['failed']} of {target['sent']}"
            lines.append((entry["title"], entry["host"], address, counts, f"{target['gap_ms']:.0f} ms", verdict))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _refuse_unknown(hosts: Sequence[str], plan: Plan) -> None:
    for host in hosts:
        if host not in plan:
            raise DrillError(f"drill_hosts: {host} is no load balancer of this run. There are {', '.join(plan)}.")


def _members(plan: Plan, host: str) -> tuple[str, ...]:
    own = {instance["virtual_ipaddress"][0] for instance in plan[host]}
    return tuple(
        other for other, instances in plan.items() if own & {entry["virtual_ipaddress"][0] for entry in instances}
    )


def _speakers(plan: Plan, address: str) -> list[tuple[str, int]]:
    """The hosts of a VIP with their priorities."""
    return [
        (host, instance["priority"])
        for host, instances in plan.items()
        for instance in instances
        if instance["virtual_ipaddress"][0] == address
    ]


def _step(fault: Fault, host: str, plan: Plan, interfaces: Mapping[str, str]) -> dict[str, Any]:
    hit = list(plan) if fault.everywhere else [host]
    home = _holding(plan, [])
    bystanders = [
        address.split("/")[0] for holder, held in home.items() if holder not in hit for address in held
    ]  # fmt: skip
    return {
        "fault": fault.name,
        "title": fault.title,
        "expected": fault.expected,
        "host": host if not fault.everywhere else ", ".join(hit),
        "injected_on": hit,
        "reboots": fault.reboots,
        "cut": fault.cut,
        "unit": faults.UNIT,
        "log": faults.LOG,
        "ends_by_itself": fault.seconds < faults.HELD,
        "commands": {name: faults.command(fault, interfaces[name]) for name in hit},
        "home": home,
        "during": _during(fault, hit, plan),
        "targets": [instance["virtual_ipaddress"][0].split("/")[0] for instance in next(iter(plan.values()))],
        "targets_with_prefix": [
            address for instance in next(iter(plan.values())) for address in instance["virtual_ipaddress"]
        ],
        "bystanders": bystanders,
        "gone": fault.effect == "gone" or (fault.everywhere and fault.reboots),
    }


def _holding(plan: Plan, lost: Sequence[str]) -> dict[str, list[str]]:
    """The addresses that each host should have while some hosts are lost."""
    left = [host for host in plan if host not in lost]
    held: dict[str, list[str]] = {host: [] for host in plan}
    for index, instance in enumerate(next(iter(plan.values()))):
        if left:
            best = max(left, key=lambda host: plan[host][index]["priority"])
            held[best].extend(instance["virtual_ipaddress"])
    return held


def _during(fault: Fault, hit: Sequence[str], plan: Plan) -> dict[str, list[str]]:
    everything = [address for instance in next(iter(plan.values())) for address in instance["virtual_ipaddress"]]
    if fault.effect == "away":
        return _holding(plan, hit)
    if fault.effect == "gone":
        return {host: [] for host in plan}
    if fault.effect == "both" and fault.everywhere:
        return {host: list(everything) for host in plan}
    if fault.effect == "both":
        return {**_holding(plan, hit), hit[0]: _holding(plan, [])[hit[0]]}
    return {}


def _displaced(wanted: Mapping[str, Sequence[str]], found: Mapping[str, Sequence[str]], when: str) -> Iterator[str]:
    planned = {address for held in wanted.values() for address in held}
    for host, addresses in found.items():
        own = sorted(planned & set(addresses))
        if host in wanted and own != sorted(wanted[host]):
            has, should = ", ".join(own) or "no VIP", ", ".join(wanted[host]) or "none"
            yield f"{host} had {has} {when}, and should have had {should}."


def _unanswered(step: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[str]:
    targets = seen.get("targets") or {}
    if not targets:
        yield "The prober returned nothing."
    for address, target in targets.items():
        if target["recover_ms"] is None:
            yield f"{address} did not answer again."
        elif not target["sent"] - target["failed"] and not step["gone"]:
            yield f"{address} never answered."
        elif address in step["bystanders"] and target["gap_ms"] > 500:
            yield f"{address} did not answer for {target['gap_ms']:.0f} ms, though nothing had happened to its host."
