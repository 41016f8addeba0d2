# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster is as the inventory wants it: what verify.yml says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..text import capitalized, columns, counted, joined
from .host_checks import READ_WHY, Finding, bad, host_findings, note
from .load_balancer import LoadBalancer, Platform
from .observed import DaemonInstance
from .vip_status import VipStatus, vips_of, whereabouts

DEAF = "Look whether these hosts hear each other's VRRP packets."
Said = Sequence[tuple[LoadBalancer, DaemonInstance]]


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
        "table": columns([("check", "subject", "", ""), *map(_row, findings)]),
    }


def _row(found: Finding) -> tuple[str, ...]:
    verdict = "PROBLEM" if not found.ok else "note" if found.note else "ok"
    return found.check, found.subject, verdict, found.detail


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


def masters(cluster: Sequence[LoadBalancer]) -> Iterator[Finding]:
    """Whether all daemons agree on who is master."""
    said = [(host, each) for host in cluster if host.daemon.answers for each in host.daemon.instances]
    for name in dict.fromkeys(each.name for dummy, each in said):
        own = [(host, each) for host, each in said if each.name == name]
        subject, detail = f"{name} ({', '.join(host.name for host in cluster)})", _disagreement(name, own)
        agreed = next((f"{host.name} says so itself" for host, each in own if each.state == "MASTER"), "")
        yield Finding("one master", subject, detail or agreed, ok=not detail)


def _disagreement(name: str, said: Said) -> str:
    """Why a VRRP instance is not right, as sentences; empty where it is."""
    own = [(host, each) for host, each in said if each.state == "MASTER"]
    heard = {each.master: host.name for host, each in said if each.state == "BACKUP" and each.master}
    if len(own) > 1:
        return f"{joined(host.name for host, dummy in own)} are both MASTER of {name}. {DEAF}"
    if not own:
        states = joined(f"{each.state or 'unknown'} on {host.name}" for host, each in said)
        return f"{name} has no MASTER: it is {states}. {READ_WHY} on each host."
    if len(heard) > 1:
        views = joined(f"{host} hears {address}" for address, host in heard.items())
        return f"Backups of {name} hear different masters: {views}. {DEAF}"
    return _lacking(*own[0])


def _lacking(master: LoadBalancer, instance: DaemonInstance) -> str:
    lacking = sorted(set(instance.ips) - master.keepalived.ips)
    if not lacking:
        return ""
    return (
        f"{master.name} is MASTER of {instance.name} and lacks {joined(lacking)}. Find what else manages the interface's addresses, "
        "then 'systemctl restart keepalived'."
    )


def versions(cluster: Sequence[LoadBalancer]) -> Iterator[Finding]:
    """Whether all members run the same keepalived and the same nginx."""
    reached = [host for host in cluster if host.reachable]
    yield from _one_version("keepalived", {host: host.daemon.version for host in reached if host.runs})
    yield from _one_version("nginx", {host: host.nginx.version for host in reached if host.nginx})


def _one_version(program: str, found: Mapping[LoadBalancer, str]) -> Iterator[Finding]:
    known = {host: version for host, version in found.items() if version}
    if len(known) < 2:
        return
    check, subject = f"{program}'s versions", ", ".join(host.name for host in known)
    if len(set(known.values())) == 1:
        yield Finding(check, subject, f"{known.popitem()[1]} on all")
        return
    has = joined(f"{version} on {host.name}" for host, version in known.items())
    yield _difference(check, subject, f"{program} is {has}", "Bring all to one version.", list(known))


def _difference(check: str, subject: str, text: str, fix: str, hosts: Sequence[LoadBalancer]) -> Finding:
    """A difference between hosts, which their distributions may explain."""
    platforms = {host.platform for host in hosts}
    if len(platforms) > 1 and Platform() not in platforms:
        where = joined(f"{host.name} is {host.platform}" for host in hosts)
        return note(check, subject, f"{text}, and {where}.")
    return bad(check, subject, f"{text}. {fix}")


def parity(cluster: Sequence[LoadBalancer]) -> Iterator[Finding]:
    """Whether nginx has the same configuration and certificates on each host, path by path."""
    known = {host: host.nginx for host in cluster if host.nginx and host.nginx.files}
    if len(known) < 2:
        return
    yield from _alike("configuration", {host: nginx.files for host, nginx in known.items()})
    certificates = {
        host: {path: each.sha256 or "" for path, each in nginx.certificates.items()} for host, nginx in known.items()
    }
    yield from _alike("certificates", certificates)


def _alike(what: str, digests: Mapping[LoadBalancer, Mapping[str, str]]) -> Iterator[Finding]:
    paths = dict.fromkeys(path for own in digests.values() for path in own)
    found = [_unlike(what, path, {host: own.get(path, "") for host, own in digests.items()}) for path in paths]
    yield from (each for each in found if each)
    if paths and not any(found):
        yield Finding(what, ", ".join(host.name for host in digests), f"{counted(len(paths), 'file')} alike")


def _unlike(what: str, path: str, digests: Mapping[LoadBalancer, str]) -> Finding | None:
    """What is wrong with a file, by the digests that the hosts have of it; empty where it is missing."""
    having = [host.name for host, digest in digests.items() if digest]
    lacking = [host.name for host, digest in digests.items() if not digest]
    names = joined(host.name for host in digests)
    if not having:
        text = f"{path} is missing on {names}, though nginx's configuration names it"
    elif lacking:
        text = f"{path} is in use by nginx on {joined(having)}, and missing on {joined(lacking)}"
    elif len(set(digests.values())) == 1:
        return None
    elif what == "configuration" and all(_as_desired(host, path) for host in digests):
        return note(what, path, f"{path} differs between {names}, as the inventory wants it.")
    else:
        text = f"{path} differs between {names}"
    fix = "Run site.yml." if any(path in host.pending for host in digests) else "Make it the same on each host."
    if what == "configuration":
        return _difference(what, path, text, fix, list(digests))
    return bad(what, path, f"{text}. {fix}")


def _as_desired(host: LoadBalancer, path: str) -> bool:
    """Whether the inventory says what this file is, and the host has it so."""
    staged = host.staged.get("nginx")
    if not staged or staged.pending_files is None or path in host.pending:
        return False
    return staged.managed_files is None or path in staged.managed_files


def clocks(hosts: Sequence[LoadBalancer], limit: float) -> Iterator[Finding]:
    """limit: how many seconds they may be apart."""
    offsets = {host.name: host.keepalived.clock_offset for host in hosts}
    known = sorted((offset, name) for name, offset in offsets.items() if offset is not None)
    if len(known) > 1:
        apart = known[-1][0] - known[0][0]
        text = f"The clocks of {known[0][1]} and {known[-1][1]} are {apart:.1f} s apart"
        if apart > limit:
            detail = f"{text}, and {limit:g} s are allowed. Synchronize them, e.g. with chrony."
            yield bad("clocks", ", ".join(offsets), detail)
        else:
            yield Finding("clocks", ", ".join(offsets), f"{apart:.1f} s apart at most")
    for host in hosts:
        if host.keepalived.ntp is False:
            detail = f"{host.name}: its clock is not synchronized. Set up NTP, e.g. with chrony."
            yield note("clocks", host.name, detail)
