# SPDX-License-Identifier: GPL-3.0-or-later
"""The same faults against the reference's configuration and ours, as the client sees them."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import results
from measured_faults import FAST, HOME, MOVED, Fault
from pair import PATIENCE, VIP, Pair, answered, holds, root, waiting
from results import Sample, sample

import hosts
import probe
from machine import LabError, say

# The reference has no such setting: it is measured once.
SAME_FOR_THE_REFERENCE = {FAST: "host cut off"}
# The reference's check runs every so many seconds: the repetitions are spread over that time.
LONGEST_CHECK = 2.0
VERSIONS = "/opt/keepalived/*/sbin/keepalived --version 2>&1 | grep ^Keepalived; /usr/sbin/nginx -v 2>&1"


@dataclass(frozen=True)
class Plan:
    """timeouts: how long each of the clients waits for an answer, in seconds."""

    faults: Sequence[Fault]
    sides: Sequence[str]
    repeat: int
    rate: float
    timeouts: Sequence[float]


class Bench:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        # By the client's timeout.
        self.measured: dict[float, dict[str, dict[str, list[Sample]]]] = {
            timeout: {fault.name: {} for fault in plan.faults} for timeout in plan.timeouts
        }
        self.setup: dict[str, Any] = {}
        self.troubles: list[str] = []

    def run(self) -> None:
        # Each on hosts of its own, so that neither finds what the other has left.
        for side in self.plan.sides:
            say(f"{side}: starting new hosts and configuring them")
            pair = Pair(side)
            try:
                pair.build()
                self.setup = setup(self.plan)
                self.measure_all(pair)
            except LabError as error:
                self.note(f"{side} given up: {error}")
        for measured in self.measured.values():
            for name, same in SAME_FOR_THE_REFERENCE.items():
                if name in measured and measured.get(same, {}).get("reference"):
                    measured[name]["reference"] = measured[same]["reference"]

    def measure_all(self, pair: Pair) -> None:
        for fault in self.plan.faults:
            if pair.side == "reference" and fault.name in SAME_FOR_THE_REFERENCE:
                continue
            if fault.variables:
                say(f"{pair.side}: starting new hosts for {fault.variables}")
                pair.build(**fault.variables)
            try:
                self.repeat(pair, fault)
            except LabError as error:
                self.note(f"{pair.side}, {fault.name}: {error}")
                pair.repair()

    def repeat(self, pair: Pair, fault: Fault) -> None:
        for number in range(self.plan.repeat):
            time.sleep(LONGEST_CHECK * number / self.plan.repeat)
            seen = self.measure(pair, fault)
            for measured, each in zip(self.measured.values(), seen, strict=True):
                measured[fault.name].setdefault(pair.side, []).append(each)
            say(f"{pair.side}, {fault.name}, {number + 1} of {self.plan.repeat}: {'; '.join(map(words, seen))}")
            pair.heal(fault)

    def measure(self, pair: Pair, fault: Fault) -> list[Sample]:
        """From a second before the fault until the VIP is where it goes, and has served for two seconds."""
        if fault.before:
            root(fault.host, fault.before, PATIENCE)
            wait_until(time.monotonic() + PATIENCE, "nginx2", holds(VIP))
        with ExitStack() as stack:
            # From before the fault: the VIP may come back by itself.
            moved = stack.enter_context(waiting("nginx2", holds(VIP))) if fault.until == MOVED else None
            seen = stack.enter_context(clients(self.plan))
            deadline = time.monotonic() + PATIENCE
            pair.inject(fault)
            if moved:
                finish(moved, deadline)
            elif fault.until == HOME:
                wait_until(deadline, "nginx1", holds(VIP))
                wait_until(deadline, "nginx2", holds(VIP, wanted=False))
            answered(max(2.0, deadline - time.monotonic()))
        return seen

    def note(self, trouble: str) -> None:
        say(f"TROUBLE: {trouble}")
        self.troubles.append(trouble)


@contextmanager
def clients(plan: Plan) -> Iterator[list[Sample]]:
    """They ask the VIP meanwhile, each with its own timeout; the list has afterwards what each of them saw."""
    seen: list[Sample] = []
    processes = [prober(plan.rate, timeout) for timeout in plan.timeouts]
    try:
        for process in processes:
            process.stdout.readline()
        time.sleep(probe.CALM)
        yield seen
        time.sleep(probe.CALM)
        for process in processes:
            process.stdin.write("stop\n")
            process.stdin.flush()
        seen += [result(process) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def prober(rate: float, timeout: float) -> subprocess.Popen[str]:
    text = probe.command([VIP], rate=rate, timeout=timeout)
    return subprocess.Popen(
        hosts.ssh_command("client", text), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )


def result(process: subprocess.Popen[str]) -> Sample:
    try:
        output, _errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise LabError("the client's prober did not end") from None
    if process.returncode:
        raise LabError(f"the client's prober ended with {process.returncode}; its words are above")
    return sample(json.loads(output)["targets"][VIP])


def wait_until(deadline: float, host: str, condition: str) -> None:
    with waiting(host, condition) as process:
        finish(process, deadline)


def finish(process: subprocess.Popen[bytes], deadline: float) -> None:
    """Wait for the process, but not for ever: what it waits for need not happen."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(0.1, deadline - time.monotonic()))


def words(seen: Sample) -> str:
    reasons = ", ".join(f"{count} {reason}" for reason, count in seen.reasons.items())
    over = "" if seen.over else "; the VIP does not serve"
    return f"gap {seen.gap_ms:,} ms, {seen.failed} of {seen.sent} failed{f' ({reasons})' if reasons else ''}{over}"


def setup(plan: Plan) -> dict[str, Any]:
    """What the figures depend on."""
    keepalived, nginx = root("nginx1", VERSIONS, 10).splitlines()
    return {
        "requests_per_second": plan.rate,
        "timeouts_s": list(plan.timeouts),
        "repetitions": plan.repeat,
        "keepalived": keepalived.split()[1].lstrip("v"),
        "reference": "2.2.2, which the lab cannot get",
        "nginx": nginx.rpartition("/")[2],
    }


def machine() -> dict[str, Any]:
    model = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.M)
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def report(bench: Bench, machine: Mapping[str, Any]) -> str:
    setup = bench.setup
    lines = [
        f"Failover: {setup['repetitions']} repetitions of each fault on nginx1, which has {VIP}; a client asks it "
        f"{setup['requests_per_second']:g} times a second.",
        f"keepalived {setup['keepalived']} on both sides (the reference has {setup['reference']}), nginx {setup['nginx']}, "
        f"{machine['cores']} cores of {machine['cpu']}.",
    ]
    for timeout, measured in bench.measured.items():
        lines += ["", f"A client that waits {timeout:g} s for an answer:", "", results.table(measured)]
    return "\n".join([*lines, "", results.FOOT])


def document(bench: Bench) -> dict[str, Any]:
    """The first client's figures, and beside them the others'."""
    first, *others = bench.measured
    return {
        "faults": results.document(bench.measured[first]),
        "failed_requests": results.details(bench.measured[first]),
        "other_timeouts": [
            {
                "timeout_s": timeout,
                "faults": results.document(bench.measured[timeout]),
                "failed_requests": results.details(bench.measured[timeout]),
            }
            for timeout in others
        ],
        "setup": bench.setup,
        "troubles": bench.troubles,
    }
