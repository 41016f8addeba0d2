# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses or quietly ignores, as far as it can be known without an AWX: each rule gives sentences, none where all is well.

The rules of surveys, notifications, schedules and listed playbooks are those of AWX 24's API.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from dateutil.rrule import rrulestr
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

Entry = Mapping[str, Any]
FIELDS = {
    "question_name",
    "question_description",
    "variable",
    "type",
    "required",
    "min",
    "max",
    "default",
    "choices",
}
TEXTS = ("text", "textarea", "password")
NUMBERS = {"integer": int, "float": float}
CHOICES = ("multiplechoice", "multiselect")
EVENTS = {"started", "success", "error", "workflow_approval"}
# A job as a notification's message sees it; a job that has failed early has no artifacts.
JOB = {"name": "Verify", "status": "failed", "id": 42, "artifacts": {}}
PLAYBOOK_LINE = re.compile(r"^\s*?-?\s*?(?:hosts|include|import_playbook):\s*?.*?$")


def argument_problems(spec: Mapping[str, Any], entry: Entry) -> list[str]:
    """What the module's own check of its arguments would say."""
    return ArgumentSpecValidator(spec).validate(dict(entry)).error_messages


def name_problems(entries: Sequence[Entry]) -> list[str]:
    return [
        f"{name} is there twice" for name, count in Counter(entry["name"] for entry in entries).items() if count > 1
    ]


# Surveys


def survey_problems(entry: Entry) -> list[str]:
    survey = entry.get("survey_spec")
    if not survey:
        return ["survey_enabled without a survey"] if entry.get("survey_enabled") else []
    problems = [] if entry.get("survey_enabled") else ["the survey is not enabled"]
    problems += [
        f"the survey's {key} is no text" for key in ("name", "description") if not isinstance(survey.get(key), str)
    ]
    questions = survey.get("spec") or []
    problems += [] if questions else ["the survey has no question"]
    twice = Counter(question.get("variable") for question in questions)
    problems += [f"{variable} is asked twice" for variable, count in twice.items() if count > 1]
    for question in questions:
        problems += [f"{question.get('variable')}: {problem}" for problem in question_problems(question)]
    return problems


def question_problems(question: Entry) -> list[str]:
    if set(question) != FIELDS:
        return [f"its fields differ: {', '.join(sorted(set(question) ^ FIELDS))}"]
    return [*_common(question), *_bounds(question), *_choices(question), *_default(question)]


def _common(question: Entry) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", str(question["variable"])):
        yield "is no name of a variable"
    if question["type"] not in (*TEXTS, *NUMBERS, *CHOICES):
        yield f"there is no type {question['type']}"
    if not isinstance(question["required"], bool):
        yield "required is neither true nor false"
    for key in ("question_name", "question_description"):
        if not isinstance(question[key], str) or not question[key]:
            yield f"{key} is no text"


def _bounds(question: Entry) -> Iterator[str]:
    low, high = question["min"], question["max"]
    if question["type"] in CHOICES:
        if (low, high) != (None, None):
            yield "a choice has no bounds"
        return
    if not all(isinstance(bound, int) and not isinstance(bound, bool) for bound in (low, high)):
        yield "min and max have to be integers, those of a float too"
    elif low > high:
        yield "min is above max"
    elif question["type"] in TEXTS and low < 0:
        yield "a length is below 0"
    elif question["type"] in TEXTS and question["required"] != (low > 0):
        yield "a text that is required has a min of 1 at least, and any other 0: AWX's pages send an empty text"


def _choices(question: Entry) -> Iterator[str]:
    choices = question["choices"]
    # As a text they come back without empty lines, and would differ at each run.
    if not isinstance(choices, list):
        yield "choices are no list"
    elif question["type"] not in CHOICES:
        if choices:
            yield "only a choice has choices"
    elif not choices:
        yield "a choice needs choices"
    elif not all(isinstance(choice, str) and choice.strip() and "\n" not in choice for choice in choices):
        yield "a choice is a line of text"
    elif len(set(choices)) < len(choices):
        yield "a choice is there twice"


