# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does to the load balancers, and in which order, so that as few clients as possible notice it.

Pure functions of what the modules found on the hosts before anything changed; they run on the control node. A run takes the waves
first, and then what has to change on all members of a cluster together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils import health
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.fleet import ip_of

# From here on a backup takes an advert with other addresses than its own for what it is: it stays a backup.
TOLERANT = (2, 3, 3)
VARIABLES = (
    "__keepalived_settings",
    "__keepalived_instances",
    "__keepalived_info",
    "__keepalived_staged",
    "__keepalived_binary_wanted",
    "__keepalived_unit_path",
    "__nginx_info",
    "__nginx_staged",
    "__nginx_upgrade",
    "__check_nginx_staged",
)
# So many hosts a line names; of more it says how many there are.
NAMED = 8
PRIORITIES = "the priorities change so far that a host would keep its VIPs while it is drained"
# Below every priority: a host that takes no VIP.
NONE = -1

Instance = Mapping[str, Any]
Wire = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Host:
    """A load balancer with those of its variables that count here."""

    name: str
    variables: Mapping[str, Any]

    def result(self, registered: str) -> Mapping[str, Any]:
        return self.variables.get(registered) or {}

    def text(self, variable: str) -> str:
        return str(self.variables.get(variable) or "").strip()

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.result("__keepalived_settings")

    @property
    def info(self) -> Mapping[str, Any]:
        return self.result("__keepalived_info")

    @property
    def daemon(self) -> Mapping[str, Any]:
        return self.info.get("daemon") or {}

    @property
    def runs(self) -> bool:
        return bool(self.daemon.get("running"))

    @property
    def drained(self) -> str:
        return str(self.info.get("drained") or "").strip()

    @property
    def drained_by_operator(self) -> bool:
        return bool(self.drained) and not self.drained.startswith(health.RUN)

    @property
    def left_drained(self) -> bool:
        """Whether a run that was killed did not take its drain back."""
        return not self.drained_by_operator and bool(self.drained or self.info.get("standby"))

    @cached_property
    def plan(self) -> list[Instance]:
        return list(self.variables.get("__keepalived_instances") or [])

    @cached_property
    def before(self) -> list[Instance]:
        """The instances of its configuration now."""
        return list(self.info.get("instances") or [])

    @cached_property
    def held(self) -> frozenset[str]:
        return frozenset(ip_of(address) for address in self.info.get("addresses") or [])

    @cached_property
    def priorities(self) -> dict[str, int]:
        """Those of the plan, by the names of the instances."""
        return {str(instance["name"]): int(instance["priority"]) for instance in self.plan}

    @cached_property
    def priorities_before(self) -> dict[Wire, int]:
        known = [instance for instance in self.before if instance.get("priority") is not None]
        return {_wire(instance): int(instance["priority"]) for instance in known}

    @cached_property
    def actions(self) -> dict[str, str]:
        return {"nginx": self._nginx(), "check": self._check(), "keepalived": self._keepalived()}

    @cached_property
    def restart_causes(self) -> list[str]:
        """Why a reload of keepalived is not enough."""
        causes = []
        if self.text("__keepalived_unit_path") in self._pending("__keepalived_staged"):
            causes.append("unit changed")
        binary, wanted = self.daemon.get("binary"), self.text("__keepalived_binary_wanted")
        if binary and wanted and binary != wanted:
            now, then = self.version, self.version_wanted
            causes.append(f"version {now} to {then}" if now and then and now != then else "another build")
        return causes

    @property
    def version(self) -> str:
        """That of the keepalived which runs."""
        return str(self.daemon.get("version") or "")

    @property
    def version_wanted(self) -> str:
        compiled = self.settings.get("install_method") == "source"
        return str((self.settings.get("version") if compiled else self.info.get("version")) or "")

    def _pending(self, registered: str) -> list[str]:
        return list(self.result(registered).get("pending_files") or [])

    def _differs(self, registered: str) -> bool:
        return bool(self._pending(registered) or self.result(registered).get("interrupted"))

    def _nginx(self) -> str:
        if not self.result("__nginx_info") and not self.result("__nginx_staged"):
            return "none"
        if not self.result("__nginx_info").get("running"):
            return "start"
        if self.variables.get("__nginx_upgrade"):
            return "upgrade"
        return "reload" if self._differs("__nginx_staged") else "none"

    def _check(self) -> str:
        return "apply" if self._differs("__check_nginx_staged") else "none"

    def _keepalived(self) -> str:
        if not self.settings:
            return "none"
        if not self.runs:
            return "start"
        if self.restart_causes:
            return "restart"
        return "reload" if self._differs("__keepalived_staged") else "none"


