# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is master of which VIP: the reference, the defaults, pins, refusals and what holds for any cluster."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.filter.vrrp_plan import FilterModule, vrrp_plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.plan import plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse
from hypothesis import given, settings
from hypothesis import strategies as st

Vip = dict[str, Any]
Plan = dict[str, list[dict[str, Any]]]

PAIR = ["nginx1", "nginx2"]
FIRST: Vip = {"name": "VI_1", "address": "192.168.200.200/24"}
SECOND: Vip = {"name": "VI_2", "address": "192.168.200.210/24"}
REFERENCE: list[Vip] = [{**FIRST, "virtual_router_id": 51}, {**SECOND, "virtual_router_id": 52}]


def instance(vip: Vip, vrid: int, priority: int, state: str, weight: int) -> dict[str, Any]:
    return {
        "name": vip["name"],
        "virtual_router_id": vrid,
        "priority": priority,
        "state": state,
        "weight": weight,
        "nopreempt": False,
        "virtual_ipaddress": [vip["address"]],
    }


def column(plan: Plan, key: str) -> dict[str, list[Any]]:
    return {host: [entry[key] for entry in instances] for host, instances in plan.items()}


PLANS: dict[str, tuple[list[Vip], list[str], Mapping[str, Any], Plan]] = {
    "the reference": (
        REFERENCE,
        PAIR,
        {"base": 150, "step": 50},
        {
            "nginx1": [instance(FIRST, 51, 150, "MASTER", -51), instance(SECOND, 52, 100, "BACKUP", -51)],
            "nginx2": [instance(FIRST, 51, 100, "BACKUP", -51), instance(SECOND, 52, 150, "MASTER", -51)],
        },
    ),
    "defaults": (
        [FIRST, SECOND],
        PAIR,
        {},
        {
            "nginx1": [instance(FIRST, 200, 254, "MASTER", -12), instance(SECOND, 210, 243, "BACKUP", -12)],
            "nginx2": [instance(FIRST, 200, 243, "BACKUP", -12), instance(SECOND, 210, 254, "MASTER", -12)],
        },
    ),
    "one VIP": (
        [FIRST],
        PAIR,
        {},
        {"nginx1": [instance(FIRST, 200, 254, "MASTER", -12)], "nginx2": [instance(FIRST, 200, 243, "BACKUP", -12)]},
    ),
    "one host": ([FIRST], ["nginx1"], {}, {"nginx1": [instance(FIRST, 200, 254, "MASTER", -1)]}),
    "no VIP": ([], PAIR, {}, {"nginx1": [], "nginx2": []}),
}


@pytest.mark.parametrize(("vips", "hosts", "options", "expected"), PLANS.values(), ids=PLANS)
def test_plan(vips: list[Vip], hosts: list[str], options: Mapping[str, Any], expected: Plan) -> None:
    assert vrrp_plan(vips, hosts, **options) == expected


def vips_of(count: int) -> list[Vip]:
    return [{"name": f"VI_{number}", "address": f"10.0.0.{number}/24"} for number in range(1, count + 1)]


def orders_of(plan: Plan) -> list[str]:
    """Of each VIP the hosts, the highest priority first."""
    return ["".join(sorted(vip, key=lambda host: -vip[host]["priority"])) for vip in by_instance(plan)]


def test_three_hosts_share_five_vips() -> None:
    """a and b have two VIPs each, c has one; whichever is lost, the others have three and two."""
    plan = vrrp_plan(vips_of(5), ["a", "b", "c"])
    assert orders_of(plan) == ["acb", "bca", "cab", "abc", "bca"]
    assert column(plan, "priority") == {
        "a": [254, 232, 243, 254, 232],
        "b": [232, 254, 232, 243, 254],
        "c": [243, 243, 254, 232, 243],
    }
    assert column(plan, "state") == {
        "a": ["MASTER", "BACKUP", "BACKUP", "MASTER", "BACKUP"],
        "b": ["BACKUP", "MASTER", "BACKUP", "BACKUP", "MASTER"],
        "c": ["BACKUP", "BACKUP", "MASTER", "BACKUP", "BACKUP"],
    }
    assert column(plan, "virtual_router_id") == dict.fromkeys("abc", [1, 2, 3, 4, 5])
    assert column(plan, "weight") == dict.fromkeys("abc", [-23] * 5)


@pytest.mark.parametrize(
    ("advert_int", "step"),
    [(0, 126), (0.01, 126), (0.05, 52), (0.1, 26), (0.25, 11), (1, 3), (2.56, 1), (5, 1)],
    ids=str,
)
def test_step_keeps_skew_times_ten_milliseconds_apart_while_there_is_room(advert_int: float, step: int) -> None:
    assert column(vrrp_plan([FIRST], PAIR, advert_int), "priority") == {"nginx1": [254], "nginx2": [254 - step]}


