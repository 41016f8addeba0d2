# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a drill: parsed once from what modules return, with whatever a drill that was cut short has left out.

Times inside a probe are milliseconds since it started.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.reader import Reader

UNKNOWN = "unknown"
# How many fills the style sheet has for hosts.
COLOURS = 8
# Milliseconds between two requests to a VIP where nobody has told the rate.
INTERVAL = 10


@dataclass(frozen=True)
class DrilledVip:
    """A VIP of a drill; name and preferred host are empty where nobody has told them."""

    address: str = ""
    name: str = ""
    preferred: str = ""


@dataclass(frozen=True)
class DrilledCluster:
    """The hosts and VIPs that the drill names, with those besides that its probes saw; versions and settings as texts."""

    hosts: tuple[str, ...]
    vips: tuple[DrilledVip, ...]
    keepalived: str
    vrrp_version: str
    advert_int: str

    def colour(self, host: str) -> str:
        """The class of a host in the style sheet."""
        return f"h{self.hosts.index(host) % COLOURS}" if host in self.hosts else UNKNOWN


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
class Held:
    """From when to when a host held a VIP."""

    start: float
    end: float
    holder: str


@dataclass(frozen=True)
class Target:
    """What the prober saw of one VIP; None is what it has not measured.

    recover_ms: from the first failure to the next answer, infinite if there was none; latency_ms: empty if nothing was answered.
    """

    sent: int | None = None
    failed: int | None = None
    gap_ms: float | None = None
    recover_ms: float | None = None
    answered_by: Mapping[str, int] | None = None
    latency_ms: Mapping[str, float] | None = None
    outages: tuple[Outage, ...] | None = None
    held: tuple[Held, ...] | None = None


@dataclass(frozen=True)
class Probe:
    """What was measured while a fault lasted: targets by address; missed: requests to each VIP that could not be sent."""

    targets: Mapping[str, Target]
    length: float
    injected: float | None
    healed: float | None
    missed: int

    @property
    def events(self) -> list[tuple[str, float]]:
        found = (("injected", self.injected), ("healed", self.healed))
        return [(name, moment) for name, moment in found if moment is not None]


@dataclass(frozen=True)
class Row:
    """One fault of the drill and what came of it; surprise: what was not as expected, as a text."""

    title: str
    host: str
    expected: str
    surprise: str
    ok: bool
    probe: Probe

    @property
    def name(self) -> str:
        return f"{self.title} on {self.host}" if self.host else self.title


@dataclass(frozen=True)
class Drill:
    """The whole drill; started and finished: seconds since 1970; rate: requests a second to each VIP."""

    title: str
    ok: bool
    started: float | None
    finished: float | None
    prober: str
    rate: float | None
    cluster: DrilledCluster
    rows: tuple[Row, ...]


def parse(drill: Mapping[str, object]) -> Drill:
    """A drill from its JSON. Nothing in it has to be there."""
    read = Reader(drill, "")
    rate = _number(read, "rate")
    rows = tuple(parse_row(row, rate) for row in read.entries("rows"))
    return Drill(
        title=read.text("title") or "Failover drill",
        ok=read.truth("ok"),
        started=_number(read, "started"),
        finished=_number(read, "finished"),
        prober=read.text("prober"),
        rate=rate,
        cluster=_cluster(_inner(read, "cluster"), rows),
        rows=rows,
    )


def parse_row(row: Reader, rate: float | None = None) -> Row:
    began, ended = _number(row, "injected"), _number(row, "healed")
    return Row(
        title=row.text("title") or row.text("fault") or "unknown fault",
        host=row.text("host"),
        expected=row.text("expected"),
        surprise=row.text("surprise"),
        ok=row.truth("ok"),
        probe=parse_probe(_inner(row, "probe"), began, ended, 1000 / rate if rate else INTERVAL),
    )