@dataclass(frozen=True)
class Mismatch:
    """Why members with the old and with the new settings do not understand each other.

    apart: whether each of them would be master for itself. Otherwise the host that has the VIPs can keep them.
    tolerable: whether keepalived lives with it from TOLERANT on.
    """

    text: str
    apart: bool = True
    tolerable: bool = False


@dataclass(frozen=True, eq=False)
class Cluster:
    """hosts: all its members; members: those of them in the play, in the same order; outside: the others, where known."""

    hosts: tuple[str, ...]
    members: tuple[Host, ...]
    outside: Mapping[str, Host | None]

    @property
    def plan(self) -> list[Instance]:
        return next((member.plan for member in self.members if member.plan), [])

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.members[0].settings

    @cached_property
    def running(self) -> list[Host]:
        return [member for member in self.members if member.runs]

    @cached_property
    def outsiders(self) -> list[str]:
        """Members outside the play that may run keepalived: of most of them nothing is known."""
        return [name for name, host in self.outside.items() if host is None or not host.daemon or host.runs]

    @cached_property
    def vips(self) -> dict[str, set[str]]:
        """The addresses of each VIP, in the old plan and in the new one."""
        found: dict[str, set[str]] = {}
        for instance in [*(each for member in self.members for each in member.before), *self.plan]:
            found.setdefault(str(instance["name"]), set()).update(_ips(instance))
        return found

    def holds(self, member: Host) -> list[str]:
        """The VIPs that a member holds now."""
        return [name for name, addresses in self.vips.items() if not addresses.isdisjoint(member.held)]

    @cached_property
    def mismatches(self) -> list[Mismatch]:
        """Why keepalived cannot change host by host; empty where it can."""
        # A member that does not run now may be one that a run which was killed had silenced.
        if not self.running or len(self.members) + len(self.outsiders) < 2:
            return []
        tolerant = not self.outsiders and all(_tolerant(member) for member in self.running)
        found = dict.fromkeys(mismatch for member in self.running for mismatch in _mismatches(member))
        found.update(dict.fromkeys(_priority_mismatches(self)))
        return [mismatch for mismatch in found if not (mismatch.tolerable and tolerant)]

    @property
    def together(self) -> bool:
        return bool(self.mismatches) and not self.outsiders

    @cached_property
    def steps(self) -> list[list[Host]]:
        """The members with something to do in waves: one after the other, backups first; all at once on a first installation."""
        order = self.order if self.running else self.members
        busy = [member for member in order if self.todo(member) or member.left_drained]
        return [[member] for member in busy] if self.running else [busy] * bool(busy)

    @cached_property
    def order(self) -> list[Host]:
        """Those that do not run first, then the backups of the moment."""
        place = {member.name: number for number, member in enumerate(self.members)}
        held = {member.name: len(self.holds(member)) for member in self.members}
        return sorted(self.members, key=lambda each: (each.runs, held[each.name], -place[each.name]))

    def todo(self, member: Host) -> dict[str, str]:
        """What happens to a member in its wave."""
        later = ("keepalived",) if self.together else ()
        return {what: action for what, action in member.actions.items() if action != "none" and what not in later}

    @cached_property
    def certain(self) -> list[Instance]:
        """The VIPs of which the plan tells who must hold them."""
        if self.outside:
            return []
        return [instance for instance in self.plan if not instance.get("nopreempt") or len(self.hosts) == 1]


def plan(variables: Mapping[str, Mapping[str, Any]], play_hosts: Sequence[str]) -> dict[str, Any]:
    """What a run does: changes, waves, together, disruptions, summary, actions, final and problems.

    variables: those named by VARIABLES, by host; members that are not in the play need not be there.
    """
    clusters = _clusters(variables, play_hosts)
    waves = _waves(clusters)
    together = [_together(cluster) for cluster in clusters if cluster.together]
    members = {member.name: member for cluster in clusters for member in cluster.members}
    finals = [(cluster, _final(cluster)) for cluster in clusters]
    changes = bool(waves or together)
    return {
        "changes": changes,
        "waves": waves,
        "together": together,
        "disruptions": list(_disruptions(finals)) if changes else [],
        "summary": _summary(members, waves, together),
        "actions": {host: members[host].actions for host in play_hosts},
        "final": {host: held for dummy, final in finals for host, held in final.items()},
        "problems": [_problem(cluster) for cluster in clusters if cluster.mismatches and not cluster.together],
    }


