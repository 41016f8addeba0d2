# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is master of which VIP: priorities, VRIDs, states and weights of a VRRP cluster.

Pure functions of the inventory's data; they run on the control node only.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

# RFC 5798: 255 is the owner of the address, whose priority tracking cannot lower; 0 means "I am leaving".
LOWEST, HIGHEST = 1, 254
# VRRPv3 counts hundredths of a second.
SHORTEST_ADVERT = 0.01
# Two backups take over at different times if their skew times differ by more than the network's delay.
SKEW_SECONDS = 0.010
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


class PlanError(ValueError):
    """The VIPs cannot be planned; the text names the VIP, the value and the fix."""


def parse_address(vip: Mapping[str, Any]) -> Interface:
    """The VIP's address with its prefix; an address without one gets /32 or /128."""
    text = str(vip.get("address", ""))
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        raise PlanError(
            f"VIP {vip.get('name')}: address is {text!r}, which is no IP address. Write it as 192.168.200.200/24."
        ) from None


def check_vips(vips: Sequence[Mapping[str, Any]]) -> list[Interface]:
    """The addresses of the VIPs, in their order, once names and addresses are known to be sound and unique."""
    addresses: list[Interface] = []
    owners: dict[Address, str] = {}
    names: set[str] = set()
    for vip in vips:
        name = str(vip.get("name", ""))
        if not NAME.match(name):
            raise PlanError(
                f"VIP name {name!r} is not made of letters, digits, '_', '-' and '.'. Rename it, e.g. VI_1."
            )
        if name in names:
            raise PlanError(f"Two VIPs are called {name}. Give each entry of keepalived_vips a name of its own.")
        names.add(name)
        address = parse_address(vip)
        if address.ip in owners:
            raise PlanError(
                f"VIP {name}: address {address.ip} is already that of {owners[address.ip]}. Remove one of the two."
            )
        owners[address.ip] = name
        addresses.append(address)
    return addresses


def plan(
    vips: Sequence[Mapping[str, Any]],
    hosts: Sequence[str],
    advert_int: float = 0.25,
    base: int = HIGHEST,
    step: int = 0,
) -> dict[str, list[dict[str, Any]]]:
    """Every host's VRRP instances.

    vips: entries of keepalived_vips; hosts: the members, in the order of preference for the first VIP (each
    further VIP starts one host later); advert_int in seconds; base: the master's priority; step: what each
    further host has less, 0 to derive it from advert_int.

    A takeover after a fault takes (256 - priority) / 256 x advert_int (RFC 5798, skew time): so base is as high
    as can be, and step just large enough for skew times of two backups to differ by SKEW_SECONDS.
    """
    if not hosts:
        raise PlanError("There is no host to plan for. Set keepalived_hosts, e.g. to the group of load balancers.")
    if len(set(hosts)) != len(hosts):
        twice = next(host for host in hosts if list(hosts).count(host) > 1)
        raise PlanError(f"Host {twice} is listed twice in keepalived_hosts. List each host once.")
    if step < 0:
        raise PlanError(
            f"keepalived_priority_step is {step}. It is 0 (chosen) or more; pin priorities to prefer another host."
        )
    addresses = check_vips(vips)
    gap = step or _step(len(hosts), advert_int, base)
    vrids = _vrids(vips, addresses)
    result: dict[str, list[dict[str, Any]]] = {host: [] for host in hosts}
    for index, (vip, address) in enumerate(zip(vips, addresses, strict=True)):
        start = index % len(hosts)
        order = [*hosts[start:], *hosts[:start]]
        priorities = _priorities(vip, order, base, gap)
        states = _states(vip, priorities)
        weight = min(priorities.values()) - max(priorities.values()) - 1
        for host in hosts:
            result[host].append(
                {
                    "name": str(vip["name"]),
                    "virtual_router_id": vrids[index],
                    "priority": priorities[host],
                    "state": states[host],
                    "weight": weight,
                    "virtual_ipaddress": [str(address)],
                }
            )
    return result


def _step(count: int, advert_int: float, base: int) -> int:
    wanted = math.ceil(SKEW_SECONDS * 256 / max(advert_int, SHORTEST_ADVERT))
    # A failed host loses the whole span and one more, and must still be at LOWEST or above.
    room = (base - LOWEST - 1) // (2 * max(count - 1, 1))
    return max(1, min(wanted, room))


