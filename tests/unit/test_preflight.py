# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight says: good input gives nothing, each mistake gives its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.playbooks import vrrp_fleet
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse
from hypothesis import given
from hypothesis import strategies as st

Values = dict[str, Any]

SHA256 = "103692bd5345a4ed9f4581632ea636214fdf53e45682e200aab122c4fa674ece"
VIP: Values = {"name": "VI_1", "address": "192.168.200.200/24"}
HELD: Values = {"address": "192.168.200.200", "network": "192.168.200.0", "netmask": "255.255.255.0"}
ETH0: Values = {"ipv4": {"address": "192.168.200.11", "network": "192.168.200.0", "netmask": "255.255.255.0"}}
ETH1: Values = {"ipv4": {"address": "172.16.2.11", "network": "172.16.2.0", "netmask": "255.255.255.0"}}

FACTS: Values = {
    "distribution": "Debian",
    "distribution_version": "12.5",
    "os_family": "Debian",
    "interfaces": ["lo", "eth0", "eth1"],
    "lo": {"ipv4": {"address": "127.0.0.1", "network": "127.0.0.0", "netmask": "255.0.0.0"}},
    "eth0": ETH0,
    "eth1": ETH1,
}
KEEPALIVED: Values = {
    "hosts": ["nginx1", "nginx2"],
    "vips": [VIP],
    "vrrp_version": 3,
    "advert_int": 0.25,
    "auth_pass": "",
    "priority_base": 254,
    "priority_step": 0,
    "skew": 0.01,
    "reserved_vrids": [],
    "interface": "eth0",
    "install_method": "source",
    "version": "2.2.2",
    "checksum": SHA256,
    "checksums": {"2.2.2": SHA256, "2.2.7": SHA256},
    "source_urls": ["https://www.keepalived.org/software/keepalived-2.2.2.tar.gz"],
    "source_file": "",
}
NGINX: Values = {
    "upstreams": [{"name": "web", "servers": [{"address": "172.16.2.20", "port": 9091}, {"address": "web2.example"}]}],
    "servers": [{"name": "default", "listen": 80, "upstream": "web", "server_names": ["192.168.200.200", "*.example"]}],
}

KEY = "hex:" + "0123456789abcdef" * 4
HMAC: Values = {"keys": [{"id": 1, "key": KEY}, {"id": 2, "key": KEY[4:]}], "active_key": 2}
SIGNED: Values = {"version": "2.4.2", "checksums": {"2.4.2": SHA256}}

GOOD_KEEPALIVED: dict[str, tuple[Values, Values]] = {
    "as it is": ({}, {}),
    "VIP held by this host": ({}, {"eth0": {**ETH0, "ipv4_secondaries": [HELD]}}),
    "VIP held without its network": (
        {},
        {"eth0": {**ETH0, "ipv4_secondaries": [{**HELD, "network": "192.168.200.200", "netmask": "255.255.255.255"}]}},
    ),
    "VIP in the network of a secondary address": (
        {"vips": [{"name": "VI_1", "address": "10.9.9.9/24"}]},
        {
            "eth0": {
                **ETH0,
                "ipv4_secondaries": [{"address": "10.9.9.1", "network": "10.9.9.0", "netmask": "255.255.255.0"}],
            }
        },
    ),
    "IPv6": (
        {"vips": [{"name": "VI_6", "address": "2001:db8::c8/64"}]},
        {"eth0": {**ETH0, "ipv6": [{"address": "2001:db8::11", "prefix": "64", "scope": "global"}]}},
    ),
    "interface whose fact has another name": (
        {"interface": "br-lan.5"},
        {"interfaces": ["br-lan.5"], "br_lan.5": ETH0},
    ),
    "VLAN": ({"interface": "bond0.200"}, {"interfaces": ["bond0", "bond0.200"], "bond0.200": ETH0}),
    "interface without addresses beside": ({}, {"interfaces": ["eth0", "eth2"], "eth2": {"active": False}}),
    "VRRPv2 with a password": ({"vrrp_version": 2, "advert_int": 1, "auth_pass": "12345678"}, {}),
    "signed adverts": ({**SIGNED, "auth_hmac": HMAC}, {}),
    "signed adverts of VRRPv2": (
        {
            **SIGNED,
            "vrrp_version": 2,
            "advert_int": 1,
            "auth_hmac": {**HMAC, "active_key": "1", "mode": "receive-only"},
        },
        {},
    ),
    "no signed adverts": ({"auth_hmac": {}}, {}),
    "numbers as text": ({"advert_int": "0.25", "vrrp_version": "3", "priority_base": "254", "priority_step": "0"}, {}),
    "shortest advert_int": ({"advert_int": 0.01}, {}),
    "longest advert_int": ({"advert_int": 40.95}, {}),
    "shortest watchdog": ({"watchdog_seconds": 1.5}, {}),
    "no watchdog, no waiting": ({"watchdog_seconds": 0, "handover_seconds": 0}, {}),
    "shortest handover": ({"advert_int": 1, "handover_seconds": 4}, {}),
    "file instead of addresses": ({"source_urls": [], "source_file": "/srv/keepalived.tar.gz"}, {}),
    "package": ({"install_method": "package", "checksum": "", "source_urls": []}, {}),
    "Debian 11": ({}, {"distribution_version": "11"}),
    "Debian without a version": ({}, {"distribution_version": "n/a"}),
    "Ubuntu 20.04": ({}, {"distribution": "Ubuntu", "distribution_version": "20.04"}),
    "CentOS 7": ({}, {"distribution": "CentOS", "distribution_version": "7.9", "os_family": "RedHat"}),
    "Rocky 10": ({}, {"distribution": "Rocky", "distribution_version": "10.0", "os_family": "RedHat"}),
}


def keepalived_problems(settings: Values, facts: Values, host: str) -> list[str]:
    """Those of a host that is alone in the play."""
    return vrrp_fleet({host: {"keepalived_settings": settings, "ansible_facts": facts}}, [host])["problems"]


