# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load balancer as a drill knows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance


@dataclass(frozen=True)
class Member:
    """interface: the one that carries the VIPs, mac: its address; keepalived: its version; advert_int: seconds; vrrp_version: 2 or 3."""

    instances: tuple[Instance, ...]
    interface: str
    mac: str
    keepalived: str
    advert_int: float
    vrrp_version: int

    @classmethod
    def from_hostvars(cls, variables: Mapping[str, Any]) -> Member:
        """From what the preflight has left on the host."""
        settings = variables["keepalived_settings"]
        # The module setup turns every '-', '.' and ':' of an interface's name into '_' in its fact's name.
        fact = variables["ansible_facts"][re.sub(r"[-.:]", "_", settings["interface"])]
        return cls(
            instances=tuple(map(Instance.from_fact, variables["keepalived_instances"])),
            interface=settings["interface"],
            mac=str(fact["macaddress"]),
            keepalived=str(variables["keepalived_found"]["version"]),
            advert_int=settings["advert_int"],
            vrrp_version=settings["vrrp_version"],
        )
