# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules between hosts, each with a failing example and its exact text, and clusters planned together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.playbooks import vrrp_fleet
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import ip_of
from hypothesis import given, settings
from hypothesis import strategies as st

VIPS = [{"name": "VI_1", "address": "192.168.200.200/24"}, {"name": "VI_2", "address": "192.168.200.210/24"}]
CHECKSUM = "c61940d874154a560a54627ecf7ef47adebdf832164368d10bf242a4d9b7d49d"
SETTINGS: dict[str, Any] = {
    "hosts": ["nginx1", "nginx2"],
    "vips": VIPS,
    "vrrp_version": 3,
    "advert_int": 0.25,
    "auth_pass": "",
    "priority_base": 254,
    "priority_step": 0,
    "skew": 0.01,
    "reserved_vrids": [],
    "allow_vrid_change": False,
    "interface": "ens33",
    "unicast_src_ip": "",
    "unicast_peers": [],
    "preempt_delay": 0,
    "vrrp_scripts": [{"name": "check_nginx", "script": "/etc/keepalived/check_nginx.sh"}],
    "install_method": "source",
    "version": "2.2.7",
    "checksum": CHECKSUM,
    "checksums": {"2.2.7": CHECKSUM},
    "source_urls": ["https://www.example.com/keepalived-2.2.7.tar.gz"],
    "source_file": "",
}
Member = tuple[str, dict[str, Any]]
ADDRESSES = {"nginx1": "192.168.200.150", "nginx2": "192.168.200.151"}


def facts(address: str, network: str = "192.168.200.0", held: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "distribution": "Debian",
        "distribution_version": "12.5",
        "os_family": "Debian",
        "interfaces": ["lo", "ens33"],
        "ens33": {"ipv4": {"address": address, "network": network, "netmask": "255.255.255.0"}},
        "all_ipv4_addresses": [address, *held],
    }


def member(
    name: str,
    changes: Mapping[str, Any] | None = None,
    own: Mapping[str, Any] | None = None,
    running: Sequence[Mapping[str, Any]] = (),
    heard: Sequence[Mapping[str, Any]] = (),
) -> Member:
    """A host with its hostvars; own: its facts."""
    return name, {
        "keepalived_settings": {**SETTINGS, **(changes or {})},
        "ansible_facts": facts(ADDRESSES.get(name, "192.168.200.99")) if own is None else own,
        "keepalived_found": {"instances": running},
        "keepalived_heard": {"speakers": heard},
    }


def judged(members: Sequence[Member]) -> dict[str, Any]:
    return vrrp_fleet(dict(members), [name for name, _own in members])


def pair(first: Mapping[str, Any] | None = None, second: Mapping[str, Any] | None = None) -> list[Member]:
    return [member("nginx1", first), member("nginx2", second)]


def both(**changes: Any) -> list[Member]:
    return pair(changes, changes)


def speaker(source: str, vrid: int, **changes: Any) -> dict[str, Any]:
    return {"family": "ipv4", "version": 2, "virtual_router_id": vrid, "source": source, **changes}


def test_a_sound_pair_has_no_problem_and_a_plan() -> None:
    planned = judged(pair())
    assert planned["problems"] == [] and planned["warnings"] == []
    assert [instance["virtual_router_id"] for instance in planned["plan"]["nginx2"]] == [200, 210]
    assert planned["table"] == [
        "VIP   address             VRID  hosts in order, with priorities  weight of a failed check",
        "VI_1  192.168.200.200/24  200   nginx1 254, nginx2 243           -12",
        "VI_2  192.168.200.210/24  210   nginx2 254, nginx1 243           -12",
    ]


@pytest.mark.parametrize(
    ("interface", "size"), [("ens33:0", "255.255.255.0"), ("vrrp.200", "255.255.255.255"), ("vip1", "255.255.255.0")]
)
def test_a_vip_that_the_host_holds_is_not_its_own_address(interface: str, size: str) -> None:
    """A label and an interface with VRRP's MAC are interfaces for the setup module, with the VIP as their first address."""
    held = {
        "interfaces": ["lo", "ens33", interface],
        interface: {"ipv4": {"address": "192.168.200.200", "network": "192.168.200.0", "netmask": size}},
    }
    own = facts(ADDRESSES["nginx1"], held=["192.168.200.200"]) | held
    runs = {"name": "VI_1", "virtual_router_id": 200, "virtual_ipaddress": ["192.168.200.200/24"]}
    assert judged([member("nginx1", own=own, running=[runs]), member("nginx2")])["problems"] == []
    (problem,) = judged([member("nginx1", own=own), member("nginx2")])["problems"]
    assert f"192.168.200.200, this host's own address on {interface}" in problem