def _clusters(variables: Mapping[str, Mapping[str, Any]], play_hosts: Sequence[str]) -> list[Cluster]:
    groups: dict[tuple[str, ...], dict[str, Host]] = {}
    for name in play_hosts:
        host = Host(name, variables.get(name) or {})
        groups.setdefault(tuple(host.settings.get("hosts") or [name]), {})[name] = host
    clusters = []
    for hosts, present in groups.items():
        order = [name for name in hosts if name in present] + [name for name in present if name not in hosts]
        outside = {
            name: Host(name, variables[name]) if name in variables else None for name in hosts if name not in present
        }
        clusters.append(Cluster(hosts, tuple(present[name] for name in order), outside))
    return clusters


def _ips(instance: Instance) -> list[str]:
    return [ip_of(address) for address in instance.get("virtual_ipaddress") or []]


def _family(instance: Instance) -> int:
    return 6 if any(":" in address for address in instance.get("virtual_ipaddress") or []) else 4


def _wire(instance: Instance) -> Wire:
    """What tells an instance from others on the network; names are a host's own matter."""
    return _family(instance), int(instance["virtual_router_id"])


def _tolerant(member: Host) -> bool:
    versions = [member.version]
    if member.actions["keepalived"] == "restart" and member.version_wanted:
        versions.append(member.version_wanted)
    return all(tuple(map(int, re.findall(r"\d+", version))) >= TOLERANT for version in versions)


# Mismatches of old and new settings


def _mismatches(member: Host) -> Iterator[Mismatch]:
    pairs = list(_successors(member))
    for old, new in pairs:
        if int(old["virtual_router_id"]) != int(new["virtual_router_id"]):
            # Without the former addresses all of them may have stayed.
            kept = [address for address in _ips(new) if not _listed(old) or address in _ips(old)]
            vrids = f"{old['virtual_router_id']} to {new['virtual_router_id']}"
            yield Mismatch(f"{new['name']} changes its VRID from {vrids} and keeps {_and(kept)}")
        elif _listed(old) and set(_ips(old)) != set(_ips(new)):
            yield Mismatch(_addresses_change(old, new), apart=False, tolerable=True)
    # keepalived speaks version 3 for IPv6, whatever is set.
    if any(_family(new) == 4 for dummy, new in pairs):
        yield from _settings_mismatches(member, [old for old, new in pairs if _family(new) == 4])


def _settings_mismatches(member: Host, kept: Sequence[Instance]) -> Iterator[Mismatch]:
    before, after = _number(member.info.get("vrrp_version")), _number(member.settings.get("vrrp_version"))
    if before and after and before != after:
        yield Mismatch(f"the VRRP version changes from {before:g} to {after:g}")
    # Version 3 has no password, though keepalived reads one.
    if member.info.get("auth_differs") and not before == after == 3:
        yield Mismatch("the password changes")
    interval = _number(member.settings.get("advert_int"))
    if after == 2 and interval:
        for former in dict.fromkeys(_number(old.get("advert_int")) for old in kept):
            if former and former != interval:
                yield Mismatch(f"the advert interval changes from {former:g} s to {interval:g} s")


def _priority_mismatches(cluster: Cluster) -> Iterator[Mismatch]:
    """A drain moves nothing where the drained host's priority stays above those of the others."""
    done: list[Host] = []
    for member in cluster.order:
        if member.runs and not member.drained_by_operator and _disturbing(member.actions):
            others = [other for other in cluster.members if other is not member and _takes(other, other in done)]
            for vip in member.plan:
                ranks = [_rank(other, vip) if other in done else _rank_now(other, vip) for other in others]
                if not vip.get("nopreempt") and NONE < max(ranks, default=NONE) <= _drained_rank(member, vip):
                    yield Mismatch(PRIORITIES, apart=False)
        done.append(member)


