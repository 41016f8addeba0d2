# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules between the hosts of a cluster, between clusters, and between a host's settings and its network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from ..addresses import Address
from ..settings.keepalived import KeepalivedSettings
from ..settings.problem import Problem
from ..settings.vip import Vip
from .host import Host

# What all hosts of a cluster have in common beside its VIPs, by the names of the role's variables without their prefix.
COMMON = (
    "sync_groups",
    "unicast",
    "vrrp_version",
    "advert_int",
    "auth_pass",
    "auth_type",
    "auth_hmac",
    "priority_base",
    "priority_step",
    "skew",
    "preempt_delay",
    "reserved_vrids",
    "install_method",
    "version",
)
SECRET = ("auth_pass", "auth_hmac")
OF_VIP = [each.name for each in fields(Vip) if each.compare and each.name not in ("name", "follows")]
ONCE = "Set it once, in the group_vars of all members."

Groups = Mapping[tuple[str, ...], Sequence[Host]]


def own_problems(host: Host) -> Iterator[Problem]:
    """What is wrong with a host that is in this run: whether it is a member, its interface, and its VIPs there."""
    settings, network = host.settings, host.network
    if host.name not in settings.hosts:
        what = f"({', '.join(settings.hosts) or 'empty'}) does not name this host"
        fix = "It lists all members of the cluster, the same on each; set it in the load balancers' group_vars."
        yield Problem("keepalived_hosts", what, fix, host.name)
    if network is None:
        return
    if settings.interface not in network.nics:
        what = f"is {settings.interface!r}, which this host lacks; it has {', '.join(sorted(network.nics))}"
        yield Problem("keepalived_interface", what, "Set it to the one that is to carry the VIPs.", host.name)
        return
    # With a label or a MAC of its own, a VIP that the host holds is the first address of what looks like an interface.
    carried = {ip for instance in host.running for ip in instance.ips}
    own = {address: name for address, name in network.own.items() if str(address) not in carried}
    networks = host.nic.networks
    for vip in settings.vips:
        for key, address in vip.located:
            if address in own:
                what = f"is {address}, this host's own address on {own[address]}"
                fix = "A VIP moves between hosts; choose an unused address."
                yield vip.problem(key, what, fix).of(host.name)
            elif not any(address in each for each in networks):
                known = ", ".join(map(str, networks)) or "no network"
                what = (
                    f"is {address}, which is not in the network of keepalived_interface {settings.interface} ({known})"
                )
                fix = "Choose an address in it, or the interface that is in the VIP's network."
                yield vip.problem(key, what, fix).of(host.name)


def differences(group: Sequence[Host]) -> Iterator[Problem]:
    """What the hosts of a cluster do not have in common."""
    first = group[0]
    for other in group[1:]:
        names = f"{first.name} and {other.name}"
        one, two = first.settings, other.settings
        for key in sorted({"vips", *COMMON} & one.given & two.given):
            yield from (each.of(names) for each in _difference(key, first, other))
        if first.network and other.network and _network(first) != _network(other):
            what = (
                f"is not on one network: {first.name}'s {one.interface} is in {_network(first)}, {other.name}'s {two.interface} in "
                f"{_network(other)}"
            )
            yield Problem("keepalived_interface", what, "Choose interfaces that hear each other.", names)


def _difference(key: str, first: Host, other: Host) -> Iterator[Problem]:
    if key == "vips":
        yield from _different_vips(first, other)
        return
    one, two = getattr(first.settings, key), getattr(other.settings, key)
    if one != two:
        values = "" if key in SECRET else f": {_shown(first.name, one)}, {_shown(other.name, two)}"
        yield Problem(f"keepalived_{key}", f"differs{values}", ONCE)


def _different_vips(first: Host, other: Host) -> Iterator[Problem]:
    one, two = first.settings.vips, other.settings.vips
    if one == two:
        return
    names = [[vip.name for vip in vips] for vips in (one, two)]
    if names[0] != names[1]:
        yield Problem(
            "keepalived_vips", f"differs: {_shown(first.name, names[0])}, {_shown(other.name, names[1])}", ONCE
        )
        return
    for mine, yours in zip(one, two, strict=True):
        for key in OF_VIP:
            values = getattr(mine, key), getattr(yours, key)
            if values[0] != values[1]:
                said = f"{_shown(first.name, values[0])}, {_shown(other.name, values[1])}"
                yield mine.problem("address" if key == "addresses" else key, f"differs: {said}", ONCE)


def _shown(name: str, value: object) -> str:
    text = (
        ", ".join(map(str, value))
        if isinstance(value, list | tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else value
    )
    return f"{name} has {'none' if text in (None, '', {}) else text}"


def _network(host: Host) -> str:
    own = host.nic.ipv4
    return str(own.network) if own else "none"


def shared(groups: Groups) -> Iterator[Problem]:
    """Hosts and VIPs of two clusters."""
    owners: dict[Address, tuple[str, ...]] = {}
    claimed: dict[str, tuple[str, ...]] = {}
    for hosts, group in groups.items():
        for host in hosts:
            if claimed.setdefault(host, hosts) != hosts:
                what = f"is {', '.join(claimed[host])} on one member and {', '.join(hosts)} on {group[0].name}"
                yield Problem("keepalived_hosts", what, "Give all members of a cluster the same list.", host)
        yield from _shared_vips(group[0].settings, hosts, owners)


def _shared_vips(
    settings: KeepalivedSettings, hosts: tuple[str, ...], owners: dict[Address, tuple[str, ...]]
) -> Iterator[Problem]:
    for vip in settings.vips:
        for key, address in vip.located:
            owner = owners.setdefault(address, hosts)
            if owner != hosts:
                what = f"is {address}, which the cluster of {', '.join(owner)} has as well"
                yield vip.problem(key, what, "Remove it from one of the two.").of(", ".join(hosts))
