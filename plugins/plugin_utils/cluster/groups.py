# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs that move together: the members of a sync group have one order of hosts.

Pure functions of the inventory's data; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import balance


def orders(pins: Sequence[Sequence[int]], hosts: int, leaders: Sequence[int]) -> list[list[int]]:
    """As balance.orders, where each VIP has the order of its leader, which is itself outside of groups."""
    places = {index: place for place, index in enumerate(sorted(set(leaders)))}
    units: list[list[int]] = [[] for dummy in places]
    for index, pin in enumerate(pins):
        unit = places[leaders[index]]
        if len(pin) > len(units[unit]):
            units[unit] = list(pin)
    found = balance.orders(units, hosts)
    return [found[places[leader]] for leader in leaders]


def leaders_of(vips: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]]) -> list[int]:
    """For each VIP the number of the first VIP of its sync group, of the one that it follows, or its own."""
    names = [str(vip.get("name")) for vip in vips]
    leaders = list(range(len(vips)))
    for group in groups:
        members = [names.index(str(name)) for name in group.get("vips") or () if str(name) in names]
        for index in members:
            leaders[index] = members[0]
    for index, vip in enumerate(vips):
        if vip.get("follows"):
            leaders[index] = leaders[names.index(str(vip["follows"]))]
    return leaders


def problems(vips: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with sync groups, entries of keepalived_sync_groups."""
    names = [str(vip.get("name")) for vip in vips]
    owners: dict[str, str] = {}
    for group in groups:
        title = str(group.get("name"))
        for name in map(str, group.get("vips") or ()):
            if name not in names:
                yield f"keepalived_sync_groups: {title} has {name}, which is no VIP. The VIPs are {', '.join(names)}."
            elif name in owners:
                yield f"keepalived_sync_groups: {name} is in {owners[name]} and in {title}. Leave it in one of them."
            owners.setdefault(name, title)
        pinned = {
            str(vip["name"]): _pins(vip) for vip in vips if str(vip.get("name")) in map(str, group.get("vips") or ())
        }
        different = {name: pins for name, pins in pinned.items() if pins}
        if len(set(different.values())) > 1:
            said = ", ".join(f"{name} pins {' and '.join(pins)}" for name, pins in different.items())
            yield f"keepalived_sync_groups: the VIPs of {title} move together, and {said}. Pin one order, the same on each or on one."


def _pins(vip: Mapping[str, Any]) -> tuple[str, ...]:
    priorities = vip.get("priorities") or {}
    ranked = sorted(priorities, key=lambda host: str(priorities[host]).rjust(3), reverse=True)
    return tuple(map(str, vip.get("order") or ([vip["preferred"]] if vip.get("preferred") else ranked)))
