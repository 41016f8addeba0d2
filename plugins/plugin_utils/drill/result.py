# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a drill, as settings.fact reads it from JSON, with whatever a drill that was cut short has left out.

Times inside a probe are milliseconds since it started.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from ..settings.fact import read

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
    """What the drill was told of the cluster; versions and settings as texts."""

    hosts: tuple[str, ...] = ()
    vips: tuple[DrilledVip, ...] = ()
    keepalived: str = ""
    vrrp_version: str = ""
    advert_int: str = ""


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
class Failures:
    """Requests to one VIP that failed in a row, by the names of vip_probe; to_ms: None if they had no end while it was measured."""

    from_ms: float = 0
    to_ms: float | None = None
    count: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Holder:
    """Since when a host held a VIP."""

    at_ms: float = 0
    holder: str = UNKNOWN


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
    failures: tuple[Failures, ...] | None = None
    holders: tuple[Holder, ...] | None = None

    @classmethod
    def from_fact(cls, fact: Mapping[str, Any]) -> Target:
        none: dict[str, Any] = {"recover_ms": math.inf, "answered_by": {}, "latency_ms": {}}
        return replace(read(cls, fact), **{name: none[name] for name in none if fact.get(name, 0) in (None, {})})

    def outages(self, length: float, interval: float) -> list[Outage]:
        """A failed request stands for the time until the next one: length and interval are of the probe, and between two requests."""
        found = []
        for each in self.failures or ():
            end = length if each.to_ms is None else each.to_ms + interval
            found.append(Outage(each.from_ms, end, each.count, each.reasons, end - each.from_ms + interval))
        longest = max(found, key=lambda outage: outage.gap, default=None)
        return [replace(each, gap=self.gap_ms) if each is longest and self.gap_ms else each for each in found]

    def held(self, length: float) -> list[Held]:
        found = [*(self.holders or ()), Holder(length)]
        return [Held(one.at_ms, following.at_ms, one.holder) for one, following in pairwise(found)]


@dataclass(frozen=True)
class Probe:
    """What was measured while a fault lasted.

    started: seconds since 1970; duration: seconds; missed: requests to each VIP that could not be sent; targets: by address.
    """

    started: float | None = None
    duration: float = 0
    missed: int = 0
    targets: Mapping[str, Target] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One fault of the drill and what came of it; surprise: what was not as expected, as a text."""

    fault: str = "unknown fault"
    title: str = ""
    host: str = ""
    expected: str = ""
    surprise: str = ""
    ok: bool = False
    injected: float | None = None
    healed: float | None = None
    probe: Probe = Probe()

    @property
    def what(self) -> str:
        return self.title or self.fault

    @property
    def name(self) -> str:
        return f"{self.what} on {self.host}" if self.host else self.what

    @cached_property
    def events(self) -> dict[str, float]:
        """When the fault began and ended, as far as that is known."""
        found = {"injected": self.injected, "healed": self.healed}
        began = self.probe.started
        return {name: (at - began) * 1000 for name, at in found.items() if at is not None and began is not None}

    @cached_property
    def length(self) -> float:
        """For how long was measured, or else until when there is something to see."""
        targets = self.probe.targets.values()
        seen = [each.at_ms for target in targets for each in target.holders or ()]
        seen += [each.to_ms or each.from_ms for target in targets for each in target.failures or ()]
        return self.probe.duration * 1000 or max([1000, *seen, *self.events.values()]) * 1.05


@dataclass(frozen=True)
class Drill:
    """The whole drill; started and finished: seconds since 1970; rate: requests a second to each VIP."""

    title: str = "Failover drill"
    ok: bool = False
    started: float | None = None
    finished: float | None = None
    prober: str = ""
    rate: float | None = None
    cluster: DrilledCluster = DrilledCluster()
    rows: tuple[Row, ...] = ()

    @cached_property
    def hosts(self) -> list[str]:
        """Those of the cluster, and those besides that the probes saw."""
        targets = [target for row in self.rows for target in row.probe.targets.values()]
        seen = [each.holder for target in targets for each in target.holders or () if each.holder != UNKNOWN]
        return list(dict.fromkeys([*self.cluster.hosts, *seen]))

    @cached_property
    def vips(self) -> list[DrilledVip]:
        """Those of the cluster, and those besides that were asked; their addresses without prefixes."""
        bare = [replace(vip, address=vip.address.split("/")[0]) for vip in self.cluster.vips]
        named = {vip.address: vip for vip in bare}
        asked = {address: DrilledVip(address) for row in self.rows for address in row.probe.targets}
        return list((named | asked | named).values())

    @cached_property
    def worst(self) -> tuple[float | None, str]:
        """The longest gap in milliseconds, and of which VIP in which fault it is."""
        seen = [(row, *found) for row in self.rows for found in row.probe.targets.items()]
        gaps = [(target.gap_ms, f"{vip}, {row.name}") for row, vip, target in seen if target.gap_ms is not None]
        return max(gaps, key=lambda gap: gap[0], default=(None, ""))

    @property
    def interval(self) -> float:
        """Milliseconds between two requests to a VIP."""
        return 1000 / self.rate if self.rate else INTERVAL

    def colour(self, host: str) -> str:
        """The class of a host in the style sheet."""
        return f"h{self.hosts.index(host) % COLOURS}" if host in self.hosts else UNKNOWN
