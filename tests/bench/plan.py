# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the planner takes: PYTHONPATH=collections python3 tests/bench/plan.py

The target is 0.25 s for 100 hosts with 250 VIPs. The time per host x VIP must not rise with their product.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import balance, plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse

# Up to 8 hosts all choices are dealt, so 8 hosts take longer than 9.
SIZES = [(2, 2), (2, 250), (8, 250), (9, 250), (10, 50), (25, 250), (50, 250), (100, 125), (100, 250)]
RUNS = 5


def vips_of(count: int) -> list[dict[str, Any]]:
    return [{"name": f"VI_{number}", "address": f"10.0.0.{number}/24"} for number in range(1, count + 1)]


def best_time(hosts: list[str], vips: list[dict[str, Any]]) -> float:
    settings, _problems = parse({"hosts": hosts, "vips": vips})
    times = []
    for _run in range(RUNS):
        start = perf_counter()
        plan.plan(settings)
        times.append(perf_counter() - start)
    return min(times)


def worst_difference(hosts: int, vips: int) -> int:
    orders = balance.orders([()] * vips, hosts)
    loads = [balance.loads(orders, hosts, [lost]).values() for lost in range(hosts)]
    return max(max(load) - min(load) for load in loads)


def run() -> dict[str, Any]:
    """Print the figures as they come, and return them."""
    rows = []
    print("hosts  VIPs  milliseconds  microseconds per host x VIP")
    for hosts, vips in SIZES:
        seconds = best_time([f"nginx{number}" for number in range(1, hosts + 1)], vips_of(vips))
        print(f"{hosts:5}  {vips:4}  {seconds * 1e3:12.2f}  {seconds * 1e6 / (hosts * vips):27.2f}", flush=True)
        rows.append({"hosts": hosts, "vips": vips, "ms": round(seconds * 1e3, 3)})
    hosts, vips = SIZES[-1]
    difference = worst_difference(hosts, vips)
    print(f"Worst difference of loads after one loss, {hosts} hosts with {vips} VIPs: {difference}", flush=True)
    return {"plans": rows, "worst_difference": difference}


if __name__ == "__main__":
    run()
