# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether members of a cluster understand each other while some have the old settings and some the new ones."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.keepalived_conf import GROUPS
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.host import (
    NONE,
    Host,
    Instance,
    disturbing,
    family_of,
    ips_of,
    wire_of,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import joined

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


def is_tolerant(member: Host) -> bool:
    return all(version >= TOLERANT for version in _versions(member))


def _versions(member: Host) -> list[tuple[int, ...]]:
    """The version that runs, and the one that will."""
    versions = [member.version]
    if member.actions["keepalived"] == "restart" and member.version_wanted:
        versions.append(member.version_wanted)
    return [tuple(map(int, re.findall(r"\d+", version))) for version in versions]


def mismatches_of(member: Host) -> Iterator[Mismatch]:
    pairs = list(_successors(member))
    for old, new in pairs:
        if int(old["virtual_router_id"]) != int(new["virtual_router_id"]):
            # Without the former addresses all of them may have stayed.
            kept = [address for address in ips_of(new) if not _listed(old) or address in ips_of(old)]
            vrids = f"{old['virtual_router_id']} to {new['virtual_router_id']}"
            yield Mismatch(f"{new['name']} changes its VRID from {vrids} and keeps {joined(kept)}")
        elif _listed(old) and set(ips_of(old)) != set(ips_of(new)):
            yield Mismatch(addresses_change(old, new), apart=False, tolerable=True)
        former, later = set(old.get("unicast_peers") or ()), set(new.get("unicast_peers") or ())
        if _listed(old) and former != later:
            yield Mismatch(f"{new['name']} sends its adverts to {_receivers(later)} instead of {_receivers(former)}")
        group = _group(member, new)
        if not former and not later and old.get("group") and not _same(old["group"], group):
            yield Mismatch(f"{new['name']} sends its adverts to the group {group} instead of {old['group']}")
    if pairs:
        yield from _signing_mismatches(member)
    # keepalived speaks version 3 for IPv6, whatever is set.
    if any(family_of(new) == 4 for dummy, new in pairs):
        yield from _settings_mismatches(member, [old for old, new in pairs if family_of(new) == 4])


def priority_mismatches(order: Sequence[Host]) -> Iterator[Mismatch]:
    """A drain moves nothing where the drained host's priority stays above those of the others; order: that of their waves."""
    done: list[Host] = []
    for member in order:
        if member.runs and not member.drained_by_operator and disturbing(member.actions):
            others = [other for other in order if other is not member and other.takes(other in done)]
            for vip in member.plan:
                ranks = [other.rank(vip) if other in done else other.rank_now(vip) for other in others]
                if not vip.get("nopreempt") and NONE < max(ranks, default=NONE) <= _drained_rank(member, vip):
                    yield Mismatch(PRIORITIES, apart=False)
        done.append(member)


def _group(member: Host, new: Instance) -> str:
    """The multicast group of an instance's adverts that is wanted."""
    family = family_of(new)
    options = {**(member.settings.get("instance_options") or {}), **(new.get("options") or {})}
    wanted = options.get("mcast_dst_ip") or (member.settings.get("global_defs") or {}).get(f"vrrp_mcast_group{family}")
    return str(wanted or GROUPS[family])


def _same(one: str, two: str) -> bool:
    """Whether two texts are one address."""
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(two)
    except ValueError:
        return one == two


def _receivers(peers: set[str]) -> str:
    return joined(sorted(peers)) if peers else "the multicast group"


def addresses_change(old: Instance, new: Instance) -> str:
    former, later = old["virtual_ipaddress"], new["virtual_ipaddress"]
    return f"{new['name']} changes its addresses from {joined(former) or 'none'} to {joined(later)}"


def _signing_mismatches(member: Host) -> Iterator[Mismatch]:
    if member.info.get("hmac_differs"):
        yield Mismatch(SIGNING)
    elif member.settings.get("auth_hmac"):
        oldest, newest = min(_versions(member)), max(_versions(member))
        if oldest == OTHER_TRAILER < newest:
            yield Mismatch("keepalived 2.4.0 and later ones do not understand each other's signed adverts")


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


def _drained_rank(member: Host, vip: Instance) -> int:
    """The highest priority it has for a VIP while it is drained, before and after its change."""
    weights = [(member.priorities[str(vip["name"])], vip["weight"])]
    for old in member.before:
        # Without a weight it does not know of drains, and 0 makes it a FAULT: either gives its VIPs away.
        if wire_of(old) == wire_of(vip) and old.get("drained_weight"):
            weights.append((int(old["priority"]), old["drained_weight"]))
    return max(priority + weight for priority, weight in weights)


def _successors(member: Host) -> Iterator[tuple[Instance, Instance]]:
    """The instances that stay, as old and new: those with the same VRID, and those that share an address."""
    by_wire = {wire_of(new): new for new in member.plan}
    by_ip = {address: new for new in member.plan for address in ips_of(new)}
    by_name = {str(new["name"]): new for new in member.plan}
    for old in member.before:
        found = (
            [by_wire.get(wire_of(old)), *map(by_ip.get, ips_of(old))]
            if _listed(old)
            else [by_name.get(str(old["name"]))]
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
