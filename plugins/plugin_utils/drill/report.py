# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a failover drill: one HTML page that needs nothing else.

Pure functions of the drill's result. Times inside a probe are milliseconds since it started. The page is well-formed XML
as well.
"""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

NOT_MEASURED = "not measured"
UNKNOWN = "unknown"
# How many fills the style sheet has for hosts.
COLOURS = 8
# Outages within this time of each other are drawn larger together.
TOGETHER_MS = 1000
MOST_ZOOMS = 4
# The chart's widths, in pixels, that its texts are chosen for; the style sheet shows class "narrow" up to
# the second, and class "wide" above it.
NARROW, WIDE = 280, 480
LETTER_PX, PADDING_PX = 7, 8
# Texts this near to a chart's side, as a share of its width, would stick out if they were centred.
EDGE = 0.06
# Heights in the chart, in pixels.
HEAD, NAME, BAR, TRACK, LANE, TAGS, AXIS = 20, 17, 24, 14, 68, 16, 24
MIDDLE, FAILURES = NAME + BAR // 2 + 4, NAME + BAR + 3
# Neither HTML nor XML has these.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f3f6fa; --card: #ffffff; --ink: #1c2733; --soft: #51606f; --line: #d3dce5; --accent: #2f5f92;
  --good: #1c6b31; --good-back: #e7f5e9; --bad: #a3162a; --bad-back: #fdeced; --plain-back: #eaf0f6;
  --fail: #c8102e; --on-fail: #ffffff; --lane: #e3e9f0; --answered: #8694a2; --band: #fff3d6; --band-line: #b7821a;
  --band-ink: #7a5410;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #0c1116; --card: #141b23; --ink: #e6edf3; --soft: #a3b1bf; --line: #2c3844; --accent: #86b6ea;
    --good: #82d695; --good-back: #14291a; --bad: #ffa3a8; --bad-back: #381a1f; --plain-back: #1b2631;
    --fail: #ff6b70; --on-fail: #1c0507; --lane: #24303b; --answered: #6f7e8c; --band: #33290f; --band-line: #e0ae4a;
    --band-ink: #e8c274;
  }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
main { max-width: 66rem; margin: 0 auto; padding: clamp(.75rem, 3vw, 2.5rem) }
h1, h2, h3, h4, p, dl, dd, figure { margin: 0 }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .8rem }
a { color: var(--accent); text-underline-offset: .15em }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: clamp(.75rem, 2.5vw, 1.5rem) }
.soft { color: var(--soft) }
.number { font-variant-numeric: tabular-nums }

.verdict { border-left: 8px solid var(--soft) }
.verdict.good { border-left-color: var(--good) }
.verdict.bad { border-left-color: var(--bad) }
.verdict .over { color: var(--soft); font-weight: 600 }
.verdict h1 { font-size: clamp(1.4rem, 4.5vw, 2.1rem); line-height: 1.2; margin: .15rem 0 .5rem }
.good h1, .good.badge { color: var(--good) }
.bad h1, .bad.badge { color: var(--bad) }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin-top: 1rem; font-size: .93rem }
.facts dt { color: var(--soft) }

.strip { display: grid; grid-template-columns: repeat(4, 1fr); gap: .75rem; margin-top: .75rem }
.strip div { display: flex; flex-direction: column; padding: .8rem 1.1rem }
.strip dt { color: var(--soft); font-size: .88rem }
.strip dd { font-size: 1.75rem; font-weight: 650; line-height: 1.25; font-variant-numeric: tabular-nums }
.strip .unmeasured { color: var(--soft); font-size: 1.15rem; font-weight: 400; line-height: 1.9 }
.strip dd + dd { color: var(--soft); font-size: .85rem; font-weight: 400; line-height: 1.4 }

.badge { display: inline-block; white-space: nowrap; font-size: .88rem; font-weight: 600; padding: .1rem .6rem; border-radius: 99px }
.good.badge { background: var(--good-back) }
.bad.badge { background: var(--bad-back) }

.table { overflow-x: auto; padding: 0 }
table { border-collapse: collapse; width: 100%; font-size: .95rem }
th, td { text-align: left; vertical-align: top; padding: .65rem; font-weight: 400; overflow-wrap: normal }
thead th { color: var(--soft); font-size: .88rem; vertical-align: bottom; white-space: nowrap }
thead b { color: var(--ink); display: block; max-width: 10rem; white-space: normal; overflow-wrap: break-word }
tbody tr { border-top: 1px solid var(--line) }
tbody th a { font-weight: 600 }
td .number { display: block }
thead th:first-child, tbody th { padding-left: 1.1rem }
.failed { color: var(--bad); font-weight: 600 }
.bar { display: block; height: 5px; max-width: 8rem; margin-top: .3rem; border-radius: 3px; background: var(--lane) }
.bar i { display: block; height: 100%; min-width: 3px; border-radius: 3px; background: var(--fail) }

.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; list-style: none; margin: 0 0 1rem; padding: 0; font-size: .9rem }
.legend li { display: flex; align-items: center; gap: .45rem }
.legend .chart { width: 22px; height: 14px; margin: 0 }

.fault { margin-bottom: 1.25rem }
.fault > h3 { display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; font-size: 1.15rem; line-height: 1.4 }
.fault h3 .soft { font-weight: 400 }
.fault > p { margin-top: .35rem }
.fault .surprise { background: var(--bad-back); border-left: 4px solid var(--bad); border-radius: 4px; padding: .5rem .8rem; margin-top: .7rem }
.surprise b { color: var(--bad) }
figure { container-type: inline-size; margin-top: 1rem }
figcaption { font-size: .88rem; color: var(--soft) }
figcaption b { color: var(--band-ink) }
.zooms { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 0 1.75rem }
.zooms figure { border-top: 3px solid var(--band-line); padding-top: .4rem }

.chart { display: block; width: 100%; overflow: visible; margin-top: .35rem; font: 12px system-ui, sans-serif }
.chart text { fill: var(--ink); stroke: var(--card); stroke-width: 5; stroke-linejoin: round; paint-order: stroke; pointer-events: none }
.chart .name { font-weight: 600 }
.chart .faint { fill: var(--soft); font-weight: 400 }
.chart .lane { fill: var(--lane) } .chart .on-lane { fill: var(--soft); stroke: var(--lane) }
.chart .answered { stroke: var(--answered); stroke-width: 2 }
.chart .fail { fill: var(--fail); stroke: var(--fail); stroke-width: 2; stroke-linejoin: round }
.chart .length { fill: var(--fail); font-weight: 650; stroke-width: 2 }
.chart .inside { fill: var(--on-fail); stroke: none }
.chart .event { stroke: var(--ink); stroke-width: 1.5 }
.chart .healed { stroke-dasharray: 4 3 }
.chart .axis { stroke: var(--soft); stroke-width: 1 }
.chart .band { fill: var(--band); stroke: var(--band-line) }
.chart .tag { fill: var(--band-ink); font-weight: 700 }
.chart .h0 { fill: #0072b2 } .chart .on-h0 { fill: #ffffff; stroke: #0072b2 }
.chart .h1 { fill: #e69f00 } .chart .on-h1 { fill: #1c1503; stroke: #e69f00 }
.chart .h2 { fill: #009e73 } .chart .on-h2 { fill: #00130d; stroke: #009e73 }
.chart .h3 { fill: #cc79a7 } .chart .on-h3 { fill: #200b17; stroke: #cc79a7 }
.chart .h4 { fill: #56b4e9 } .chart .on-h4 { fill: #04202f; stroke: #56b4e9 }
.chart .h5 { fill: #f0e442 } .chart .on-h5 { fill: #1f1d00; stroke: #f0e442 }
.chart .h6 { fill: #5b3a8c } .chart .on-h6 { fill: #ffffff; stroke: #5b3a8c }
.chart .h7 { fill: #6b5b4b } .chart .on-h7 { fill: #ffffff; stroke: #6b5b4b }
.chart .unknown { fill: var(--lane); stroke: var(--soft); stroke-dasharray: 3 3 } .chart .on-unknown { fill: var(--ink); stroke: var(--lane) }

.vips { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: .75rem; margin-top: 1.1rem }
.vip { background: var(--plain-back); border-radius: 8px; padding: .8rem 1rem; font-size: .93rem }
.vip h4 { font-size: 1rem }
.vip h4 .soft { font-weight: 400 }
.vip > dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .9rem; margin-top: .35rem }
.vip dt { color: var(--soft) }
.vip dd { font-variant-numeric: tabular-nums }
.vip dd span { display: inline-block; margin-right: .9em }
.vip .latency { display: grid; grid-template-columns: repeat(auto-fit, minmax(4.2rem, 1fr)); gap: .3rem .5rem }
.vip .over { margin-top: .6rem; padding-top: .45rem; border-top: 1px solid var(--line); color: var(--soft) }
.latency dt { font-size: .8rem }
.latency dd { white-space: nowrap }
footer { color: var(--soft); font-size: .88rem; margin-top: 2rem }

.chart .narrow { display: none }
@container (max-width: 480px) { .chart .wide { display: none } .chart .narrow { display: inline } }
@media screen and (max-width: 40rem) {
  .facts { grid-template-columns: 1fr }
  .facts dd { margin-bottom: .35rem }
  .strip div { padding: .65rem .8rem }
}
@media screen and (max-width: 48rem) {
  .strip { grid-template-columns: 1fr 1fr }
  .strip dd { font-size: 1.4rem }
  table, tbody, tr, td, tbody th { display: block }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  tr { padding: .7rem 1rem }
  td, tbody th { padding: .12rem 0 }
  td { display: grid; grid-template-columns: 8.5rem 1fr; gap: .6rem }
  td::before { content: attr(data-label); color: var(--soft); font-size: .88rem; overflow-wrap: anywhere }
}
@media print {
  :root { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  html { font-size: 9.5pt }
  body { font-size: 1rem; background: none }
  main { max-width: none; padding: 0 }
  .card { border-color: #999999 }
  h2, .fault > h3 { break-after: avoid }
  .verdict, .strip div, tbody tr, .fault, figure, .vip { break-inside: avoid }
  a { color: inherit; text-decoration: none }
}
"""


