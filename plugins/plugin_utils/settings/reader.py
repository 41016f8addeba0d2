# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's values as typed ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from .problem import Problem, shown

Number = TypeVar("Number", int, float)
TRUE = ("y", "yes", "on", "1", "true", "t", "1.0")
FALSE = ("n", "no", "off", "0", "false", "f", "0.0")


def _finite(text: str) -> float:
    if math.isfinite(found := float(text)):
        return found
    raise ValueError


def truth(value: object) -> bool | None:
    """What Ansible takes for true or false, and None for what is neither. Before ansible-core 2.19 a template's value is a text."""
    text = str(value).strip().lower()
    return True if text in TRUE else False if text in FALSE else None


@dataclass(frozen=True)
class Reader:
    """Takes values from a mapping; what is wrong with one is noted in problems, and its default stands for it.

    prefix: what stands before a key where it is named, such as keepalived_ or keepalived_vips[2].; of: whose value it is, such as
    "of VI_1 ". A value that is None or empty is its default, too.
    """

    raw: Mapping[str, object]
    prefix: str
    problems: list[Problem] = field(default_factory=list)
    of: str = ""

    def note(self, key: str, what: str, fix: str) -> None:
        self.problems.append(Problem(f"{self.prefix}{key}", f"{self.of}{what}", fix))

    def number(self, key: str, default: float) -> float:
        found = self.optional_number(key, f"such as {default:g}")
        return default if found is None else found

    def optional_number(self, key: str, example: str) -> float | None:
        """A number, None where there is none; example: the end of the sentence that asks for one."""
        return self._converted(key, _finite, "number", example)

    def whole(self, key: str, default: int) -> int:
        found = self.optional_whole(key, f"such as {default}")
        return default if found is None else found

    def optional_whole(self, key: str, example: str) -> int | None:
        """As optional_number, of a whole number."""
        return self._converted(key, int, "whole number", example)

    def _converted(self, key: str, convert: Callable[[str], Number], kind: str, example: str) -> Number | None:
        value = self._given(key)
        if value is None:
            return None
        try:
            if not isinstance(value, bool):
                return convert(str(value))
        except ValueError:
            pass
        self.note(key, f"is {shown(value)}, which is no {kind}", f"Give it a {kind}, {example}.")
        return None

    def truth(self, key: str, default: bool = False) -> bool:
        value = self._given(key)
        if value is None:
            return default
        found = truth(value)
        if found is None:
            self.note(key, f"is {shown(value)}, which is neither true nor false", "Set it to true or false.")
        return default if found is None else found

    def text(self, key: str, default: str = "") -> str:
        value = self.raw.get(key)
        return default if value is None else str(value)

    def plain(self, kind: type[Any]) -> dict[str, Any]:
        """The values of those fields of a dataclass that are numbers, texts and truth values, by their names; each has a default."""
        readers = {"str": self.text, "int": self.whole, "float": self.number, "bool": self.truth}
        return {each.name: readers[each.type](each.name, each.default) for each in fields(kind) if each.type in readers}

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(str(each) for each in self._list(key))

    def wholes(self, key: str) -> tuple[int, ...]:
        entries = {f"{key}[{index}]": each for index, each in enumerate(self._list(key))}
        read = replace(self, raw=entries)
        return tuple(read.whole(entry, 0) for entry in entries)

    def mapping(self, key: str) -> Mapping[str, object]:
        value = self._given(key)
        if value is None or isinstance(value, Mapping):
            return {str(name): each for name, each in value.items()} if value else {}
        self.note(key, "is no dictionary", "Write names and their values.")
        return {}

    def entries(self, key: str) -> Iterator[Reader]:
        """A reader of each entry of a list of dictionaries."""
        for index, each in enumerate(self._list(key)):
            where = f"{key}[{index}]"
            if isinstance(each, Mapping):
                name = str(each.get("name") or "")
                yield Reader(each, f"{self.prefix}{where}.", self.problems, f"of {name} " if name else "")
            else:
                self.note(where, "is no dictionary", "Write names and their values.")

    def _given(self, key: str) -> object:
        value = self.raw.get(key)
        return None if value == "" else value

    def _list(self, key: str) -> tuple[object, ...]:
        value = self._given(key)
        if value is None or isinstance(value, list | tuple | range):
            return tuple(value or ())
        self.note(key, "is no list", "Write a list, also of one entry.")
        return ()
