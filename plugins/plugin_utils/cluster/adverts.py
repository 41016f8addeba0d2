# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where adverts go where the network has no multicast, and from where they come, for the firewall to let in these alone.

Pure functions of the inventory's data and of gathered facts; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..settings.problem import Problem
from .cluster import Cluster
from .host import Host
from .instance import Instance


def with_peers(
    plan: Mapping[str, Sequence[Instance]], hosts: Sequence[Host]
) -> tuple[dict[str, list[Instance]], list[Problem]]:
    """The plan of a cluster with unicast_src_ip and unicast_peers in each instance that is to have them, and what is wrong."""
    known = {host.name: host for host in hosts}
    problems: list[Problem] = []

    def of(instance: Instance, host: Host | None) -> Instance:
        if host is None or not host.network:
            return instance
        if host.settings.unicast_peers:
            return _given(instance, host)
        return _derived(instance, host, list(plan), known, problems) if host.settings.unicast else instance

    found = {name: [of(each, known.get(name)) for each in instances] for name, instances in plan.items()}
    return found, list(dict.fromkeys(problems))


def _given(instance: Instance, host: Host) -> Instance:
    source, peers = host.settings.unicast_src_ip, host.settings.unicast_peers
    return replace(
        instance,
        unicast_peers=tuple(peer for peer in peers if _is_of(instance.family, peer)),
        unicast_src_ip=source if _is_of(instance.family, source) else "",
    )


def _derived(
    instance: Instance, host: Host, names: Sequence[str], known: Mapping[str, Host], problems: list[Problem]
) -> Instance:
    vips = {text.split("/")[0] for text in instance.virtual_ipaddress}
    addresses = {name: address_of(known[name], instance.family, vips) if name in known else "" for name in names}
    lacking = [name for name in names if not addresses[name]]
    former = _former(instance, host, set(addresses.values()))
    if lacking and host.name not in lacking and len(former) == len(lacking):
        # What a run that was not limited has found.
        addresses |= dict(zip(lacking, former, strict=True))
        lacking = []
    problems += [_unknown(name, instance, known.get(name)) for name in lacking]
    peers = tuple(addresses[name] for name in names if name != host.name and addresses[name])
    return replace(instance, unicast_src_ip=addresses[host.name], unicast_peers=peers, unicast_derived=True)


def address_of(host: Host, family: int, vips: set[str]) -> str:
    """Where a host's adverts come from: its own choice, else the first own address of its interface."""
    chosen, nic = host.settings.unicast_src_ip, host.nic
    if _is_of(family, chosen):
        return chosen
    if family == 4:
        return str(nic.ipv4.ip) if nic.ipv4 else ""
    return next((address for address in nic.global6 if address not in vips), "")


def _former(instance: Instance, host: Host, ours: set[str]) -> list[str]:
    """The peers that the instance has now and that nobody in this run is."""
    peers = next((each.unicast_peers for each in host.running if each.name == instance.name), ())
    return [peer for peer in peers if peer not in ours]


def _unknown(name: str, instance: Instance, host: Host | None) -> Problem:
    kind = f"IPv{instance.family} address"
    if host and host.network:
        what = f"is true, and {host.settings.interface} has no {kind} of its own for {instance.name}"
        return Problem("keepalived_unicast", what, "Give it one, or set keepalived_unicast_src_ip of this host.", name)
    what = f"is true, and its {kind} is not known, for it is not in this run"
    fix = "Run on the whole cluster, or set keepalived_unicast_src_ip of this host."
    return Problem("keepalived_unicast", what, fix, name)


def _is_of(family: int, address: str) -> bool:
    return bool(address) and (":" in address) == (family == 6)


def problems_of(hosts: Sequence[Host]) -> Iterator[Problem]:
    """What is wrong with addresses that are given."""
    peers = {host.name: host.settings.unicast_peers for host in hosts}
    if not any(peers.values()) or any(host.settings.unicast for host in hosts):
        return
    where = "keepalived_unicast_peers"
    for host in hosts:
        own = peers[host.name]
        if not own:
            speakers = ", ".join(other for other, listed in peers.items() if listed)
            fix = "Set it on all members or on none, or keepalived_unicast instead."
            yield Problem(where, f"is empty, but {speakers} speak unicast", fix, host.name)
            continue
        if host.settings.unicast_src_ip in own:
            what = f"names this host itself ({host.settings.unicast_src_ip})"
            yield Problem(where, what, "List the other members only.", host.name)
        for other in hosts:
            address = other.settings.unicast_src_ip
            if other is not host and address and address not in own:
                what = f"({', '.join(own)}) lacks {other.name} ({address}), which would not hear this host"
                yield Problem(where, what, "List all other members.", host.name)


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
