# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with keepalived or nginx on one host, as sentences without its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..addresses import bracketed
from ..text import joined, sentence
from .observed import Answer, DaemonInstance, KeepalivedState, NginxState

READ_WHY = "Read why with 'journalctl -u keepalived'"


def keepalived_problems(state: KeepalivedState, expected: Sequence[str], planned: Sequence[str]) -> list[str]:
    """expected: the addresses that the host must hold, with prefixes; planned: the names of the instances that must run."""
    daemon = state.daemon
    if daemon is None:
        return [f"keepalived could not be looked at: {sentence(state.msg)}"]
    if not daemon.running:
        return [f"keepalived does not run. {READ_WHY}, then 'systemctl start keepalived'."]
    problems = [*_instance_problems(state, daemon.instances, planned)]
    if not daemon.answers:
        problems = [f"keepalived (pid {daemon.pid}) does not answer. {READ_WHY}, then 'systemctl restart keepalived'."]
    missing = [address for address in expected if not state.has(address)]
    return problems + [f"It does not hold {joined(missing)}, as it should. {READ_WHY}."] * bool(missing)


def _instance_problems(
    state: KeepalivedState, instances: Sequence[DaemonInstance], planned: Sequence[str]
) -> Iterator[str]:
    for instance in instances:
        if instance.state == "FAULT" and not _drained_to_fault(state, instance):
            because = ", for nginx does not run. Repair nginx." if state.nginx_down else f". {READ_WHY}."
            yield f"{instance.name} is in FAULT{because}"
        elif instance.state not in ("MASTER", "BACKUP", "FAULT"):
            yield f"{instance.name} is in {instance.state or 'an unknown state'}, and neither MASTER nor BACKUP yet."
    names = {instance.name for instance in instances}
    missing = [name for name in planned if name not in names]
    if missing:
        yield f"keepalived does not run {joined(missing)}, though planned. Run site.yml, or 'systemctl reload keepalived'."


def _drained_to_fault(state: KeepalivedState, instance: DaemonInstance) -> bool:
    """Where nopreempt leaves the drain without a weight, FAULT is what draining means."""
    return bool(state.drained) and instance.priority == instance.base_priority


def nginx_problems(now: NginxState, before: NginxState, reloaded: bool) -> list[str]:
    """now and before: as it was found after a change and before; reloaded: it was told to reload in between."""
    if now.running is None:
        return [f"nginx could not be looked at: {sentence(now.msg)}"]
    if not now.running:
        return ["nginx does not run. Read why with 'journalctl -u nginx', then 'systemctl start nginx'."]
    answered = {answer.request: answer.status for answer in before.answers}
    problems = [*_former_workers(now.workers, before.workers)] if reloaded else []
    return problems + [
        text for answer in now.answers for text in _answer_problems(answer, answered.get(answer.request, 0))
    ]


def _former_workers(now: frozenset[int], before: frozenset[int]) -> Iterator[str]:
    old = ", ".join(map(str, sorted(now & before)))
    if before and (old or not now):
        who = f"workers of before the reload still take requests ({old})" if old else "it has no new workers"
        yield (
            f"nginx still works with its former configuration: {who}. Read why in nginx's error log, "
            "then 'systemctl reload nginx'."
        )


def _answer_problems(answer: Answer, formerly: int) -> Iterator[str]:
    where = f"{bracketed(answer.address)}:{answer.port}" + (f" for {answer.host}" if answer.host else "")
    if not answer.status:
        yield f"nginx does not answer on {where}: {sentence(answer.error)} Read nginx's error log."
    elif answer.status >= 500 > formerly > 0:
        yield (
            f"nginx answers {answer.status} on {where}, where it answered {formerly} before. Read nginx's error log, "
            "and take the change back."
        )
