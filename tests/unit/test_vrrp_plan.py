# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is master of which VIP: the reference, the defaults, pins, refusals and what holds for any cluster."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.filter.vrrp_plan import FilterModule, vrrp_plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils import vrrp
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
    assert vrrp.plan(vips, hosts, **options) == expected


def test_three_hosts_share_five_vips_round_and_round() -> None:
    vips = [{"name": f"VI_{number}", "address": f"10.0.0.{number}/24"} for number in range(1, 6)]
    plan = vrrp.plan(vips, ["a", "b", "c"])
    assert column(plan, "priority") == {
        "a": [254, 232, 243, 254, 232],
        "b": [243, 254, 232, 243, 254],
        "c": [232, 243, 254, 232, 243],
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
    assert column(vrrp.plan([FIRST], PAIR, advert_int), "priority") == {"nginx1": [254], "nginx2": [254 - step]}


VRIDS: dict[str, tuple[list[Vip], list[int]]] = {
    "last octet": ([FIRST, SECOND], [200, 210]),
    "IPv6's last byte": ([{"name": "six", "address": "2001:db8::1:2c/64"}], [0x2C]),
    "IPv4 and IPv6 count separately": (
        [{"name": "four", "address": "10.0.0.7/24"}, {"name": "six", "address": "2001:db8::7/64"}],
        [7, 7],
    ),
    "next free one above": (
        [{"name": "b", "address": "10.0.1.7/16"}, {"name": "a", "address": "10.0.0.7/16"}],
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
}


@pytest.mark.parametrize(("vips", "vrids"), VRIDS.values(), ids=VRIDS)
def test_vrids(vips: list[Vip], vrids: list[int]) -> None:
    assert column(vrrp.plan(vips, PAIR), "virtual_router_id") == {"nginx1": vrids, "nginx2": vrids}


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
    plan = vrrp.plan([{"name": "VI_1", "address": address}], ["nginx1"])
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
    "empty pins": (
        {"priorities": None, "states": {}, "virtual_router_id": None},
        {"nginx1": (254, "MASTER", -12), "nginx2": (243, "BACKUP", -12)},
    ),
}


@pytest.mark.parametrize(("pins", "expected"), PINS.values(), ids=PINS)
def test_pins(pins: Vip, expected: dict[str, tuple[int, str, int]]) -> None:
    plan = vrrp.plan([{**FIRST, **pins}], PAIR)
    found = {host: (own["priority"], own["state"], own["weight"]) for host, (own,) in plan.items()}
    assert found == expected


OUT_OF_RANGE = (
    "; it must be 1 to 254 (255 would make it the owner, which no failed check can lower). "
    "Change its pin, keepalived_priority_base or _step."
)
ERRORS: dict[str, tuple[list[Vip], Mapping[str, Any], str]] = {
    "no host": (
        [FIRST],
        {"hosts": []},
        "There is no host to plan for. Set keepalived_hosts, e.g. to the group of load balancers.",
    ),
    "host twice": (
        [FIRST],
        {"hosts": ["a", "b", "a"]},
        "Host a is listed twice in keepalived_hosts. List each host once.",
    ),
    "bad name": (
        [{**FIRST, "name": "VI 1"}],
        {},
        "VIP name 'VI 1' is not made of letters, digits, '_', '-' and '.'. Rename it, e.g. VI_1.",
    ),
    "no name": (
        [{"address": "10.0.0.1/24"}],
        {},
        "VIP name '' is not made of letters, digits, '_', '-' and '.'. Rename it, e.g. VI_1.",
    ),
    "name twice": (
        [FIRST, {**SECOND, "name": "VI_1"}],
        {},
        "Two VIPs are called VI_1. Give each entry of keepalived_vips a name of its own.",
    ),
    "bad address": (
        [{**FIRST, "address": "192.168.200.300/24"}],
        {},
        "VIP VI_1: address is '192.168.200.300/24', which is no IP address. Write it as 192.168.200.200/24.",
    ),
    "no address": (
        [{"name": "VI_1"}],
        {},
        "VIP VI_1: address is '', which is no IP address. Write it as 192.168.200.200/24.",
    ),
    "address twice": (
        [FIRST, {**SECOND, "address": "192.168.200.200/16"}],
        {},
        "VIP VI_2: address 192.168.200.200 is already that of VI_1. Remove one of the two.",
    ),
    "pinned owner": (
        [{**FIRST, "priorities": {"nginx2": 255}}],
        {},
        "VIP VI_1: nginx2 would get priority 255" + OUT_OF_RANGE,
    ),
    "base too high": ([FIRST], {"base": 255}, "VIP VI_1: nginx1 would get priority 255" + OUT_OF_RANGE),
    "step too large": (
        [FIRST],
        {"base": 150, "step": 150},
        "VIP VI_1: nginx2 would get priority 0" + OUT_OF_RANGE,
    ),
    "negative step": (
        [FIRST],
        {"step": -5},
        "keepalived_priority_step is -5. It is 0 (chosen) or more; pin priorities to prefer another host.",
    ),
    "priority is no number": (
        [{**FIRST, "priorities": {"nginx2": "high"}}],
        {},
        "VIP VI_1: priority of nginx2 is 'high'. It must be a whole number from 1 to 254.",
    ),
    "equal priorities": (
        [{**FIRST, "priorities": {"nginx1": 150, "nginx2": 150}}],
        {},
        "VIP VI_1: nginx1 and nginx2 both have priority 150. "
        "Equal priorities go to the higher address; give each host its own.",
    ),
    "pin equals a planned priority": (
        [{**FIRST, "priorities": {"nginx2": 254}}],
        {},
        "VIP VI_1: nginx1 and nginx2 both have priority 254. "
        "Equal priorities go to the higher address; give each host its own.",
    ),
    "no room": (
        [FIRST],
        {"base": 150, "step": 75},
        "VIP VI_1: priorities 150 to 75 leave no room for a failed host to rank below a healthy one "
        "(the last would fall to -1). Use a smaller keepalived_priority_step or a higher base.",
    ),
    "lowest base": (
        [FIRST],
        {"hosts": ["nginx1"], "base": 1},
        "VIP VI_1: priorities 1 to 1 leave no room for a failed host to rank below a healthy one "
        "(the last would fall to 0). Use a smaller keepalived_priority_step or a higher base.",
    ),
    "bad state": (
        [{**FIRST, "states": {"nginx1": "master"}}],
        {},
        "VIP VI_1: state of nginx1 is 'master'. It is MASTER or BACKUP.",
    ),
    "stranger's priority": (
        [{**FIRST, "priorities": {"nginx3": 100}}],
        {},
        "VIP VI_1: priorities names nginx3, which is no member. The members are nginx1, nginx2.",
    ),
    "stranger's state": (
        [SECOND, {**FIRST, "states": {"nginx3": "MASTER"}}],
        {},
        "VIP VI_1: states names nginx3, which is no member. The members are nginx2, nginx1.",
    ),
    "VRID too low": (
        [{**FIRST, "virtual_router_id": 0}],
        {},
        "VIP VI_1: virtual_router_id is 0. It must be 1 to 255.",
    ),
    "VRID too high": (
        [{**FIRST, "virtual_router_id": 256}],
        {},
        "VIP VI_1: virtual_router_id is 256. It must be 1 to 255.",
    ),
    "VRID twice": (
        [{**FIRST, "virtual_router_id": 51}, {**SECOND, "virtual_router_id": 51}],
        {},
        "VIP VI_2: virtual_router_id 51 is already that of VI_1. Give each its own.",
    ),
    "too many VIPs": (
        [{"name": f"VI_{number}", "address": f"10.0.{number // 256}.{number % 256}/16"} for number in range(1, 257)],
        {},
        "VIP VI_256: all 255 VRIDs of this network are taken.",
    ),
}


@pytest.mark.parametrize(("vips", "options", "text"), ERRORS.values(), ids=ERRORS)
def test_error(vips: list[Vip], options: Mapping[str, Any], text: str) -> None:
    with pytest.raises(vrrp.PlanError) as caught:
        vrrp.plan(vips, **{"hosts": PAIR, **options})
    assert str(caught.value) == text


@pytest.mark.parametrize("vrid", [1, 255])
def test_pinned_vrid_may_be_the_first_and_the_last(vrid: int) -> None:
    assert column(vrrp.plan([{**FIRST, "virtual_router_id": vrid}], ["a"]), "virtual_router_id") == {"a": [vrid]}


def test_255_vips_of_one_family_have_room() -> None:
    vips = [{"name": f"VI_{number}", "address": f"10.0.0.{number}/24"} for number in range(1, 256)]
    assert column(vrrp.plan(vips, ["a"]), "virtual_router_id") == {"a": list(range(1, 256))}


def test_filter_takes_numbers_as_text() -> None:
    options = {"advert_int": "1", "base": "150", "step": "50"}
    assert FilterModule().filters()["vrrp_plan"](REFERENCE, PAIR, **options) == PLANS["the reference"][3]


def test_filter_has_the_planners_defaults() -> None:
    assert vrrp_plan([FIRST, SECOND], PAIR) == PLANS["defaults"][3]


def test_filter_names_itself_in_its_error() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        vrrp_plan([FIRST], [])
    assert str(caught.value) == f"evenkeel.nginx_ha.vrrp_plan: {ERRORS['no host'][2]}"


any_case = settings(deadline=None, max_examples=200)
host_lists = st.integers(1, 20).map(lambda count: [f"nginx{number}" for number in range(1, count + 1)])
advert_ints = st.floats(0.01, 5)
# Few last bytes, so that VRIDs collide often.
addresses = st.one_of(
    st.builds(lambda net, last: ipaddress.ip_address(f"10.0.{net}.{last}"), st.integers(0, 3), st.integers(0, 255)),
    st.builds(
        lambda net, last: ipaddress.ip_address(f"2001:db8::{net:x}:{last:x}"), st.integers(0, 3), st.integers(0, 9)
    ),
    st.builds(lambda net, last: ipaddress.ip_address(f"10.1.{net}.{last}"), st.integers(0, 9), st.integers(253, 255)),
)


@st.composite
def vip_lists(draw: st.DrawFn) -> list[Vip]:
    found = draw(st.lists(addresses, min_size=1, max_size=12, unique=True))
    vips: list[Vip] = [
        {"name": f"VI_{number}", "address": f"{address}/16"} for number, address in enumerate(found, start=1)
    ]
    pins = draw(st.lists(st.integers(1, 255), max_size=len(vips), unique=True))
    for vip, pin in zip(draw(st.permutations(vips)), pins, strict=False):
        vip["virtual_router_id"] = pin
    return vips


def by_instance(plan: Plan) -> list[dict[str, dict[str, Any]]]:
    return [dict(zip(plan, instances, strict=True)) for instances in zip(*plan.values(), strict=True)]


@any_case
@given(vip_lists(), host_lists, advert_ints)
def test_priorities_of_an_instance_differ_and_are_in_range(vips: list[Vip], hosts: list[str], advert: float) -> None:
    for members in by_instance(vrrp.plan(vips, hosts, advert)):
        priorities = [own["priority"] for own in members.values()]
        assert len(set(priorities)) == len(hosts)
        assert all(1 <= priority <= 254 for priority in priorities)


@any_case
@given(vip_lists(), host_lists, advert_ints)
def test_failed_host_ranks_below_every_healthy_one(vips: list[Vip], hosts: list[str], advert: float) -> None:
    for members in by_instance(vrrp.plan(vips, hosts, advert)):
        failed = [own["priority"] + own["weight"] for own in members.values()]
        assert max(failed) < min(own["priority"] for own in members.values())
        assert min(failed) >= 1
        assert all(-253 <= own["weight"] < 0 for own in members.values())


@any_case
@given(vip_lists(), host_lists, advert_ints)
def test_each_instance_has_one_master_in_turn(vips: list[Vip], hosts: list[str], advert: float) -> None:
    for index, members in enumerate(by_instance(vrrp.plan(vips, hosts, advert))):
        masters = [host for host, own in members.items() if own["state"] == "MASTER"]
        assert masters == [hosts[index % len(hosts)]]
        assert masters == [max(members, key=lambda host: members[host]["priority"])]


@any_case
@given(vip_lists(), host_lists)
def test_vrids_are_unique_per_family_and_in_range(vips: list[Vip], hosts: list[str]) -> None:
    for instances in vrrp.plan(vips, hosts).values():
        keys = [
            (ipaddress.ip_interface(own["virtual_ipaddress"][0]).version, own["virtual_router_id"]) for own in instances
        ]
        assert len(set(keys)) == len(vips)
        assert all(1 <= vrid <= 255 for _, vrid in keys)


@any_case
@given(st.data(), vip_lists())
def test_vrids_do_not_depend_on_the_order_of_vips(data: st.DataObject, vips: list[Vip]) -> None:
    def vrids(order: list[Vip]) -> dict[str, int]:
        return {own["name"]: own["virtual_router_id"] for own in vrrp.plan(order, ["nginx1"])["nginx1"]}

    assert vrids(data.draw(st.permutations(vips))) == vrids(vips)


@any_case
@given(vip_lists(), host_lists, advert_ints)
def test_same_input_gives_same_output(vips: list[Vip], hosts: list[str], advert: float) -> None:
    copies = [dict(vip) for vip in vips]
    first = vrrp.plan(vips, hosts, advert)
    assert vips == copies
    assert vrrp.plan(copies, tuple(hosts), advert) == first
