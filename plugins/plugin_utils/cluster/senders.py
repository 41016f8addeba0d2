# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From where the adverts of other members come, for the firewall to let in these alone.

Pure functions of the inventory's data and of gathered facts; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from .cluster import Cluster
from .host import Host
from .instance import Instance


def with_senders(plan: Mapping[str, Sequence[Instance]], hosts: Sequence[Host]) -> dict[str, list[Instance]]:
    """The plan of a cluster with the other members' addresses in each instance."""
    known = {host.name: host for host in hosts}
    result = {}
    for name, instances in plan.items():
        others = [known[other] for other in plan if other != name and other in known]
        lacking = len(others) < len(plan) - 1 or any(not other.network for other in others)
        # What a run that was not limited has found.
        former = known[name].admitted if name in known and lacking else ()
        by_family = {family: _senders(family, others, former) for family in {each.family for each in instances}}
        result[name] = [replace(each, senders=each.unicast_peers or by_family[each.family]) for each in instances]
    return result


def _senders(family: int, others: Sequence[Host], former: Sequence[str]) -> tuple[str, ...]:
    found = [address for host in others for address in _sources(host, family)]
    return (*found, *(each for each in former if (":" in each) == (family == 6) and each not in found))


def _sources(host: Host, family: int) -> Sequence[str]:
    """An interface's own address; in IPv6 multicast comes from that of the link (RFC 5798, 5.1.2.1)."""
    nic = host.nic
    if family == 6:
        return nic.link6
    return [str(nic.ipv4.ip)] if nic.ipv4 else []


def unknown(cluster: Cluster) -> Iterator[str]:
    """Which members' adverts a firewall would not let in, for their addresses are not known."""
    others = len(cluster.names) - 1
    for host in cluster.hosts:
        for instance in cluster.plan[host.name] if host.network and host.settings.firewall else ():
            if len(instance.senders) < others:
                yield (
                    f"{host.name}: {others} other members send adverts of {instance.name}, and the addresses of only "
                    f"{len(instance.senders)} are known. Where this host has a firewall, run on the whole cluster."
                )