def hmac(byte: str) -> dict[str, Any]:
    return {"keys": [{"id": 1, "key": "hex:" + byte * 32}], "active_key": 1}


V2 = {"vrrp_version": 2, "advert_int": 1}
RULES: dict[str, tuple[list[Member], str]] = {
    "interfaces on different networks": (
        [
            member("nginx1", {"vips": [VIPS[0]]}),
            member(
                "nginx2",
                {"vips": [VIPS[0]]},
                {
                    **facts("172.16.2.51", "172.16.2.0"),
                    "ens33": {
                        "ipv4": {"address": "172.16.2.51", "network": "172.16.2.0", "netmask": "255.255.255.0"},
                        "ipv4_secondaries": [
                            {"address": "192.168.200.9", "network": "192.168.200.0", "netmask": "255.255.255.0"}
                        ],
                    },
                },
            ),
        ],
        "nginx1 and nginx2: keepalived_interface is not on one network: nginx1's ens33 is in 192.168.200.0/24, nginx2's ens33 in "
        "172.16.2.0/24. Choose interfaces that hear each other.",
    ),
    "versions differ": (
        pair({}, {"version": "2.3.3", "checksums": {"2.3.3": CHECKSUM}}),
        "nginx1 and nginx2: keepalived_version differs: nginx1 has 2.2.7, nginx2 has 2.3.3. "
        "Set it once, in the group_vars of all members.",
    ),
    "advert intervals differ": (
        pair({}, {"advert_int": 1}),
        "nginx1 and nginx2: keepalived_advert_int differs: nginx1 has 0.25, nginx2 has 1. "
        "Set it once, in the group_vars of all members.",
    ),
    "VRRP versions differ": (
        pair({"advert_int": 1}, V2),
        "nginx1 and nginx2: keepalived_vrrp_version differs: nginx1 has 3, nginx2 has 2. "
        "Set it once, in the group_vars of all members.",
    ),
    "passwords differ": (
        pair({**V2, "auth_pass": "s3cret"}, {**V2, "auth_pass": "0ther"}),
        "nginx1 and nginx2: keepalived_auth_pass differs. Set it once, in the group_vars of all members.",
    ),
    "keys differ": (
        pair({"auth_hmac": hmac("0f")}, {"auth_hmac": hmac("f0")}),
        "nginx1 and nginx2: keepalived_auth_hmac differs. Set it once, in the group_vars of all members.",
    ),
    "VRIDs differ": (
        pair({"vips": [VIPS[0]]}, {"vips": [{**VIPS[0], "virtual_router_id": 51}]}),
        "nginx1 and nginx2: keepalived_vips[0].virtual_router_id of VI_1 differs: nginx1 has none, nginx2 has 51. "
        "Set it once, in the group_vars of all members.",
    ),
    "VIPs differ": (
        pair({}, {"vips": [VIPS[1]]}),
        "nginx1 and nginx2: keepalived_vips differs: nginx1 has VI_1, VI_2, nginx2 has VI_2. "
        "Set it once, in the group_vars of all members.",
    ),
    "addresses differ": (
        pair({"vips": [VIPS[0]]}, {"vips": [{**VIPS[0], "address": "192.168.200.201/24"}]}),
        "nginx1 and nginx2: keepalived_vips[0].address of VI_1 differs: nginx1 has 192.168.200.200/24, nginx2 has 192.168.200.201/24. "
        "Set it once, in the group_vars of all members.",
    ),
    "sync groups differ": (
        pair({"sync_groups": [{"name": "VG", "vips": ["VI_2", "VI_1"]}]}, {"sync_groups": []}),
        "nginx1 and nginx2: keepalived_sync_groups differs: nginx1 has VG (VI_1, VI_2), nginx2 has none. "
        "Set it once, in the group_vars of all members.",
    ),
    "a weight that cannot cause a failover": (
        both(vips=[VIPS[0]], priority_base=150, priority_step=50, vrrp_scripts=[{"name": "check_nginx", "weight": -5}]),
        "nginx1, nginx2: keepalived_vrrp_scripts has check_nginx with the weight -5, which cannot cause a failover of VI_1, for the "
        "priorities are 50 apart. "
        "Leave weight out, or make it -51 or lower.",
    ),
    "nopreempt with a weight": (
        both(vips=[{**VIPS[0], "nopreempt": True}], vrrp_scripts=[{"name": "check_nginx", "weight": -12}]),
        "nginx1, nginx2: keepalived_vrrp_scripts has check_nginx with the weight -12, and VI_1 has nopreempt, so it never fails over: the "
        "backup does not preempt a master whose priority fell. Set the check's weight to 0, or remove nopreempt.",
    ),
    "nopreempt with state MASTER": (
        both(vips=[{**VIPS[0], "nopreempt": True, "states": {"nginx1": "MASTER"}}]),
        "nginx1, nginx2: keepalived_vips[0].states.nginx1 of VI_1 is MASTER, with which nopreempt has no effect; keepalived wants BACKUP "
        "on all hosts for it. Remove the pinned state, or nopreempt.",
    ),
    "preempt delay with state MASTER": (
        both(vips=[{**VIPS[0], "states": {"nginx1": "MASTER"}}], preempt_delay=2),
        "nginx1, nginx2: keepalived_vips[0].states.nginx1 of VI_1 is MASTER, with which keepalived_preempt_delay has no effect; keepalived "
        "wants BACKUP on all hosts for it. Remove the pinned state, or keepalived_preempt_delay.",
    ),
    "priority 255 with tracking": (
        both(vips=[{**VIPS[0], "priorities": {"nginx1": 255}}]),
        "nginx1: keepalived_vips[0].priorities.nginx1 of VI_1 is 255, which would make it the owner, that no failed check can lower. "
        "It must be a whole number from 1 to 254.",
    ),
    "unicast to oneself": (
        pair(
            {"unicast_src_ip": "192.168.200.150", "unicast_peers": ["192.168.200.150", "192.168.200.151"]},
            {"unicast_src_ip": "192.168.200.151", "unicast_peers": ["192.168.200.150"]},
        ),
        "nginx1: keepalived_unicast_peers names this host itself (192.168.200.150). List the other members only.",
    ),
    "unicast peers incomplete": (
        pair(
            {"unicast_src_ip": "192.168.200.150", "unicast_peers": ["192.168.200.77"]},
            {"unicast_src_ip": "192.168.200.151", "unicast_peers": ["192.168.200.150"]},
        ),
        "nginx1: keepalived_unicast_peers (192.168.200.77) lacks nginx2 (192.168.200.151), which would not hear this host. "
        "List all other members.",
    ),
    "a unicast peer that is a name": (
        pair({}, {"unicast_src_ip": "192.168.200.151", "unicast_peers": ["nginx1"]}),
        "nginx2: keepalived_unicast_peers[0] is 'nginx1', which is no IP address. Write the address of the host, such as 192.0.2.2.",
    ),
    "a unicast peer with a prefix": (
        both(unicast_peers=["192.168.200.150", "192.168.200.151/24"]),
        "nginx1: keepalived_unicast_peers[1] is '192.168.200.151/24', which has a prefix. Write the address alone, as 192.168.200.151.",
    ),
    "a unicast source with a prefix": (
        both(unicast_src_ip="fd00::1/64"),
        "nginx1: keepalived_unicast_src_ip is 'fd00::1/64', which has a prefix. Write the address alone, as fd00::1.",
    ),
    "unicast on one side only": (
        pair({"unicast_src_ip": "192.168.200.150", "unicast_peers": ["192.168.200.151"]}, {}),
        "nginx2: keepalived_unicast_peers is empty, but nginx1 speak unicast. Set it on all members or on none, "
        "or keepalived_unicast instead.",
    ),
    "one VIP in two clusters": (
        [*pair(), member("lb3", {"hosts": ["lb3"], "vips": [{**VIPS[0], "name": "VI_9"}]})],
        "nginx1, nginx2: keepalived_vips[0].address of VI_1 is 192.168.200.200, which the cluster of lb3 has as well. "
        "Remove it from one of the two.",
    ),
    "members with different lists": (
        [member("nginx1"), member("nginx2", {"hosts": ["nginx3", "nginx2", "nginx1"]})],
        "nginx1: keepalived_hosts is nginx1, nginx2 on one member and nginx1, nginx2, nginx3 on nginx2. "
        "Give all members of a cluster the same list.",
    ),
    "IPv4 and IPv6 in one instance": (
        both(vips=[{**VIPS[0], "extra_addresses": ["2001:db8::200/64"]}]),
        "nginx1: keepalived_vips[0].extra_addresses[0] of VI_1 is 2001:db8::200/64, which is IPv6, and 192.168.200.200/24 is IPv4: a VRRP "
        "instance carries one of them (RFC 5798). Give the IPv6 address of an IPv4 one as address6, or make two entries.",
    ),
    "a VRID other than the running one": (
        [member("nginx1", running=[{"name": "VI_1", "virtual_router_id": 51}]), member("nginx2")],
        "nginx1: keepalived_vips[0].virtual_router_id of VI_1 is planned as 200, and it runs with 51. While the members differ, each is "
        "master. Keep it with "
        "virtual_router_id: 51, or change it on all members in one run with -e keepalived_allow_vrid_change=true.",
    ),
    "a VRID other than the running one, of which one address stays": (
        [
            member(
                "nginx1",
                {"vips": [{**VIPS[0], "extra_addresses": ["192.168.200.201/24"]}]},
                running=[
                    {
                        "name": "VI_1",
                        "virtual_router_id": 51,
                        "virtual_ipaddress": ["192.168.200.7/24", "192.168.200.201/32"],
                    }
                ],
            ),
            member("nginx2", {"vips": [{**VIPS[0], "extra_addresses": ["192.168.200.201/24"]}]}),
        ],
        "nginx1: keepalived_vips[0].virtual_router_id of VI_1 is planned as 200, and it runs with 51. While the members differ, each is "
        "master. Keep it with "
        "virtual_router_id: 51, or change it on all members in one run with -e keepalived_allow_vrid_change=true.",
    ),
    "a stranger on a planned VRID": (
        [member("nginx1", heard=[speaker("192.168.200.1", 200), speaker("192.168.200.1", 201)]), member("nginx2")],
        "nginx1: keepalived_vips[0].virtual_router_id of VI_1 is planned as 200, with which 192.168.200.1 speaks VRRPv2 on ens33, and that "
        "is no member. Set it to a free one, e.g. 202.",
    ),
}


