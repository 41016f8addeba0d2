# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's options as data: a class for each kind of entry, and one row, a field of it, for each option.

A row says what the inventory may give, what nginx needs for it, and the directive that it becomes. Reading, preflight, rendering, the
role's argument_specs, its OPTIONS.md and the tests follow from the rows. Pure functions; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, ClassVar, Self

from ..settings.problem import Problem
from ..text import as_numbers, joined, plain
from .kinds import Kind

# The longest value that a message shows whole.
SHOWN = 100
# The version of an nginx of which nothing is known.
UNKNOWN = (0,)
DICT = Kind("dict", "a dictionary", dict)
Directives = Callable[[Any, Any], Iterator[str]]


@dataclass(frozen=True)
class Option:
    """A row of the table.

    kind: what its value is, or each value where many; text: a sentence for people, in Ansible's markup; example: a value as the inventory
    has it; default: the value where it is not set, and shown: that in words; fix: what to do where it is missing; low, high: bounds of a
    number, inclusive; empty: whether an empty value is one; secret: whether no message may show the value; within: what is in the
    dictionary.
    since: the first nginx that has it; module: what nginx has to be built with; needs: another option that has to be set; excludes: names
    of others, each with a clause that says why they cannot be set, too.
    renders: its directives without their semicolons, in which {value} is the value as nginx has it and {zone} and {proxy} are the place's,
    or a function of the entry and the place, which is called whether it is set or not; outside: a directive before the server's braces;
    beside: the option without which these are left out.
    """

    kind: Kind
    text: str
    example: Any
    default: Any = None
    shown: Any = None
    many: bool = False
    required: bool = False
    fix: str = ""
    low: float | None = None
    high: float | None = None
    empty: bool = False
    secret: bool = False
    within: type[Entry] | None = None
    since: str = ""
    module: str = ""
    needs: str = ""
    excludes: Mapping[str, str] = field(default_factory=dict)
    renders: str | tuple[str, ...] | Directives = ()
    outside: str = ""
    beside: str = ""

    @property
    def unset(self) -> Any:
        if self.default is not None:
            return self.default
        return () if self.many else "" if self.required and not self.within else None

    @property
    def gist(self) -> str:
        return self.kind.gist + self.bounds(" from {} to {}")

    def bounds(self, text: str) -> str:
        """The two bounds in a text, and none without them."""
        return "" if self.low is None or self.high is None else text.format(plain(self.low), plain(self.high))

    def allows(self, value: Any) -> bool:
        return self.low is None or self.high is None or bool(self.low <= value <= self.high)


