# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of names."""

from __future__ import annotations

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import natural
from hypothesis import given
from hypothesis import strategies as st

SORTED = [
    "1",
    "2",
    "10",
    "VI_1",
    "VI_1_6",
    "VI_2",
    "VI_10",
    "lb",
    "lb01",
    "lb1",
    "lb1.a",
    "lb2",
    "lb10",
    "lb-1",
    "lb-10",
    "\u0661",
]


def test_numbers_in_names_count_as_numbers() -> None:
    assert sorted(set(SORTED), key=natural) == SORTED


@given(st.data(), st.lists(st.text("ab01\u0663-._", max_size=6), unique=True))
def test_it_is_one_order_of_all_names(data: st.DataObject, names: list[str]) -> None:
    assert sorted(data.draw(st.permutations(names)), key=natural) == sorted(names, key=natural)
