# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs of a sync group have one order of hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.plan import leaders_of, plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings import keepalived
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import KeepalivedSettings, parse
from hypothesis import given
from hypothesis import strategies as st

HOSTS = ["lb1", "lb2", "lb3"]
GROUP = [{"name": "VG", "vips": ["VI_2", "VI_3"]}]


def vips(**pins: dict[str, Any]) -> list[dict[str, Any]]:
    names = ("VI_1", "VI_2", "VI_3", "VI_4")
    return [
        {"name": name, "address": f"192.0.2.{number}/24", **pins.get(name, {})} for number, name in enumerate(names, 51)
    ]


def parsed(entries: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]] = GROUP) -> KeepalivedSettings:
    settings, problems = parse({"hosts": HOSTS, "vips": entries, "sync_groups": groups})
    assert not problems
    return settings


def ranks_of(settings: KeepalivedSettings) -> dict[str, list[str]]:
    planned = plan(settings)
    assert not planned.problems
    found: dict[str, list[str]] = {}
    for index, vip in enumerate(settings.vips):
        found[vip.name] = sorted(HOSTS, key=lambda host, at=index: -planned.instances[host][at].priority)
    return found


def ranks(**pins: dict[str, Any]) -> dict[str, list[str]]:
    return ranks_of(parsed(vips(**pins)))


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
    settings = parsed(vips())
    assert leaders_of(settings.vips, ()) == [0, 1, 2, 3]
    assert leaders_of(settings.vips, settings.sync_groups) == [0, 1, 1, 3]


@given(st.data(), st.sets(st.sampled_from(["VI_1", "VI_2", "VI_3", "VI_4"])))
def test_the_order_of_vips_and_groups_changes_nothing(data: st.DataObject, together: set[str]) -> None:
    """VIPs of both families too, of which the second follows the first."""
    own = [{**vip, "address6": f"2001:db8::{number}/64"} if number % 2 else vip for number, vip in enumerate(vips())]
    rest = {"VI_1", "VI_2", "VI_3", "VI_4"} - together
    groups = [{"name": name, "vips": sorted(names)} for name, names in (("VG", together), ("VH", rest))]
    shuffled = [
        {**each, "vips": data.draw(st.permutations(each["vips"]))} for each in data.draw(st.permutations(groups))
    ]
    assert ranks_of(parsed(data.draw(st.permutations(own)), shuffled)) == ranks_of(parsed(own, groups))


@pytest.mark.parametrize(
    ("groups", "pins", "texts"),
    [
        (GROUP, {}, []),
        (GROUP, {"VI_2": {"preferred": "lb2"}, "VI_3": {"preferred": "lb2"}}, []),
        (
            [{"name": "VG", "vips": ["VI_2", "VI_9"]}],
            {},
            [
                "keepalived_sync_groups[0].vips of VG has VI_9, which is no VIP; the VIPs are VI_1, VI_2, VI_3, VI_4. "
                "Name VIPs of keepalived_vips."
            ],
        ),
        (
            [*GROUP, {"name": "VH", "vips": ["VI_3", "VI_4"]}],
            {},
            ["keepalived_sync_groups[1].vips of VH has VI_3, which VG has as well. Leave it in one of them."],
        ),
        (
            GROUP,
            {"VI_2": {"preferred": "lb2"}, "VI_3": {"order": ["lb3", "lb1"]}},
            [
                "keepalived_sync_groups[0].vips of VG move together, and VI_2 pins lb2, VI_3 pins lb3 and lb1. "
                "Pin one order, the same on each or on one."
            ],
        ),
        (
            GROUP,
            {"VI_2": {"priorities": {"lb1": 100, "lb2": 90}}, "VI_3": {"priorities": {"lb1": 90, "lb2": 100}}},
            [
                "keepalived_sync_groups[0].vips of VG move together, and VI_2 pins lb1 and lb2, VI_3 pins lb2 and lb1. "
                "Pin one order, the same on each or on one."
            ],
        ),
    ],
)
def test_problems(groups: list[dict[str, Any]], pins: dict[str, Any], texts: list[str]) -> None:
    assert list(map(str, keepalived.problems_of(parsed(vips(**pins), groups)))) == texts
