# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keepalived role's variables, as they are for one host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..addresses import interface, is_address
from ..text import natural
from .problem import Problem, shown
from .reader import Reader
from .vip import HIGHEST, Vip, parse_vips

PREFIX = "keepalived_"
# Two backups take over at different times if their skew times differ by more than the network's delay.
SKEW_SECONDS = 0.010


@dataclass(frozen=True)
class SyncGroup:
    """VIPs that move together. where: the entry, such as keepalived_sync_groups[0]."""

    name: str
    vips: tuple[str, ...]
    where: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.vips)})"


@dataclass(frozen=True)
class Script:
    """A check that each instance tracks; weight: what its failure adds to the priority, None for the plan's."""

    name: str
    weight: int | None


@dataclass(frozen=True)
class KeepalivedSettings:
    """Variables by their names without prefix; times in seconds.

    hosts, vips and sync_groups are in the natural order of their names, however the inventory lists them. given: the variables that are known: of a
    host outside of the run those alone that the inventory sets. raw: the variables as they were given, for those that hold keepalived's
    own directives.
    """

    hosts: tuple[str, ...]
    vips: tuple[Vip, ...]
    vrrp_version: int = 3
    advert_int: float = 0.25
    auth_pass: str = field(default="", repr=False)
    auth_type: str = "PASS"
    auth_hmac: object = field(default=None, repr=False)
    priority_base: int = HIGHEST
    priority_step: int = 0
    skew: float = SKEW_SECONDS
    preempt_delay: float = 0
    reserved_vrids: tuple[int, ...] = ()
    allow_vrid_change: bool = False
    sync_groups: tuple[SyncGroup, ...] = ()
    interface: str = ""
    firewall: bool = False
    unicast: bool = False
    unicast_src_ip: str = ""
    unicast_peers: tuple[str, ...] = ()
    watchdog_seconds: float = 0
    handover_seconds: float = 0
    vrrp_scripts: tuple[Script, ...] = ()
    install_method: str = ""
    version: str = ""
    checksum: str = ""
    checksums: tuple[str, ...] = ()
    source_urls: tuple[str, ...] = ()
    source_file: str = ""
    given: frozenset[str] = field(default=frozenset(), repr=False, compare=False)
    router_id: str = ""
    script_user: str = ""
    state_dir: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def parse(raw: Mapping[str, object]) -> tuple[KeepalivedSettings, list[Problem]]:
    """The settings in a mapping of variables without their prefix, and what is wrong with the types and the spelling of its values."""
    read = Reader(raw, PREFIX)
    found = KeepalivedSettings(
        hosts=_hosts(read),
        vips=tuple(sorted(parse_vips(read), key=lambda vip: natural(vip.name))),
        **{
            **read.plain(KeepalivedSettings),
            "unicast_src_ip": _bare(read, "unicast_src_ip", read.text("unicast_src_ip")),
        },
        auth_hmac=raw.get("auth_hmac"),
        reserved_vrids=tuple(sorted(read.wholes("reserved_vrids"))),
        sync_groups=tuple(sorted(map(_group, read.entries("sync_groups")), key=lambda group: natural(group.name))),
        unicast_peers=tuple(_peers(read)),
        vrrp_scripts=tuple(_script(entry) for entry in read.entries("vrrp_scripts")),
        checksums=tuple(read.mapping("checksums")),
        source_urls=read.texts("source_urls"),
        given=frozenset(name for name, value in raw.items() if value is not None),
        raw=raw,
    )
    return found, read.problems


def _hosts(read: Reader) -> tuple[str, ...]:
    hosts = read.texts("hosts")
    for host in dict.fromkeys(host for host in hosts if hosts.count(host) > 1):
        read.note("hosts", f"lists {host} twice", "List each host once.")
    return tuple(sorted(set(hosts), key=natural))


def _group(entry: Reader) -> SyncGroup:
    return SyncGroup(entry.text("name"), tuple(sorted(set(entry.texts("vips")), key=natural)), entry.prefix.rstrip("."))


def _script(entry: Reader) -> Script:
    return Script(entry.text("name"), entry.optional_whole("weight", "from -253 to 253"))


def _peers(read: Reader) -> Iterator[str]:
    for index, peer in enumerate(read.texts("unicast_peers")):
        found = _bare(read, f"unicast_peers[{index}]", peer)
        if found:
            yield found


def _bare(read: Reader, key: str, text: str) -> str:
    """An address without a prefix: keepalived's own words for peers take nothing else."""
    if not text or is_address(text):
        return text
    found = interface(text)
    if found is None:
        read.note(key, f"is {shown(text)}, which is no IP address", "Write the address of the host, such as 192.0.2.2.")
    else:
        read.note(key, f"is {shown(text)}, which has a prefix", f"Write the address alone, as {found.ip}.")
    return ""
