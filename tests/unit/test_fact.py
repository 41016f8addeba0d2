# SPDX-License-Identifier: GPL-3.0-or-later
"""How facts become dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read


@dataclass(frozen=True)
class Inner:
    name: str = ""
    size: float | None = None


@dataclass(frozen=True)
class Made:
    known: bool

    @classmethod
    def from_fact(cls, fact: Mapping[str, Any]) -> Made:
        return cls("key" in fact)


@dataclass(frozen=True)
class Outer:
    text: str = "none"
    number: int = 7
    flag: bool | None = None
    one: Inner | None = None
    several: tuple[Inner, ...] = ()
    names: frozenset[str] | None = None
    by_name: Mapping[str, Inner] = field(default_factory=dict)
    made: Made | None = None


FACTS: dict[str, tuple[Any, Outer]] = {
    "nothing": (None, Outer()),
    "no dictionary": ("text", Outer()),
    "nulls and unknown keys": ({"text": None, "number": None, "flag": None, "one": None, "more": 1}, Outer()),
    "empty": ({"text": "", "one": {}, "by_name": {}}, Outer()),
    "an empty list is known to be empty": ({"names": [], "several": []}, Outer(names=frozenset())),
    "texts": ({"text": " a b\n", "number": "8"}, Outer(text="a b", number=8)),
    "zero and false": ({"number": 0, "flag": False}, Outer(number=0, flag=False)),
    "no number": ({"number": "many", "one": {"size": []}}, Outer(one=Inner())),
    "inside": (
        {"one": {"name": "a", "size": 1}, "several": [{"name": "b", "size": "0.5"}, {}], "by_name": {"c": {"name": 5}}},
        Outer(one=Inner("a", 1), several=(Inner("b", 0.5), Inner()), by_name={"c": Inner("5")}),
    ),
    "by itself": ({"made": {"key": None}}, Outer(made=Made(True))),
}


@pytest.mark.parametrize(("fact", "expected"), FACTS.values(), ids=FACTS)
def test_a_fact_becomes_a_dataclass(fact: object, expected: Outer) -> None:
    assert read(Outer, fact) == expected