class Markup(str):
    """HTML that is ready; any other text is escaped where it joins it."""


@dataclass(frozen=True)
class Vip:
    address: str
    name: str
    preferred: str


@dataclass(frozen=True)
class Cluster:
    hosts: Sequence[str]
    vips: Sequence[Vip]

    def colour(self, host: str) -> str:
        return f"h{self.hosts.index(host) % COLOURS}" if host in self.hosts else "unknown"


@dataclass(frozen=True)
class Probe:
    """What was measured while a fault lasted."""

    targets: Mapping[str, Mapping[str, Any]]
    length: float
    injected: float | None
    healed: float | None
    # Between two requests to one VIP.
    interval: float
    # Requests to each VIP that the prober did not get to send.
    missed: int

    @property
    def events(self) -> list[tuple[str, float]]:
        found = (("injected", self.injected), ("healed", self.healed))
        return [(name, moment) for name, moment in found if moment is not None]


@dataclass(frozen=True)
class Outage:
    """Requests to one VIP that failed in a row."""

    start: float
    end: float
    count: int
    reasons: Mapping[str, int]
    # From the last answered request before it to the first one after it.
    gap: float


@dataclass(frozen=True)
class Scale:
    """The part of a probe that a chart shows; zero is the time that its axis counts from."""

    start: float
    end: float
    zero: float

    def share(self, moment: float) -> float:
        return (min(max(moment, self.start), self.end) - self.start) / (self.end - self.start)

    def at(self, moment: float) -> str:
        return _percent(self.share(moment))

    def width(self, start: float, end: float) -> str:
        return _percent(self.share(end) - self.share(start))

    def seconds(self, moment: float) -> str:
        return _seconds(moment - self.zero, max(1.0, (self.end - self.start) / 1000))


