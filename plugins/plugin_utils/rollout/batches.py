# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The batches of a run, and what of keepalived changes in lockstep after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ..cluster.instance import Instance
from .load_balancer import NONE, Actions, LoadBalancer
from .rollout import Rollout


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

    @property
    def leaders(self) -> list[str]:
        return [self.survivor] if self.first == "survivor" else self.others


def batches(clusters: Sequence[Rollout]) -> list[list[Turn]]:
    """All clusters change in parallel: the first batch has the first of each."""
    own = [list(_turns(cluster)) for cluster in clusters]
    return [[turn for part in parts for turn in part or ()] for parts in zip_longest(*own)]


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


def final(cluster: Rollout) -> dict[str, list[str]]:
    """The addresses that each host must have after the run."""
    found: dict[str, list[str]] = {member.name: [] for member in cluster.members}
    for vip in cluster.certain:
        best = max(cluster.members, key=lambda member: member.rank(vip))
        if best.rank(vip) > NONE:
            found[best.name].extend(vip.virtual_ipaddress)
    return found


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
