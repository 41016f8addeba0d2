# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person is told before a run: what it does, what its clients notice, and why it cannot be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import ip_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.cluster import Cluster
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.host import Host, Instance, ips_of, wire_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.mismatch import addresses_change
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import joined

# So many hosts a line names; of more it says how many there are.
NAMED = 8


def disruptions(finals: Iterable[tuple[Cluster, Mapping[str, Sequence[str]]]]) -> Iterator[str]:
    for cluster, final in finals:
        home = {ip_of(address): host for host, addresses in final.items() for address in addresses}
        yield from _interruptions(cluster, home)
        yield from _lost_addresses(cluster)
        if cluster.together:
            names = _names(member.name for member in cluster.members)
            yield f"{names}: {joined(cluster.reasons)}, so keepalived changes on all of them at once"
        yield from _moves(cluster, home)


def summary(
    members: Mapping[str, Host], waves: Sequence[Mapping[str, Any]], together: Sequence[Mapping[str, Any]]
) -> list[str]:
    lines = [_wave_line(members, wave) for wave in waves]
    for entry in together:
        leaders = [entry["survivor"]] if entry["first"] == "survivor" else entry["others"]
        lines.append(
            f"{_names(entry['hosts'])} at once, {_names(leaders)} first: keepalived goes over to new settings "
            f"({joined(entry['reasons'])})"
        )
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)]


def problem(cluster: Cluster) -> str:
    absent, one = joined(cluster.outsiders), len(cluster.outsiders) == 1
    return (
        f"{_names(member.name for member in cluster.members)}: {joined(cluster.reasons)}, which has to happen on all members at once, "
        f"and {absent} {'is' if one else 'are'} not in this run. Run it without --limit, or take {absent} out of keepalived_hosts "
        f"if {'it is' if one else 'they are'} gone."
    )


def _interruptions(cluster: Cluster, home: Mapping[str, str]) -> Iterator[str]:
    """The VIPs that a restart or an upgrade takes from their host."""
    planned = {str(instance["name"]): instance for instance in cluster.plan}
    done: set[str] = set()
    for step in cluster.steps:
        for member in step:
            held = [planned[name] for name in cluster.holds(member) if name in planned]
            if held and member.runs and cluster.disturbed(member):
                yield from _interruption(member, held, cluster.relieved(member, done), _causes(cluster, member), home)
        done |= {member.name for member in step}


def _interruption(
    member: Host, held: Sequence[Instance], relieved: bool, causes: str, home: Mapping[str, str]
) -> Iterator[str]:
    if not relieved:
        they = "it is" if len(held) == 1 else "they are"
        yield f"{member.name}: {causes}, and no other host can take {_vips(held)}: {they} down meanwhile"
        return
    # One that goes for good is told as a move of the plan.
    returning = [vip for vip in held if home.get(ips_of(vip)[0]) == member.name]
    leaving = [vip for vip in held if ips_of(vip)[0] not in home]
    for vips, ending in ((returning, (" and comes back", " and come back")), (leaving, ("", ""))):
        if vips:
            one = len(vips) == 1
            yield f"{member.name}: {causes}: {_vips(vips)} {'goes' if one else 'go'} to another host{ending[not one]}"


def _causes(cluster: Cluster, member: Host) -> str:
    todo = cluster.todo(member)
    causes = []
    if todo.get("nginx") == "upgrade":
        upgrade = member.result("nginx_upgrade")
        causes.append(f"nginx is upgraded ({', '.join(f'{name} {version}' for name, version in upgrade.items())})")
    if todo.get("keepalived") == "restart":
        causes.append(f"keepalived is restarted ({', '.join(member.restart_causes)})")
    return joined(causes)


def _vips(instances: Iterable[Instance]) -> str:
    return joined(f"{instance['name']} ({', '.join(ips_of(instance))})" for instance in instances)


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
    by_wire = {wire_of(new): new for new in member.plan}
    by_name = {str(new["name"]): new for new in member.plan}
    for old in member.before:
        new = by_wire.get(wire_of(old)) or by_name.get(str(old["name"]))
        if new and any(_with_prefix(address) not in planned for address in old.get("virtual_ipaddress") or []):
            yield addresses_change(old, new)
        elif not new:
            gone = ", ".join(address for address in ips_of(old) if address not in ips)
            if gone or not ips_of(old):
                yield f"{old['name']} ({gone}) is removed" if gone else f"{old['name']} is removed"


def _moves(cluster: Cluster, home: Mapping[str, str]) -> Iterator[str]:
    """The VIPs that are not now where the plan wants them."""
    for vip in cluster.certain:
        target = home.get(ips_of(vip)[0])
        addresses = cluster.vips[str(vip["name"])]
        elsewhere = [
            member.name for member in cluster.members if member.name != target and not addresses.isdisjoint(member.held)
        ]
        if target and elsewhere:
            yield f"{vip['name']} moves from {joined(elsewhere)} to {target}"


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