def _priorities(vip: Mapping[str, Any], order: Sequence[str], base: int, step: int) -> dict[str, int]:
    name = vip["name"]
    pinned = dict(vip.get("priorities") or {})
    _refuse_strangers(name, "priorities", pinned, order)
    for host, value in pinned.items():
        if not str(value).isdecimal():
            raise PlanError(
                f"VIP {name}: priority of {host} is {value!r}. It must be a whole number from {LOWEST} to {HIGHEST}."
            )
    priorities = {host: int(pinned.get(host, base - rank * step)) for rank, host in enumerate(order)}
    holders: dict[int, str] = {}
    for host, priority in priorities.items():
        if not LOWEST <= priority <= HIGHEST:
            raise PlanError(
                f"VIP {name}: {host} would get priority {priority}; it must be {LOWEST} to {HIGHEST} "
                "(255 would make it the owner, which no failed check can lower). Change its pin, keepalived_priority_base or _step."
            )
        if priority in holders:
            raise PlanError(
                f"VIP {name}: {holders[priority]} and {host} both have priority {priority}. "
                "Equal priorities go to the higher address; give each host its own."
            )
        holders[priority] = host
    lowered = 2 * min(priorities.values()) - max(priorities.values()) - 1
    if lowered < LOWEST:
        raise PlanError(
            f"VIP {name}: priorities {max(priorities.values())} to {min(priorities.values())} leave no room for a failed host "
            f"to rank below a healthy one (the last would fall to {lowered}). Use a smaller keepalived_priority_step or a higher base."
        )
    return priorities


def _states(vip: Mapping[str, Any], priorities: Mapping[str, int]) -> dict[str, str]:
    pinned = dict(vip.get("states") or {})
    _refuse_strangers(vip["name"], "states", pinned, list(priorities))
    best = max(priorities, key=lambda host: priorities[host])
    states = {host: str(pinned.get(host, "MASTER" if host == best else "BACKUP")) for host in priorities}
    for host, state in states.items():
        if state not in ("MASTER", "BACKUP"):
            raise PlanError(f"VIP {vip['name']}: state of {host} is {state!r}. It is MASTER or BACKUP.")
    return states


def _refuse_strangers(name: str, key: str, pinned: Mapping[str, Any], hosts: Sequence[str]) -> None:
    for host in pinned:
        if host not in hosts:
            raise PlanError(f"VIP {name}: {key} names {host}, which is no member. The members are {', '.join(hosts)}.")


def _vrids(vips: Sequence[Mapping[str, Any]], addresses: Sequence[Interface]) -> list[int]:
    """A VRID for each VIP: its pin, else the last octet of its address, else the next free number above.

    IPv4 and IPv6 count separately, as they do on the wire. The order of the list does not matter: those
    without a pin choose in the order of their addresses.
    """
    chosen: dict[int, int] = {}
    used: dict[tuple[int, int], str] = {}
    for index, vip in enumerate(vips):
        pin = vip.get("virtual_router_id")
        if pin is None:
            continue
        if not 1 <= int(pin) <= 255:
            raise PlanError(f"VIP {vip['name']}: virtual_router_id is {pin}. It must be 1 to 255.")
        key = (addresses[index].version, int(pin))
        if key in used:
            raise PlanError(
                f"VIP {vip['name']}: virtual_router_id {pin} is already that of {used[key]}. Give each its own."
            )
        used[key] = str(vip["name"])
        chosen[index] = int(pin)
    free = [index for index in range(len(vips)) if index not in chosen]
    for index in sorted(free, key=lambda i: (addresses[i].version, int(addresses[i].ip))):
        version, wanted = addresses[index].version, int(addresses[index].ip) % 256 or 1
        candidates = [(wanted - 1 + offset) % 255 + 1 for offset in range(255)]
        vrid = next((number for number in candidates if (version, number) not in used), None)
        if vrid is None:
            raise PlanError(f"VIP {vips[index]['name']}: all 255 VRIDs of this network are taken.")
        used[(version, vrid)] = str(vips[index]["name"])
        chosen[index] = vrid
    return [chosen[index] for index in range(len(vips))]
