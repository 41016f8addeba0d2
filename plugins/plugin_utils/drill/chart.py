# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The charts of the drill's report: where on the axis of time each thing is drawn, and which texts have room.

Positions and widths are shares of the chart's width, so that a chart takes the width there is while its texts keep their size. Heights
are the template's. Times are milliseconds since the probe started.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

from .result import NOT_MEASURED, Drill, DrilledVip, Holder, Row, Target, count, counted, ms, plural, seconds

# Outages within this time of each other are drawn larger together.
TOGETHER_MS = 1000
# Of what is drawn larger, and no more is.
LETTERS = "ABCD"
# The chart's widths, in pixels, that its texts are chosen for; the style sheet shows class "narrow" up to
# the second, and class "wide" above it.
NARROW, WIDE = 280, 480
LETTER_PX, PADDING_PX = 7, 8
# Texts this near to a chart's side would stick out if they were centred.
EDGE = 0.06


@dataclass(frozen=True)
class Bar:
    """A stretch of time; kind: its class; title: what a pointer on it is told."""

    x: float
    width: float
    kind: str
    title: str = ""


@dataclass(frozen=True)
class Label:
    """A text at x, moved by dx pixels; anchor: which of its ends is there, as SVG has it; kind: its classes, separated by spaces."""

    text: str
    x: float
    kind: str = ""
    anchor: str = "middle"
    dx: int = 0


@dataclass(frozen=True)
class Scale:
    """The part of a probe that a chart shows; zero is the time that its axis counts from."""

    start: float
    end: float
    zero: float

    @property
    def length(self) -> float:
        return self.end - self.start

    def at(self, moment: float) -> float:
        return (min(max(moment, self.start), self.end) - self.start) / self.length

    def drawn(self, start: float, end: float, kind: str, title: str = "") -> Bar:
        return Bar(self.at(start), self.at(end) - self.at(start), kind, title)

    def seconds(self, moment: float) -> str:
        return seconds(moment - self.zero, max(1.0, self.length / 1000))

    @property
    def ticks(self) -> Iterator[Label]:
        step = _step(self.length / 8)
        first, last = math.ceil((self.start - self.zero) / step), math.floor((self.end - self.zero) / step)
        for index in range(first, last + 1):
            share = self.at(self.zero + index * step)
            anchor = "start" if share < EDGE else "end" if share > 1 - EDGE else "middle"
            # In a narrow chart every other one has room.
            yield Label(seconds(index * step, step), share, _classes("faint", "wide" if index % 2 else ""), anchor)


@dataclass(frozen=True)
class Outage:
    """Requests to one VIP that failed in a row.

    start, end: from the first of them to the next one that was answered; gap: from the last answer before to the first one after.
    """

    start: float
    end: float
    count: int
    reasons: Mapping[str, int]
    gap: float


@dataclass(frozen=True)
class Lane:
    """A VIP in a chart, and what is drawn of it; whole: the chart shows all of the probe."""

    vip: DrilledVip
    row: Row
    drill: Drill
    scale: Scale
    whole: bool

    @property
    def target(self) -> Target:
        return self.row.probe.targets[self.vip.address]

    @cached_property
    def spans(self) -> list[tuple[str, float, float]]:
        """Who held the VIP, from when to when."""
        start, end = self.scale.start, self.scale.end
        found = pairwise([*(self.target.holders or ()), Holder(self.row.length)])
        held = [(one.holder, max(one.at_ms, start), min(following.at_ms, end)) for one, following in found]
        return [(holder, since, until) for holder, since, until in held if since < until]

    @cached_property
    def outages(self) -> list[Outage]:
        """A failed request stands for the time until the next one."""
        found, interval = [], self.drill.interval
        for each in self.target.failures or ():
            end = self.row.length if each.to_ms is None else each.to_ms + interval
            found.append(Outage(each.from_ms, end, each.count, each.reasons, end - each.from_ms + interval))
        if found and self.target.gap_ms:
            longest = max(range(len(found)), key=lambda index: found[index].gap)
            found[longest] = replace(found[longest], gap=self.target.gap_ms)
        return [outage for outage in found if outage.start <= self.scale.end and outage.end >= self.scale.start]

    @property
    def in_words(self) -> str:
        held = [f"{holder} from {self.scale.seconds(since)}" for holder, since, dummy in self.spans]
        return f"{self.vip.address}: {', '.join([*held, *map(self._told, self.outages)]) or NOT_MEASURED}"

    def _told(self, outage: Outage) -> str:
        reasons = ", ".join(f"{count(number)} \u00d7 {reason}" for reason, number in outage.reasons.items())
        failed = (
            f"{plural(outage.count, 'request')} failed in {ms(outage.gap)}, from {self.scale.seconds(outage.start)}"
        )
        return f"{failed} ({reasons})" if reasons else failed

    @property
    def held(self) -> Iterator[Bar]:
        for holder, since, until in self.spans:
            title = f"{holder}, {self.scale.seconds(since)} to {self.scale.seconds(until)}"
            yield self.scale.drawn(since, until, self.drill.colour(holder), title)

    @property
    def holders(self) -> Iterator[Label]:
        for (holder, since, until), phase in zip(self.spans, self.held, strict=True):
            size = _fit(holder, phase.width)
            if size is not None:
                yield Label(holder, self.scale.at((since + until) / 2), _classes(f"name on-{phase.kind}", size))

    @property
    def failed(self) -> Iterator[Bar]:
        for outage in self.outages:
            yield self.scale.drawn(outage.start, outage.end, "fail", self._told(outage))

    @property
    def lengths(self) -> Iterator[Label]:
        """How long each outage was, at its mark; twice where a narrow chart has less room for it than a wide one."""
        for narrow, wide in zip(self._lengths(NARROW), self._lengths(WIDE), strict=True):
            sizes = ((narrow, ""),) if narrow == wide else ((narrow, "narrow"), (wide, "wide"))
            yield from (replace(label, kind=_classes(label.kind, size)) for label, size in sizes if label)

    def _lengths(self, width: int) -> Iterator[Label | None]:
        """The same for a chart of this width; None where it has no room for one."""
        taken = 0.0
        starts = [self.scale.at(outage.start) for outage in self.outages]
        for outage, (start, following) in zip(self.outages, pairwise([*starts, 1]), strict=True):
            end, middle = self.scale.at(outage.end), self.scale.at((outage.start + outage.end) / 2)
            rooms = (
                (following * width - end * width, Label("", end, "length", "start", 6)),
                (end * width - start * width, Label("", middle, "length inside")),
                (start * width - taken, Label("", start, "length", "end", -6)),
            )
            short = ms(outage.gap)
            texts = [short] if self.whole else [f"{count(outage.count)} failed, {short}", short]
            fitting = (replace(label, text=text) for text in texts for room, label in rooms if _pixels(text) <= room)
            chosen = next(fitting, None)
            taken = end * width + (_pixels(chosen.text) if chosen and chosen.anchor == "start" else 0)
            yield chosen

    @property
    def result(self) -> Label | None:
        """What stands above the lane's right end, if there is room."""
        words = "none failed" if self.target.failed == 0 else counted(self.target.failed, "failed")
        if self.target == Target():
            words = NOT_MEASURED
        size = _fit(f"{self.vip.address} {self.vip.name} {words}", 1) if self.whole else None
        return None if size is None else Label(words, 1, _classes("faint", size), "end")


