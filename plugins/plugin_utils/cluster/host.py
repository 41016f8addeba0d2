# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load balancer as planning sees it: what it is to be, and what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..addresses import Address, Interface, Network, interface
from ..settings.fact import read
from ..settings.keepalived import KeepalivedSettings
from .instance import ConfiguredInstance


@dataclass(frozen=True)
class Nic:
    """A network interface. ipv4: the host's own address (VIPs that it holds come as further ones); global6 and link6: its IPv6 addresses."""

    name: str
    mac: str = ""
    ipv4: Interface | None = None
    networks: tuple[Network, ...] = ()
    global6: tuple[str, ...] = ()
    link6: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostNetwork:
    """nics: the host's interfaces by their names; held: all its addresses, VIPs too, without prefixes."""

    nics: Mapping[str, Nic]
    held: frozenset[str]

    def nic(self, name: str) -> Nic:
        """An interface; one without any address where the host lacks it."""
        return self.nics.get(name) or Nic(name)

    @property
    def own(self) -> dict[Address, str]:
        """The interfaces of the host's own IPv4 addresses."""
        return {nic.ipv4.ip: nic.name for nic in self.nics.values() if nic.ipv4}


@dataclass(frozen=True)
class Held:
    """An address as the setup module tells it. Of IPv6 it has a prefix, and of IPv4 in older versions a netmask alone."""

    address: str = ""
    netmask: str = ""
    prefix: str = ""
    scope: str = ""

    @property
    def interface(self) -> Interface | None:
        size = self.netmask or self.prefix
        return interface(f"{self.address}/{size}" if size else self.address)


@dataclass(frozen=True)
class Adapter:
    """The fact of an interface, by the setup module's names."""

    macaddress: str = ""
    ipv4: Held | None = None
    ipv4_secondaries: tuple[Held, ...] = ()
    ipv6: tuple[Held, ...] = ()

    def nic(self, name: str) -> Nic:
        held = [*([self.ipv4] if self.ipv4 else []), *self.ipv4_secondaries, *self.ipv6]
        return Nic(
            name,
            self.macaddress,
            self.ipv4.interface if self.ipv4 else None,
            tuple(each.network for each in (one.interface for one in held) if each),
            tuple(each.address for each in self.ipv6 if each.scope == "global"),
            tuple(each.address for each in self.ipv6 if each.scope == "link"),
        )


def network_of(facts: Mapping[str, Any]) -> HostNetwork | None:
    """facts: as the module setup gathers them; None where there are none, for the host is not in this run."""
    if not facts:
        return None
    held = frozenset((*facts.get("all_ipv4_addresses", ()), *facts.get("all_ipv6_addresses", ())))
    # In the name of a fact the setup module turns '-' into '_', and leaves the dot of a VLAN and the colon of a label.
    found = {name: read(Adapter, facts.get(name.replace("-", "_"))) for name in facts.get("interfaces", ())}
    return HostNetwork({name: each.nic(name) for name, each in found.items()}, held)


@dataclass(frozen=True)
class Speaker:
    """Who was heard to send adverts, by the names of host_info. family: ipv4 or ipv6; version: of VRRP."""

    family: str = ""
    version: int = 0
    virtual_router_id: int = 0
    source: str = ""


@dataclass(frozen=True)
class Host:
    """network: None where the host is not in this run; admitted: whose adverts its firewall lets in now."""

    name: str
    settings: KeepalivedSettings
    network: HostNetwork | None = None
    running: Sequence[ConfiguredInstance] = ()
    heard: Sequence[Speaker] = ()
    admitted: Sequence[str] = ()

    @property
    def held(self) -> frozenset[str]:
        """The addresses that it has now."""
        return self.network.held if self.network else frozenset()

    @property
    def nic(self) -> Nic:
        """The interface that is to carry the VIPs."""
        name = self.settings.interface
        return self.network.nic(name) if self.network else Nic(name)
