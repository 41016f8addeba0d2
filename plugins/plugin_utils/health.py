# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cluster is: who holds its VIPs and why, whether all is as the inventory wants it, and what may be drained.

Pure functions of what the modules keepalived_info, nginx_info, config_files and vip_probe returned on the load
balancers; they run on the control node. VIPs are named by their addresses without prefixes.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CLOCK_SECONDS = 5.0
CERTIFICATE_DAYS = 14
# How the reason of a drain begins that site.yml makes for itself, and takes back in the end.
RUN = "run "
READ_WHY = "Read why with 'journalctl -u keepalived'"
DEAF = "Look whether these hosts hear each other's VRRP packets."
DAY = 86400
STAGED = ("__nginx_staged", "__check_nginx_staged", "__keepalived_staged")
VARIABLES = (
    "ansible_facts",
    "__keepalived_now",
    "__keepalived_settings",
    "__keepalived_instances",
    "__keepalived_binary_wanted",
    "__nginx_now",
    "__vip_seen",
    *STAGED,
)


@dataclass(frozen=True)
class Impediment:
    """Why a host does not take a VIP: a clause, what would help, and whether it is no more than somebody's wish."""

    text: str
    fix: str
    wanted: bool = False


@dataclass(frozen=True)
class Finding:
    """The outcome of one check. What is not ok has a full sentence as its detail, and so has a note."""

    check: str
    subject: str
    detail: str
    ok: bool = True
    note: bool = False


def _bad(check: str, subject: str, detail: str) -> Finding:
    return Finding(check, subject, detail, ok=False)


def _note(check: str, subject: str, detail: str) -> Finding:
    return Finding(check, subject, detail, note=True)


@dataclass(frozen=True, eq=False)
class Host:
    """A load balancer with those of its variables that count here; now is the control node's time."""

    name: str
    variables: Mapping[str, Any]
    now: float

    def result(self, registered: str) -> Mapping[str, Any]:
        return self.variables.get(registered) or {}

    @property
    def keepalived(self) -> Mapping[str, Any]:
        return self.result("__keepalived_now")

    @property
    def nginx(self) -> Mapping[str, Any]:
        return self.result("__nginx_now")

    @property
    def daemon(self) -> Mapping[str, Any]:
        return self.keepalived.get("daemon") or {}

    @property
    def reachable(self) -> bool:
        return bool(self.keepalived) and not self.keepalived.get("unreachable")

    @property
    def running(self) -> bool:
        return bool(self.daemon.get("running"))

    @property
    def answers(self) -> bool:
        return self.running and self.daemon.get("state_age") is not None

    @property
    def instances(self) -> Sequence[Mapping[str, Any]]:
        return self.daemon.get("instances") or []

    @property
    def plan(self) -> Sequence[Mapping[str, Any]]:
        return self.variables.get("__keepalived_instances") or []

    @property
    def nginx_running(self) -> bool | None:
        """None where nobody asked."""
        return bool(self.nginx.get("running")) if self.nginx else None

    @property
    def check(self) -> str:
        if self.keepalived.get("nginx_down") or self.nginx_running is False:
            return "down"
        return "failing" if self.keepalived.get("check_failed") else "well"

    @property
    def drained(self) -> str:
        return " ".join(str(self.keepalived.get("drained") or "").split())

    @property
    def drained_by_run(self) -> bool:
        return self.drained.startswith(RUN)

    @property
    def drain(self) -> str:
        """The drain's reason, and for how long it has lasted by the host's own clock."""
        since = self.keepalived.get("drained_since")
        return self.drained + (f", since {duration(self.clock - since)}" if since is not None else "")

    @property
    def clock(self) -> float:
        return self.now + (self.keepalived.get("clock_offset") or 0)

    @property
    def addresses(self) -> set[str]:
        return {bare(address) for address in self.keepalived.get("addresses") or []}

    @property
    def ranks(self) -> dict[str, tuple[str, int]]:
        """Instance and priority of each VIP that this host may have: as planned, else as keepalived has them."""
        loaded = self.instances or self.keepalived.get("instances") or []
        return {
            bare(address): (str(instance["name"]), int(instance.get("base_priority", instance.get("priority")) or 0))
            for instance in [*loaded, *self.plan]
            for address in instance.get("virtual_ipaddress") or []
        }

    @property
    def pending(self) -> list[str]:
        return [path for registered in STAGED for path in self.result(registered).get("pending_files") or []]

    @property
    def platform(self) -> str:
        facts = self.variables.get("ansible_facts") or {}
        return f"{facts.get('distribution', '')} {facts.get('distribution_major_version', '')}".strip()

    def instance(self, address: str) -> Mapping[str, Any] | None:
        """What the daemon says of the instance of a VIP."""
        found = (each for each in self.instances if address in map(bare, each.get("virtual_ipaddress") or []))
        return next(found, None)

    def planned(self, address: str) -> Mapping[str, Any]:
        found = (each for each in self.plan if address in map(bare, each["virtual_ipaddress"]))
        return next(found, {})


