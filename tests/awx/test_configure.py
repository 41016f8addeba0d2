# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/awx_configure.yml, as somebody with an address and a token runs it; standin.py says what AWX's part is here."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import definitions
import pytest
import rules
import standin

TOKEN = "the-token"
SITE = {name: value for name, value in definitions.SITE.items() if name not in ("awx_host", "awx_token")}
# For runs that are about something else.
FEW: dict[str, Any] = {"awx_job_templates": [], "awx_workflow_job_templates": [], "awx_approvals": [], "awx_roles": []}
SECRETS = [SITE[name] for name in ("awx_ssh_private_key", "awx_vault_password")]


@pytest.fixture(scope="module")
def awx() -> standin.Awx:
    return standin.Awx(rules.listed_playbooks(definitions.PROJECT))


@pytest.fixture(scope="module")
def host(awx: standin.Awx) -> Iterator[str]:
    with standin.running(awx, TOKEN) as address:
        yield address


def configure(host: str, tmp: Any, token: str = TOKEN, **changes: Any) -> subprocess.CompletedProcess[str]:
    site = tmp / "my-awx.yml"
    site.write_text(definitions.json.dumps(SITE | changes))
    environment = {"CONTROLLER_HOST": host, "CONTROLLER_OAUTH_TOKEN": token}
    return definitions.ansible("ansible-playbook", "-v", definitions.PLAYBOOK, "-e", f"@{site}", **environment)


def changed(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The names of what was changed."""
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return re.findall(r"^changed: \[localhost\] => \((?:item=)?(.*?)\) =>", done.stdout, re.M)


def test_the_playbook_is_sound() -> None:
    done = definitions.ansible("ansible-playbook", "--syntax-check", definitions.PLAYBOOK)
    assert done.returncode == 0, done.stderr


def test_a_clean_awx_gets_everything(
    host: str, awx: standin.Awx, tmp_path: Any, lists: dict[str, list[dict[str, Any]]]
) -> None:
    done = configure(host, tmp_path)
    for module, entries in lists.items():
        # Of those two nothing is shown.
        if module not in ("credential", "notification_template"):
            assert {entry["name"] for entry in entries if "name" in entry} <= set(changed(done))
    hidden = lists["credential"] + lists["notification_template"]
    assert len([name for name in changed(done) if "censored" in name]) == len(hidden)
    assert len(awx.objects["job_templates"]) == len(lists["job_template"])
    assert len(awx.surveys) == sum(
        "survey_spec" in entry for entry in [*lists["job_template"], *lists["workflow_job_template"]]
    )
    assert [secret for secret in SECRETS if secret in done.stdout + done.stderr] == []
    assert TOKEN not in done.stdout + done.stderr
    # What is new is read at once.
    assert [write for write in awx.writes if write.endswith("/update")] != []


def test_its_nodes_follow_one_another(awx: standin.Awx) -> None:
    nodes = awx.objects["workflow_job_template_nodes"]
    names = {number: node["identifier"] for number, node in nodes.items()}
    following = {
        (names[int(path.split("/")[1])], path.split("/")[2], names[number])
        for path, numbers in awx.associations.items()
        if path.startswith("workflow_job_template_nodes/")
        for number in numbers
    }
    assert following == {
        ("preflight", "success_nodes", "approve"),
        ("approve", "success_nodes", "deploy"),
        ("deploy", "success_nodes", "verify"),
        ("before", "success_nodes", "drill"),
        ("drill", "always_nodes", "after"),
    }
    assert all("unified_job_template" in node for node in nodes.values())
    assert [each["name"] for each in awx.objects["workflow_approval_templates"].values()] == ["Approve the change"]


def test_a_second_run_changes_nothing(host: str, awx: standin.Awx, tmp_path: Any) -> None:
    awx.writes.clear()
    done = configure(host, tmp_path)
    assert changed(done) == []
    assert re.search(r"changed=0 ", done.stdout)
    assert awx.writes == []


def test_what_differs_is_changed_and_nothing_else(host: str, tmp_path: Any) -> None:
    rule = "DTSTART:20260101T030000Z RRULE:FREQ=DAILY;INTERVAL=1"
    done = configure(host, tmp_path, **FEW, awx_nightly_rrule=rule)
    assert changed(done) == ["Load balancers - every night"]


def test_secrets_are_written_again_when_that_is_asked_for(host: str, awx: standin.Awx, tmp_path: Any) -> None:
    few = FEW | {"awx_schedules": []}
    done = configure(host, tmp_path, **few, awx_update_secrets=True, awx_ssh_private_key="another key")
    assert len(changed(done)) == 2 and all("censored" in name for name in changed(done))
    assert "another key" in [each["inputs"].get("ssh_key_data") for each in awx.objects["credentials"].values()]


@pytest.mark.parametrize(
    ("missing", "fix"),
    [
        ("awx_project_url", "Give the git URL"),
        ("awx_execution_environment_image", "Give the image"),
        ("awx_ssh_private_key", "AWX_SSH_PRIVATE_KEY="),
    ],
)
def test_what_is_missing_is_named_before_anything_is_made(
    host: str, awx: standin.Awx, tmp_path: Any, missing: str, fix: str
) -> None:
    awx.writes.clear()
    done = configure(host, tmp_path, **{missing: ""})
    assert done.returncode == 2
    assert f"{missing} is empty." in done.stdout and fix in done.stdout
    assert awx.writes == []


def test_without_an_address_and_a_token_it_says_where_they_come_from(tmp_path: Any) -> None:
    done = configure("", tmp_path, token="")
    assert "awx_host is empty." in done.stdout and "CONTROLLER_HOST" in done.stdout
    assert "awx_token is empty." in done.stdout and "CONTROLLER_OAUTH_TOKEN" in done.stdout


def test_a_wrong_token_is_told(host: str, tmp_path: Any) -> None:
    done = configure(host, tmp_path, token="no token")
    assert done.returncode == 2
    assert "Invalid authentication credentials" in done.stdout
