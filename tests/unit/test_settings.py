# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands in the inventory, it becomes settings or problems, and never an error of Python's."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.plan import plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings import keepalived
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import KeepalivedSettings, parse
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.naming import plain_path_problem
from hypothesis import example, given, settings
from hypothesis import strategies as st

NAMES = sorted({each.name for each in fields(KeepalivedSettings)} - {"given", "raw"})
VIP_NAMES = [
    "name",
    "address",
    "address6",
    "extra_addresses",
    "virtual_router_id",
    "preferred",
    "order",
    "priorities",
    "states",
    "nopreempt",
    "options",
    "address_options",
]
TEXTS = st.sampled_from(
    ["", "a", "b", "10.0.0.1/24", "fd00::1/64", "255", "-1", "1e400", "0.5", "true", "MASTER", "9" * 5000]
)
SIMPLE = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=5
)
VIPS = st.lists(st.dictionaries(st.sampled_from(VIP_NAMES), VALUES) | VALUES, max_size=4)
NAMED = st.lists(st.dictionaries(st.sampled_from(["name", "vips", "weight"]), VALUES), max_size=3)
SOUND: dict[str, Any] = {"hosts": ["a", "b"], "vips": [{"name": "a", "address": "10.0.0.1/24"}]}


@settings(max_examples=500)
@given(
    st.dictionaries(st.sampled_from(NAMES), VALUES), st.none() | VIPS, st.none() | NAMED, st.none() | st.lists(TEXTS)
)
@example({"skew": 1e308, "advert_int": 0.01}, SOUND["vips"], None, ["a", "b"])
@example(
    {},
    [{**SOUND["vips"][0], "priorities": {"a": "9" * 5000}, "virtual_router_id": "9" * 5000}],
    None,
    ["a", "9" * 5000],
)
@example({"priority_base": 10**400}, SOUND["vips"], None, ["a", "b"])
def test_no_input_is_an_error_of_pythons(raw: dict[str, Any], vips: Any, groups: Any, hosts: Any) -> None:
    own = {"vips": vips, "sync_groups": groups, "vrrp_scripts": groups, "hosts": hosts}
    found, problems = parse({**raw, **{name: value for name, value in own.items() if value is not None}})
    for problem in [*problems, *keepalived.problems_of(found), *plan(found).problems]:
        assert problem.where.startswith("keepalived_") and problem.what and problem.fix.endswith((".", ").", "]."))
        assert "\n" not in str(problem)


def test_numbers_may_be_texts() -> None:
    numbers = {"advert_int": 1, "vrrp_version": 2, "priority_step": 50, "unicast": True, "reserved_vrids": [7]}
    texts = {"advert_int": "1", "vrrp_version": "2", "priority_step": "50", "unicast": "True", "reserved_vrids": ["7"]}
    assert parse({**SOUND, **numbers}) == parse({**SOUND, **texts})


@pytest.mark.parametrize("path", ["/run", "/opt", "/etc"])
def test_what_uninstalling_removes_is_no_directory_of_the_systems(path: str) -> None:
    assert "would be removed by uninstalling" in plain_path_problem(path)
    assert plain_path_problem(f"{path}/keepalived") == ""
