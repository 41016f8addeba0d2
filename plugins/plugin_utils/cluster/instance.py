# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VRRP instances of one host: as the plan wants them, and as its configuration has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from ..addresses import ip_of


class Addressed:
    """An instance's addresses, and what tells it from others on the network."""

    virtual_router_id: int
    virtual_ipaddress: tuple[str, ...] | None

    @cached_property
    def ips(self) -> list[str]:
        """Its addresses without prefixes."""
        return [ip_of(address) for address in self.virtual_ipaddress or ()]

    @cached_property
    def family(self) -> int:
        """4 or 6."""
        return 6 if any(":" in address for address in self.virtual_ipaddress or ()) else 4

    @cached_property
    def wire(self) -> tuple[int, int]:
        """Its address family and VRID; names are a host's own matter."""
        return self.family, self.virtual_router_id


@dataclass(frozen=True)
class Instance(Addressed):
    """One VIP on one host as it is planned. Addresses in virtual_ipaddress have their prefixes; those of peers and senders have none.

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


@dataclass(frozen=True)
class ConfiguredInstance(Addressed):
    """A VRRP instance of the configuration as it is.

    virtual_ipaddress: None where its addresses are not known; drained_weight: what a drain adds to its priority, 0 for a FAULT, None where it does not know
    of drains; group: where it sends its adverts unless it has unicast_peers.
    """

    name: str = ""
    virtual_router_id: int = 0
    virtual_ipaddress: tuple[str, ...] | None = None
    priority: int | None = None
    drained_weight: int | None = None
    advert_int: float | None = None
    group: str = ""
    unicast_peers: tuple[str, ...] = ()


OPTIONAL = frozenset(("options", "address_options", "unicast_src_ip", "unicast_peers", "unicast_derived"))
NAMES = tuple(each.name for each in fields(Instance))
