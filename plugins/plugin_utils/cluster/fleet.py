# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All clusters of an inventory, planned and checked together.

Pure functions of the hosts' settings, facts and observations; they run on the control node, once for a play.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..settings.problem import Problem
from ..text import natural
from . import adverts, members, observed
from .cluster import Cluster
from .host import Host
from .instance import Instance
from .plan import plan
from .vrids import plan_vrids


@dataclass(frozen=True)
class Fleet:
    """clusters: those of which a host is in this run; warnings: what does not stop a run, one sentence each."""

    clusters: Sequence[Cluster]
    problems: Sequence[Problem]
    warnings: Sequence[str] = ()

    @property
    def plan(self) -> dict[str, Sequence[Instance]]:
        return {host: instances for cluster in self.clusters for host, instances in cluster.plan.items()}


def plan_fleet(hosts: Sequence[Host], problems: Iterable[Problem] = ()) -> Fleet:
    """Plan all clusters, VRIDs together on each segment, and say what is wrong with them.

    problems: what is wrong with the settings of single hosts; with any of those nothing is planned.
    """
    groups = _groups(hosts)
    found = [
        *problems,
        *(each for host in hosts if host.network for each in members.own_problems(host)),
        *(each for group in groups.values() for each in members.differences(group)),
        *members.shared(groups),
    ]
    if found:
        return Fleet((), found)
    clusters = _planned(groups, found)
    if found:
        return Fleet((), found)
    ours = frozenset(address for cluster in clusters for host in cluster.hosts for address in host.held)
    for cluster in clusters:
        found += [*adverts.problems_of(cluster.hosts), *observed.problems_of(cluster, ours)]
    warnings = [text for cluster in clusters for text in [*observed.warnings_of(cluster), *adverts.unknown(cluster)]]
    return Fleet(clusters, found, warnings)


def _groups(hosts: Sequence[Host]) -> dict[tuple[str, ...], list[Host]]:
    """The hosts by the lists of members that they have; those in this run first."""
    groups: dict[tuple[str, ...], list[Host]] = {}
    for host in sorted(hosts, key=lambda host: (host.network is None, natural(host.name))):
        groups.setdefault(host.settings.hosts, []).append(host)
    return groups


def _planned(groups: members.Groups, problems: list[Problem]) -> list[Cluster]:
    vrids = _vrids(groups, problems)
    clusters = []
    for names, group in groups.items():
        if not group[0].network:
            # Nobody of this cluster is in the play: its VIPs count for the others' VRIDs only.
            continue
        planned = plan(group[0].settings, vrids[names])
        found, lacking = adverts.with_peers(planned.instances, group)
        problems += [each if each.host else each.of(", ".join(names)) for each in [*planned.problems, *lacking]]
        clusters.append(Cluster(names, tuple(group), adverts.with_senders(found, group)))
    return clusters


def _vrids(groups: members.Groups, problems: list[Problem]) -> dict[tuple[str, ...], list[int]]:
    """The VRIDs of each cluster's VIPs, which differ from those of all others that it hears."""
    found = {}
    for segment in _segments(groups):
        settings = [groups[names][0].settings for names in segment]
        reserved = [number for each in settings for number in each.reserved_vrids]
        planned, wrong = plan_vrids([vip for each in settings for vip in each.vips], reserved)
        problems += [each.of(", ".join(name for names in segment for name in names)) for each in wrong]
        numbers = iter(planned)
        for names, each in zip(segment, settings, strict=True):
            found[names] = list(islice(numbers, len(each.vips)))
    return found


def _segments(groups: members.Groups) -> Iterator[list[tuple[str, ...]]]:
    """The clusters by what they hear: those with a VIP or an interface in a common network hear each other."""
    owner: dict[Any, int] = {}
    joined: dict[int, list[tuple[str, ...]]] = {}
    for number, (names, group) in enumerate(groups.items()):
        networks = {address.network for vip in group[0].settings.vips for address in vip.addresses}
        networks |= {host.nic.ipv4.network for host in group if host.nic.ipv4}
        others = {owner[network] for network in networks if network in owner}
        joined[number] = [each for other in sorted(others) for each in joined.pop(other)] + [names]
        for network, other in owner.items() if others else ():
            if other in others:
                owner[network] = number
        owner.update(dict.fromkeys(networks, number))
    yield from joined.values()
