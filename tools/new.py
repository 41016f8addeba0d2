#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the beginning of something new at all the places where it belongs; CONTRIBUTING.md tells the rest."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
# The empty value of each of Ansible's types, as YAML has it.
EMPTY = {"str": '""', "path": '""', "int": "0", "float": "0", "bool": "false", "list": "[]", "dict": "{}"}
SECTIONS = ("major_changes", "minor_changes", "bugfixes", "security_fixes", "breaking_changes", "trivial")
WIDTH = 130


class RefusedError(Exception):
    """What was asked for cannot be written; the text says why."""


def main() -> int:
    given = vars(arguments().parse_args())
    try:
        for line in given.pop("write")(**given):
            print(line)
    except RefusedError as error:
        print(f"new: {error}", file=sys.stderr)
        return 1
    return 0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev new", description=__doc__)
    kinds = parser.add_subparsers(required=True)
    one = kinds.add_parser(
        "variable", help="a variable of a role: its default, its argument spec, its row on the role's page"
    )
    one.add_argument("role", choices=sorted(path.name for path in (PROJECT / "roles").iterdir()))
    one.add_argument("name", type=word, help="begins with the role's name")
    one.add_argument("text", help="what it does, one sentence")
    one.add_argument("--type", dest="kind", choices=EMPTY, default="str")
    one.add_argument("--default", help="as YAML has it")
    one.set_defaults(write=variable)
    one = kinds.add_parser(
        "scenario", help="a test on the lab: molecule/NAME, its place in ./dev test, its row in docs/tested.md"
    )
    one.add_argument("name", type=word)
    one.add_argument("text", help="what it shows, one sentence")
    one.set_defaults(write=scenario)
    one = kinds.add_parser("fragment", help="an entry of the changelog")
    one.add_argument("name", type=word)
    one.add_argument("text", help="what changes for whom, one sentence")
    one.add_argument("--section", choices=SECTIONS, default="minor_changes")
    one.set_defaults(write=fragment)
    return parser


def word(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not of small letters, digits and _")
    return text


def variable(role: str, name: str, text: str, kind: str, default: str | None) -> Iterator[str]:
    folder = PROJECT / "roles" / role
    if not name.startswith(f"{role}_"):
        raise RefusedError(f"{name} is a variable of the role {role}: call it {role}_{name}.")
    if re.search(rf"^{name}:", (folder / "defaults/main.yml").read_text(encoding="utf-8"), re.M):
        raise RefusedError(f"the role {role} has a variable {name} already.")
    value = EMPTY[kind] if default is None else default
    lines = [f"{name}:", f"  type: {kind}", *(["  elements: str"] if kind == "list" else []), f"  default: {value}"]
    lines += ["  description: >-", *textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")]
    yield append(folder / "defaults/main.yml", f"{name}: {value}\n")
    yield edit(folder / "meta/argument_specs.yml", SPECS, rf"\g<0>{escaped(indented(lines, 6))}")
    subprocess.run([sys.executable, PROJECT / "tools/role_tables.py"], check=True, stdout=subprocess.DEVNULL)
    yield written(folder / "README.md")


# The whole of the first entry point, main; those after it take its options by an alias.
SPECS = re.compile(r"^  main:\n(?:    .*\n|\n)*", re.M)


def scenario(name: str, text: str) -> Iterator[str]:
    folder = PROJECT / "molecule" / name
    if folder.exists():
        raise RefusedError(f"there is a scenario {name} already.")
    yield create(folder / "molecule.yml", MOLECULE.format(name=name, text=text))
    yield create(folder / f"tests/test_{name}.py", TEST.format(text=escaped(text)))
    # In the middle of the list stand those that are neither long nor measure by the clock.
    yield edit(PROJECT / "dev", re.compile(r'^(SCENARIOS="(?:\w+ ){6})', re.M), rf"\g<1>{name} ")
    yield edit(
        PROJECT / "docs/tested.md",
        re.compile(r"(\| `molecule/\w+` \|\n)(?!\|)"),
        rf"\1| {escaped(cell(text))} | `molecule/{name}` |\n",
    )


MOLECULE = """\
---
# {text}
ansible:
  env:
    EVENKEEL_LAB_FROM: snapshot
verifier:
  name: testinfra
  directory: ${{MOLECULE_PROJECT_DIRECTORY}}/molecule/{name}/tests
scenario:
  test_sequence: [destroy, create, converge, verify, destroy]
"""
TEST = '''\
# SPDX-License-Identifier: GPL-3.0-or-later
"""{text}"""

from __future__ import annotations

from labtest import Cluster


def test_the_pair_serves(cluster: Cluster) -> None:
    for host in ("nginx1", "nginx2"):
        assert cluster.succeeds(host, "systemctl is-active keepalived nginx check_nginx")
'''


def fragment(name: str, text: str, section: str) -> Iterator[str]:
    folder = PROJECT / "changelogs/fragments"
    number = max((int(path.name[:4]) for path in folder.glob("[0-9][0-9][0-9][0-9]-*.yml")), default=0) + 1
    lines = textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")
    yield create(folder / f"{number:04}-{name}.yml", "\n".join(["---", f"{section}:", "  - >-", *lines]) + "\n")


def indented(lines: list[str], columns: int) -> str:
    return textwrap.indent("\n".join(lines) + "\n", " " * columns)


def escaped(text: str) -> str:
    """As a replacement of a regular expression, or between quotes in Python."""
    return text.replace("\\", r"\\")


def cell(text: str) -> str:
    return text.replace("|", r"\|")


def create(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return written(path)


def append(path: Path, text: str) -> str:
    return create(path, path.read_text(encoding="utf-8") + text)


def edit(path: Path, pattern: re.Pattern[str], new: str) -> str:
    text, count = pattern.subn(new, path.read_text(encoding="utf-8"), count=1)
    if not count:
        raise RefusedError(f"{path.relative_to(PROJECT)} has no place for it.")
    return create(path, text)


def written(path: Path) -> str:
    return f"{path.relative_to(PROJECT)}: written"


if __name__ == "__main__":
    sys.exit(main())