@pytest.mark.parametrize(("settings", "facts"), GOOD_KEEPALIVED.values(), ids=GOOD_KEEPALIVED)
def test_good_keepalived_input(settings: Values, facts: Values) -> None:
    assert keepalived_problems({**KEEPALIVED, **settings}, {**FACTS, **facts}, "nginx1") == []


SUPPORTED = "which these roles do not support. They support Debian 11, Ubuntu 20.04 and EL 7 or later."
PLATFORMS: dict[str, tuple[Values, str]] = {
    "Alpine": (
        {"distribution": "Alpine", "distribution_version": "3.20.1", "os_family": "Alpine"},
        f"nginx1: the operating system is Alpine 3.20.1, {SUPPORTED}",
    ),
    "Debian 10": ({"distribution_version": "10"}, f"nginx1: the operating system is Debian 10, {SUPPORTED}"),
    "Ubuntu 18.04": (
        {"distribution": "Ubuntu", "distribution_version": "18.04"},
        f"nginx1: the operating system is Ubuntu 18.04, {SUPPORTED}",
    ),
    "CentOS 6": (
        {"distribution": "CentOS", "distribution_version": "6.10", "os_family": "RedHat"},
        f"nginx1: the operating system is CentOS 6.10, {SUPPORTED}",
    ),
}


@pytest.mark.parametrize(("facts", "text"), PLATFORMS.values(), ids=PLATFORMS)
def test_platform(facts: Values, text: str) -> None:
    assert keepalived_problems(KEEPALIVED, {**FACTS, **facts}, "nginx1") == [text]
    assert nginx_problems(NGINX, {**FACTS, **facts}, "nginx1") == [text]


def test_platform_without_facts() -> None:
    assert nginx_problems(NGINX, {}, "nginx1") == [f"nginx1: the operating system is unknown , {SUPPORTED}"]


UNSAFE = (
    "keepalived_auth_pass has a space, quote, brace, '#' or '!' in it, which keepalived.conf cannot hold. Use others."
)
WHOLE_SECONDS = "but VRRPv2 counts whole seconds. Set it to 1 or more, or keepalived_vrrp_version to 3."
KEEPALIVED_PROBLEMS: dict[str, tuple[Values, Values, list[str]]] = {
    "host is no member": (
        {"hosts": ["nginx8", "nginx9"]},
        {},
        [
            "keepalived_hosts (nginx8, nginx9) does not name this host. It lists all members of the cluster, the same "
            "on each; set it in the load balancers' group_vars."
        ],
    ),
    "no members": (
        {"hosts": []},
        {},
        [
            "keepalived_hosts (empty) does not name this host. It lists all members of the cluster, the same "
            "on each; set it in the load balancers' group_vars."
        ],
    ),
    "VRRPv2 below a second": ({"vrrp_version": 2}, {}, [f"keepalived_advert_int is 0.25, {WHOLE_SECONDS}"]),
    "VRRPv2 with a fraction": (
        {"vrrp_version": 2, "advert_int": 1.5},
        {},
        [f"keepalived_advert_int is 1.5, {WHOLE_SECONDS}"],
    ),
    "advert_int too short": (
        {"advert_int": 0.009},
        {},
        ["keepalived_advert_int is 0.009. It must be 0.01 to 40.95 seconds."],
    ),
    "advert_int is 0": ({"advert_int": 0}, {}, ["keepalived_advert_int is 0. It must be 0.01 to 40.95 seconds."]),
    "advert_int too long": (
        {"advert_int": 41},
        {},
        ["keepalived_advert_int is 41. It must be 0.01 to 40.95 seconds."],
    ),
    "VRRPv3 with a password": (
        {"auth_pass": "s3cret"},
        {},
        [
            "keepalived_auth_pass is set, but VRRPv3 has no authentication (RFC 5798). "
            "Remove it, or set keepalived_vrrp_version to 2."
        ],
    ),
    "long password": (
        {"vrrp_version": 2, "advert_int": 1, "auth_pass": "123456789"},
        {},
        ["keepalived_auth_pass has 9 characters; VRRPv2 carries 8 and drops the rest. Use 8 characters at most."],
    ),
    **{
        f"password with {character!r}": (
            {"vrrp_version": 2, "advert_int": 1, "auth_pass": f"s3{character}et"},
            {},
            [UNSAFE],
        )
        for character in " \t\n\"'#!{}"
    },
    "a watchdog that is faster than the signs of life": (
        {"watchdog_seconds": 1},
        {},
        [
            "keepalived_watchdog_seconds is 1, but keepalived shows a sign of life once a second. "
            "Set it to 2 or more, or to 0 to turn the watchdog off."
        ],
    ),
    "a handover that is over before a takeover": (
        {"advert_int": 2, "handover_seconds": 5},
        {},
        [
            "keepalived_handover_seconds is 5, but another host takes up to 4 advert intervals (8 s) to take the VIPs over. "
            "Set it to 8 or more, or to 0 to stop without waiting."
        ],
    ),
    "unknown checksum": (
        {"version": "9.9.9", "checksum": ""},
        {},
        [
            "keepalived_version is 9.9.9, which has no known checksum. "
            "Set keepalived_checksum to the sha256 of its tarball, or choose one of 2.2.2, 2.2.7."
        ],
    ),
    "checksum in upper case": (
        {"checksum": SHA256.upper()},
        {},
        [
            f"keepalived_checksum is '{SHA256.upper()}', which is no sha256. "
            "It has 64 hexadecimal digits, in lower case."
        ],
    ),
    "checksum too short": (
        {"checksum": "abc123"},
        {},
        ["keepalived_checksum is 'abc123', which is no sha256. It has 64 hexadecimal digits, in lower case."],
    ),
    "no source": (
        {"source_urls": []},
        {},
        [
            "keepalived_source_urls is empty and keepalived_source_file is not set. "
            "Name a place to get the tarball from."
        ],
    ),
    "no VIP": (
        {"vips": []},
        {},
        ["keepalived_vips is empty. Give at least one VIP, e.g. [{name: VI_1, address: 192.168.200.200/24}]."],
    ),
    "VIPs that cannot be planned": (
        {"vips": [VIP, VIP]},
        {},
        [
            "keepalived_vips[1].name makes VI_1 the name of a VIP, as keepalived_vips[0].name does. Give each entry a name of its own.",
            "keepalived_vips[1].address of VI_1 is 192.168.200.200, which VI_1 has as well. Remove one of the two.",
        ],
    ),
    "missing interface": (
        {"interface": "eth9"},
        {},
        [
            "keepalived_interface is 'eth9', which this host lacks; it has eth0, eth1, lo. "
            "Set it to the one that is to carry the VIPs."
        ],
    ),
    "no default route": (
        {"interface": ""},
        {},
        [
            "keepalived_interface is '', which this host lacks; it has eth0, eth1, lo. "
            "Set it to the one that is to carry the VIPs."
        ],
    ),
    "VIP is this host's own": (
        {"vips": [{"name": "VI_1", "address": "192.168.200.11/24"}]},
        {},
        [
            "keepalived_vips[0].address of VI_1 is 192.168.200.11, this host's own address on eth0. "
            "A VIP moves between hosts; choose an unused address."
        ],
    ),
    "VIP is this host's own on another interface": (
        {"vips": [{"name": "VI_1", "address": "172.16.2.11/24"}]},
        {},
        [
            "keepalived_vips[0].address of VI_1 is 172.16.2.11, this host's own address on eth1. "
            "A VIP moves between hosts; choose an unused address."
        ],
    ),
    "VIP in another interface's network": (
        {"vips": [VIP, {"name": "VI_2", "address": "172.16.2.200/24"}]},
        {},
        [
            "keepalived_vips[1].address of VI_2 is 172.16.2.200, which is not in the network of keepalived_interface eth0 (192.168.200.0/24). "
            "Choose an address in it, or the interface that is in the VIP's network."
        ],
    ),
    "VIP outside two networks": (
        {"vips": [{"name": "VI_1", "address": "10.0.0.1/24"}]},
        {"eth0": {**ETH0, "ipv6": [{"address": "2001:db8::11", "prefix": "64"}]}},
        [
            "keepalived_vips[0].address of VI_1 is 10.0.0.1, which is not in the network of keepalived_interface eth0 "
            "(192.168.200.0/24, 2001:db8::/64). "
            "Choose an address in it, or the interface that is in the VIP's network."
        ],
    ),
    "interface without an address": (
        {"interface": "eth2"},
        {"interfaces": ["eth0", "eth2"], "eth2": {}},
        [
            "keepalived_vips[0].address of VI_1 is 192.168.200.200, which is not in the network of keepalived_interface eth2 (no network). "
            "Choose an address in it, or the interface that is in the VIP's network."
        ],
    ),
    "several at once": (
        {"auth_pass": "s3cret", "checksum": "abc123", "vips": []},
        {},
        [
            "keepalived_auth_pass is set, but VRRPv3 has no authentication (RFC 5798). "
            "Remove it, or set keepalived_vrrp_version to 2.",
            "keepalived_checksum is 'abc123', which is no sha256. It has 64 hexadecimal digits, in lower case.",
            "keepalived_vips is empty. Give at least one VIP, e.g. [{name: VI_1, address: 192.168.200.200/24}].",
        ],
    ),
}


