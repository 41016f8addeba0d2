#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what the tables of keepalived's directives say into the keepalived role: its argument specs and its DIRECTIVES.md.

The argument specs get it between the lines '# directives' and '# end of directives'.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives as keepalived_settings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import global_defs as keepalived_global
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import lvs as keepalived_lvs
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import vrrp as keepalived_vrrp
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.table import (
    NESTED,
    Block,
    Directive,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import as_numbers, plain

from generated import PROJECT, filled, run

# The newest version that tests/daemons has.
SHOWN = "2.3.3"
SPECS = PROJECT / "roles" / "keepalived" / "meta" / "argument_specs.yml"
PAGE = PROJECT / "roles" / "keepalived" / "DIRECTIVES.md"
WIDTH = 134
TYPES = {
    "flag": "bool",
    "on_off": "bool",
    "int": "int",
    "seconds": "float",
    "path": "path",
    "list": "list",
    "routes": "list",
    "block": "dict",
    "line": "dict",
    "blocks": "list",
    "lines": "list",
    "entries": "list",
}
EMPTY: dict[str, Any] = {"dict": {}, "list": [], "path": ""}
VARIABLES: dict[str, Directive | Block] = {**keepalived_settings.WHOLE, **keepalived_settings.SINGLE}
WHOLE = {
    "process_options": "Directives that stand outside of all blocks, for keepalived as a whole.",
    "global_defs": "Further directives of C(global_defs), by keepalived's own names.",
    "instance_options": "Further directives of each C(vrrp_instance).",
}


def main() -> int:
    return run(__doc__, {SPECS: filled(SPECS, "directives", options(), WIDTH), PAGE: page()})


def options() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, what in VARIABLES.items():
        if isinstance(what, Block):
            found[f"keepalived_{name}"] = {
                "type": "dict",
                "default": {},
                "description": WHOLE[name],
                "options": specs_of(what),
            }
        else:
            spec = spec_of(what)
            if spec["type"] == "dict":
                # Ansible would want them of an empty one as well; preflight does not.
                for each in spec["options"].values():
                    each.pop("required", None)
            found[f"keepalived_{name}"] = {**spec, "default": EMPTY[spec["type"]]}
    return found


def specs_of(block: Block) -> dict[str, Any]:
    return {one.name: spec_of(one, one.name in block.needed) for one in block.directives}


def spec_of(one: Directive, needed: bool = False) -> dict[str, Any]:
    kind = TYPES.get(one.kind, "str")
    found: dict[str, Any] = {
        "type": kind,
        "elements": ("dict" if one.kind in NESTED else "str") if kind == "list" else None,
        "choices": list(one.choices),
        "required": needed,
        "no_log": one.kind == "key",
        "description": description(one),
        "options": specs_of(one.block) if one.kind in NESTED else None,
    }
    return {name: value for name, value in found.items() if value}


def description(one: Directive) -> str:
    found = one.text
    if one.low is not None and one.high is not None:
        found += f" From {plain(one.low)} to {plain(one.high)}."
    if one.since:
        found += f" From keepalived {one.since} on{unshown(one.since)}."
    return found


def unshown(since: str) -> str:
    return ", shown by no daemon" if as_numbers(since) > as_numbers(SHOWN) else ""


def page() -> str:
    return PREFACE + "".join(sections()) + left_out()


def sections() -> Iterator[str]:
    for name, what in VARIABLES.items():
        variable = f"keepalived_{name}"
        if isinstance(what, Block):
            yield table(variable, what)
        elif what.kind in NESTED:
            yield table(
                variable + ("[]" if TYPES[what.kind] == "list" else ""),
                what.block,
                f"`{what.word}`: {what.text} ",
                what.since,
            )
        else:
            yield f"\n## `{variable}`\n\n`{what.word}`: {what.text.replace('C(*)', '`*`')}\n"


def table(variable: str, block: Block, before: str = "", since: str = "") -> str:
    lines = [f"\n## `{variable}`\n", *([before.strip() + "\n"] if before else [])]
    lines += [
        "| Directive | Type | Versions | Compiled with | Meaning |",
        "|---|---|---|---|---|",
        *rows(block, since=since),
    ]
    return "\n".join(lines) + "\n"


def rows(
    block: Block, parent: str = "", since: str = "", above: list[tuple[str, Block]] | None = None
) -> Iterator[str]:
    """above: the blocks that the same table has shown already, by the names of their parents."""
    above = [] if above is None else above
    known, other = max(
        ((name, each) for name, each in above if len(each.directives) > 3 and includes(block, each)),
        key=lambda pair: len(pair[1].directives),
        default=("", Block(())),
    )
    if known:
        yield f"| `{parent}*` | | | | All of `{known}*`{', and:' if len(block.directives) > len(other.directives) else '.'} |"
    for one in block.directives:
        if one in other.directives:
            continue
        kind = TYPES.get(one.kind, "str")
        choices = f": {', '.join(f'`{choice}`' for choice in one.choices)}" if one.choices else ""
        bounds = f", {plain(one.low)} to {plain(one.high)}" if one.low is not None and one.high is not None else ""
        first = one.since or since
        versions = f"{first} on{unshown(first)}" if first else "all"
        needed = " (needed)" if one.name in block.needed else ""
        yield f"| `{parent}{one.name}`{needed} | {kind}{choices}{bounds} | {versions} | {one.needs} | {one.text} |"
        if one.kind in NESTED:
            yield from rows(one.block, f"{parent}{one.name}{'[]' if kind == 'list' else ''}.", first, above)
    above.append((parent, block))


def includes(block: Block, other: Block) -> bool:
    return {*other.needed} <= {*block.needed} and all(one in block.directives for one in other.directives)


def left_out() -> str:
    every = keepalived_global.LEFT_OUT | keepalived_vrrp.LEFT_OUT | keepalived_lvs.LEFT_OUT
    lines = ["\n## Not here\n", "| Directive | Why, or where instead |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {why} |" for name, why in sorted(every.items()))]) + "\n"


PREFACE = """# keepalived's directives, and the variables that set them

Written from the tables in `plugins/plugin_utils/keepalived/`, which rendering and preflight read as well. Names are keepalived's own.
`tests/daemons/test_directives.py` gives each of them, and each bound of a number, to keepalived 2.2.7 and 2.3.3, compiled with
everything, and fails for a word that one of them does not know or complains of; it also compares this list with the words that these
daemons say they know. "Versions" is the first version that is known to have a directive: upstream's release notes, or the first of these two.
What is newer than both of them is written from keepalived's documentation, and no daemon has shown it.

A version that lacks a directive is refused before anything changes. What "compiled with" names is compiled in as soon as it is used; the
distribution's package has to have it.
"""


if __name__ == "__main__":
    sys.exit(main())
