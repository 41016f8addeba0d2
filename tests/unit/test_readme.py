# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README names exists, and what exists it names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import faults
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text()
ROLES = ("keepalived", "nginx", "check_nginx")


def test_every_variable_is_one_of_a_role() -> None:
    named = set(re.findall(rf"`((?:{'|'.join(ROLES)})_[a-z_]+)[:`]", README))
    known = {
        name for role in ROLES for name in yaml.safe_load((PROJECT / "roles" / role / "defaults/main.yml").read_text())
    }
    assert named and named - {fault.name for fault in faults.FAULTS} <= known


def spelt(default: object) -> str:
    """A default as YAML has it."""
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_defaults_in_the_table_are_the_roles() -> None:
    defaults = {}
    for role in ROLES:
        defaults |= yaml.safe_load((PROJECT / "roles" / role / "defaults/main.yml").read_text())
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", README, re.M)
    assert rows
    assert dict(rows) == {name: spelt(defaults[name]) for name, _ in rows}


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


EXAMPLES = [
    example
    for example in map(
        yaml.safe_load, re.findall(r"```yaml\n(.*?)```", (PROJECT / "roles/nginx/README.md").read_text(), re.S)
    )
    if isinstance(example, dict)
]
SERVERS = [{"address": "172.16.2.20", "port": 9091}]
# What stands for secrets, and for what only an inventory has.
ON_THE_HOST = {"certificate_file": "/etc/ssl/www.example.com.crt", "key_file": "/etc/ssl/www.example.com.key"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: next(iter(example)))
def test_the_nginx_roles_examples_would_be_accepted(example: dict[str, Any]) -> None:
    options = yaml.safe_load((PROJECT / "roles/nginx/meta/argument_specs.yml").read_text())["argument_specs"]["main"][
        "options"
    ]
    settings: dict[str, Any] = {"nginx_servers": [], "nginx_modules": ["stream"], **example}
    settings.setdefault("nginx_upstreams", [{"name": name, "servers": SERVERS} for name in ("web", "app")])
    for server in settings["nginx_servers"]:
        server.update({"tls": ON_THE_HOST} if "tls" in server else {})
    for users in settings.get("nginx_users", []):
        for member in users["members"]:
            member["hash"] = "$6$salt$hash"
    if "nginx_session_ticket_secrets" in settings:
        settings["nginx_session_ticket_secrets"] = ["x" * 32]
    for upstream in settings["nginx_upstreams"]:
        upstream["servers"] = upstream["servers"] if isinstance(upstream["servers"], list) else SERVERS
    result = ArgumentSpecValidator(options).validate(settings)
    assert result.error_messages == []
    plain = {name.removeprefix("nginx_"): value for name, value in settings.items()}
    renamed = plain | {"ticket_secrets": plain.get("session_ticket_secrets")}
    facts = {"distribution": "Debian", "os_family": "Debian", "distribution_version": "12"}
    assert nginx_problems(renamed, facts, "nginx1") == []


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


def test_every_feature_of_nginx_names_a_test() -> None:
    section = re.split("\n###? ", README.split("## What nginx does")[1])[0]
    tests = re.findall(r"\| `(molecule/\w+/tests/\w+\.py)` \|$", section, re.M)
    assert len(tests) == section.count("\n| ") - 1
    assert {PROJECT / test for test in tests} <= set(PROJECT.glob("molecule/*/tests/test_*.py"))