def _default(question: Entry) -> Iterator[str]:
    default, kind = question["default"], question["type"]
    if kind in TEXTS:
        if not isinstance(default, str):
            yield "the default is no text"
        elif default.startswith("$encrypted$"):
            yield "AWX keeps $encrypted$ for itself"
        elif default and not _within(len(default), question):
            yield "the default is too short or too long"
    elif kind in NUMBERS:
        # AWX's pages send an empty text for a number that is left out, and AWX refuses it.
        if not question["required"] or isinstance(default, bool) or not isinstance(default, NUMBERS[kind]):
            yield f"a number is required, and its default {default!r} has to be of its type"
        elif not _within(default, question):
            yield "the default is out of bounds"
    elif kind == "multiplechoice":
        if not question["required"] or default not in question["choices"]:
            yield "a choice of one is required, and its default one of the choices"
    elif kind == "multiselect" and (question["required"] or default != ""):
        yield "AWX takes no default of a choice of several for an answer: nothing chosen has to do"


def _within(number: float, question: Entry) -> bool:
    bounds = (question["min"], question["max"])
    return not all(isinstance(bound, int) for bound in bounds) or bounds[0] <= number <= bounds[1]


# Playbooks


def listed_playbooks(project: Path) -> set[str]:
    """What AWX lists of a project: files that git has, with a line that looks like a play, outside of some directories."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.yml", "*.yaml"]
    files = subprocess.run(git, cwd=project, capture_output=True, text=True, check=True).stdout.split()
    return {file for file in files if not _skipped(file) and _has_a_play(project / file)}


def _skipped(file: str) -> bool:
    directories = file.split("/")[:-1]
    return bool({"roles", "tasks", "group_vars", "host_vars"} & set(directories)) or any(
        directory.startswith(".") for directory in directories
    )


def _has_a_play(path: Path) -> bool:
    return path.is_file() and any(map(PLAYBOOK_LINE.match, path.read_text().splitlines()))


def template_problems(entry: Entry, listed: set[str]) -> list[str]:
    problems = [] if entry.get("playbook") in listed else [f"AWX would not list {entry.get('playbook')}"]
    if entry.get("allow_simultaneous") is not False:
        problems.append("two of its jobs may run at once")
    if entry.get("timeout") in (None, 0):
        problems.append("it has no timeout")
    if "verbosity" in entry:
        problems.append("its verbosity is set")
    return problems


# Workflows


def workflow_problems(entry: Entry, known: Mapping[str, set[str]], approvals: Sequence[Entry]) -> list[str]:
    """known: the names that there are, by type, as in {"job_template": {"Verify"}}."""
    nodes = entry.get("workflow_nodes") or []
    if not nodes:
        return ["it has no nodes"]
    names = Counter(node["identifier"] for node in nodes)
    problems = [f"node {name} is there twice" for name, count in names.items() if count > 1]
    following = {}
    for node in nodes:
        template = node["unified_job_template"]
        kind, name = template.get("type"), template.get("name")
        waits = (entry["name"], node["identifier"]) in {
            (approval["workflow_job_template"], approval["identifier"]) for approval in approvals
        }
        if waits == bool(name or kind):
            problems.append(f"node {node['identifier']} has to be either an approval or a template")
        if name and name not in known.get(kind, ()):
            problems.append(f"node {node['identifier']}: there is no {kind} {name}")
        related = node.get("related") or {}
        following[node["identifier"]] = [
            each["identifier"]
            for key in ("success_nodes", "failure_nodes", "always_nodes")
            for each in related.get(key, [])
        ]
    problems += [
        f"node {name}: there is no node {each}"
        for name, after in following.items()
        for each in after
        if each not in names
    ]
    return problems + [f"node {name} comes after itself" for name in following if _reaches(following, name, name)]


def _reaches(following: Mapping[str, Sequence[str]], start: str, end: str) -> bool:
    seen, ahead = set(), list(following[start])
    while ahead:
        name = ahead.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            ahead += following.get(name, [])
    return False


def approval_problems(entry: Entry, workflows: Mapping[str, Entry]) -> list[str]:
    nodes = workflows.get(entry["workflow_job_template"], {}).get("workflow_nodes", [])
    problems = [] if entry["approval_node"].get("timeout") else ["it waits for ever"]
    if entry["identifier"] not in [node["identifier"] for node in nodes]:
        problems.append(f"there is no node {entry['identifier']} in {entry['workflow_job_template']}")
    return problems


def answer_problems(workflow: Entry, templates: Mapping[str, Entry]) -> list[str]:
    """Answers without which a job of the workflow would not start: required, and neither a default nor the workflow's survey has one."""
    asked = {question["variable"] for question in (workflow.get("survey_spec") or {}).get("spec", [])}
    problems = []
    for node in workflow["workflow_nodes"]:
        template = templates.get(node["unified_job_template"]["name"], {})
        given = asked | set(node.get("extra_data") or {})
        for question in (template.get("survey_spec") or {}).get("spec", []):
            if question["required"] and question["default"] == "" and question["variable"] not in given:
                problems.append(f"node {node['identifier']}: nobody answers {question['variable']}")
    return problems