@pytest.mark.parametrize(("members", "text"), RULES.values(), ids=RULES)
def test_rule(members: list[Member], text: str) -> None:
    assert text in judged(members)["problems"]


@pytest.mark.parametrize(
    ("rule", "secrets"), [("passwords differ", ("s3cret", "0ther")), ("keys differ", ("0f0f", "f0f0"))]
)
def test_a_secret_is_in_no_problem(rule: str, secrets: tuple[str, ...]) -> None:
    problems = judged(RULES[rule][0])["problems"]
    assert problems and not any(secret in text for text in problems for secret in secrets)


ALLOWED = {
    "weight 0 with nopreempt": both(
        vips=[{**VIPS[0], "nopreempt": True}], vrrp_scripts=[{"name": "check_nginx", "weight": 0}]
    ),
    "nopreempt, whose checks have weight 0 by default": both(vips=[{**VIPS[0], "nopreempt": True}]),
    "preempt delay, which makes every host start as a backup": both(preempt_delay=2),
    "the same list in another order": pair({}, {"hosts": ["nginx2", "nginx1"], "vips": VIPS[::-1]}),
    "a weight as large as it has to be": both(vrrp_scripts=[{"name": "mine", "weight": -12}]),
    "a VRID change that is allowed": [
        member("nginx1", {"allow_vrid_change": True}, running=[{"name": "VI_1", "virtual_router_id": 51}]),
        member("nginx2", {"allow_vrid_change": True}),
    ],
    "a VIP that is renumbered, address and VRID": [
        member(
            "nginx1",
            running=[{"name": "VI_1", "virtual_router_id": 51, "virtual_ipaddress": ["192.168.200.51/24"]}],
        ),
        member("nginx2"),
    ],
    "a running instance without an address": [
        member("nginx1", running=[{"name": "VI_1", "virtual_router_id": 51, "virtual_ipaddress": []}]),
        member("nginx2"),
    ],
    "a member on its own VRID": [member("nginx1", heard=[speaker("192.168.200.151", 210)]), member("nginx2")],
    "a stranger on another VRID": [member("nginx1", heard=[speaker("192.168.200.1", 199)]), member("nginx2")],
    "a stranger on the IPv6 VRID": [member("nginx1", heard=[speaker("fe80::1", 200, family="ipv6")]), member("nginx2")],
    "unicast, complete": pair(
        {"unicast_src_ip": "192.168.200.150", "unicast_peers": ["192.168.200.151"]},
        {"unicast_src_ip": "192.168.200.151", "unicast_peers": ["192.168.200.150"]},
    ),
}