@dataclass(frozen=True)
class Lane:
    """A VIP in a chart."""

    vip: Vip
    probe: Probe
    cluster: Cluster
    scale: Scale

    @property
    def target(self) -> Mapping[str, Any]:
        return self.probe.targets[self.vip.address]

    @property
    def whole(self) -> bool:
        return self.scale.end - self.scale.start >= self.probe.length

    @property
    def held(self) -> list[tuple[float, float, str]]:
        """From when to when who held it, as far as the chart shows it."""
        start, end = self.scale.start, self.scale.end
        return [
            (max(first, start), min(last, end), holder)
            for first, last, holder in _held(self.target, self.probe.length)
            if first < end and last > start
        ]

    @property
    def outages(self) -> list[Outage]:
        found = _outages(self.target, self.probe)
        return [outage for outage in found if outage.start <= self.scale.end and outage.end >= self.scale.start]


def page(drill: Mapping[str, Any]) -> str:
    """The drill's report as HTML."""
    rows: Sequence[Mapping[str, Any]] = drill.get("rows") or []
    cluster = _cluster(drill.get("cluster") or {}, rows)
    title = str(drill.get("title") or "Failover drill")
    kind, words = _verdict(drill, rows)
    head = _tag(
        "head",
        _tag("meta", charset="utf-8"),
        _tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _tag("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        _tag("title", f"{title}: {words}"),
        _tag("style", Markup(STYLE)),
    )
    body = _tag(
        "main",
        _headline(drill, rows, cluster, title, kind, words),
        _strip(rows),
        [_table(rows, cluster), _faults(drill, rows, cluster)] if rows else None,
        _footer(),
    )
    return f"<!DOCTYPE html>\n{_tag('html', head, _tag('body', body), lang='en')}\n"


# Markup


def _tag(element: str, /, *children: Any, **attributes: Any) -> Markup:
    """An element; class_ is the attribute class, data_label is data-label, and None is left out."""
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    opening = "".join([element, *(f' {key}="{_escaped(value)}"' for key, value in named.items())])
    if element in ("meta", "rect", "line") and not children:
        return Markup(f"<{opening}/>")
    return Markup(f"<{opening}>{''.join(_flat(children))}</{element}>")


def _flat(children: Iterable[Any]) -> Iterator[str]:
    for child in children:
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, (list, tuple)):
            yield from _flat(child)
        elif child is not None:
            yield _escaped(child)


def _escaped(text: Any) -> str:
    return html.escape(UNPRINTABLE.sub("\ufffd", str(text)))


def _classes(*names: str) -> str | None:
    return " ".join(filter(None, names)) or None


# Numbers


def _percent(share: float) -> str:
    return f"{share * 100:.3f}%"


def _seconds(milliseconds: float, precision: float) -> str:
    """With the decimals that a step of this many milliseconds needs."""
    decimals = max(0, math.ceil(-math.log10(precision / 1000)))
    # Adding 0.0 takes the sign from a zero.
    return f"{round(milliseconds / 1000, decimals) + 0.0:g} s".replace("-", "\u2212")


def _count(number: int) -> str:
    return f"{number:,}"


def _ms(milliseconds: float) -> str:
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{float(f'{milliseconds:.3g}'):g} ms"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _known(target: Mapping[str, Any], key: str) -> str:
    number = target.get(key)
    return f"{key}: {NOT_MEASURED}" if number is None else f"{_count(number)} {key}"


def _plural(number: int, noun: str) -> str:
    return f"{_count(number)} {noun}{'' if number == 1 else 's'}"


# The result, made sense of


