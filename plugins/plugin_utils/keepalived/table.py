# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's directives as data: what can be set, in which versions, and the lines it becomes.

The tables are in global_defs, vrrp and lvs. Rendering, preflight, the role's argument_specs, the tables in its README and the tests
with real daemons all read them. Pure functions; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..settings.problem import Problem, shown
from ..text import as_numbers
from . import words as keepalived_words
from .words import WordError

# One word of a line.
SIMPLE: dict[str, Callable[[Any], str]] = {
    "word": keepalived_words.word,
    "text": keepalived_words.quoted,
    "command": keepalived_words.command,
    "path": keepalived_words.path,
    "address": keepalived_words.address,
    "network": keepalived_words.network,
    "key": keepalived_words.key,
    "password": keepalived_words.password,
    "plain_path": keepalived_words.plain_path,
    "user": keepalived_words.user,
    "version": keepalived_words.version,
}
NUMBERS = ("int", "seconds")
NESTED = ("block", "blocks", "line", "lines", "entries")
INDENT = "    "
# keepalived reads 1,023 bytes with the line's end, and takes the rest for the next line. Indentation and a brace are left room for.
LONGEST_LINE = 980


@dataclass(frozen=True)
class Directive:
    """One directive and its variable's type.

    kind: flag (the keyword alone, where true), on_off, int, seconds (a number with up to 6 decimals), word, text (one word that is quoted
    where it needs to be), command (an absolute path and arguments), path, address, network (an address with or without its prefix), key
    (what adverts are signed with), password, plain_path (one that scripts have as well), user (a name, maybe a group's behind it), version,
    list (words behind the keyword), words (the same of one text), routes (texts, each a line in braces), block (one pair of braces), blocks
    (one for each entry of a list), line (a block on one line without braces), lines (one such line for each entry of a list, in braces),
    entries (the same without a keyword and braces of their own).
    since and until: the first version that has it and the first that lacks it again, empty where all do that can be compiled; needs: what
    keepalived has to be compiled with, a key of NEEDS; low and high: bounds of a number, inclusive; choices: the words it takes; newer:
    those of them that later versions have, each with its first one; example: a value that keepalived accepts; instead: what to write, where
    no message may show the value; within: what stands in the braces or on the line; keyword: where it is another than name; comment: what
    operators read above it, which may name other settings of its block in braces.
    """

    name: str
    kind: str
    example: Any
    text: str
    since: str = ""
    until: str = ""
    needs: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    newer: tuple[tuple[str, str], ...] = ()
    keyword: str = ""
    instead: str = ""
    within: Block | None = None
    comment: str = ""

    @property
    def word(self) -> str:
        return self.keyword or self.name

    @property
    def block(self) -> Block:
        if self.within is None:
            raise AttributeError(self.name)
        return self.within


@dataclass(frozen=True)
class Block:
    """What stands together in one pair of braces, or on one line. header: the names of settings whose values stand behind the keyword."""

    directives: tuple[Directive, ...]
    header: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    # Keywords that the role writes into each such block.
    always: tuple[str, ...] = ()

    def find(self, name: str) -> Directive | None:
        return next((each for each in self.directives if each.name == name), None)

    def __getitem__(self, name: str) -> Directive:
        return {each.name: each for each in self.directives}[name]

    def without(self, name: str) -> tuple[Directive, ...]:
        return tuple(each for each in self.directives if each.name != name)


def block(*directives: Directive, **rest: tuple[str, ...]) -> Block:
    """A block as tables have it: a row for each directive, then what Block has besides."""
    return Block(directives, **rest)


@dataclass(frozen=True)
class Line:
    words: list[str]
    children: list[Line] = field(default_factory=list)
    braces: bool = False
    comment: str = ""

    def __post_init__(self) -> None:
        length = len(" ".join(self.words))
        if length > LONGEST_LINE:
            raise WordError(f"makes a line of {length} bytes, and {LONGEST_LINE} fit on one of keepalived.conf")


@dataclass(frozen=True)
class Content:
    """What a block's directives are set to, by their names."""

    block: Block
    values: Mapping[str, Any]

    @classmethod
    def of(cls, one: Directive, value: Any) -> Content:
        if not isinstance(value, Mapping):
            raise WordError("is no dictionary")
        return cls(one.block, value)

    def given(self, name: str, default: object = None) -> Any:
        return default if self.values.get(name) is None else self.values[name]

    @property
    def lines(self) -> list[Line]:
        found = [line for one in self._set(in_header=False) for line in self._commented(one)]
        return [*found, *(Line([word]) for word in self.block.always)]

    @property
    def header(self) -> list[str]:
        """The values behind the keyword; a flag among them stands for itself, and fwmark and group are told by their name."""
        keywords = [(one, [one.keyword] if one.keyword else []) for one in self._set(in_header=True)]
        return [word for one, keyword in keywords for word in (*keyword, _word(one, self.values[one.name]))]

    @property
    def inline(self) -> list[str]:
        return [*self.header, *(word for each in self.lines for word in each.words)]

    def _set(self, *, in_header: bool) -> list[Directive]:
        known = [one for one in self.block.directives if (one.name in self.block.header) == in_header]
        return [one for one in known if self.given(one.name) is not None]

    def _commented(self, one: Directive) -> list[Line]:
        found = _lines(one, self.values[one.name])
        if found and one.comment:
            found[0] = replace(found[0], comment=one.comment.format_map(self.values))
        return found


