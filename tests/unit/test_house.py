# SPDX-License-Identifier: GPL-3.0-or-later
"""How the code is laid out: packages of plugin_utils that import downward only, and roles that keep their internals to themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
UTILS = PROJECT / "plugins/plugin_utils"
PREFIX = "ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils"
# What each package may import, beside itself.
BELOW = {
    "text": set(),
    "addresses": set(),
    "roles": set(),
    "settings": {"text", "addresses"},
    "cluster": {"text", "addresses", "settings"},
    "nginx": {"text", "addresses", "settings"},
    "keepalived": {"text", "addresses", "settings", "cluster"},
    "rollout": {"text", "addresses", "settings", "cluster", "nginx", "keepalived"},
    "drill": {"text", "addresses", "settings", "cluster", "nginx", "keepalived", "rollout"},
}
FILES = sorted(UTILS.rglob("*.py"))
ACTIONS = sorted(path.stem for path in (PROJECT / "plugins/action").glob("*.py"))
ROLES = sorted(path.name for path in (PROJECT / "roles").iterdir())
PARTS = sorted(
    path
    for top in ("roles", "playbooks", "plugins")
    for path in (PROJECT / top).rglob("*")
    if path.suffix in (".yml", ".j2", ".py")
)


def relative(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(UTILS).with_suffix("").parts)


def imports_of(path: Path, text: str) -> Iterator[str]:
    """The modules of plugin_utils that a file with this text imports, without the prefix; with all of it of what is outside."""
    known = {module_of(each) for each in FILES}
    folder = [*PREFIX.split("."), *path.relative_to(UTILS).parts[:-1]]
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = folder[: len(folder) + 1 - node.level] if node.level else []
        whole = ".".join([*base, *(node.module or "").split(".")]).rstrip(".")
        if node.level or whole.startswith(PREFIX):
            inner = whole.removeprefix(PREFIX).lstrip(".")
            for alias in node.names:
                name = f"{inner}.{alias.name}".lstrip(".")
                yield name if name in known else inner


def upward(path: Path, text: str) -> set[str]:
    """What it imports and may not."""
    own = module_of(path).split(".")[0]
    return {name for name in imports_of(path, text) if name.split(".")[0] not in BELOW[own] | {own}}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_run_downward(path: Path) -> None:
    assert not upward(path, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from ..rollout.change import Change", {"rollout.change"}),
        ("from ..rollout import change, nothing", {"rollout.change", "rollout"}),
        (f"from {PREFIX}.rollout import change", {"rollout.change"}),
        (
            "from ...module_utils.words import word",
            {"ansible_collections.evenkeel.nginx_ha.plugins.module_utils.words"},
        ),
        ("from . import table", set()),
        ("from .table import rows", set()),
        ("from ..settings.problem import Problem", set()),
        ("from ..text import joined", set()),
        ("from .. import text", set()),
    ],
)
def test_an_import_that_runs_upward_is_found(text: str, found: set[str]) -> None:
    assert upward(UTILS / "nginx/tree.py", text) == found


def test_no_import_runs_in_a_circle() -> None:
    graph = {module_of(path): list(imports_of(path, path.read_text(encoding="utf-8"))) for path in FILES}
    list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("path", sorted((UTILS / "rollout").glob("*.py")), ids=module_of)
def test_a_rollout_takes_facts_from_hostvars_as_types(path: Path) -> None:
    """Facts are read in hostvars.py and preflight.py, and made into what is no plain dataclass by its from_fact."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    raw = {
        function.name
        for function in functions
        for argument in function.args.args
        if argument.annotation and "Mapping[str, Any]" in ast.unparse(argument.annotation)
    }
    assert path.stem in ("hostvars", "preflight") or raw <= {"from_fact"}


@pytest.mark.parametrize("name", ACTIONS)
def test_what_an_action_plugin_imports_is_there(name: str) -> None:
    assert import_module(f"{PREFIX.removesuffix('plugin_utils')}action.{name}").ActionModule


@pytest.mark.parametrize("path", PARTS, ids=relative)
def test_a_roles_internals_are_used_inside_it_only(path: Path) -> None:
    own = path.relative_to(PROJECT).parts[1] if path.is_relative_to(PROJECT / "roles") else ""
    foreign = [role for role in ROLES if role != own]
    # check_nginx is not the role nginx.
    found = re.findall(rf"(?<!\w)__({'|'.join(foreign)})_\w+", path.read_text(encoding="utf-8"))
    assert not found


TESTS = sorted(path for top in ("tests", "molecule") for path in (PROJECT / top).rglob("test_*.py"))


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_test_files_import_no_other_test_files(path: Path) -> None:
    """What they share is in tests/labtest, in tests/unit/support, or beside them under a name of its own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not {name for name in imported if name.split(".")[-1].startswith(("test_", "conftest"))}


def asked_for(path: Path) -> Iterator[str]:
    """The names of tasks that a test on the lab looks or waits for."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(attr="did") | ast.Name(id="with_event"), args=[ast.Constant(value), *_]):
                yield str(value)


@pytest.mark.parametrize("path", sorted((PROJECT / "molecule").glob("*/tests/test_*.py")), ids=relative)
def test_tasks_that_tests_ask_for_are_there(path: Path) -> None:
    texts = [
        each.read_text(encoding="utf-8") for top in ("roles", "playbooks") for each in (PROJECT / top).rglob("*.yml")
    ]
    names = [name for text in texts for name in re.findall(r"- name: (.*)", text)]
    assert [asked for asked in asked_for(path) if not any(asked in name for name in names)] == []
