# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The charts of the drill's report: where on the axis of time each thing is drawn, and which texts have room.

Positions and widths are shares of the chart's width, so that a chart takes the width there is while its texts keep their size. Heights
are the template's. Times are milliseconds since the probe started.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.result import (
    UNKNOWN,
    DrilledCluster,
    DrilledVip,
    Held,
    Outage,
    Probe,
    Row,
    Target,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.summary import NOT_MEASURED, outcome
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.units import count, ms, plural, seconds

# Outages within this time of each other are drawn larger together.
TOGETHER_MS = 1000
MOST_ZOOMS = 4
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

    def width(self, start: float, end: float) -> float:
        return self.at(end) - self.at(start)

    def drawn(self, start: float, end: float, kind: str, title: str = "") -> Bar:
        return Bar(self.at(start), self.width(start, end), kind, title)

    def seconds(self, moment: float) -> str:
        return seconds(moment - self.zero, max(1.0, self.length / 1000))

    def has(self, moment: float) -> bool:
        return self.start <= moment <= self.end


@dataclass(frozen=True)
class Label:
    """A text at x, moved by dx pixels; anchor: which of its ends is there, as SVG has it; kind: its classes, separated by spaces."""

    text: str
    x: float
    kind: str = ""
    anchor: str = "middle"
    dx: int = 0


@dataclass(frozen=True)
class Lane:
    """A VIP in a chart, and what is drawn of it; whole: the chart shows all of the probe."""

    vip: DrilledVip
    target: Target
    cluster: DrilledCluster
    scale: Scale
    whole: bool

    @property
    def spans(self) -> list[Held]:
        start, end = self.scale.start, self.scale.end
        return [
            Held(max(held.start, start), min(held.end, end), held.holder)
            for held in self.target.held or ()
            if held.start < end and held.end > start
        ]

    @property
    def outages(self) -> list[Outage]:
        found = self.target.outages or ()
        return [outage for outage in found if outage.start <= self.scale.end and outage.end >= self.scale.start]

    @property
    def measured(self) -> bool:
        return self.target.sent is not None or self.target.outages is not None

    @property
    def held(self) -> Iterator[Bar]:
        for span in self.spans:
            title = f"{span.holder}, {self.scale.seconds(span.start)} to {self.scale.seconds(span.end)}"
            yield self.scale.drawn(span.start, span.end, self.cluster.colour(span.holder), title)

    @property
    def holders(self) -> Iterator[Label]:
        for span in self.spans:
            size = _fit(span.holder, self.scale.width(span.start, span.end))
            if size is not None:
                kind = _classes(f"name on-{self.cluster.colour(span.holder)}", size)
                yield Label(span.holder, self.scale.at((span.start + span.end) / 2), kind)

    @property
    def nobody(self) -> str:
        """What is written instead of holders."""
        return "" if self.spans else f"holder {NOT_MEASURED if self.target.held is None else UNKNOWN}"

    @property
    def failed(self) -> Iterator[Bar]:
        for outage in self.outages:
            yield self.scale.drawn(outage.start, outage.end, "fail", _outage_in_words(outage, self.scale))

    @property
    def lengths(self) -> Iterator[Label]:
        """How long each outage was, at its mark; twice where a narrow chart has less room for it than a wide one."""
        for outage, narrow, wide in zip(self.outages, _rooms(self, NARROW), _rooms(self, WIDE), strict=True):
            sizes = [(narrow, "")] if narrow == wide else [(narrow, "narrow"), (wide, "wide")]
            yield from (_length(outage, *found, size, self.scale) for found, size in sizes if found)

    @property
    def result(self) -> Label | None:
        """What stands above the lane's right end, if there is room."""
        words = outcome(self.target)
        size = _fit(f"{self.vip.address} {self.vip.name} {words}", 1) if self.whole else None
        return None if size is None else Label(words, 1, _classes("faint", size), "end")


@dataclass(frozen=True)
class Chart:
    """A timeline; letter: of what is drawn larger, else empty; label: all of it in words."""

    letter: str
    caption: str
    label: str
    lanes: tuple[Lane, ...]
    bands: tuple[tuple[Bar, Label], ...]
    ticks: tuple[Label, ...]
    events: tuple[tuple[str, float], ...]
    event_labels: tuple[Label, ...]


def charts(row: Row, cluster: DrilledCluster) -> list[Chart]:
    """The timeline of a fault, and after it what of it is drawn larger."""
    probe = row.probe
    whole = Scale(0, probe.length, probe.injected or 0)
    zooms = {chr(ord("A") + index): zoom for index, zoom in enumerate(_zooms(probe, whole))}
    since = "the probe started" if probe.injected is None else "the fault was injected"
    first = _chart(f"Timeline of {row.name}", probe, cluster, whole)
    larger = [
        replace(
            _chart(f"{letter}, a part of the timeline of {row.name} drawn larger", probe, cluster, zoom),
            letter=letter,
            caption=f"drawn larger, {ms(zoom.length)} wide",
        )
        for letter, zoom in zooms.items()
    ]
    bands = tuple(_band(letter, zoom, whole) for letter, zoom in zooms.items())
    return [replace(first, caption=f"Seconds since {since}", bands=bands), *larger]


