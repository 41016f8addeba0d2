# SPDX-License-Identifier: GPL-3.0-or-later
"""What awx/ defines is what AWX's modules and AWX itself take, and each rule refuses a list that is broken."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import definitions
import pytest
import rules

Lists = dict[str, list[dict[str, Any]]]
Specs = dict[str, dict[str, Any]]
LISTED = rules.listed_playbooks(definitions.PROJECT)


def known(lists: Lists) -> dict[str, set[str]]:
    """The names that there are, as roles name the lists."""
    names = {module: {entry["name"] for entry in entries if "name" in entry} for module, entries in lists.items()}
    return {
        "job_templates": names["job_template"],
        "workflows": names["workflow_job_template"],
        "inventories": names["inventory"],
        "projects": names["project"],
        "credentials": names["credential"],
        "teams": names["team"],
    }


def problems(lists: Lists, specs: Specs) -> list[str]:
    """All that is wrong, each with where it is."""
    names = known(lists)
    templates = {entry["name"]: entry for entry in lists["job_template"]}
    by_type = {"job_template": names["job_templates"], "workflow_job_template": names["workflows"]}
    checks: dict[str, list[Callable[[dict[str, Any]], list[str]]]] = {
        "job_template": [rules.survey_problems, functools.partial(rules.template_problems, listed=LISTED)],
        "workflow_job_template": [
            rules.survey_problems,
            functools.partial(rules.workflow_problems, known=by_type, approvals=lists["workflow_job_template_node"]),
            functools.partial(rules.answer_problems, templates=templates),
        ],
        "workflow_job_template_node": [
            functools.partial(
                rules.approval_problems, workflows={entry["name"]: entry for entry in lists["workflow_job_template"]}
            )
        ],
        "schedule": [
            functools.partial(rules.schedule_problems, known=names["job_templates"] | names["workflows"]),
        ],
        "notification_template": [rules.notification_problems],
        "role": [functools.partial(rules.role_problems, known=names)],
    }
    found = []
    for module, entries in lists.items():
        found += rules.name_problems([entry for entry in entries if "name" in entry])
        for entry in entries:
            each = [functools.partial(rules.argument_problems, specs[module]), *checks.get(module, [])]
            found += [f"{module} {entry.get('name', '')}: {problem}" for check in each for problem in check(entry)]
    return found


def test_nothing_is_wrong(lists: Lists, specs: Specs) -> None:
    assert problems(lists, specs) == []


def test_every_list_has_entries(lists: Lists) -> None:
    assert [module for module, entries in lists.items() if not entries] == []


def test_a_site_may_do_without_vault_and_notifications(tmp_path: Path, specs: Specs) -> None:
    spared = ("awx_vault_password", "awx_mail_recipients", "awx_webhook_url")
    site = {name: value for name, value in definitions.SITE.items() if name not in spared}
    lists = definitions.rendered(site, tmp_path)
    assert problems(lists, specs) == []
    assert [entry["name"] for entry in lists["credential"]] == ["Load balancers - SSH"]
    assert lists["notification_template"] == []
    assert {tuple(entry["credentials"]) for entry in lists["job_template"]} == {("Load balancers - SSH",)}


def test_a_site_may_replace_a_list(tmp_path: Path) -> None:
    lists = definitions.rendered(definitions.SITE | {"awx_schedules": [], "awx_organization": "Web"}, tmp_path)
    assert lists["schedule"] == []
    assert {entry["organization"] for entry in lists["job_template"]} == {"Web"}


def template(lists: Lists, name: str) -> dict[str, Any]:
    return next(entry for entry in lists["job_template"] if entry["name"] == name)


def question(lists: Lists, name: str, variable: str) -> dict[str, Any]:
    return next(asked for asked in template(lists, name)["survey_spec"]["spec"] if asked["variable"] == variable)


def workflow(lists: Lists, name: str) -> dict[str, Any]:
    return next(entry for entry in lists["workflow_job_template"] if entry["name"] == name)


def node(lists: Lists, name: str, place: int) -> dict[str, Any]:
    return workflow(lists, name)["workflow_nodes"][place]


def approval(lists: Lists) -> dict[str, Any]:
    return lists["workflow_job_template_node"][0]


def schedule(lists: Lists) -> dict[str, Any]:
    return lists["schedule"][0]


def message(lists: Lists, place: int) -> dict[str, Any]:
    return lists["notification_template"][place]["messages"]["error"]


def rrule(text: str) -> Callable[[Lists], None]:
    return lambda lists: schedule(lists).update(rrule=text)


def deploy(**fields: Any) -> Callable[[Lists], None]:
    return lambda lists: template(lists, "Deploy").update(fields)


def asked(name: str, variable: str, /, **fields: Any) -> Callable[[Lists], None]:
    return lambda lists: question(lists, name, variable).update(fields)


REASON = ("Drain host", "drain_reason")
RATE = ("Failover drill", "drill_rate")
LOCK = ("Deploy", "site_break_lock")
FAULTS = ("Failover drill", "drill_faults")
BROKEN: dict[str, tuple[Callable[[Lists], Any], str]] = {
    "a parameter that the module lacks": (deploy(survey="x"), "survey. Supported parameters include"),
    "a parameter of the wrong type": (deploy(forks="many"), "Deploy: argument 'forks' is of type"),
    "a value that is no choice": (deploy(job_type="scan"), "value of job_type must be one of: run, check"),
    "a required parameter": (lambda lists: lists["credential"][0].pop("credential_type"), "missing required arguments"),
    "a parameter of a node": (
        lambda lists: node(lists, "Change window", 0).update(success=[]),
        "workflow_nodes.success",
    ),
    "a name twice": (lambda lists: lists["job_template"].append(template(lists, "Deploy")), "Deploy is there twice"),
    "a playbook that is not there": (deploy(playbook="deploy.yml"), "AWX would not list deploy.yml"),
    "a file of tasks": (deploy(playbook="playbooks/tasks/drain.yml"), "AWX would not list playbooks/tasks/drain.yml"),
    "a file without a play": (deploy(playbook="playbooks/vars/site.yml"), "AWX would not list playbooks/vars"),
    "two jobs at once": (deploy(allow_simultaneous=True), "two of its jobs may run at once"),
    "no timeout": (deploy(timeout=0), "it has no timeout"),
    "verbosity": (deploy(verbosity=1), "its verbosity is set"),
    "a survey that is off": (deploy(survey_enabled=False), "the survey is not enabled"),
    "a survey without questions": (
        lambda lists: template(lists, "Deploy")["survey_spec"].update(spec=[]),
        "the survey has no question",
    ),
    "a survey without a description": (
        lambda lists: template(lists, "Deploy")["survey_spec"].pop("description"),
        "the survey's description is no text",
    ),
    "a field is missing": (lambda lists: question(lists, *RATE).pop("min"), "drill_rate: its fields differ: min"),
    "a field too many": (asked(*RATE, unit="1/s"), "drill_rate: its fields differ: unit"),
    "a variable twice": (asked("Deploy", "site_break_lock", variable="site_allow_disruption"), "is asked twice"),
    "a variable's name": (asked(*RATE, variable="drill rate"), "is no name of a variable"),
    "a type": (asked(*RATE, type="number"), "there is no type number"),
    "required as a text": (asked(*RATE, required="yes"), "required is neither true nor false"),
    "a question without a name": (asked(*RATE, question_name=""), "question_name is no text"),
    "bounds of a float": (asked(*RATE, type="float", min=0.05, default=1.0), "min and max have to be integers"),
    "bounds in the wrong order": (asked(*RATE, min=1000, max=1), "min is above max"),
    "bounds of a choice": (asked(*LOCK, min=0, max=3), "a choice has no bounds"),
    "a text that may be left out and must be long": (asked(*REASON, min=1), "a text that is required has a min of 1"),
    "a text that is required and may be empty": (
        asked("Drain host", "drain_hosts", min=0),
        "a text that is required has a min of 1",
    ),
    "a default above the bounds": (asked(*RATE, default=1001), "the default is out of bounds"),
    "a default below the bounds": (asked(*RATE, default=0), "the default is out of bounds"),
    "a default that is too long": (asked(*REASON, default="x" * 201), "the default is too short or too long"),
    "a default of the wrong type": (asked(*RATE, default="100"), "a number is required, and its default '100'"),
    "a number that may be left out": (asked(*RATE, required=False), "a number is required"),
    "a secret for a default": (asked(*REASON, default="$encrypted$"), "AWX keeps $encrypted$ for itself"),
    "a default that is no choice": (asked(*LOCK, default="maybe"), "its default one of the choices"),
    "a choice that may be left out": (asked(*LOCK, required=False), "a choice of one is required"),
    "choices as a text": (asked(*LOCK, choices="no\nyes\n"), "choices are no list"),
    "no choices": (asked(*FAULTS, choices=[]), "a choice needs choices"),
    "a choice twice": (asked(*LOCK, choices=["no", "yes", "no"]), "a choice is there twice"),
    "a choice that YAML takes for a boolean": (asked(*LOCK, choices=[False, True]), "a choice is a line of text"),
    "choices of a text": (asked(*REASON, choices=["x"]), "only a choice has choices"),
    "a default of several": (asked(*FAULTS, default="nginx_kill"), "AWX takes no default of a choice of several"),
    "several that are required": (asked(*FAULTS, required=True), "AWX takes no default of a choice of several"),
    "a node's template": (
        lambda lists: node(lists, "Change window", 0)["unified_job_template"].update(name="Check"),
        "node preflight: there is no job_template Check",
    ),
    "a node twice": (
        lambda lists: workflow(lists, "Nightly")["workflow_nodes"].append(node(lists, "Nightly", 0)),
        "node verify is there twice",
    ),
    "a node that is not there": (
        lambda lists: node(lists, "Change window", 2)["related"].update(failure_nodes=[{"identifier": "tell"}]),
        "node deploy: there is no node tell",
    ),
    "a cycle": (
        lambda lists: node(lists, "Change window", 3).update(related={"failure_nodes": [{"identifier": "deploy"}]}),
        "node deploy comes after itself",
    ),
    "an approval for ever": (lambda lists: approval(lists)["approval_node"].update(timeout=0), "it waits for ever"),
    "an approval in a node that is not there": (
        lambda lists: approval(lists).update(identifier="ask"),
        "there is no node ask in Change window",
    ),
    "a node without anything": (
        lambda lists: lists["workflow_job_template_node"].clear(),
        "node approve has to be either an approval or a template",
    ),
    "an approval in the place of a template": (
        lambda lists: approval(lists).update(identifier="deploy"),
        "node deploy has to be either an approval or a template",
    ),
    "a workflow without nodes": (lambda lists: workflow(lists, "Nightly").update(workflow_nodes=[]), "it has no nodes"),
    "an answer that nobody gives": (
        lambda lists: workflow(lists, "Failover rehearsal").update(survey_spec=None, survey_enabled=False),
        "node drill: nobody answers drill_prober",
    ),
    "a schedule of nothing": (
        lambda lists: schedule(lists).update(unified_job_template="Weekly"),
        "there is no Weekly",
    ),
    "no start": (rrule("RRULE:FREQ=DAILY;INTERVAL=1"), "it needs one DTSTART"),
    "a start without a zone": (rrule("DTSTART:20260101T020000 RRULE:FREQ=DAILY;INTERVAL=1"), "it needs one DTSTART"),
    "no interval": (rrule("DTSTART:20260101T020000Z RRULE:FREQ=DAILY"), "it has no INTERVAL="),
    "no frequency": (rrule("DTSTART:20260101T020000Z RRULE:INTERVAL=1"), "it has no FREQ="),
    "two rules": (
        rrule("DTSTART:20260101T020000Z RRULE:FREQ=DAILY;INTERVAL=1 RRULE:FREQ=DAILY;INTERVAL=2"),
        "one RRULE",
    ),
    "an unknown frequency": (rrule("DTSTART:20260101T020000Z RRULE:FREQ=NIGHTLY;INTERVAL=1"), "it is no rule"),
    "an impossible start": (rrule("DTSTART:20261301T020000Z RRULE:FREQ=DAILY;INTERVAL=1"), "it is no rule"),
    "each second": (
        rrule("DTSTART:20260101T020000Z RRULE:FREQ=SECONDLY;INTERVAL=1"),
        "AWX does not take FREQ=SECONDLY",
    ),
    "two ends": (
        rrule("DTSTART:20260101T020000Z RRULE:FREQ=DAILY;INTERVAL=1;COUNT=5;UNTIL=20270101T020000Z"),
        "both COUNT and UNTIL",
    ),
    "an unknown event": (
        lambda lists: lists["notification_template"][0]["messages"].update(failed={"message": "x"}),
        "there is no event failed",
    ),
    "an unknown part": (lambda lists: message(lists, 0).update(text="x"), "error: there is no text"),
    "a field that AWX does not fill in": (
        lambda lists: message(lists, 0).update(body="{{ job.artifacts.verdict.table }}"),
        "AWX cannot fill it in: 'dict object' has no attribute 'verdict'",
    ),
    "a subject of two lines": (lambda lists: message(lists, 0).update(message="a\nb"), "a subject is one line"),
    "no JSON": (
        lambda lists: message(lists, 1).update(body='{"text": "{{ job.artifacts.verdict.table | default(["x"]) }}"}'),
        "AWX cannot fill it in",
    ),
    "a role on nothing": (
        lambda lists: lists["role"][0].update(job_templates=["Check"]),
        "there is no Check in job_templates",
    ),
    "a role of nobody": (lambda lists: lists["role"][0].update(teams=[]), "it is nobody's"),
    "a role that its objects lack": (
        lambda lists: lists["role"][0].update(role="approval"),
        "job_templates have no role approval",
    ),
}


@pytest.mark.parametrize(("breakage", "expected"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found(lists: Lists, specs: Specs, breakage: Callable[[Lists], Any], expected: str) -> None:
    broken = copy.deepcopy(lists)
    breakage(broken)
    assert any(expected in problem for problem in problems(broken, specs)), problems(broken, specs)


def test_the_lists_themselves_are_no_playbooks() -> None:
    assert {file for file in LISTED if file.startswith("awx/")} == set()
    assert "playbooks/awx_configure.yml" in LISTED


def test_every_file_is_used() -> None:
    used = {(definitions.PLAYBOOK.parent / path).resolve() for path in definitions.PLAY["vars_files"]}
    assert used == set((definitions.PROJECT / "awx").iterdir())


@pytest.mark.parametrize(("name", "artifact"), [("Verify", "verdict"), ("Failover drill", "drill")])
def test_what_fails_is_told_of_with_its_table(lists: Lists, name: str, artifact: str) -> None:
    assert template(lists, name)["notification_templates_error"] == [
        "Load balancers - mail",
        "Load balancers - webhook",
    ]
    for place in (0, 1):
        text = rules.filled(message(lists, place)["body"], artifacts={artifact: {"table": ["VI_1 has no holder"]}})
        assert "VI_1 has no holder" in text and "https://awx.example.com/" in text


def test_who_may_only_verify_may_change_nothing(lists: Lists) -> None:
    verifies = [entry for entry in lists["role"] if "Load balancers - verify" in entry["teams"]]
    assert {entry["role"] for entry in verifies} == {"execute", "read"}
    assert {name for entry in verifies for name in entry.get("job_templates", [])} == {"Preflight", "Verify", "Status"}
    assert {name for entry in verifies for name in entry.get("workflows", [])} == {"Nightly"}