VRIDS: dict[str, tuple[list[Vip], list[int]]] = {
    "last octet": ([FIRST, SECOND], [200, 210]),
    "IPv6's last byte": ([{"name": "six", "address": "2001:db8::1:2c/64"}], [0x2C]),
    "IPv4 and IPv6 count separately": (
        [{"name": "four", "address": "10.0.0.7/24"}, {"name": "six", "address": "2001:db8::7/64"}],
        [7, 7],
    ),
    "next free one above": (
        [{"name": "a", "address": "10.0.1.7/16"}, {"name": "b", "address": "10.0.0.7/16"}],
        [8, 7],
    ),
    "wraps to 1 after 255": (
        [{"name": "a", "address": "10.0.0.255/16"}, {"name": "b", "address": "10.0.1.255/16"}],
        [255, 1],
    ),
    "0 is no VRID": ([{"name": "a", "address": "10.0.1.0/16"}], [1]),
    "pin": ([{**FIRST, "virtual_router_id": 51}, SECOND], [51, 210]),
    "the same pin in IPv4 and IPv6": (
        [{**FIRST, "virtual_router_id": 51}, {"name": "six", "address": "2001:db8::7/64", "virtual_router_id": 51}],
        [51, 51],
    ),
    "pin written as text": ([{**FIRST, "virtual_router_id": "51"}], [51]),
    "pin takes another's octet": ([FIRST, {**SECOND, "virtual_router_id": 200}], [201, 200]),
    "who has its own number keeps it": (
        [
            {"name": "a", "address": "10.0.0.7/16"},
            {"name": "b", "address": "10.0.1.7/16"},
            {"name": "c", "address": "10.0.2.8/16"},
        ],
        [7, 9, 8],
    ),
}


def test_reserved_vrids_are_left_out_in_both_families() -> None:
    vips = [{"name": "four", "address": "10.0.0.7/24"}, {"name": "six", "address": "2001:db8::7/64"}]
    plan = vrrp_plan(vips, ["a"], reserved=[7, 8])
    assert column(plan, "virtual_router_id") == {"a": [9, 9]}


@pytest.mark.parametrize(("vips", "vrids"), VRIDS.values(), ids=VRIDS)
def test_vrids(vips: list[Vip], vrids: list[int]) -> None:
    assert column(vrrp_plan(vips, PAIR), "virtual_router_id") == {"nginx1": vrids, "nginx2": vrids}


@pytest.mark.parametrize(
    ("address", "planned"),
    [
        ("192.168.200.200/24", "192.168.200.200/24"),
        ("192.168.200.200/255.255.255.0", "192.168.200.200/24"),
        ("192.168.200.200", "192.168.200.200/32"),
        ("2001:DB8:0::C8/64", "2001:db8::c8/64"),
        ("2001:db8::c8", "2001:db8::c8/128"),
    ],
)
def test_address_is_written_with_its_prefix(address: str, planned: str) -> None:
    plan = vrrp_plan([{"name": "VI_1", "address": address}], ["nginx1"])
    assert column(plan, "virtual_ipaddress") == {"nginx1": [[planned]]}


PINS: dict[str, tuple[Vip, dict[str, tuple[int, str, int]]]] = {
    "all priorities": (
        {"priorities": {"nginx1": 100, "nginx2": 150}},
        {"nginx1": (100, "BACKUP", -51), "nginx2": (150, "MASTER", -51)},
    ),
    "one priority": (
        {"priorities": {"nginx2": 200}},
        {"nginx1": (254, "MASTER", -55), "nginx2": (200, "BACKUP", -55)},
    ),
    "a priority written as text": (
        {"priorities": {"nginx2": "200"}},
        {"nginx1": (254, "MASTER", -55), "nginx2": (200, "BACKUP", -55)},
    ),
    "all states": (
        {"states": {"nginx1": "BACKUP", "nginx2": "BACKUP"}},
        {"nginx1": (254, "BACKUP", -12), "nginx2": (243, "BACKUP", -12)},
    ),
    "one state": (
        {"states": {"nginx1": "BACKUP"}},
        {"nginx1": (254, "BACKUP", -12), "nginx2": (243, "BACKUP", -12)},
    ),
    "preferred": ({"preferred": "nginx2"}, {"nginx1": (243, "BACKUP", -12), "nginx2": (254, "MASTER", -12)}),
    "partial order": ({"order": ["nginx2"]}, {"nginx1": (243, "BACKUP", -12), "nginx2": (254, "MASTER", -12)}),
    "complete order": (
        {"order": ["nginx2", "nginx1"]},
        {"nginx1": (243, "BACKUP", -12), "nginx2": (254, "MASTER", -12)},
    ),
    "preferred and the order that it starts": (
        {"preferred": "nginx2", "order": ["nginx2", "nginx1"]},
        {"nginx1": (243, "BACKUP", -12), "nginx2": (254, "MASTER", -12)},
    ),
    "order and a priority": (
        {"order": ["nginx2"], "priorities": {"nginx1": 200}},
        {"nginx1": (200, "BACKUP", -55), "nginx2": (254, "MASTER", -55)},
    ),
    "empty pins": (
        {"priorities": None, "states": {}, "virtual_router_id": None, "preferred": None, "order": []},
        {"nginx1": (254, "MASTER", -12), "nginx2": (243, "BACKUP", -12)},
    ),
}


