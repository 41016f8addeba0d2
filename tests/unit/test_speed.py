# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps runs short: filters that are loaded once, and variables that are not copied for each file."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import yaml
from ansible_collections.evenkeel.nginx_ha.plugins.filter.preloaded import preloaded
from ansible_collections.evenkeel.nginx_ha.plugins.lookup.rendered import Shared

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


def test_plays_that_gather_facts_load_them_for_all_tasks() -> None:
    plays = [play for path in PROJECT.glob("playbooks/*.yml") for play in yaml.safe_load(path.read_text())]
    gathering = [str(play.get("gather_facts")) for play in plays if "gather_subset" in play]
    assert gathering == ["{{ true | evenkeel.nginx_ha.preloaded }}"] * len(gathering) and len(gathering) >= 6


def test_a_deep_copy_shares_values_and_keeps_its_own_names() -> None:
    variables = Shared(facts={"a": 1})
    copied = copy.deepcopy(variables)
    copied["template_path"] = "a.j2"
    assert copied["facts"] is variables["facts"]
    assert "template_path" not in variables
