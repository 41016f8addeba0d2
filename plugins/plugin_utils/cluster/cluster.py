# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster with its plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..settings.keepalived import KeepalivedSettings
from ..settings.vip import Vip
from ..text import columns, joined
from .host import Host
from .instance import Instance


@dataclass(frozen=True)
class Cluster:
    """names: all its hosts, in natural order; hosts: those that are known, those in this run first; plan: the instances of each host."""

    names: tuple[str, ...]
    hosts: tuple[Host, ...]
    plan: Mapping[str, Sequence[Instance]]

    @property
    def settings(self) -> KeepalivedSettings:
        return self.hosts[0].settings

    @property
    def absent(self) -> list[str]:
        """Hosts that are not in this run."""
        present = {host.name for host in self.hosts if host.network}
        return [name for name in self.names if name not in present]

    @property
    def instances(self) -> Sequence[Instance]:
        """The VRRP instances as its first host has them."""
        return self.plan[self.names[0]]

    @cached_property
    def vips(self) -> dict[str, Vip]:
        return {vip.name: vip for vip in self.settings.vips}

    def order(self, index: int) -> list[tuple[str, int]]:
        """The hosts of a VIP with their priorities, its preferred one first."""
        found = [(host, instances[index].priority) for host, instances in self.plan.items()]
        return sorted(found, key=lambda pair: -pair[1])

    def moves(self) -> Iterator[str]:
        """What applying the plan would move, as far as facts tell who holds a VIP now."""
        for index, instance in enumerate(self.instances):
            address = instance.virtual_ipaddress[0].split("/")[0]
            holders = [host.name for host in self.hosts if address in host.held]
            preferred = self.order(index)[0][0]
            if holders != [preferred]:
                yield f"{instance.name}: {joined(holders) or 'nowhere'} -> {preferred}"


def table(clusters: Sequence[Cluster]) -> list[str]:
    """The plan as lines to print: a row for each VIP."""
    rows = [("VIP", "address", "VRID", "hosts in order, with priorities", "weight of a failed check")]
    for cluster in clusters:
        for index, one in enumerate(cluster.instances):
            order = ", ".join(f"{host} {priority}" for host, priority in cluster.order(index))
            addresses = " ".join(one.virtual_ipaddress)
            rows.append((one.name, addresses, str(one.virtual_router_id), order, str(one.weight)))
    return columns(rows)