@pytest.mark.parametrize(("pins", "expected"), PINS.values(), ids=PINS)
def test_pins(pins: Vip, expected: dict[str, tuple[int, str, int]]) -> None:
    plan = vrrp_plan([{**FIRST, **pins}], PAIR)
    found = {host: (own["priority"], own["state"], own["weight"]) for host, (own,) in plan.items()}
    assert found == expected


ORDERS: dict[str, tuple[list[Vip], list[str]]] = {
    "no pin": ([{}, {}, {}], ["adbc", "bdac", "cdab"]),
    "preferred": ([{"preferred": "d"}, {}, {}], ["dcab", "acdb", "bcda"]),
    "preferred by the last": ([{}, {}, {"preferred": "a"}], ["bdac", "cdab", "adbc"]),
    "partial order": ([{"order": ["c", "a"]}, {}, {}], ["cadb", "adbc", "bdac"]),
    "complete order": ([{"order": ["d", "b", "a", "c"]}, {}, {}], ["dbac", "acdb", "bcda"]),
    "complete priorities": (
        [{"priorities": {"a": 180, "b": 190, "c": 170, "d": 200}}, {}, {}],
        ["dbac", "acdb", "bcda"],
    ),
    "two prefer one host": (
        [{"preferred": "a"}, {"preferred": "a"}, {}, {}, {}],
        ["abdc", "acdb", "bcda", "cdab", "dbac"],
    ),
}


@pytest.mark.parametrize(("pins", "orders"), ORDERS.values(), ids=ORDERS)
def test_balance_counts_pins(pins: list[Vip], orders: list[str]) -> None:
    vips = [{**vip, **pin} for vip, pin in zip(vips_of(len(pins)), pins, strict=True)]
    assert orders_of(vrrp_plan(vips, ["a", "b", "c", "d"])) == orders