def render(block: Block, settings: Mapping[str, Any], depth: int = 0) -> str:
    """The lines of a block's settings, in the table's order. Raises WordError; problems() finds all errors before."""
    return "".join(rendered(Content(block, settings), depth))


def rendered(content: Content, depth: int = 0) -> list[str]:
    """The same, with the lines of each directive by themselves."""
    return [_text(each, depth) for each in content.lines]


def _text(line: Line, depth: int) -> str:
    own = f"{INDENT * depth}# {line.comment}\n" if line.comment else ""
    own += INDENT * depth + " ".join(line.words)
    if not line.braces:
        return f"{own}\n"
    return f"{own} {{\n" + "".join(_text(each, depth + 1) for each in line.children) + f"{INDENT * depth}}}\n"


def _lines(one: Directive, value: Any) -> list[Line]:
    if one.kind == "flag":
        return [Line([one.word])] if keepalived_words.truth(value) else []
    if one.kind == "on_off":
        return [Line([one.word, "on" if keepalived_words.truth(value) else "off"])]
    if one.kind == "list":
        listed = [keepalived_words.word(each) for each in keepalived_words.sequence(value)]
        return [Line([one.word, *listed])] if listed else []
    if one.kind == "words":
        return [Line([one.word, *keepalived_words.words(value)])]
    if one.kind == "routes":
        children = [Line(keepalived_words.words(each)) for each in keepalived_words.sequence(value)]
        return [Line([one.word], children, braces=True)] if children else []
    if one.kind in ("block", "line"):
        return [_nested(one, Content.of(one, value))]
    if one.kind in NESTED:
        contents = [Content.of(one, each) for each in keepalived_words.sequence(value)]
        if one.kind == "blocks":
            return [_nested(one, each) for each in contents]
        children = [Line(each.inline) for each in contents]
        return children if one.kind == "entries" or not children else [Line([one.word], children, braces=True)]
    return [Line([one.word, _word(one, value)])]


def _nested(one: Directive, content: Content) -> Line:
    if one.kind == "line":
        return Line([one.word, *content.inline])
    return Line([one.word, *content.header], content.lines, braces=True)


def _word(one: Directive, value: Any) -> str:
    if one.kind in NUMBERS:
        return keepalived_words.number(value, one.kind == "int", one.low, one.high)
    if one.choices and value not in one.choices:
        raise WordError(f"is not one of {', '.join(one.choices)}")
    return SIMPLE[one.kind](value)


def problems(block: Block, settings: object, version: str, where: str) -> Iterator[Problem]:
    """What is wrong with the settings of a block in a version of keepalived, empty where it is not known; where: the variable."""
    if not isinstance(settings, Mapping):
        yield Problem(
            where, "is no dictionary", f"Write directives and their values, such as {block.directives[0].name}."
        )
        return
    for one in block.directives if block.needed else ():
        if one.name in block.needed and settings.get(one.name) is None:
            yield Problem(where, f"has no {one.name}", one.instead or f"Give it one, such as {one.example!r}.")
    for name, value in settings.items():
        found = block.find(str(name))
        if found is None:
            known = ", ".join(each.name for each in block.directives)
            yield Problem(where, f"has {shown(name)}, which is no directive that it takes", f"It takes {known}.")
        elif value is not None:
            yield from directive_problems(found, value, version, f"{where}.{name}")


def directive_problems(one: Directive, value: Any, version: str, where: str) -> Iterator[Problem]:
    yield from _version_problems(one, value, version, where)
    try:
        inner = list(_nested_problems(one, value, version, where))
        yield from inner
        if not inner:
            _lines(one, value)
    except WordError as error:
        what = str(error) if one.instead else f"is {shown(value)}, which {error}"
        yield Problem(where, what, one.instead or f"Give it a value such as {one.example!r}.")


def _version_problems(one: Directive, value: Any, version: str, where: str) -> Iterator[Problem]:
    numbers = as_numbers(version)
    if not numbers:
        return
    if one.since and numbers < as_numbers(one.since):
        fix = f"Remove it, or set keepalived_version to {one.since} or later."
        yield Problem(where, f"needs keepalived {one.since}, and this host gets {version}", fix)
    if one.until and numbers >= as_numbers(one.until):
        yield Problem(where, f"is gone from keepalived {one.until} on, and this host gets {version}", "Remove it.")
    first = dict(one.newer).get(str(value), "")
    if numbers < as_numbers(first):
        fix = f"Give it another value, or set keepalived_version to {first} or later."
        yield Problem(where, f"is {value!r}, which needs keepalived {first}, and this host gets {version}", fix)


def _nested_problems(one: Directive, value: Any, version: str, where: str) -> Iterator[Problem]:
    if one.kind in ("blocks", "lines", "entries"):
        for number, each in enumerate(keepalived_words.sequence(value)):
            yield from problems(one.block, each, version, f"{where}[{number}]")
    elif one.kind in ("block", "line"):
        yield from problems(one.block, value, version, where)


def needs(block: Block, settings: object) -> set[str]:
    """What keepalived has to be compiled with for these settings."""
    if not isinstance(settings, Mapping):
        return set()
    found: set[str] = set()
    for one in block.directives:
        value = settings.get(one.name)
        if value is None or value is False or value == []:
            continue
        found |= {one.needs} - {""}
        if one.kind in NESTED:
            for each in value if isinstance(value, list | tuple) else [value]:
                found |= needs(one.block, each)
    return found