@pytest.mark.parametrize(("settings", "facts", "texts"), KEEPALIVED_PROBLEMS.values(), ids=KEEPALIVED_PROBLEMS)
def test_keepalived_problem(settings: Values, facts: Values, texts: list[str]) -> None:
    found = keepalived_problems({**KEEPALIVED, **settings}, {**FACTS, **facts}, "nginx1")
    assert found == [f"nginx1: {text}" for text in texts]


def test_what_is_wrong_with_a_plan_is_said_once_of_the_whole_cluster() -> None:
    wide = {
        **KEEPALIVED,
        "priority_base": 150,
        "priority_step": 75,
        "vips": [VIP, {**VIP, "name": "VI_2", "address": "192.168.200.7/24"}],
    }
    assert keepalived_problems(wide, FACTS, "nginx1") == [
        "nginx1, nginx2: keepalived_priority_base and _step make priorities 150 to 75, which leave no room for a failed host to rank below "
        "a healthy one (the last would fall to -1). Use a smaller keepalived_priority_step or a higher keepalived_priority_base."
    ]


TYPES: dict[str, tuple[Values, str]] = {
    "a number": (
        {"advert_int": "soon"},
        "keepalived_advert_int is 'soon', which is no number. Give it a number, such as 0.25.",
    ),
    "infinity": ({"skew": float("inf")}, "keepalived_skew is inf, which is no number. Give it a number, such as 0.01."),
    "a whole number": (
        {"priority_step": 1.5},
        "keepalived_priority_step is 1.5, which is no whole number. Give it a whole number, such as 0.",
    ),
    "a whole number in a list": (
        {"reserved_vrids": [51, "x"]},
        "keepalived_reserved_vrids[1] is 'x', which is no whole number. Give it a whole number, such as 0.",
    ),
    "true or false": (
        {"unicast": "perhaps"},
        "keepalived_unicast is 'perhaps', which is neither true nor false. Set it to true or false.",
    ),
    "a list": ({"unicast_peers": "192.0.2.2"}, "keepalived_unicast_peers is no list. Write a list, also of one entry."),
    "an entry": ({"vips": [VIP, "VI_2"]}, "keepalived_vips[1] is no dictionary. Write names and their values."),
    "a pin": (
        {"vips": [{**VIP, "priorities": ["nginx1"]}]},
        "keepalived_vips[0].priorities of VI_1 is no dictionary. Write names and their values.",
    ),
    "a VRID": (
        {"vips": [{**VIP, "virtual_router_id": "x"}]},
        "keepalived_vips[0].virtual_router_id of VI_1 is 'x', which is no whole number. Give it a whole number, from 1 to 255.",
    ),
}


@pytest.mark.parametrize(("settings", "text"), TYPES.values(), ids=TYPES)
def test_a_value_of_another_type(settings: Values, text: str) -> None:
    assert f"nginx1: {text}" in keepalived_problems({**KEEPALIVED, **settings}, FACTS, "nginx1")


