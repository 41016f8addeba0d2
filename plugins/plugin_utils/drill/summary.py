# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the drill's report says in words and figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.result import (
    UNKNOWN,
    Drill,
    DrilledCluster,
    DrilledVip,
    Row,
    Target,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.units import count, minutes, ms, plural

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Verdict:
    """kind: the class in the style sheet, "good", "bad" or empty; surprise: empty if there was none or nobody said what it was."""

    kind: str
    words: str
    surprise: str


def verdict(drill: Drill) -> Verdict:
    unexpected = [row for row in drill.rows if not row.ok]
    surprise = next((row.surprise for row in unexpected if row.surprise), "")
    if unexpected:
        return Verdict("bad", f"Stopped at a surprise: {unexpected[0].name}", surprise)
    if not drill.ok:
        return Verdict("bad", "Stopped before its end" if drill.rows else "Stopped before the first fault", "")
    if not drill.rows:
        return Verdict("", "No fault was run", "")
    return Verdict("good", f"Passed: {plural(len(drill.rows), 'fault')}, no surprise", "")


def facts(drill: Drill) -> list[tuple[str, str]]:
    """When the drill ran and on what, as names with texts; what is not known is left out."""
    rate = f", {drill.rate:g} requests a second to each VIP" if drill.rate else ""
    found = (
        ("When", _when(drill)),
        ("Load balancers", ", ".join(drill.cluster.hosts)),
        ("VIPs", "; ".join(_described(vip) for vip in drill.cluster.vips)),
        ("keepalived", ", ".join(_keepalived(drill.cluster))),
        ("Client", f"{drill.prober}{rate}" if drill.prober else ""),
    )
    return [(name, text) for name, text in found if text]


def _when(drill: Drill) -> str:
    if drill.started is None:
        return ""
    when = f"{datetime.fromtimestamp(drill.started, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return when if drill.finished is None else f"{when}, took {minutes(drill.finished - drill.started)}"


def _described(vip: DrilledVip) -> str:
    where = f", normally on {vip.preferred}" if vip.preferred else ""
    return f"{vip.name} {vip.address}{where}".strip()


def _keepalived(cluster: DrilledCluster) -> Iterator[str]:
    if cluster.keepalived:
        yield cluster.keepalived
    if cluster.vrrp_version:
        yield f"VRRPv{cluster.vrrp_version}"
    if cluster.advert_int:
        yield f"an advert every {cluster.advert_int} s"


def tiles(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Large figures: each with its name before it, and after it a note that may be empty."""
    targets = [target for row in rows for target in row.probe.targets.values()]
    sent = _total(target.sent for target in targets)
    failed = _total(target.failed for target in targets)
    share = f"{100 * failed / sent:.2g} % of those sent" if sent and failed else ""
    return [
        ("Faults run", count(len(rows)), _faults_run(rows)),
        ("Requests sent", NOT_MEASURED if sent is None else count(sent), ""),
        ("Requests failed", NOT_MEASURED if failed is None else count(failed), share),
        ("Worst gap", *_worst(rows)),
    ]


def _faults_run(rows: Sequence[Row]) -> str:
    surprises = sum(not row.ok for row in rows)
    if surprises:
        return f"{len(rows) - surprises} as expected, {plural(surprises, 'surprise')}"
    return "all as expected" if rows else ""


def _total(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _worst(rows: Sequence[Row]) -> tuple[str, str]:
    gap, address, row = max(_gaps(rows), key=lambda found: found[0], default=(None, "", None))
    if gap is None or row is None:
        return NOT_MEASURED, ""
    return ms(gap), f"{address}, {row.name}" if gap else ""


def _gaps(rows: Sequence[Row]) -> Iterator[tuple[float, str, Row]]:
    for row in rows:
        for address, target in row.probe.targets.items():
            if target.gap_ms is not None:
                yield target.gap_ms, address, row


def worst_gap(rows: Sequence[Row]) -> float:
    """In milliseconds; 0 if there was none."""
    return max((gap for gap, *dummy in _gaps(rows)), default=0)


def counted(number: int | None, what: str) -> str:
    return f"{what}: {NOT_MEASURED}" if number is None else f"{count(number)} {what}"


def outcome(target: Target) -> str:
    """What became of the requests to a VIP, in two words."""
    if target == Target():
        return NOT_MEASURED
    return "none failed" if target.failed == 0 else counted(target.failed, "failed")


def figures(target: Target) -> list[tuple[str, Sequence[str]]]:
    """What was measured of a VIP, as names with one or more texts."""
    gap = NOT_MEASURED if target.gap_ms is None else ms(target.gap_ms) if target.gap_ms else "none"
    found: list[tuple[str, Sequence[str]]] = [
        ("Requests", [f"{counted(target.sent, 'sent')}, {counted(target.failed, 'failed')}"]),
        ("Longest gap", [gap]),
        ("Recovered", [_recovered(target.recover_ms)]),
        ("Answered by", _answered(target.answered_by)),
        ("Reasons", _reasons(target)),
    ]
    return [(name, texts) for name, texts in found if texts]


def _recovered(recover: float | None) -> str:
    if recover is None:
        return NOT_MEASURED
    if recover == math.inf:
        return "not while it was measured"
    return f"{ms(recover)} after the first failed request" if recover else "no request failed"


def _answered(counts: Mapping[str, int] | None) -> list[str]:
    if counts is None:
        return [NOT_MEASURED]
    named = ((UNKNOWN if host == "-" else host, number) for host, number in counts.items())
    return [f"{host} {count(number)}" for host, number in named] or ["nobody"]


def _reasons(target: Target) -> list[str]:
    if target.outages is None:
        return [NOT_MEASURED] if target.failed else []
    counts: Counter[str] = Counter()
    for outage in target.outages:
        counts.update(outage.reasons)
    return [f"{count(number)} \u00d7 {reason}" for reason, number in counts.most_common()]