@pytest.mark.parametrize("members", ALLOWED.values(), ids=ALLOWED)
def test_sound_input_passes(members: list[Member]) -> None:
    assert judged(members)["problems"] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.168.200.200/24", "192.168.200.200"),
        ("192.168.200.200", "192.168.200.200"),
        ("2001:DB8::00c8/64", "2001:db8::c8"),
        ("$VIP/24", "$VIP/24"),
    ],
)
def test_ip_of(text: str, expected: str) -> None:
    assert ip_of(text) == expected


def test_two_members_on_one_vrid_are_a_split_brain() -> None:
    members = [
        member("nginx1", heard=[speaker("192.168.200.151", 200)]),
        member("nginx2", heard=[speaker("192.168.200.150", 200)]),
    ]
    planned = judged(members)
    assert planned["problems"] == []
    assert planned["warnings"] == ["split brain: nginx1 and nginx2 both speak as master of VI_1."]


def test_a_run_on_a_part_of_the_cluster_says_that_it_cannot_tell_strangers() -> None:
    heard = [speaker("192.168.200.151", 200)]
    planned = judged([member("nginx1", heard=heard), member("nginx2", own={})])
    assert planned["problems"] == []
    assert planned["warnings"] == [
        "nginx2: not in this run, so foreign VRRP speakers cannot be told from members and were not refused. "
        "Run preflight.yml on the whole cluster to look for them."
    ]


