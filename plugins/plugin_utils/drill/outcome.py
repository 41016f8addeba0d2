# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a failover drill: what was seen of each step, what of it was not as expected, and all of that as lines to print."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import text
from ..settings.fact import read
from .result import Probe, Row, Target

# Milliseconds that a VIP may go unanswered whose host nothing has happened to.
BYSTANDERS_GAP = 500

Holders = Mapping[str, Sequence[str]]
# By host, what its tasks have registered.
Registered = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Step:
    """One fault on one host, or on all hosts of a cluster.

    host: the hosts' names as a text; commands: what injects the fault on each, ending: what ends it there or waits for its end, and
    prints when it began and ended. home, during: the VIPs that each host should have before and after the fault, and while it lasts
    (empty where nothing in particular is expected); vips: all of them; targets: the addresses to ask; gone: none of them need answer
    meanwhile.
    """

    fault: str
    title: str
    expected: str
    host: str
    commands: Mapping[str, Sequence[str]]
    ending: Sequence[str]
    ends_by_itself: bool
    reboots: bool
    cut: bool
    gone: bool
    home: Holders
    during: Holders
    vips: Sequence[str]
    targets: Sequence[str]

    @property
    def bystanders(self) -> list[str]:
        """The addresses of VIPs whose host nothing happens to."""
        left = (held for host, held in self.home.items() if host not in self.commands)
        return [address.split("/")[0] for held in left for address in held]


def row(planned: Mapping[str, Any], hosts: Registered, probe: Mapping[str, object]) -> dict[str, Any]:
    """The entry of a step, given as a fact, in the drill's result, as JSON.

    It is made of what tasks have registered on each host (__drill_during, __drill_after, __drill_ended) and what vip_probe has returned.
    When the fault began and ended is in seconds since 1970, and None if its host did not tell, such as one that has rebooted.
    """
    step = Step(**planned)
    said = ((hosts[host].get("__drill_ended") or {}).get("stdout_lines") for host in step.commands)
    times = [list(map(float, lines)) for lines in said if lines]
    surprises = [
        *_displaced(step.during, _seen(step, hosts, "__drill_during"), "while it lasted"),
        *_displaced(step.home, _seen(step, hosts, "__drill_after"), "afterwards"),
        *_unanswered(step, read(Probe, probe).targets),
    ]
    return {
        "fault": step.fault,
        "title": step.title,
        "expected": step.expected,
        "host": step.host,
        "ok": not surprises,
        "surprise": " ".join(surprises),
        "injected": min((found[0] for found in times), default=None),
        "healed": max((found[1] for found in times if len(found) > 1), default=None),
        "probe": {
            "started": probe.get("began"),
            "duration": probe.get("duration"),
            "missed": probe.get("missed"),
            "targets": probe.get("targets") or {},
        },
    }


def result(
    planned: Mapping[str, object], rows: Sequence[Mapping[str, object]], prober: str, rate: float
) -> dict[str, Any]:
    """The drill's result as JSON; rate: requests a second to each VIP."""
    return {
        "title": "Failover drill",
        "started": planned["started"],
        "finished": time.time(),
        "ok": all(row["ok"] for row in rows),
        "cluster": planned["cluster"],
        "prober": prober,
        "rate": float(rate),
        "rows": list(rows),
    }


def summary(rows: Sequence[object]) -> dict[str, Any]:
    """Whether all was as expected so far (ok), that in a sentence or two (message), and the lines of a table."""
    found = [read(Row, row) for row in rows]
    wrong = next((row for row in found if not row.ok), None)
    message = f"All {len(rows)} faults went as expected."
    if wrong:
        rest = "The fault is healed, and the faults after it were left out."
        message = f"{wrong.title}, on {wrong.host}: {wrong.surprise} {rest}"
    return {"ok": not wrong, "message": message, "table": table(found)}


def table(rows: Sequence[Row]) -> list[str]:
    """The drill as lines to print: one for each fault and VIP."""
    lines = [("fault", "host", "VIP", "failed", "longest gap", "")]
    for row in rows:
        verdict = "as expected" if row.ok else "SURPRISE"
        for address, target in row.probe.targets.items():
            counts = f"{target.failed or 0} of {target.sent or 0}"
            lines.append((row.title, row.host, address, counts, f"{target.gap_ms or 0:.0f} ms", verdict))
    return text.columns(lines)


def _seen(step: Step, hosts: Registered, registered: str) -> Holders:
    """The addresses of each host, of which _drill_look could look at them."""
    looks = {host: hosts[host].get(registered) or {} for host in step.home}
    return {host: look["addresses"] for host, look in looks.items() if look.get("addresses") is not None}


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
