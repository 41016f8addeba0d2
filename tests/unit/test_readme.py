# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README names exists, and what exists it names."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils import faults

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text()
ROLES = ("keepalived", "nginx", "check_nginx")


def test_every_variable_is_one_of_a_role() -> None:
    named = set(re.findall(rf"`((?:{'|'.join(ROLES)})_[a-z_]+)[:`]", README))
    known = {
        name for role in ROLES for name in yaml.safe_load((PROJECT / "roles" / role / "defaults/main.yml").read_text())
    }
    assert named and named - {fault.name for fault in faults.FAULTS} <= known


def test_defaults_in_the_table_are_the_roles() -> None:
    defaults = {}
    for role in ROLES:
        defaults |= yaml.safe_load((PROJECT / "roles" / role / "defaults/main.yml").read_text())
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", README, re.M)
    assert rows
    assert dict(rows) == {name: str(defaults[name]) for name, _ in rows}


def test_every_scenario_is_run_and_described() -> None:
    scenarios = {path.parent.name for path in PROJECT.glob("molecule/*/molecule.yml")}
    run = re.search(r'^SCENARIOS="([^"]+)"', (PROJECT / "dev").read_text(), re.M)
    assert run and set(run[1].split()) == scenarios
    assert set(re.findall(r"`molecule/(\w+)`", README)) == scenarios


def test_every_fault_is_listed_with_its_kind() -> None:
    listed = re.search(r"The faults: (.*?)\. Only when they are named.*?: (.*?);", README, re.S)
    assert listed
    for text, harsh in ((listed[1], False), (listed[2], True)):
        assert re.findall(r"`(\w+)`", text) == [fault.name for fault in faults.FAULTS if fault.harsh == harsh]


def test_every_path_exists() -> None:
    paths = set(re.findall(r"\]\((?!https?:)([\w./-]+)", README)) | set(
        re.findall(r"`((?:roles|tests|playbooks|inventories)/[\w./]+)`", README)
    )
    assert paths
    assert [path for path in sorted(paths) if not (PROJECT / path).exists()] == []
