# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is master of which VIP: priorities, VRIDs, states and weights of a VRRP cluster.

Pure functions of the inventory's data; they run on the control node only.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import groups as vrrp_groups
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.naming import NAME

# RFC 5798: 255 is the owner of the address, whose priority tracking cannot lower; 0 means "I am leaving".
LOWEST, HIGHEST = 1, 254
# VRRPv3 counts hundredths of a second.
SHORTEST_ADVERT = 0.01
# Two backups take over at different times if their skew times differ by more than the network's delay.
SKEW_SECONDS = 0.010

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


class PlanError(ValueError):
    """The VIPs cannot be planned; the text names the VIP, the value and the fix."""


def by_family(vips: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The VIPs with one for each family: an entry with address6 becomes two, the second of which follows the first.

    One VRRP instance carries one family (RFC 5798). The second has the first one's name with _6 behind it, and everything else that is
    pinned or set, too; extra_addresses go with the address of their family. Raises PlanError.
    """
    result: list[Mapping[str, Any]] = []
    for vip in vips:
        if not vip.get("address6"):
            result.append(vip)
            continue
        common = {key: value for key, value in vip.items() if key not in ("address6", "extra_addresses")}
        extra: dict[int, list[str]] = {4: [], 6: []}
        for text in vip.get("extra_addresses") or ():
            extra[_address(vip, text).version].append(str(text))
        for key, family in (("address", 4), ("address6", 6)):
            if _address(vip, vip.get(key, ""), key).version != family:
                raise PlanError(f"VIP {vip.get('name')}: {key} is {vip.get(key)}. It is the IPv{family} address.")
        name = str(vip.get("name", ""))
        result.append({**common, "extra_addresses": extra[4]})
        result.append(
            {**common, "name": f"{name}_6", "address": vip["address6"], "extra_addresses": extra[6], "follows": name}
        )
    return result


def addresses_of(vip: Mapping[str, Any]) -> list[Interface]:
    """The VIP's address with its prefix, then its further ones; an address without a prefix gets /32 or /128."""
    return [_address(vip, text) for text in [vip.get("address", ""), *(vip.get("extra_addresses") or ())]]


def _address(vip: Mapping[str, Any], value: Any, key: str = "address") -> Interface:
    text = str(value)
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        raise PlanError(
            f"VIP {vip.get('name')}: {key} is {text!r}, which is no IP address. Write it as "
            f"{'fd00:200::200/64' if key == 'address6' else '192.168.200.200/24'}."
        ) from None


def check_vips(vips: Sequence[Mapping[str, Any]]) -> list[list[Interface]]:
    """The addresses of each VIP, in their order, once names and addresses are known to be sound and unique."""
    result: list[list[Interface]] = []
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
        own = addresses_of(vip)
        if len({address.version for address in own}) > 1:
            raise PlanError(
                f"VIP {name}: {', '.join(map(str, own))} mix IPv4 and IPv6, and one VRRP instance carries one of them "
                "(RFC 5798). Give the other one as address6."
            )
        for address in own:
            if address.ip in owners:
                raise PlanError(
                    f"VIP {name}: address {address.ip} is already that of {owners[address.ip]}. Remove one of the two."
                )
            owners[address.ip] = name
        result.append(own)
    return result


def plan(
    vips: Sequence[Mapping[str, Any]],
    hosts: Sequence[str],
    advert_int: float = 0.25,
    base: int = HIGHEST,
    step: int = 0,
    skew: float = SKEW_SECONDS,
    reserved: Sequence[int] = (),
    vrids: Sequence[int] | None = None,
    preempt_delay: float = 0,
    groups: Sequence[Mapping[str, Any]] = (),
) -> dict[str, list[dict[str, Any]]]:
    """Every host's VRRP instances.

    vips: entries of keepalived_vips, one for each family; hosts: the members; advert_int in seconds; base: the master's priority; step:
    what each further host has less, 0 to derive it from advert_int and skew (seconds); reserved: VRIDs not to use;
    vrids: those of the VIPs where they are planned together with other clusters; preempt_delay: seconds;
    groups: entries of keepalived_sync_groups, whose VIPs have one order of hosts.

    A takeover after a fault takes (256 - priority) / 256 x advert_int (RFC 5798, skew time): so base is as high
    as can be, and step just large enough for the skew times of two backups to differ by skew. Where so many hosts
    share a VIP that this leaves a failed host no room below the healthy ones, the step shrinks, down to 1.
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
    gap = step or _step(len(hosts), advert_int, base, skew)
    numbers_of_vips = vrids if vrids is not None else plan_vrids(vips, reserved)
    numbers = {host: number for number, host in enumerate(hosts)}
    pins = [[numbers[host] for host in _pinned_order(vip, hosts)] for vip in vips]
    result: dict[str, list[dict[str, Any]]] = {host: [] for host in hosts}
    orders = vrrp_groups.orders(pins, len(hosts), vrrp_groups.leaders_of(vips, groups))
    for vip, own, vrid, order in zip(vips, addresses, numbers_of_vips, orders, strict=True):
        priorities = _priorities(vip, [hosts[number] for number in order], base, gap)
        states = _states(vip, priorities, preempt_delay)
        texts = [str(address) for address in own]
        nopreempt = bool(vip.get("nopreempt"))
        # A host that does not preempt takes nothing from a master whose priority falls: only FAULT (0) moves the VIP.
        weight = 0 if nopreempt else min(priorities.values()) - max(priorities.values()) - 1
        for host in hosts:
            result[host].append(
                {
                    "name": str(vip["name"]),
                    "virtual_router_id": vrid,
                    "priority": priorities[host],
                    "state": states[host],
                    "weight": weight,
                    "nopreempt": nopreempt,
                    "virtual_ipaddress": texts,
                    **{key: dict(vip[key]) for key in ("options", "address_options") if vip.get(key)},
                }
            )
    return result


def _step(count: int, advert_int: float, base: int, skew: float) -> int:
    wanted = math.ceil(skew * 256 / max(advert_int, SHORTEST_ADVERT))
    # A failed host loses the whole span and one more, and must still be at LOWEST or above.
    room = (base - LOWEST - 1) // (2 * max(count - 1, 1))
    return max(1, min(wanted, room))


def _pinned_order(vip: Mapping[str, Any], hosts: Sequence[str]) -> list[str]:
    """The hosts that the VIP's order starts with."""
    name, order = vip["name"], [str(host) for host in vip.get("order") or []]
    preferred, priorities = vip.get("preferred"), dict(vip.get("priorities") or {})
    _refuse_strangers(name, "order", order, hosts)
    _refuse_strangers(name, "preferred", [preferred] if preferred else [], hosts)
    if len(set(order)) != len(order):
        raise PlanError(f"VIP {name}: order names a host twice ({', '.join(order)}). Name each once.")
    if preferred and order and order[0] != preferred:
        raise PlanError(f"VIP {name}: preferred is {preferred}, but order starts with {order[0]}. Set one of the two.")
    if order or preferred:
        return order or [str(preferred)]
    if set(priorities) == set(hosts) and all(str(value).isdecimal() for value in priorities.values()):
        return sorted(hosts, key=lambda host: -int(priorities[host]))
    return []


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
    master = max(priorities, key=lambda host: priorities[host])
    if (vip.get("order") or vip.get("preferred")) and master != order[0]:
        raise PlanError(
            f"VIP {name}: priorities make {master} its master, but preferred or order names {order[0]}. Set one of the two."
        )
    lowered = 2 * min(priorities.values()) - max(priorities.values()) - 1
    if lowered < LOWEST:
        raise PlanError(
            f"VIP {name}: priorities {max(priorities.values())} to {min(priorities.values())} leave no room for a failed host "
            f"to rank below a healthy one (the last would fall to {lowered}). Use a smaller keepalived_priority_step or a higher base."
        )
    return priorities


def _states(vip: Mapping[str, Any], priorities: Mapping[str, int], preempt_delay: float) -> dict[str, str]:
    pinned = dict(vip.get("states") or {})
    _refuse_strangers(vip["name"], "states", pinned, list(priorities))
    best = max(priorities, key=lambda host: priorities[host])
    # keepalived takes nopreempt and preempt_delay only where every host starts as a backup.
    reason = "nopreempt" if vip.get("nopreempt") else "keepalived_preempt_delay" if preempt_delay else ""
    starting = "BACKUP" if reason else "MASTER"
    states = {host: str(pinned.get(host, starting if host == best else "BACKUP")) for host in priorities}
    for host, state in states.items():
        if state not in ("MASTER", "BACKUP"):
            raise PlanError(f"VIP {vip['name']}: state of {host} is {state!r}. It is MASTER or BACKUP.")
        if state == "MASTER" and reason:
            raise PlanError(
                f"VIP {vip['name']}: {reason} with state MASTER on {host} has no effect; keepalived wants BACKUP on all "
                f"hosts for it. Remove the pinned state, or {reason}."
            )
    return states


def _refuse_strangers(name: str, key: str, pinned: Iterable[str], hosts: Sequence[str]) -> None:
    for host in pinned:
        if host not in hosts:
            raise PlanError(f"VIP {name}: {key} names {host}, which is no member. The members are {', '.join(hosts)}.")


def plan_vrids(vips: Sequence[Mapping[str, Any]], reserved: Sequence[int] = ()) -> list[int]:
    """A VRID for each VIP: its pin, else the last octet of its address, else a free number above.

    IPv4 and IPv6 count separately, as they do on the wire; of an IPv6 address the last 8 bits count. 0 is no VRID:
    it becomes the next free one. Every VIP that alone wants its number has it; of several the lowest address has it,
    and the others take free numbers, in the order of their addresses. So the order of the list and hosts change no
    VRID, and VIPs that want other numbers change none of a VIP that has the number it wants.
    """
    addresses = [addresses_of(vip)[0] for vip in vips]
    chosen: dict[int, int] = {}
    used = {(version, int(number)): "the reserved numbers" for number in reserved for version in (4, 6)}
    for index, vip in enumerate(vips):
        if vip.get("virtual_router_id") is not None:
            chosen[index] = _pinned_vrid(vip, addresses[index].version, used)
    free = sorted(set(range(len(vips))) - set(chosen), key=lambda i: (addresses[i].version, int(addresses[i].ip)))
    wanted = {index: int(addresses[index].ip) % 256 for index in free}
    for index in free:
        key = (addresses[index].version, wanted[index])
        if wanted[index] and key not in used:
            used[key] = str(vips[index]["name"])
            chosen[index] = wanted[index]
    for index in free:
        if index not in chosen:
            chosen[index] = _free_vrid(wanted[index], addresses[index].version, vips[index], used)
    return [chosen[index] for index in range(len(vips))]


def _pinned_vrid(vip: Mapping[str, Any], version: int, used: dict[tuple[int, int], str]) -> int:
    pin = str(vip["virtual_router_id"])
    if not pin.isdecimal() or not 1 <= int(pin) <= 255:
        raise PlanError(f"VIP {vip['name']}: virtual_router_id is {pin}. It must be 1 to 255.")
    key = (version, int(pin))
    if key in used:
        raise PlanError(
            f"VIP {vip['name']}: virtual_router_id {pin} is already that of {used[key]}. Give each its own."
        )
    used[key] = str(vip["name"])
    return int(pin)


def _free_vrid(wanted: int, version: int, vip: Mapping[str, Any], used: dict[tuple[int, int], str]) -> int:
    for offset in range(255):
        number = (wanted + offset) % 255 + 1
        if (version, number) not in used:
            used[(version, number)] = str(vip["name"])
            return number
    raise PlanError(f"VIP {vip['name']}: all 255 VRIDs of this network are taken.")