def test_a_secret_is_in_no_representation() -> None:
    settings, _problems = parse({**KEEPALIVED, "auth_pass": "s3cret", "auth_hmac": HMAC})
    assert settings.auth_pass == "s3cret" and settings.auth_hmac == HMAC
    assert "s3cret" not in repr(settings) and KEY not in repr(settings)


@pytest.mark.parametrize("settings", [case[0] for case in KEEPALIVED_PROBLEMS.values() if case[0].get("auth_pass")])
def test_password_is_in_no_sentence(settings: Values) -> None:
    for text in keepalived_problems({**KEEPALIVED, **settings}, FACTS, "nginx1"):
        assert settings["auth_pass"] not in text


WRITE = "Write hex: and 64 hexadecimal digits, such as openssl rand -hex 32 prints."
HMAC_PROBLEMS: dict[str, tuple[Values, list[str]]] = {
    "a password as well": (
        {"vrrp_version": 2, "advert_int": 1, "auth_pass": "12345678", "auth_hmac": HMAC},
        ["keepalived_auth_pass and keepalived_auth_hmac are both set, but keepalived takes one of them. Remove one."],
    ),
    "an active key that is none": (
        {"auth_hmac": {**HMAC, "active_key": 3}},
        ["keepalived_auth_hmac.active_key is 3, which is no key's id (1, 2). Name the id of a key."],
    ),
    "no keys": (
        {"auth_hmac": {"keys": [], "active_key": 3}},
        ["keepalived_auth_hmac.active_key is 3, which is no key's id (none). Name the id of a key."],
    ),
    "an id twice": (
        {"auth_hmac": {**HMAC, "keys": [*HMAC["keys"], {"id": "2", "key": KEY}]}},
        ["keepalived_auth_hmac.keys has the id 2 twice. Number each key, from 1 to 255."],
    ),
    "a window without clocks": (
        {"auth_hmac": {**HMAC, "anti_replay": "monotonic", "time_window": 5}},
        [
            "keepalived_auth_hmac.time_window is 5, but anti_replay is monotonic, which looks at no clock. "
            "Remove it, or set anti_replay to time."
        ],
    ),
    "a key that is not hexadecimal": (
        {"auth_hmac": {"keys": [{"id": 1, "key": f"{KEY}xy"}], "active_key": 1}},
        [f"keepalived_auth_hmac.keys[0].key has other than hexadecimal digits behind hex:. {WRITE}"],
    ),
    "a key with a space": (
        {"auth_hmac": {"keys": [{"id": 1, "key": f"{KEY} {KEY}"}], "active_key": 1}},
        [
            "keepalived_auth_hmac.keys[0].key has a space, quote, brace, '#', '!' or the like in it, "
            f"which keepalived.conf cannot hold. {WRITE}"
        ],
    ),
    "a key for a list": (
        {"auth_hmac": {"keys": KEY, "active_key": 1}},
        ["keepalived_auth_hmac.keys is no list. Write a list, each entry with id and key."],
    ),
    "a key for an entry": (
        {"auth_hmac": {"keys": [KEY], "active_key": 1}},
        [
            "keepalived_auth_hmac.keys[0] is no dictionary. Write directives and their values, such as id.",
            "keepalived_auth_hmac.active_key is 1, which is no key's id (none). Name the id of a key.",
        ],
    ),
    "a key for the whole": (
        {"auth_hmac": KEY},
        ["keepalived_auth_hmac is no dictionary. Write directives and their values, such as keys."],
    ),
    "a key for an id": (
        {"auth_hmac": {"keys": [{"id": KEY, "key": KEY}], "active_key": KEY}},
        [
            "keepalived_auth_hmac.keys[0].id is no whole number. Number each key, from 1 to 255.",
            "keepalived_auth_hmac.active_key is no whole number. Name the id of a key.",
        ],
    ),
    "an id that is too high": (
        {"auth_hmac": {"keys": [{"id": 256, "key": KEY}], "active_key": 256}},
        [
            "keepalived_auth_hmac.keys[0].id is not 1 to 255. Number each key, from 1 to 255.",
            "keepalived_auth_hmac.active_key is not 1 to 255. Name the id of a key.",
        ],
    ),
    "nothing of what is needed": (
        {"auth_hmac": {"mode": "enforce"}},
        [
            "keepalived_auth_hmac has no keys. Write a list, each entry with id and key.",
            "keepalived_auth_hmac has no active_key. Name the id of a key.",
        ],
    ),
    "an unknown mode": (
        {"auth_hmac": {**HMAC, "mode": "enforced"}},
        [
            "keepalived_auth_hmac.mode is 'enforced', which is not one of enforce, permissive, receive-only. "
            "Give it a value such as 'enforce'."
        ],
    ),
}


@pytest.mark.parametrize(("settings", "texts"), HMAC_PROBLEMS.values(), ids=HMAC_PROBLEMS)
def test_signing_problem(settings: Values, texts: list[str]) -> None:
    found = keepalived_problems({**KEEPALIVED, **SIGNED, **settings}, FACTS, "nginx1")
    assert found == [f"nginx1: {text}" for text in texts]
    assert KEY[4:] not in "".join(found)


KEYS = st.text("0123456789abcdefxyz:/ #{}\"'!\n", min_size=6, max_size=140)


@given(KEYS, st.sampled_from(["", "hex:", "file:", "file:/"]), st.sampled_from(["key", "keys", "entry", "id", "all"]))
def test_no_key_is_in_a_sentence(text: str, kind: str, place: str) -> None:
    key = f"{kind}{text}"
    entry = {"id": key if place == "id" else 1, "key": key}
    keys = {"keys": key, "entry": [key]}.get(place, [entry, entry])
    hmac = key if place == "all" else {"keys": keys, "active_key": key if place == "id" else 2}
    found = "".join(keepalived_problems({**KEEPALIVED, "version": "2.3.3", "auth_hmac": hmac}, FACTS, "nginx1"))
    assert "keepalived_auth_hmac" in found
    assert len(text.strip()) < 6 or (key not in found and repr(key)[1:-1] not in found)


