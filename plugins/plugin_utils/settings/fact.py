# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts, which are JSON as modules and steps leave it on a host, read into dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
Convert = Callable[[Any], Any]


def read(kind: type[T], fact: object) -> T:
    """A dataclass from a dictionary with the names of its fields as keys.

    What is missing, null, empty or of another kind keeps the field's default. A class with a from_fact of its own is made by that.
    """
    given = fact if isinstance(fact, Mapping) else {}
    # Ansible evaluates a variable each time that it is read.
    known = ((name, convert, given.get(name)) for name, convert in _fields(kind))
    found = {name: convert(value) for name, convert, value in known if value not in (None, "", {})}
    return kind(**{name: value for name, value in found.items() if value is not None})


@cache
def _fields(kind: type) -> list[tuple[str, Convert]]:
    hints = get_type_hints(kind)
    return [(field.name, _converter(hints[field.name])) for field in fields(kind)]


def _converter(hint: Any) -> Convert:
    """What makes a value of a type: text, number, truth, dataclass, a tuple, set or dictionary of these, or None beside one."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return _converter(inner[0])
    if origin in (tuple, frozenset):
        return partial(_all, origin, _converter(inner[0]))
    if origin is Mapping:
        return partial(_named, _converter(inner[1]))
    if is_dataclass(hint):
        return getattr(hint, "from_fact", partial(read, hint))
    return {str: _text, int: partial(_number, int), float: partial(_number, float), bool: bool}[hint]


def _all(kind: Callable[[Any], Any], convert: Convert, values: Any) -> Any:
    return kind(map(convert, values))


def _named(convert: Convert, values: Any) -> dict[str, Any]:
    return {str(name): convert(value) for name, value in values.items()}


def _text(value: object) -> str:
    return str(value).strip()


def _number(kind: Convert, value: object) -> float | None:
    try:
        return kind(value)
    except (TypeError, ValueError):
        return None
