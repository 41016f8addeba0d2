# SPDX-License-Identifier: GPL-3.0-or-later
"""What a survey offers is what the playbook takes: its variables, choices, bounds and confirmations."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import definitions
import pytest
import yaml

PROJECT = definitions.PROJECT
TEMPLATES = {
    entry["name"]: entry
    for entry in yaml.safe_load((PROJECT / "awx/job_templates.yml").read_text())["awx_job_templates"]
}
QUESTIONS = [
    (name, question) for name, entry in TEMPLATES.items() for question in entry.get("survey_spec", {}).get("spec", [])
]


def question(name: str, variable: str) -> dict[str, Any]:
    return next(asked for template, asked in QUESTIONS if (template, asked["variable"]) == (name, variable))


def module(path: str) -> ModuleType:
    """A file of the collection that needs nothing else of it."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, PROJECT / path)
    if not spec or not spec.loader:
        raise ImportError(path)
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


OTHERS = "/runner/requirements_collections:{}~/.ansible/collections:/usr/share/ansible/collections"


@pytest.mark.parametrize(
    "environment",
    [
        # A newer AWX hands on what ansible.cfg says; an older one sets a variable that ansible-core 2.19 has dropped.
        {"ANSIBLE_COLLECTIONS_PATH": OTHERS.format("collections:")},
        {"ANSIBLE_COLLECTIONS_PATHS": OTHERS.format("")},
    ],
    ids=lambda environment: next(iter(environment)),
)
def test_a_job_finds_the_collection(environment: dict[str, str]) -> None:
    playbooks = sorted({entry["playbook"] for entry in TEMPLATES.values()})
    words = ["ansible-playbook", "--syntax-check", "--inventory", "inventories/dual_master", *playbooks]
    done = definitions.ansible(*words, **environment)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^playbook: (.*)$", done.stdout, re.M) == playbooks


def test_versions_are_those_with_a_known_checksum() -> None:
    table = yaml.safe_load((PROJECT / "roles/keepalived/vars/main.yml").read_text())["keepalived_checksums"]
    assert question("Upgrade keepalived", "keepalived_version")["choices"] == list(table)


def test_faults_are_those_of_the_drill() -> None:
    faults = yaml.safe_load((PROJECT / "plugins/plugin_utils/drill/faults.yml").read_text())
    asked = question("Failover drill", "drill_faults")
    assert asked["choices"] == list(faults)
    harsh = [name for name, fault in faults.items() if fault.get("harsh")]
    assert all(name in asked["question_description"] or "power_off" in name for name in harsh)


def texts(path: Path) -> Iterator[str]:
    """A playbook's text, with those of the playbooks, tasks and variables that it takes in, and of the roles."""
    text = path.read_text()
    yield text
    for name in re.findall(r"import_playbook: ([\w./]+yml)", text):
        yield from texts(path.parent / name)
    for name in re.findall(r"(?:import|include)_tasks: ([\w./]+yml)", text):
        yield from texts(path.parent / name)
    for names in re.findall(r"vars_files: \[(.*)\]", text):
        for name in names.split(","):
            yield from texts(path.parent / name.strip())
    for role in re.findall(r"name: evenkeel\.nginx_ha\.(keepalived|nginx|check_nginx)(?:,|$)", text, re.M):
        yield (PROJECT / "roles" / role / "defaults" / "main.yml").read_text()


@pytest.mark.parametrize(
    ("name", "asked"), QUESTIONS, ids=[f"{name}, {asked['variable']}" for name, asked in QUESTIONS]
)
def test_the_playbook_reads_the_variable(name: str, asked: dict[str, Any]) -> None:
    playbook = PROJECT / TEMPLATES[name]["playbook"]
    if name.startswith("Deploy"):
        # The one in the root imports it by the collection's name.
        playbook = PROJECT / "playbooks/site.yml"
    assert any(re.search(rf"\b{asked['variable']}\b", line) for line in _code(playbook))


def _code(playbook: Path) -> list[str]:
    return [line for text in texts(playbook) for line in text.splitlines() if not line.lstrip().startswith("#")]