ERRORS: dict[str, tuple[list[Vip], Mapping[str, Any], str]] = {
    "no host": (
        [FIRST],
        {"hosts": []},
        "keepalived_hosts is empty. Set it, e.g. to the group of load balancers.",
    ),
    "host twice": (
        [FIRST],
        {"hosts": ["a", "b", "a"]},
        "keepalived_hosts lists a twice. List each host once.",
    ),
    "bad name": (
        [{**FIRST, "name": "VI 1"}],
        {},
        "keepalived_vips[0].name is 'VI 1', which is not made of letters, digits, '_', '-' and '.'. Rename it, e.g. VI_1.",
    ),
    "no name": (
        [{"address": "10.0.0.1/24"}],
        {},
        "keepalived_vips[0].name is '', which is not made of letters, digits, '_', '-' and '.'. Rename it, e.g. VI_1.",
    ),
    "name twice": (
        [FIRST, {**SECOND, "name": "VI_1"}],
        {},
        "keepalived_vips[1].name makes VI_1 the name of a VIP, as keepalived_vips[0].name does. Give each entry a name of "
        "its own.",
    ),
    "bad address": (
        [{**FIRST, "address": "192.168.200.300/24"}],
        {},
        "keepalived_vips[0].address of VI_1 is '192.168.200.300/24', which is no IP address. Write it as 192.168.200.200/24.",
    ),
    "no address": (
        [{"name": "VI_1"}],
        {},
        "keepalived_vips[0].address of VI_1 is '', which is no IP address. Write it as 192.168.200.200/24.",
    ),
    "address twice": (
        [FIRST, {**SECOND, "address": "192.168.200.200/16"}],
        {},
        "keepalived_vips[1].address of VI_2 is 192.168.200.200, which VI_1 has as well. Remove one of the two.",
    ),
    "pinned owner": (
        [{**FIRST, "priorities": {"nginx2": 255}}],
        {},
        "keepalived_vips[0].priorities.nginx2 of VI_1 is 255, which would make it the owner, that no failed check can "
        "lower. It must be a whole number from 1 to 254.",
    ),
    "base too high": (
        [FIRST],
        {"base": 255},
        "keepalived_priority_base is 255. It must be 2 to 254; 255 would make the master the owner, which no failed check "
        "can lower.",
    ),
    "step too large": (
        [FIRST],
        {"base": 150, "step": 150},
        "keepalived_priority_base and _step make priorities 150 to 0, which leave no room for a failed host to rank below a "
        "healthy one (the last would fall to -151). Use a smaller keepalived_priority_step or a higher "
        "keepalived_priority_base.",
    ),
    "priorities against preferred": (
        [{**FIRST, "preferred": "nginx2", "priorities": {"nginx1": 200, "nginx2": 150}}],
        {},
        "keepalived_vips[0].priorities of VI_1 make nginx1 its master, but preferred or order names nginx2. Set one of the "
        "two.",
    ),
    "negative step": (
        [FIRST],
        {"step": -5},
        "keepalived_priority_step is -5. It is 0 (chosen) or more; pin priorities to prefer another host.",
    ),
    "priority is no number": (
        [{**FIRST, "priorities": {"nginx2": "high"}}],
        {},
        "keepalived_vips[0].priorities.nginx2 of VI_1 is 'high'. It must be a whole number from 1 to 254.",
    ),
    "equal priorities": (
        [{**FIRST, "priorities": {"nginx1": 150, "nginx2": 150}}],
        {},
        "keepalived_vips[0].priorities of VI_1 give nginx1 and nginx2 both 150. Equal priorities go to the higher address; "
        "give each host its own.",
    ),
    "pin equals a planned priority": (
        [{**FIRST, "priorities": {"nginx2": 254}}],
        {},
        "keepalived_vips[0].priorities of VI_1 give nginx1 and nginx2 both 254. Equal priorities go to the higher address; "
        "give each host its own.",
    ),
    "no room": (
        [FIRST],
        {"base": 150, "step": 75},
        "keepalived_priority_base and _step make priorities 150 to 75, which leave no room for a failed host to rank below "
        "a healthy one (the last would fall to -1). Use a smaller keepalived_priority_step or a higher "
        "keepalived_priority_base.",
    ),
    "lowest base": (
        [FIRST],
        {"hosts": ["nginx1"], "base": 1},
        "keepalived_priority_base is 1. It must be 2 to 254; 255 would make the master the owner, which no failed check can "
        "lower.",
    ),
    "bad state": (
        [{**FIRST, "states": {"nginx1": "master"}}],
        {},
        "keepalived_vips[0].states.nginx1 of VI_1 is 'master'. It is MASTER or BACKUP.",
    ),
    "order names a stranger": (
        [{**FIRST, "order": ["nginx2", "nginx3"]}],
        {},
        "keepalived_vips[0].order of VI_1 names nginx3, which is no member. The members are nginx1, nginx2.",
    ),
    "order names a host twice": (
        [{**FIRST, "order": ["nginx2", "nginx1", "nginx2"]}],
        {},
        "keepalived_vips[0].order of VI_1 names a host twice (nginx2, nginx1, nginx2). Name each once.",
    ),
    "preferred names a stranger": (
        [{**FIRST, "preferred": "nginx3"}],
        {},
        "keepalived_vips[0].preferred of VI_1 names nginx3, which is no member. The members are nginx1, nginx2.",
    ),
    "preferred contradicts order": (
        [{**FIRST, "preferred": "nginx1", "order": ["nginx2", "nginx1"]}],
        {},
        "keepalived_vips[0].preferred of VI_1 is nginx1, but order starts with nginx2. Set one of the two.",
    ),
    "stranger's priority": (
        [{**FIRST, "priorities": {"nginx3": 100}}],
        {},
        "keepalived_vips[0].priorities of VI_1 names nginx3, which is no member. The members are nginx1, nginx2.",
    ),
    "stranger's state": (
        [SECOND, {**FIRST, "states": {"nginx3": "MASTER"}}],
        {},
        "keepalived_vips[1].states of VI_1 names nginx3, which is no member. The members are nginx1, nginx2.",
    ),
    "VRID too low": (
        [{**FIRST, "virtual_router_id": 0}],
        {},
        "keepalived_vips[0].virtual_router_id of VI_1 is 0. It must be 1 to 255.",
    ),
    "VRID too high": (
        [{**FIRST, "virtual_router_id": 256}],
        {},
        "keepalived_vips[0].virtual_router_id of VI_1 is 256. It must be 1 to 255.",
    ),
    "VRID twice": (
        [{**FIRST, "virtual_router_id": 51}, {**SECOND, "virtual_router_id": 51}],
        {},
        "keepalived_vips[1].virtual_router_id of VI_2 is 51, which is that of VI_1. Give each its own.",
    ),
    "VRID is reserved": (
        [{**FIRST, "virtual_router_id": 51}],
        {"reserved": [51]},
        "keepalived_vips[0].virtual_router_id of VI_1 is 51, which is that of the reserved numbers. Give each its own.",
    ),
    "all VRIDs are reserved": (
        [FIRST],
        {"reserved": range(1, 256)},
        "keepalived_vips[0].address of VI_1 makes more VIPs in 192.168.200.0/24 than the 255 VRIDs of a network. Move some "
        "VIPs to another network.",
    ),
    "too many VIPs": (
        [{"name": f"VI_{number}", "address": f"10.0.{number // 256}.{number % 256}/16"} for number in range(1, 257)],
        {},
        "keepalived_vips[255].address of VI_256 makes more VIPs in 10.0.0.0/16 than the 255 VRIDs of a network. Move some "
        "VIPs to another network.",
    ),
}


