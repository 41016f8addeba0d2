# SPDX-License-Identifier: GPL-3.0-or-later
"""What './dev new' writes passes the checks that hold for everything else; carried out in a copy of the tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
NEEDED = (
    "roles",
    "tools",
    "molecule",
    "docs",
    "changelogs",
    "playbooks",
    "plugins",
    "collections",
    "inventories",
    "tests",
    "awx",
    "meta",
)
SENTENCE = "Says how: a | b, 'c' and \\d."


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy for all tests, each of which adds names of its own."""
    tmp_path = tmp_path_factory.mktemp("tree")
    for name in NEEDED:
        shutil.copytree(
            PROJECT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis")
        )
    for path in PROJECT.glob("*"):
        if path.is_file():
            shutil.copy2(path, tmp_path)
    return tmp_path


def run(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=tree, capture_output=True, text=True, check=False)


def new(tree: Path, *words: str) -> str:
    done = run(tree, "tools/new.py", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def passes(tree: Path, *tests: str) -> None:
    done = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", ["str", "bool", "list", "dict"])
def test_a_variable_of_each_type_has_a_default_a_spec_and_a_row(tree: Path, kind: str) -> None:
    name = f"check_nginx_new_{kind}"
    new(tree, "variable", "check_nginx", name, SENTENCE, "--type", kind)
    role = tree / "roles/check_nginx"
    default = yaml.safe_load((role / "defaults/main.yml").read_text())[name]
    spec = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"][name]
    assert (spec["type"], spec["default"], spec["description"]) == (kind, default, SENTENCE)
    assert f"| `{name}` | {kind}" in (role / "README.md").read_text()


def test_a_variable_of_each_role_passes_the_checks(tree: Path) -> None:
    for role in ("check_nginx", "keepalived", "nginx"):
        new(tree, "variable", role, f"{role}_example", SENTENCE, "--type", "int", "--default", "5")
    assert run(tree, "tools/role_tables.py", "--check").returncode == 0
    passes(tree, "tests/unit/test_roles.py", "-k", "defaults or options or described")


def test_a_scenario_is_run_and_described(tree: Path) -> None:
    new(tree, "scenario", "example", SENTENCE)
    passes(tree, "tests/unit/test_readme.py")
    assert yaml.safe_load((tree / "molecule/example/molecule.yml").read_text())["verifier"]["directory"].endswith(
        "/molecule/example/tests"
    )
    compile((tree / "molecule/example/tests/test_example.py").read_text(), "test_example.py", "exec")


def test_a_fragment_comes_after_the_others(tree: Path) -> None:
    before = {path.name for path in (tree / "changelogs/fragments").iterdir()}
    new(tree, "fragment", "example", SENTENCE, "--section", "bugfixes")
    (name,) = {path.name for path in (tree / "changelogs/fragments").iterdir()} - before
    assert name == max({name, *before}) and name.endswith("-example.yml")
    assert yaml.safe_load((tree / "changelogs/fragments" / name).read_text()) == {"bugfixes": [SENTENCE]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("variable", "nginx", "example", SENTENCE), "call it nginx_example"),
        (("variable", "nginx", "nginx_servers", SENTENCE), "has a variable nginx_servers already"),
        (("scenario", "default", SENTENCE), "there is a scenario default already"),
        (("scenario", "a-b", SENTENCE), "'a-b' is not of small letters"),
    ],
)
def test_what_cannot_be_is_refused(tree: Path, words: tuple[str, ...], said: str) -> None:
    done = run(tree, "tools/new.py", *words)
    assert done.returncode != 0 and said in done.stderr
