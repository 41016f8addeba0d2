# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a drill: what it says and draws, of drills that were cut short too, and that it is safe and complete in itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.filter.playbooks import drill_page
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.page import HERE
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.result import COLOURS
from hypothesis import given, settings
from hypothesis import strategies as st

Element = ElementTree.Element
Change = Callable[[dict[str, Any]], object]

COLLECTIONS = Path(__file__).parents[2] / "collections"
STYLE = re.sub(r"/\*.*?\*/", "", (HERE / "page.css").read_text(), flags=re.S)
FIRST, SECOND = "192.168.200.200", "192.168.200.210"
BEGAN = 1772360000.0
VOID = {"meta", "rect", "line"}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}"
PROGRAM = """
import json
import sys
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar
try:
    from ansible.template import trust_as_template
except ImportError:
    trust_as_template = str
init_plugin_loader([sys.argv[1]])
templar = Templar(loader=DataLoader(), variables={"drill": json.load(sys.stdin)})
sys.stdout.write(templar.template(trust_as_template("{{ drill | evenkeel.nginx_ha._drill_page }}")))
"""


def quiet(holder: str) -> dict[str, Any]:
    return {
        "sent": 2000,
        "failed": 0,
        "gap_ms": 0,
        "recover_ms": 0,
        "answered_by": {holder: 2000},
        "latency_ms": {"min": 0.41, "median": 0.8, "p95": 1.36, "p99": 2.5, "max": 17.25},
        "failures": [],
        "holders": [{"at_ms": 0, "holder": holder}],
    }


def moved() -> dict[str, Any]:
    return {
        **quiet("nginx1"),
        "failed": 5,
        "gap_ms": 61,
        "recover_ms": 51,
        "answered_by": {"nginx1": 1103, "nginx2": 892},
        "failures": [span(4000, 4040, 5, refused=3, timeout=2)],
        "holders": [
            {"at_ms": 0, "holder": "nginx1"},
            {"at_ms": 4050, "holder": "nginx2"},
            {"at_ms": 15000, "holder": "nginx1"},
        ],
    }


def span(start: int, end: int, count: int = 1, **reasons: int) -> dict[str, Any]:
    return {"from_ms": start, "to_ms": end, "count": count, "reasons": reasons or {"timeout": count}}


def fault(**changes: Any) -> dict[str, Any]:
    return {
        "fault": "nginx_kill",
        "title": "nginx killed",
        "host": "nginx1",
        "ok": True,
        "surprise": "",
        "injected": BEGAN + 4,
        "healed": BEGAN + 12,
        "expected": "nginx2 takes over.",
        "probe": {"started": BEGAN, "duration": 20.0, "targets": {FIRST: moved(), SECOND: quiet("nginx2")}},
        **changes,
    }


def drill(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "title": "Failover drill",
        "started": BEGAN - 12,
        "finished": BEGAN + 113,
        "ok": True,
        "cluster": {
            "hosts": ["nginx1", "nginx2"],
            "vips": [
                {"name": "VI_1", "address": FIRST, "preferred": "nginx1"},
                {"name": "VI_2", "address": SECOND, "preferred": "nginx2"},
            ],
            "keepalived": "2.2.7",
            "advert_int": 0.25,
            "vrrp_version": 3,
        },
        "prober": "client",
        "rate": 100,
        "rows": list(rows),
        **changes,
    }


def surprised() -> dict[str, Any]:
    row = fault(fault="vrrp_block", title="VRRP blocked", host="nginx2", ok=False, surprise="It moved twice.")
    row["probe"]["targets"][SECOND] |= {"failed": 1200, "gap_ms": 1234, "failures": [span(4000, 5200, 1200)]}
    return row


def one(**changes: Any) -> dict[str, Any]:
    """A drill of one fault in which one VIP was probed, with these changes to what was seen of it."""
    result = drill(fault())
    result["cluster"]["vips"].pop()
    result["rows"][0]["probe"]["targets"] = {FIRST: {**moved(), **changes}}
    return result


def parsed(result: Mapping[str, Any]) -> Element:
    return ElementTree.fromstring(drill_page(result))


