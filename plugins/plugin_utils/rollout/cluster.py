# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster before a run: its members, the order in which they change, and whether they have to change together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.host import Host, Instance, disturbing, ips_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.mismatch import (
    Mismatch,
    is_tolerant,
    mismatches_of,
    priority_mismatches,
)


@dataclass(frozen=True, eq=False)
class Cluster:
    """hosts: all its members; members: those of them in the play, in the same order; outside: the others, where known."""

    hosts: tuple[str, ...]
    members: tuple[Host, ...]
    outside: Mapping[str, Host | None]

    @property
    def plan(self) -> list[Instance]:
        return next((member.plan for member in self.members if member.plan), [])

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.members[0].settings

    @cached_property
    def running(self) -> list[Host]:
        return [member for member in self.members if member.runs]

    @cached_property
    def outsiders(self) -> list[str]:
        """Members outside the play that may run keepalived: of most of them nothing is known."""
        return [name for name, host in self.outside.items() if host is None or not host.daemon or host.runs]

    @cached_property
    def vips(self) -> dict[str, set[str]]:
        """The addresses of each VIP, in the old plan and in the new one."""
        found: dict[str, set[str]] = {}
        for instance in [*(each for member in self.members for each in member.before), *self.plan]:
            found.setdefault(str(instance["name"]), set()).update(ips_of(instance))
        return found

    def holds(self, member: Host) -> list[str]:
        """The VIPs that a member holds now."""
        return [name for name, addresses in self.vips.items() if not addresses.isdisjoint(member.held)]

    @cached_property
    def mismatches(self) -> list[Mismatch]:
        """Why keepalived cannot change host by host; empty where it can."""
        # A member that does not run now may be one that a run which was killed had silenced.
        if not self.running or len(self.members) + len(self.outsiders) < 2:
            return []
        tolerant = not self.outsiders and all(is_tolerant(member) for member in self.running)
        found = dict.fromkeys(mismatch for member in self.running for mismatch in mismatches_of(member))
        found.update(dict.fromkeys(priority_mismatches(self.order)))
        return [mismatch for mismatch in found if not (mismatch.tolerable and tolerant)]

    @property
    def reasons(self) -> list[str]:
        return [mismatch.text for mismatch in self.mismatches]

    @property
    def together(self) -> bool:
        return bool(self.mismatches) and not self.outsiders

    @cached_property
    def steps(self) -> list[list[Host]]:
        """The members with something to do in waves: one after the other, backups first; all at once on a first installation."""
        order = self.order if self.running else self.members
        busy = [member for member in order if self.todo(member) or member.left_drained]
        return [[member] for member in busy] if self.running else [busy] * bool(busy)

    @cached_property
    def order(self) -> list[Host]:
        """Those that do not run first, then the backups of the moment."""
        place = {member.name: number for number, member in enumerate(self.members)}
        held = {member.name: len(self.holds(member)) for member in self.members}
        return sorted(self.members, key=lambda each: (each.runs, held[each.name], -place[each.name]))

    def todo(self, member: Host) -> dict[str, str]:
        """What happens to a member in its wave."""
        later = ("keepalived",) if self.together else ()
        return {what: action for what, action in member.actions.items() if action != "none" and what not in later}

    def disturbed(self, member: Host) -> bool:
        """Whether its wave takes its VIPs from it."""
        return disturbing(self.todo(member))

    def relieved(self, member: Host, done: set[str]) -> bool:
        """Whether another member could take its VIPs, once the members in done have had their wave."""
        # A drain does no harm where none of those outside takes over after all.
        if any(host is None or not host.daemon or (host.runs and not host.drained) for host in self.outside.values()):
            return True
        return any(
            other.takes(other.name in done and (other.runs or "keepalived" in self.todo(other)))
            for other in self.members
            if other is not member
        )

    @cached_property
    def certain(self) -> list[Instance]:
        """The VIPs of which the plan tells who must hold them."""
        if self.outside:
            return []
        return [instance for instance in self.plan if not instance.get("nopreempt") or len(self.hosts) == 1]
