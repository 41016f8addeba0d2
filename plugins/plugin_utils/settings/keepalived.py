# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keepalived role's variables, as they are for one host, and the rules between them."""

from __future__ import annotations

import re
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
SHA256 = re.compile(r"[0-9a-f]{64}\Z")


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


def problems_of(settings: KeepalivedSettings) -> Iterator[Problem]:
    yield from _authentication(settings)
    yield from _times(settings)
    yield from _source(settings)
    yield from _signing(settings)
    yield from _groups(settings)
    if not settings.vips and not settings.raw.get("vips"):
        yield Problem(
            "keepalived_vips", "is empty", "Give at least one VIP, e.g. [{name: VI_1, address: 192.168.200.200/24}]."
        )


def _authentication(settings: KeepalivedSettings) -> Iterator[Problem]:
    seconds, password = settings.advert_int, settings.auth_pass
    where = "keepalived_advert_int"
    if settings.vrrp_version == 2 and (seconds < 1 or seconds != int(seconds)):
        fix = "Set it to 1 or more, or keepalived_vrrp_version to 3."
        yield Problem(where, f"is {seconds:g}, but VRRPv2 counts whole seconds", fix)
    if not 0.01 <= seconds <= 40.95:
        yield Problem(where, f"is {seconds:g}", "It must be 0.01 to 40.95 seconds.")
    where = "keepalived_auth_pass"
    if password and settings.vrrp_version == 3:
        fix = "Remove it, or set keepalived_vrrp_version to 2."
        yield Problem(where, "is set, but VRRPv3 has no authentication (RFC 5798)", fix)
    if len(password) > 8:
        what = f"has {len(password)} characters; VRRPv2 carries 8 and drops the rest"
        yield Problem(where, what, "Use 8 characters at most.")


def _times(settings: KeepalivedSettings) -> Iterator[Problem]:
    watchdog, handover = settings.watchdog_seconds, settings.handover_seconds
    if 0 < watchdog < 1.5:
        yield Problem(
            "keepalived_watchdog_seconds",
            f"is {watchdog:g}, but keepalived shows a sign of life once a second",
            "Set it to 2 or more, or to 0 to turn the watchdog off.",
        )
    longest = 4 * settings.advert_int
    if 0 < handover < longest:
        yield Problem(
            "keepalived_handover_seconds",
            f"is {handover:g}, but another host takes up to 4 advert intervals ({longest:g} s) to take the VIPs over",
            f"Set it to {longest:g} or more, or to 0 to stop without waiting.",
        )


def _source(settings: KeepalivedSettings) -> Iterator[Problem]:
    if settings.install_method != "source":
        return
    checksum = settings.checksum
    if not checksum:
        known = ", ".join(settings.checksums)
        yield Problem(
            "keepalived_version",
            f"is {settings.version}, which has no known checksum",
            f"Set keepalived_checksum to the sha256 of its tarball, or choose one of {known}.",
        )
    elif not SHA256.match(checksum):
        what = f"is {checksum!r}, which is no sha256"
        yield Problem("keepalived_checksum", what, "It has 64 hexadecimal digits, in lower case.")
    if not settings.source_file and not settings.source_urls:
        what = "is empty and keepalived_source_file is not set"
        yield Problem("keepalived_source_urls", what, "Name a place to get the tarball from.")


def _signing(settings: KeepalivedSettings) -> Iterator[Problem]:
    """What the directives' tables do not tell of auth_hmac. Its keys are in no sentence."""
    found, where = settings.auth_hmac, "keepalived_auth_hmac"
    if not found or not isinstance(found, Mapping):
        return
    if settings.auth_pass:
        both = f"keepalived_auth_pass and {where}"
        yield Problem(both, "are both set, but keepalived takes one of them", "Remove one.")
    if isinstance(found.get("keys"), list | tuple):
        ids = [_id(each.get("id")) for each in found["keys"] if isinstance(each, Mapping)]
        for each in dict.fromkeys(each for each in ids if each and ids.count(each) > 1):
            yield Problem(f"{where}.keys", f"has the id {each} twice", "Number each key, from 1 to 255.")
        active = _id(found.get("active_key"))
        if active and active not in ids:
            known = ", ".join(filter(None, ids)) or "none"
            what = f"is {active}, which is no key's id ({known})"
            yield Problem(f"{where}.active_key", what, "Name the id of a key.")
    if found.get("time_window") is not None and found.get("anti_replay") == "monotonic":
        what = f"is {found['time_window']}, but anti_replay is monotonic, which looks at no clock"
        yield Problem(f"{where}.time_window", what, "Remove it, or set anti_replay to time.")


def _id(value: object) -> str:
    """A key's id, and empty for what is none."""
    text = str(value)
    return str(int(text)) if re.fullmatch(r"[0-9]{1,3}", text) and 1 <= int(text) <= 255 else ""


def _groups(settings: KeepalivedSettings) -> Iterator[Problem]:
    """What is wrong with sync groups."""
    vips = {vip.name: vip for vip in settings.vips}
    owners: dict[str, str] = {}
    for group in settings.sync_groups:
        where = f"{group.where}.vips"
        for name in group.vips:
            if name not in vips:
                what = f"of {group.name} has {name}, which is no VIP; the VIPs are {', '.join(vips)}"
                yield Problem(where, what, "Name VIPs of keepalived_vips.")
            elif name in owners:
                yield Problem(
                    where, f"of {group.name} has {name}, which {owners[name]} has as well", "Leave it in one of them."
                )
            owners.setdefault(name, group.name)
        pins = {name: vip.pinned for name, vip in vips.items() if name in group.vips and vip.pinned}
        if len(set(pins.values())) > 1:
            said = ", ".join(f"{name} pins {' and '.join(hosts)}" for name, hosts in pins.items())
            what = f"of {group.name} move together, and {said}"
            yield Problem(where, what, "Pin one order, the same on each or on one.")