# Schedules, notifications, roles


def schedule_problems(entry: Entry, known: set[str]) -> list[str]:
    problems = (
        [] if entry.get("unified_job_template") in known else [f"there is no {entry.get('unified_job_template')}"]
    )
    rule = entry.get("rrule", "")
    if len(re.findall(r"DTSTART(?::\d{8}T\d{6}Z|;TZID=[^:]+:\d{8}T\d{6})", rule)) != 1:
        problems.append("it needs one DTSTART, in UTC (..Z) or with a TZID")
    if rule.count("RRULE:") != 1:
        problems.append("it needs one RRULE")
    for word in ("FREQ=", "INTERVAL="):
        if word not in rule:
            problems.append(f"it has no {word}")
    for word in ("FREQ=SECONDLY", "BYYEARDAY", "BYWEEKNO"):
        if word in rule:
            problems.append(f"AWX does not take {word}")
    if "COUNT=" in rule and "UNTIL=" in rule:
        return [*problems, "it has both COUNT and UNTIL"]
    try:
        rrulestr(rule.replace(" ", "\n"))
    except (TypeError, ValueError) as error:  # the former without FREQ
        problems.append(f"it is no rule: {error}")
    return problems


def notification_problems(entry: Entry) -> list[str]:
    messages = entry.get("messages") or {}
    problems = [f"there is no event {event}" for event in set(messages) - EVENTS]
    for event, message in messages.items():
        for part, text in (message or {}).items():
            if part not in ("message", "body"):
                problems.append(f"{event}: there is no {part}")
            elif text:
                problems += [f"{event}, {part}: {problem}" for problem in _message_problems(text, part, entry)]
    return problems


def filled(text: str, **job: Any) -> str:
    """A message as AWX sends it."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    return environment.from_string(text).render(job=JOB | job, url="https://awx.example.com/#/jobs/playbook/42")


def _message_problems(text: str, part: str, entry: Entry) -> Iterator[str]:
    verdict = {"ok": False, "table": ['VIP "VI_1"', "wrong\tholder"], "problems": []}
    for artifacts in ({}, {"verdict": verdict}):
        try:
            message = filled(text, artifacts=artifacts)
            if part == "message" and "\n" in message:
                yield "a subject is one line"
            if entry["notification_type"] == "webhook" and not isinstance(json.loads(message), dict):
                yield "a webhook sends a JSON object"
        except Exception as error:  # of Jinja's or of JSON's
            yield f"AWX cannot fill it in: {error}"


def role_problems(entry: Entry, known: Mapping[str, set[str]]) -> list[str]:
    problems = [
        f"there is no {name} in {key}" for key in known for name in entry.get(key, []) if name not in known[key]
    ]
    if not any(entry.get(key) for key in ("teams", "users")):
        problems.append("it is nobody's")
    wanted = {"execute": {"job_templates", "workflows"}, "approval": {"workflows", "organizations"}}
    for key in set(entry) & {"job_templates", "workflows", "inventories", "projects", "credentials", "organizations"}:
        if key not in wanted.get(entry["role"], {key}):
            problems.append(f"{key} have no role {entry['role']}")
    return problems
