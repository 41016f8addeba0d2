# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does to the load balancers, and in which order, so that as few clients as possible notice it.

A run takes its batches first, and then what has to change in lockstep on all members of a cluster. Nothing depends on the play's order
of hosts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from . import report
from .batches import Turn, batches, final, lockstep_of
from .load_balancer import LoadBalancer
from .rollout import rollouts


def plan(hosts: Mapping[str, LoadBalancer], play_hosts: Sequence[str]) -> dict[str, Any]:
    """What a run does. hosts: as hostvars.before_change reads them.

    changes: whether there is anything to do.
    batches: hosts whose turn comes at the same time, one batch after the other. Each has its hosts, those to drain before and to undrain
    afterwards, those whose keepalived, nginx and check change, and by host the addresses to expect there in the end, with prefixes.
    lockstep: clusters whose members do not understand each other while their settings differ, so that keepalived changes on all of them
    at once, after the batches. Each has its hosts, the survivor that holds most VIPs, the others, which of the two goes first ("survivor"
    or "others"), the hosts to restart, those to drain before, and the reasons.
    disruptions: what the run moves or interrupts, a sentence each. summary: what it does, as lines to print.
    actions: by host what happens to nginx (none, start, reload, upgrade), check (none, apply) and keepalived (none, start, reload, restart).
    final: by host the addresses that it must hold after the run, with prefixes; none of a VIP whose holder the plan does not determine.
    problems: why the run cannot do it, a sentence each.
    """
    clusters = rollouts(hosts, play_hosts)
    turns = batches(clusters)
    locksteps = [lockstep_of(cluster) for cluster in clusters if cluster.in_lockstep]
    finals = [(cluster, final(cluster)) for cluster in clusters]
    changes = bool(turns or locksteps)
    return {
        "changes": changes,
        "batches": [_batch(batch) for batch in turns],
        "lockstep": [asdict(lockstep) for lockstep in locksteps],
        "disruptions": list(report.disruptions(finals)) if changes else [],
        "summary": report.summary(turns, locksteps),
        "actions": {host: asdict(hosts[host].actions) for host in play_hosts},
        "final": {host: held for dummy, own in finals for host, held in own.items()},
        "problems": [report.problem(cluster) for cluster in clusters if cluster.mismatches and not cluster.in_lockstep],
    }


def _batch(turns: Sequence[Turn]) -> dict[str, Any]:
    return {
        "hosts": [turn.name for turn in turns],
        "drain": [turn.name for turn in turns if turn.drain],
        "undrain": [turn.name for turn in turns if turn.undrain],
        "keepalived": [turn.name for turn in turns if turn.todo.keepalived != "none"],
        "nginx": [turn.name for turn in turns if turn.todo.nginx != "none"],
        "check": [turn.name for turn in turns if turn.todo.check != "none"],
        "expect": {turn.name: turn.expect for turn in turns},
    }