def _drained_rank(member: Host, vip: Instance) -> int:
    """The highest priority it has for a VIP while it is drained, before and after its change."""
    weights = [(member.priorities[str(vip["name"])], vip["weight"])]
    for old in member.before:
        # Without a weight it does not know of drains, and 0 makes it a FAULT: either gives its VIPs away.
        if _wire(old) == _wire(vip) and old.get("drained_weight"):
            weights.append((int(old["priority"]), old["drained_weight"]))
    return max(priority + weight for priority, weight in weights)


def _successors(member: Host) -> Iterator[tuple[Instance, Instance]]:
    """The instances that stay, as old and new: those with the same VRID, and those that share an address."""
    by_wire = {_wire(new): new for new in member.plan}
    by_ip = {address: new for new in member.plan for address in _ips(new)}
    by_name = {str(new["name"]): new for new in member.plan}
    for old in member.before:
        found = (
            [by_wire.get(_wire(old)), *map(by_ip.get, _ips(old))] if _listed(old) else [by_name.get(str(old["name"]))]
        )
        for new in {id(new): new for new in found if new}.values():
            yield old, new


def _listed(old: Instance) -> bool:
    return old.get("virtual_ipaddress") is not None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _addresses_change(old: Instance, new: Instance) -> str:
    former, later = old["virtual_ipaddress"], new["virtual_ipaddress"]
    return f"{new['name']} changes its addresses from {_and(former) or 'none'} to {_and(later)}"


def _problem(cluster: Cluster) -> str:
    absent, one = _and(cluster.outsiders), len(cluster.outsiders) == 1
    return (
        f"{_names(member.name for member in cluster.members)}: {_reasons(cluster)}, which has to happen on all members at once, and "
        f"{absent} {'is' if one else 'are'} not in this run. Run it without --limit, or take {absent} out of keepalived_hosts if "
        f"{'it is' if one else 'they are'} gone."
    )


def _reasons(cluster: Cluster) -> str:
    return _and(mismatch.text for mismatch in cluster.mismatches)


# Waves


def _waves(clusters: Sequence[Cluster]) -> list[dict[str, Any]]:
    parts = [list(_parts(cluster)) for cluster in clusters]
    return [_merged([part for part in wave if part]) for wave in zip_longest(*parts)]


