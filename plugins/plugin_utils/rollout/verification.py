# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster is as the inventory wants it: what verify.yml says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..text import capitalized
from . import finding
from .cluster_checks import DEAF, clocks, masters, parity, versions
from .finding import Finding, bad, note
from .host_checks import host_findings
from .host_problems import READ_WHY
from .load_balancer import LoadBalancer
from .vip_status import VipStatus, vips_of, whereabouts


@dataclass(frozen=True)
class Heard:
    """Problems of the plan and warnings of what was heard, as the filter vrrp_fleet returns them."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """clock_seconds: how far clocks may be apart; fleet: None where nobody has planned and listened."""

    clock_seconds: float = 5
    fleet: Heard | None = None


def verify(hosts: Sequence[LoadBalancer], options: Options) -> dict[str, Any]:
    """The answer of the filter cluster_verify, as its page says."""
    findings = _findings(hosts, options)
    return {
        "ok": all(each.ok for each in findings),
        "checks": [
            {"check": each.check, "subject": each.subject, "ok": each.ok, "detail": each.detail} for each in findings
        ],
        "problems": [each.detail for each in findings if not each.ok],
        "notes": [each.detail for each in findings if each.note],
        "table": finding.table(findings),
    }


def _findings(hosts: Sequence[LoadBalancer], options: Options) -> list[Finding]:
    reached = [host for host in hosts if host.reachable]
    vips = vips_of(hosts)
    findings = [*_reached(hosts)]
    for vip in vips:
        findings += holding(vip)
    for cluster in _clusters(hosts):
        findings += [*masters(cluster), *versions(cluster), *parity(cluster)]
    for host in reached:
        findings += host_findings(host, vips)
    return [*findings, *clocks(reached, options.clock_seconds), *(_network(options.fleet) if options.fleet else ())]


def _clusters(hosts: Sequence[LoadBalancer]) -> list[list[LoadBalancer]]:
    """The hosts by the VIPs that they share."""
    groups: list[tuple[set[str], list[LoadBalancer]]] = []
    for host in hosts:
        addresses, members = set(host.ranks), [host]
        for group in [group for group in groups if group[0] & addresses]:
            groups.remove(group)
            addresses |= group[0]
            members += group[1]
        groups.append((addresses, members))
    return [[host for host in hosts if host in members] for dummy, members in groups]


def _reached(hosts: Sequence[LoadBalancer]) -> Iterator[Finding]:
    if not hosts:
        yield bad("reachable", "-", "No load balancer was asked. Name the right inventory with -i.")
    for host in hosts:
        if host.reachable:
            yield Finding("reachable", host.name, "it has answered")
        else:
            detail = f"{host.name} is unreachable, or a task failed there. Read what Ansible says of it above."
            yield bad("reachable", host.name, detail)


def holding(vip: VipStatus) -> Iterator[Finding]:
    """Whether a VIP has one holder, and the right one."""
    found = whereabouts(vip)
    where = f"{vip.label} is {found.text}."
    if len(vip.holders) != 1:
        yield bad("one holder", vip.address, f"{where} {DEAF if vip.holders else f'{READ_WHY} on each host.'}")
        return
    yield Finding("one holder", vip.address, f"on {vip.holders[0].name}")
    if found.bad:
        yield bad("right holder", vip.address, f"{where} {capitalized(found.fix)}.")
    elif found.text:
        yield note("right holder", vip.address, where)
    else:
        yield Finding("right holder", vip.address, f"{vip.preferred.name} is preferred")


def _network(heard: Heard) -> Iterator[Finding]:
    """What was planned from the inventory and heard on the wire."""
    for text in heard.problems:
        yield bad("plan", "inventory", text)
    for text in heard.warnings:
        if "split brain" in text:
            yield bad("wire", "VRRP", f"{capitalized(text)} {DEAF}")
        else:
            yield note("wire", "VRRP", text)
    if heard == Heard():
        yield Finding("wire", "VRRP", "nobody else was heard")
