# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps runs short: filters that are loaded once, and variables that are not copied for each file."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from pathlib import Path

import yaml
from ansible_collections.evenkeel.nginx_ha.plugins.action._role_files import Shared
from ansible_collections.evenkeel.nginx_ha.plugins.filter.preloaded import preloaded

PROJECT = Path(__file__).parents[2]
PACKAGE = "ansible_collections.evenkeel.nginx_ha.plugins.filter"


def test_every_filter_is_loaded() -> None:
    names = sorted(path.stem for path in (PROJECT / "plugins/filter").glob("*.py"))
    program = f"""
import sys
from {PACKAGE}.preloaded import preloaded
assert preloaded(["network"]) == ["network"]
print(*sorted(name.rpartition(".")[2] for name in sys.modules if name.startswith("{PACKAGE}.")))
"""
    words = [sys.executable, "-c", program]
    done = subprocess.run(
        words, check=False, env={"PYTHONPATH": str(PROJECT / "collections")}, capture_output=True, text=True
    )
    assert done.stdout.split() == names, done.stderr


def test_the_input_is_returned_as_it_is() -> None:
    value = ["!all", "network"]
    assert preloaded(value) is value


def test_the_first_play_on_load_balancers_loads_them_for_all_tasks() -> None:
    first = {}
    for path in sorted(PROJECT.glob("playbooks/*.yml")):
        begun = yaml.safe_load(path.read_text())
        plays = [play for play in begun if play.get("hosts") == "load_balancers"]
        # Others begin with one of these.
        if plays and not any("import_playbook" in key for play in begun for key in play):
            first[path.name] = str(plays[0].get("gather_facts"))
    assert len(first) >= 6
    assert [
        name
        for name, text in first.items()
        if not re.fullmatch(r"\{\{ (true|false) \| evenkeel.nginx_ha.preloaded \}\}", text)
    ] == []


def test_a_deep_copy_shares_values_and_keeps_its_own_names() -> None:
    variables = Shared(facts={"a": 1})
    copied = copy.deepcopy(variables)
    copied["template_path"] = "a.j2"
    assert copied["facts"] is variables["facts"]
    assert "template_path" not in variables
