# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An entry of keepalived_vips."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from .. import addresses
from ..addresses import Address, Interface
from .naming import NAME
from .problem import Problem, shown
from .reader import Reader

# RFC 5798: 255 is the owner of the address, whose priority tracking cannot lower; 0 means "I am leaving".
LOWEST, HIGHEST = 1, 254
SAMPLES = {4: "192.168.200.200/24", 6: "fd00:200::200/64"}


@dataclass(frozen=True)
class Vip:
    """What one VRRP instance carries: an entry of keepalived_vips, or one family of an entry that has address6.

    where: the entry, such as keepalived_vips[2]; addresses: its address, then the further ones, each with its prefix (/32 or /128 where
    there is none), and in fields their keys in the entry; virtual_router_id: its pin, None where the plan chooses; preferred: the host
    that is to be its master, or empty; order: the hosts that it prefers; priorities and states: pins by host; follows: the name of the
    VIP that has the entry's other family, and the same hosts.
    """

    name: str
    addresses: tuple[Interface, ...]
    where: str = field(default="", compare=False)
    fields: tuple[str, ...] = field(default=(), compare=False)
    virtual_router_id: int | None = None
    preferred: str = ""
    order: tuple[str, ...] = ()
    priorities: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    nopreempt: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    address_options: Mapping[str, object] = field(default_factory=dict)
    follows: str = ""

    @property
    def family(self) -> int:
        return self.addresses[0].version

    @cached_property
    def texts(self) -> tuple[str, ...]:
        return tuple(map(str, self.addresses))

    @cached_property
    def located(self) -> tuple[tuple[str, Address], ...]:
        """Its addresses without prefixes, each with the key where it is written."""
        return tuple((key, each.ip) for key, each in zip(self.fields, self.addresses, strict=True))

    @property
    def pinned(self) -> tuple[str, ...]:
        """The hosts that its pins put first, in their order."""
        ranked = sorted(self.priorities, key=lambda host: -self.priorities[host])
        return self.order or ((self.preferred,) if self.preferred else tuple(ranked))

    def problem(self, key: str, what: str, fix: str) -> Problem:
        """What is wrong with one of its values."""
        return Problem(f"{self.where}.{key}", f"of {self.name} {what}", fix)


def parse_vips(reader: Reader) -> list[Vip]:
    """The VIPs in a reader's list vips, in its order. Those without a sound address are left out."""
    found = [vip for entry in reader.entries("vips") for vip in _families(entry)]
    reader.problems.extend(_twice(found))
    return found


def _families(entry: Reader) -> Iterator[Vip]:
    """The entry, or one VIP for each of its families: an instance carries one (RFC 5798). The second is called as the first with _6."""
    whole = _whole(entry)
    further = [(f"extra_addresses[{index}]", text) for index, text in enumerate(entry.texts("extra_addresses"))]
    extra = [(key, found) for key, text in further if (found := _address(entry, key, text, 4))]
    own = _address(entry, "address", entry.text("address"), 4)
    if not entry.text("address6"):
        if own:
            yield from _one(entry, whole, [("address", own), *extra])
        return
    second = _address(entry, "address6", entry.text("address6"), 6)
    for key, address, family in (("address", own, 4), ("address6", second, 6)):
        if address and address.version != family:
            entry.note(key, f"is {address}, which is IPv{address.version}", f"It is the IPv{family} address.")
            return
    if own and second:
        follower = {**whole, "name": f"{whole['name']}_6", "follows": whole["name"]}
        yield from _one(entry, whole, [("address", own), *(each for each in extra if each[1].version == 4)])
        yield from _one(entry, follower, [("address6", second), *(each for each in extra if each[1].version == 6)])


def _one(entry: Reader, values: Mapping[str, object], found: Sequence[tuple[str, Interface]]) -> Iterator[Vip]:
    family = found[0][1].version
    for key, address in found[1:]:
        if address.version != family:
            entry.note(
                key,
                f"is {address}, which is IPv{address.version}, and {found[0][1]} is IPv{family}: a VRRP instance carries one of them "
                "(RFC 5798)",
                "Give the IPv6 address of an IPv4 one as address6, or make two entries.",
            )
            return
    yield Vip(addresses=tuple(each for dummy, each in found), fields=tuple(key for key, dummy in found), **values)  # type: ignore[arg-type]


def _whole(entry: Reader) -> dict[str, object]:
    """What both families of an entry have."""
    name = entry.text("name")
    if not NAME.match(name):
        what = f"is {shown(name)}, which is not made of letters, digits, '_', '-' and '.'"
        entry.problems.append(Problem(f"{entry.prefix}name", what, "Rename it, e.g. VI_1."))
    order, preferred = entry.texts("order"), entry.text("preferred")
    if len(set(order)) != len(order):
        entry.note("order", f"names a host twice ({', '.join(order)})", "Name each once.")
    if preferred and order and order[0] != preferred:
        entry.note("preferred", f"is {preferred}, but order starts with {order[0]}", "Set one of the two.")
    return {
        "name": name,
        "where": entry.prefix.rstrip("."),
        "virtual_router_id": _vrid(entry),
        "preferred": preferred,
        "order": order,
        "priorities": dict(_priorities(entry)),
        "states": dict(_states(entry)),
        "nopreempt": entry.truth("nopreempt"),
        "options": entry.mapping("options"),
        "address_options": entry.mapping("address_options"),
    }


def _vrid(entry: Reader) -> int | None:
    found = entry.optional_whole("virtual_router_id", "from 1 to 255")
    if found is None or 1 <= found <= 255:
        return found
    entry.note("virtual_router_id", f"is {found}", "It must be 1 to 255.")
    return None


def _priorities(entry: Reader) -> Iterator[tuple[str, int]]:
    for host, value in entry.mapping("priorities").items():
        text = str(value)
        if re.fullmatch(r"[0-9]{1,3}", text) and LOWEST <= int(text) <= HIGHEST:
            yield host, int(text)
        elif text == "255":
            entry.note(
                f"priorities.{host}",
                "is 255, which would make it the owner, that no failed check can lower",
                _between(),
            )
        else:
            entry.note(f"priorities.{host}", f"is {shown(value)}", _between())


def _between() -> str:
    return f"It must be a whole number from {LOWEST} to {HIGHEST}."


def _states(entry: Reader) -> Iterator[tuple[str, str]]:
    for host, state in entry.mapping("states").items():
        if state in ("MASTER", "BACKUP"):
            yield host, str(state)
        else:
            entry.note(f"states.{host}", f"is {shown(state)}", "It is MASTER or BACKUP.")


def _address(entry: Reader, key: str, text: str, family: int) -> Interface | None:
    found = addresses.interface(text)
    if found is None:
        entry.note(key, f"is {shown(text)}, which is no IP address", f"Write it as {SAMPLES[family]}.")
    return found


def _twice(vips: Sequence[Vip]) -> Iterator[Problem]:
    """Names and addresses that two VIPs have."""
    names: dict[str, Vip] = {}
    owners: dict[Address, Vip] = {}
    for vip in vips:
        other = names.setdefault(vip.name, vip)
        if other is not vip:
            what = f"makes {vip.name} the name of a VIP, as {other.where}.name does"
            yield Problem(f"{vip.where}.name", what, "Give each entry a name of its own.")
        for key, address in vip.located:
            owner = owners.setdefault(address, vip)
            if owner is not vip or [each for dummy, each in vip.located].count(address) > 1:
                yield vip.problem(key, f"is {address}, which {owner.name} has as well", "Remove one of the two.")
