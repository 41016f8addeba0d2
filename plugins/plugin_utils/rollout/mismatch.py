# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether members of a cluster understand each other while some have the old settings and some the new ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.keepalived_conf import GROUPS

from ..addresses import ip_of
from ..cluster.instance import Instance
from ..text import joined
from .load_balancer import NONE, LoadBalancer
from .observed import ConfiguredInstance

# From here on a backup takes an advert with other addresses than its own for what it is: it stays a backup.
TOLERANT = (2, 3, 3)
# The form of signed adverts in it is another than in all later ones.
OTHER_TRAILER = (2, 4, 0)
SIGNING = (
    "the signing of adverts changes in one step (receive-only, permissive and enforce one after the other go host by host, and so does a "
    "new key that becomes the active one later)"
)
PRIORITIES = "the priorities change so far that a host would keep its VIPs while it is drained"


@dataclass(frozen=True)
class Mismatch:
    """Why members with the old and with the new settings do not understand each other.

    apart: whether each of them would be master for itself. Otherwise the host that has the VIPs can keep them.
    tolerable: whether keepalived lives with it from TOLERANT on.
    """

    text: str
    apart: bool = True
    tolerable: bool = False


def is_tolerant(member: LoadBalancer) -> bool:
    return all(version >= TOLERANT for version in _versions(member))


def _versions(member: LoadBalancer) -> list[tuple[int, ...]]:
    """The version that runs, and the one that will."""
    versions = [member.daemon.version]
    if member.actions.keepalived == "restart" and member.version_desired:
        versions.append(member.version_desired)
    return [tuple(map(int, re.findall(r"\d+", version))) for version in versions]


def mismatches_of(member: LoadBalancer) -> Iterator[Mismatch]:
    pairs = list(_successors(member))
    for old, new in pairs:
        yield from _address_mismatches(old, new)
        yield from _receiver_mismatches(old, new, _group(member, new))
    if pairs:
        yield from _signing_mismatches(member)
    # keepalived speaks version 3 for IPv6, whatever is set.
    if any(new.family == 4 for dummy, new in pairs):
        yield from _settings_mismatches(member, [old for old, new in pairs if new.family == 4])


def priority_mismatches(order: Sequence[LoadBalancer]) -> Iterator[Mismatch]:
    """A drain moves nothing where the drained host's priority stays above those of the others; order: that of their batches."""
    done: list[LoadBalancer] = []
    for member in order:
        if member.runs and not member.drained_by_operator and member.actions.disturbing:
            others = [other for other in order if other is not member and other.takes(other in done)]
            for vip in member.plan:
                ranks = [other.rank(vip) if other in done else other.rank_now(vip) for other in others]
                if not vip.nopreempt and NONE < max(ranks, default=NONE) <= _drained_rank(member, vip):
                    yield Mismatch(PRIORITIES, apart=False)
        done.append(member)


def addresses_change(old: ConfiguredInstance, new: Instance) -> str:
    former, later = old.virtual_ipaddress or (), new.virtual_ipaddress
    return f"{new.name} changes its addresses from {joined(former) or 'none'} to {joined(later)}"


def _address_mismatches(old: ConfiguredInstance, new: Instance) -> Iterator[Mismatch]:
    if old.virtual_router_id != new.virtual_router_id:
        # Without the former addresses all of them may have stayed.
        kept = [address for address in new.ips if old.virtual_ipaddress is None or address in old.ips]
        vrids = f"{old.virtual_router_id} to {new.virtual_router_id}"
        yield Mismatch(f"{new.name} changes its VRID from {vrids} and keeps {joined(kept)}")
    elif old.virtual_ipaddress is not None and set(old.ips) != set(new.ips):
        yield Mismatch(addresses_change(old, new), apart=False, tolerable=True)


def _receiver_mismatches(old: ConfiguredInstance, new: Instance, group: str) -> Iterator[Mismatch]:
    """group: the multicast group that is desired."""
    former, later = frozenset(old.unicast_peers), frozenset(new.unicast_peers)
    if old.virtual_ipaddress is not None and former != later:
        yield Mismatch(f"{new.name} sends its adverts to {_receivers(later)} instead of {_receivers(former)}")
    if not former and not later and old.group and ip_of(old.group) != ip_of(group):
        yield Mismatch(f"{new.name} sends its adverts to the group {group} instead of {old.group}")


def _group(member: LoadBalancer, new: Instance) -> str:
    family = new.family
    options = {**member.desired.instance_options, **new.options}
    wanted = options.get("mcast_dst_ip") or member.desired.global_defs.get(f"vrrp_mcast_group{family}")
    return str(wanted or GROUPS[family])


def _receivers(peers: frozenset[str]) -> str:
    return joined(sorted(peers)) if peers else "the multicast group"


def _signing_mismatches(member: LoadBalancer) -> Iterator[Mismatch]:
    if member.keepalived.hmac_differs:
        yield Mismatch(SIGNING)
    elif member.desired.auth_hmac:
        oldest, newest = min(_versions(member)), max(_versions(member))
        if oldest == OTHER_TRAILER < newest:
            yield Mismatch("keepalived 2.4.0 and later ones do not understand each other's signed adverts")


def _settings_mismatches(member: LoadBalancer, kept: Sequence[ConfiguredInstance]) -> Iterator[Mismatch]:
    before, after = member.keepalived.vrrp_version, member.desired.vrrp_version
    if before and after and before != after:
        yield Mismatch(f"the VRRP version changes from {before:g} to {after:g}")
    # Version 3 has no password, though keepalived reads one.
    if member.keepalived.auth_differs and not before == after == 3:
        yield Mismatch("the password changes")
    interval = member.desired.advert_int
    if after == 2 and interval:
        for former in dict.fromkeys(old.advert_int for old in kept):
            if former and former != interval:
                yield Mismatch(f"the advert interval changes from {former:g} s to {interval:g} s")


def _drained_rank(member: LoadBalancer, vip: Instance) -> int:
    """The highest priority it has for a VIP while it is drained, before and after its change."""
    ranks = [member.priorities[vip.name] + vip.weight]
    for old in member.keepalived.instances:
        # Without a weight it does not know of drains, and 0 makes it a FAULT: either gives its VIPs away.
        if old.wire == vip.wire and old.drained_weight:
            ranks.append((old.priority or 0) + old.drained_weight)
    return max(ranks)


def _successors(member: LoadBalancer) -> Iterator[tuple[ConfiguredInstance, Instance]]:
    """The instances that stay, as old and new: those with the same VRID, and those that share an address."""
    by_wire = {new.wire: new for new in member.plan}
    by_ip = {address: new for new in member.plan for address in new.ips}
    by_name = {new.name: new for new in member.plan}
    for old in member.keepalived.instances:
        known = old.virtual_ipaddress is not None
        kin = [by_wire.get(old.wire), *map(by_ip.get, old.ips)] if known else [by_name.get(old.name)]
        for new in {id(new): new for new in kin if new}.values():
            yield old, new
