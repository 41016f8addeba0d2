# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters of a run before the change: the batches in which their members change, and what of keepalived changes in lockstep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest

from ..addresses import ip_of
from ..cluster.instance import Instance
from ..text import natural
from .load_balancer import NONE, Actions, LoadBalancer
from .mismatch import Mismatch, is_tolerant, mismatches_of, priority_mismatches


@dataclass(frozen=True, eq=False)
class Rollout:
    """A cluster's part of a run.

    members: those in the play, in natural order; outside: the others, None for those of which nothing is known. What the play's order of
    hosts is does not matter to anything here.
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
        """Members outside the play that may run keepalived."""
        return [name for name, host in self.outside.items() if host is None or host.runs]

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
        backward = self.members[::-1]
        return sorted(backward, key=lambda member: (member.runs, len(self.holds(member))))

    def todo(self, member: LoadBalancer) -> Actions:
        """What happens to a member in its batch."""
        return replace(member.actions, keepalived="none") if self.in_lockstep else member.actions

    def relieved(self, member: LoadBalancer, done: set[str]) -> bool:
        """Whether another member could take its VIPs, once the members in done have had their batch."""
        # A drain does no harm where none of those outside takes over after all.
        if any(host is None or (host.runs and not host.drained) for host in self.outside.values()):
            return True
        return any(
            other.takes(other.name in done and (other.runs or self.todo(other).keepalived != "none"))
            for other in self.members
            if other is not member
        )

    @cached_property
    def final(self) -> dict[str, list[str]]:
        """The addresses that each host must have after the run."""
        found: dict[str, list[str]] = {member.name: [] for member in self.members}
        for vip in self.certain:
            best = max(self.members, key=lambda member: member.rank(vip))
            if best.rank(vip) > NONE:
                found[best.name].extend(vip.virtual_ipaddress)
        return found

    @cached_property
    def home(self) -> dict[str, str]:
        """The host of each VIP after the run, by address."""
        return {ip_of(address): host for host, addresses in self.final.items() for address in addresses}

    @cached_property
    def certain(self) -> list[Instance]:
        """The VIPs of which the plan tells who must hold them."""
        if self.outside:
            return []
        return [instance for instance in self.plan if not instance.nopreempt or len(self.members) == 1]


def rollouts(hosts: Mapping[str, LoadBalancer], play_hosts: Iterable[str]) -> list[Rollout]:
    """The clusters of a play in natural order. hosts: those of the play and what is known of members outside of it."""
    groups: dict[frozenset[str], list[str]] = {}
    for name in sorted(play_hosts, key=natural):
        groups.setdefault(frozenset(hosts[name].desired.hosts) or frozenset([name]), []).append(name)
    known = {name: host for name, host in hosts.items() if host.keepalived.daemon}
    return [
        Rollout(
            tuple(hosts[name] for name in members),
            {name: known.get(name) for name in sorted(names.difference(members), key=natural)},
        )
        for names, members in groups.items()
    ]


@dataclass(frozen=True)
class Turn:
    """What happens to a host in its batch. expect: the addresses that it must have in the end, with prefixes."""

    host: LoadBalancer
    todo: Actions
    drain: bool
    undrain: bool
    expect: list[str]

    @property
    def name(self) -> str:
        return self.host.name


@dataclass(frozen=True)
class Lockstep:
    """A cluster whose keepalived changes on all members at once.

    survivor: who holds most VIPs; first: survivor or others, whichever changes first; restart, drain: hosts; reasons: clauses.
    """

    hosts: list[str]
    survivor: str
    others: list[str]
    first: str
    restart: list[str]
    drain: list[str]
    reasons: list[str]


def batches(clusters: Sequence[Rollout]) -> list[list[Turn]]:
    """All clusters change in parallel: the first batch has the first of each."""
    return [[turn for part in parts for turn in part] for parts in zip_longest(*map(_turns, clusters), fillvalue=[])]


def _turns(cluster: Rollout) -> Iterator[list[Turn]]:
    expected = _expected(cluster)
    done: set[str] = set()
    for batch in cluster.batches:
        yield [_turn(cluster, member, done, expected[member.name]) for member in batch]
        done |= {member.name for member in batch}


def _turn(cluster: Rollout, member: LoadBalancer, done: set[str], expect: list[str]) -> Turn:
    todo = cluster.todo(member)
    drain = _drainable(member) and todo.disturbing and cluster.relieved(member, done)
    return Turn(member, todo, drain, drain or member.left_drained, expect)


def _drainable(member: LoadBalancer) -> bool:
    return member.runs and not member.drained_by_operator


def _expected(cluster: Rollout) -> dict[str, list[str]]:
    """The addresses that each host must have at the end of its batch."""
    found: dict[str, list[str]] = {member.name: [] for batch in cluster.batches for member in batch}
    # Before the lockstep it still lives by the old plan.
    for vip in [] if cluster.in_lockstep else cluster.certain:
        for member in _sure_holders(cluster, vip, set(found)):
            found[member.name].extend(vip.virtual_ipaddress)
    return found


def _sure_holders(cluster: Rollout, vip: Instance, busy: set[str]) -> Iterator[LoadBalancer]:
    """Who outranks all others at the end of its batch: those that had theirs by the new plan, and the others by either."""
    best = max((member.rank_before(vip) for member in cluster.members if member.name not in busy), default=NONE)
    rivals = [NONE]
    for batch in reversed(cluster.batches):
        rivals.append(max(rivals[-1], *(member.rank_before(vip) for member in batch)))
    for batch, rival in zip(cluster.batches, reversed(rivals[:-1]), strict=True):
        leader = max(batch, key=lambda member: member.rank(vip))
        if leader.rank(vip) > max(best, rival):
            yield leader
        best = max(best, leader.rank(vip))


def lockstep_of(cluster: Rollout) -> Lockstep:
    # Of several with as many VIPs the first by name.
    survivor = max(cluster.running, key=lambda member: len(cluster.holds(member)))
    others = [member for member in cluster.members if member is not survivor]
    apart = any(mismatch.apart for mismatch in cluster.mismatches)
    return Lockstep(
        hosts=[member.name for member in cluster.members],
        survivor=survivor.name,
        others=[member.name for member in others],
        # Make before break: where the survivor cannot keep the VIPs, the others take them before it changes.
        first="others" if apart else "survivor",
        restart=[member.name for member in cluster.members if member.actions.keepalived == "restart"],
        drain=[member.name for member in others if _drainable(member)],
        reasons=cluster.reasons,
    )
