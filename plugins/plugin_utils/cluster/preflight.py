# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a host's input: each problem one sentence with host, variable, value and fix.

Pure functions of the role's variables and of gathered facts; they run on the control node only.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import groups as vrrp_groups
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import vrrp
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives as keepalived_settings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import notify as keepalived_notify
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import words as keepalived_words
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.platform import platform_problems

SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def keepalived_problems(settings: Mapping[str, Any], facts: Mapping[str, Any], host: str) -> list[str]:
    """settings: the keepalived role's variables without their prefix; facts: the host's own."""
    return [f"{host}: {text}" for text in _keepalived(settings, facts, host)]


def plan_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments of vrrp.plan in a role's settings."""
    return {
        "advert_int": float(settings["advert_int"]),
        "base": int(settings["priority_base"]),
        "step": int(settings["priority_step"]),
        "skew": float(settings["skew"]),
        "reserved": settings["reserved_vrids"] or (),
        "preempt_delay": float(settings.get("preempt_delay") or 0),
        "groups": settings.get("sync_groups") or (),
    }


def version_of(address: str) -> int:
    return ipaddress.ip_interface(address).version


def primary_networks(facts: Mapping[str, Any], interface: str) -> list[ipaddress.IPv4Network]:
    """The network of an interface's own address; those of VIPs that it holds now are left out."""
    own = fact(facts, interface).get("ipv4")
    return [ipaddress.IPv4Network(f"{own['network']}/{own['netmask']}")] if own else []


def _keepalived(settings: Mapping[str, Any], facts: Mapping[str, Any], host: str) -> Iterator[str]:
    yield from map(str, platform_problems(facts))
    if host not in settings["hosts"]:
        members = ", ".join(settings["hosts"]) or "empty"
        yield (
            f"keepalived_hosts ({members}) does not name this host. It lists all members of the cluster, the same "
            "on each; set it in the load balancers' group_vars."
        )
    yield from _authentication(settings)
    yield from _times(settings)
    yield from _source(settings)
    yield from map(str, keepalived_settings.problems(settings))
    yield from _signing(settings)
    yield from keepalived_notify.problems(settings, facts)
    yield from vrrp_groups.problems(settings["vips"], settings.get("sync_groups") or ())
    if not settings["vips"]:
        yield "keepalived_vips is empty. Give at least one VIP, e.g. [{name: VI_1, address: 192.168.200.200/24}]."
        return
    try:
        vrrp.plan(settings["vips"], settings["hosts"] or [host], **plan_options(settings))
    except vrrp.PlanError as error:
        yield f"keepalived_vips: {error}"
        return
    yield from _interface(settings, facts)


def _authentication(settings: Mapping[str, Any]) -> Iterator[str]:
    version, seconds, password = (
        int(settings["vrrp_version"]),
        float(settings["advert_int"]),
        str(settings["auth_pass"]),
    )
    if version == 2 and (seconds < 1 or seconds != int(seconds)):
        yield (
            f"keepalived_advert_int is {seconds:g}, but VRRPv2 counts whole seconds. "
            "Set it to 1 or more, or keepalived_vrrp_version to 3."
        )
    if not 0.01 <= seconds <= 40.95:
        yield f"keepalived_advert_int is {seconds:g}. It must be 0.01 to 40.95 seconds."
    if not password:
        return
    if version == 3:
        yield (
            "keepalived_auth_pass is set, but VRRPv3 has no authentication (RFC 5798). "
            "Remove it, or set keepalived_vrrp_version to 2."
        )
    if len(password) > 8:
        yield (
            f"keepalived_auth_pass has {len(password)} characters; VRRPv2 carries 8 and drops the rest. "
            "Use 8 characters at most."
        )


def _signing(settings: Mapping[str, Any]) -> Iterator[str]:
    """What the directives' tables do not tell of auth_hmac. Its keys are in no sentence."""
    found = settings.get("auth_hmac")
    if not found or not isinstance(found, Mapping):
        return
    if settings["auth_pass"]:
        yield "keepalived_auth_pass and keepalived_auth_hmac are both set, but keepalived takes one of them. Remove one."
    if isinstance(found.get("keys"), list | tuple):
        ids = [_id(each.get("id")) for each in found["keys"] if isinstance(each, Mapping)]
        for each in dict.fromkeys(each for each in ids if each and ids.count(each) > 1):
            yield f"keepalived_auth_hmac.keys has the id {each} twice. Number each key, from 1 to 255."
        active = _id(found.get("active_key"))
        if active and active not in ids:
            known = ", ".join(filter(None, ids)) or "none"
            yield f"keepalived_auth_hmac.active_key is {active}, which is no key's id ({known}). Name the id of a key."
    if found.get("time_window") is not None and found.get("anti_replay") == "monotonic":
        yield (
            f"keepalived_auth_hmac.time_window is {found['time_window']}, but anti_replay is monotonic, which looks at no clock. "
            "Remove it, or set anti_replay to time."
        )