@dataclass(frozen=True)
class Vip:
    """A VIP, the hosts that may have it, the preferred one first, and those that have it now."""

    address: str
    instance: str
    order: tuple[Host, ...]
    holders: tuple[Host, ...]
    unreached: bool

    @property
    def preferred(self) -> Host:
        return self.order[0]

    @property
    def label(self) -> str:
        return f"{self.address} ({self.instance})"


@dataclass(frozen=True)
class Place:
    """Where a VIP is, as a clause; fix says what would bring it to where it belongs; bad: that it should be elsewhere."""

    text: str = ""
    fix: str = ""
    bad: bool = False


def read(hostvars: Mapping[str, Any], names: Sequence[str], now: float) -> list[Host]:
    """The hosts; each variable is taken once, for Ansible evaluates it each time."""
    return [Host(str(name), {key: hostvars[name].get(key) for key in VARIABLES}, now) for name in names]


def status(hosts: Sequence[Host]) -> dict[str, Any]:
    """Who holds what, and how the hosts are."""
    vips = _vips(hosts)
    found = {
        vip.address: {
            "holders": [host.name for host in vip.holders],
            "preferred": vip.preferred.name,
            "ok": len(vip.holders) == 1,
            "note": _place(vip).text,
        }
        for vip in vips
    }
    well = [host.reachable and host.running and host.nginx_running is not False for host in hosts]
    return {
        "ok": bool(hosts) and all(well) and all(vip["ok"] for vip in found.values()),
        "hosts": {host.name: _state(host, vips) for host in hosts},
        "vips": found,
        "table": [*_vip_table(vips), "", *_host_table(hosts)],
    }


def verify(hosts: Sequence[Host], fleet: Mapping[str, Any], clock_seconds: float = CLOCK_SECONDS) -> dict[str, Any]:
    """Every check with its outcome. fleet: what the filter vrrp_fleet returned, or nothing."""
    findings = [*_reached(hosts)]
    reached = [host for host in hosts if host.reachable]
    vips = _vips(hosts)
    for vip in vips:
        findings += [*_holding(vip)]
    for cluster in _clusters(hosts):
        findings += [*_masters(cluster), *_versions(cluster), *_parity(cluster)]
    for host in reached:
        findings += [*_daemon(host), *_nginx(host), *_binary(host), *_seen(host, vips)]
        findings += [*_certificates(host), *_drift(host), *_left_behind(host)]
    findings += [*_clocks(reached, clock_seconds), *_network(fleet)]
    return {
        "ok": all(finding.ok for finding in findings),
        "checks": [
            {"check": each.check, "subject": each.subject, "ok": each.ok, "detail": each.detail} for each in findings
        ],
        "problems": [finding.detail for finding in findings if not finding.ok],
        "notes": [finding.detail for finding in findings if finding.note],
        "table": _finding_table(findings),
    }


def drain_problems(hosts: Sequence[Host], named: Sequence[str]) -> list[str]:
    """Why draining the named hosts would interrupt service; nothing if it would not."""
    known = [host.name for host in hosts]
    problems = [
        f"drain_hosts names {name}, which is no load balancer. There are {', '.join(known)}."
        for name in dict.fromkeys(named)
        if name not in known
    ]
    if not named:
        problems.append(f"drain_hosts names no host. Name one or more of {', '.join(known)} with -e drain_hosts=HOST.")
    return problems + [text for vip in _vips(hosts) for text in _drain_problems(vip, named)]


def host_problems(info: Mapping[str, Any], expected: Sequence[str] | None, planned: Sequence[str] | None) -> list[str]:
    """What is not well with keepalived on a host.

    info: the result of keepalived_info with state; expected: the addresses that the host must hold, with prefixes;
    planned: the names of the instances that must run.
    """
    if "daemon" not in info:
        return [f"keepalived could not be looked at: {_said(info)}"]
    daemon = info["daemon"]
    if not daemon.get("running"):
        return [f"keepalived does not run. {READ_WHY}, then 'systemctl start keepalived'."]
    problems = []
    if daemon.get("state_age") is None:
        problems.append(
            f"keepalived (pid {daemon.get('pid')}) does not answer. {READ_WHY}, then 'systemctl restart keepalived'."
        )
    else:
        problems += _instance_problems(info, planned or [])
    held = {_interface(address) for address in info.get("addresses") or []}
    missing = [address for address in expected or [] if _interface(address) not in held]
    if missing:
        problems.append(f"It does not hold {_and(missing)}, as it should. {READ_WHY}.")
    return problems


