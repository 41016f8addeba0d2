# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order the hosts of a cluster take a VIP, so that the work stays even when hosts fail.

Plain rotation gives all VIPs of a dead host to its neighbour. Here the VIPs of each host are dealt out: the second
choice of each goes to the host that would have the fewest VIPs if the first were lost, the third to the one that
would have the fewest if both were. So without pins the loads of any two hosts that are up differ by one at most
while no host or one host is lost. In clusters of up to SMALL hosts all further choices are dealt likewise; in larger
ones they go round in a circle. tests/unit/test_balance.py has the worst difference for more losses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

# The sets of hosts that can be lost together double with each host.
SMALL = 8


def orders(pins: Sequence[Sequence[int]], hosts: int) -> list[list[int]]:
    """For each VIP all hosts, as numbers from 0, in the order in which they take it.

    pins has an entry for each VIP: the hosts that its order starts with, often none. Work grows as VIPs x hosts.
    """
    result = [list(pin) for pin in pins]
    _deal_masters(result, hosts)
    if hosts > 1:
        _deal_seconds(result, hosts)
    if hosts > 2:
        _deal_thirds(result, hosts)
    for size in range(3, hosts if hosts <= SMALL else 0):
        _deal_further(result, hosts, size)
    for order in result:
        if len(order) < hosts:
            chosen = set(order)
            order.extend(host for host in _circle(order[-1], hosts) if host not in chosen)
    return result


def loads(order_of_vips: Iterable[Sequence[int]], hosts: int, lost: Iterable[int] = ()) -> dict[int, int]:
    """How many VIPs each host has while some are lost."""
    down = set(lost)
    count = {host: 0 for host in range(hosts) if host not in down}
    for order in order_of_vips:
        holder = next((host for host in order if host not in down), None)
        if holder is not None:
            count[holder] += 1
    return count


def _deal_masters(result: list[list[int]], hosts: int) -> None:
    load = [0] * hosts
    for order in result:
        if order:
            load[order[0]] += 1
    for order in result:
        if not order:
            order.append(_least(load, range(hosts)))
            load[order[0]] += 1


def _deal_seconds(result: list[list[int]], hosts: int) -> None:
    masters = [0] * hosts
    for order in result:
        masters[order[0]] += 1
    for lost, mine in _grouped(result, 1).items():
        load = masters.copy()
        _deal(mine, 1, load, _circle(lost[0], hosts))


def _deal_thirds(result: list[list[int]], hosts: int) -> None:
    masters = [0] * hosts
    seconds = [[0] * hosts for dummy in range(hosts)]
    for order in result:
        masters[order[0]] += 1
        seconds[order[0]][order[1]] += 1
    for (one, other), both in _grouped(result, 2).items():
        load = [sum(counts) for counts in zip(masters, seconds[one], seconds[other], strict=True)]
        _deal(both, 2, load, [host for host in _circle(other, hosts) if host != one])


def _deal_further(result: list[list[int]], hosts: int, size: int) -> None:
    for lost, group in _grouped(result, size).items():
        down = set(lost)
        settled = [order for order in result if not down.issuperset(order)]
        load = loads(settled, hosts, lost)
        for order in group:
            if len(order) == size:
                order.append(_least(load, [host for host in _circle(order[0], hosts) if host not in down]))
                load[order[-1]] += 1


def _grouped(result: list[list[int]], size: int) -> dict[tuple[int, ...], list[list[int]]]:
    """The orders by the set of their first hosts: those whose VIPs look for a new host when just these are lost."""
    groups: dict[tuple[int, ...], list[list[int]]] = {}
    for order in result:
        groups.setdefault(tuple(sorted(order[:size])), []).append(order)
    return groups


def _deal(group: list[list[int]], size: int, load: list[int], candidates: Sequence[int]) -> None:
    for order in group:
        if len(order) > size:
            load[order[size]] += 1
    for order in group:
        if len(order) == size:
            order.append(_least(load, candidates))
            load[order[-1]] += 1


def _least(load: Sequence[int] | Mapping[int, int], candidates: Iterable[int]) -> int:
    """The least loaded; of several the first, for min is stable."""
    return min(candidates, key=lambda host: load[host])


def _circle(start: int, hosts: int) -> list[int]:
    """All other hosts, from the next one on."""
    return [(start + offset) % hosts for offset in range(1, hosts)]
