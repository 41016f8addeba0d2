# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load balancer as planning sees it: what it is to be, and what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..settings.keepalived import KeepalivedSettings
from .instance import ConfiguredInstance
from .network import HostNetwork, Nic


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