def _cluster(found: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Cluster:
    """As the drill names it, with what else its probes saw."""
    vips = {
        address: Vip(address, str(vip.get("name") or ""), str(vip.get("preferred") or ""))
        for vip in found.get("vips") or ()
        for address in [str(vip.get("address")).split("/", maxsplit=1)[0]]
    }
    hosts = [str(host) for host in found.get("hosts") or ()]
    for row in rows:
        for address, target in _targets(row).items():
            vips.setdefault(address, Vip(address, "", ""))
            hosts += [str(entry["holder"]) for entry in target.get("holders") or () if entry.get("holder")]
    return Cluster(list(dict.fromkeys(hosts)), list(vips.values()))


def _targets(row: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    targets = (row.get("probe") or {}).get("targets") or {}
    return {str(address): target or {} for address, target in targets.items()}


def _probe(row: Mapping[str, Any], rate: float | None) -> Probe:
    probe = row.get("probe") or {}
    targets, started = _targets(row), probe.get("started")
    injected, healed = (_since(started, row.get(key)) for key in ("injected", "healed"))
    length = float(probe.get("duration") or 0) * 1000
    if not length:
        seen = [moment for target in targets.values() for moment in _moments(target)]
        length = max([1000, *seen, injected or 0, healed or 0]) * 1.05
    return Probe(targets, length, injected, healed, 1000 / rate if rate else 10, int(probe.get("missed") or 0))


def _since(started: float | None, moment: float | None) -> float | None:
    return None if started is None or moment is None else (moment - started) * 1000


def _moments(target: Mapping[str, Any]) -> Iterator[float]:
    entries = [*(target.get("holders") or ()), *(target.get("failures") or ())]
    yield from (entry[key] for entry in entries for key in ("at_ms", "from_ms", "to_ms") if entry.get(key) is not None)


def _outages(target: Mapping[str, Any], probe: Probe) -> list[Outage]:
    found = [_outage(entry, probe) for entry in target.get("failures") or () if entry.get("from_ms") is not None]
    longest = max(found, key=lambda outage: outage.gap, default=None)
    measured = target.get("gap_ms")
    return [replace(outage, gap=measured) if outage is longest and measured else outage for outage in found]


def _outage(entry: Mapping[str, Any], probe: Probe) -> Outage:
    """A failed request stands for the time until the next one."""
    start, last = entry["from_ms"], entry.get("to_ms")
    end = probe.length if last is None else last + probe.interval
    return Outage(start, end, int(entry.get("count") or 0), entry.get("reasons") or {}, end - start + probe.interval)


def _held(target: Mapping[str, Any], end: float) -> list[tuple[float, float, str]]:
    """From when to when who held a VIP."""
    entries = [entry for entry in target.get("holders") or () if entry.get("at_ms") is not None]
    moments = [*(entry["at_ms"] for entry in entries), end]
    spans = zip(pairwise(moments), entries, strict=True)
    return [(start, stop, str(entry.get("holder") or UNKNOWN)) for (start, stop), entry in spans]


def _zooms(probe: Probe, whole: Scale) -> list[Scale]:
    """What is drawn larger: the outages, those that are close to each other together, with the fault if it is close."""
    groups: list[tuple[float, float]] = []
    outages = [outage for target in probe.targets.values() for outage in _outages(target, probe)]
    for outage in sorted(outages, key=lambda outage: outage.start):
        if groups and outage.start - groups[-1][1] < TOGETHER_MS:
            groups[-1] = (groups[-1][0], max(groups[-1][1], outage.end))
        else:
            groups.append((outage.start, outage.end))
    longest = sorted(groups, key=lambda group: group[0] - group[1])[:MOST_ZOOMS]
    scales = [_around(start, end, probe, whole.zero) for start, end in sorted(longest)]
    return [scale for scale in scales if scale.end - scale.start < (whole.end - whole.start) / 2]


def _around(start: float, end: float, probe: Probe, zero: float) -> Scale:
    near = [moment for dummy, moment in probe.events if 0 <= start - moment < TOGETHER_MS]
    first = min([start, *near])
    margin = max(100.0, (end - first) / 4)
    return Scale(max(0.0, first - margin), min(end + 2 * margin, max(probe.length, end)), zero)


# The top of the page


def _verdict(drill: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    surprise = next((row for row in rows if not row.get("ok")), None)
    if surprise:
        return "bad", f"Stopped at a surprise: {_fault(surprise)}"
    if not drill.get("ok"):
        return "bad", "Stopped before its end" if rows else "Stopped before the first fault"
    if not rows:
        return "", "No fault was run"
    return "good", f"Passed: {_plural(len(rows), 'fault')}, no surprise"


def _fault(row: Mapping[str, Any]) -> str:
    title = str(row.get("title") or row.get("fault"))
    return f"{title} on {row['host']}" if row.get("host") else title


def _headline(
    drill: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    cluster: Cluster,
    title: str,
    kind: str,
    words: str,
) -> Markup:
    surprise = next((row["surprise"] for row in rows if not row.get("ok") and row.get("surprise")), None)
    facts = [[_tag("dt", name), _tag("dd", value)] for name, value in _facts(drill, cluster) if value]
    return _tag(
        "header",
        _tag("p", title, class_="over"),
        _tag("h1", _mark(kind), words),
        _tag("p", surprise) if surprise else None,
        _tag("dl", facts, class_="facts") if facts else None,
        class_=_classes("card verdict", kind),
    )


def _mark(kind: str) -> Markup | None:
    sign = {"good": "\u2713", "bad": "\u2717"}.get(kind)
    return _tag("span", f"{sign} ", aria_hidden="true") if sign else None


def _facts(drill: Mapping[str, Any], cluster: Cluster) -> Iterator[tuple[str, str]]:
    started, finished = drill.get("started"), drill.get("finished")
    if started is not None:
        when = f"{datetime.fromtimestamp(started, UTC):%Y-%m-%d %H:%M:%S} UTC"
        yield "When", when if finished is None else f"{when}, took {_duration(finished - started)}"
    yield "Load balancers", ", ".join(cluster.hosts)
    yield "VIPs", "; ".join(_described(vip) for vip in cluster.vips)
    yield "keepalived", ", ".join(_keepalived(drill.get("cluster") or {}))
    if drill.get("prober"):
        rate = f", {drill['rate']:g} requests a second to each VIP" if drill.get("rate") else ""
        yield "Client", f"{drill['prober']}{rate}"


def _described(vip: Vip) -> str:
    where = f", normally on {vip.preferred}" if vip.preferred else ""
    return f"{vip.name} {vip.address}{where}".strip()


def _keepalived(found: Mapping[str, Any]) -> Iterator[str]:
    if found.get("keepalived"):
        yield str(found["keepalived"])
    if found.get("vrrp_version"):
        yield f"VRRPv{found['vrrp_version']}"
    if found.get("advert_int"):
        yield f"an advert every {found['advert_int']} s"


def _strip(rows: Sequence[Mapping[str, Any]]) -> Markup:
    tiles = [_faults_run(rows), *_requests(rows), _worst(rows)]
    return _tag(
        "dl",
        [
            _tag("div", _tag("dt", name), _strip_value(value), _tag("dd", note) if note else None, class_="card")
            for name, value, note in tiles
        ],
        class_="strip",
    )


def _strip_value(value: str) -> Markup:
    return _tag("dd", value, class_="unmeasured" if value == NOT_MEASURED else None)


def _faults_run(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    surprises = sum(not row.get("ok") for row in rows)
    note = f"{len(rows) - surprises} as expected, {_plural(surprises, 'surprise')}" if surprises else "all as expected"
    return "Faults run", _count(len(rows)), note if rows else ""


def _requests(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    targets = [target for row in rows for target in _targets(row).values()]
    sent, failed = (_total(targets, key) for key in ("sent", "failed"))
    yield "Requests sent", NOT_MEASURED if sent is None else _count(sent), ""
    share = f"{100 * failed / sent:.2g} % of those sent" if sent and failed else ""
    yield "Requests failed", NOT_MEASURED if failed is None else _count(failed), share


def _total(targets: Iterable[Mapping[str, Any]], key: str) -> int | None:
    found = [target[key] for target in targets if target.get(key) is not None]
    return sum(found) if found else None


def _worst(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    gap, row, address = max(_gaps(rows), key=lambda found: found[0], default=(None, {}, ""))
    if gap is None:
        return "Worst gap", NOT_MEASURED, ""
    return "Worst gap", _ms(gap), f"{address}, {_fault(row)}" if gap else ""


def _gaps(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, Mapping[str, Any], str]]:
    for row in rows:
        for address, target in _targets(row).items():
            if target.get("gap_ms") is not None:
                yield target["gap_ms"], row, address


# The table


def _table(rows: Sequence[Mapping[str, Any]], cluster: Cluster) -> Markup:
    worst = max((gap for gap, *dummy in _gaps(rows)), default=0)
    names = ["Fault", "Host", *([_tag("b", vip.address), vip.name] for vip in cluster.vips), "Verdict"]
    columns = [_tag("th", name, scope="col", role="columnheader") for name in names]
    body = [_table_row(number, row, cluster, worst) for number, row in enumerate(rows, 1)]
    # The roles keep it a table for screen readers where the style sheet makes it cards.
    return _tag(
        "section",
        _tag("h2", "Faults"),
        _tag(
            "div",
            _tag(
                "table",
                _tag("thead", _tag("tr", columns, role="row"), role="rowgroup"),
                _tag("tbody", body, role="rowgroup"),
                role="table",
            ),
            class_="card table",
            role="region",
            aria_label="Faults",
            tabindex="0",
        ),
    )


def _table_row(number: int, row: Mapping[str, Any], cluster: Cluster, worst: float) -> Markup:
    targets = _targets(row)
    link = _tag("a", str(row.get("title") or row.get("fault")), href=f"#fault-{number}")
    return _tag(
        "tr",
        _tag("th", f"{number}. ", link, scope="row", role="rowheader"),
        [
            _tag("td", _tag("div", value), role="cell", data_label=name)
            for name, value in (
                ("Host", row.get("host")),
                *((vip.address, _cell(targets.get(vip.address) or {}, worst)) for vip in cluster.vips),
                ("Verdict", _badge(row)),
            )
        ],
        role="row",
    )


def _cell(target: Mapping[str, Any], worst: float) -> list[Markup | None]:
    failed, gap = target.get("failed"), target.get("gap_ms")
    if failed is None and gap is None:
        return [_tag("span", NOT_MEASURED, class_="soft")]
    length = f"gap: {NOT_MEASURED}" if gap is None else f"{_ms(gap)} gap"
    return [
        _tag("span", _known(target, "failed"), class_=f"number {'failed' if failed else 'soft'}"),
        None if gap == 0 else _tag("span", length, class_="number soft"),
        _tag("span", _tag("i", style=f"width: {_percent(gap / worst)}"), class_="bar") if gap else None,
    ]


def _badge(row: Mapping[str, Any]) -> Markup:
    kind, words = ("good", "as expected") if row.get("ok") else ("bad", "surprise")
    return _tag("span", _mark(kind), words, class_=f"badge {kind}")


# A fault


def _faults(drill: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], cluster: Cluster) -> Markup:
    return _tag(
        "section",
        _tag("h2", "Timelines"),
        _legend(cluster),
        [_section(number, row, cluster, drill.get("rate")) for number, row in enumerate(rows, 1)],
    )


def _legend(cluster: Cluster) -> Markup:
    swatches = [
        *((f"{host} holds the VIP", _rect(0, 14, class_=cluster.colour(host), rx=3)) for host in cluster.hosts),
        ("requests failed", [_track(13), _rect(2, 11, x="35%", width="30%", class_="fail")]),
        ("fault injected", _line("50%", 0, 14, "event")),
        ("healed", _line("50%", 0, 14, "event healed")),
        ("drawn larger below", _rect(0, 14, class_="band")),
    ]
    return _tag(
        "ul",
        [_tag("li", _tag("svg", drawn, class_="chart", aria_hidden="true"), name) for name, drawn in swatches],
        class_="legend",
    )


def _section(number: int, row: Mapping[str, Any], cluster: Cluster, rate: float | None) -> Markup:
    where = _tag("span", f"on {row['host']}", class_="soft") if row.get("host") else None
    return _tag(
        "section",
        _tag("h3", f"{number}. {row.get('title') or row.get('fault')}", where, _badge(row)),
        _tag("p", "Expected: ", row["expected"], class_="soft") if row.get("expected") else None,
        _tag("p", _tag("b", "Surprise: "), row["surprise"], class_="surprise") if row.get("surprise") else None,
        _measurement(row, _probe(row, rate), cluster),
        id=f"fault-{number}",
        class_="card fault",
    )


def _measurement(row: Mapping[str, Any], probe: Probe, cluster: Cluster) -> list[Any]:
    if not probe.targets:
        return [_tag("p", f"The requests were {NOT_MEASURED}.", class_="soft")]
    missed = f"{_plural(probe.missed, 'request')} to each VIP could not be sent in time, and count nowhere."
    return [
        _tag("p", missed, class_="soft") if probe.missed else None,
        _charts(row, probe, cluster),
        _tag("div", [_numbers(vip, probe.targets[vip.address]) for vip in _shown(probe, cluster)], class_="vips"),
    ]


def _shown(probe: Probe, cluster: Cluster) -> list[Vip]:
    return [vip for vip in cluster.vips if vip.address in probe.targets]


def _numbers(vip: Vip, target: Mapping[str, Any]) -> Markup:
    heading = _tag("h4", vip.address, _tag("span", f" {vip.name}", class_="soft"))
    if not target:
        return _tag("section", heading, _tag("p", NOT_MEASURED, class_="soft"), class_="vip")
    facts = (
        ("Requests", _sent(target)),
        ("Longest gap", _gap(target)),
        ("Recovered", _recovered(target)),
        ("Answered by", _answered(target)),
        ("Reasons", _reasons(target)),
    )
    return _tag(
        "section",
        heading,
        _tag("dl", [[_tag("dt", name), _tag("dd", value)] for name, value in facts if value]),
        _latency(target),
        class_="vip",
    )


def _sent(target: Mapping[str, Any]) -> str:
    return ", ".join(_known(target, key) for key in ("sent", "failed"))


def _gap(target: Mapping[str, Any]) -> str:
    gap = target.get("gap_ms")
    return NOT_MEASURED if gap is None else _ms(gap) if gap else "none"


def _recovered(target: Mapping[str, Any]) -> str:
    if "recover_ms" not in target:
        return NOT_MEASURED
    recover = target["recover_ms"]
    if recover is None:
        return "not while it was measured"
    return f"{_ms(recover)} after the first failed request" if recover else "no request failed"


def _answered(target: Mapping[str, Any]) -> Any:
    counts = target.get("answered_by")
    if counts is None:
        return NOT_MEASURED
    named = ((UNKNOWN if host == "-" else host, count) for host, count in counts.items())
    return [_tag("span", f"{host} {_count(count)}") for host, count in named] or "nobody"


def _reasons(target: Mapping[str, Any]) -> Any:
    if "failures" not in target:
        return NOT_MEASURED if target.get("failed") else None
    counts: Counter[str] = Counter()
    for outage in target["failures"] or ():
        counts.update(outage.get("reasons") or {})
    return [_tag("span", f"{_count(count)} \u00d7 {reason}") for reason, count in counts.most_common()] or None


def _latency(target: Mapping[str, Any]) -> list[Markup]:
    latency = target.get("latency_ms")
    if not latency:
        words = "no request was answered" if "latency_ms" in target else NOT_MEASURED
        return [_tag("p", f"Latency: {words}", class_="over")]
    figures = [
        _tag("div", _tag("dt", name), _tag("dd", _ms(latency[name])))
        for name in ("min", "median", "p95", "p99", "max")
        if latency.get(name) is not None
    ]
    return [_tag("p", "Latency of the answers", class_="over"), _tag("dl", figures, class_="latency")]


# Charts. Positions are percentages, so that a chart is as wide as its place while its texts keep their size.


def _charts(row: Mapping[str, Any], probe: Probe, cluster: Cluster) -> list[Markup]:
    whole = Scale(0, probe.length, probe.injected or 0)
    zooms = {chr(ord("A") + index): zoom for index, zoom in enumerate(_zooms(probe, whole))}
    since = "the probe started" if probe.injected is None else "the fault was injected"
    name = _fault(row)
    found = [_figure(f"Seconds since {since}", f"Timeline of {name}", probe, cluster, whole, zooms)]
    if zooms:
        figures = [
            _figure(
                [_tag("b", f"{letter} "), f"drawn larger, {_ms(zoom.end - zoom.start)} wide"],
                f"{letter}, a part of the timeline of {name} drawn larger",
                probe,
                cluster,
                zoom,
                {},
            )
            for letter, zoom in zooms.items()
        ]
        found.append(_tag("div", figures, class_="zooms"))
    return found


def _figure(
    caption: Any, name: str, probe: Probe, cluster: Cluster, scale: Scale, zooms: Mapping[str, Scale]
) -> Markup:
    lanes = [Lane(vip, probe, cluster, scale) for vip in _shown(probe, cluster)]
    bottom = HEAD + LANE * len(lanes)
    axis = bottom + (TAGS if zooms else 0)
    # Texts come last: no line may cross them.
    return _tag(
        "figure",
        _tag("figcaption", caption),
        _tag(
            "svg",
            [_band(letter, zoom, scale, bottom) for letter, zoom in zooms.items()],
            [_tag("svg", _shapes(lane), y=HEAD + LANE * index) for index, lane in enumerate(lanes)],
            _axis(scale, axis),
            _events(probe, scale, bottom),
            [_tag("svg", _texts(lane), y=HEAD + LANE * index) for index, lane in enumerate(lanes)],
            class_="chart",
            height=axis + AXIS,
            role="img",
            aria_label=". ".join([name, *map(_in_words, lanes)]),
        ),
    )


def _in_words(lane: Lane) -> str:
    held = [f"{holder} from {lane.scale.seconds(start)}" for start, dummy, holder in lane.held]
    failed = [_outage_in_words(outage, lane.scale) for outage in lane.outages]
    return f"{lane.vip.address}: {', '.join([*held, *failed]) or NOT_MEASURED}"


def _outage_in_words(outage: Outage, scale: Scale) -> str:
    reasons = ", ".join(f"{_count(count)} \u00d7 {reason}" for reason, count in outage.reasons.items())
    span = f"{_plural(outage.count, 'request')} failed in {_ms(outage.gap)}, from {scale.seconds(outage.start)}"
    return f"{span} ({reasons})" if reasons else span


def _shapes(lane: Lane) -> list[Any]:
    measured = "sent" in lane.target or "failures" in lane.target
    return [
        _rect(NAME, BAR, class_="lane", rx=3),
        [_segment(*span, lane) for span in lane.held],
        _track(FAILURES + TRACK - 1) if measured else None,
        [_failure(outage, lane.scale) for outage in lane.outages],
    ]


def _texts(lane: Lane) -> list[Any]:
    nobody = UNKNOWN if "holders" in lane.target else NOT_MEASURED
    return [
        _tag("text", lane.vip.address, _tag("tspan", f" {lane.vip.name}", class_="faint"), y=12, class_="name"),
        _outcome(lane) if lane.whole else None,
        [_holder(*span, lane) for span in lane.held],
        None if lane.held else _tag("text", f"holder {nobody}", x=8, y=MIDDLE, class_="on-lane"),
        _lengths(lane),
    ]


def _outcome(lane: Lane) -> Markup | None:
    failed = lane.target.get("failed")
    words = "none failed" if failed == 0 else _known(lane.target, "failed") if lane.target else NOT_MEASURED
    shown = _fit(f"{lane.vip.address} {lane.vip.name} {words}", 1)
    if shown is None:
        return None
    return _tag("text", words, x="100%", y=12, text_anchor="end", class_=_classes("faint", shown))


def _segment(start: float, end: float, holder: str, lane: Lane) -> Markup:
    scale = lane.scale
    return _tag(
        "rect",
        _tag("title", f"{holder}, {scale.seconds(start)} to {scale.seconds(end)}"),
        x=scale.at(start),
        y=NAME,
        width=scale.width(start, end),
        height=BAR,
        rx=3,
        class_=lane.cluster.colour(holder),
    )


def _holder(start: float, end: float, holder: str, lane: Lane) -> Markup | None:
    shown = _fit(holder, lane.scale.share(end) - lane.scale.share(start))
    if shown is None:
        return None
    classes = _classes(f"name on-{lane.cluster.colour(holder)}", shown)
    return _tag("text", holder, x=lane.scale.at((start + end) / 2), y=MIDDLE, text_anchor="middle", class_=classes)


def _fit(text: str, share: float) -> str | None:
    """The class of a text in this share of a chart's width; None if even a wide chart has no place for it."""
    if share * NARROW >= _pixels(text):
        return ""
    return "wide" if share * WIDE >= _pixels(text) else None


def _pixels(text: str) -> int:
    return len(text) * LETTER_PX + PADDING_PX


def _failure(outage: Outage, scale: Scale) -> Markup:
    return _tag(
        "rect",
        _tag("title", _outage_in_words(outage, scale)),
        x=scale.at(outage.start),
        y=FAILURES + 2,
        width=scale.width(outage.start, outage.end),
        height=TRACK - 3,
        class_="fail",
    )


def _lengths(lane: Lane) -> list[Markup]:
    found = []
    for outage, narrow, wide in zip(lane.outages, _places(lane, NARROW), _places(lane, WIDE), strict=True):
        if narrow == wide:
            found.append(_length(outage, narrow, "", lane.scale))
        else:
            found += [_length(outage, narrow, "narrow", lane.scale), _length(outage, wide, "wide", lane.scale)]
    return [text for text in found if text is not None]


def _places(lane: Lane, width: int) -> list[tuple[str, str] | None]:
    """What is written at each outage, and on which side of its mark, in a chart of this width."""
    found = []
    taken = 0.0
    starts = [lane.scale.share(outage.start) * width for outage in lane.outages]
    for outage, (start, following) in zip(lane.outages, pairwise([*starts, width]), strict=True):
        end = lane.scale.share(outage.end) * width
        rooms = {"right": following - end, "inside": end - start, "left": start - taken}
        short = _ms(outage.gap)
        texts = [short] if lane.whole else [f"{_count(outage.count)} failed, {short}", short]
        fitting = [(text, side) for text in texts for side, room in rooms.items() if _pixels(text) <= room]
        place = fitting[0] if fitting else None
        found.append(place)
        taken = end + _pixels(place[0]) if place and place[1] == "right" else end
    return found


def _length(outage: Outage, place: tuple[str, str] | None, shown: str, scale: Scale) -> Markup | None:
    if place is None:
        return None
    text, side = place
    moment, anchor, dx = {
        "right": (outage.end, "start", 6),
        "inside": ((outage.start + outage.end) / 2, "middle", 0),
        "left": (outage.start, "end", -6),
    }[side]
    classes = _classes("length", "inside" if side == "inside" else "", shown)
    return _tag("text", text, x=scale.at(moment), dx=dx, y=FAILURES + 11, text_anchor=anchor, class_=classes)


def _events(probe: Probe, scale: Scale, bottom: int) -> list[Any]:
    shown = [(name, moment) for name, moment in probe.events if scale.start <= moment <= scale.end]
    lines = [
        _line(scale.at(moment), 4, bottom, _classes("event", "healed" if name == "healed" else ""))
        for name, moment in shown
    ]
    shares = [scale.share(moment) for dummy, moment in shown]
    if len(shares) == 2 and (shares[1] - shares[0]) * NARROW < _pixels("injected"):
        shown = [("injected, healed", shown[0][1])]
    return [lines, [_event(name, moment, scale) for name, moment in shown]]


def _event(name: str, moment: float, scale: Scale) -> Markup:
    anchor, dx = ("start", 5) if (1 - scale.share(moment)) * NARROW > _pixels(name) else ("end", -5)
    return _tag("text", name, x=scale.at(moment), dx=dx, y=12, text_anchor=anchor)


def _band(letter: str, zoom: Scale, scale: Scale, bottom: int) -> list[Markup]:
    middle = (zoom.start + zoom.end) / 2
    return [
        _rect(
            HEAD - 4, bottom - HEAD + 4, x=scale.at(zoom.start), width=scale.width(zoom.start, zoom.end), class_="band"
        ),
        _tag("text", letter, x=scale.at(middle), y=bottom + 12, text_anchor="middle", class_="tag"),
    ]


def _axis(scale: Scale, y: int) -> list[Markup]:
    step = _step((scale.end - scale.start) / 8)
    found = [_tag("line", x1=0, x2="100%", y1=y, y2=y, class_="axis")]
    first, last = math.ceil((scale.start - scale.zero) / step), math.floor((scale.end - scale.zero) / step)
    for index in range(first, last + 1):
        moment = scale.zero + index * step
        share = scale.share(moment)
        anchor = "start" if share < EDGE else "end" if share > 1 - EDGE else "middle"
        found += [
            _line(scale.at(moment), y, y + 5, "axis"),
            _tag(
                "text",
                _seconds(index * step, step),
                x=scale.at(moment),
                y=y + 18,
                text_anchor=anchor,
                class_=_classes("faint", "wide" if index % 2 else ""),
            ),
        ]
    return found


def _step(least: float) -> float:
    """The next of 1, 2, 5, 10, 20 and so on."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)


def _rect(y: float, height: float, **attributes: Any) -> Markup:
    return _tag("rect", y=y, height=height, **{"width": "100%", **attributes})


def _line(x: str, y1: float, y2: float, class_: str | None) -> Markup:
    return _tag("line", x1=x, x2=x, y1=y1, y2=y2, class_=class_)


def _track(y: float) -> Markup:
    return _tag("line", x1=0, x2="100%", y1=y, y2=y, class_="answered")


# The foot of the page


def _footer() -> Markup:
    return _tag(
        "footer",
        "A gap is the time from the last request that was answered before a failure to the first one after it. "
        "A request counts by when it was sent.",
    )