def nginx_host_problems(info: Mapping[str, Any], before: Mapping[str, Any] | None, reloaded: bool) -> list[str]:
    """What is not well with nginx on a host, by nginx_info now and before a change; reloaded: it was told to reload."""
    if "running" not in info:
        return [f"nginx could not be looked at: {_said(info)}"]
    if not info["running"]:
        return ["nginx does not run. Read why with 'journalctl -u nginx', then 'systemctl start nginx'."]
    before = before or {}
    problems = []
    former, workers = set(before.get("workers") or []), set(info.get("workers") or [])
    if reloaded and former and (former & workers or not workers):
        old = ", ".join(map(str, sorted(former & workers)))
        who = f"workers of before the reload still take requests ({old})" if old else "it has no new workers"
        problems.append(
            f"nginx still works with its former configuration: {who}. Read why in nginx's error log, then 'systemctl reload nginx'."
        )
    answered = {_asked(answer): answer["status"] for answer in before.get("answers") or []}
    for answer in info.get("answers") or []:
        problems += _answer_problems(answer, answered.get(_asked(answer), 0))
    return problems


def bare(address: str) -> str:
    """An address as keepalived or the plan has it, without its prefix."""
    text = str(address).split()[0] if str(address).strip() else ""
    try:
        return str(ipaddress.ip_interface(text).ip)
    except ValueError:
        return text


def duration(seconds: float) -> str:
    """About how long that is."""
    seconds = max(0, int(seconds))
    for unit, size, enough in (("s", 1, 120), ("min", 60, 120 * 60), ("h", 3600, 2 * DAY)):
        if seconds < enough:
            return f"{seconds // size} {unit}"
    return f"{seconds // DAY} d"


def _interface(address: str) -> str:
    try:
        return str(ipaddress.ip_interface(str(address)))
    except ValueError:
        return str(address)


def _said(result: Mapping[str, Any]) -> str:
    """The message of a module that returned nothing else, as the end of a sentence."""
    message = " ".join(str(result.get("msg") or "there is no answer").split())
    return message if message.endswith(".") else f"{message}."