def _zooms(probe: Probe, whole: Scale) -> list[Scale]:
    """What is drawn larger: the outages, those that are close to each other together, with the fault if it is close."""
    groups: list[tuple[float, float]] = []
    outages = [outage for target in probe.targets.values() for outage in target.outages or ()]
    for outage in sorted(outages, key=lambda outage: outage.start):
        if groups and outage.start - groups[-1][1] < TOGETHER_MS:
            groups[-1] = (groups[-1][0], max(groups[-1][1], outage.end))
        else:
            groups.append((outage.start, outage.end))
    longest = sorted(groups, key=lambda group: group[0] - group[1])[:MOST_ZOOMS]
    scales = [_around(start, end, probe, whole.zero) for start, end in sorted(longest)]
    return [scale for scale in scales if scale.length < whole.length / 2]


def _around(start: float, end: float, probe: Probe, zero: float) -> Scale:
    near = [moment for dummy, moment in probe.events if 0 <= start - moment < TOGETHER_MS]
    first = min([start, *near])
    margin = max(100.0, (end - first) / 4)
    return Scale(max(0.0, first - margin), min(end + 2 * margin, max(probe.length, end)), zero)


def _chart(name: str, probe: Probe, cluster: DrilledCluster, scale: Scale) -> Chart:
    whole = scale.length >= probe.length
    lanes = tuple(
        Lane(vip, probe.targets[vip.address], cluster, scale, whole)
        for vip in cluster.vips
        if vip.address in probe.targets
    )
    shown = [(event, moment) for event, moment in probe.events if scale.has(moment)]
    return Chart(
        letter="",
        caption="",
        label=". ".join([name, *map(_in_words, lanes)]),
        lanes=lanes,
        bands=(),
        ticks=tuple(_ticks(scale)),
        events=tuple((event, scale.at(moment)) for event, moment in shown),
        event_labels=tuple(_event_labels(shown, scale)),
    )


def _in_words(lane: Lane) -> str:
    held = [f"{held.holder} from {lane.scale.seconds(held.start)}" for held in lane.spans]
    failed = [_outage_in_words(outage, lane.scale) for outage in lane.outages]
    return f"{lane.vip.address}: {', '.join([*held, *failed]) or NOT_MEASURED}"


def _outage_in_words(outage: Outage, scale: Scale) -> str:
    reasons = ", ".join(f"{count(number)} \u00d7 {reason}" for reason, number in outage.reasons.items())
    span = f"{plural(outage.count, 'request')} failed in {ms(outage.gap)}, from {scale.seconds(outage.start)}"
    return f"{span} ({reasons})" if reasons else span


def _fit(text: str, share: float) -> str | None:
    """The class of a text in this share of a chart's width; None if even a wide chart has no room for it."""
    if share * NARROW >= _pixels(text):
        return ""
    return "wide" if share * WIDE >= _pixels(text) else None


def _pixels(text: str) -> int:
    return len(text) * LETTER_PX + PADDING_PX


def _classes(*names: str) -> str:
    return " ".join(filter(None, names))


def _rooms(lane: Lane, width: int) -> list[tuple[str, str] | None]:
    """What is written at each outage, and on which side of its mark, in a chart of this width."""
    found = []
    taken = 0.0
    starts = [lane.scale.at(outage.start) * width for outage in lane.outages]
    for outage, (start, following) in zip(lane.outages, pairwise([*starts, width]), strict=True):
        end = lane.scale.at(outage.end) * width
        rooms = {"right": following - end, "inside": end - start, "left": start - taken}
        short = ms(outage.gap)
        texts = [short] if lane.whole else [f"{count(outage.count)} failed, {short}", short]
        fitting = [(text, side) for text in texts for side, room in rooms.items() if _pixels(text) <= room]
        chosen = fitting[0] if fitting else None
        found.append(chosen)
        taken = end + _pixels(chosen[0]) if chosen and chosen[1] == "right" else end
    return found


def _length(outage: Outage, text: str, side: str, size: str, scale: Scale) -> Label:
    if side == "inside":
        return Label(text, scale.at((outage.start + outage.end) / 2), _classes("length inside", size))
    kind = _classes("length", size)
    if side == "right":
        return Label(text, scale.at(outage.end), kind, "start", 6)
    return Label(text, scale.at(outage.start), kind, "end", -6)


def _event_labels(shown: Sequence[tuple[str, float]], scale: Scale) -> Iterator[Label]:
    if len(shown) == 2 and scale.width(shown[0][1], shown[1][1]) * NARROW < _pixels("injected"):
        shown = [("injected, healed", shown[0][1])]
    for name, moment in shown:
        right = (1 - scale.at(moment)) * NARROW > _pixels(name)
        yield Label(name, scale.at(moment), "", "start" if right else "end", 5 if right else -5)


def _band(letter: str, zoom: Scale, whole: Scale) -> tuple[Bar, Label]:
    return (
        whole.drawn(zoom.start, zoom.end, "band"),
        Label(letter, whole.at((zoom.start + zoom.end) / 2), "tag"),
    )


def _ticks(scale: Scale) -> Iterator[Label]:
    step = _step(scale.length / 8)
    first, last = math.ceil((scale.start - scale.zero) / step), math.floor((scale.end - scale.zero) / step)
    for index in range(first, last + 1):
        share = scale.at(scale.zero + index * step)
        anchor = "start" if share < EDGE else "end" if share > 1 - EDGE else "middle"
        # In a narrow chart every other one has room.
        yield Label(seconds(index * step, step), share, _classes("faint", "wide" if index % 2 else ""), anchor)


def _step(least: float) -> float:
    """The next of 1, 2, 5, 10, 20 and so on."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)