UPSTREAM: Values = NGINX["upstreams"][0]
SERVER: Values = NGINX["servers"][0]
NGINX_PROBLEMS: dict[str, tuple[Values, list[str]]] = {
    "as it is": ({}, []),
    "nothing to serve": ({"upstreams": [], "servers": []}, []),
    "server without names": ({"servers": [{"name": "default", "upstream": "web", "server_names": None}]}, []),
    "IPv6 server name": ({"servers": [{**SERVER, "server_names": ["[2001:db8::c8]", "_", "~^www[0-9]$"]}]}, []),
    "IPv6 upstream": ({"upstreams": [{"name": "web", "servers": [{"address": "2001:db8::20"}]}]}, []),
    "upstream's name": (
        {"upstreams": [UPSTREAM, {**UPSTREAM, "name": "web;app"}]},
        [
            "nginx_upstreams[1].name is 'web;app', which is not a name of letters, digits, '_', '-' and '.' that begins with a letter or digit. Give it a value such as web.",
        ],
    ),
    "upstream without a name": (
        {"upstreams": [UPSTREAM, {"servers": UPSTREAM["servers"]}]},
        [
            "nginx_upstreams[1].name is not set. Give it a value such as web.",
        ],
    ),
    "upstream twice": (
        {"upstreams": [UPSTREAM, UPSTREAM]},
        [
            "nginx_upstreams[1].name is 'web', as that of nginx_upstreams[0] is. Give each one of its own.",
        ],
    ),
    "upstream without servers": (
        {"upstreams": [{"name": "web", "servers": []}]},
        [
            "nginx_upstreams[0].servers is not set. List them as [{address: 172.16.2.20, port: 9091}], or put hosts into the group that they come from.",
        ],
    ),
    "upstream's address": (
        {"upstreams": [{"name": "web", "servers": [{"address": "web 1;"}]}]},
        [
            "nginx_upstreams[0].servers[0].address is 'web 1;', which is not an IP address or a host name. Give it a value such as 172.16.2.20.",
        ],
    ),
    "upstream without an address": (
        {"upstreams": [{"name": "web", "servers": [{"port": 9091}]}]},
        [
            "nginx_upstreams[0].servers[0].address is not set. Give it a value such as 172.16.2.20.",
        ],
    ),
    "every option of a server": (
        {
            "upstreams": [
                {
                    "name": "web",
                    "balance": "hash",
                    "servers": [
                        {
                            "address": "web1",
                            "port": 65535,
                            "weight": 65535,
                            "max_fails": 0,
                            "fail_timeout": 86400,
                            "max_conns": 0,
                        },
                        {"address": "web1", "port": 81, "weight": 1, "fail_timeout": 1, "down": True},
                    ],
                }
            ]
        },
        [],
    ),
    "a backup": (
        {"upstreams": [{"name": "web", "servers": [{"address": "web1"}, {"address": "web2", "backup": True}]}]},
        [],
    ),
    "a backup of a hash": (
        {
            "upstreams": [
                {
                    "name": "web",
                    "balance": "hash",
                    "servers": [{"address": "web1"}, {"address": "web2", "backup": True}],
                }
            ]
        },
        [
            "nginx_upstreams[0].servers[1].backup is set, and the balance hash knows no backups. Use round_robin or least_conn.",
        ],
    ),
    "server of an upstream twice": (
        {"upstreams": [{"name": "web", "servers": [{"address": "web1"}, {"address": "web1", "port": 80}]}]},
        [
            "nginx_upstreams[0].servers[1] is web1:80, which web has already. Give one a higher weight instead.",
        ],
    ),
    "options out of bounds": (
        {"upstreams": [{"name": "web", "servers": [{"address": "web1", "port": 65536, "weight": 0, "max_fails": -1}]}]},
        [
            "nginx_upstreams[0].servers[0].port is 65536, which is not a whole number from 1 to 65535. Give it a value such as 9091.",
            "nginx_upstreams[0].servers[0].weight is 0, which is not a whole number from 1 to 65535. Give it a value such as 2.",
            "nginx_upstreams[0].servers[0].max_fails is -1, which is not a whole number from 0 to 65535. Give it a value such as 3.",
        ],
    ),
    "nobody takes requests": (
        {
            "upstreams": [
                {"name": "web", "servers": [{"address": "web1", "down": True}, {"address": "web2", "backup": True}]}
            ]
        },
        [
            "nginx_upstreams[0].servers are all down or backups. Let one of them take requests.",
        ],
    ),
    "a backend is out": (
        {
            "upstreams": [{"name": "web", "servers": [{"name": "w", "address": "web1"}, {"address": "web2"}]}],
            "backends_out": ["w"],
        },
        [],
    ),
    "all backends are out": (
        {
            "upstreams": [{"name": "web", "servers": [{"name": "w", "address": "web1"}, {"address": "web2"}]}],
            "backends_out": ["w", "web2"],
        },
        ["nginx_backends_out (w, web2) leaves the upstream web without a server. Leave one of its servers in."],
    ),
    "an unknown backend is out": (
        {"backends_out": ["w"]},
        [
            "nginx_backends_out names 'w', which is no server's name or address in nginx_upstreams. Correct or remove it."
        ],
    ),
    "two servers for one name": (
        {"servers": [{"name": "default", "upstream": "web"}, {"name": "other", "upstream": "web"}]},
        [
            "nginx_servers[1] answers for _ on port 80, as nginx_servers[0] (default) does. Give them different server_names or ports.",
        ],
    ),
    "two servers for one name in other letters": (
        {
            "servers": [
                {**SERVER, "server_names": ["www.example.com"]},
                {**SERVER, "name": "other", "server_names": ["b.example.com", "WWW.example.com"]},
            ]
        },
        [
            "nginx_servers[1] answers for WWW.example.com on port 80, as nginx_servers[0] (default) does. Give them different server_names or ports.",
        ],
    ),
    "two servers for one name on two ports": ({"servers": [SERVER, {**SERVER, "name": "other", "listen": 81}]}, []),
    "a pattern with syntax of nginx": ({"servers": [{**SERVER, "server_names": [r"~^x{2};\d$"]}]}, []),
    "a pattern with a new line": (
        {"servers": [{**SERVER, "server_names": ["~x\ny"]}]},
        [
            "nginx_servers[0].server_names[0] is '~x\\ny', which is not an address, a host name or a pattern. Give it a value such as www.example.com.",
        ],
    ),
    "server without an answer": (
        {"servers": [{"name": "default"}]},
        [
            "nginx_servers[0] has none of upstream, locations and redirect. Give it one of them.",
        ],
    ),
    "redirect and upstream": (
        {"servers": [{**SERVER, "redirect": "/a"}]},
        [
            "nginx_servers[0].redirect stands beside upstream, and sends every request elsewhere. Remove redirect, or upstream.",
        ],
    ),
    "port of a server": (
        {"servers": [{**SERVER, "listen": [80, 0]}]},
        [
            "nginx_servers[0].listen[1] is 0, which is not a whole number from 1 to 65535. Give it a value such as 8080.",
        ],
    ),
    "upstream of a location": (
        {"servers": [{"name": "default", "locations": [{"path": "/", "upstream": "app"}]}]},
        [
            "nginx_servers[0].locations[0].upstream is 'app', which nginx_upstreams lacks; it has web. Name one of these, or add it there.",
        ],
    ),
    "path of a location": (
        {
            "servers": [
                {**SERVER, "locations": [{"path": "a", "status": 200}, {"path": "a$", "match": "regex", "status": 200}]}
            ]
        },
        [
            "nginx_servers[0].locations[0].path is 'a', which does not begin with '/'. Begin it with '/', or give it a match by regular expression.",
        ],
    ),
    "location twice": (
        {
            "servers": [
                {
                    **SERVER,
                    "locations": [
                        {"path": "/", "status": 200},
                        {"path": "/a", "status": 200},
                        {"path": "/a", "match": "prefix_first", "status": 200},
                        {"path": "/a", "match": "exact", "status": 200},
                    ],
                }
            ]
        },
        [
            "nginx_servers[0].locations[0].path is /, which another location of default has. Make one of them.",
            "nginx_servers[0].locations[2].path is /a, which another location of default has. Make one of them.",
        ],
    ),
    "location without an answer": (
        {"servers": [{**SERVER, "locations": [{"path": "/a"}]}]},
        [
            "nginx_servers[0].locations[0] has none of upstream, root, redirect and status. Give it one of them.",
        ],
    ),
    "location with two answers": (
        {"servers": [{**SERVER, "locations": [{"path": "/a", "root": "/srv", "status": 200}]}]},
        [
            "nginx_servers[0].locations[0] has root and status, of which only one can be. Leave one of them.",
        ],
    ),
    "prefix of nothing": (
        {"servers": [{**SERVER, "locations": [{"path": "/a", "root": "/srv", "strip_prefix": True}]}]},
        [
            "nginx_servers[0].locations[0].strip_prefix needs upstream, which is not set. Set upstream, or remove strip_prefix.",
        ],
    ),
    "rules for answers at once": (
        {
            "servers": [
                {
                    **SERVER,
                    "deny": ["10.0.0.1"],
                    "locations": [
                        {"path": "/a", "status": 200, "allow": ["10.0.0.0/8"], "connections": 1},
                        {"path": "/b", "redirect": "/a", "basic_auth": "staff", "response_headers": {"X-A": "a"}},
                    ],
                },
                {"name": "other", "listen": 81, "redirect": "/a", "requests_per_second": 1},
            ],
            "users": [{"name": "staff", "members": [{"name": "a", "hash": "$6$a$b"}]}],
        },
        [
            "nginx_servers[0].locations[0].status stands beside allow and connections, which nginx does not heed where it answers at once. Remove status, or allow and connections.",
            "nginx_servers[0].locations[1].redirect stands beside basic_auth, which nginx does not heed where it answers at once. Remove redirect, or basic_auth.",
            "nginx_servers[1].redirect stands beside requests_per_second, which nginx does not heed where it answers at once. Remove redirect, or requests_per_second.",
        ],
    ),
    "strip_prefix of half a name": (
        {
            "servers": [
                {
                    **SERVER,
                    "locations": [
                        {"path": "/a", "upstream": "web", "strip_prefix": True},
                        {"path": "/b", "upstream": "web", "strip_prefix": True, "match": "exact"},
                        {"path": "/c/", "upstream": "web", "strip_prefix": True, "match": "prefix_first"},
                    ],
                }
            ]
        },
        [
            "nginx_servers[0].locations[0].strip_prefix would make /a/a to //a and /aa to /a. Let its path end in '/'.",
        ],
    ),
    "status of a location": (
        {"servers": [{**SERVER, "locations": [{"path": "/a", "status": 1000}]}]},
        [
            "nginx_servers[0].locations[0].status is 1000, which is not a whole number from 100 to 599. Give it a value such as 204.",
        ],
    ),
    "header's name": (
        {"servers": [{**SERVER, "response_headers": {"X Y": "a", "X-Z": "a; }"}}]},
        [
            "nginx_servers[0].response_headers is {'X Y': 'a', 'X-Z': 'a; }'}, which is not a dictionary of headers, words of letters, digits and '-' with values of one line. Give it a value such as {'X-Frame-Options': 'DENY'}.",
        ],
    ),
    "header of two lines": (
        {
            "servers": [
                {**SERVER, "locations": [{"path": "/a", "upstream": "web", "request_headers": {"X": "a\nY: b"}}]}
            ]
        },
        [
            "nginx_servers[0].locations[0].request_headers is {'X': 'a\\nY: b'}, which is not a dictionary of headers, words of letters, digits and '-' with values of one line. Give it a value such as {'X-Site': 'main'}.",
        ],
    ),
    "networks": (
        {"servers": [{**SERVER, "allow": ["10.0.0.1/8", "::1", "all;"], "trusted_proxies": ["proxy.example.com"]}]},
        [
            "nginx_servers[0].trusted_proxies[0] is 'proxy.example.com', which is not an address or a network. Give it a value such as 10.0.0.0/8.",
            "nginx_servers[0].allow[2] is 'all;', which is not an address or a network. Give it a value such as 172.16.2.0/24.",
        ],
    ),
    "size of a body": (
        {"servers": [{**SERVER, "body_size": "10 MB"}]},
        [
            "nginx_servers[0].body_size is '10 MB', which is not a number of bytes. Give it a value such as 10m.",
        ],
    ),
    "negative numbers": (
        {"servers": [{**SERVER, "requests_per_second": -1, "connections": -2}]},
        [
            "nginx_servers[0].requests_per_second is -1, which is not 0 or a rate of one a minute (0.017) or more, a number from 0 to 1000000. Give it a value such as 20.",
            "nginx_servers[0].connections is -2, which is not a whole number from 0 to 65535. Give it a value such as 10.",
        ],
    ),
    "control characters": (
        {
            "servers": [
                {"name": "default", "redirect": "/a\nb"},
                {**SERVER, "name": "b", "locations": [{"path": "/a", "status": 200, "text": "\0"}]},
            ]
        },
        [
            "nginx_servers[0].redirect is '/a\\nb', which is not one line without control characters. Give it a value such as https://$host$request_uri.",
            "nginx_servers[1].locations[0].text is '\\x00', which is not text without control characters. Give it a value such as ok.",
        ],
    ),
    "server's name": (
        {"servers": [{**SERVER, "name": "../default"}]},
        [
            "nginx_servers[0].name is '../default', which is not a name of letters, digits, '_', '-' and '.' that begins with a letter or digit. Give it a value such as www.",
        ],
    ),
    "server twice": (
        {"servers": [SERVER, SERVER]},
        [
            "nginx_servers[1].name is 'default', as that of nginx_servers[0] is. Give each one of its own.",
        ],
    ),
    "unknown upstream": (
        {"servers": [{**SERVER, "upstream": "app"}]},
        [
            "nginx_servers[0].upstream is 'app', which nginx_upstreams lacks; it has web. Name one of these, or add it there.",
        ],
    ),
    "no upstream": (
        {"upstreams": []},
        [
            "nginx_servers[0].upstream is 'web', which nginx_upstreams lacks; it has none. Name one of these, or add it there.",
        ],
    ),
    "server name": (
        {"servers": [{**SERVER, "server_names": ["good.example", "bad;example"]}]},
        [
            "nginx_servers[0].server_names[1] is 'bad;example', which is not an address, a host name or a pattern. Give it a value such as www.example.com.",
        ],
    ),
}


