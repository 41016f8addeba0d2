# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does to the load balancers, in which order, and what a person is told of it: what its clients notice, and how it failed.

A run takes its batches first, and then what has to change in lockstep on all members of a cluster. Nothing depends on the play's order
of hosts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..addresses import ip_of, with_prefix
from ..cluster.instance import Instance
from ..text import joined
from .load_balancer import LoadBalancer
from .mismatch import addresses_change
from .observed import ConfiguredInstance, KeepalivedState
from .rollout import Lockstep, Rollout, Turn, batches, lockstep_of, rollouts

# So many hosts a line names; of more it says how many there are.
NAMED = 8


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
    changes = bool(turns or locksteps)
    return {
        "changes": changes,
        "batches": [_batch(batch) for batch in turns],
        "lockstep": [asdict(lockstep) for lockstep in locksteps],
        "disruptions": list(disruptions(clusters)) if changes else [],
        "summary": summary(turns, locksteps),
        "actions": {host: asdict(hosts[host].actions) for host in play_hosts},
        "final": {host: held for cluster in clusters for host, held in cluster.final.items()},
        "problems": [problem(cluster) for cluster in clusters if cluster.mismatches and not cluster.in_lockstep],
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


@dataclass(frozen=True)
class HostState:
    """The answer of host_info from one host of a loop. item: the host."""

    item: str = "?"
    unreachable: bool = False
    keepalived: KeepalivedState = KeepalivedState()


def disruptions(clusters: Iterable[Rollout]) -> Iterator[str]:
    for cluster in clusters:
        yield from _interruptions(cluster)
        yield from _lost_addresses(cluster)
        if cluster.in_lockstep:
            names = _names(member.name for member in cluster.members)
            yield f"{names}: {joined(cluster.reasons)}, so keepalived changes on all of them at once"
        yield from _moves(cluster)


def summary(batches: Iterable[Sequence[Turn]], locksteps: Iterable[Lockstep]) -> list[str]:
    lines = [_batch_line(batch) for batch in batches]
    for each in locksteps:
        leaders = [each.survivor] if each.first == "survivor" else each.others
        lines.append(
            f"{_names(each.hosts)} in lockstep, {_names(leaders)} first: keepalived takes new settings ({joined(each.reasons)})"
        )
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)]


def problem(cluster: Rollout) -> str:
    absent, one = joined(cluster.outsiders), len(cluster.outsiders) == 1
    return (
        f"{_names(member.name for member in cluster.members)}: {joined(cluster.reasons)}, which has to happen on all members at once, "
        f"and {absent} {'is' if one else 'are'} not in this run. Run it without --limit, or take {absent} out of keepalived_hosts "
        f"if {'it is' if one else 'they are'} gone."
    )


def failure(host: str, task: str, message: str, states: Iterable[HostState]) -> str:
    """What an operator has to know when a host's change was taken back. states: of all hosts of the run."""
    step = f" in the step '{task}'" if task else ""
    lines = [
        f"{host}: the change failed{step}: {message.rstrip('.')}.",
        f"What {host} had before is back: configuration and programs. The run stops here. The hosts now:",
        *(f"  {state.item}: {_state(state)}" for state in states),
        "Correct the cause and run it again; playbooks/verify.yml says more.",
    ]
    return "\n".join(lines)


def _state(state: HostState) -> str:
    daemon = state.keepalived.daemon
    if state.unreachable or daemon is None:
        return "cannot be reached"
    if not daemon.running:
        return "keepalived does not run"
    instances = ", ".join(f"{each.name} {each.state}" for each in daemon.instances)
    drained = f", drained ({state.keepalived.drained})" if state.keepalived.drained else ""
    return f"keepalived {daemon.version}, {instances or 'no answer from it'}{drained}"


def _interruptions(cluster: Rollout) -> Iterator[str]:
    """The VIPs that a restart or an upgrade takes from their host."""
    planned = {instance.name: instance for instance in cluster.plan}
    done: set[str] = set()
    for batch in cluster.batches:
        for member in batch:
            held = [planned[name] for name in cluster.holds(member) if name in planned]
            if held and member.runs and cluster.todo(member).disturbing:
                yield from _interruption(cluster, member, held, cluster.relieved(member, done))
        done |= {member.name for member in batch}


