# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load balancer as planning sees it: what it is to be, and what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.network import HostNetwork, Nic
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import KeepalivedSettings


@dataclass(frozen=True)
class Running:
    """An instance of the configuration that a host has now. addresses: with prefixes, None where they are not known."""

    name: str
    virtual_router_id: int
    addresses: tuple[str, ...] | None = None
    peers: tuple[str, ...] = ()

    @classmethod
    def from_fact(cls, found: Mapping[str, Any]) -> Running:
        """From an entry of instances, as the module keepalived_info returns them."""
        addresses = found.get("virtual_ipaddress")
        return cls(
            str(found["name"]),
            int(found.get("virtual_router_id") or 0),
            None if addresses is None else tuple(addresses),
            tuple(found.get("unicast_peers") or ()),
        )


@dataclass(frozen=True)
class Speaker:
    """Who was heard to send adverts. family: 4 or 6; version: of VRRP."""

    family: int
    version: int
    virtual_router_id: int
    source: str

    @classmethod
    def from_fact(cls, found: Mapping[str, Any]) -> Speaker:
        """From an entry of speakers, as the module vrrp_listen returns them."""
        family = 4 if found["family"] == "ipv4" else 6
        return cls(family, found["version"], int(found["virtual_router_id"]), str(found["source"]))


@dataclass(frozen=True)
class Host:
    """network: None where the host is not in this run; admitted: whose adverts its firewall lets in now."""

    name: str
    settings: KeepalivedSettings
    network: HostNetwork | None = None
    running: Sequence[Running] = ()
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
