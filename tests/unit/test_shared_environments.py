# SPDX-License-Identifier: GPL-3.0-or-later
"""What checkouts share below the lab's directory is made by one of them, while the others wait."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "lib.sh"
# An interpreter whose venvs have a pip that takes its time, writes down what it was told, and fails when it is told so.
PIP = """#!/bin/sh
here=$(dirname "$0")
echo "pip $*" >>{log}
sleep 0.3
case $* in *broken*) exit 1 ;; esac
touch "$here/ansible-playbook"
"""
INTERPRETER = """#!/bin/sh
mkdir -p "$3/bin"
cp {pip} "$3/bin/pip"
printf '#!/bin/sh\\n' >"$3/bin/python"
chmod +x "$3/bin/pip" "$3/bin/python"
"""


class Machine:
    def __init__(self, place: Path) -> None:
        self.log, self.venv = place / "log", place / "venvs" / "test-0"
        self.interpreter, pip = place / "python3", place / "pip"
        pip.write_text(PIP.format(log=self.log))
        self.interpreter.write_text(INTERPRETER.format(pip=pip))
        self.interpreter.chmod(0o755)
        self.log.touch()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A checkout that needs the venv: it ends with 0 when ansible-playbook is in it."""
        script = '. "$0"; venv "$@" && test -e "$1/bin/ansible-playbook"'
        return subprocess.Popen(["sh", "-c", script, LIBRARY, self.venv, self.interpreter, *words])

    def make(self, *words: str) -> int:
        return self.start(*words).wait(timeout=60)

    def runs(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_of_checkouts_that_start_together_one_makes_it(machine: Machine) -> None:
    checkouts = [machine.start("ansible-core==1") for _ in range(4)]
    assert [checkout.wait(timeout=60) for checkout in checkouts] == [0] * 4
    assert len(machine.runs()) == 1


def test_it_is_made_once_for_the_same_words(machine: Machine) -> None:
    assert [machine.make("ansible-core==1"), machine.make("ansible-core==1")] == [0, 0]
    assert len(machine.runs()) == 1
    assert machine.make("ansible-core==2") == 0
    assert [line.split()[-1] for line in machine.runs()] == ["ansible-core==1", "ansible-core==2"]


def test_what_pip_did_not_finish_is_not_complete(machine: Machine) -> None:
    assert machine.make("broken==1") != 0
    assert not (machine.venv / ".complete").exists()
    assert machine.make("ansible-core==1") == 0


def test_what_was_killed_on_the_way_is_made_anew(machine: Machine) -> None:
    (machine.venv / "bin").mkdir(parents=True)
    (machine.venv / "bin" / "python").touch(mode=0o755)
    assert machine.make("ansible-core==1") == 0
    assert len(machine.runs()) == 1


def test_one_whose_interpreter_is_gone_is_made_anew(machine: Machine) -> None:
    assert machine.make("ansible-core==1") == 0
    (machine.venv / "bin" / "python").unlink()
    assert machine.make("ansible-core==1") == 0
    assert len(machine.runs()) == 2
