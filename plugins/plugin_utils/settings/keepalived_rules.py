# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules between the keepalived role's variables of one host, and the ranges of single ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .keepalived import KeepalivedSettings
from .problem import Problem

SHA256 = re.compile(r"[0-9a-f]{64}\Z")


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
