# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of a failover drill, which are in faults.yml, and how a load balancer is told to have one.

Each is a bash script for the load balancer itself. It heals the fault when its time is over or when it is told to
stop, so that a fault ends even if whoever injected it is cut off.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ansible.module_utils.common.yaml import yaml_load

from ..settings.problem import InputError, Problem

# The transient systemd unit that a fault runs as.
UNIT = "evenkeel-drill"
# Where a fault says when it began and when it ended, in seconds since 1970.
LOG = f"/run/{UNIT}"
# What makes a host that fails repeatedly come back later and later; a drill's faults are not to count.
FAILURES = "/run/vrrp/nginx.failures"
# Seconds after which a fault ends that should have been ended by hand.
HELD = 60
# Seconds in which the prober sees the VIPs at rest, and whoever has started the fault hears of it, before it is injected.
REST = 2


@dataclass(frozen=True)
class Fault:
    """One fault.

    inject, heal: bash; $interface is the interface that carries the VIPs.
    effect: what becomes of the VIPs of the host while it lasts: "away" (another host takes them), "gone" (no host has
    them), "both" (each host has them) or "any" (it is over too soon to look).
    everywhere: it is injected on all hosts at once.
    seconds: how long it lasts unless it is ended sooner; cut: its host may be out of reach meanwhile.
    reboots: the host leaves by itself and comes back by itself.
    harsh: it interrupts service for certain, or costs what was not written to disk; only run when it is named.
    """

    name: str
    title: str
    expected: str
    inject: str
    heal: str = ""
    effect: Literal["away", "gone", "both", "any"] = "away"
    everywhere: bool = False
    reboots: bool = False
    harsh: bool = False
    cut: bool = False
    seconds: float = HELD

    @property
    def ends_by_itself(self) -> bool:
        return self.seconds < HELD


FAULTS = tuple(
    Fault(name, **fault)
    for name, fault in yaml_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")).items()
)
BY_NAME = {fault.name: fault for fault in FAULTS}


def select(names: Sequence[str]) -> list[Fault]:
    """The faults of these names, in their order; no name means all that are not harsh, and "all" means all. Raises InputError."""
    if list(names) == ["all"]:
        return list(FAULTS)
    for name in names:
        if name not in BY_NAME:
            there_are = f"There are {', '.join(BY_NAME)}."
            raise InputError(Problem("drill_faults", f"names {name!r}, which is no fault", there_are))
    return [BY_NAME[name] for name in names] or [fault for fault in FAULTS if not fault.harsh]


def script(fault: Fault, interface: str) -> str:
    """The bash script of one fault: it says when it began, and heals when its time is over or when it is stopped."""
    return f"""
interface={shlex.quote(interface)}
heal() {{
    trap - EXIT TERM
    {fault.heal or ":"}
    rm --force {FAILURES}
    date +%s.%N >{LOG}.healed
    exit 0
}}
trap heal EXIT TERM
rm --force {LOG}.healed
sleep {REST}
date +%s.%N >{LOG}.injected
{fault.inject}
sleep {fault.seconds:g} & wait $!
""".strip()


def command(fault: Fault, interface: str) -> list[str]:
    """How the fault is started on the host; it returns at once, and the fault goes on without its caller."""
    # Only the script is told to stop: a program that heals must not be ended with it.
    options = ["--quiet", "--collect", f"--unit={UNIT}", "--service-type=exec", "--property=KillMode=mixed"]
    return ["systemd-run", *options, "bash", "-c", script(fault, interface)]


def ending(fault: Fault) -> list[str]:
    """How the fault is ended on the host, or how its end is waited for; prints when it began and when it ended."""
    end = f"systemctl stop {UNIT}"
    if fault.ends_by_itself:
        end = f"for second in {{1..90}}; do systemctl --quiet is-active {UNIT} || break; sleep 1; done"
    return ["bash", "-c", f"{end}; cat {LOG}.injected {LOG}.healed"]
