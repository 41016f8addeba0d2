# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does to the load balancers, and in which order, so that as few clients as possible notice it.

Pure functions of what the modules found on the hosts before anything changed; they run on the control node. A run takes the waves
first, and then what has to change on all members of a cluster together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import report as change_report
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.cluster import Cluster
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.host import NONE, Host

VARIABLES = (
    "keepalived_settings",
    "keepalived_instances",
    "keepalived_found",
    "keepalived_staged",
    "keepalived_binary_desired",
    "keepalived_unit_path",
    "nginx_found",
    "nginx_staged",
    "nginx_upgrade",
    "check_nginx_staged",
)


def plan(variables: Mapping[str, Mapping[str, Any]], play_hosts: Sequence[str]) -> dict[str, Any]:
    """What a run does: changes, waves, together, disruptions, summary, actions, final and problems.

    variables: those named by VARIABLES, by host; members that are not in the play need not be there.
    """
    clusters = _clusters(variables, play_hosts)
    waves = _waves(clusters)
    together = [_together(cluster) for cluster in clusters if cluster.together]
    members = {member.name: member for cluster in clusters for member in cluster.members}
    finals = [(cluster, _final(cluster)) for cluster in clusters]
    changes = bool(waves or together)
    return {
        "changes": changes,
        "waves": waves,
        "together": together,
        "disruptions": list(change_report.disruptions(finals)) if changes else [],
        "summary": change_report.summary(members, waves, together),
        "actions": {host: members[host].actions for host in play_hosts},
        "final": {host: held for dummy, final in finals for host, held in final.items()},
        "problems": [
            change_report.problem(cluster) for cluster in clusters if cluster.mismatches and not cluster.together
        ],
    }


def _clusters(variables: Mapping[str, Mapping[str, Any]], play_hosts: Sequence[str]) -> list[Cluster]:
    groups: dict[tuple[str, ...], dict[str, Host]] = {}
    for name in play_hosts:
        host = Host(name, variables.get(name) or {})
        groups.setdefault(tuple(host.settings.get("hosts") or [name]), {})[name] = host
    clusters = []
    for hosts, present in groups.items():
        order = [name for name in hosts if name in present] + [name for name in present if name not in hosts]
        outside = {
            name: Host(name, variables[name]) if name in variables else None for name in hosts if name not in present
        }
        clusters.append(Cluster(hosts, tuple(present[name] for name in order), outside))
    return clusters


def _waves(clusters: Sequence[Cluster]) -> list[dict[str, Any]]:
    parts = [list(_parts(cluster)) for cluster in clusters]
    return [_merged([part for part in wave if part]) for wave in zip_longest(*parts)]


def _merged(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    lists = ("hosts", "drain", "undrain", "keepalived", "nginx", "check")
    return {
        **{key: [host for part in parts for host in part[key]] for key in lists},
        "expect": {host: held for part in parts for host, held in part["expect"].items()},
    }


def _parts(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """What a cluster has in each wave."""
    expected = _expected(cluster)
    done: set[str] = set()
    for step in cluster.steps:
        drain = [member.name for member in step if _needs_drain(cluster, member) and cluster.relieved(member, done)]
        yield {
            "hosts": [member.name for member in step],
            "drain": drain,
            "undrain": [member.name for member in step if member.name in drain or member.left_drained],
            "expect": {member.name: expected[member.name] for member in step},
            **{
                what: [member.name for member in step if what in cluster.todo(member)]
                for what in ("keepalived", "nginx", "check")
            },
        }
        done |= {member.name for member in step}


def _needs_drain(cluster: Cluster, member: Host) -> bool:
    return member.runs and not member.drained_by_operator and cluster.disturbed(member)


def _expected(cluster: Cluster) -> dict[str, list[str]]:
    """The addresses that each host must have at the end of its wave."""
    found: dict[str, list[str]] = {member.name: [] for step in cluster.steps for member in step}
    if cluster.together:
        # In its waves it still lives by the old plan.
        return found
    idle = [member for member in cluster.members if member.name not in found]
    for vip in cluster.certain:
        best = max((member.rank_before(vip) for member in idle), default=NONE)
        rivals = [NONE]
        for step in reversed(cluster.steps):
            rivals.append(max(rivals[-1], *(member.rank_before(vip) for member in step)))
        for step, rival in zip(cluster.steps, reversed(rivals[:-1]), strict=True):
            leader = max(step, key=lambda member: member.rank(vip))
            if leader.rank(vip) > max(best, rival):
                found[leader.name].extend(vip["virtual_ipaddress"])
            best = max(best, leader.rank(vip))
    return found


def _final(cluster: Cluster) -> dict[str, list[str]]:
    """The addresses that each host must have in the end."""
    found: dict[str, list[str]] = {member.name: [] for member in cluster.members}
    for vip in cluster.certain:
        best = max(cluster.members, key=lambda member: member.rank(vip))
        if best.rank(vip) > NONE:
            found[best.name].extend(vip["virtual_ipaddress"])
    return found


def _together(cluster: Cluster) -> dict[str, Any]:
    # Of several with as many VIPs the first.
    survivor = max(cluster.running, key=lambda member: len(cluster.holds(member)))
    others = [member for member in cluster.members if member is not survivor]
    apart = any(mismatch.apart for mismatch in cluster.mismatches)
    return {
        "hosts": [member.name for member in cluster.members],
        "survivor": survivor.name,
        "others": [member.name for member in others],
        # Make before break: where the survivor cannot keep the VIPs, the others take them before it changes.
        "first": "others" if apart else "survivor",
        "restart": [member.name for member in cluster.members if member.actions["keepalived"] == "restart"],
        "drain": [member.name for member in others if member.runs and not member.drained_by_operator],
        "reasons": cluster.reasons,
    }