def _interruption(cluster: Rollout, member: LoadBalancer, held: Sequence[Instance], relieved: bool) -> Iterator[str]:
    what = f"{member.name}: {_causes(cluster, member)}"
    if not relieved:
        they = "it is" if len(held) == 1 else "they are"
        yield f"{what}, and no other host can take {_vips(held)}: {they} down meanwhile"
        return
    # One that goes for good is told as a move of the plan.
    returning = [vip for vip in held if cluster.home.get(vip.ips[0]) == member.name]
    leaving = [vip for vip in held if vip.ips[0] not in cluster.home]
    for vips, ending in ((returning, (" and come back", " and comes back")), (leaving, ("", ""))):
        if vips:
            one = len(vips) == 1
            yield f"{what}: {_vips(vips)} {'goes' if one else 'go'} to another host{ending[one]}"


def _causes(cluster: Rollout, member: LoadBalancer) -> str:
    todo = cluster.todo(member)
    causes = []
    if todo.nginx == "upgrade":
        versions = ", ".join(f"{name} {version}" for name, version in member.upgrade.items())
        causes.append(f"nginx is upgraded ({versions})")
    if todo.keepalived == "restart":
        causes.append(f"keepalived is restarted ({', '.join(member.restart_causes)})")
    return joined(causes)


def _vips(instances: Iterable[Instance]) -> str:
    return joined(f"{instance.name} ({', '.join(instance.ips)})" for instance in instances)


def _lost_addresses(cluster: Rollout) -> Iterator[str]:
    """Addresses that the plan has no more, or with another prefix, each once."""
    told = set(cluster.reasons)
    lost = dict.fromkeys(text for member in cluster.running for text in _losses(member))
    yield from (text for text in lost if text not in told)


def _losses(member: LoadBalancer) -> Iterator[str]:
    planned = {address for new in member.plan for address in new.virtual_ipaddress}
    by_wire = {new.wire: new for new in member.plan}
    by_name = {new.name: new for new in member.plan}
    for old in member.keepalived.instances:
        new = by_wire.get(old.wire) or by_name.get(old.name)
        if new and not planned.issuperset(map(with_prefix, old.virtual_ipaddress or ())):
            yield addresses_change(old, new)
        elif not new:
            yield from _removal(old, set(map(ip_of, planned)))


def _removal(old: ConfiguredInstance, planned: set[str]) -> Iterator[str]:
    gone = ", ".join(ip for ip in old.ips if ip not in planned)
    if gone or not old.virtual_ipaddress:
        yield f"{old.name} ({gone}) is removed" if gone else f"{old.name} is removed"


def _moves(cluster: Rollout) -> Iterator[str]:
    """The VIPs that are not now where the plan wants them."""
    for vip in cluster.certain:
        target, addresses = cluster.home.get(vip.ips[0]), cluster.vips[vip.name]
        holders = [member.name for member in cluster.members if not addresses.isdisjoint(member.keepalived.ips)]
        elsewhere = [name for name in holders if name != target]
        if target and elsewhere:
            yield f"{vip.name} moves from {joined(elsewhere)} to {target}"


def _batch_line(turns: Sequence[Turn]) -> str:
    groups: dict[str, list[str]] = {}
    for turn in turns:
        text = ", ".join(_deeds(turn)) + (" (drained meanwhile)" if turn.drain else "")
        groups.setdefault(text, []).append(turn.name)
    return "; ".join(f"{_names(hosts)}: {text}" for text, hosts in groups.items())


def _deeds(turn: Turn) -> Iterator[str]:
    if turn.todo.nginx != "none":
        yield f"nginx {turn.todo.nginx}"
    if turn.todo.check != "none":
        yield "new check"
    if turn.todo.keepalived != "none":
        yield f"keepalived {turn.todo.keepalived}"
    if turn.host.left_drained:
        yield "undrain, left over from before"


def _names(hosts: Iterable[str]) -> str:
    names = list(hosts)
    return ", ".join(names) if len(names) <= NAMED else f"{', '.join(names[:NAMED])} and {len(names) - NAMED} others"