@dataclass(frozen=True)
class Entry:
    """where: its variable and number, such as nginx_servers[0].locations[2]."""

    # Of these options exactly one is set, or one at least.
    exactly_one: ClassVar[tuple[str, ...]] = ()
    at_least_one: ClassVar[tuple[str, ...]] = ()

    where: str = field(default="", compare=False, kw_only=True)

    @classmethod
    def read(cls, given: object, where: str, found: list[Problem], strict: bool = True) -> Self:
        """What is wrong with it is added to found, and is not in the entry; strict: whether it may have no other options."""
        entry = cls(where=where)
        if not isinstance(given, Mapping):
            what = f"is {shortened(given)}, which is not a dictionary"
            found.append(Problem(where, what, "Write options and their values."))
            return entry
        for name in given if strict else ():
            if name not in named(cls):
                what = f"has {shortened(name)}, which is not an option of it"
                found.append(Problem(where, what, f"It takes {', '.join(named(cls))}."))
        values: dict[str, Any] = {}
        for each in fields(cls):
            if "inlined" in each.metadata:
                values[each.name] = each.metadata["inlined"].read(given, where, found, strict=False)
            elif "option" in each.metadata:
                values[each.name] = _value(each.metadata["option"], given.get(each.name), entry.at(each.name), found)
        return replace(entry, **values)

    def at(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else f"nginx_{name}"

    def problem(self, name: str, what: str, fix: str) -> Problem:
        """What is wrong with one of its options, or as a whole, without a name."""
        return Problem(self.at(name) if name else self.where, what, fix)

    def called(self, *names: str) -> str:
        """Options of it in a sentence."""
        return joined(names if self.where else [f"nginx_{name}" for name in names])


@dataclass(frozen=True)
class Row:
    """An option with its name, and whether it is one of an entry that stands in another one without a name of its own."""

    name: str
    option: Option
    inner: str = ""

    def value(self, entry: Entry) -> Any:
        return getattr(getattr(entry, self.inner) if self.inner else entry, self.name)

    def is_set(self, entry: Entry) -> bool:
        return bool(self.value(entry) is not None and self.value(entry) != self.option.unset)


def option(kind: Kind, text: str, example: Any, **row: Any) -> Any:
    """A field of an entry that is a row of the table."""
    return _field(Option(kind, text, example, **row))


def entry(within: type[Entry], text: str, **row: Any) -> Any:
    """A dictionary of further options, or with many a list of such."""
    return _field(Option(DICT, text, row.pop("example", None), within=within, **row))


def inlined(within: type[Entry]) -> Any:
    """Options that several kinds of entries have in common; the inventory has them beside the entry's own."""
    # For the bodies of dataclasses, where the fields are made by this.
    return field(default_factory=within, metadata={"inlined": within}, kw_only=True)  # pylint: disable=invalid-field-call


def _field(row: Option) -> Any:
    default: dict[str, Any] = {"default_factory": dict} if isinstance(row.unset, dict) else {"default": row.unset}
    return field(**default, metadata={"option": row}, kw_only=True)  # pylint: disable=invalid-field-call


@cache
def rows(kind: type[Entry]) -> tuple[Row, ...]:
    """All options of a kind of entry, in the order in which their directives stand."""
    return tuple(row for each in fields(kind) for row in _rows(each))


def _rows(each: Any) -> Iterator[Row]:
    if "option" in each.metadata:
        yield Row(each.name, each.metadata["option"])
    for row in rows(each.metadata["inlined"]) if "inlined" in each.metadata else ():
        yield Row(row.name, row.option, each.name)


@cache
def named(kind: type[Entry]) -> Mapping[str, Row]:
    return {row.name: row for row in rows(kind)}


def _value(one: Option, given: Any, where: str, found: list[Problem]) -> Any:
    if _is_blank(one, given, where):
        if one.required and not one.empty:
            found.append(Problem(where, "is not set", _fix(one, one.many)))
        return one.unset
    if not one.many:
        value = _single(one, given, where, found)
        return one.unset if value is None else value
    many = given if isinstance(given, list | tuple) else [given]
    read = [_single(one, each, f"{where}[{number}]", found) for number, each in enumerate(many)]
    return tuple(each for each in read if each is not None)


def _is_blank(one: Option, given: Any, where: str) -> bool:
    if given == "" and one.default and "." not in where and "[" not in where:
        # Templates have some of the role's own variables as they are.
        return False
    return given is None or (given in ("", [], (), {}) and not one.empty)


def _single(one: Option, given: Any, where: str, found: list[Problem]) -> Any:
    if one.within:
        return one.within.read(given, where, found)
    try:
        value = one.kind.reads(given)
        if value is not None and not one.allows(value):
            raise ValueError(given)
    except (TypeError, ValueError):
        is_what = "is a value that is" if one.secret else f"is {shortened(given)}, which is"
        found.append(Problem(where, f"{is_what} not {one.gist}", _fix(one)))
        return None
    return value


def _fix(one: Option, whole: bool = False) -> str:
    """whole: whether all of a list is missing, not one of its values."""
    if whole and one.fix:
        return one.fix
    if one.secret:
        return f"Set it to {one.gist}."
    example = required_of(one.within) if one.within else one.example[0] if one.many else one.example
    return f"Give it a value such as {[example] if whole else example}."


def required_of(kind: type[Entry]) -> dict[str, Any]:
    """The smallest entry of a kind, but for options of which it needs one."""
    found = {row.name: row.option for row in rows(kind) if row.option.required}
    return {name: [required_of(one.within)] if one.within else one.example for name, one in found.items()}


def shortened(value: object) -> str:
    """A value on one line."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def walk(one: Entry) -> Iterator[Entry]:
    """An entry and all that are in it."""
    yield one
    for row in rows(type(one)):
        if row.option.within:
            value = row.value(one)
            for each in value if isinstance(value, tuple) else (value,):
                if each is not None:
                    yield from walk(each)


def unmet(
    one: Entry, version: tuple[int, ...], modules: tuple[str, ...] | None, refused: Collection[str] = ()
) -> Iterator[Problem]:
    """What an entry's options need of each other and of nginx.

    version: 0, and modules: None, where nothing is known of it; refused: the options whose values are, which count as set.
    """
    yield from _alternatives(one, refused)
    for row in rows(type(one)):
        option = row.option
        if (option.needs or option.excludes or option.since or option.module) and row.is_set(one):
            yield from _relations(one, row, refused)
            yield from _ability(one, row, version, modules)


def _are_set(one: Entry, names: Iterable[str]) -> list[str]:
    return [name for name in names if named(type(one))[name].is_set(one)]


def _alternatives(one: Entry, refused: Collection[str]) -> Iterator[Problem]:
    choices = one.exactly_one or one.at_least_one
    given = _are_set(one, choices)
    if choices and not given and not any(one.at(name) in refused for name in choices):
        yield one.problem("", f"has none of {one.called(*choices)}", "Give it one of them.")
    if one.exactly_one and len(given) > 1:
        yield one.problem("", f"has {one.called(*given)}, of which only one can be", "Leave one of them.")


def _relations(one: Entry, row: Row, refused: Collection[str]) -> Iterator[Problem]:
    needed, own = row.option.needs, one.called(row.name)
    if needed and not _are_set(one, [needed]) and one.at(needed) not in refused:
        other = one.called(needed)
        yield one.problem(row.name, f"needs {other}, which is not set", f"Set {other}, or remove {own}.")
    for why in dict.fromkeys(row.option.excludes.values()):
        names = _are_set(one, [name for name, reason in row.option.excludes.items() if reason == why])
        if names:
            others = one.called(*names)
            yield one.problem(row.name, f"stands beside {others}, {why}", f"Remove {own}, or {others}.")


def _ability(one: Entry, row: Row, version: tuple[int, ...], modules: tuple[str, ...] | None) -> Iterator[Problem]:
    has = "" if version == UNKNOWN else ".".join(map(str, version))
    fix = f"Install one that has it, or remove {one.called(row.name)}."
    if has and row.option.since and version < as_numbers(row.option.since):
        yield one.problem(row.name, f"needs nginx {row.option.since}, and this host has {has}", fix)
    elif modules is not None and row.option.module and row.option.module not in modules:
        what = f"needs an nginx that is built with {row.option.module}, and this host's {has}".rstrip() + " is not"
        yield one.problem(row.name, what, fix)


@dataclass(frozen=True)
class Place:
    """Where an entry stands.

    zone: the name of its limits' zones; protocol: what the upstream of a location speaks; inside: whether it is a location's or a page's;
    headers: those of all of the server's answers.
    """

    zone: str = ""
    protocol: str = ""
    inside: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def proxy(self) -> str:
        """The first word of directives that hand its requests on, empty where there is no upstream."""
        return "grpc" if self.protocol.startswith("grpc") else "proxy" if self.protocol else ""


def directives(one: Entry, place: Place) -> Iterator[str]:
    """What an entry's own options become, in the table's order."""
    for row in rows(type(one)):
        found = row.option.renders
        if row.option.beside and not named(type(one))[row.option.beside].is_set(one):
            continue
        if callable(found):
            yield from found(getattr(one, row.inner) if row.inner else one, place)
        elif row.is_set(one):
            for text in (found,) if isinstance(found, str) else found:
                yield from _filled(text, row, one, place)


def outside(one: Entry, place: Place) -> Iterator[str]:
    """Directives that stand before the braces of the server that an entry is in."""
    for row in rows(type(one)):
        if row.option.outside and row.is_set(one):
            yield from _filled(row.option.outside, row, one, place)


def _filled(text: str, row: Row, one: Entry, place: Place) -> Iterator[str]:
    value = row.value(one)
    for each in value if row.option.many else (value,):
        yield text.format(value=row.option.kind.shows(each), zone=place.zone, proxy=place.proxy)
