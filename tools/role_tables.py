#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of the roles' variables into the READMEs, from meta/argument_specs.yml.

A table goes between the lines '<!-- variables: ROLE -->' and '<!-- end -->'.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[1]
MARKED = re.compile(r"(<!-- variables: (?P<role>[a-z0-9_]+) -->\n)(?:(?!<!-- variables:).)*?(<!-- end -->)", re.DOTALL)
MARKER = re.compile(r"<!-- variables: \w+ -->")
# Ansible's markup: a letter or two, and an argument in which a backslash escapes.
CODE = re.compile(r"\b(?P<kind>RV|[CEMOPV])\((?P<text>(?:\\.|[^\\)])*)\)")
PLUGIN = re.compile(r"^[a-z0-9_.]+#[a-z]+:")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a table is not as it should be")
    check = parser.parse_args().check
    failed = False
    for readme in readmes():
        name = readme.relative_to(PROJECT)
        before = readme.read_text(encoding="utf-8") if readme.exists() else ""
        try:
            after = filled(before, readme)
        except ValueError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
            continue
        if before == after:
            continue
        if check:
            print(f"{name}: the table of variables is stale. Run tools/role_tables.py.", file=sys.stderr)
            failed = True
        else:
            readme.write_text(after, encoding="utf-8")
            print(f"{name}: written")
    return 1 if failed else 0


def readmes() -> list[Path]:
    root = PROJECT / "README.md"
    roles = sorted(path.parents[1] for path in PROJECT.glob("roles/*/meta/argument_specs.yml"))
    return [*([root] if root.exists() else []), *(role / "README.md" for role in roles)]


def filled(text: str, readme: Path) -> str:
    """The README with every table as the argument specs have it now."""
    tables = MARKED.findall(text)
    if len(tables) != len(MARKER.findall(text)):
        raise ValueError("a line '<!-- variables: ROLE -->' has no '<!-- end -->' after it.")
    own = readme.parent.name if readme.parent != PROJECT else None
    if own and own not in [role for _start, role, _end in tables]:
        raise ValueError(f"there are no lines '<!-- variables: {own} -->' and '<!-- end -->' for the table.")
    return MARKED.sub(lambda match: f"{match[1]}{table(match['role'])}{match[3]}", text)


def table(role: str) -> str:
    specs = PROJECT / "roles" / role / "meta" / "argument_specs.yml"
    if not specs.exists():
        raise ValueError(f"there is no role {role} with argument specs.")
    options = yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    lines = [["Variable", "Type", "Default", "Description"], ["---"] * 4, *rows(options)]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)


def cell(text: str) -> str:
    return text.replace("|", r"\|")


def rows(options: Mapping[str, Any], parent: str = "") -> Iterator[list[str]]:
    for name, option in options.items():
        path = f"{parent}{name}"
        yield [code(path), kind(option), default(option), description(option)]
        # What has a page of its own is not here.
        if "options" in option and name not in elsewhere():
            yield from rows(option["options"], f"{path}[]." if option.get("type") == "list" else f"{path}.")


@cache
def elsewhere() -> set[str]:
    """The variables that tools/directives.py and tools/nginx_options.py write pages of."""
    pages = [*PROJECT.glob("roles/*/DIRECTIVES.md"), *PROJECT.glob("roles/*/OPTIONS.md")]
    return {name for page in pages for name in re.findall(r"^## `(\w+)", page.read_text(encoding="utf-8"), re.M)}


def kind(option: Mapping[str, Any]) -> str:
    name = option.get("type", "str")
    if name == "list":
        name = f"list of {option.get('elements', 'any')}"
    if "choices" in option:
        name += ": " + ", ".join(code(literal(choice)) for choice in option["choices"])
    return name


def default(option: Mapping[str, Any]) -> str:
    if option.get("required"):
        return "required"
    value = option.get("default")
    if value is None:
        return ""
    # A default that depends on other things is described in words.
    return value if isinstance(value, str) and " " in value else code(literal(value))


def literal(value: Any) -> str:
    """The value as one would write it in YAML, on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {literal(item)}' for key, item in value.items())}}}"
    return value if isinstance(value, str) and value else json.dumps(value)


def description(option: Mapping[str, Any]) -> str:
    text = option.get("description", "")
    return CODE.sub(_code, " ".join(text) if isinstance(text, list) else text).replace("\n", " ").strip()


def _code(match: re.Match[str]) -> str:
    text = re.sub(r"\\(.)", r"\1", match["text"])
    if match["kind"] in ("O", "RV"):
        text = PLUGIN.sub("", text)
    if match["kind"] == "P":
        text = text.split("#", 1)[0]
    return code(text)


def code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


if __name__ == "__main__":
    sys.exit(main())
