# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight says: good input gives nothing, each mistake gives its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.preflight import keepalived_problems, nginx_problems

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
        {"interfaces": ["br-lan.5"], "br_lan_5": ETH0},
    ),
    "interface without addresses beside": ({}, {"interfaces": ["eth0", "eth2"], "eth2": {"active": False}}),
    "VRRPv2 with a password": ({"vrrp_version": 2, "advert_int": 1, "auth_pass": "12345678"}, {}),
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
        ["keepalived_vips: Two VIPs are called VI_1. Give each entry of keepalived_vips a name of its own."],
    ),
    "priorities that cannot be planned": (
        {"priority_base": 150, "priority_step": 75},
        {},
        [
            "keepalived_vips: VIP VI_1: priorities 150 to 75 leave no room for a failed host to rank below a healthy "
            "one (the last would fall to -1). Use a smaller keepalived_priority_step or a higher base."
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
            "VIP VI_1 (192.168.200.11) is this host's own address on eth0. "
            "A VIP moves between hosts; choose an unused address."
        ],
    ),
    "VIP is this host's own on another interface": (
        {"vips": [{"name": "VI_1", "address": "172.16.2.11/24"}]},
        {},
        [
            "VIP VI_1 (172.16.2.11) is this host's own address on eth1. "
            "A VIP moves between hosts; choose an unused address."
        ],
    ),
    "VIP in another interface's network": (
        {"vips": [VIP, {"name": "VI_2", "address": "172.16.2.200/24"}]},
        {},
        [
            "VIP VI_2 (172.16.2.200) is not in the network of keepalived_interface eth0 (192.168.200.0/24). "
            "Choose an address in it, or the interface that is in the VIP's network."
        ],
    ),
    "VIP outside two networks": (
        {"vips": [{"name": "VI_1", "address": "10.0.0.1/24"}]},
        {"eth0": {**ETH0, "ipv6": [{"address": "2001:db8::11", "prefix": "64"}]}},
        [
            "VIP VI_1 (10.0.0.1) is not in the network of keepalived_interface eth0 "
            "(192.168.200.0/24, 2001:db8::/64). "
            "Choose an address in it, or the interface that is in the VIP's network."
        ],
    ),
    "interface without an address": (
        {"interface": "eth2"},
        {"interfaces": ["eth0", "eth2"], "eth2": {}},
        [
            "VIP VI_1 (192.168.200.200) is not in the network of keepalived_interface eth2 (no network). "
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


@pytest.mark.parametrize("settings", [case[0] for case in KEEPALIVED_PROBLEMS.values() if case[0].get("auth_pass")])
def test_password_is_in_no_sentence(settings: Values) -> None:
    for text in keepalived_problems({**KEEPALIVED, **settings}, FACTS, "nginx1"):
        assert settings["auth_pass"] not in text


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
        ["nginx_upstreams: name 'web;app' is not made of letters, digits, '_', '-' and '.'. Rename it, e.g. web."],
    ),
    "upstream without a name": (
        {"upstreams": [UPSTREAM, {"servers": UPSTREAM["servers"]}]},
        ["nginx_upstreams: name '' is not made of letters, digits, '_', '-' and '.'. Rename it, e.g. web."],
    ),
    "upstream twice": (
        {"upstreams": [UPSTREAM, UPSTREAM]},
        ["nginx_upstreams: two upstreams are called web. Give each a name of its own."],
    ),
    "upstream without servers": (
        {"upstreams": [{"name": "web", "servers": []}]},
        [
            "nginx_upstreams: web has no servers. List them as [{address: 172.16.2.20, port: 9091}], "
            "or put hosts into the group that they come from."
        ],
    ),
    "upstream's address": (
        {"upstreams": [{"name": "web", "servers": [{"address": "web 1;"}]}]},
        ["nginx_upstreams: web has the server address 'web 1;'. It is an IP address or a host name."],
    ),
    "upstream without an address": (
        {"upstreams": [{"name": "web", "servers": [{"port": 9091}]}]},
        ["nginx_upstreams: web has the server address None. It is an IP address or a host name."],
    ),
    "server's name": (
        {"servers": [{**SERVER, "name": "../default"}]},
        ["nginx_servers: name '../default' is not made of letters, digits, '_', '-' and '.'. Rename it, e.g. default."],
    ),
    "server twice": (
        {"servers": [SERVER, SERVER]},
        ["nginx_servers: two servers are called default. Give each a name of its own."],
    ),
    "unknown upstream": (
        {"servers": [{**SERVER, "upstream": "app"}]},
        ["nginx_servers: default proxies to the upstream 'app', which nginx_upstreams lacks; it has web."],
    ),
    "no upstream": (
        {"upstreams": []},
        ["nginx_servers: default proxies to the upstream 'web', which nginx_upstreams lacks; it has none."],
    ),
    "server name": (
        {"servers": [{**SERVER, "server_names": ["good.example", "bad;example"]}]},
        ["nginx_servers: default has the server name 'bad;example'. It is an address, a host name or a pattern."],
    ),
}


@pytest.mark.parametrize(("settings", "texts"), NGINX_PROBLEMS.values(), ids=NGINX_PROBLEMS)
def test_nginx_problem(settings: Mapping[str, Any], texts: list[str]) -> None:
    assert nginx_problems({**NGINX, **settings}, FACTS, "nginx2") == [f"nginx2: {text}" for text in texts]
