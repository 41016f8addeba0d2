# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client saw of each fault, ours beside the reference: medians, worst cases, ratios; as a table and as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

SIDES = ("ours", "reference")
NOTHING = "-"
FOOT = """\
Medians, and worst cases in brackets. The gap is the time from the last request that was answered before a failure to the
first one after it; a request counts by when it was sent. 'times shorter' is the reference's gap divided by ours, median by
median (worst by worst). '>': the VIP did not serve again while it was watched."""


@dataclass(frozen=True)
class Sample:
    """One repetition of a fault. over: the VIP served again in the end."""

    gap_ms: int
    failed: int
    sent: int
    over: bool = True
    reasons: Mapping[str, int] = field(default_factory=dict)


# By the fault's name, then by side.
Measured = Mapping[str, Mapping[str, Sequence[Sample]]]


def sample(target: Mapping[str, Any]) -> Sample:
    """From what the prober tells of one VIP."""
    reasons: Counter[str] = Counter()
    for span in target["failures"]:
        reasons.update(span["reasons"])
    return Sample(
        gap_ms=target["gap_ms"],
        failed=target["failed"],
        sent=target["sent"],
        over=target["recover_ms"] is not None,
        reasons=dict(reasons),
    )


def ratio(reference: float, ours: float) -> float | None:
    """How many times shorter ours is; None where neither has a gap."""
    if ours == 0:
        return math.inf if reference else None
    return reference / ours


def median_over(samples: Sequence[Sample]) -> bool:
    return sum(each.over for each in samples) * 2 >= len(samples)


def worst_over(samples: Sequence[Sample]) -> bool:
    return all(each.over for each in samples)


def gap(samples: Sequence[Sample]) -> str:
    gaps = [each.gap_ms for each in samples]
    return _two(f"{median(gaps):,.0f}", f"{max(gaps):,}", samples)


def failed(samples: Sequence[Sample]) -> str:
    counts = [each.failed for each in samples]
    return f"{median(counts):,.0f} ({max(counts):,})"


def shorter(ours: Sequence[Sample], reference: Sequence[Sample]) -> str:
    found = [
        ratio(pick(each.gap_ms for each in reference), pick(each.gap_ms for each in ours)) for pick in (median, max)
    ]
    return _two(_times(found[0]), _times(found[1]), reference)


def table(measured: Measured) -> str:
    head = [["", "gap in ms", "", "times", "failed requests", ""], ["fault", *SIDES, "shorter", *SIDES]]
    rows = [_row(fault, sides) for fault, sides in measured.items()]
    widths = [max(len(cells[place]) for cells in head + rows) for place in range(len(head[0]))]
    lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in head + rows]
    return "\n".join([*lines[:2], "-" * max(map(len, lines)), *lines[2:]])


def document(measured: Measured) -> list[dict[str, Any]]:
    """For JSON: one number a repetition."""
    return [
        {"fault": fault} | {side: _numbers(samples) for side, samples in sides.items() if samples}
        for fault, sides in measured.items()
    ]


def details(measured: Measured) -> list[dict[str, Any]]:
    """For JSON: the repetitions in which requests failed, with the reasons, and whether the VIP served again."""
    return [
        {"fault": fault, "side": side, "repetition": number, "reasons": dict(each.reasons), "over": each.over}
        for fault, sides in measured.items()
        for side, samples in sides.items()
        for number, each in enumerate(samples, 1)
        if each.failed
    ]


def _row(fault: str, sides: Mapping[str, Sequence[Sample]]) -> list[str]:
    both = [sides.get(side) or () for side in SIDES]
    gaps, failures = ([column(samples) if samples else NOTHING for samples in both] for column in (gap, failed))
    return [fault, *gaps, shorter(*both) if all(both) else NOTHING, *failures]


def _numbers(samples: Sequence[Sample]) -> dict[str, list[int]]:
    return {
        "gap_ms": [each.gap_ms for each in samples],
        "failed": [each.failed for each in samples],
        "sent": [each.sent for each in samples],
    }


def _two(middle: str, worst: str, samples: Sequence[Sample]) -> str:
    """A median and a worst case, each marked if it is no more than what was watched."""
    return f"{_marked(middle, median_over(samples))} ({_marked(worst, worst_over(samples))})"


def _marked(text: str, over: bool) -> str:
    return text if over or text == NOTHING else f">{text}"


def _times(factor: float | None) -> str:
    if factor is None:
        return NOTHING
    if math.isinf(factor):
        return "∞"
    return f"{factor:.0f}" if factor >= 10 else f"{factor:.1f}"
