# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: ansible-builder takes its definition, and what it would build holds what the playbooks need."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import definitions
import pytest
import yaml

PROJECT = definitions.PROJECT
REQUIREMENTS = dict(
    re.findall(r"^([\w-]+)==(\S+)$", "\n".join(path.read_text() for path in PROJECT.glob("requirements/*.txt")), re.M)
)


def create(definition: Path, context: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [definitions.BIN / "ansible-builder", "create", "--file", definition, "--context", context],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("context")
    done = create(PROJECT / "execution-environment.yml", path)
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def test_the_image_has_the_ansible_that_the_tests_run_with(context: Path) -> None:
    wanted = re.search(r'^ARG ANSIBLE_INSTALL_REFS="(.*)"$', (context / "Containerfile").read_text(), re.M)
    assert wanted and wanted[1].split()[0] == f"ansible-core=={REQUIREMENTS['ansible-core']}"
    assert wanted[1].split()[1] == f"ansible-runner=={REQUIREMENTS['ansible-runner']}"


def test_the_image_runs_as_a_user_with_a_python_that_is_new_enough(context: Path) -> None:
    lines = (context / "Containerfile").read_text().splitlines()
    python = next(line for line in lines if line.startswith("ARG PYCMD="))
    assert tuple(map(int, re.findall(r"\d+", python))) >= (3, 11)
    assert [line for line in lines if line.startswith("USER")][-1] == "USER 1000"
    assert lines[-2].startswith("ENTRYPOINT")


@pytest.mark.parametrize(
    ("built", "source"),
    [
        ("requirements.txt", "meta/ee-requirements.txt"),
        ("bindep.txt", "meta/ee-bindep.txt"),
        ("requirements.yml", "collections/requirements.yml"),
    ],
)
def test_what_is_put_in_is_what_the_collection_names(context: Path, built: str, source: str) -> None:
    assert (context / "_build" / built).read_text() == (PROJECT / source).read_text()


def test_programs_that_playbooks_need_are_there_for_both_kinds_of_packages(context: Path) -> None:
    lines = [line for line in (context / "_build/bindep.txt").read_text().splitlines() if not line.startswith("#")]
    assert {(name.split("-")[0], platform) for name, platform in (line.split() for line in lines)} == {
        (name, f"[platform:{kind}]") for name in ("openssh", "git") for kind in ("rpm", "dpkg")
    }


def test_images_that_take_the_collection_in_find_the_same() -> None:
    collection = yaml.safe_load((PROJECT / "meta/execution-environment.yml").read_text())
    own = yaml.safe_load((PROJECT / "execution-environment.yml").read_text())["dependencies"]
    assert collection["version"] == 1
    assert collection["dependencies"] == {key: own[key] for key in ("python", "system")}


@pytest.mark.parametrize(
    ("found", "put", "refused"),
    [
        ("", "", False),
        ("version: 3", "version: 4", True),
        ("  galaxy:", "  galaxies:", True),
        ("meta/ee-bindep.txt", "meta/bindep.txt", True),
    ],
)
def test_a_definition_that_is_broken_is_refused(tmp_path: Path, found: str, put: str, refused: bool) -> None:
    text = (PROJECT / "execution-environment.yml").read_text()
    assert found in text
    broken = tmp_path / "execution-environment.yml"
    # Paths are relative to the file.
    broken.write_text(re.sub(r" (meta|collections)/", rf" {PROJECT}/\1/", text.replace(found, put, 1)))
    assert (create(broken, tmp_path / "context").returncode != 0) == refused


def test_the_collection_ships_the_lists_but_no_definition_of_an_image_that_it_lacks_files_for() -> None:
    ignored = yaml.safe_load((PROJECT / "galaxy.yml").read_text())["build_ignore"]
    assert not {"awx", "meta", "playbooks"} & set(ignored)
    assert {"collections", "execution-environment.yml"} <= set(ignored)