def test_a_template_says_which_variables_it_sets() -> None:
    for name, entry in TEMPLATES.items():
        for variable in entry.get("extra_vars", {}):
            assert any(variable in line for line in _code(PROJECT / entry["playbook"])), (name, variable)


PROBE = {"targets": ["192.0.2.1"], "duration": 1, "rate": 100, "timeout": 1, "port": 80, "path": "/", "host": None}


@pytest.mark.parametrize(("variable", "option"), [("drill_rate", "rate"), ("drill_timeout", "timeout")])
def test_bounds_are_the_probers(variable: str, option: str) -> None:
    probe = module("plugins/module_utils/vip_probe.py")
    asked = question("Failover drill", variable)
    for bound in (asked["min"], asked["default"], asked["max"]):
        probe.check(**PROBE | {option: bound}, identity="holder", names={})
    with pytest.raises(Exception, match=option):
        probe.check(**PROBE | {option: asked["max"] + 1}, identity="holder", names={})


def found_tasks(playbook: str, *names: str) -> list[dict[str, Any]]:
    plays = yaml.safe_load((PROJECT / playbook).read_text())
    return [task for play in plays for task in play.get("tasks", []) if task.get("name") in names]


GUARDS = {
    "Failover drill": ("Ask for a yes and for a prober", {"drill_prober": "web1"}),
    "Uninstall": ("Ask for a yes", {}),
}


@pytest.mark.parametrize("name", GUARDS)
@pytest.mark.parametrize("answer", ["no", "yes"])
def test_a_confirmation_is_asked_for_and_taken(name: str, answer: str, tmp_path: Path) -> None:
    guard, others = GUARDS[name]
    confirmation = next(
        asked for template, asked in QUESTIONS if template == name and asked["variable"].endswith("_confirm")
    )
    assert confirmation["choices"] == ["no", "yes"] and confirmation["default"] == "no"
    done = _run(tmp_path, found_tasks(TEMPLATES[name]["playbook"], guard), {confirmation["variable"]: answer} | others)
    assert (done.returncode == 0) == (answer == "yes"), done.stdout


def _run(work: Path, tasks: list[dict[str, Any]], answers: dict[str, Any]) -> Any:
    if not tasks:
        raise AssertionError("there is no such task")
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (work / "guard.yml").write_text(json.dumps([play]))
    inventory = PROJECT / "inventories" / "dual_master"
    return definitions.ansible("ansible-playbook", "-i", inventory, work / "guard.yml", "-e", json.dumps(answers))


@pytest.mark.parametrize(
    ("variables", "name", "value"),
    [
        ("drain.yml", "__drain_hosts", {"drain_hosts": "nginx2, nginx1"}),
        ("drill.yml", "__drill_hosts", {"drill_hosts": "nginx2,nginx1"}),
        # Several choices come as a list, and from an older AWX as lines.
        ("drill.yml", "__drill_faults", {"drill_faults": ["nginx2", "nginx1"]}),
        ("drill.yml", "__drill_faults", {"drill_faults": "nginx2\nnginx1"}),
    ],
)
def test_a_text_of_names_is_a_list_to_the_playbook(
    tmp_path: Path, variables: str, name: str, value: dict[str, Any]
) -> None:
    tasks = [
        {"ansible.builtin.include_vars": str(PROJECT / "playbooks/vars" / variables)},
        {"ansible.builtin.assert": {"that": f"{name} == ['nginx2', 'nginx1']"}},
    ]
    done = _run(tmp_path, tasks, value)
    assert done.returncode == 0, done.stdout


def test_nothing_chosen_is_nothing_named(tmp_path: Path) -> None:
    tasks = [
        {"ansible.builtin.include_vars": str(PROJECT / "playbooks/vars/drill.yml")},
        {"ansible.builtin.assert": {"that": ["__drill_hosts == []", "__drill_faults == []"]}},
    ]
    for answers in ({"drill_hosts": "", "drill_faults": []}, {"drill_hosts": "", "drill_faults": ""}, {}):
        done = _run(tmp_path, tasks, answers)
        assert done.returncode == 0, done.stdout
