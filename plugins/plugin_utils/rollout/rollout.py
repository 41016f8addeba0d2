# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster before a change: its members, the order in which they change, and whether keepalived has to change in lockstep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ..cluster.instance import Instance
from ..text import natural
from .load_balancer import Actions, LoadBalancer
from .mismatch import Mismatch, is_tolerant, mismatches_of, priority_mismatches


@dataclass(frozen=True, eq=False)
class Rollout:
    """A cluster's part of a run.

    members: those in the play, in natural order; outside: the others, None for those that are not in the inventory. What the play's order
    of hosts is does not matter to anything here.
    """

    members: tuple[LoadBalancer, ...]
    outside: Mapping[str, LoadBalancer | None]

    @cached_property
    def plan(self) -> tuple[Instance, ...]:
        return next((member.plan for member in self.members if member.plan), ())

    @cached_property
    def running(self) -> list[LoadBalancer]:
        return [member for member in self.members if member.runs]

    @cached_property
    def outsiders(self) -> list[str]:
        """Members outside the play that may run keepalived: of most of them nothing is known."""
        return [name for name, host in self.outside.items() if host is None or not _known_stopped(host)]

    @cached_property
    def vips(self) -> dict[str, set[str]]:
        """The addresses of each VIP, in the old plan and in the new one."""
        found: dict[str, set[str]] = {}
        for instance in [*(each for member in self.members for each in member.keepalived.instances), *self.plan]:
            found.setdefault(instance.name, set()).update(instance.ips)
        return found

    def holds(self, member: LoadBalancer) -> list[str]:
        """The VIPs that a member holds now."""
        return [name for name, addresses in self.vips.items() if not addresses.isdisjoint(member.keepalived.ips)]

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
    def in_lockstep(self) -> bool:
        return bool(self.mismatches) and not self.outsiders

    @cached_property
    def batches(self) -> list[list[LoadBalancer]]:
        """The members with something to do: one after the other, backups first; all at once on a first installation."""
        order = self.order if self.running else self.members
        busy = [member for member in order if self.todo(member).needed or member.left_drained]
        return [[member] for member in busy] if self.running else [busy] * bool(busy)

    @cached_property
    def order(self) -> list[LoadBalancer]:
        """Those that do not run first, then the backups of the moment; of several the last by name."""
        backward = sorted(self.members, key=lambda member: natural(member.name), reverse=True)
        return sorted(backward, key=lambda member: (member.runs, len(self.holds(member))))

    def todo(self, member: LoadBalancer) -> Actions:
        """What happens to a member in its batch."""
        return replace(member.actions, keepalived="none") if self.in_lockstep else member.actions

    def relieved(self, member: LoadBalancer, done: set[str]) -> bool:
        """Whether another member could take its VIPs, once the members in done have had their batch."""
        # A drain does no harm where none of those outside takes over after all.
        if any(host is None or _may_take_over(host) for host in self.outside.values()):
            return True
        return any(
            other.takes(other.name in done and (other.runs or self.todo(other).keepalived != "none"))
            for other in self.members
            if other is not member
        )

    @cached_property
    def certain(self) -> list[Instance]:
        """The VIPs of which the plan tells who must hold them."""
        if self.outside:
            return []
        return [instance for instance in self.plan if not instance.nopreempt or len(self.members) == 1]


def rollouts(hosts: Mapping[str, LoadBalancer], play_hosts: Iterable[str]) -> list[Rollout]:
    """The clusters of a play in natural order. hosts: those of the play and what is known of members outside of it."""
    groups: dict[frozenset[str], list[LoadBalancer]] = {}
    for name in sorted(play_hosts, key=natural):
        groups.setdefault(frozenset(hosts[name].desired.hosts) or frozenset([name]), []).append(hosts[name])
    return [_rollout(hosts, names, members) for names, members in groups.items()]


def _rollout(hosts: Mapping[str, LoadBalancer], names: frozenset[str], members: list[LoadBalancer]) -> Rollout:
    absent = sorted(names - {member.name for member in members}, key=natural)
    return Rollout(tuple(members), {name: hosts.get(name) for name in absent})


def _known_stopped(host: LoadBalancer) -> bool:
    return host.keepalived.daemon is not None and not host.runs


def _may_take_over(host: LoadBalancer) -> bool:
    return host.keepalived.daemon is None or (host.runs and not host.drained)
