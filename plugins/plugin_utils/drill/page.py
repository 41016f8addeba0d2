# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a failover drill: one HTML page that needs nothing else."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import words
from .chart import charts
from .result import UNKNOWN, Drill, DrilledVip, Target
from .words import NOT_MEASURED, count, counted, minutes, ms, plural

HERE = Path(__file__).parent
# Neither HTML nor XML has these.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def page(drill: Drill) -> str:
    """The page as well-formed XML, from page.html.j2 and page.css."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {name: getattr(words, name) for name in ("ms", "percent", "plural", "counted")}
    environment.filters["figures"] = figures
    html = environment.get_template("page.html.j2").render(
        drill=drill,
        verdict=verdict(drill),
        facts=facts(drill),
        tiles=tiles(drill),
        nothing=Target(),
        charts=charts,
    )
    return UNPRINTABLE.sub("\ufffd", html)


def verdict(drill: Drill) -> tuple[str, str, str]:
    """Its class in the style sheet, "good", "bad" or empty; what it is in words; the surprise if there was one."""
    unexpected = [row for row in drill.rows if not row.ok]
    surprise = next((row.surprise for row in unexpected if row.surprise), "")
    if unexpected:
        return "bad", f"Stopped at a surprise: {unexpected[0].name}", surprise
    if not drill.ok:
        return "bad", "Stopped before its end" if drill.rows else "Stopped before the first fault", ""
    if not drill.rows:
        return "", "No fault was run", ""
    return "good", f"Passed: {plural(len(drill.rows), 'fault')}, no surprise", ""


def facts(drill: Drill) -> list[tuple[str, str]]:
    """When the drill ran and on what, as names with texts; what is not known is left out."""
    began, ended, cluster = drill.started, drill.finished, drill.cluster
    when = "" if began is None else f"{datetime.fromtimestamp(began, UTC):%Y-%m-%d %H:%M:%S} UTC"
    took = "" if began is None or ended is None else f", took {minutes(ended - began)}"
    daemon = (
        cluster.keepalived,
        cluster.vrrp_version and f"VRRPv{cluster.vrrp_version}",
        cluster.advert_int and f"an advert every {cluster.advert_int} s",
    )
    rate = f", {drill.rate:g} requests a second to each VIP" if drill.rate else ""
    found = (
        ("When", when + took),
        ("Load balancers", ", ".join(drill.hosts)),
        ("VIPs", "; ".join(map(_described, drill.vips))),
        ("keepalived", ", ".join(filter(None, daemon))),
        ("Client", f"{drill.prober}{rate}" if drill.prober else ""),
    )
    return [(name, text) for name, text in found if text]


def _described(vip: DrilledVip) -> str:
    where = f", normally on {vip.preferred}" if vip.preferred else ""
    return f"{vip.name} {vip.address}{where}".strip()


def tiles(drill: Drill) -> list[tuple[str, str, str]]:
    """Large figures: each with its name before it, and after it a note that may be empty."""
    targets = [target for row in drill.rows for target in row.probe.targets.values()]
    sent, failed = _total(target.sent for target in targets), _total(target.failed for target in targets)
    share = f"{100 * failed / sent:.2g} % of those sent" if sent and failed else ""
    surprises = sum(not row.ok for row in drill.rows)
    expected = "all as expected" if drill.rows else ""
    if surprises:
        expected = f"{len(drill.rows) - surprises} as expected, {plural(surprises, 'surprise')}"
    worst, where = drill.worst
    return [
        ("Faults run", count(len(drill.rows)), expected),
        ("Requests sent", count(sent), ""),
        ("Requests failed", count(failed), share),
        ("Worst gap", ms(worst), where if worst else ""),
    ]


def _total(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def figures(target: Target) -> list[tuple[str, Sequence[str]]]:
    """What was measured of a VIP, as names with one or more texts."""
    found = (
        ("Requests", [f"{counted(target.sent, 'sent')}, {counted(target.failed, 'failed')}"]),
        ("Longest gap", ["none" if target.gap_ms == 0 else ms(target.gap_ms)]),
        ("Recovered", [_recovered(target.recover_ms)]),
        ("Answered by", _answered(target.answered_by)),
        ("Reasons", _reasons(target)),
    )
    return [(name, texts) for name, texts in found if texts]


def _recovered(recover: float | None) -> str:
    if recover == math.inf:
        return "not while it was measured"
    if recover == 0:
        return "no request failed"
    return NOT_MEASURED if recover is None else f"{ms(recover)} after the first failed request"


def _answered(counts: Mapping[str, int] | None) -> list[str]:
    if counts is None:
        return [NOT_MEASURED]
    named = ((UNKNOWN if host == "-" else host, number) for host, number in counts.items())
    return [f"{host} {count(number)}" for host, number in named] or ["nobody"]


def _reasons(target: Target) -> list[str]:
    if target.failures is None:
        return [NOT_MEASURED] if target.failed else []
    counts = sum((Counter(each.reasons) for each in target.failures), Counter[str]())
    return [f"{count(number)} \u00d7 {reason}" for reason, number in counts.most_common()]
