# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of site.yml on the lab, and what they did."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    code: int
    output: str

    def did(self, task: str) -> bool:
        """Whether any host executed the task, skipped ones not counted."""
        return re.search(rf"^TASK \[.*{re.escape(task)}\].*\n(?:ok|changed):", self.output, re.M) is not None

    def count(self, host: str, what: str) -> int:
        """A number of the recap, such as changed or ok."""
        match = re.search(rf"^{host}\s.*\b{what}=(\d+)", self.output, re.M)
        assert match, f"no {what} for {host} in:\n{self.output}"
        return int(match[1])

    @property
    def message(self) -> str:
        """The output as one line of single spaces, for texts that are wrapped."""
        return re.sub(r"\s+", " ", self.output)


def plain_environment() -> dict[str, str]:
    """This process's environment without what Molecule sets for its own Ansible."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")} | {
        "ANSIBLE_NOCOLOR": "1"
    }


def site(
    *inventories: str | Path,
    playbook: str = "site.yml",
    arguments: tuple[str, ...] = (),
    cwd: Path = PROJECT,
    command: str = "ansible-playbook",
    within: float = 600,
    **variables: object,
) -> Run:
    """Run a playbook; inventories are paths or names below inventories/, the lab's by default."""
    words = [command, playbook]
    for inventory in inventories or ("lab",):
        words += ["--inventory", str(PROJECT / "inventories" / inventory)]
    result = subprocess.run(
        [*words, "--extra-vars", json.dumps(variables), *arguments],
        cwd=cwd,
        env=plain_environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=within,
    )
    print(result.stdout[-6000:], result.stderr[-3000:])
    return Run(result.returncode, result.stdout + result.stderr)