DB: Values = {"name": "db", "protocol": "tcp", "servers": [{"address": "172.16.2.30", "port": 5432}]}
DNS: Values = {"name": "dns", "protocol": "udp", "servers": [{"address": "172.16.2.31", "port": 53}]}
STREAM: Values = {"name": "db", "listen": [5432], "upstream": "db"}
TLS = {"certificate_file": "/etc/ssl/a.crt", "key_file": "/etc/ssl/a.key"}
SNI = [{"names": ["www.example.com"], "upstream": "db"}]
STREAM_PROBLEMS: dict[str, tuple[Values, list[str]]] = {
    "as it is": ({}, []),
    "everything": (
        {
            "streams": [
                {**STREAM, "proxy_protocol": True, "trusted_proxies": ["10.0.0.0/8"], "connections": 1, "tls": TLS},
                {**STREAM, "name": "dns", "upstream": "dns", "responses": 0, "idle_timeout": 0.5, "allow": ["::1"]},
                {"name": "sni", "listen": [443], "sni": [{"names": [".a", "*.b", "c.*", "d-e.f_g"], "upstream": "db"}]},
            ]
        },
        [],
    ),
    "the module is there": ({"modules": [], "modules_here": ["stream"]}, []),
    "no module": (
        {"modules": ["http_geoip2"]},
        ["nginx_modules (http_geoip2) lacks stream, which nginx_streams needs. Add it."],
    ),
    "module's name": (
        {"modules": ["stream", "libnginx-mod-http-geoip"]},
        [
            "nginx_modules[1] is 'libnginx-mod-http-geoip', which is not a module's name without the package's prefix. Give it a value such as stream.",
        ],
    ),
    "balance by address": (
        {"upstreams": [UPSTREAM, {**DB, "balance": "ip_hash"}]},
        [
            "nginx_upstreams[1].balance is ip_hash, which nginx lacks for tcp. Use hash, which goes by the client's address there.",
        ],
    ),
    "keepalive": (
        {"upstreams": [UPSTREAM, {**DB, "keepalive": 5}]},
        [
            "nginx_upstreams[1].keepalive is 5, which nginx lacks for tcp. Remove it.",
        ],
    ),
    "no port": (
        {"upstreams": [UPSTREAM, {**DB, "servers": [{"address": "db1"}]}]},
        [
            "nginx_upstreams[1].servers[0].port is not set, and with tcp there is none by default. Set it.",
        ],
    ),
    "server of a stream's upstream": (
        {"servers": [{**SERVER, "upstream": "db", "locations": [{"path": "/a", "upstream": "dns"}]}]},
        [
            "nginx_servers[0].upstream is db, which speaks tcp. Name it in nginx_streams instead, and here another or no server.",
            "nginx_servers[0].locations[0].upstream is dns, which speaks udp. Name it in nginx_streams instead, and here another or no server.",
        ],
    ),
    "stream of a server's upstream": (
        {"streams": [{**STREAM, "upstream": "web", "sni": SNI}]},
        [
            "nginx_streams[0].upstream is web, which speaks http. Set its protocol to tcp or udp, or name it in nginx_servers instead.",
        ],
    ),
    "unknown upstreams": (
        {"streams": [{**STREAM, "upstream": "a", "sni": [{"names": ["n"], "upstream": "b"}]}]},
        [
            "nginx_streams[0].upstream is 'a', which nginx_upstreams lacks; it has web, db, dns. Name one of these, or add it there.",
            "nginx_streams[0].sni[0].upstream is 'b', which nginx_upstreams lacks; it has web, db, dns. Name one of these, or add it there.",
        ],
    ),
    "name": (
        {"streams": [{**STREAM, "name": "d/b"}]},
        [
            "nginx_streams[0].name is 'd/b', which is not a name of letters, digits, '_', '-' and '.' that begins with a letter or digit. Give it a value such as db.",
        ],
    ),
    "stream twice": (
        {"streams": [STREAM, {**STREAM, "listen": [5433]}]},
        [
            "nginx_streams[1].name is 'db', as that of nginx_streams[0] is. Give each one of its own.",
        ],
    ),
    "nothing to do": (
        {"streams": [{"name": "db", "listen": []}]},
        [
            "nginx_streams[0].listen is not set. Give it a value such as [5432].",
            "nginx_streams[0] has none of upstream and sni. Give it one of them.",
        ],
    ),
    "TCP's options with UDP": (
        {"streams": [{**STREAM, "upstream": "dns", "tls": TLS, "proxy_protocol": True, "proxy_protocol_out": True}]},
        [
            "nginx_streams[0].tls is TCP's, and the upstream dns speaks udp. Remove it.",
            "nginx_streams[0].proxy_protocol is TCP's, and the upstream dns speaks udp. Remove it.",
            "nginx_streams[0].proxy_protocol_out is TCP's, and the upstream dns speaks udp. Remove it.",
        ],
    ),
    "names with UDP": (
        {"streams": [{**STREAM, "upstream": "dns", "sni": SNI}]},
        [
            "nginx_streams[0].sni stands beside the upstream dns, which speaks udp. Names are in TLS over TCP; use tcp.",
        ],
    ),
    "UDP's option with TCP": (
        {"streams": [{**STREAM, "responses": 1}]},
        [
            "nginx_streams[0].responses is 1, which are counted with UDP only. Remove it.",
        ],
    ),
    "TLS ends and goes on": (
        {"streams": [{**STREAM, "tls": TLS, "sni": SNI}]},
        [
            "nginx_streams[0].tls stands beside sni, which passes TLS through where tls ends it. Remove tls, or sni.",
        ],
    ),
    "trust without a word": (
        {"streams": [{**STREAM, "trusted_proxies": ["10.0.0.1"]}]},
        [
            "nginx_streams[0].trusted_proxies needs proxy_protocol, which is not set. Set proxy_protocol, or remove trusted_proxies.",
        ],
    ),
    "names asked for": (
        {"streams": [{**STREAM, "sni": [{**SNI[0], "names": ["A.example", "default", "~a", "a.EXAMPLE"]}]}]},
        [
            "nginx_streams[0].sni[0].names[1] is 'default', which is not a host name, which may begin with '*.' or '.' or end with '.*'. Give it a value such as www.example.com.",
            "nginx_streams[0].sni[0].names[2] is '~a', which is not a host name, which may begin with '*.' or '.' or end with '.*'. Give it a value such as www.example.com.",
            "nginx_streams[0].sni[0].names has a.example, which is there already. Remove one.",
        ],
    ),
    "no names": (
        {"streams": [{**STREAM, "sni": [{"names": [], "upstream": "db"}]}]},
        [
            "nginx_streams[0].sni[0].names is not set. Give it a value such as ['www.example.com'].",
        ],
    ),
    "networks": (
        {"streams": [{**STREAM, "allow": ["all"], "deny": ["10.0.0.1"]}]},
        [
            "nginx_streams[0].allow[0] is 'all', which is not an address or a network. Give it a value such as 172.16.2.0/24.",
        ],
    ),
    "numbers": (
        {"streams": [{**STREAM, "connect_timeout": 0, "idle_timeout": -1, "connections": 0}]},
        [
            "nginx_streams[0].connections is 0, which is not a whole number from 1 to 65535. Give it a value such as 10.",
            "nginx_streams[0].connect_timeout is 0, which is not a number from 0.001 to 2000000. Give it a value such as 0.5.",
            "nginx_streams[0].idle_timeout is -1, which is not a number from 0.001 to 2000000. Give it a value such as 3600.",
        ],
    ),
    "port of a server": (
        {"streams": [{**STREAM, "listen": [80, 65536]}]},
        [
            "nginx_streams[0].listen[1] is 65536, which is not a whole number from 1 to 65535. Give it a value such as 5432.",
            "nginx_streams[0].listen has TCP port 80, which is taken by nginx_servers[0]. Give one of the two another port.",
        ],
    ),
    "port of the health endpoint": (
        {"streams": [{**STREAM, "listen": [8081]}]},
        [
            "nginx_streams[0].listen has TCP port 8081, which is taken by nginx_health_port. Give one of the two another port.",
        ],
    ),
    "port of another stream": (
        {"streams": [STREAM, {**STREAM, "name": "other", "listen": [5433, 5432, 5433]}]},
        [
            "nginx_streams[1].listen has TCP port 5432, which is taken by nginx_streams[0]. Give one of the two another port.",
            "nginx_streams[1].listen has port 5433 twice. Remove one.",
        ],
    ),
    "a port of UDP is another": (
        {"streams": [STREAM, {**STREAM, "name": "dns", "upstream": "dns", "listen": [80, 8081, 5432]}]},
        [],
    ),
    "one port of UDP": (
        {"streams": [{"name": name, "upstream": "dns", "listen": [53]} for name in ("a", "b")]},
        [
            "nginx_streams[1].listen has UDP port 53, which is taken by nginx_streams[0]. Give one of the two another port.",
        ],
    ),
}
STREAMS: Values = {
    **NGINX,
    "upstreams": [UPSTREAM, DB, DNS],
    "streams": [STREAM],
    "modules": ["stream"],
    "modules_here": [],
    "health_address": "127.0.0.1",
    "health_port": "8081",
}


@pytest.mark.parametrize(("settings", "texts"), STREAM_PROBLEMS.values(), ids=STREAM_PROBLEMS)
def test_stream_problem(settings: Mapping[str, Any], texts: list[str]) -> None:
    assert nginx_problems({**STREAMS, **settings}, FACTS, "nginx2") == [f"nginx2: {text}" for text in texts]


@pytest.mark.parametrize(("settings", "texts"), NGINX_PROBLEMS.values(), ids=NGINX_PROBLEMS)
def test_nginx_problem(settings: Mapping[str, Any], texts: list[str]) -> None:
    assert nginx_problems({**NGINX, **settings}, FACTS, "nginx2") == [f"nginx2: {text}" for text in texts]
