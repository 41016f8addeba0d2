#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what the table of nginx's options says into the nginx role: its argument specs and its OPTIONS.md.

The argument specs get it between the lines '# options' and '# end of options'.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import NginxSettings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.table import Entry, Option, Row, rows

from generated import PROJECT, filled, run
from role_tables import cell, code, description, literal

SPECS = PROJECT / "roles" / "nginx" / "meta" / "argument_specs.yml"
PAGE = PROJECT / "roles" / "nginx" / "OPTIONS.md"
WIDTH = 120


def main() -> int:
    specs = {f"nginx_{name}": spec for name, spec in specs_of(NginxSettings).items()}
    return run(__doc__, {SPECS: filled(SPECS, "options", specs, WIDTH), PAGE: page()})


def ordered(kind: type[Entry]) -> list[Row]:
    """An entry's own options, and then those that it has in common with others."""
    return sorted(rows(kind), key=lambda row: row.inner != "")


def specs_of(kind: type[Entry]) -> dict[str, Any]:
    return {row.name: spec_of(row.option) for row in ordered(kind)}


def spec_of(one: Option) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "list", "elements": one.kind.type} if one.many else {"type": one.kind.type}
    if one.required:
        found["required"] = True
    if one.kind.gist.startswith("one of "):
        found["choices"] = [
            int(choice) if one.kind.type == "int" else choice
            for choice in one.kind.gist.removeprefix("one of ").split(", ")
        ]
    default = one.default if one.shown is None else one.shown
    if default is not None and default != {}:
        found["default"] = list(default) if isinstance(default, tuple) else default
    found["description"] = one.text + one.bounds(" From {} to {}.")
    if one.within:
        found["options"] = specs_of(one.within)
    return found


def page() -> str:
    tables = [
        table(f"nginx_{row.name}" + ("[]" if row.option.many else ""), row.option)
        for row in rows(NginxSettings)
        if row.option.within
    ]
    return PREFACE + "".join(tables)


def table(variable: str, one: Option) -> str:
    assert one.within
    head = [
        "",
        f"## `{variable}`",
        "",
        prose(one),
        "",
        "| Option | Type | Needs | Becomes | Meaning |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *lines(one.within)]) + "\n" + alternatives(one.within)


def lines(kind: type[Entry], parent: str = "") -> Iterator[str]:
    for row in ordered(kind):
        one = row.option
        required = " (required)" if one.required else ""
        cells = [
            f"`{parent}{row.name}`{required}",
            type_of(one),
            needs(one),
            becomes(one),
            f"{prose(one)} {shown(one)}".strip(),
        ]
        yield f"| {' | '.join(map(cell, cells))} |"
        if one.within:
            yield from lines(one.within, f"{parent}{row.name}{'[]' if one.many else ''}.")


def prose(one: Option) -> str:
    return description({"description": one.text})


def shown(one: Option) -> str:
    return "" if one.example is None or one.within or one.secret else f"Such as {code(literal(one.example))}."


def type_of(one: Option) -> str:
    found = f"list of {one.kind.type}" if one.many else one.kind.type
    if one.kind.gist.startswith("one of "):
        found += ": " + ", ".join(code(choice) for choice in one.kind.gist.removeprefix("one of ").split(", "))
    return found + one.bounds(", {} to {}")


def needs(one: Option) -> str:
    found = [
        f"nginx {one.since}" if one.since else "",
        f"module {code(one.module)}" if one.module else "",
        code(one.needs) if one.needs else "",
    ]
    excluded = f"not {', '.join(map(code, one.excludes))}" if one.excludes else ""
    return "; ".join(filter(None, [*found, excluded]))


def becomes(one: Option) -> str:
    """The directives of an option, where they are no function's."""
    texts = [one.renders] if isinstance(one.renders, str) else one.renders if isinstance(one.renders, tuple) else []
    words = [
        re.sub(r"\{(\w+)\}", lambda match: match[1] if match[1] == "proxy" else match[1].upper(), text)
        for text in [one.outside, *texts]
        if text
    ]
    return ", ".join(code(word) for word in words)


def alternatives(kind: type[Entry]) -> str:
    found = [text for text in (sentence(each) for each in entries(kind)) if text]
    return "\n" + "\n".join(f"- {text}" for text in found) + "\n" if found else ""


def sentence(named: tuple[str, type[Entry]]) -> str:
    name, kind = named
    whose = f"Of `{name}`" if name else "Of these"
    if kind.exactly_one:
        return f"{whose} exactly one is set: {', '.join(map(code, kind.exactly_one))}."
    return f"{whose} one at least is set: {', '.join(map(code, kind.at_least_one))}." if kind.at_least_one else ""


def entries(kind: type[Entry], name: str = "") -> Iterator[tuple[str, type[Entry]]]:
    yield name, kind
    for row in rows(kind):
        if row.option.within:
            yield from entries(row.option.within, f"{name}.{row.name}".lstrip("."))


PREFACE = """# nginx's options

Written from the table in `plugins/plugin_utils/nginx/`, which reading, preflight and rendering use as well. "Needs" is the first nginx that has an
option, what nginx has to be built with, which other option has to be set, and which cannot be. "Becomes" is the directive where it is one alone.
The role's [README](README.md) has examples, and the variables that are not in here.
"""


if __name__ == "__main__":
    sys.exit(main())
