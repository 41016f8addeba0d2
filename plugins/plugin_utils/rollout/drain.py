# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether load balancers may be drained without an interruption of service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..text import capitalized, joined
from .load_balancer import LoadBalancer
from .vip_status import Impediment, VipStatus, impediment, vips_of


def drain_problems(hosts: Sequence[LoadBalancer], named: Sequence[str]) -> list[str]:
    """Why draining the named hosts would interrupt service; nothing if it would not."""
    known = [host.name for host in hosts]
    problems = [
        f"drain_hosts names {name}, which is no load balancer. There are {', '.join(known)}."
        for name in dict.fromkeys(named)
        if name not in known
    ]
    if not named:
        problems.append(f"drain_hosts names no host. Name one or more of {', '.join(known)} with -e drain_hosts=HOST.")
    return problems + [text for vip in vips_of(hosts) for text in _left_alone(vip, named)]


def _left_alone(vip: VipStatus, named: Sequence[str]) -> Iterator[str]:
    """A sentence if the drain would leave the VIP without a healthy host."""
    leaving = [host.name for host in vip.holders if host.name in named]
    if not leaving and vip.preferred.name in named:
        leaving = [vip.preferred.name]
    against = [_against(host, vip, named) for host in vip.order if host.name not in leaving]
    if not leaving or None in against:
        return
    known = [each for each in against if each]
    why = joined(each.text for each in known) or "no other host has it"
    fixes = [each.fix for each in known] or ["give it to another load balancer"]
    yield (
        f"Draining {joined(leaving)} would leave {vip.label} with no healthy host, for {why}. "
        f"{capitalized('; or '.join(fixes))}; or interrupt service with -e drain_force=true."
    )


def _against(host: LoadBalancer, vip: VipStatus, named: Sequence[str]) -> Impediment | None:
    if host.name in named:
        return Impediment(f"{host.name} is to be drained too", f"leave {host.name} out")
    return impediment(host, vip.address)
