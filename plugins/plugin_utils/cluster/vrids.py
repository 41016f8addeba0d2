# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VRIDs of VIPs that share a network."""

from __future__ import annotations

from collections.abc import Sequence

from ..settings.problem import Problem
from ..settings.vip import Vip

# A VRID of one family, and the name of the VIP that has it.
Used = dict[tuple[int, int], str]


def plan_vrids(vips: Sequence[Vip], reserved: Sequence[int] = ()) -> tuple[list[int], list[Problem]]:
    """A VRID for each VIP: its pin, else the last octet of its address, else a free number above; and what is wrong with pins.

    IPv4 and IPv6 count separately, as they do on the wire; of an IPv6 address the last 8 bits count. 0 is no VRID:
    it becomes the next free one. Every VIP that alone wants its number has it; of several the lowest address has it,
    and the others take free numbers, in the order of their addresses. So the order of the list and hosts change no
    VRID, and VIPs that want other numbers change none of a VIP that has the number it wants.
    """
    used: Used = {(version, number): "the reserved numbers" for number in reserved for version in (4, 6)}
    problems: list[Problem] = []
    chosen: dict[int, int] = {}
    for index, vip in enumerate(vips):
        if vip.virtual_router_id is not None:
            chosen[index] = vip.virtual_router_id
            problems += _pin(vip, vip.virtual_router_id, used)
    numbers = [int(vip.addresses[0].ip) for vip in vips]
    free = sorted(set(range(len(vips))) - set(chosen), key=lambda index: (vips[index].family, numbers[index]))
    for index in free:
        key = (vips[index].family, numbers[index] % 256)
        if key[1] and key not in used:
            used[key] = vips[index].name
            chosen[index] = key[1]
    for index in free:
        if index not in chosen:
            chosen[index] = _free(numbers[index] % 256, vips[index], used)
            if not chosen[index]:
                what = f"makes more VIPs in {vips[index].addresses[0].network} than the 255 VRIDs of a network"
                problems.append(vips[index].problem("address", what, "Move some VIPs to another network."))
    return [chosen[index] for index in range(len(vips))], problems


def _pin(vip: Vip, number: int, used: Used) -> list[Problem]:
    key = (vip.family, number)
    if key in used:
        return [vip.problem("virtual_router_id", f"is {number}, which is that of {used[key]}", "Give each its own.")]
    used[key] = vip.name
    return []


def _free(wanted: int, vip: Vip, used: Used) -> int:
    """The next free number, 0 where there is none."""
    for offset in range(255):
        number = (wanted + offset) % 255 + 1
        if (vip.family, number) not in used:
            used[(vip.family, number)] = vip.name
            return number
    return 0
