# SPDX-License-Identifier: GPL-3.0-or-later
"""The job templates of awx/, run by ansible-runner in a directory that is laid out as AWX lays it out.

AWX itself is not here: what it does before and after a job (the project's copy, the inventory as a script, extra variables from a
survey and from the jobs before, the key in an agent, artifacts) is done here in its stead, and ansible-runner runs the job as it does there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

from labtest.site import PROJECT, plain_environment

DEFINITIONS = PROJECT / "awx"
# What AWX's own execution environment is to find there: the built collection.
COLLECTIONS = "requirements_collections"
# Seconds after which a task that began has begun on the host as well.
UNDER_WAY = 0.7


@dataclass(frozen=True)
class Job:
    status: str
    output: str
    artifacts: Mapping[str, Any]
    recap: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The output as one line of single spaces, for texts that are wrapped."""
        return re.sub(r"\s+", " ", self.output)

    def changed(self, host: str) -> int:
        return self.recap.get("changed", {}).get(host, 0)


class Awx:
    """An AWX with the definitions of this repository, the lab's inventory and the lab's key."""

    def __init__(self, place: Path) -> None:
        self.place, self.jobs = place, 0
        self.launched: set[str] = set()
        self.project = place / "project"
        # AWX keeps symbolic links when it copies a project for a job.
        leave_out = shutil.ignore_patterns(".git", "__pycache__", ".pytest_cache", ".ruff_cache")
        shutil.copytree(PROJECT, self.project, symlinks=True, ignore=leave_out)
        self._install_collection()
        self._inventory()
        self._container()
        self.laid_out_at = time.time()
        self.templates = {each["name"]: each for each in definitions("job_templates")}
        self.workflows = {each["name"]: each for each in definitions("workflow_job_templates")}
        # Held open, so that no later job's has the number of an earlier one's: its lock would be known to be left behind.
        self.namespaces: dict[Path, int] = {}
        self.forks = yaml.safe_load((DEFINITIONS / "settings.yml").read_text())["awx_forks"]

    def _install_collection(self) -> None:
        galaxy = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection"]
        built = self.place / "built"
        subprocess.run([*galaxy, "build", "--output-path", str(built)], cwd=PROJECT, check=True, capture_output=True)
        (package,) = built.iterdir()
        words = ["install", "--force", "--no-deps", "--collections-path", str(self.place / COLLECTIONS), str(package)]
        subprocess.run([*galaxy, *words], cwd=self.place, check=True, capture_output=True)

    def _inventory(self) -> None:
        """As an inventory source imports it, and as a script, which is how a job gets it."""
        words = [str(Path(sys.executable).with_name("ansible-inventory")), "--list", "--export"]
        done = subprocess.run(
            [*words, "--inventory", str(PROJECT / "inventories/lab")],
            cwd=PROJECT,
            env=plain_environment(),
            check=True,
            capture_output=True,
            text=True,
        )
        inventory = json.loads(done.stdout)
        common = inventory["all"].setdefault("vars", {})
        self.key = Path(common.pop("ansible_ssh_private_key_file"))
        for host in inventory["_meta"]["hostvars"].values():
            host.pop("ansible_ssh_private_key_file", None)
        script = self.place / "inventory" / "hosts"
        script.parent.mkdir()
        script.write_text(f"#!/usr/bin/env python3\nprint('''{json.dumps(inventory)}''')\n")
        script.chmod(0o700)

    def _container(self) -> None:
        """A job's processes see none of another job's, as in an execution environment; where its PID namespace is found is at its home."""
        playbook = self.place / "bin" / "ansible-playbook"
        playbook.parent.mkdir()
        real = Path(sys.executable).with_name("ansible-playbook")
        run = f'exec unshare --pid --fork --kill-child --mount-proc {real} "$@"'
        playbook.write_text(f'#!/bin/sh\necho $$ >"$HOME/pid"\n{run}\n')
        playbook.chmod(0o755)

    def launch(
        self,
        name: str,
        answers: Mapping[str, Any] | None = None,
        *,
        inherited: Mapping[str, Any] | None = None,
        limit: str = "",
        check: bool = False,
        cancelled_at: str = "",
    ) -> Job:
        """Run a job to its end, or cancel it when a task begins that has this text in its name."""
        template = self.templates[name]
        self.launched.add(name)
        self.jobs += 1
        place = self.place / f"job{self.jobs}"
        (place / "env").mkdir(parents=True)
        for part in ("project", "inventory"):
            (place / part).symlink_to(self.place / part)
        (place / "env" / "ssh_key").write_text(self.key.read_text())
        told = Told(cancelled_at, place / "home" / "pid", self.namespaces)
        words = [f"--forks={self.forks}", *([f"--limit={limit}"] if limit else [])]
        done = ansible_runner.run(
            private_data_dir=str(place),
            playbook=template["playbook"],
            extravars={**(inherited or {}), **answers_of(template, answers or {}), **self._own_variables(name)},
            envvars=self._environment(place),
            cmdline=" ".join([*words, *(["--check", "--diff"] if check else [])]),
            event_handler=told.hear,
            cancel_callback=told.is_cancelled,
            quiet=True,
            # As often it looks whether it is cancelled, in seconds.
            settings={"pexpect_timeout": 1},
            timeout=600,
        )
        output = (Path(done.config.artifact_dir) / "stdout").read_text()
        print(output[-6000:])
        return Job(done.status, output, told.artifacts, told.recap)

    def _own_variables(self, name: str) -> dict[str, Any]:
        own = {"job_id": self.jobs, "job_template_name": name, "user_name": "alice", "user_id": 2}
        return {f"{prefix}_{key}": value for prefix in ("awx", "tower") for key, value in own.items()}

    def _environment(self, place: Path) -> dict[str, str]:
        home = place / "home"
        home.mkdir()
        return {
            "HOME": str(home),
            "PATH": f"{self.place / 'bin'}:{os.environ['PATH']}",
            # Which a job finds by itself, for it runs there.
            "ANSIBLE_CONFIG": str(self.project / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.place / COLLECTIONS),
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.place / "fact_cache"),
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "USER": "root",
        }

    def run_workflow(
        self,
        name: str,
        own: Mapping[str, Any] | None = None,
        nodes_answers: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> list[tuple[str, Job]]:
        """Its jobs with the names of their templates, in the order in which they ran; approvals are given.

        own are the answers to its own survey, nodes_answers those that its nodes have for the surveys of their templates. What jobs hand
        over by set_stats is an extra variable of those after them.
        """
        answered = answers_of(self.workflows[name], own or {})
        nodes = {node["identifier"]: node for node in self.workflows[name]["workflow_nodes"]}
        after = {
            each["identifier"]
            for node in nodes.values()
            for kind in ("success_nodes", "failure_nodes", "always_nodes")
            for each in (node.get("related") or {}).get(kind) or ()
        }
        waiting = [identifier for identifier in nodes if identifier not in after]
        jobs: list[tuple[str, Job]] = []
        handed: dict[str, Any] = {}
        while waiting:
            node = nodes[waiting.pop(0)]
            template, status = node["unified_job_template"], "successful"
            # A node without a template is an approval.
            if template["name"]:
                asked = {question["variable"] for question in questions(self.templates[template["name"]])}
                told = {name: answer for name, answer in answered.items() if name in asked}
                told |= (node.get("extra_data") or {}) | dict((nodes_answers or {}).get(node["identifier"], {}))
                job = self.launch(template["name"], told, inherited=handed)
                handed |= job.artifacts
                status = job.status
                jobs.append((template["name"], job))
            waiting += [each["identifier"] for each in _next(node, status)]
        return jobs


class Told:
    """What ansible-runner tells of a job while it runs."""

    def __init__(self, cancelled_at: str, pid: Path, namespaces: dict[Path, int]) -> None:
        self.cancelled_at = cancelled_at
        self.pid = pid
        self.namespaces = namespaces
        self.begun: float | None = None
        self.artifacts: dict[str, Any] = {}
        self.recap: dict[str, dict[str, int]] = {}

    def hear(self, event: Mapping[str, Any]) -> bool:
        if self.pid not in self.namespaces:
            namespace = Path("/proc", self.pid.read_text().strip(), "ns/pid_for_children")
            self.namespaces[self.pid] = os.open(namespace, os.O_RDONLY)
        data = event.get("event_data", {})
        if (
            event["event"] == "playbook_on_task_start"
            and self.cancelled_at
            and self.cancelled_at in data.get("task", "")
        ):
            self.begun = self.begun or time.monotonic()
        if event["event"] == "playbook_on_stats":
            self.artifacts = data.get("artifact_data", {})
            self.recap = {key: data.get(key, {}) for key in ("ok", "changed", "failures")}
        return True

    def is_cancelled(self) -> bool:
        return self.begun is not None and time.monotonic() - self.begun > UNDER_WAY


def _next(node: Mapping[str, Any], status: str) -> Iterator[Mapping[str, Any]]:
    related = node.get("related") or {}
    yield from related.get("success_nodes" if status == "successful" else "failure_nodes") or ()
    yield from related.get("always_nodes") or ()


def definitions(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((DEFINITIONS / f"{name}.yml").read_text())[f"awx_{name}"]


def questions(template: Mapping[str, Any]) -> list[dict[str, Any]]:
    return (template.get("survey_spec") or {}).get("spec", []) if template.get("survey_enabled") else []


def answers_of(template: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Answers to a survey as AWX takes them: its defaults where none is given, and none that it would refuse itself."""
    asked = questions(template)
    unknown = set(given) - {question["variable"] for question in asked}
    assert not unknown, f"{template['name']} does not ask for {unknown}"
    answers = {}
    for question in asked:
        name = question["variable"]
        answer = given.get(name, question.get("default"))
        if answer in ("", None, []) and name not in given:
            assert not question["required"], f"{template['name']} wants an answer to {question['question_name']}"
            continue
        refusal = refused(question, answer)
        assert not refusal, f"AWX refuses {answer!r} for {question['question_name']}: {refusal}"
        answers[name] = answer
    return answers


def refused(question: Mapping[str, Any], answer: Any) -> str:
    """Why AWX refuses an answer, or nothing."""
    kind, low, high = question["type"], question.get("min"), question.get("max")
    choices = question.get("choices") or []
    choices = choices.split("\n") if isinstance(choices, str) else choices
    if kind in ("text", "textarea", "password"):
        size = len(answer)
    elif kind in ("integer", "float"):
        size = answer
    else:
        chosen = answer if isinstance(answer, list) else [answer]
        return "" if set(chosen) <= set(choices) else f"not one of {choices}"
    if low is not None and size < low:
        return f"below {low}"
    return f"above {high}" if high is not None and size > high else ""
