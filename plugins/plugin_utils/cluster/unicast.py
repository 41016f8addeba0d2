# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""To whom each instance sends its adverts where the network has no multicast.

Pure functions of the inventory's data and of gathered facts; they run on the control node only.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import preflight
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.words import truth


class Member(Protocol):
    """As fleet.Member: without facts it is not in this run."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
    @property
    def running(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def admitted(self) -> Sequence[str]: ...


def with_peers(
    plan: Mapping[str, list[dict[str, Any]]], members: Sequence[Member]
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """The plan of a cluster with unicast_src_ip and unicast_peers in each instance that is to have them, and what is wrong."""
    known = {member.name: member for member in members}
    problems: list[str] = []
    result = {}
    for host, instances in plan.items():
        member = known.get(host)
        if member is None or not member.facts:
            result[host] = instances
        elif member.settings.get("unicast_peers"):
            result[host] = [_given(instance, member) for instance in instances]
        elif truth(member.settings.get("unicast") or False):
            result[host] = [_derived(instance, member, list(plan), known, problems) for instance in instances]
        else:
            result[host] = instances
    return result, list(dict.fromkeys(problems))


def _given(instance: dict[str, Any], member: Member) -> dict[str, Any]:
    family = _family(instance)
    source = str(member.settings.get("unicast_src_ip") or "")
    peers = [str(peer) for peer in member.settings["unicast_peers"] if _is_of(family, peer)]
    return {**instance, "unicast_peers": peers, **({"unicast_src_ip": source} if _is_of(family, source) else {})}


def _derived(
    instance: dict[str, Any],
    member: Member,
    hosts: Sequence[str],
    known: Mapping[str, Member],
    problems: list[str],
) -> dict[str, Any]:
    family = _family(instance)
    addresses = {host: address_of(known[host], family, _vips(instance)) if host in known else "" for host in hosts}
    lacking = [host for host in hosts if not addresses[host]]
    former = _former(instance, member, set(addresses.values()))
    if lacking and member.name not in lacking and len(former) == len(lacking):
        # What a run that was not limited has found.
        addresses |= dict(zip(lacking, former, strict=True))
        lacking = []
    problems += [_unknown(host, instance, family, known) for host in lacking]
    peers = [addresses[host] for host in hosts if host != member.name and addresses[host]]
    return {**instance, "unicast_src_ip": addresses[member.name], "unicast_peers": peers, "unicast_derived": True}


def address_of(member: Member, family: int, vips: set[str]) -> str:
    """Where a member's adverts come from: its own choice, else the first own address of its interface."""
    chosen = str(member.settings.get("unicast_src_ip") or "")
    if _is_of(family, chosen):
        return chosen
    entry = preflight.fact(member.facts, str(member.settings.get("interface") or ""))
    if family == 4:
        return str((entry.get("ipv4") or {}).get("address") or "")
    own = [str(each.get("address")) for each in entry.get("ipv6") or [] if each.get("scope") == "global"]
    return next((address for address in own if address not in vips), "")


def _vips(instance: Mapping[str, Any]) -> set[str]:
    return {text.split("/")[0] for text in instance["virtual_ipaddress"]}


def _former(instance: Mapping[str, Any], member: Member, ours: set[str]) -> list[str]:
    """The peers that the instance has now and that nobody in this run is."""
    running = next((each for each in member.running if each["name"] == instance["name"]), {})
    return [peer for peer in running.get("unicast_peers") or [] if peer not in ours]


def _unknown(host: str, instance: Mapping[str, Any], family: int, known: Mapping[str, Member]) -> str:
    kind = f"IPv{family} address"
    if host in known and known[host].facts:
        interface = known[host].settings.get("interface")
        return (
            f"{host}: keepalived_unicast is true, and {interface} has no {kind} of its own for {instance['name']}. "
            "Give it one, or set keepalived_unicast_src_ip of this host."
        )
    return (
        f"{host}: keepalived_unicast is true, and its {kind} is not known, for it is not in this run. Run on the whole cluster, or set "
        "keepalived_unicast_src_ip of this host."
    )


def _family(instance: Mapping[str, Any]) -> int:
    return preflight.version_of(instance["virtual_ipaddress"][0])


def _is_of(family: int, address: object) -> bool:
    try:
        return ipaddress.ip_address(str(address)).version == family
    except ValueError:
        return False


def problems_of(members: Sequence[Member]) -> Iterator[str]:
    """What is wrong with addresses that are given."""
    sources = {member.name: member.settings.get("unicast_src_ip") for member in members}
    peers = {member.name: [str(peer) for peer in member.settings.get("unicast_peers") or ()] for member in members}
    if not any(peers.values()) or any(truth(member.settings.get("unicast") or False) for member in members):
        return
    for name, own in peers.items():
        if not own:
            speakers = ", ".join(other for other, listed in peers.items() if listed)
            yield (
                f"{name}: keepalived_unicast_peers is empty, but {speakers} speak unicast. Set it on all members or on none, or "
                "keepalived_unicast instead."
            )
            continue
        if sources[name] in own:
            yield f"{name}: keepalived_unicast_peers names this host itself ({sources[name]}). List the other members only."
        for other, address in sources.items():
            if other != name and address and address not in own:
                yield (
                    f"{name}: keepalived_unicast_peers ({', '.join(own)}) lacks {other} ({address}), which would not hear this host. "
                    "List all other members."
                )
