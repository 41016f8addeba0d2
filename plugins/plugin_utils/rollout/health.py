# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cluster is: who holds its VIPs and why, what is not well on its hosts, and what may be drained.

Pure functions of what the modules keepalived_info, nginx_info, config_files and vip_probe returned on the load
balancers; they run on the control node. VIPs are named by their addresses without prefixes.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import ip_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import (
    capitalized,
    columns,
    duration,
    joined,
    message_of,
)

# How the reason of a drain begins that site.yml makes for itself, and takes back in the end.
RUN = "run "
READ_WHY = "Read why with 'journalctl -u keepalived'"
STAGED = ("nginx_staged", "check_nginx_staged", "keepalived_staged")
VARIABLES = (
    "ansible_facts",
    "keepalived_now",
    "keepalived_settings",
    "keepalived_instances",
    "keepalived_binary_desired",
    "nginx_now",
    "vips_seen",
    *STAGED,
)


@dataclass(frozen=True)
class Impediment:
    """Why a host does not take a VIP: a clause, what would help, and whether it is no more than somebody's wish."""

    text: str
    fix: str
    wanted: bool = False


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
        return self.result("keepalived_now")

    @property
    def nginx(self) -> Mapping[str, Any]:
        return self.result("nginx_now")

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
        return self.variables.get("keepalived_instances") or []

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
    vips = vips_of(hosts)
    found = {
        vip.address: {
            "holders": [host.name for host in vip.holders],
            "preferred": vip.preferred.name,
            "ok": len(vip.holders) == 1,
            "note": place_of(vip).text,
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
    return problems + [text for vip in vips_of(hosts) for text in _drain_problems(vip, named)]


def host_problems(info: Mapping[str, Any], expected: Sequence[str] | None, planned: Sequence[str] | None) -> list[str]:
    """What is not well with keepalived on a host.

    info: the result of keepalived_info with state; expected: the addresses that the host must hold, with prefixes;
    planned: the names of the instances that must run.
    """
    if "daemon" not in info:
        return [f"keepalived could not be looked at: {message_of(info)}"]
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
        problems.append(f"It does not hold {joined(missing)}, as it should. {READ_WHY}.")
    return problems


def nginx_host_problems(info: Mapping[str, Any], before: Mapping[str, Any] | None, reloaded: bool) -> list[str]:
    """What is not well with nginx on a host, by nginx_info now and before a change; reloaded: it was told to reload."""
    if "running" not in info:
        return [f"nginx could not be looked at: {message_of(info)}"]
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
    """An address as keepalived or the plan has it, without its prefix and what follows it."""
    return ip_of("".join(str(address).split()[:1]))


def _interface(address: str) -> str:
    try:
        return str(ipaddress.ip_interface(str(address)))
    except ValueError:
        return str(address)


def vips_of(hosts: Sequence[Host]) -> list[Vip]:
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


def place_of(vip: Vip) -> Place:
    if not vip.holders:
        return Place("on nobody that was reached" if vip.unreached else "on nobody")
    if len(vip.holders) > 1:
        return Place(f"on {joined(host.name for host in vip.holders)}: split brain")
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
            f"on {holder.name}, though {impediment.text}, and {joined(others)} could take it",
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
            f"on {holder.name}, for {joined(impediment.text for impediment in known)}",
            ", and ".join(impediment.fix for impediment in known if not impediment.wanted),
            bad=not all(impediment.wanted for impediment in known),
        )
    if any(host.planned(vip.address).get("nopreempt") for host in able):
        return Place(f"on {holder.name}, for {vip.instance} has nopreempt: it stays there while {holder.name} is well")
    where, names = f"on {holder.name}, though", joined(host.name for host in able)
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
    return float((host.variables.get("keepalived_settings") or {}).get("preempt_delay") or 0)


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
        rows.append((vip.instance, vip.address, holders, vip.preferred.name, place_of(vip).text))
    return columns(rows)


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
    return columns(rows)


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
    why = joined(impediment.text for impediment in known) or "no other host has it"
    fixes = [impediment.fix for impediment in known] or ["give it to another load balancer"]
    yield (
        f"Draining {joined(leaving)} would leave {vip.label} with no host that is well, for {why}. "
        f"{capitalized('; or '.join(fixes))}; or interrupt service with -e drain_force=true."
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
        yield f"keepalived does not run {joined(missing)}, though planned. Run site.yml, or 'systemctl reload keepalived'."


def _drained_to_fault(info: Mapping[str, Any], instance: Mapping[str, Any]) -> bool:
    """Where nopreempt leaves the drain without a weight, FAULT is what draining means."""
    return bool(info.get("drained")) and instance.get("priority") == instance.get("base_priority")


def _asked(answer: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(answer["address"]), str(answer["port"]), str(answer.get("host") or "")


def _answer_problems(answer: Mapping[str, Any], formerly: int) -> Iterator[str]:
    address, port, host = _asked(answer)
    where = f"{f'[{address}]' if ':' in address else address}:{port}" + (f" for {host}" if host else "")
    if not answer["status"]:
        yield f"nginx does not answer on {where}: {message_of({'msg': answer.get('error')})} Read nginx's error log."
    elif answer["status"] >= 500 > formerly > 0:
        yield (
            f"nginx answers {answer['status']} on {where}, where it answered {formerly} before. Read nginx's error log, "
            "and take the change back."
        )
