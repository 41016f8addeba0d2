# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the drill's report says in words and figures: its verdict, its head, its table and the figures of each VIP."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
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
LATENCIES = ("min", "median", "p95", "p99", "max")


@dataclass(frozen=True)
class Verdict:
    """kind: the class in the style sheet, "good", "bad" or empty; surprise: empty if there was none or nobody said what it was."""

    kind: str
    words: str
    surprise: str


@dataclass(frozen=True)
class Tile:
    """A large figure with its name and a note, which may be empty."""

    name: str
    value: str
    note: str = ""

    @property
    def measured(self) -> bool:
        return self.value != NOT_MEASURED


@dataclass(frozen=True)
class Cell:
    """A VIP in a fault's row of the table: its failed requests, its longest gap (empty if none), and that as a share of the worst."""

    address: str
    failed: str
    any_failed: bool
    gap: str
    share: float
    measured: bool = True


@dataclass(frozen=True)
class Figures:
    """What was measured of one VIP: names with one or more texts; measured is False if nothing is known of it."""

    vip: DrilledVip
    measured: bool
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    latency: tuple[tuple[str, str], ...]
    no_latency: str


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


def tiles(rows: Sequence[Row]) -> list[Tile]:
    targets = [target for row in rows for target in row.probe.targets.values()]
    sent = _total(target.sent for target in targets)
    failed = _total(target.failed for target in targets)
    share = f"{100 * failed / sent:.2g} % of those sent" if sent and failed else ""
    return [
        _faults_run(rows),
        Tile("Requests sent", _known(sent, count)),
        Tile("Requests failed", _known(failed, count), share),
        _worst(rows),
    ]


def _faults_run(rows: Sequence[Row]) -> Tile:
    surprises = sum(not row.ok for row in rows)
    note = f"{len(rows) - surprises} as expected, {plural(surprises, 'surprise')}" if surprises else "all as expected"
    return Tile("Faults run", count(len(rows)), note if rows else "")


def _total(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _known(number: int | float | None, written: Callable[[int], str] | Callable[[float], str]) -> str:
    return NOT_MEASURED if number is None else written(number)


def _worst(rows: Sequence[Row]) -> Tile:
    worst = max(_gaps(rows), key=lambda found: found[0], default=None)
    if worst is None:
        return Tile("Worst gap", NOT_MEASURED)
    gap, row, address = worst
    return Tile("Worst gap", ms(gap), f"{address}, {row.name}" if gap else "")


def _gaps(rows: Sequence[Row]) -> Iterator[tuple[float, Row, str]]:
    for row in rows:
        for address, target in row.probe.targets.items():
            if target.gap_ms is not None:
                yield target.gap_ms, row, address


def table(drill: Drill) -> list[tuple[Row, list[Cell]]]:
    """Each fault with what was measured of each VIP."""
    worst = max((gap for gap, *dummy in _gaps(drill.rows)), default=0)
    return [
        (row, [_cell(vip.address, row.probe.targets.get(vip.address, Target()), worst) for vip in drill.cluster.vips])
        for row in drill.rows
    ]


def _cell(address: str, target: Target, worst: float) -> Cell:
    gap = target.gap_ms
    return Cell(
        address,
        failed=_counted(target.failed, "failed"),
        any_failed=bool(target.failed),
        gap="" if gap == 0 else f"gap: {NOT_MEASURED}" if gap is None else f"{ms(gap)} gap",
        share=gap / worst if gap else 0,
        measured=target.failed is not None or gap is not None,
    )


def _counted(number: int | None, what: str) -> str:
    return f"{what}: {NOT_MEASURED}" if number is None else f"{count(number)} {what}"


def outcome(target: Target) -> str:
    """What became of the requests to a VIP, in two words."""
    if target == Target():
        return NOT_MEASURED
    return "none failed" if target.failed == 0 else _counted(target.failed, "failed")


def figures(vip: DrilledVip, target: Target) -> Figures:
    found: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("Requests", (f"{_counted(target.sent, 'sent')}, {_counted(target.failed, 'failed')}",)),
        ("Longest gap", (_known(target.gap_ms, lambda gap: ms(gap) if gap else "none"),)),
        ("Recovered", (_recovered(target.recover_ms),)),
        ("Answered by", _answered(target)),
        ("Reasons", _reasons(target)),
    )
    latency = target.latency_ms or {}
    return Figures(
        vip,
        measured=target != Target(),
        facts=tuple((name, texts) for name, texts in found if texts),
        latency=tuple((name, ms(latency[name])) for name in LATENCIES if latency.get(name) is not None),
        no_latency="" if latency else NOT_MEASURED if target.latency_ms is None else "no request was answered",
    )


def _recovered(recover: float | None) -> str:
    if recover is None:
        return NOT_MEASURED
    if recover == math.inf:
        return "not while it was measured"
    return f"{ms(recover)} after the first failed request" if recover else "no request failed"


def _answered(target: Target) -> tuple[str, ...]:
    if target.answered_by is None:
        return (NOT_MEASURED,)
    named = ((UNKNOWN if host == "-" else host, number) for host, number in target.answered_by.items())
    return tuple(f"{host} {count(number)}" for host, number in named) or ("nobody",)


def _reasons(target: Target) -> tuple[str, ...]:
    if target.outages is None:
        return (NOT_MEASURED,) if target.failed else ()
    counts: Counter[str] = Counter()
    for outage in target.outages:
        counts.update(outage.reasons)
    return tuple(f"{count(number)} \u00d7 {reason}" for reason, number in counts.most_common())
