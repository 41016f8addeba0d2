# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of site.yml on the lab, and what they did."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    code: int
    output: str

    def did(self, task: str) -> bool:
        """Whether any host executed the task, skipped ones not counted."""
        pattern = rf"^TASK \[.*{re.escape(task)}.*\].*\n(?:skipping:.*\n)*(?:ok|changed):"
        return re.search(pattern, self.output, re.M) is not None

    def count(self, host: str, what: str) -> int:
        """A number of the recap, such as changed or ok."""
        match = re.search(rf"^{host}\s.*\b{what}=(\d+)", self.output, re.M)
        assert match, f"no {what} for {host} in:\n{self.output}"
        return int(match[1])

    def started(self, host: str) -> int:
        """How many tasks the host has executed or skipped."""
        return self.count(host, "ok") + self.count(host, "skipped")

    @property
    def message(self) -> str:
        """The output as one line of single spaces, for texts that are wrapped."""
        return re.sub(r"\s+", " ", self.output)


def plain_environment() -> dict[str, str]:
    """This process's environment without what Molecule sets for its own Ansible."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")} | {
        "ANSIBLE_NOCOLOR": "1"
    }


def command_line(
    *inventories: str | Path, playbook: str, command: str = "ansible-playbook", **variables: object
) -> list[str]:
    """inventories are paths or names below inventories/, the lab's by default."""
    words = [command, playbook]
    for inventory in inventories or ("lab",):
        words += ["--inventory", str(PROJECT / "inventories" / inventory)]
    return [*words, "--extra-vars", json.dumps(variables)]


def site(
    *inventories: str | Path,
    playbook: str = "site.yml",
    arguments: tuple[str, ...] = (),
    cwd: Path = PROJECT,
    command: str = "ansible-playbook",
    within: float = 600,
    **variables: object,
) -> Run:
    """Run a playbook to its end."""
    result = subprocess.run(
        [*command_line(*inventories, playbook=playbook, command=command, **variables), *arguments],
        cwd=cwd,
        env=plain_environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=within,
    )
    print(result.stdout[-6000:], result.stderr[-3000:])
    return Run(result.returncode, result.stdout + result.stderr)


def _started(**variables: object) -> subprocess.Popen[str]:
    """site.yml in a process group of its own, its output line by line."""
    return subprocess.Popen(
        command_line(playbook="site.yml", **variables),
        cwd=PROJECT,
        env=plain_environment() | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def killed_at(number: int, **variables: object) -> str:
    """Kill a run of site.yml, with all that it has started, when its task of that number begins; the task's name."""
    process = _started(**variables)
    assert process.stdout
    tasks = (line for line in process.stdout if line.startswith("TASK ["))
    name = next((line for count, line in enumerate(tasks, 1) if count >= number), "none: it had ended")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return name.split("[", 1)[-1].split("]", 1)[0]


def with_event(task: str, event: Callable[[], object], **variables: object) -> Run:
    """Run site.yml; when the task begins for the first time, the event happens."""
    process = _started(**variables)
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if event and line.startswith("TASK [") and task in line:
            event()
            event = None
    output = "".join(lines)
    print(output[-6000:])
    return Run(process.wait(), output)
