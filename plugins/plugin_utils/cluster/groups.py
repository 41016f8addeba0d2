# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs that move together: the members of a sync group have one order of hosts.

Pure functions of the inventory's data; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..settings.keepalived import SyncGroup
from ..settings.vip import Vip
from . import balance


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


def leaders_of(vips: Sequence[Vip], groups: Sequence[SyncGroup]) -> list[int]:
    """For each VIP the number of the first VIP of its sync group, of the one that it follows, or its own."""
    numbers = {vip.name: number for number, vip in enumerate(vips)}
    leaders = list(range(len(vips)))
    for group in groups:
        members = sorted(numbers[name] for name in group.vips if name in numbers)
        for index in members:
            leaders[index] = members[0]
    for index, vip in enumerate(vips):
        if vip.follows:
            leaders[index] = leaders[numbers[vip.follows]]
    return leaders
