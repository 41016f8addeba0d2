# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tools have in common that write argument specs and pages from tables."""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[1]
# A spec that is there twice gets an anchor if it is longer than this; a shorter one is read faster than looked up.
ANCHORED = 100
# The longest list that an option in braces has.
WIDEST = 80


def run(about: str | None, wanted: Mapping[Path, str]) -> int:
    """Write files, or with --check see whether they are as they have to be. about: the tool's docstring."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file is not as it should be")
    check = parser.parse_args().check
    stale = {path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        name = path.relative_to(PROJECT)
        if check:
            print(f"{name}: stale. Run './dev docs'.", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{name}: written")
    return 1 if stale and check else 0


def filled(path: Path, mark: str, specs: Mapping[str, Any], width: int) -> str:
    """A file of argument specs with these between its lines '# MARK' and '# end of MARK'."""
    marked = re.compile(rf"(      # {mark}\n).*?(      # end of {mark}\n)", re.DOTALL)
    text = textwrap.indent(dumped(specs, width), " " * 6)
    return marked.sub(lambda match: match[1] + text + match[2], path.read_text(encoding="utf-8"))


def dumped(specs: Mapping[str, Any], width: int) -> str:
    """Argument specs as YAML: an option is in braces if it has no options in it, and what is there already is referred to by its name."""
    return yaml.dump(_shared(specs, {}), Dumper=Specs, sort_keys=False, width=width)


class Leaf(dict[str, Any]):
    """The spec of an option that has no options in it."""


class Specs(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists are indented, as everywhere else."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return not isinstance(data, dict) or not data

    def generate_anchor(self, node: yaml.Node) -> str:
        """The name of the option that is first."""
        key = next(key for key, known in self.represented_objects.items() if known is node)
        taken = set(self.anchors.values())
        name = ANCHORS[key]
        return next(each for each in [name, *(f"{name}_{number}" for number in range(2, 100))] if each not in taken)


Specs.add_representer(Leaf, lambda dumper, leaf: dumper.represent_mapping("tag:yaml.org,2002:map", leaf, True))
Specs.add_representer(list, lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items, True))
# By the identity of specs the names that they have.
ANCHORS: dict[int, str] = {}


def _shared(specs: Mapping[str, Any], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The same, with one object for specs that are the same and have the same name."""
    found = {}
    for name, spec in specs.items():
        key = name + json.dumps(spec, sort_keys=True)
        # Behind a long text a list would be broken.
        last = {part: spec[part] for part in ("description", "options") if part in spec}
        whole = {**{part: value for part, value in spec.items() if part not in last}, **last}
        wide = any(isinstance(value, list) and len(str(value)) > WIDEST for value in spec.values())
        if "options" in spec:
            whole["options"] = _shared(spec["options"], known)
        new = whole if "options" in spec or wide else Leaf(whole)
        found[name] = known.setdefault(key, new) if len(key) > ANCHORED else new
        ANCHORS[id(found[name])] = name
    return found