@pytest.mark.parametrize(
    ("holders", "expected"),
    [
        ({"nginx1": ["192.168.200.200"], "nginx2": ["192.168.200.210"]}, []),
        ({"nginx1": ["192.168.200.200", "192.168.200.210"]}, ["VI_2: nginx1 -> nginx2"]),
        ({}, ["VI_1: nowhere -> nginx1", "VI_2: nowhere -> nginx2"]),
        (
            {"nginx1": ["192.168.200.200"], "nginx2": ["192.168.200.200", "192.168.200.210"]},
            ["VI_1: nginx1 and nginx2 -> nginx1"],
        ),
    ],
)
def test_moves(holders: Mapping[str, list[str]], expected: list[str]) -> None:
    members = [member(name, own=facts(own, held=holders.get(name, ()))) for name, own in ADDRESSES.items()]
    assert judged(members)["moves"] == expected


def test_clusters_on_one_segment_get_different_vrids() -> None:
    vips = [{"name": "VI_1", "address": "10.0.1.200/16"}]
    other = [{"name": "VI_1", "address": "10.0.2.200/16"}]
    joined = [
        member("a", {"hosts": ["a"], "vips": vips}, SOMEWHERE),
        member("b", {"hosts": ["b"], "vips": other}, SOMEWHERE),
    ]
    plan = judged(joined)["plan"]
    assert (plan["a"][0]["virtual_router_id"], plan["b"][0]["virtual_router_id"]) == (200, 201)


def test_clusters_on_two_segments_may_share_a_vrid() -> None:
    elsewhere = {**facts("10.0.0.9", "10.0.0.0")}
    apart = [
        *pair(),
        member("c", {"hosts": ["c"], "vips": [{"name": "VI_1", "address": "10.0.0.200/24"}]}, elsewhere),
    ]
    planned = judged(apart)
    assert planned["problems"] == []
    assert planned["plan"]["c"][0]["virtual_router_id"] == 200 == planned["plan"]["nginx1"][0]["virtual_router_id"]


SOMEWHERE = {
    **facts("10.0.0.9"),
    "ens33": {"ipv4": {"address": "10.0.0.9", "network": "10.0.0.0", "netmask": "255.255.0.0"}},
}