def _and(words: Iterable[Any]) -> str:
    texts = [str(word) for word in words]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    plain = [[cell.encode("ascii", "replace").decode() for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*plain, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in plain]


def _clusters(hosts: Sequence[Host]) -> list[list[Host]]:
    """The hosts by the VIPs that they share."""
    groups: list[tuple[set[str], list[Host]]] = []
    for host in hosts:
        addresses, members = set(host.ranks), [host]
        for group in [group for group in groups if group[0] & addresses]:
            groups.remove(group)
            addresses |= group[0]
            members += group[1]
        groups.append((addresses, members))
    return [[host for host in hosts if host in members] for dummy, members in groups]


def _vips(hosts: Sequence[Host]) -> list[Vip]:
    ranks = {host.name: host.ranks for host in hosts}
    found = []
    for address in dict.fromkeys(address for own in ranks.values() for address in own):
        members = [host for host in hosts if address in ranks[host.name]]
        order = tuple(sorted(members, key=lambda host: -ranks[host.name][address][1]))
        holders = tuple(host for host in hosts if address in host.addresses)
        unreached = not all(host.reachable for host in hosts if host in members or not ranks[host.name])
        found.append(Vip(address, ranks[order[0].name][address][0], order, holders, unreached))
    return found


def _impediment(host: Host, address: str) -> Impediment | None:
    """Why this host cannot have the VIP, or ranks below those that can; None if it can have it."""
    name = host.name
    if not host.reachable:
        return Impediment(f"{name} is unreachable", f"make {name} reachable")
    if not host.running:
        return Impediment(f"keepalived does not run on {name}", f"start keepalived on {name}")
    if host.drained:
        return Impediment(f"{name} is drained ({host.drain})", f"undrain {name}", wanted=not host.drained_by_run)
    if host.check == "down":
        return Impediment(f"nginx does not run on {name}", f"repair nginx on {name}")
    if host.check == "failing":
        return Impediment(
            f"{name} has failed its check of nginx and has not been well for long enough since",
            f"repair nginx on {name}, or wait until its check has succeeded for long enough",
        )
    if host.keepalived.get("standby"):
        return Impediment(f"{name} is on standby", f"end it with '/etc/keepalived/vips.sh return' on {name}")
    return _speechless(host, address)


def _speechless(host: Host, address: str) -> Impediment | None:
    """What the daemon itself says against having the VIP."""
    name = host.name
    if not host.answers:
        return Impediment(f"keepalived does not answer on {name}", f"restart keepalived on {name}")
    instance = host.instance(address)
    if instance is None:
        return Impediment(f"keepalived on {name} does not know {address}", f"run site.yml on {name}")
    if instance.get("state") not in ("MASTER", "BACKUP"):
        return Impediment(
            f"{instance['name']} is in {instance.get('state') or 'an unknown state'} on {name}",
            f"repair {name} (read why with 'journalctl -u keepalived')",
        )
    return None


def _place(vip: Vip) -> Place:
    if not vip.holders:
        return Place("on nobody that was reached" if vip.unreached else "on nobody")
    if len(vip.holders) > 1:
        return Place(f"on {_and(host.name for host in vip.holders)}: split brain")
    (holder,) = vip.holders
    if holder not in vip.order:
        return Place(
            f"on {holder.name}, whose keepalived does not know it",
            f"remove it there with 'ip address delete', and run site.yml on {holder.name}",
            bad=True,
        )
    impediment = _impediment(holder, vip.address)
    others = [host.name for host in vip.order if host is not holder and not _impediment(host, vip.address)]
    if impediment and others:
        return Place(
            f"on {holder.name}, though {impediment.text}, and {_and(others)} could take it",
            f"read why with 'journalctl -u keepalived' on {others[0]}",
            bad=True,
        )
    if holder is not vip.preferred:
        return _overtaken(vip, holder)
    return Place(f"on {holder.name}, though {impediment.text}: no other host could take it" if impediment else "")


def _overtaken(vip: Vip, holder: Host) -> Place:
    """Why hosts that rank above the holder do not have the VIP."""
    above = vip.order[: vip.order.index(holder)]
    impediments = [_impediment(host, vip.address) for host in above]
    able = [host for host, impediment in zip(above, impediments, strict=True) if impediment is None]
    if not able:
        known = [impediment for impediment in impediments if impediment]
        return Place(
            f"on {holder.name}, for {_and(impediment.text for impediment in known)}",
            ", and ".join(impediment.fix for impediment in known if not impediment.wanted),
            bad=not all(impediment.wanted for impediment in known),
        )
    if any(host.planned(vip.address).get("nopreempt") for host in able):
        return Place(f"on {holder.name}, for {vip.instance} has nopreempt: it stays there while {holder.name} is well")
    where, names = f"on {holder.name}, though", _and(host.name for host in able)
    verb = "is" if len(able) == 1 else "are"
    delay = _preempt_delay(able[0])
    if delay and any(_young(host, delay) for host in able):
        return Place(f"{where} {names} {verb} well: it returns when keepalived_preempt_delay ({delay:g} s) is over")
    return Place(
        f"{where} {names} {verb} well: it may return later",
        f"look again in a minute, then read why with 'journalctl -u keepalived' on {able[0].name}",
        bad=True,
    )


def _preempt_delay(host: Host) -> float:
    return float((host.variables.get("__keepalived_settings") or {}).get("preempt_delay") or 0)


def _young(host: Host, seconds: float) -> bool:
    """Whether something has happened to its keepalived since so many seconds."""
    times = [host.daemon.get("since"), *(instance.get("last_transition") for instance in host.instances)]
    return any(host.clock - moment < seconds for moment in times if moment)


def _state(host: Host, vips: Sequence[Vip]) -> dict[str, Any]:
    return {
        "reachable": host.reachable,
        "keepalived": str(host.daemon.get("version") or "") if host.running else "",
        "keepalived_since": host.daemon.get("since") if host.running else None,
        "state_age": host.daemon.get("state_age"),
        "nginx": str(host.nginx.get("version") or ""),
        "nginx_running": host.nginx_running,
        "drained": host.drained,
        "drained_since": host.keepalived.get("drained_since") if host.drained else None,
        "check": host.check if host.reachable else "",
        "holds": _held(host, vips),
        "instances": [
            {
                "name": str(instance["name"]),
                "state": str(instance.get("state") or ""),
                "priority": instance.get("priority"),
                "vips": [bare(address) for address in instance.get("virtual_ipaddress") or []],
            }
            for instance in host.instances
        ],
    }


def _held(host: Host, vips: Sequence[Vip]) -> list[str]:
    return [vip.address for vip in vips if host in vip.holders]


def _vip_table(vips: Sequence[Vip]) -> list[str]:
    rows = [("VIP", "address", "on", "preferred", "")]
    for vip in vips:
        holders = ", ".join(host.name for host in vip.holders) or "-"
        rows.append((vip.instance, vip.address, holders, vip.preferred.name, _place(vip).text))
    return _columns(rows)


def _host_table(hosts: Sequence[Host]) -> list[str]:
    rows = [("host", "keepalived", "since", "nginx", "check", "VRRP", "drained")]
    for host in hosts:
        if not host.reachable:
            rows.append((host.name, "unreachable", *["-"] * 5))
            continue
        since = host.daemon.get("since")
        states = Counter(str(instance.get("state")) for instance in host.instances)
        rows.append(
            (
                host.name,
                (str(host.daemon.get("version") or "runs")) if host.running else "does not run",
                duration(host.clock - since) if host.running and since else "-",
                "does not run" if host.nginx_running is False else str(host.nginx.get("version") or "-"),
                host.check,
                ", ".join(f"{count} {state}" for state, count in sorted(states.items(), reverse=True))
                or ("-" if host.answers or not host.running else "no answer"),
                host.drain or "-",
            )
        )
    return _columns(rows)


def _finding_table(findings: Sequence[Finding]) -> list[str]:
    rows = [("check", "subject", "", "")]
    for finding in findings:
        verdict = "PROBLEM" if not finding.ok else "note" if finding.note else "ok"
        rows.append((finding.check, finding.subject, verdict, finding.detail))
    return _columns(rows)


def _drain_problems(vip: Vip, named: Sequence[str]) -> Iterator[str]:
    leaving = [host.name for host in vip.holders if host.name in named]
    if not leaving and vip.preferred.name in named:
        leaving = [vip.preferred.name]
    others = [host for host in vip.order if host.name not in leaving]
    impediments = [
        Impediment(f"{host.name} is to be drained too", f"leave {host.name} out")
        if host.name in named
        else _impediment(host, vip.address)
        for host in others
    ]
    if not leaving or None in impediments:
        return
    known = [impediment for impediment in impediments if impediment]
    why = _and(impediment.text for impediment in known) or "no other host has it"
    fixes = [impediment.fix for impediment in known] or ["give it to another load balancer"]
    yield (
        f"Draining {_and(leaving)} would leave {vip.label} with no host that is well, for {why}. "
        f"{_upper('; or '.join(fixes))}; or interrupt service with -e drain_force=true."
    )


def _instance_problems(info: Mapping[str, Any], planned: Sequence[str]) -> Iterator[str]:
    instances = info["daemon"].get("instances") or []
    for instance in instances:
        state = instance.get("state") or "an unknown state"
        if state == "FAULT" and not _drained_to_fault(info, instance):
            because = ", for nginx does not run. Repair nginx." if info.get("nginx_down") else f". {READ_WHY}."
            yield f"{instance['name']} is in FAULT{because}"
        elif state not in ("MASTER", "BACKUP", "FAULT"):
            yield f"{instance['name']} is in {state}, and neither MASTER nor BACKUP yet."
    names = {str(instance["name"]) for instance in instances}
    missing = [name for name in planned if name not in names]
    if missing:
        yield f"keepalived does not run {_and(missing)}, though planned. Run site.yml, or 'systemctl reload keepalived'."


def _drained_to_fault(info: Mapping[str, Any], instance: Mapping[str, Any]) -> bool:
    """Where nopreempt leaves the drain without a weight, FAULT is what draining means."""
    return bool(info.get("drained")) and instance.get("priority") == instance.get("base_priority")


def _asked(answer: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(answer["address"]), str(answer["port"]), str(answer.get("host") or "")


def _answer_problems(answer: Mapping[str, Any], formerly: int) -> Iterator[str]:
    address, port, host = _asked(answer)
    where = f"{f'[{address}]' if ':' in address else address}:{port}" + (f" for {host}" if host else "")
    if not answer["status"]:
        yield f"nginx does not answer on {where}: {_said({'msg': answer.get('error')})} Read nginx's error log."
    elif answer["status"] >= 500 > formerly > 0:
        yield (
            f"nginx answers {answer['status']} on {where}, where it answered {formerly} before. Read nginx's error log, "
            "and take the change back."
        )


def _reached(hosts: Sequence[Host]) -> Iterator[Finding]:
    if not hosts:
        yield _bad("reachable", "-", "No load balancer was asked. Name the right inventory with -i.")
    for host in hosts:
        if host.reachable:
            yield Finding("reachable", host.name, "it has answered")
        else:
            detail = f"{host.name} is unreachable, or a task failed there. Read what Ansible says of it above."
            yield _bad("reachable", host.name, detail)


def _holding(vip: Vip) -> Iterator[Finding]:
    place = _place(vip)
    if len(vip.holders) != 1:
        fix = DEAF if vip.holders else f"{READ_WHY} on each host."
        yield _bad("one holder", vip.address, f"{vip.label} is {place.text}. {fix}")
        return
    yield Finding("one holder", vip.address, f"on {vip.holders[0].name}")
    subject, where = vip.address, f"{vip.label} is {place.text}."
    if place.bad:
        yield _bad("right holder", subject, f"{where} {_upper(place.fix)}.")
    elif place.text:
        yield _note("right holder", subject, where)
    else:
        yield Finding("right holder", subject, f"{vip.preferred.name} is preferred")


def _masters(cluster: Sequence[Host]) -> Iterator[Finding]:
    """Whether all daemons agree on who is master."""
    asked = [host for host in cluster if host.answers]
    names = dict.fromkeys(str(instance["name"]) for host in asked for instance in host.instances)
    for name in names:
        said = [(host, each) for host in asked for each in host.instances if str(each["name"]) == name]
        masters = [host for host, each in said if each.get("state") == "MASTER"]
        heard = {
            str(each["master"]): host for host, each in said if each.get("state") == "BACKUP" and each.get("master")
        }
        subject = f"{name} ({', '.join(host.name for host in cluster)})"
        detail = _disagreement(name, said, masters, heard)
        yield Finding("one master", subject, detail or f"{masters[0].name} says so itself", ok=not detail)


def _disagreement(
    name: str, said: Sequence[tuple[Host, Mapping[str, Any]]], masters: Sequence[Host], heard: Mapping[str, Host]
) -> str:
    if len(masters) > 1:
        return f"{_and(host.name for host in masters)} are both MASTER of {name}. {DEAF}"
    if not masters:
        states = _and(f"{each.get('state') or 'unknown'} on {host.name}" for host, each in said)
        return f"{name} has no MASTER: it is {states}. {READ_WHY} on each host."
    if len(heard) > 1:
        views = _and(f"{host.name} hears {address}" for address, host in heard.items())
        return f"Backups of {name} hear different masters: {views}. {DEAF}"
    mine = {
        bare(address) for host, each in said if host is masters[0] for address in each.get("virtual_ipaddress") or []
    }
    lacking = sorted(mine - masters[0].addresses)
    if lacking:
        return (
            f"{masters[0].name} is MASTER of {name} and lacks {_and(lacking)}. Find what else manages the interface's addresses, "
            "then 'systemctl restart keepalived'."
        )
    return ""


def _daemon(host: Host) -> Iterator[Finding]:
    problems = host_problems(host.keepalived, None, [str(instance["name"]) for instance in host.plan])
    for text in problems:
        yield _bad("keepalived", host.name, f"{host.name}: {text}")
    if not problems:
        yield Finding(
            "keepalived", host.name, f"it runs and answers, with {_count(len(host.instances), 'VRRP instance')}"
        )


def _nginx(host: Host) -> Iterator[Finding]:
    problems = nginx_host_problems(host.nginx, None, False) if host.nginx else []
    if host.check == "failing":
        problems.append(
            "its check of nginx has failed, and nginx has not been well for long enough since. "
            "Read why with 'journalctl -u check_nginx'."
        )
    elif host.check == "down" and host.nginx_running is not False:
        problems.append("systemd has told keepalived that nginx is down. Read why with 'journalctl -u nginx'.")
    for text in problems:
        yield _bad("nginx", host.name, f"{host.name}: {text}")
    if not problems:
        yield Finding("nginx", host.name, "it runs and answers" if host.nginx else "its check is well")


def _binary(host: Host) -> Iterator[Finding]:
    """Whether what runs is the keepalived that the inventory wants."""
    wanted, info, daemon = host.variables.get("__keepalived_binary_wanted"), host.keepalived, host.daemon
    if not host.running:
        return
    problem, runs = "", f"{host.name} runs {daemon.get('binary')}"
    if wanted and info.get("installed") is False:
        problem = f"{host.name} lacks the keepalived that the inventory wants, {wanted}. Run site.yml."
    elif wanted and daemon.get("binary") and daemon["binary"] != wanted:
        problem = f"{runs}, and the inventory wants {wanted}. Run site.yml."
    elif info.get("version") and daemon.get("version") and info["version"] != daemon["version"]:
        problem = (
            f"{runs} as keepalived {daemon['version']}, and the file is {info['version']} by now. Drain the host, then "
            "'systemctl restart keepalived'."
        )
    yield Finding("keepalived's version", host.name, problem or str(daemon.get("version") or "unknown"), ok=not problem)


def _versions(cluster: Sequence[Host]) -> Iterator[Finding]:
    reached = [host for host in cluster if host.reachable]
    for program, versions in (
        ("keepalived", {host: str(host.daemon.get("version") or "") for host in reached if host.running}),
        ("nginx", {host: str(host.nginx.get("version") or "") for host in reached}),
    ):
        known = {host: version for host, version in versions.items() if version}
        if len(known) < 2:
            continue
        check, subject = f"{program}'s versions", ", ".join(host.name for host in known)
        if len(set(known.values())) == 1:
            yield Finding(check, subject, f"{known.popitem()[1]} on all")
            continue
        has = _and(f"{version} on {host.name}" for host, version in known.items())
        yield _difference(check, subject, f"{program} is {has}", "Bring all to one version.", list(known))


def _difference(check: str, subject: str, text: str, fix: str, hosts: Sequence[Host]) -> Finding:
    """A difference between hosts, which their distributions may explain."""
    platforms = {host.platform for host in hosts}
    if len(platforms) > 1 and "" not in platforms:
        where = _and(f"{host.name} is {host.platform}" for host in hosts)
        return _note(check, subject, f"{text}, and {where}.")
    return _bad(check, subject, f"{text}. {fix}")


def _parity(cluster: Sequence[Host]) -> Iterator[Finding]:
    """Whether nginx has the same configuration and certificates on each host, path by path."""
    hosts = [host for host in cluster if host.nginx.get("files")]
    if len(hosts) < 2:
        return
    subject = ", ".join(host.name for host in hosts)
    for what, digests in (
        ("configuration", {host.name: dict(host.nginx["files"]) for host in hosts}),
        (
            "certificates",
            {
                host.name: {path: entry["sha256"] for path, entry in (host.nginx.get("certificates") or {}).items()}
                for host in hosts
            },
        ),
    ):
        paths = list(dict.fromkeys(path for own in digests.values() for path in own))
        found = [_unlike(what, path, {host: digests[host.name].get(path) for host in hosts}) for path in paths]
        yield from (finding for finding in found if finding)
        if paths and not any(found):
            yield Finding(what, subject, f"{_count(len(paths), 'file')} alike")


def _unlike(what: str, path: str, digests: Mapping[Host, str | None]) -> Finding | None:
    having = [host for host, digest in digests.items() if digest]
    lacking = [host.name for host, digest in digests.items() if not digest]
    names = _and(host.name for host in digests)
    if not having:
        text = f"{path} is missing on {names}, though nginx's configuration names it"
    elif lacking:
        text = f"{path} is in use by nginx on {_and(host.name for host in having)}, and missing on {_and(lacking)}"
    elif len(set(digests.values())) > 1:
        if what == "configuration" and all(_managed(host, path) for host in digests):
            return _note(what, path, f"{path} differs between {names}, as the inventory wants it.")
        text = f"{path} differs between {names}"
    else:
        return None
    fix = "Run site.yml." if any(path in host.pending for host in digests) else "Make it the same on each host."
    if what == "configuration":
        return _difference(what, path, text, fix, list(digests))
    return _bad(what, path, f"{text}. {fix}")


def _managed(host: Host, path: str) -> bool:
    """Whether the inventory says what this file is, and the host has it so."""
    managed = host.result("__nginx_staged").get("managed_files")
    known = "pending_files" in host.result("__nginx_staged")
    return known and path not in host.pending and (managed is None or path in managed)


def _seen(host: Host, vips: Sequence[Vip]) -> Iterator[Finding]:
    """What this host saw when it asked each VIP of its cluster."""
    result = host.result("__vip_seen")
    own = [vip for vip in vips if host in vip.order]
    for vip in own:
        subject = f"{vip.address} from {host.name}"
        target = (result.get("targets") or {}).get(vip.address)
        if not target or not target.get("sent"):
            detail = f"{host.name} has not asked {vip.label}: {_said(result)}"
            yield _bad("answers", subject, detail)
        elif target.get("failed"):
            reasons: dict[str, int] = {}
            for span in target.get("failures") or []:
                for reason, count in (span.get("reasons") or {}).items():
                    reasons[str(reason)] = reasons.get(str(reason), 0) + int(count)
            why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
            server = _and(each.name for each in vip.holders) or "the hosts"
            yield _bad(
                "answers",
                subject,
                f"{host.name}: {target['failed']} of {target['sent']} requests to {vip.label} failed{f' ({why})' if why else ''}. "
                f"Read nginx's logs on {server}.",
            )
        else:
            yield Finding("answers", subject, f"{target['sent']} of {target['sent']} requests were answered")


def _certificates(host: Host) -> Iterator[Finding]:
    for path, entry in (host.nginx.get("certificates") or {}).items():
        if "not_after" not in entry:
            continue
        subject = f"{path} on {host.name}"
        text = str(entry["not_after"] or "")
        try:
            left = ssl.cert_time_to_seconds(text) - host.now
        except ValueError:
            detail = f"{host.name}: when the certificate {path} expires could not be read."
            yield _note("expiry", subject, detail)
            continue
        when = f"{host.name}: the certificate {path}"
        if left <= 0:
            detail = f"{when} expired {duration(-left)} ago, on {text}. Renew it, then 'systemctl reload nginx'."
            yield _bad("expiry", subject, detail)
        elif left < CERTIFICATE_DAYS * DAY:
            detail = f"{when} expires in {duration(left)}, on {text}. Renew it, then 'systemctl reload nginx'."
            yield _note("expiry", subject, detail)
        else:
            yield Finding("expiry", subject, f"in {duration(left)}")


def _drift(host: Host) -> Iterator[Finding]:
    for registered in STAGED:
        result = host.result(registered)
        role = registered.removeprefix("__").removesuffix("_staged")
        if not result or result.get("skipped"):
            continue
        if "pending_files" not in result:
            detail = f"{host.name}: the files of {role} could not be compared with the inventory: {_said(result)}"
            yield _bad("drift", f"{role} on {host.name}", detail)
            continue
        pending = list(result["pending_files"])
        if result.get("interrupted"):
            detail = f"{host.name}: an interrupted run left changes of {role} that are neither kept nor taken back. Run site.yml."
            yield _bad("drift", f"{role} on {host.name}", detail)
        if pending:
            verb = "differs" if len(pending) == 1 else "differ"
            detail = f"{host.name}: {_and(pending)} {verb} from the inventory. Run site.yml."
            yield _bad("drift", f"{role} on {host.name}", detail)
        elif not result.get("interrupted"):
            yield Finding("drift", f"{role} on {host.name}", "as the inventory wants it")


def _left_behind(host: Host) -> Iterator[Finding]:
    """Drains and standby, which outlast whoever made them."""
    if host.drained_by_run:
        detail = f"{host.name} is still drained by a run that did not end ({host.drain}). Undrain it with undrain.yml."
        yield _bad("drain", host.name, detail)
    elif host.drained:
        yield _note("drain", host.name, f"{host.name} is drained ({host.drain}).")
    else:
        yield Finding("drain", host.name, "not drained")
    if host.running and host.keepalived.get("standby"):
        detail = (
            f"{host.name} is on standby: it has handed its VIPs over and not taken that back. Start nginx if it does not run, "
            "else '/etc/keepalived/vips.sh return'."
        )
        yield _bad("standby", host.name, detail)


def _clocks(hosts: Sequence[Host], limit: float) -> Iterator[Finding]:
    offsets = {host.name: host.keepalived.get("clock_offset") for host in hosts}
    known = sorted((offset, name) for name, offset in offsets.items() if offset is not None)
    if len(known) > 1:
        apart = known[-1][0] - known[0][0]
        text = f"The clocks of {known[0][1]} and {known[-1][1]} are {apart:.1f} s apart"
        if apart > limit:
            detail = f"{text}, and {limit:g} s are allowed. Synchronize them, e.g. with chrony."
            yield _bad("clocks", ", ".join(offsets), detail)
        else:
            yield Finding("clocks", ", ".join(offsets), f"{apart:.1f} s apart at most")
    for host in hosts:
        if host.keepalived.get("ntp") is False:
            detail = f"{host.name}: its clock is not synchronized. Set up NTP, e.g. with chrony."
            yield _note("clocks", host.name, detail)


def _network(fleet: Mapping[str, Any]) -> Iterator[Finding]:
    """What was planned from the inventory and heard on the wire."""
    problems, warnings = list(fleet.get("problems") or []), list(fleet.get("warnings") or [])
    for text in problems:
        yield _bad("plan", "inventory", text)
    for text in warnings:
        if "split brain" in text:
            yield _bad("wire", "VRRP", f"{_upper(text)} {DEAF}")
        else:
            yield _note("wire", "VRRP", text)
    if fleet and not problems and not warnings:
        yield Finding("wire", "VRRP", "nobody else was heard")
