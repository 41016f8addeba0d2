# SPDX-License-Identifier: GPL-3.0-or-later
"""An entry of keepalived_vips with addresses of both families becomes two instances."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.vip_addresses import vip_addresses
from ansible_collections.evenkeel.nginx_ha.plugins.filter.vrrp_plan import vrrp_plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.plan import plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse

HOSTS = ["nginx1", "nginx2", "nginx3"]
DUAL: dict[str, Any] = {"name": "VI_1", "address": "192.168.200.200/24", "address6": "fd00:200::200/64"}
OTHER = {"name": "VI_2", "address": "192.168.200.210/24"}


def planned(*vips: dict[str, Any], **options: Any) -> dict[str, list[Any]]:
    """Of each instance what it has on nginx1, nginx2 and nginx3."""
    plan = vrrp_plan(vips, HOSTS, **options)
    return {
        instance["name"]: [
            [each[key] for each in (plan[host][index] for host in HOSTS)] for key in ("priority", "state")
        ]
        for index, instance in enumerate(plan["nginx1"])
    }


@pytest.mark.parametrize(
    "pins",
    [
        {},
        {"preferred": "nginx3"},
        {"order": ["nginx2", "nginx3"]},
        {"priorities": {"nginx1": 250}},
        {"nopreempt": True},
    ],
    ids=["none", "preferred", "order", "priorities", "nopreempt"],
)
def test_both_are_on_one_host(pins: dict[str, Any]) -> None:
    found = planned(DUAL | pins, OTHER)
    assert list(found) == ["VI_1", "VI_1_6", "VI_2"]
    assert found["VI_1"] == found["VI_1_6"]


def test_it_is_one_load_to_the_hosts() -> None:
    with_both, with_one = planned(DUAL, OTHER), planned({**DUAL, "address6": None}, OTHER)
    assert {name: with_both[name] for name in with_one} == with_one


def test_a_sync_group_takes_both_along() -> None:
    vips = [OTHER, DUAL, {"name": "VI_3", "address": "192.168.200.220/24"}]
    settings, problems = parse(
        {"vips": vips, "hosts": HOSTS, "sync_groups": [{"name": "VG", "vips": ["VI_2", "VI_1"]}]}
    )
    assert not problems
    for instances in plan(settings).instances.values():
        assert len({each.priority for each in instances if each.name != "VI_3"}) == 1


def test_each_has_the_addresses_and_the_vrid_of_its_family() -> None:
    extra = ["fd00:200::201/64", "192.168.200.201/24"]
    first, second = vrrp_plan([DUAL | {"extra_addresses": extra}], HOSTS)["nginx1"]
    assert first["virtual_ipaddress"] == ["192.168.200.200/24", "192.168.200.201/24"]
    assert second["virtual_ipaddress"] == ["fd00:200::200/64", "fd00:200::201/64"]
    # The last 8 bits of 0x200 are 0, which is no VRID.
    assert (first["virtual_router_id"], second["virtual_router_id"]) == (200, 1)


def test_a_pinned_vrid_and_options_are_those_of_both() -> None:
    """IPv4 and IPv6 count VRIDs separately (RFC 5798, 5.2.3)."""
    first, second = vrrp_plan([DUAL | {"virtual_router_id": 7, "options": {"use_vmac": {}}}], HOSTS)["nginx1"]
    assert first["virtual_router_id"] == second["virtual_router_id"] == 7
    assert first["options"] == second["options"] == {"use_vmac": {}}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"address6": "fd00:200::x/64"},
            "keepalived_vips[0].address6 of VI_1 is 'fd00:200::x/64', which is no IP address. Write it as fd00:200::200/64.",
        ),
        (
            {"address6": "192.168.200.7/24"},
            "keepalived_vips[0].address6 of VI_1 is 192.168.200.7/24, which is IPv4. It is the IPv6 address.",
        ),
        (
            {"address": "fd00:200::7/64"},
            "keepalived_vips[0].address of VI_1 is fd00:200::7/64, which is IPv6. It is the IPv4 address.",
        ),
    ],
)
def test_what_is_no_pair_is_refused(changes: dict[str, str], text: str) -> None:
    assert list(map(str, parse({"vips": [DUAL | changes]})[1])) == [text]


def test_two_of_one_name_are_refused() -> None:
    found = parse({"vips": [DUAL, {"name": "VI_1_6", "address": "fd00:200::7/64"}]})[1]
    assert list(map(str, found)) == [
        "keepalived_vips[1].name makes VI_1_6 the name of a VIP, as keepalived_vips[0].name does. Give each entry a name of its own."
    ]


def test_nginx_gets_all_addresses() -> None:
    assert vip_addresses([DUAL, OTHER]) == ["192.168.200.200", "fd00:200::200", "192.168.200.210"]
