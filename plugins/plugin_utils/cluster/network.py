# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load balancer's facts tell of its network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import Address, Interface, Network, interface


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


def network_of(facts: Mapping[str, Any]) -> HostNetwork | None:
    """facts: as the module setup gathers them; None where there are none, for the host is not in this run."""
    if not facts:
        return None
    held = frozenset((*facts.get("all_ipv4_addresses", ()), *facts.get("all_ipv6_addresses", ())))
    return HostNetwork({name: _nic(name, fact(facts, name)) for name in facts.get("interfaces", ())}, held)


def fact(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An interface's own fact."""
    # The setup module turns every '-', '.' and ':' of an interface's name into '_' in its fact's name.
    return facts.get(re.sub(r"[-.:]", "_", name)) or {}


def _nic(name: str, entry: Mapping[str, Any]) -> Nic:
    first, six = entry.get("ipv4"), entry.get("ipv6") or ()
    own = [_interface(each, "netmask") for each in [first, *entry.get("ipv4_secondaries", ())] if each]
    found = [*own, *(_interface(each, "prefix") for each in six)]
    return Nic(
        name,
        str(entry.get("macaddress") or ""),
        own[0] if first else None,
        tuple(each.network for each in found if each),
        tuple(str(each["address"]) for each in six if each.get("scope") == "global"),
        tuple(str(each["address"]) for each in six if each.get("scope") == "link"),
    )


def _interface(own: Mapping[str, Any], key: str) -> Interface | None:
    return interface(f"{own['address']}/{own[key]}" if own.get(key) else own["address"])
