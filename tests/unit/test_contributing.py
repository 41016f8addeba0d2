# SPDX-License-Identifier: GPL-3.0-or-later
"""What CONTRIBUTING.md tells of the code is so."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import vrrp
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.table import Directive

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split("\n## ", TEXT.split(f"## {title}\n")[1])[0]


def test_every_package_is_described() -> None:
    described = re.findall(r"^\| `(\w+)` \|", section("How the layers lie"), re.M)
    assert sorted(described) == sorted(
        path.stem for path in (PROJECT / "plugins/plugin_utils").iterdir() if path.stem[0] != "_"
    )


def test_the_directives_row_is_one_of_the_table() -> None:
    row = re.search(r"```python\n(.*?)```", section("Add a directive of keepalived"), re.S)
    assert row
    assert eval(row[1].strip(), {"Directive": Directive}) in vrrp.INSTANCE.directives


def test_the_options_row_is_one_of_the_table() -> None:
    row = re.search(r"```python\n(.*?)```", section("Add an option of nginx"), re.S)
    assert row
    assert any(
        row[1].strip() in path.read_text(encoding="utf-8") for path in PROJECT.glob("plugins/plugin_utils/nginx/*.py")
    )


def test_every_verb_of_dev_exists() -> None:
    verbs = set(re.findall(r"\./dev ([a-z]+)", TEXT))
    assert verbs and verbs <= set(re.findall(r"^    ([a-z]+)\)", (PROJECT / "dev").read_text(encoding="utf-8"), re.M))