def parse_probe(
    probe: Reader, began: float | None = None, ended: float | None = None, interval: float = INTERVAL
) -> Probe:
    """A probe from what the module returns, and when the fault began and ended; interval: between two requests to a VIP."""
    named = _inner(probe, "targets")
    targets = {address: _inner(named, address) for address in named.raw}
    injected, healed = (_since(_number(probe, "started"), moment) for moment in (began, ended))
    length = probe.number("duration", 0) * 1000
    if not length:
        seen = [moment for target in targets.values() for moment in _moments(target)]
        length = max([1000, *seen, injected or 0, healed or 0]) * 1.05
    return Probe(
        targets={address: _target(target, length, interval) for address, target in targets.items()},
        length=length,
        injected=injected,
        healed=healed,
        missed=probe.whole("missed", 0),
    )


def _inner(read: Reader, key: str) -> Reader:
    return Reader(read.mapping(key), "")


def _number(read: Reader, key: str) -> float | None:
    return read.optional_number(key, "")


def _since(started: float | None, moment: float | None) -> float | None:
    return None if started is None or moment is None else (moment - started) * 1000


def _moments(target: Reader) -> Iterator[float]:
    entries = [*target.entries("holders"), *target.entries("failures")]
    moments = (_number(entry, key) for entry in entries for key in ("at_ms", "from_ms", "to_ms"))
    yield from (moment for moment in moments if moment is not None)


def _target(found: Reader, length: float, interval: float) -> Target:
    recover = _number(found, "recover_ms")
    return Target(
        sent=found.optional_whole("sent", ""),
        failed=found.optional_whole("failed", ""),
        gap_ms=_number(found, "gap_ms"),
        recover_ms=math.inf if recover is None and "recover_ms" in found.raw else recover,
        answered_by=_counts(found, "answered_by") if found.raw.get("answered_by") is not None else None,
        latency_ms=_figures(_inner(found, "latency_ms")) if "latency_ms" in found.raw else None,
        outages=_outages(found, length, interval) if "failures" in found.raw else None,
        held=_held(found, length) if "holders" in found.raw else None,
    )


def _counts(found: Reader, key: str) -> dict[str, int]:
    counts = _inner(found, key)
    return {name: counts.whole(name, 0) for name in counts.raw}


def _figures(found: Reader) -> dict[str, float]:
    return {name: found.number(name, 0) for name in found.raw}


def _outages(target: Reader, length: float, interval: float) -> tuple[Outage, ...]:
    found = [outage for entry in target.entries("failures") for outage in _outage(entry, length, interval)]
    longest = max(found, key=lambda outage: outage.gap, default=None)
    measured = _number(target, "gap_ms")
    return tuple(replace(outage, gap=measured) if outage is longest and measured else outage for outage in found)


def _outage(entry: Reader, length: float, interval: float) -> Iterator[Outage]:
    """A failed request stands for the time until the next one."""
    start, last = _number(entry, "from_ms"), _number(entry, "to_ms")
    if start is not None:
        end = length if last is None else last + interval
        yield Outage(start, end, entry.whole("count", 0), _counts(entry, "reasons"), end - start + interval)


def _held(target: Reader, end: float) -> tuple[Held, ...]:
    found = [(_number(entry, "at_ms"), entry.text("holder") or UNKNOWN) for entry in target.entries("holders")]
    known = [(moment, holder) for moment, holder in found if moment is not None]
    spans = pairwise([*(moment for moment, _holder in known), end])
    return tuple(Held(start, stop, holder) for (start, stop), (_moment, holder) in zip(spans, known, strict=True))


def _cluster(found: Reader, rows: Sequence[Row]) -> DrilledCluster:
    vips_told = [DrilledVip(**vip.plain(DrilledVip)) for vip in found.entries("vips")]
    named = [replace(vip, address=vip.address.split("/", maxsplit=1)[0]) for vip in vips_told]
    targets = [(address, target) for row in rows for address, target in row.probe.targets.items()]
    vips = {address: DrilledVip(address) for address in [*(vip.address for vip in named), *dict(targets)]}
    vips |= {vip.address: vip for vip in named}
    seen = [held.holder for dummy, target in targets for held in target.held or () if held.holder != UNKNOWN]
    versions = (found.text(key) for key in ("keepalived", "vrrp_version", "advert_int"))
    return DrilledCluster(tuple(dict.fromkeys([*found.texts("hosts"), *seen])), tuple(vips.values()), *versions)
