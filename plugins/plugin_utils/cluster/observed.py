# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs and what is heard on the network, compared with the plan."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from ..settings.problem import Problem
from .cluster import Cluster
from .host import Host, Speaker
from .instance import ConfiguredInstance, Instance


def problems_of(cluster: Cluster, ours: AbstractSet[str]) -> Iterator[Problem]:
    """ours: the addresses of all load balancers of the inventory."""
    yield from _tracking(cluster)
    yield from _changed_vrids(cluster)
    yield from _foreign(cluster, ours)


def warnings_of(cluster: Cluster) -> Iterator[str]:
    """Without the facts of all members a member outside this run would pass for a foreign speaker."""
    if cluster.absent and any(host.heard for host in cluster.hosts):
        yield (
            f"{', '.join(cluster.absent)}: not in this run, so foreign VRRP speakers cannot be told from members and were "
            "not refused. Run preflight.yml on the whole cluster to look for them."
        )
    yield from _split_brains(cluster)


def _tracking(cluster: Cluster) -> Iterator[Problem]:
    """Checks whose weight does not fail over. The plan's own weight does."""
    hosts = ", ".join(cluster.names)
    scripts = [script for script in cluster.settings.vrrp_scripts if script.weight]
    for instance in cluster.instances if scripts else ():
        vip = cluster.vips[instance.name]
        for script in scripts:
            weight, where = script.weight or 0, "keepalived_vrrp_scripts"
            if abs(weight) < -instance.weight:
                what = (
                    f"has {script.name} with the weight {weight}, which cannot cause a failover of {vip.name}, for the priorities are "
                    f"{-instance.weight - 1} apart"
                )
                yield Problem(where, what, f"Leave weight out, or make it {instance.weight} or lower.", hosts)
            if vip.nopreempt:
                what = (
                    f"has {script.name} with the weight {weight}, and {vip.name} has nopreempt, so it never fails over: the backup does "
                    "not preempt a master whose priority fell"
                )
                yield Problem(where, what, "Set the check's weight to 0, or remove nopreempt.", hosts)


def _changed_vrids(cluster: Cluster) -> Iterator[Problem]:
    if cluster.settings.allow_vrid_change:
        return
    for host in cluster.hosts:
        running = {each.name: each for each in host.running}
        for instance in cluster.plan[host.name] if running else ():
            now = running.get(instance.name)
            if now and now.virtual_router_id != instance.virtual_router_id and _keeps_an_address(now, instance):
                what = (
                    f"is planned as {instance.virtual_router_id}, and it runs with {now.virtual_router_id}. While the members differ, "
                    "each is master"
                )
                fix = (
                    f"Keep it with virtual_router_id: {now.virtual_router_id}, or change it on all members in one run with "
                    "-e keepalived_allow_vrid_change=true."
                )
                yield cluster.vips[instance.name].problem("virtual_router_id", what, fix).of(host.name)


def _keeps_an_address(running: ConfiguredInstance, planned: Instance) -> bool:
    """A VIP with another VRID and none of its former addresses is another VIP: nobody has two masters for it."""
    return running.virtual_ipaddress is None or not set(running.ips).isdisjoint(planned.ips)


def _speakers(cluster: Cluster) -> Iterator[tuple[Host, Speaker, str]]:
    """What was heard on a planned VRID: by whom, the speaker, and the instance's name."""
    for host in cluster.hosts:
        if host.heard:
            planned = {(f"ipv{each.family}", each.virtual_router_id): each.name for each in cluster.plan[host.name]}
            for speaker in host.heard:
                name = planned.get((speaker.family, speaker.virtual_router_id))
                if name:
                    yield host, speaker, name


def _foreign(cluster: Cluster, ours: AbstractSet[str]) -> Iterator[Problem]:
    """Speakers on planned VRIDs that are no load balancers of this inventory."""
    if cluster.absent:
        return
    seen = set()
    taken = {instance.virtual_router_id for instance in cluster.instances}
    taken |= {speaker.virtual_router_id for host in cluster.hosts for speaker in host.heard}
    for host, speaker, name in _speakers(cluster):
        vrid, source = speaker.virtual_router_id, speaker.source
        if source in ours or (source, vrid) in seen:
            continue
        seen.add((source, vrid))
        free = next((number for number in [*range(vrid + 1, 256), *range(1, vrid)] if number not in taken), None)
        what = f"is planned as {vrid}, with which {source} speaks VRRPv{speaker.version} on {host.settings.interface}, and that is no member"
        fix = f"Set it to a free one, e.g. {free}."
        yield cluster.vips[name].problem("virtual_router_id", what, fix).of(host.name)


def _split_brains(cluster: Cluster) -> Iterator[str]:
    addresses = {address: host.name for host in cluster.hosts for address in host.held}
    speaking: dict[str, set[str]] = {}
    for dummy, speaker, name in _speakers(cluster):
        if speaker.source in addresses:
            speaking.setdefault(name, set()).add(addresses[speaker.source])
    for name, hosts in speaking.items():
        if len(hosts) > 1:
            yield f"split brain: {' and '.join(sorted(hosts))} both speak as master of {name}."