@dataclass(frozen=True)
class Chart:
    """A timeline; zooms: what of it is drawn larger, by letter; letter: its own, if it is such a part."""

    row: Row
    drill: Drill
    scale: Scale
    letter: str = ""
    zooms: Mapping[str, Scale] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """All of it in words."""
        name = f"Timeline of {self.row.name}"
        if self.letter:
            name = f"{self.letter}, a part of the timeline of {self.row.name} drawn larger"
        return ". ".join([name, *(lane.in_words for lane in self.lanes)])

    @cached_property
    def lanes(self) -> list[Lane]:
        vips = [vip for vip in self.drill.vips if vip.address in self.row.probe.targets]
        return [Lane(vip, self.row, self.drill, self.scale, not self.letter) for vip in vips]

    @property
    def bands(self) -> list[tuple[Bar, Label]]:
        return [
            (
                self.scale.drawn(zoom.start, zoom.end, "band"),
                Label(letter, self.scale.at((zoom.start + zoom.end) / 2), "tag"),
            )
            for letter, zoom in self.zooms.items()
        ]

    @property
    def events(self) -> list[tuple[str, float]]:
        scale = self.scale
        return [(name, scale.at(at)) for name, at in self.row.events.items() if scale.start <= at <= scale.end]

    @property
    def event_labels(self) -> Iterator[Label]:
        shown = self.events
        if len(shown) == 2 and (shown[1][1] - shown[0][1]) * NARROW < _pixels("injected"):
            shown = [("injected, healed", shown[0][1])]
        for name, x in shown:
            right = (1 - x) * NARROW > _pixels(name)
            yield Label(name, x, "", "start" if right else "end", 5 if right else -5)


def charts(row: Row, drill: Drill) -> list[Chart]:
    """The timeline of a fault, and after it what of it is drawn larger."""
    whole = Chart(row, drill, Scale(0, row.length, row.events.get("injected", 0)))
    zooms = dict(zip(LETTERS, _zooms(whole), strict=False))
    return [replace(whole, zooms=zooms), *(Chart(row, drill, zoom, letter) for letter, zoom in zooms.items())]


def _zooms(whole: Chart) -> list[Scale]:
    """What is drawn larger: the outages, those that are close to each other together, with the fault if it is close."""
    groups: list[tuple[float, float]] = []
    outages = [outage for lane in whole.lanes for outage in lane.outages]
    for outage in sorted(outages, key=lambda outage: outage.start):
        if groups and outage.start - groups[-1][1] < TOGETHER_MS:
            groups[-1] = (groups[-1][0], max(groups[-1][1], outage.end))
        else:
            groups.append((outage.start, outage.end))
    longest = sorted(groups, key=lambda group: group[0] - group[1])[: len(LETTERS)]
    scales = [_around(start, end, whole) for start, end in sorted(longest)]
    return [scale for scale in scales if scale.length < whole.scale.length / 2]


def _around(start: float, end: float, whole: Chart) -> Scale:
    near = [moment for moment in whole.row.events.values() if 0 <= start - moment < TOGETHER_MS]
    first = min([start, *near])
    margin = max(100.0, (end - first) / 4)
    return Scale(max(0.0, first - margin), min(end + 2 * margin, max(whole.scale.end, end)), whole.scale.zero)


def _fit(text: str, share: float) -> str | None:
    """The class of a text in this share of a chart's width; None if even a wide chart has no room for it."""
    if share * NARROW >= _pixels(text):
        return ""
    return "wide" if share * WIDE >= _pixels(text) else None


def _pixels(text: str) -> int:
    return len(text) * LETTER_PX + PADDING_PX


def _classes(*names: str) -> str:
    return " ".join(filter(None, names))


def _step(least: float) -> float:
    """The next of 1, 2, 5, 10, 20 and so on."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)
