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
from typing import Any

UNKNOWN = "unknown"
# How many fills the style sheet has for hosts.
COLOURS = 8
# Milliseconds between two requests to a VIP where nobody has told the rate.
INTERVAL = 10


@dataclass(frozen=True)
class DrilledVip:
    """A VIP of a drill; name and preferred host are empty where nobody has told them."""

    address: str
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


def parse(drill: Mapping[str, Any]) -> Drill:
    """A drill from its JSON. Nothing in it has to be there."""
    rate = drill.get("rate")
    rows = tuple(parse_row(row, rate) for row in drill.get("rows") or ())
    return Drill(
        title=_text(drill, "title") or "Failover drill",
        ok=bool(drill.get("ok")),
        started=drill.get("started"),
        finished=drill.get("finished"),
        prober=_text(drill, "prober"),
        rate=rate,
        cluster=_cluster(drill.get("cluster") or {}, rows),
        rows=rows,
    )


def parse_row(row: Mapping[str, Any], rate: float | None = None) -> Row:
    return Row(
        title=_text(row, "title") or _text(row, "fault") or "unknown fault",
        host=_text(row, "host"),
        expected=_text(row, "expected"),
        surprise=_text(row, "surprise"),
        ok=bool(row.get("ok")),
        probe=parse_probe(
            row.get("probe") or {}, row.get("injected"), row.get("healed"), 1000 / rate if rate else INTERVAL
        ),
    )


def parse_probe(
    probe: Mapping[str, Any], began: float | None = None, ended: float | None = None, interval: float = INTERVAL
) -> Probe:
    """A probe from what the module returns, and when the fault began and ended; interval: between two requests to a VIP."""
    targets = {str(address): target or {} for address, target in (probe.get("targets") or {}).items()}
    injected, healed = (_since(probe.get("started"), moment) for moment in (began, ended))
    length = float(probe.get("duration") or 0) * 1000
    if not length:
        seen = [moment for target in targets.values() for moment in _moments(target)]
        length = max([1000, *seen, injected or 0, healed or 0]) * 1.05
    return Probe(
        targets={address: _target(target, length, interval) for address, target in targets.items()},
        length=length,
        injected=injected,
        healed=healed,
        missed=int(probe.get("missed") or 0),
    )


def _text(found: Mapping[str, Any], key: str) -> str:
    return str(found.get(key) or "")


def _since(started: float | None, moment: float | None) -> float | None:
    return None if started is None or moment is None else (moment - started) * 1000


def _moments(target: Mapping[str, Any]) -> Iterator[float]:
    entries = [*(target.get("holders") or ()), *(target.get("failures") or ())]
    yield from (entry[key] for entry in entries for key in ("at_ms", "from_ms", "to_ms") if entry.get(key) is not None)


def _target(found: Mapping[str, Any], length: float, interval: float) -> Target:
    recover = found.get("recover_ms")
    return Target(
        sent=found.get("sent"),
        failed=found.get("failed"),
        gap_ms=found.get("gap_ms"),
        recover_ms=math.inf if recover is None and "recover_ms" in found else recover,
        answered_by=found.get("answered_by"),
        latency_ms=(found["latency_ms"] or {}) if "latency_ms" in found else None,
        outages=_outages(found, length, interval) if "failures" in found else None,
        held=_held(found["holders"] or (), length) if "holders" in found else None,
    )


def _outages(target: Mapping[str, Any], length: float, interval: float) -> tuple[Outage, ...]:
    entries = [entry for entry in target["failures"] or () if entry.get("from_ms") is not None]
    found = [_outage(entry, length, interval) for entry in entries]
    longest = max(found, key=lambda outage: outage.gap, default=None)
    measured = target.get("gap_ms")
    return tuple(replace(outage, gap=measured) if outage is longest and measured else outage for outage in found)


def _outage(entry: Mapping[str, Any], length: float, interval: float) -> Outage:
    """A failed request stands for the time until the next one."""
    start, last = entry["from_ms"], entry.get("to_ms")
    end = length if last is None else last + interval
    return Outage(start, end, int(entry.get("count") or 0), entry.get("reasons") or {}, end - start + interval)


def _held(holders: Sequence[Mapping[str, Any]], end: float) -> tuple[Held, ...]:
    entries = [entry for entry in holders if entry.get("at_ms") is not None]
    spans = pairwise([*(entry["at_ms"] for entry in entries), end])
    return tuple(
        Held(start, stop, _text(entry, "holder") or UNKNOWN)
        for (start, stop), entry in zip(spans, entries, strict=True)
    )


def _cluster(found: Mapping[str, Any], rows: Sequence[Row]) -> DrilledCluster:
    named = [_vip(vip) for vip in found.get("vips") or ()]
    targets = [(address, target) for row in rows for address, target in row.probe.targets.items()]
    vips = {address: DrilledVip(address) for address in [*(vip.address for vip in named), *dict(targets)]}
    vips |= {vip.address: vip for vip in named}
    seen = [held.holder for dummy, target in targets for held in target.held or () if held.holder != UNKNOWN]
    hosts = [*map(str, found.get("hosts") or ()), *seen]
    versions = (_text(found, key) for key in ("keepalived", "vrrp_version", "advert_int"))
    return DrilledCluster(tuple(dict.fromkeys(hosts)), tuple(vips.values()), *versions)


def _vip(found: Mapping[str, Any]) -> DrilledVip:
    address = _text(found, "address").split("/", maxsplit=1)[0]
    return DrilledVip(address, _text(found, "name"), _text(found, "preferred"))
