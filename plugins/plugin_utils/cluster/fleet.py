# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All clusters of an inventory, planned and checked together.

Pure functions of the members' settings, facts and observations; they run on the control node, once for a play.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import ip_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import preflight, senders, unicast, vrrp

# What all members of a cluster have in common, by the names of the role's variables without their prefix.
COMMON = (
    "vips",
    "sync_groups",
    "unicast",
    "vrrp_version",
    "advert_int",
    "auth_pass",
    "auth_type",
    "auth_hmac",
    "priority_base",
    "priority_step",
    "skew",
    "preempt_delay",
    "reserved_vrids",
    "install_method",
    "version",
)
SECRET = ("auth_pass", "auth_hmac")


@dataclass(frozen=True)
class Member:
    """A load balancer: settings as preflight takes them; facts, running and heard are empty where it is not in the play.

    running: VRRP instances of its configuration now, with name and virtual_router_id; heard: speakers as the module
    vrrp_listen returns them; admitted: whose adverts its firewall lets in now.
    """

    name: str
    settings: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
    running: Sequence[Mapping[str, Any]] = ()
    heard: Sequence[Mapping[str, Any]] = ()
    admitted: Sequence[str] = ()


@dataclass(frozen=True)
class Cluster:
    hosts: tuple[str, ...]
    members: tuple[Member, ...]
    plan: Mapping[str, list[dict[str, Any]]]

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.members[0].settings

    @property
    def absent(self) -> list[str]:
        """Members that are not in the play."""
        present = {member.name for member in self.members if member.facts}
        return [host for host in self.hosts if host not in present]

    @property
    def instances(self) -> list[dict[str, Any]]:
        """The VRRP instances as its first host has them."""
        return self.plan[self.hosts[0]]

    def order(self, index: int) -> list[tuple[str, int]]:
        """The hosts of a VIP with their priorities, its preferred one first."""
        found = [(host, instances[index]["priority"]) for host, instances in self.plan.items()]
        return sorted(found, key=lambda pair: -pair[1])


@dataclass(frozen=True)
class Fleet:
    clusters: Sequence[Cluster]
    problems: Sequence[str]
    warnings: Sequence[str] = ()

    @property
    def plan(self) -> dict[str, list[dict[str, Any]]]:
        return {host: instances for cluster in self.clusters for host, instances in cluster.plan.items()}


def plan_fleet(members: Sequence[Member]) -> Fleet:
    """Plan all clusters, VRIDs together on each segment, and say what is wrong with them."""
    members, problems = _by_family(members)
    problems += [text for member in members if member.facts for text in _own_problems(member)]
    groups = _clusters(members)
    problems += [text for group in groups.values() for text in _differences(group)]
    problems += _shared_vips(groups)
    if problems:
        return Fleet((), problems)
    try:
        clusters = _planned(groups, problems)
    except vrrp.PlanError as error:
        return Fleet((), [f"keepalived_vips: {error}"])
    ours = {address for cluster in clusters for member in cluster.members for address in _held(member.facts)}
    for cluster in clusters:
        problems += [
            *_tracking(cluster),
            *unicast.problems_of(cluster.members),
            *_changed_vrids(cluster),
            *_strangers(cluster, ours),
        ]
    warnings = [
        text
        for cluster in clusters
        for text in [
            *_unheard(cluster),
            *_split_brains(cluster),
            *senders.unknown(cluster.plan, cluster.members),
        ]
    ]
    return Fleet(clusters, problems, warnings)


def table(fleet: Fleet) -> list[str]:
    """The plan as lines to print: a row for each VIP."""
    rows = [("VIP", "address", "VRID", "hosts in order, with priorities", "weight of a failed check")]
    for cluster in fleet.clusters:
        for index, instance in enumerate(cluster.instances):
            order = ", ".join(f"{host} {priority}" for host, priority in cluster.order(index))
            addresses = " ".join(instance["virtual_ipaddress"])
            rows.append(
                (instance["name"], addresses, str(instance["virtual_router_id"]), order, str(instance["weight"]))
            )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def moves(fleet: Fleet) -> list[str]:
    """What applying the plan would move, as far as facts tell who holds a VIP now."""
    found = []
    for cluster in fleet.clusters:
        for index, instance in enumerate(cluster.instances):
            address = instance["virtual_ipaddress"][0].split("/")[0]
            holders = [member.name for member in cluster.members if address in _held(member.facts)]
            wanted = cluster.order(index)[0][0]
            if holders != [wanted]:
                found.append(f"{instance['name']}: {' and '.join(holders) or 'nowhere'} -> {wanted}")
    return found