def _merged(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    lists = ("hosts", "drain", "undrain", "keepalived", "nginx", "check")
    return {
        **{key: [host for part in parts for host in part[key]] for key in lists},
        "expect": {host: held for part in parts for host, held in part["expect"].items()},
    }


def _parts(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """What a cluster has in each wave."""
    expected = _expected(cluster)
    done: set[str] = set()
    for step in cluster.steps:
        drain = [member.name for member in step if _needs_drain(cluster, member) and _relieved(cluster, member, done)]
        yield {
            "hosts": [member.name for member in step],
            "drain": drain,
            "undrain": [member.name for member in step if member.name in drain or member.left_drained],
            "expect": {member.name: expected[member.name] for member in step},
            **{
                what: [member.name for member in step if what in cluster.todo(member)]
                for what in ("keepalived", "nginx", "check")
            },
        }
        done |= {member.name for member in step}


def _needs_drain(cluster: Cluster, member: Host) -> bool:
    return member.runs and not member.drained_by_operator and _disturbed(cluster, member)


def _disturbed(cluster: Cluster, member: Host) -> bool:
    return _disturbing(cluster.todo(member))


def _disturbing(actions: Mapping[str, str]) -> bool:
    return actions.get("keepalived") == "restart" or actions.get("nginx") == "upgrade"


def _relieved(cluster: Cluster, member: Host, done: set[str]) -> bool:
    """Whether another member could take its VIPs, once the members in done have had their wave."""
    # A drain does no harm where none of those outside takes over after all.
    if any(host is None or not host.daemon or (host.runs and not host.drained) for host in cluster.outside.values()):
        return True
    return any(
        _takes(other, other.name in done and (other.runs or "keepalived" in cluster.todo(other)))
        for other in cluster.members
        if other is not member
    )


def _takes(member: Host, done: bool) -> bool:
    if member.drained_by_operator:
        return False
    return done or (member.runs and not member.left_drained)


def _expected(cluster: Cluster) -> dict[str, list[str]]:
    """The addresses that each host must have at the end of its wave."""
    found: dict[str, list[str]] = {member.name: [] for step in cluster.steps for member in step}
    if cluster.together:
        # In its waves it still lives by the old plan.
        return found
    idle = [member for member in cluster.members if member.name not in found]
    for vip in cluster.certain:
        best = max((_rank_before(member, vip) for member in idle), default=NONE)
        rivals = [NONE]
        for step in reversed(cluster.steps):
            rivals.append(max(rivals[-1], *(_rank_before(member, vip) for member in step)))
        for step, rival in zip(cluster.steps, reversed(rivals[:-1]), strict=True):
            leader = max(step, key=lambda member: _rank(member, vip))
            if _rank(leader, vip) > max(best, rival):
                found[leader.name].extend(vip["virtual_ipaddress"])
            best = max(best, _rank(leader, vip))
    return found


def _rank(member: Host, vip: Instance) -> int:
    """Its priority for a VIP once it has changed."""
    return NONE if member.drained_by_operator else member.priorities.get(str(vip["name"]), NONE)


def _rank_now(member: Host, vip: Instance) -> int:
    return member.priorities_before.get(_wire(vip), NONE)


def _rank_before(member: Host, vip: Instance) -> int:
    """At most its priority for a VIP until it has changed."""
    if not member.runs or member.drained_by_operator:
        return NONE
    return max(_rank(member, vip), _rank_now(member, vip))


def _final(cluster: Cluster) -> dict[str, list[str]]:
    """The addresses that each host must have in the end."""
    found: dict[str, list[str]] = {member.name: [] for member in cluster.members}
    for vip in cluster.certain:
        best = max(cluster.members, key=lambda member: _rank(member, vip))
        if _rank(best, vip) > NONE:
            found[best.name].extend(vip["virtual_ipaddress"])
    return found


# Together


def _together(cluster: Cluster) -> dict[str, Any]:
    # Of several with as many VIPs the first.
    survivor = max(cluster.running, key=lambda member: len(cluster.holds(member)))
    others = [member for member in cluster.members if member is not survivor]
    apart = any(mismatch.apart for mismatch in cluster.mismatches)
    return {
        "hosts": [member.name for member in cluster.members],
        "survivor": survivor.name,
        "others": [member.name for member in others],
        # Make before break: where the survivor cannot keep the VIPs, the others take them before it changes.
        "first": "others" if apart else "survivor",
        "restart": [member.name for member in cluster.members if member.actions["keepalived"] == "restart"],
        "drain": [member.name for member in others if member.runs and not member.drained_by_operator],
        "reasons": [mismatch.text for mismatch in cluster.mismatches],
    }


# What a person is told


def _disruptions(finals: Iterable[tuple[Cluster, Mapping[str, Sequence[str]]]]) -> Iterator[str]:
    for cluster, final in finals:
        home = {ip_of(address): host for host, addresses in final.items() for address in addresses}
        yield from _interruptions(cluster, home)
        yield from _lost_addresses(cluster)
        if cluster.together:
            names = _names(member.name for member in cluster.members)
            yield f"{names}: {_reasons(cluster)}, so keepalived changes on all of them at once"
        yield from _moves(cluster, home)


def _interruptions(cluster: Cluster, home: Mapping[str, str]) -> Iterator[str]:
    """The VIPs that a restart or an upgrade takes from their host."""
    planned = {str(instance["name"]): instance for instance in cluster.plan}
    done: set[str] = set()
    for step in cluster.steps:
        for member in step:
            held = [planned[name] for name in cluster.holds(member) if name in planned]
            if held and member.runs and _disturbed(cluster, member):
                yield from _interruption(member, held, _relieved(cluster, member, done), _causes(cluster, member), home)
        done |= {member.name for member in step}


def _interruption(
    member: Host, held: Sequence[Instance], relieved: bool, causes: str, home: Mapping[str, str]
) -> Iterator[str]:
    if not relieved:
        they = "it is" if len(held) == 1 else "they are"
        yield f"{member.name}: {causes}, and no other host can take {_vips(held)}: {they} down meanwhile"
        return
    # One that goes for good is told as a move of the plan.
    returning = [vip for vip in held if home.get(_ips(vip)[0]) == member.name]
    leaving = [vip for vip in held if _ips(vip)[0] not in home]
    for vips, ending in ((returning, (" and comes back", " and come back")), (leaving, ("", ""))):
        if vips:
            one = len(vips) == 1
            yield f"{member.name}: {causes}: {_vips(vips)} {'goes' if one else 'go'} to another host{ending[not one]}"


def _causes(cluster: Cluster, member: Host) -> str:
    todo = cluster.todo(member)
    causes = []
    if todo.get("nginx") == "upgrade":
        upgrade = member.result("__nginx_upgrade")
        causes.append(f"nginx is upgraded ({', '.join(f'{name} {version}' for name, version in upgrade.items())})")
    if todo.get("keepalived") == "restart":
        causes.append(f"keepalived is restarted ({', '.join(member.restart_causes)})")
    return _and(causes)


def _vips(instances: Iterable[Instance]) -> str:
    return _and(f"{instance['name']} ({', '.join(_ips(instance))})" for instance in instances)


def _lost_addresses(cluster: Cluster) -> Iterator[str]:
    """Addresses that the plan has no more, or with another prefix, each once."""
    told = {mismatch.text for mismatch in cluster.mismatches}
    for member in cluster.running:
        for text in _losses(member):
            if text not in told:
                told.add(text)
                yield text


def _losses(member: Host) -> Iterator[str]:
    planned = {address for new in member.plan for address in new["virtual_ipaddress"]}
    ips = set(map(ip_of, planned))
    by_wire = {_wire(new): new for new in member.plan}
    by_name = {str(new["name"]): new for new in member.plan}
    for old in member.before:
        new = by_wire.get(_wire(old)) or by_name.get(str(old["name"]))
        if new and any(_with_prefix(address) not in planned for address in old.get("virtual_ipaddress") or []):
            yield _addresses_change(old, new)
        elif not new:
            gone = ", ".join(address for address in _ips(old) if address not in ips)
            if gone or not _ips(old):
                yield f"{old['name']} ({gone}) is removed" if gone else f"{old['name']} is removed"


def _moves(cluster: Cluster, home: Mapping[str, str]) -> Iterator[str]:
    """The VIPs that are not now where the plan wants them."""
    for vip in cluster.certain:
        target = home.get(_ips(vip)[0])
        addresses = cluster.vips[str(vip["name"])]
        elsewhere = [
            member.name for member in cluster.members if member.name != target and not addresses.isdisjoint(member.held)
        ]
        if target and elsewhere:
            yield f"{vip['name']} moves from {_and(elsewhere)} to {target}"


def _summary(
    members: Mapping[str, Host], waves: Sequence[Mapping[str, Any]], together: Sequence[Mapping[str, Any]]
) -> list[str]:
    lines = [_wave_line(members, wave) for wave in waves]
    for entry in together:
        leaders = [entry["survivor"]] if entry["first"] == "survivor" else entry["others"]
        lines.append(
            f"{_names(entry['hosts'])} at once, {_names(leaders)} first: keepalived goes over to new settings "
            f"({_and(entry['reasons'])})"
        )
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)]


def _wave_line(members: Mapping[str, Host], wave: Mapping[str, Any]) -> str:
    drained = set(wave["drain"])
    changed = {what: set(wave[what]) for what in ("nginx", "check", "keepalived")}
    groups: dict[str, list[str]] = {}
    for host in wave["hosts"]:
        actions = members[host].actions
        words = [
            "new check" if what == "check" else f"{what} {actions[what]}" for what in changed if host in changed[what]
        ]
        if members[host].left_drained:
            words.append("undrain, left over from before")
        text = ", ".join(words) + (" (drained meanwhile)" if host in drained else "")
        groups.setdefault(text, []).append(host)
    return "; ".join(f"{_names(hosts)}: {text}" for text, hosts in groups.items())


def _with_prefix(text: str) -> str:
    """An address as a plan writes it."""
    return f"{ip_of(text)}/{text.split('/')[1]}" if "/" in text else f"{ip_of(text)}/{128 if ':' in text else 32}"


def _names(hosts: Iterable[str]) -> str:
    names = list(hosts)
    return ", ".join(names) if len(names) <= NAMED else f"{', '.join(names[:NAMED])} and {len(names) - NAMED} others"


def _and(texts: Iterable[Any]) -> str:
    words = [str(text) for text in texts]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
