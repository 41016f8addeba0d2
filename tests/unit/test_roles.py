# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles' files have to look like: interfaces, names, sizes and prefixes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).parents[2] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir())
TASK_FILES = sorted([*ROLES.glob("*/tasks/*.yml"), *ROLES.glob("*/handlers/*.yml")])
TEMPLATES = sorted(ROLES.glob("*/templates/*"))
MOST_TASK_LINES, MOST_TEMPLATE_LINES = 80, 150
# What a role tells others: variables that playbooks hand over to another role, and what its steps leave on a host.
OUTPUTS = {
    "check_nginx": {"check_nginx_files", "check_nginx_tracking", "check_nginx_staged"},
    "keepalived": {
        "keepalived_binary_desired",
        "keepalived_checksums",
        "keepalived_files",
        "keepalived_fleet",
        "keepalived_found",
        "keepalived_heard",
        "keepalived_here",
        "keepalived_incomplete",
        "keepalived_instances",
        "keepalived_marker",
        "keepalived_now",
        "keepalived_settings",
        "keepalived_staged",
        "keepalived_unit_path",
        "keepalived_vips_script",
    },
    "nginx": {
        "nginx_files",
        "nginx_found",
        "nginx_incomplete",
        "nginx_kept",
        "nginx_kept_files",
        "nginx_now",
        "nginx_probes",
        "nginx_self_signed",
        "nginx_settings",
        "nginx_staged",
        "nginx_undecided",
        "nginx_upgrade",
        "nginx_user",
    },
}

# Entry points that take all variables of a role; the others are steps, which have these and what their own specs say.
WHOLE = {"main", "preflight"}

role = pytest.mark.parametrize("role", NAMES)


def relative(path: Path) -> str:
    return str(path.relative_to(ROLES))


task_file = pytest.mark.parametrize("path", TASK_FILES, ids=relative)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def entry_points(role: str) -> dict[str, Any]:
    return load(ROLES / role / "meta" / "argument_specs.yml")["argument_specs"]


def options_of(options: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, option in options.items():
        yield parent + name, option
        yield from options_of(option.get("options", {}), f"{parent}{name}.")


def tasks_of(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        for section in ("block", "rescue", "always"):
            yield from tasks_of(task.get(section, []))


def test_there_are_roles_tasks_and_templates() -> None:
    assert NAMES == ["check_nginx", "keepalived", "nginx"]
    assert TASK_FILES and TEMPLATES


@role
def test_defaults_are_the_options(role: str) -> None:
    assert set(load(ROLES / role / "defaults" / "main.yml")) == set(entry_points(role)["main"]["options"])


@role
def test_every_entry_point_has_its_tasks_and_the_same_options(role: str) -> None:
    for name, entry in entry_points(role).items():
        assert (ROLES / role / "tasks" / f"{name}.yml").is_file()
        if name in WHOLE:
            assert entry["options"] == entry_points(role)["main"]["options"]


@role
def test_a_steps_own_parameters_are_described_and_used_by_its_tasks(role: str) -> None:
    for name, entry in entry_points(role).items():
        tasks = (ROLES / role / "tasks" / f"{name}.yml").read_text(encoding="utf-8")
        options = {} if name in WHOLE else entry.get("options") or {}
        assert entry["short_description"]
        assert [each for each, option in options.items() if not option.get("description") or each not in tasks] == []


@role
def test_every_option_is_described(role: str) -> None:
    nameless = [
        name for name, option in options_of(entry_points(role)["main"]["options"]) if not option.get("description")
    ]
    assert nameless == []


@role
def test_defaults_bear_the_roles_name(role: str) -> None:
    strangers = [name for name in load(ROLES / role / "defaults" / "main.yml") if not name.startswith(f"{role}_")]
    assert strangers == []


@role
def test_internal_variables_bear_two_underscores_and_the_roles_name(role: str) -> None:
    names = set(load(ROLES / role / "vars" / "main.yml")) - OUTPUTS[role]
    assert [name for name in names if not name.startswith(f"__{role}_")] == []


@task_file
def test_every_task_has_a_name_and_minds_its_errors(path: Path) -> None:
    tasks = list(tasks_of(load(path)))
    # For plays that need a role's variables and none of its tasks.
    assert bool(tasks) == (path.name != "none.yml")
    assert [task for task in tasks if not task.get("name")] == []
    assert [task["name"] for task in tasks if "ignore_errors" in task] == []


@task_file
def test_registered_variables_bear_two_underscores_and_the_roles_name(path: Path) -> None:
    role = path.relative_to(ROLES).parts[0]
    names = {name for task in tasks_of(load(path)) for name in [task.get("register"), *task.get("vars", {})] if name}
    assert [name for name in names - OUTPUTS[role] if not name.startswith(f"__{role}_")] == []


@task_file
def test_task_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_TASK_LINES


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_template_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_TEMPLATE_LINES