@pytest.mark.parametrize(("vips", "options", "text"), ERRORS.values(), ids=ERRORS)
def test_error(vips: list[Vip], options: Mapping[str, Any], text: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        vrrp_plan(vips, **{"hosts": PAIR, **options})
    assert str(caught.value) == f"evenkeel.nginx_ha.vrrp_plan: {text}"


@pytest.mark.parametrize("vrid", [1, 255])
def test_pinned_vrid_may_be_the_first_and_the_last(vrid: int) -> None:
    assert column(vrrp_plan([{**FIRST, "virtual_router_id": vrid}], ["a"]), "virtual_router_id") == {"a": [vrid]}


def test_255_vips_of_one_family_have_room() -> None:
    vips = [{"name": f"VI_{number}", "address": f"10.0.0.{number}/24"} for number in range(1, 256)]
    assert column(vrrp_plan(vips, ["a"]), "virtual_router_id") == {"a": list(range(1, 256))}


def test_filter_takes_numbers_as_text() -> None:
    options = {"advert_int": "1", "base": "150", "step": "50", "skew": "0.02", "reserved": ["53"]}
    assert FilterModule().filters()["vrrp_plan"](REFERENCE, PAIR, **options) == PLANS["the reference"][3]


def test_filter_has_the_planners_defaults() -> None:
    assert vrrp_plan([FIRST, SECOND], PAIR) == PLANS["defaults"][3]


def test_filter_names_itself_in_its_error() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        vrrp_plan([FIRST], [])
    assert str(caught.value) == f"evenkeel.nginx_ha.vrrp_plan: {ERRORS['no host'][2]}"


any_case = settings(max_examples=200)
host_lists = st.integers(1, 20).map(lambda count: [f"nginx{number}" for number in range(1, count + 1)])
few_hosts = st.integers(1, 8).map(lambda count: [f"nginx{number}" for number in range(1, count + 1)])
advert_ints = st.floats(0.01, 5)
reserved_numbers = st.lists(st.integers(1, 255), max_size=5)
# Few last bytes, so that VRIDs collide often.
addresses = st.one_of(
    st.builds(lambda net, last: ipaddress.ip_address(f"10.0.{net}.{last}"), st.integers(0, 3), st.integers(0, 255)),
    st.builds(lambda net, last: ipaddress.ip_address(f"10.0.{net}.{last}"), st.integers(4, 7), st.integers(0, 9)),
    st.builds(
        lambda net, last: ipaddress.ip_address(f"2001:db8::{net:x}:{last:x}"), st.integers(0, 3), st.integers(0, 9)
    ),
    st.builds(lambda net, last: ipaddress.ip_address(f"10.1.{net}.{last}"), st.integers(0, 9), st.integers(253, 255)),
)


@st.composite
def vip_lists(draw: st.DrawFn, reserved: Sequence[int] = ()) -> list[Vip]:
    found = draw(st.lists(addresses, min_size=1, max_size=12, unique=True))
    vips: list[Vip] = [
        {"name": f"VI_{number}", "address": f"{address}/16"} for number, address in enumerate(found, start=1)
    ]
    numbers = st.one_of(st.integers(1, 10), st.integers(1, 255)).filter(lambda number: number not in reserved)
    pins = draw(st.lists(numbers, max_size=len(vips) // 2, unique=True))
    for vip, pin in zip(draw(st.permutations(vips)), pins, strict=False):
        vip["virtual_router_id"] = pin
    return vips


@st.composite
def clusters(draw: st.DrawFn, some_hosts: st.SearchStrategy[list[str]] = host_lists) -> tuple[list[Vip], list[str]]:
    """VIPs that pin hosts in all ways, and the hosts."""
    hosts, vips = draw(some_hosts), draw(vip_lists())
    # From 128 to 254 there is room for a failed host below the healthy ones.
    values = draw(st.lists(st.integers(128, 254), min_size=len(hosts), max_size=len(hosts), unique=True))
    shuffled = draw(st.permutations(hosts))
    for vip in vips:
        turn = draw(st.integers(0, len(hosts) - 1))
        order = shuffled[turn:] + shuffled[:turn]
        match draw(st.sampled_from(["", "", "preferred", "order", "priorities"])):
            case "preferred":
                vip["preferred"] = order[0]
            case "order":
                vip["order"] = order[: draw(st.integers(1, len(hosts)))]
            case "priorities":
                vip["priorities"] = dict(zip(order, values, strict=True))
    return vips, hosts


def by_instance(plan: Plan) -> list[dict[str, dict[str, Any]]]:
    return [dict(zip(plan, instances, strict=True)) for instances in zip(*plan.values(), strict=True)]


def vrids_of(vips: list[Vip], hosts: Sequence[str] = ("nginx1",), reserved: Sequence[int] = ()) -> dict[str, int]:
    plan = vrrp_plan(vips, hosts, reserved=reserved)
    return {own["name"]: own["virtual_router_id"] for own in plan[hosts[-1]]}


def wish(vip: Vip) -> tuple[int, int]:
    """The family and the number that the VIP has or would like to have."""
    address = ipaddress.ip_interface(vip["address"])
    return address.version, vip.get("virtual_router_id") or int(address.ip) % 256


def alone(vips: list[Vip], reserved: Sequence[int] = ()) -> dict[str, int]:
    """The names and wishes of the VIPs without a pin whose number nobody else wants."""
    wishes = Counter(map(wish, vips))
    return {
        vip["name"]: wish(vip)[1]
        for vip in vips
        if "virtual_router_id" not in vip and wishes[wish(vip)] == 1 and wish(vip)[1] not in (0, *reserved)
    }


@any_case
@given(clusters(), advert_ints)
def test_priorities_of_an_instance_differ_and_are_in_range(case: tuple[list[Vip], list[str]], advert: float) -> None:
    vips, hosts = case
    for members in by_instance(vrrp_plan(vips, hosts, advert)):
        priorities = [own["priority"] for own in members.values()]
        assert len(set(priorities)) == len(hosts)
        assert all(1 <= priority <= 254 for priority in priorities)


@any_case
@given(clusters(), advert_ints)
def test_failed_host_ranks_below_every_healthy_one(case: tuple[list[Vip], list[str]], advert: float) -> None:
    vips, hosts = case
    for members in by_instance(vrrp_plan(vips, hosts, advert)):
        failed = [own["priority"] + own["weight"] for own in members.values()]
        assert max(failed) < min(own["priority"] for own in members.values())
        assert min(failed) >= 1
        assert all(-253 <= own["weight"] < 0 for own in members.values())


@any_case
@given(st.data(), clusters(few_hosts), advert_ints)
def test_effective_priorities_differ_whoever_has_failed(
    data: st.DataObject, case: tuple[list[Vip], list[str]], advert: float
) -> None:
    vips, hosts = case
    down = data.draw(st.sets(st.sampled_from(hosts)))
    for members in by_instance(vrrp_plan(vips, hosts, advert)):
        failed = [own["priority"] + own["weight"] for host, own in members.items() if host in down]
        healthy = [own["priority"] for host, own in members.items() if host not in down]
        assert len({*failed, *healthy}) == len(hosts)
        assert all(1 <= priority <= 254 for priority in [*failed, *healthy])
        assert not failed or not healthy or max(failed) < min(healthy)


@any_case
@given(clusters())
def test_pinned_hosts_come_first_in_their_order(case: tuple[list[Vip], list[str]]) -> None:
    vips, hosts = case
    for vip, members in zip(vips, by_instance(vrrp_plan(vips, hosts)), strict=True):
        pinned = vip.get("order") or ([vip["preferred"]] if "preferred" in vip else [])
        if "priorities" in vip:
            assert {host: own["priority"] for host, own in members.items()} == vip["priorities"]
        assert sorted(hosts, key=lambda host: -members[host]["priority"])[: len(pinned)] == pinned


@any_case
@given(vip_lists(), host_lists, advert_ints)
def test_each_instance_has_one_master_in_turn(vips: list[Vip], hosts: list[str], advert: float) -> None:
    for index, members in enumerate(by_instance(vrrp_plan(vips, hosts, advert))):
        masters = [host for host, own in members.items() if own["state"] == "MASTER"]
        assert masters == [hosts[index % len(hosts)]]
        assert masters == [max(members, key=lambda host: members[host]["priority"])]


@any_case
@given(st.integers(0, 60), st.integers(2, 20))
def test_loads_differ_by_one_at_most_after_any_one_loss(count: int, size: int) -> None:
    hosts = [f"nginx{number}" for number in range(1, size + 1)]
    instances = by_instance(vrrp_plan(vips_of(count), hosts))
    for lost in [None, *hosts]:
        load = dict.fromkeys([host for host in hosts if host != lost], 0)
        for members in instances:
            load[max(load, key=lambda host: members[host]["priority"])] += 1
        assert max(load.values()) - min(load.values()) <= 1


@any_case
@given(host_lists, st.floats(0.01, 5), st.floats(0, 0.2), st.integers(60, 254))
def test_skew_times_differ_by_skew_at_least_while_there_is_room(
    hosts: list[str], advert: float, skew: float, base: int
) -> None:
    (members,) = by_instance(vrrp_plan([FIRST], hosts, advert, base, skew=skew))
    priorities = sorted((own["priority"] for own in members.values()), reverse=True)
    steps = {high - low for high, low in pairwise(priorities)}
    assert priorities[0] == base
    assert len(steps) <= 1
    for step in steps:
        larger = base - (step + 1) * (len(hosts) - 1)
        cramped = 2 * larger - base - 1 < 1
        times = [(256 - priority) / 256 * advert for priority in priorities]
        assert cramped or all(abs(one - other) >= skew - 1e-9 for one, other in combinations(times, 2))
        assert step == 1 or (step - 1) / 256 * advert < skew + 1e-9


@any_case
@given(st.data(), host_lists, reserved_numbers)
def test_vrids_are_unique_per_family_in_range_and_not_reserved(
    data: st.DataObject, hosts: list[str], reserved: list[int]
) -> None:
    vips = data.draw(vip_lists(reserved))
    for instances in vrrp_plan(vips, hosts, reserved=reserved).values():
        keys = [
            (ipaddress.ip_interface(own["virtual_ipaddress"][0]).version, own["virtual_router_id"]) for own in instances
        ]
        assert len(set(keys)) == len(vips)
        assert all(1 <= vrid <= 255 and vrid not in reserved for _, vrid in keys)


@any_case
@given(st.data(), vip_lists(), reserved_numbers)
def test_pin_of_a_reserved_number_is_an_error(data: st.DataObject, vips: list[Vip], reserved: list[int]) -> None:
    vip, number = data.draw(st.sampled_from(vips)), data.draw(st.integers(1, 255))
    for other in vips:
        other.pop("virtual_router_id", None)
    vip["virtual_router_id"] = number
    with pytest.raises(AnsibleFilterError) as caught:
        vrrp_plan(vips, ["nginx1"], reserved=[*reserved, number])
    assert str(caught.value) == (
        f"evenkeel.nginx_ha.vrrp_plan: keepalived_vips[{vips.index(vip)}].virtual_router_id of {vip['name']} is {number}, "
        "which is that of the reserved numbers. Give each its own."
    )


@any_case
@given(st.data(), reserved_numbers)
def test_vip_that_alone_wants_its_number_has_it(data: st.DataObject, reserved: list[int]) -> None:
    vips = data.draw(vip_lists(reserved))
    found = vrids_of(vips, reserved=reserved)
    wanted = alone(vips, reserved)
    assert {name: found[name] for name in wanted} == wanted
    pinned = {vip["name"]: vip["virtual_router_id"] for vip in vips if "virtual_router_id" in vip}
    assert {name: found[name] for name in pinned} == pinned


@any_case
@given(st.data(), reserved_numbers)
def test_other_vips_change_no_vrid_of_one_that_alone_wants_its_number(data: st.DataObject, reserved: list[int]) -> None:
    """Of a list and a part of it: from the one to the other VIPs are removed, and the other way added."""
    vips = data.draw(vip_lists(reserved))
    part = [vip for vip in vips if data.draw(st.booleans())]
    before, after = vrids_of(vips, reserved=reserved), vrids_of(part, reserved=reserved)
    for name in alone(vips, reserved):
        assert after.get(name, before[name]) == before[name]


@any_case
@given(st.data(), reserved_numbers)
def test_of_several_the_lowest_address_has_the_number(data: st.DataObject, reserved: list[int]) -> None:
    vips = data.draw(vip_lists(reserved))
    found = vrids_of(vips, reserved=reserved)
    pinned = {wish(vip) for vip in vips if "virtual_router_id" in vip}
    lowest: dict[tuple[int, int], Vip] = {}
    for vip in sorted(vips, key=lambda vip: int(ipaddress.ip_interface(vip["address"]).ip), reverse=True):
        if "virtual_router_id" not in vip and wish(vip) not in pinned and wish(vip)[1] not in (0, *reserved):
            lowest[wish(vip)] = vip
    assert {key: found[vip["name"]] for key, vip in lowest.items()} == {key: key[1] for key in lowest}


@any_case
@given(st.data(), vip_lists())
def test_vrids_do_not_depend_on_the_order_of_vips(data: st.DataObject, vips: list[Vip]) -> None:
    assert vrids_of(data.draw(st.permutations(vips))) == vrids_of(vips)


@any_case
@given(st.data(), clusters(), advert_ints)
def test_the_order_of_hosts_and_of_vips_in_the_inventory_changes_nothing(
    data: st.DataObject, case: tuple[list[Vip], list[str]], advert: float
) -> None:
    vips, hosts = case
    again = vrrp_plan(data.draw(st.permutations(vips)), data.draw(st.permutations(hosts)), advert)
    assert again == vrrp_plan(vips, hosts, advert)
    assert list(again) == hosts


@any_case
@given(vip_lists(), host_lists)
def test_vrids_do_not_depend_on_hosts(vips: list[Vip], hosts: list[str]) -> None:
    assert vrids_of(vips, hosts) == vrids_of(vips)


@any_case
@given(clusters(), advert_ints)
def test_same_input_gives_same_output(case: tuple[list[Vip], list[str]], advert: float) -> None:
    vips, hosts = case
    copies = json.loads(json.dumps(vips))
    first = vrrp_plan(vips, hosts, advert)
    assert vips == copies
    assert vrrp_plan(copies, tuple(hosts), advert) == first


COLLECTIONS = Path(__file__).resolve().parents[2] / "collections"
PROGRAM = """
import json, sys
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.plan import plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse
plans = [plan(parse(case)[0]).instances for case in json.load(sys.stdin)]
print(json.dumps([{host: [each.as_fact() for each in own] for host, own in plan.items()} for plan in plans]))
"""


def many_plans() -> list[dict[str, Any]]:
    """The planner's arguments for clusters with every kind of pin, and with VRIDs that collide."""
    cases: list[dict[str, Any]] = []
    for size in (1, 2, 3, 5, 8, 9, 20):
        hosts = [f"nginx{number}" for number in range(1, size + 1)]
        vips: list[Vip] = []
        for number in range(40):
            net, last = divmod(number * 7, 30)
            address = f"2001:db8::{net:x}:{last:x}/64" if number % 5 == 4 else f"10.0.{net}.{last}/16"
            vips.append({"name": f"VI_{number}", "address": address})
        vips[3]["virtual_router_id"] = 99
        vips[6]["preferred"] = hosts[-1]
        vips[9]["order"] = hosts[size // 2 :]
        vips[12]["order"] = hosts[::-1]
        vips[15]["priorities"] = {host: 254 - number for number, host in enumerate(hosts[::-1])}
        vips[18]["states"] = dict.fromkeys(hosts, "BACKUP")
        cases.append({"vips": vips, "hosts": hosts, "reserved_vrids": [3, 14, 98], "skew": 0.005})
    return cases


def interpreter(version: str) -> str:
    if version == "this":
        return sys.executable
    found = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} in ~/.pyenv/versions")
    return str(found[-1])


@pytest.mark.parametrize("seed", ["0", "12345"])
@pytest.mark.parametrize("version", ["this", "3.11", "3.12", "3.13"])
def test_every_interpreter_plans_the_same(version: str, seed: str) -> None:
    cases = many_plans()
    found = subprocess.run(
        [interpreter(version), "-B", "-c", PROGRAM],
        input=json.dumps(cases),
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS), "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    plans = [plan(parse(case)[0]).instances for case in cases]
    own = [{host: [each.as_fact() for each in instances] for host, instances in plan.items()} for plan in plans]
    assert all(instances for plan in own for instances in plan.values())
    assert found.stdout.strip() == json.dumps(own)


def best_time(hosts: int, vips: int) -> float:
    names, entries = [f"nginx{number}" for number in range(1, hosts + 1)], vips_of(vips)
    times = []
    for _run in range(3):
        start = perf_counter()
        vrrp_plan(entries, names)
        times.append(perf_counter() - start)
    return min(times)


def test_speed() -> None:
    """Bounds for a busy machine; tests/bench/plan.py shows what the planner really takes."""
    half, whole = best_time(100, 125), best_time(100, 250)
    assert whole < 2.5
    assert whole / half < 8
