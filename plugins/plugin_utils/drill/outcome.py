# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a failover drill: what was seen of each step, what of it was not as expected, and all of that as lines to print."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils import text
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.plan import Holders, Step
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.result import Probe, Row, Target, parse_probe
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.reader import Reader

# Milliseconds that a VIP may go unanswered whose host nothing has happened to.
BYSTANDERS_GAP = 500


# By host, what its tasks have registered.
Registered = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Looked:
    """The answer of _drill_look. addresses: None where it could not look."""

    addresses: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Ended:
    """What the script of a fault has printed: when the fault began and when it ended, as far as it has said so."""

    stdout_lines: tuple[float, ...] = ()


@dataclass(frozen=True)
class Observation:
    """What was seen of a step: the addresses that hosts had while the fault lasted and afterwards, and what the prober saw.

    answer: the prober's, as it has returned it; began, ended: of the fault, in seconds since 1970; None if its host did not tell, such
    as one that has rebooted.
    """

    during: Holders
    after: Holders
    answer: Mapping[str, object]
    began: float | None = None
    ended: float | None = None

    @classmethod
    def from_results(cls, step: Step, hosts: Registered, probe: Mapping[str, object]) -> Observation:
        """From what tasks have registered on each host (__drill_during, __drill_after, __drill_ended) and the module vip_probe."""
        times = [read(Ended, hosts[host].get("__drill_ended")).stdout_lines for host in step.injected_on]
        return cls(
            during=_addresses(step, hosts, "__drill_during"),
            after=_addresses(step, hosts, "__drill_after"),
            answer=probe,
            began=min((found[0] for found in times if found), default=None),
            ended=max((found[1] for found in times if len(found) > 1), default=None),
        )

    @property
    def probe(self) -> Probe:
        return parse_probe(Reader(self.answer, ""))


@dataclass(frozen=True)
class Summary:
    """The drill in words; ok: nothing was a surprise so far."""

    ok: bool
    message: str
    table: Sequence[str]


def row(step: Step, seen: Observation) -> dict[str, Any]:
    """A step's entry in the drill's result, as JSON."""
    found = surprises(step, seen)
    return {
        "fault": step.fault,
        "title": step.title,
        "expected": step.expected,
        "host": step.host,
        "ok": not found,
        "surprise": " ".join(found),
        "injected": seen.began,
        "healed": seen.ended,
        "probe": {
            "started": seen.answer.get("began"),
            "duration": seen.answer.get("duration"),
            "missed": seen.answer.get("missed"),
            "targets": seen.answer.get("targets") or {},
        },
    }


def surprises(step: Step, seen: Observation) -> list[str]:
    """What was not as expected, each as a sentence."""
    return [
        *_displaced(step.during, seen.during, "while it lasted"),
        *_displaced(step.home, seen.after, "afterwards"),
        *_unanswered(step, seen.probe.targets),
    ]


def summary(rows: Sequence[Row]) -> Summary:
    wrong = next((row for row in rows if not row.ok), None)
    message = f"All {len(rows)} faults went as expected."
    if wrong:
        rest = "The fault is healed, and the faults after it were left out."
        message = f"{wrong.title}, on {wrong.host}: {wrong.surprise} {rest}"
    return Summary(not wrong, message, table(rows))


def table(rows: Sequence[Row]) -> list[str]:
    """The drill as lines to print: one for each fault and VIP."""
    lines = [("fault", "host", "VIP", "failed", "longest gap", "")]
    for row in rows:
        verdict = "as expected" if row.ok else "SURPRISE"
        for address, target in row.probe.targets.items():
            counts = f"{target.failed or 0} of {target.sent or 0}"
            lines.append((row.title, row.host, address, counts, f"{target.gap_ms or 0:.0f} ms", verdict))
    return text.columns(lines)


def _addresses(step: Step, hosts: Registered, registered: str) -> dict[str, Sequence[str]]:
    found = {host: read(Looked, hosts[host].get(registered)).addresses for host in step.home}
    return {host: addresses for host, addresses in found.items() if addresses is not None}


def _displaced(wanted: Holders, found: Holders, when: str) -> Iterator[str]:
    planned = {address for held in wanted.values() for address in held}
    for host, addresses in found.items():
        own = sorted(planned & set(addresses))
        if host in wanted and own != sorted(wanted[host]):
            has, should = ", ".join(own) or "no VIP", ", ".join(wanted[host]) or "none"
            yield f"{host} had {has} {when}, and should have had {should}."


def _unanswered(step: Step, targets: Mapping[str, Target]) -> Iterator[str]:
    if not targets:
        yield "The prober returned nothing."
    for address, target in targets.items():
        if target.recover_ms == math.inf:
            yield f"{address} did not answer again."
        elif target.sent == target.failed and not step.gone:
            yield f"{address} never answered."
        elif address in step.bystanders and (target.gap_ms or 0) > BYSTANDERS_GAP:
            yield f"{address} did not answer for {target.gap_ms:.0f} ms, though nothing had happened to its host."
