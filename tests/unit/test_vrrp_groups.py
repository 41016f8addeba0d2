# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs of a sync group have one order of hosts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import groups as vrrp_groups
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import vrrp

HOSTS = ["lb1", "lb2", "lb3"]
GROUP = [{"name": "VG", "vips": ["VI_2", "VI_3"]}]


def vips(**pins: dict[str, Any]) -> list[dict[str, Any]]:
    names = ("VI_1", "VI_2", "VI_3", "VI_4")
    return [
        {"name": name, "address": f"192.0.2.{number}/24", **pins.get(name, {})} for number, name in enumerate(names, 51)
    ]


def ranks(**pins: dict[str, Any]) -> dict[str, list[str]]:
    planned = vrrp.plan(vips(**pins), HOSTS, groups=GROUP)
    found: dict[str, list[str]] = {}
    for index, name in enumerate(("VI_1", "VI_2", "VI_3", "VI_4")):
        found[name] = sorted(HOSTS, key=lambda host, at=index: -planned[host][at]["priority"])
    return found


def test_members_have_one_order() -> None:
    found = ranks()
    assert found["VI_2"] == found["VI_3"]
    # A group counts as one, so that its hosts are dealt out evenly to groups and single VIPs.
    assert sorted(found[name][0] for name in ("VI_1", "VI_2", "VI_4")) == HOSTS


@pytest.mark.parametrize("name", ["VI_2", "VI_3"])
def test_a_members_pin_is_that_of_all(name: str) -> None:
    found = ranks(**{name: {"order": ["lb3", "lb1"]}})
    assert found["VI_2"] == found["VI_3"] == ["lb3", "lb1", "lb2"]


def test_without_groups_nothing_changes() -> None:
    assert vrrp_groups.leaders_of(vips(), ()) == [0, 1, 2, 3]
    assert vrrp_groups.leaders_of(vips(), GROUP) == [0, 1, 1, 3]


@pytest.mark.parametrize(
    ("groups", "pins", "texts"),
    [
        (GROUP, {}, []),
        (GROUP, {"VI_2": {"preferred": "lb2"}, "VI_3": {"preferred": "lb2"}}, []),
        (
            [{"name": "VG", "vips": ["VI_2", "VI_9"]}],
            {},
            ["keepalived_sync_groups: VG has VI_9, which is no VIP. The VIPs are VI_1, VI_2, VI_3, VI_4."],
        ),
        (
            [*GROUP, {"name": "VH", "vips": ["VI_3", "VI_4"]}],
            {},
            ["keepalived_sync_groups: VI_3 is in VG and in VH. Leave it in one of them."],
        ),
        (
            GROUP,
            {"VI_2": {"preferred": "lb2"}, "VI_3": {"order": ["lb3", "lb1"]}},
            [
                "keepalived_sync_groups: the VIPs of VG move together, and VI_2 pins lb2, VI_3 pins lb3 and lb1. "
                "Pin one order, the same on each or on one."
            ],
        ),
        (
            GROUP,
            {"VI_2": {"priorities": {"lb1": 100, "lb2": 90}}, "VI_3": {"priorities": {"lb1": 90, "lb2": 100}}},
            [
                "keepalived_sync_groups: the VIPs of VG move together, and VI_2 pins lb1 and lb2, VI_3 pins lb2 and lb1. "
                "Pin one order, the same on each or on one."
            ],
        ),
    ],
)
def test_problems(groups: list[dict[str, Any]], pins: dict[str, Any], texts: list[str]) -> None:
    assert list(vrrp_groups.problems(vips(**pins), groups)) == texts