@settings(max_examples=200)
@given(
    st.data(),
    st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(1, 254)), min_size=1, max_size=4), min_size=1, max_size=6
    ),
)
def test_vrids_of_all_clusters_of_a_segment_differ_whatever_their_order(
    data: st.DataObject, shape: list[list[tuple[int, int]]]
) -> None:
    seen: set[tuple[int, int]] = set()
    members = []
    for number, addresses in enumerate(shape):
        fresh = [pair for pair in dict.fromkeys(addresses) if pair not in seen and pair != (0, 9)]
        seen |= set(fresh)
        vips = [{"name": f"VI_{net}_{last}", "address": f"10.0.{net}.{last}/16"} for net, last in fresh]
        if vips:
            members.append(member(f"h{number}", {"hosts": [f"h{number}"], "vips": vips}, SOMEWHERE))
    planned = judged(members)
    assert planned["problems"] == []
    vrids = {own["name"]: own["virtual_router_id"] for instances in planned["plan"].values() for own in instances}
    assert len(set(vrids.values())) == len(vrids)
    assert judged(data.draw(st.permutations(members))) == planned


@settings(deadline=None)
@given(st.data(), st.integers(1, 12))
def test_however_the_inventory_lists_hosts_and_vips_it_is_the_same_cluster(data: st.DataObject, count: int) -> None:
    """Its group's hosts, keepalived_hosts and keepalived_vips of each: AWX hands hosts over in an order that changes by itself."""
    names = [f"lb{number}" for number in range(1, count + 1)]
    vips = [{"name": f"VI_{number}", "address": f"192.168.200.{number + 99}/24"} for number in range(1, 13)]
    usual = [member(name, {"hosts": names, "vips": vips}) for name in names]
    shuffled = [
        member(name, {"hosts": data.draw(st.permutations(names)), "vips": data.draw(st.permutations(vips))})
        for name in data.draw(st.permutations(names))
    ]
    planned = judged(usual)
    assert planned["problems"] == []
    # VI_10 comes behind VI_9, and lb10 behind lb9.
    rows = [(row.split()[0], row.split()[3]) for row in planned["table"][1:]]
    assert rows == [(f"VI_{number + 1}", names[number % count]) for number in range(12)]
    assert judged(shuffled) == planned


def test_filter_takes_settings_of_the_play_and_variables_of_other_hosts() -> None:
    hostvars = {
        "nginx1": {"keepalived_settings": SETTINGS, "ansible_facts": facts(ADDRESSES["nginx1"])},
        "nginx2": {"keepalived_hosts": SETTINGS["hosts"], "keepalived_vips": VIPS, "keepalived_advert_int": 1},
        "lb3": {"keepalived_hosts": ["lb3"], "keepalived_vips": [{"name": "VI_1", "address": "192.168.200.9/24"}]},
        "web1": {},
    }
    answer = vrrp_fleet(hostvars, ["nginx1"])
    assert answer["problems"] == [
        "nginx1 and nginx2: keepalived_advert_int differs: nginx1 has 0.25, nginx2 has 1. "
        "Set it once, in the group_vars of all members."
    ]
    del hostvars["nginx2"]["keepalived_advert_int"]
    answer = vrrp_fleet(hostvars, ["nginx1"])
    assert answer["problems"] == []
    assert list(answer["plan"]) == ["nginx1"]
    assert answer["table"][1].startswith("VI_1  192.168.200.200/24  200")


def test_500_clusters_are_planned_once_in_reasonable_time() -> None:
    members = []
    for number in range(500):
        hosts = [f"a{number}", f"b{number}"]
        vips = [{"name": f"VI_{i}", "address": f"10.{number // 250}.{number % 250}.{i + 100}/24"} for i in range(2)]
        for index, host in enumerate(hosts):
            own = facts(f"10.{number // 250}.{number % 250}.{index + 1}", f"10.{number // 250}.{number % 250}.0")
            members.append(member(host, {"hosts": hosts, "vips": vips}, own))
    started = time.perf_counter()
    planned = judged(members)
    seconds = time.perf_counter() - started
    print(f"500 clusters of 2 hosts and 2 VIPs: {seconds:.2f} s")
    assert planned["problems"] == [] and len(planned["plan"]) == 1000
    assert seconds < 10