def _by_family(members: Sequence[Member]) -> tuple[list[Member], list[str]]:
    """The members with an entry of keepalived_vips for each family, and what is wrong with those that have two."""
    result, problems = [], []
    for member in members:
        try:
            vips = vrrp.by_family(member.settings["vips"])
            result.append(replace(member, settings={**member.settings, "vips": vips}))
        except vrrp.PlanError as error:
            problems.append(f"{member.name}: keepalived_vips: {error}")
    return result, problems


def _own_problems(member: Member) -> list[str]:
    return preflight.keepalived_problems(member.settings, member.facts, member.name)


def _held(facts: Mapping[str, Any]) -> set[str]:
    return {*facts.get("all_ipv4_addresses", ()), *facts.get("all_ipv6_addresses", ())}


def _clusters(members: Sequence[Member]) -> dict[tuple[str, ...], list[Member]]:
    groups: dict[tuple[str, ...], list[Member]] = {}
    for member in members:
        groups.setdefault(tuple(member.settings["hosts"]), []).append(member)
    for group in groups.values():
        group.sort(key=lambda member: not member.facts)
    return groups


def _differences(group: Sequence[Member]) -> Iterator[str]:
    first = group[0]
    for other in group[1:]:
        names = f"{first.name} and {other.name}"
        for key in COMMON:
            one, two = first.settings.get(key), other.settings.get(key)
            if one is None or two is None or one == two:
                continue
            values = "" if key in SECRET else f": {first.name} has {one}, {other.name} has {two}"
            yield f"{names}: keepalived_{key} differs{values}. Set it once, in the group_vars of all members."
        if first.facts and other.facts:
            one_network, two_network = _network(first), _network(other)
            if one_network != two_network:
                yield (
                    f"{names}: keepalived_interface is not on one network: {first.name}'s {first.settings['interface']} is in "
                    f"{one_network}, {other.name}'s {other.settings['interface']} in {two_network}. "
                    "Choose interfaces that hear each other."
                )


def _network(member: Member) -> str:
    return ", ".join(sorted(map(str, preflight.primary_networks(member.facts, member.settings["interface"])))) or "none"


def _shared_vips(groups: Mapping[tuple[str, ...], Sequence[Member]]) -> Iterator[str]:
    owners: dict[vrrp.Address, tuple[str, ...]] = {}
    claimed: dict[str, tuple[str, ...]] = {}
    for hosts, group in groups.items():
        for host in hosts:
            if claimed.setdefault(host, hosts) != hosts:
                yield (
                    f"{host} is in two clusters: keepalived_hosts is {', '.join(claimed[host])} on one of them and "
                    f"{', '.join(hosts)} on {group[0].name}. Give all members of a cluster the same list, in the same order."
                )
        try:
            addresses = vrrp.check_vips(group[0].settings["vips"])
        except vrrp.PlanError:
            continue
        for own in addresses:
            for address in own:
                if owners.setdefault(address.ip, hosts) != hosts:
                    yield (
                        f"{address.ip} is a VIP of two clusters: {', '.join(owners[address.ip])} and {', '.join(hosts)}. "
                        "Remove it from one of them."
                    )


def _planned(groups: Mapping[tuple[str, ...], Sequence[Member]], problems: list[str]) -> list[Cluster]:
    vrids: dict[tuple[str, ...], list[int]] = {}
    for segment in _segments(groups):
        vips = [vip for hosts in segment for vip in groups[hosts][0].settings["vips"]]
        reserved = [number for hosts in segment for number in groups[hosts][0].settings.get("reserved_vrids") or ()]
        numbers = iter(vrrp.plan_vrids(vips, reserved))
        for hosts in segment:
            vrids[hosts] = list(islice(numbers, len(groups[hosts][0].settings["vips"])))
    clusters = []
    for hosts, group in groups.items():
        settings = group[0].settings
        if not group[0].facts:
            # Nobody of this cluster is in the play: its VIPs count for the others' VRIDs only.
            continue
        plan = vrrp.plan(settings["vips"], hosts, **preflight.plan_options(settings), vrids=vrids[hosts])
        plan, found = unicast.with_peers(plan, group)
        problems += found
        plan = senders.with_senders(plan, group)
        clusters.append(Cluster(hosts, tuple(group), plan))
    return clusters


def _segments(groups: Mapping[tuple[str, ...], Sequence[Member]]) -> list[list[tuple[str, ...]]]:
    """The clusters by what they hear: those with a VIP or an interface in a common network hear each other."""
    segments: list[tuple[set[Any], list[tuple[str, ...]]]] = []
    for hosts, group in groups.items():
        networks = {address.network for own in vrrp.check_vips(group[0].settings["vips"]) for address in own}
        for member in group:
            networks |= set(preflight.primary_networks(member.facts, str(member.settings.get("interface"))))
        joined = [hosts]
        for segment in [segment for segment in segments if segment[0] & networks]:
            segments.remove(segment)
            networks |= segment[0]
            joined = segment[1] + joined
        segments.append((networks, joined))
    return [clusters for dummy, clusters in segments]


