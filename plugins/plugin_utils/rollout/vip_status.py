# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a VIP, who should, what keeps a host from it, and whether hosts may be drained without an interruption of service.

VIPs are named by their addresses without prefixes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..text import capitalized, joined
from .load_balancer import LoadBalancer


@dataclass(frozen=True)
class Impediment:
    """Why a host does not take a VIP: a clause, what would help, and whether it is no more than somebody's wish."""

    text: str
    fix: str
    wanted: bool = False


@dataclass(frozen=True)
class VipStatus:
    """A VIP, the hosts that may have it, the preferred one first, and those that have it now.

    unreached: whether a host that may have it did not answer.
    """

    address: str
    instance: str
    order: tuple[LoadBalancer, ...]
    holders: tuple[LoadBalancer, ...]
    unreached: bool

    @property
    def preferred(self) -> LoadBalancer:
        return self.order[0]

    @property
    def label(self) -> str:
        return f"{self.address} ({self.instance})"


@dataclass(frozen=True)
class Whereabouts:
    """Where a VIP is, as a clause; fix says what would bring it to where it belongs; bad: that it should be elsewhere."""

    text: str = ""
    fix: str = ""
    bad: bool = False


def vips_of(hosts: Sequence[LoadBalancer]) -> list[VipStatus]:
    """hosts: in natural order, which decides between equal priorities."""
    return [_vip_status(address, hosts) for address in dict.fromkeys(ip for host in hosts for ip in host.ranks)]


def _vip_status(address: str, hosts: Sequence[LoadBalancer]) -> VipStatus:
    members = [host for host in hosts if address in host.ranks]
    order = tuple(sorted(members, key=lambda host: -host.ranks[address][1]))
    holders = tuple(host for host in hosts if address in host.keepalived.ips)
    # Of a host that has told nothing nobody knows whether it may have the VIP.
    unreached = not all(host.reachable for host in hosts if address in host.ranks or not host.ranks)
    return VipStatus(address, order[0].ranks[address][0], order, holders, unreached)


def impediment(host: LoadBalancer, address: str) -> Impediment | None:
    """Why this host cannot have the VIP, or ranks below those that can; None if it can have it."""
    return next(_impediments(host, address), None)


def _impediments(host: LoadBalancer, address: str) -> Iterator[Impediment]:
    """The gravest first."""
    name, instance = host.name, host.instance(address)
    if not host.reachable:
        yield Impediment(f"{name} is unreachable", f"make {name} reachable")
    if not host.runs:
        yield Impediment(f"keepalived does not run on {name}", f"start keepalived on {name}")
    if host.drained:
        yield Impediment(f"{name} is drained ({host.drain})", f"undrain {name}", wanted=not host.drained_by_run)
    if host.check == "down":
        yield Impediment(f"nginx does not run on {name}", f"repair nginx on {name}")
    if host.check == "failing":
        yield Impediment(
            f"{name} has failed its check of nginx and has not been healthy for long enough since",
            f"repair nginx on {name}, or wait until its check has succeeded for long enough",
        )
    if host.keepalived.standby:
        yield Impediment(f"{name} is on standby", f"end it with '/etc/keepalived/vips.sh return' on {name}")
    if not host.daemon.answers:
        yield Impediment(f"keepalived does not answer on {name}", f"restart keepalived on {name}")
    if instance is None:
        yield Impediment(f"keepalived on {name} does not know {address}", f"run site.yml on {name}")
    elif instance.state not in ("MASTER", "BACKUP"):
        yield Impediment(
            f"{instance.name} is in {instance.state or 'an unknown state'} on {name}",
            f"repair {name} (read why with 'journalctl -u keepalived')",
        )


def whereabouts(vip: VipStatus) -> Whereabouts:
    if not vip.holders:
        return Whereabouts("on nobody that was reached" if vip.unreached else "on nobody")
    if len(vip.holders) > 1:
        return Whereabouts(f"on {joined(host.name for host in vip.holders)}: split brain")
    (holder,) = vip.holders
    if holder not in vip.order:
        return Whereabouts(
            f"on {holder.name}, whose keepalived does not know it",
            f"remove it there with 'ip address delete', and run site.yml on {holder.name}",
            bad=True,
        )
    against = {host: found for host in vip.order if (found := impediment(host, vip.address))}
    able = [host for host in vip.order if host not in against]
    if holder in against and able:
        return Whereabouts(
            f"on {holder.name}, though {against[holder].text}, and {joined(host.name for host in able)} could take it",
            f"read why with 'journalctl -u keepalived' on {able[0].name}",
            bad=True,
        )
    if holder is vip.preferred:
        wrong = against.get(holder)
        return Whereabouts(f"on {holder.name}, though {wrong.text}: no other host could take it" if wrong else "")
    above = vip.order[: vip.order.index(holder)]
    returning = [host for host in above if host in able]
    return _returning(vip, holder, returning) if returning else _replaced(holder, [against[host] for host in above])


def _replaced(holder: LoadBalancer, known: Sequence[Impediment]) -> Whereabouts:
    return Whereabouts(
        f"on {holder.name}, for {joined(each.text for each in known)}",
        ", and ".join(each.fix for each in known if not each.wanted),
        bad=not all(each.wanted for each in known),
    )


def _returning(vip: VipStatus, holder: LoadBalancer, able: Sequence[LoadBalancer]) -> Whereabouts:
    """able: the healthy hosts that rank above the holder."""
    if any(host.keeps_still(vip.address) for host in able):
        return Whereabouts(
            f"on {holder.name}, for {vip.instance} has nopreempt: it stays there while {holder.name} is healthy"
        )
    verb = "is" if len(able) == 1 else "are"
    where = f"on {holder.name}, though {joined(host.name for host in able)} {verb} healthy"
    delay = able[0].desired.preempt_delay
    if delay and any(_young(host, delay) for host in able):
        return Whereabouts(f"{where}: it returns when keepalived_preempt_delay ({delay:g} s) is over")
    return Whereabouts(
        f"{where}: it may return later",
        f"look again in a minute, then read why with 'journalctl -u keepalived' on {able[0].name}",
        bad=True,
    )


def _young(host: LoadBalancer, seconds: float) -> bool:
    """Whether something has happened to its keepalived since so many seconds."""
    times = [host.daemon.since, *(instance.last_transition for instance in host.daemon.instances)]
    return any(host.clock - moment < seconds for moment in times if moment)


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