def _id(value: object) -> str:
    """A key's id, and empty for what is none."""
    try:
        return keepalived_words.number(value, True, 1, 255)
    except keepalived_words.WordError:
        return ""


def _times(settings: Mapping[str, Any]) -> Iterator[str]:
    watchdog, handover = float(settings.get("watchdog_seconds") or 0), float(settings.get("handover_seconds") or 0)
    if 0 < watchdog < 1.5:
        yield (
            f"keepalived_watchdog_seconds is {watchdog:g}, but keepalived shows a sign of life once a second. "
            "Set it to 2 or more, or to 0 to turn the watchdog off."
        )
    longest = 4 * float(settings["advert_int"])
    if 0 < handover < longest:
        yield (
            f"keepalived_handover_seconds is {handover:g}, but another host takes up to 4 advert intervals ({longest:g} s) to "
            f"take the VIPs over. Set it to {longest:g} or more, or to 0 to stop without waiting."
        )


def _source(settings: Mapping[str, Any]) -> Iterator[str]:
    if settings["install_method"] != "source":
        return
    version, checksum = settings["version"], settings["checksum"]
    if not checksum:
        known = ", ".join(settings["checksums"])
        yield (
            f"keepalived_version is {version}, which has no known checksum. "
            f"Set keepalived_checksum to the sha256 of its tarball, or choose one of {known}."
        )
    elif not SHA256.match(checksum):
        yield f"keepalived_checksum is {checksum!r}, which is no sha256. It has 64 hexadecimal digits, in lower case."
    if not settings["source_file"] and not settings["source_urls"]:
        yield "keepalived_source_urls is empty and keepalived_source_file is not set. Name a place to get the tarball from."


def _interface(settings: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    name, present = settings["interface"], sorted(facts.get("interfaces", []))
    if name not in present:
        yield (
            f"keepalived_interface is {name!r}, which this host lacks; it has {', '.join(present)}. "
            "Set it to the one that is to carry the VIPs."
        )
        return
    own = dict(_own_addresses(facts))
    networks = [network for interface, network in _networks(facts) if interface == name]
    for vip in settings["vips"]:
        for address in vrrp.addresses_of(vip):
            if address.ip in own:
                yield (
                    f"VIP {vip['name']} ({address.ip}) is this host's own address on {own[address.ip]}. "
                    "A VIP moves between hosts; choose an unused address."
                )
            elif not any(address.ip in network for network in networks):
                known = ", ".join(map(str, networks)) or "no network"
                yield (
                    f"VIP {vip['name']} ({address.ip}) is not in the network of keepalived_interface {name} ({known}). "
                    "Choose an address in it, or the interface that is in the VIP's network."
                )


def fact(facts: Mapping[str, Any], interface: str) -> Mapping[str, Any]:
    """An interface's own fact."""
    # The setup module turns every '-', '.' and ':' of an interface's name into '_' in its fact's name.
    return facts.get(re.sub(r"[-.:]", "_", interface)) or {}


def _own_addresses(facts: Mapping[str, Any]) -> Iterator[tuple[vrrp.Address, str]]:
    # The first address of an interface is the host's own; VIPs that it holds now come as secondary ones.
    for interface in facts.get("interfaces", []):
        first = fact(facts, interface).get("ipv4")
        if first:
            yield ipaddress.ip_address(first["address"]), interface


def _networks(facts: Mapping[str, Any]) -> Iterator[tuple[str, ipaddress.IPv4Network | ipaddress.IPv6Network]]:
    for interface in facts.get("interfaces", []):
        entry = fact(facts, interface)
        for own in [entry.get("ipv4"), *entry.get("ipv4_secondaries", [])]:
            if own:
                yield interface, ipaddress.ip_network(f"{own['network']}/{own['netmask']}", strict=False)
        for own in entry.get("ipv6", []):
            yield interface, ipaddress.ip_network(f"{own['address']}/{own['prefix']}", strict=False)