def _tracking(cluster: Cluster) -> Iterator[str]:
    scripts = cluster.settings.get("vrrp_scripts") or ()
    for vip, instance in zip(cluster.settings["vips"], cluster.instances, strict=True):
        for script in scripts:
            weight = int(script["weight"]) if script.get("weight") is not None else instance["weight"]
            where = f"{', '.join(cluster.hosts)}: VIP {vip['name']}"
            if weight and abs(weight) < -instance["weight"]:
                yield (
                    f"{where}: the check {script['name']} has weight {weight}, which cannot cause a failover, for the priorities are "
                    f"{-instance['weight'] - 1} apart. Leave weight out, or make it {instance['weight']} or lower."
                )
            if weight and vip.get("nopreempt"):
                yield (
                    f"{where}: nopreempt with the check {script['name']} of weight {weight} never fails over: the backup does not "
                    "preempt a master whose priority fell. Set the check's weight to 0, or remove nopreempt."
                )


def _changed_vrids(cluster: Cluster) -> Iterator[str]:
    if cluster.settings.get("allow_vrid_change"):
        return
    for member in cluster.members:
        running = {str(instance["name"]): instance for instance in member.running}
        for instance in cluster.plan[member.name]:
            name, planned = instance["name"], instance["virtual_router_id"]
            now = int(running[name]["virtual_router_id"]) if name in running else planned
            if now != planned and _keeps_an_address(running[name], instance):
                yield (
                    f"{member.name}: {name} runs with VRID {now}, and {planned} is planned. While the members differ, each is "
                    f"master. Keep it with virtual_router_id: {now}, or change it on all members in one run with "
                    "-e keepalived_allow_vrid_change=true."
                )


def _keeps_an_address(running: Mapping[str, Any], planned: Mapping[str, Any]) -> bool:
    """A VIP with another VRID and none of its former addresses is another VIP: nobody has two masters for it."""
    former = running.get("virtual_ipaddress")
    return former is None or not {ip_of(text) for text in former}.isdisjoint(map(ip_of, planned["virtual_ipaddress"]))


def _speakers(cluster: Cluster) -> Iterator[tuple[Member, Mapping[str, Any], str]]:
    """What was heard on a planned VRID: by whom, the speaker, and the instance's name."""
    for member in cluster.members:
        planned = {
            (preflight.version_of(instance["virtual_ipaddress"][0]), instance["virtual_router_id"]): instance["name"]
            for instance in cluster.plan[member.name]
        }
        for speaker in member.heard:
            name = planned.get((4 if speaker["family"] == "ipv4" else 6, speaker["virtual_router_id"]))
            if name:
                yield member, speaker, name


def _unheard(cluster: Cluster) -> Iterator[str]:
    """Without the facts of all members a member outside this run would pass for a stranger."""
    if cluster.absent and any(member.heard for member in cluster.members):
        yield (
            f"{', '.join(cluster.absent)}: not in this run, so foreign VRRP speakers cannot be told from members and were "
            "not refused. Run preflight.yml on the whole cluster to look for them."
        )


def _strangers(cluster: Cluster, ours: set[str]) -> Iterator[str]:
    if cluster.absent:
        return
    seen = set()
    taken = {instance["virtual_router_id"] for instances in cluster.plan.values() for instance in instances}
    taken |= {speaker["virtual_router_id"] for member in cluster.members for speaker in member.heard}
    for member, speaker, name in _speakers(cluster):
        vrid, source = speaker["virtual_router_id"], speaker["source"]
        if source in ours or (source, vrid) in seen:
            continue
        seen.add((source, vrid))
        free = next((number for number in [*range(vrid + 1, 256), *range(1, vrid)] if number not in taken), None)
        yield (
            f"{member.name}: {source} speaks VRRPv{speaker['version']} with VRID {vrid} on {member.settings['interface']}, which is "
            f"planned for {name}, and is no member. Set virtual_router_id of {name} to a free one, e.g. {free}."
        )


def _split_brains(cluster: Cluster) -> Iterator[str]:
    addresses = {address: member.name for member in cluster.members for address in _held(member.facts)}
    speaking: dict[str, set[str]] = {}
    for dummy, speaker, name in _speakers(cluster):
        if speaker["source"] in addresses:
            speaking.setdefault(name, set()).add(addresses[speaker["source"]])
    for name, hosts in speaking.items():
        if len(hosts) > 1:
            yield f"split brain: {' and '.join(sorted(hosts))} both speak as master of {name}."
