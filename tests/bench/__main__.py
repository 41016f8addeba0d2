# SPDX-License-Identifier: GPL-3.0-or-later
"""What the planner costs; failovers and throughput, ours beside the reference; what changes cost. All on the lab."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

# What drives the lab, and its prober.
sys.path.append(str(Path(__file__).parents[2] / "lab"))

import change
import failover
import fleet
import measured_faults
import plan
import results
import throughput

from machine import LabError

# A second client: a SYN is sent again after 1 s, so who waits longer sees nothing of a short outage but a late answer.
PATIENT = 2.0
# Of each fault.
REPEAT = 5


def main() -> int:
    arguments = parse()
    numbers: dict[str, Any] = {"machine": failover.machine()}
    troubles: list[str] = []
    if arguments.what in (None, "plan"):
        numbers["planner"] = plan.run()
    # Minutes of a whole processor, so only by its name.
    if arguments.what == "fleet":
        numbers["fleet"] = fleet.run()
    if arguments.what in (None, "failover"):
        bench = failover.Bench(wanted(arguments))
        bench.run()
        troubles = bench.troubles
        numbers = failover.document(bench) | numbers
        if bench.setup:
            print("\n" + failover.report(bench, numbers["machine"]), flush=True)
    if arguments.what in (None, "change"):
        changes = change.Bench(changes_wanted(arguments))
        changes.run()
        troubles = [*troubles, *changes.troubles]
        numbers["changes"] = change.document(changes)
        if changes.setup:
            print("\n" + change.report(changes), flush=True)
    if arguments.what in (None, "throughput"):
        loads = throughput.Bench(arguments.repeat)
        loads.run()
        troubles = [*troubles, *loads.troubles]
        numbers["throughput"] = throughput.document(loads)
        if loads.measured:
            print("\n" + throughput.report(loads), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(numbers, indent=2) + "\n")
    for trouble in troubles:
        print(f"bench: {trouble}", file=sys.stderr)
    return 1 if troubles else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=["plan", "fleet", "failover", "change", "throughput"],
        help="all but fleet, unless one is named",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number to this file")
    parser.add_argument(
        "--repeat",
        type=int,
        metavar="N",
        help=f"repetitions of each fault ({REPEAT}), change ({change.REPEAT}) or load ({throughput.REPEAT})",
    )
    parser.add_argument(
        "--fault",
        nargs="+",
        default=measured_faults.NAMES,
        choices=measured_faults.NAMES,
        metavar="NAME",
        help="of the faults only these: " + "; ".join(measured_faults.NAMES),
    )
    parser.add_argument("--only", choices=results.SIDES, help="measure the faults on one of them")
    parser.add_argument("--rate", type=float, default=100, help="requests a second (100)")
    parser.add_argument("--timeout", type=float, default=0.5, help="seconds that the client waits for an answer (0.5)")
    return parser.parse_args()


def wanted(arguments: argparse.Namespace) -> failover.Plan:
    return failover.Plan(
        faults=[fault for fault in measured_faults.FAULTS if fault.name in arguments.fault],
        sides=[arguments.only] if arguments.only else ["reference", "ours"],
        repeat=arguments.repeat or REPEAT,
        rate=arguments.rate,
        timeouts=list(dict.fromkeys([arguments.timeout, PATIENT])),
    )


def changes_wanted(arguments: argparse.Namespace) -> failover.Plan:
    return failover.Plan(
        faults=[],
        sides=["ours"],
        repeat=change.repetitions(arguments.repeat, alone=arguments.what == "change"),
        rate=arguments.rate,
        timeouts=[arguments.timeout],
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"bench: {error}")