def text(element: Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def classed(root: Element, name: str) -> list[Element]:
    return [element for element in root.iter() if name in element.get("class", "").split()]


def tagged(root: Element, tag: str) -> list[Element]:
    return list(root.iter(tag))


def charts(root: Element) -> list[Element]:
    return [element for element in root.iter("svg") if element.get("role") == "img"]


def texts(root: Element) -> list[str]:
    return [text(element) for element in root.iter("text")]


def percent(element: Element, *names: str) -> list[float]:
    return [float(element.get(name, "").removesuffix("%")) for name in names]


def figures(card: Element) -> dict[str, str]:
    names, values = ([text(found) for found in card.iter(tag)] for tag in ("dt", "dd"))
    return dict(zip(names, values, strict=True))


class Nesting(HTMLParser):
    """Notes what HTML does not allow, and each identifier."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag in ("p", "dl", "div", "section", "figure", "table") and "p" in self.open:
            self.faults.append(f"{tag} in p")
        if len({name for name, dummy in attrs}) != len(attrs):
            self.faults.append(f"{tag} has an attribute twice")
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.faults.append(f"{tag} without an end")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} ends too soon")


PAGES: dict[str, dict[str, Any]] = {
    "passed": drill(fault(), fault(title="Power lost")),
    "a surprise": drill(fault(), surprised(), ok=False),
    "zero rows": drill(),
    "nothing but a title": {"title": "Failover drill"},
    "not begun": drill({"fault": "nginx_kill", "title": "nginx killed", "host": "nginx1"}, ok=False),
}


@pytest.mark.parametrize("result", PAGES.values(), ids=PAGES)
def test_nesting_is_valid_as_html_and_as_xml(result: dict[str, Any]) -> None:
    parser = Nesting()
    parser.feed(drill_page(result))
    parser.close()
    assert (parser.faults, parser.open) == ([], [])
    assert len(parser.ids) == len(set(parser.ids)) == len(result.get("rows", ()))
    assert parser.links == [f"#{name}" for name in parser.ids]
    root = parsed(result)
    assert [child.tag for child in root] == ["head", "body"]
    assert len(tagged(root, "h1")) == 1


@pytest.mark.parametrize("result", PAGES.values(), ids=PAGES)
def test_nothing_is_loaded_and_nothing_runs(result: dict[str, Any]) -> None:
    html = drill_page(result)
    assert re.findall(r"://|url\(|@import|javascript:|<script|<link|<img|<iframe", html) == []
    assert "src" not in {name for element in parsed(result).iter() for name in element.attrib}
    policy = [meta.get("content") for meta in parsed(result).iter("meta") if meta.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


VERDICTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "passed": (drill(fault(), fault()), "good", "\u2713 Passed: 2 faults, no surprise"),
    "one fault": (drill(fault()), "good", "\u2713 Passed: 1 fault, no surprise"),
    "a surprise": (
        drill(fault(), surprised(), ok=False),
        "bad",
        "\u2717 Stopped at a surprise: VRRP blocked on nginx2",
    ),
    "a surprise, whatever ok says": (
        drill(surprised()),
        "bad",
        "\u2717 Stopped at a surprise: VRRP blocked on nginx2",
    ),
    "cut short between faults": (drill(fault(), ok=False), "bad", "\u2717 Stopped before its end"),
    "cut short before the first": (drill(ok=False), "bad", "\u2717 Stopped before the first fault"),
    "nothing run": (drill(), "", "No fault was run"),
}


@pytest.mark.parametrize(("result", "kind", "words"), VERDICTS.values(), ids=VERDICTS)
def test_verdict_in_words(result: dict[str, Any], kind: str, words: str) -> None:
    root = parsed(result)
    assert text(tagged(root, "h1")[0]) == words
    assert [header.get("class") for header in root.iter("header")] == [f"card verdict {kind}".strip()]
    assert text(tagged(root, "title")[0]) == "Failover drill: " + words.lstrip("\u2713\u2717 ")


def test_headline_says_the_surprise_when_and_of_what() -> None:
    header = tagged(parsed(drill(fault(), surprised(), ok=False)), "header")[0]
    assert [text(line) for line in header.iter("p")] == ["Failover drill", "It moved twice."]
    assert figures(header) == {
        "When": "2026-03-01 10:13:08 UTC, took 2 min 5 s",
        "Load balancers": "nginx1, nginx2",
        "VIPs": f"VI_1 {FIRST}, normally on nginx1; VI_2 {SECOND}, normally on nginx2",
        "keepalived": "2.2.7, VRRPv3, an advert every 0.25 s",
        "Client": "client, 100 requests a second to each VIP",
    }


STRIPS: dict[str, tuple[dict[str, Any], list[list[str]]]] = {
    "a surprise": (
        drill(fault(), surprised(), ok=False),
        [
            ["2", "1 as expected, 1 surprise"],
            ["8,000"],
            ["1,210", "15 % of those sent"],
            ["1.23 s", f"{SECOND}, VRRP blocked on nginx2"],
        ],
    ),
    "no failure": (
        drill(fault(probe={"targets": {FIRST: quiet("nginx1")}})),
        [["1", "all as expected"], ["2,000"], ["0"], ["0 ms"]],
    ),
    "nothing measured": (
        drill({"title": "nginx killed", "ok": True}),
        [["1", "all as expected"], ["not measured"], ["not measured"], ["not measured"]],
    ),
    "zero rows": (drill(), [["0"], ["not measured"], ["not measured"], ["not measured"]]),
}


@pytest.mark.parametrize(("result", "tiles"), STRIPS.values(), ids=STRIPS)
def test_summary_strip(result: dict[str, Any], tiles: list[list[str]]) -> None:
    strip = classed(parsed(result), "strip")[0]
    assert [text(name) for name in strip.iter("dt")] == ["Faults run", "Requests sent", "Requests failed", "Worst gap"]
    assert [[text(value) for value in tile.iter("dd")] for tile in strip] == tiles


def test_table_has_every_fault_and_every_vip() -> None:
    row = fault(title="Power lost")
    row["probe"]["targets"] = {FIRST: {**moved(), "gap_ms": 2468}, SECOND: {"sent": 7}}
    table = tagged(parsed(drill(fault(), surprised(), row, {"fault": "link_down", "host": "nginx2"})), "table")[0]
    rows = [[text(cell) for cell in line if cell.tag in ("th", "td")] for line in table.iter("tr")]
    assert rows == [
        ["Fault", "Host", f"{FIRST} VI_1", f"{SECOND} VI_2", "Verdict"],
        ["1. nginx killed", "nginx1", "5 failed 61 ms gap", "0 failed", "\u2713 as expected"],
        ["2. VRRP blocked", "nginx2", "5 failed 61 ms gap", "1,200 failed 1.23 s gap", "\u2717 surprise"],
        ["3. Power lost", "nginx1", "5 failed 2.47 s gap", "not measured", "\u2713 as expected"],
        ["4. link_down", "nginx2", "not measured", "not measured", "\u2717 surprise"],
    ]
    bars = [bar.get("style") for bar in table.iter("i")]
    assert bars == ["width: 2.472%", "width: 2.472%", "width: 50.000%", "width: 100.000%"]


def test_table_can_be_read_as_cards() -> None:
    """On a phone each cell says what it is, and roles keep the table a table."""
    table = tagged(parsed(drill(fault())), "table")[0]
    assert [cell.get("data-label") for cell in table.iter("td")] == ["Host", FIRST, SECOND, "Verdict"]
    roles = {element.tag: element.get("role") for element in table.iter() if element.get("role")}
    assert roles == {
        "table": "table",
        "thead": "rowgroup",
        "tbody": "rowgroup",
        "tr": "row",
        "th": "rowheader",
        "td": "cell",
    }


def test_each_fault_has_what_was_expected_and_its_surprise() -> None:
    first, second = classed(parsed(drill(fault(), surprised(), ok=False)), "fault")
    assert [text(heading) for heading in (*first.iter("h3"), *second.iter("h3"))] == [
        "1. nginx killed on nginx1 \u2713 as expected",
        "2. VRRP blocked on nginx2 \u2717 surprise",
    ]
    assert "Expected: nginx2 takes over." in [text(line) for line in first.iter("p")]
    assert classed(first, "surprise") == []
    assert [text(line) for line in classed(second, "surprise")] == ["Surprise: It moved twice."]


# Charts


def test_timeline_has_a_lane_for_each_vip_with_its_holders() -> None:
    chart = charts(parsed(drill(fault())))[0]
    assert [text(name) for name in classed(chart, "name") if name.get("text-anchor") is None] == [
        f"{FIRST} VI_1",
        f"{SECOND} VI_2",
    ]
    segments = [(mark.get("class"), *percent(mark, "x", "width")) for mark in chart.iter("rect") if holder(mark)]
    assert segments == [("h0", 0, 20.25), ("h1", 20.25, 54.75), ("h0", 75, 25), ("h1", 0, 100)]
    written = [(text(name), *percent(name, "x")) for name in classed(chart, "name") if name.get("text-anchor")]
    assert written == [("nginx1", 10.125), ("nginx2", 47.625), ("nginx1", 87.5), ("nginx2", 50)]
    assert [text(mark) for mark in chart.iter("rect") if holder(mark)] == [
        "nginx1, \u22124 s to 0.05 s",
        "nginx2, 0.05 s to 11 s",
        "nginx1, 11 s to 16 s",
        "nginx2, \u22124 s to 16 s",
    ]


def holder(mark: Element) -> bool:
    return re.fullmatch(r"h\d|unknown", mark.get("class", "")) is not None


def test_failed_requests_are_marked_where_they_failed() -> None:
    chart = charts(parsed(one(failures=[span(4000, 4040, 5, refused=3, timeout=2), span(12000, 12000)])))[0]
    marks = classed(chart, "fail")
    assert [percent(mark, "x", "width") for mark in marks] == [[20, 0.25], [60, 0.05]]
    assert [text(mark) for mark in marks] == [
        "5 requests failed in 61 ms, from 0 s (3 \u00d7 refused, 2 \u00d7 timeout)",
        "1 request failed in 20 ms, from 8 s (1 \u00d7 timeout)",
    ]
    assert [text(label) for label in classed(chart, "length")] == ["61 ms", "20 ms"]


def test_events_and_axis_count_from_the_injection() -> None:
    chart = charts(parsed(drill(fault())))[0]
    lines = [(line.get("class"), *percent(line, "x1", "x2")) for line in classed(chart, "event")]
    assert lines == [("event", 20, 20), ("event healed", 60, 60)]
    assert {"injected", "healed"} <= set(texts(chart))
    # In a narrow chart every other label has room; the last one would stick out if it were centred.
    assert ticks(chart) == [
        ("0 s", 20, "middle", "faint"),
        ("5 s", 45, "middle", "faint wide"),
        ("10 s", 70, "middle", "faint"),
        ("15 s", 95, "end", "faint wide"),
    ]


def ticks(chart: Element) -> list[tuple[str, float, str | None, str | None]]:
    return [
        (text(label), percent(label, "x")[0], label.get("text-anchor"), label.get("class"))
        for label in chart.iter("text")
        if re.fullmatch(r"\u2212?[0-9.]+ s", text(label))
    ]


def test_an_event_near_the_end_is_labelled_on_its_left() -> None:
    chart = charts(parsed(drill(fault(healed=BEGAN + 19))))[0]
    sides = {text(label): label.get("text-anchor") for label in chart.iter("text")}
    assert (sides["injected"], sides["healed"]) == ("start", "end")


def test_events_close_to_each_other_share_their_label() -> None:
    chart = charts(parsed(drill(fault(healed=BEGAN + 4.5))))[0]
    assert len(classed(chart, "event")) == 2
    assert [label for label in texts(chart) if "inject" in label or "heal" in label] == ["injected, healed"]


def test_events_outside_of_the_measured_time_are_not_drawn() -> None:
    chart = charts(parsed(drill(fault(healed=BEGAN + 30))))[0]
    assert [line.get("class") for line in classed(chart, "event")] == ["event"]
    assert "healed" not in texts(chart)


def test_a_short_outage_is_drawn_larger_with_its_length() -> None:
    whole, zoom = charts(parsed(drill(fault())))
    (small,), (large,) = classed(whole, "fail"), classed(zoom, "fail")
    assert percent(small, "width")[0] < 0.3
    assert percent(large, "width")[0] > 10
    assert [text(label) for label in classed(zoom, "length")] == ["5 failed, 61 ms"]
    assert [text(tag) for tag in classed(whole, "tag")] == ["A"]
    (band,) = classed(whole, "band")
    # 100 ms before the injection, 200 ms after the outage.
    assert percent(band, "x", "width") == [19.5, 1.75]
    assert [text(line) for line in tagged(parsed(drill(fault())), "figcaption")] == [
        "Seconds since the fault was injected",
        "A drawn larger, 350 ms wide",
    ]


ZOOMS: dict[str, tuple[list[dict[str, Any]], int]] = {
    "no outage": ([], 0),
    "one": ([span(4000, 4040)], 1),
    "two that are close": ([span(4000, 4040), span(5000, 5040)], 1),
    "two that are apart": ([span(4000, 4040), span(5100, 5140)], 2),
    "longer than half": ([span(4000, 13000)], 0),
    "six": ([span(moment, moment + 40) for moment in range(1000, 19000, 3000)], 4),
    "at the start and at the end": ([span(0, 40), span(19960, 19990)], 2),
}


@pytest.mark.parametrize(("failures", "expected"), ZOOMS.values(), ids=ZOOMS)
def test_outages_that_are_drawn_larger(failures: list[dict[str, Any]], expected: int) -> None:
    whole, *zooms = charts(parsed(one(failures=failures)))
    assert len(zooms) == expected
    assert [text(tag) for tag in classed(whole, "tag")] == list("ABCDEF"[:expected])
    assert all(classed(zoom, "fail") for zoom in zooms)


def test_nothing_is_drawn_larger_beyond_what_was_measured() -> None:
    captions = [text(line) for line in tagged(parsed(one(failures=[span(0, 40), span(19960, 19990)])), "figcaption")]
    assert captions[1:] == ["A drawn larger, 250 ms wide", "B drawn larger, 140 ms wide"]


def test_the_longest_outages_are_drawn_larger() -> None:
    failures = [span(moment, moment + length) for moment, length in ((1000, 0), (4000, 90), (7000, 10), (10000, 80))]
    zooms = charts(parsed(one(failures=[*failures, span(13000, 13070), span(16000, 16060)])))[1:]
    assert [text(mark).partition(", from ")[2] for zoom in zooms for mark in classed(zoom, "fail")] == [
        "0 s (1 \u00d7 timeout)",
        "6 s (1 \u00d7 timeout)",
        "9 s (1 \u00d7 timeout)",
        "12 s (1 \u00d7 timeout)",
    ]


def test_every_chart_is_told_in_words() -> None:
    root = parsed(drill(fault()))
    assert [chart.get("aria-label") for chart in charts(root)] == [
        f"Timeline of nginx killed on nginx1. {FIRST}: nginx1 from \u22124 s, nginx2 from 0.05 s, nginx1 from 11 s, "
        "5 requests failed in 61 ms, from 0 s (3 \u00d7 refused, 2 \u00d7 timeout). "
        f"{SECOND}: nginx2 from \u22124 s",
        f"A, a part of the timeline of nginx killed on nginx1 drawn larger. {FIRST}: nginx1 from \u22120.1 s, "
        "nginx2 from 0.05 s, 5 requests failed in 61 ms, from 0 s (3 \u00d7 refused, 2 \u00d7 timeout). "
        f"{SECOND}: nginx2 from \u22120.1 s",
    ]
    others = [svg for svg in classed(root, "chart") if svg.get("role") != "img"]
    assert others and {svg.get("aria-hidden") for svg in others} == {"true"}


def test_a_name_is_written_only_where_it_fits() -> None:
    moments = [(0, "nginx1"), (4000, "nginx2"), (4500, "nginx1"), (7000, "nginx2")]
    holders = [{"at_ms": at, "holder": name} for at, name in moments]
    chart = charts(parsed(one(holders=holders)))[0]
    names = [name for name in classed(chart, "name") if name.get("text-anchor")]
    # 4 s of 20 have room in any chart, 0.5 s have none, 2.5 s have it in a wide one.
    assert [(percent(name, "x")[0], "wide" in name.get("class", "")) for name in names] == [
        (10, False),
        (28.75, True),
        (67.5, False),
    ]


def test_labels_of_outages_do_not_cover_each_other() -> None:
    failures = [span(4000, 4040), span(4300, 4340), span(4600, 4640), span(17900, 19000)]
    labels = [
        (text(label), percent(label, "x")[0], label.get("text-anchor"), label.get("class"))
        for label in classed(charts(parsed(one(failures=failures)))[0], "length")
    ]
    # Left of the first, as the second is too near; none for the second; left of the last, as the chart ends.
    assert labels == [
        ("60 ms", 20, "end", "length"),
        ("60 ms", 23.25, "start", "length"),
        ("61 ms", 89.5, "end", "length"),
    ]


def test_a_label_is_shorter_in_a_narrow_chart() -> None:
    root = parsed(one(failures=[span(4000, 4040), span(4300, 4340)]))
    labels = [(text(label), label.get("class")) for label in classed(charts(root)[1], "length")]
    assert labels == [
        ("61 ms", "length narrow"),
        ("1 failed, 61 ms", "length wide"),
        ("60 ms", "length narrow"),
        ("1 failed, 60 ms", "length wide"),
    ]


def test_a_host_has_one_colour_throughout() -> None:
    result = drill(fault(), surprised())
    result["cluster"]["hosts"] = ["nginx2", "nginx1"]
    root = parsed(result)
    found = {
        (text(mark).partition(",")[0], mark.get("class"))
        for chart in charts(root)
        for mark in chart.iter("rect")
        if holder(mark)
    }
    assert found == {("nginx2", "h0"), ("nginx1", "h1")}
    legend = [(text(entry), entry[0][0].get("class")) for entry in classed(root, "legend")[0]]
    assert legend[:2] == [("nginx2 holds the VIP", "h0"), ("nginx1 holds the VIP", "h1")]


def test_three_hosts_and_five_vips() -> None:
    hosts = ["lb-a", "lb-b", "lb-c"]
    addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "2001:db8::c8"]
    targets = {address: quiet(hosts[index % 3]) for index, address in enumerate(addresses)}
    targets["10.0.0.2"] |= {"failures": [span(4000, 4090, 10)], "failed": 10, "gap_ms": 110}
    result = drill(fault(probe={"started": BEGAN, "duration": 20.0, "targets": targets}), surprised())
    vips = [{"name": f"VI_{index}", "address": f"{address}/24"} for index, address in enumerate(addresses)]
    result["cluster"] |= {"hosts": hosts, "vips": vips}
    root = parsed(result)
    # What nobody named is there too: the surprise's hosts and VIPs.
    assert [text(cell) for cell in tagged(tagged(root, "thead")[0], "b")] == [*addresses, FIRST, SECOND]
    whole, zoom = charts(classed(root, "fault")[0])
    for chart in (whole, zoom):
        written = texts(chart)
        assert [name for name in written if "VI_" in name] == [f"{a} VI_{i}" for i, a in enumerate(addresses)]
        assert [name for name in written if name in hosts] == ["lb-a", "lb-b", "lb-c", "lb-a", "lb-b"]
    assert [text(heading) for heading in classed(root, "fault")[0].iter("h4")] == [
        f"{a} VI_{i}" for i, a in enumerate(addresses)
    ]
    legend = [text(entry) for entry in classed(root, "legend")[0]]
    assert legend[:5] == [f"{host} holds the VIP" for host in [*hosts, "nginx1", "nginx2"]]


# Figures of a VIP


def card(result: Mapping[str, Any]) -> Element:
    return classed(parsed(result), "vip")[0]


def test_figures_of_a_vip() -> None:
    assert figures(card(drill(fault()))) == {
        "Requests": "2,000 sent, 5 failed",
        "Longest gap": "61 ms",
        "Recovered": "51 ms after the first failed request",
        "Answered by": "nginx1 1,103 nginx2 892",
        "Reasons": "3 \u00d7 refused 2 \u00d7 timeout",
        "min": "0.41 ms",
        "median": "0.8 ms",
        "p95": "1.36 ms",
        "p99": "2.5 ms",
        "max": "17.2 ms",
    }


FIGURES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "no gap": ({"gap_ms": 0}, "Longest gap", "none"),
    "a long gap": ({"gap_ms": 12340}, "Longest gap", "12.34 s"),
    "never recovered": ({"recover_ms": None}, "Recovered", "not while it was measured"),
    "nothing to recover from": ({"recover_ms": 0}, "Recovered", "no request failed"),
    "nobody answered": ({"answered_by": {}}, "Answered by", "nobody"),
    "nobody knows who answered": ({"answered_by": {"-": 12}}, "Answered by", "unknown 12"),
    "reasons of all outages, most frequent first": (
        {"failures": [span(1, 2, timeout=2, reset=1), span(5, 6, reset=4)]},
        "Reasons",
        "5 \u00d7 reset 2 \u00d7 timeout",
    ),
    "no reasons": ({"failures": []}, "Reasons", None),
}


@pytest.mark.parametrize(("changes", "name", "expected"), FIGURES.values(), ids=FIGURES)
def test_figure(changes: dict[str, Any], name: str, expected: str | None) -> None:
    assert figures(card(one(**changes))).get(name) == expected


def test_no_latency_without_an_answer() -> None:
    assert "Latency: no request was answered" in text(card(one(latency_ms=None)))


def test_a_holder_that_nobody_knew() -> None:
    holders = [{"at_ms": 0, "holder": None}, {"at_ms": 10000, "holder": "02:00:00:00:00:0a"}]
    root = parsed(one(holders=holders))
    marks = [mark for mark in charts(root)[0].iter("rect") if holder(mark)]
    assert [(mark.get("class"), text(mark).partition(",")[0]) for mark in marks] == [
        ("unknown", "unknown"),
        ("h2", "02:00:00:00:00:0a"),
    ]
    assert "holder unknown" in texts(charts(parsed(one(holders=[])))[0])


def test_requests_that_were_never_sent_are_told() -> None:
    result = drill(fault())
    assert "could not be sent" not in text(parsed(result))
    result["rows"][0]["probe"]["missed"] = 1500
    assert "1,500 requests to each VIP could not be sent in time, and count nowhere." in text(parsed(result))


# Drills that were cut short


PARTS: dict[str, tuple[str, str]] = {
    "sent": ("Requests", "sent: not measured, 5 failed"),
    "failed": ("Requests", "2,000 sent, failed: not measured"),
    "gap_ms": ("Longest gap", "not measured"),
    "recover_ms": ("Recovered", "not measured"),
    "answered_by": ("Answered by", "not measured"),
    "failures": ("Reasons", "not measured"),
}


@pytest.mark.parametrize(("part", "name", "expected"), [(part, *words) for part, words in PARTS.items()], ids=PARTS)
def test_a_missing_part_of_a_vip(part: str, name: str, expected: str) -> None:
    result = one()
    del result["rows"][0]["probe"]["targets"][FIRST][part]
    assert figures(card(result))[name] == expected


def test_missing_latency_and_holders() -> None:
    result = one()
    for part in ("latency_ms", "holders"):
        del result["rows"][0]["probe"]["targets"][FIRST][part]
    assert "Latency: not measured" in text(card(result))
    assert "holder not measured" in texts(charts(parsed(result))[0])


def test_a_vip_of_which_nothing_is_known() -> None:
    result = drill(fault())
    result["rows"][0]["probe"]["targets"][SECOND] = {}
    root = parsed(result)
    assert [text(found) for found in classed(root, "vip")][1] == f"{SECOND} VI_2 not measured"
    assert "holder not measured" in texts(charts(root)[0])
    assert f"{SECOND}: not measured" in charts(root)[0].get("aria-label", "")


NOTHING: dict[str, Change] = {
    "no probe": lambda row: row.pop("probe"),
    "an empty probe": lambda row: row["probe"].clear(),
    "no probe, as null": lambda row: row.update(probe=None),
    "no targets": lambda row: row["probe"].pop("targets"),
}


@pytest.mark.parametrize("change", NOTHING.values(), ids=NOTHING)
def test_a_fault_that_was_not_measured(change: Change) -> None:
    row = fault()
    change(row)
    section = classed(parsed(drill(fault(), row)), "fault")[1]
    assert "The requests were not measured." in [text(line) for line in section.iter("p")]
    assert charts(section) == []


def test_without_the_injection_time_counts_from_the_start() -> None:
    row = fault()
    del row["injected"], row["healed"]
    root = parsed(drill(row))
    assert text(tagged(root, "figcaption")[0]) == "Seconds since the probe started"
    chart = charts(root)[0]
    assert classed(chart, "event") == []
    assert ticks(chart)[0] == ("0 s", 0, "start", "faint")


def test_without_a_duration_the_chart_has_all_that_was_seen() -> None:
    result = one(failures=[span(9000, 30000, 2000)])
    del result["rows"][0]["probe"]["duration"]
    (mark,) = classed(charts(parsed(result))[0], "fail")
    start, width = percent(mark, "x", "width")
    assert start == pytest.approx(9000 / 315, abs=0.01) and start + width < 100


def test_an_outage_without_an_end_lasts_to_the_end() -> None:
    (mark,) = classed(charts(parsed(one(failures=[{"from_ms": 5000}])))[0], "fail")
    assert percent(mark, "x", "width") == [25, 75]


KEYS = (
    [("row", key) for key in fault()]
    + [("probe", key) for key in fault()["probe"]]
    + [("target", key) for key in moved()]
)


@settings(max_examples=80)
@given(missing=st.sets(st.sampled_from(KEYS)))
def test_whatever_is_missing_there_is_a_report(missing: set[tuple[str, str]]) -> None:
    row = fault()
    probe = row["probe"]
    places = {"row": row, "probe": probe, "target": probe["targets"][FIRST]}
    for place, key in missing:
        places[place].pop(key)
    root = parsed(drill(row))
    assert len(classed(root, "fault")) == 1
    # Without these a VIP has no place where something could be missing.
    if missing & {("row", "probe"), ("probe", "targets")} or len(missing & {("target", key) for key in moved()}) > 1:
        assert "not measured" in text(root)


# Text from outside


def poisoned(value: Any) -> Any:
    if isinstance(value, str):
        return value + EVIL
    if isinstance(value, dict):
        # Of dictionaries with names from outside the keys are text as well.
        foreign = {"targets", "answered_by", "reasons"}
        return {
            key: {poisoned(name): poisoned(entry) for name, entry in part.items()} if key in foreign else poisoned(part)
            for key, part in value.items()
        }
    return [poisoned(entry) for entry in value] if isinstance(value, list) else value


def shape(root: Element) -> set[tuple[str, str]]:
    return {(element.tag, name) for element in root.iter() for name in ("", *element.attrib)}


def test_text_from_outside_is_never_markup() -> None:
    result = drill(fault(), surprised(), ok=False)
    root = parsed(poisoned(result))
    assert shape(root) <= shape(parsed(result))
    assert "<script" not in drill_page(poisoned(result)).lower()
    assert text(tagged(root, "h1")[0]).endswith(f"VRRP blocked{EVIL} on nginx2{EVIL}")
    said = text(root)
    for words in ("nginx2 takes over.", "It moved twice.", "timeout", "client", "2.2.7", "VI_1"):
        assert words + EVIL in said
    labels = [chart.get("aria-label", "") for chart in charts(root)]
    assert labels and all(f"nginx1{EVIL}" in label for label in labels)


def test_what_neither_html_nor_xml_can_have_is_replaced() -> None:
    assert text(tagged(parsed(drill(fault(title="a\x00b\x1b[31m\udce4"))), "h3")[0]).startswith(
        "1. a\ufffdb\ufffd[31m\ufffd on nginx1"
    )


# Looks


def test_style_sheet_and_page_name_the_same_classes() -> None:
    result = drill(fault(), surprised(), ok=False)
    result["cluster"]["hosts"] += [f"lb{number}" for number in range(3, COLOURS + 1)]
    targets = result["rows"][0]["probe"]["targets"]
    holders = [*result["cluster"]["hosts"], None]
    targets[FIRST]["holders"] = [{"at_ms": index * 2000, "holder": host} for index, host in enumerate(holders)]
    targets[FIRST]["failures"] += [span(12000, 14600), span(15900, 15940)]
    targets[SECOND]["holders"] = []
    pages = (parsed(result), parsed(drill()))
    used = {name for root in pages for element in root.iter() for name in element.get("class", "").split()}
    assert used == set(re.findall(r"\.([a-z][a-z0-9-]*)(?=[^{}]*\{)", STYLE))


def palette(dark: bool) -> dict[str, str]:
    blocks = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)
    ]
    return {**blocks[0], **(blocks[1] if dark else {})}


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one: str, two: str) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


TEXT_ON = [
    *((ink, back) for ink in ("ink", "soft", "accent") for back in ("page", "card")),
    *(("ink", back) for back in ("plain-back", "bad-back", "lane", "band")),
    ("soft", "plain-back"),
    ("soft", "lane"),
    ("soft", "band"),
    ("good", "card"),
    ("good", "good-back"),
    ("bad", "card"),
    ("bad", "bad-back"),
    ("fail", "card"),
    ("fail", "band"),
    ("on-fail", "fail"),
    ("band-ink", "card"),
]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_have_the_contrast_of_wcag_aa(dark: bool) -> None:
    colours = palette(dark)
    poor = {pair: contrast(*(colours[name] for name in pair)) for pair in TEXT_ON}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}
    # What is drawn: 3 is enough.
    assert contrast(colours["answered"], colours["card"]) >= 3


def test_names_have_the_contrast_of_wcag_aa_on_their_hosts_colours() -> None:
    fills, inks = (dict(re.findall(rf"\.{name}(\d) {{ fill: (#[0-9a-f]{{6}})", STYLE)) for name in ("h", "on-h"))
    assert list(fills) == list(inks) == [str(number) for number in range(COLOURS)]
    assert len(set(fills.values())) == COLOURS
    assert {
        number: contrast(fills[number], inks[number]) for number in fills if contrast(fills[number], inks[number]) < 4.5
    } == {}


# The filter


def test_the_filter_in_a_template() -> None:
    result = drill(fault(), surprised(), ok=False)
    before = deepcopy(result)
    found = subprocess.run(
        [sys.executable, "-B", "-c", PROGRAM, str(COLLECTIONS)],
        input=json.dumps(result),
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == drill_page(result), found.stderr
    assert result == before


@pytest.mark.parametrize("value", [None, "drill", [drill()]], ids=["none", "text", "list"])
def test_the_filter_refuses_what_is_no_result(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="The input is no dictionary. Give it a drill's result."):
        drill_page(value)
