# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VRRP instance as the plan gives it to one host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Instance:
    """One VIP on one host. Addresses in virtual_ipaddress have their prefixes; those of peers and senders have none.

    weight: what a failed check adds to the priority, 0 for a FAULT; unicast_derived: the peers are the members' own addresses and not
    the inventory's; senders: from where adverts of the other members come.
    """

    name: str
    virtual_router_id: int
    priority: int
    state: str
    weight: int
    nopreempt: bool
    virtual_ipaddress: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    address_options: Mapping[str, Any] = field(default_factory=dict)
    unicast_src_ip: str = ""
    unicast_peers: tuple[str, ...] = ()
    unicast_derived: bool = False
    senders: tuple[str, ...] = ()

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.virtual_ipaddress[0] else 4

    @classmethod
    def from_fact(cls, fact: Mapping[str, Any]) -> Instance:
        """An instance from what as_fact has made of one."""
        own = {name: tuple(fact[name]) for name in ("virtual_ipaddress", "unicast_peers", "senders") if name in fact}
        return cls(**{**fact, **own})

    def as_fact(self) -> dict[str, Any]:
        """Itself as a fact of its host: what is empty and optional is left out."""
        whole = {name: getattr(self, name) for name in NAMES}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in whole.items()
            if value or name not in OPTIONAL
        }


OPTIONAL = frozenset(("options", "address_options", "unicast_src_ip", "unicast_peers", "unicast_derived"))
NAMES = tuple(each.name for each in fields(Instance))
