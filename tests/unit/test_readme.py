# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages name exists, and what exists they name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import faults
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems

PROJECT = Path(__file__).parents[2]
README = PROJECT / "README.md"
DOCS = PROJECT / "docs"
ROLES = ("keepalived", "nginx", "check_nginx")
ROLE_PAGES = [PROJECT / "roles" / role / "README.md" for role in ROLES]
PAGES = [README, PROJECT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
TEXTS = {page: page.read_text(encoding="utf-8") for page in [*PAGES, *ROLE_PAGES]}
USERS = "\n".join(TEXTS[page] for page in PAGES if page.name != "CONTRIBUTING.md")
README_LINES, README_COLUMNS = 150, 100

LINK = re.compile(r"\]\((?!https?:)([\w./-]*)(?:#([\w-]+))?\)")
CODE_PATH = re.compile(r"`((?:roles|tests|playbooks|inventories|plugins|tools|changelogs)/[\w./-]+)`")

each_page = pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(PROJECT)))


def page(name: str) -> str:
    return TEXTS[DOCS / f"{name}.md"]


def anchors(text: str) -> set[str]:
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_variable_is_one_of_a_role() -> None:
    named = set(re.findall(rf"`((?:{'|'.join(ROLES)})_[a-z_]+)[:`]", USERS))
    known = {
        name for role in ROLES for name in yaml.safe_load((PROJECT / "roles" / role / "defaults/main.yml").read_text())
    }
    assert named and named - {fault.name for fault in faults.FAULTS} <= known


def spelt(default: object) -> str:
    """A default as YAML has it."""
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_defaults_in_the_table_are_the_roles() -> None:
    defaults = {}
    for role in ROLES:
        defaults |= yaml.safe_load((PROJECT / "roles" / role / "defaults/main.yml").read_text())
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", page("settings"), re.M)
    assert rows
    assert dict(rows) == {name: spelt(defaults[name]) for name, _ in rows}


def test_every_scenario_is_run_and_described() -> None:
    scenarios = {path.parent.name for path in PROJECT.glob("molecule/*/molecule.yml")}
    run = re.search(r'^SCENARIOS="([^"]+)"', (PROJECT / "dev").read_text(), re.M)
    assert run and set(run[1].split()) == scenarios
    assert set(re.findall(r"`molecule/(\w+)`", page("tested"))) == scenarios


def test_every_fault_is_listed_with_its_kind() -> None:
    listed = re.search(r"The faults: (.*?)\. Only when they are named.*?: (.*?);", page("rehearse"), re.S)
    assert listed
    for text, harsh in ((listed[1], False), (listed[2], True)):
        assert re.findall(r"`(\w+)`", text) == [fault.name for fault in faults.FAULTS if fault.harsh == harsh]


@each_page
def test_every_link_leads_somewhere(path: Path) -> None:
    targets = [((path.parent / name).resolve() if name else path, anchor) for name, anchor in LINK.findall(TEXTS[path])]
    assert [target for target, _anchor in targets if not target.exists()] == []
    assert [
        (target, anchor) for target, anchor in targets if anchor and anchor not in anchors(target.read_text())
    ] == []


@each_page
def test_every_path_exists(path: Path) -> None:
    # NAME stands for one of several.
    paths = {name for name in CODE_PATH.findall(TEXTS[path]) if "NAME" not in name}
    assert [name for name in sorted(paths) if not (PROJECT / name).exists()] == []


def test_there_are_links_and_paths() -> None:
    assert LINK.findall(TEXTS[README]) and CODE_PATH.findall(page("tested"))


def test_the_readme_is_short() -> None:
    lines = TEXTS[README].splitlines()
    assert len(lines) <= README_LINES
    assert [line for line in lines if len(line) > README_COLUMNS] == []


def test_the_readme_leads_to_every_page() -> None:
    assert set(
        re.findall(r"\]\((docs/\w+\.md|CONTRIBUTING\.md)\)", TEXTS[README].split("## The documentation")[1])
    ) == {str(each.relative_to(PROJECT)) for each in PAGES if each != README}


def test_the_readmes_figures_are_those_of_the_page() -> None:
    rows = re.findall(r"^\| .+ s\) \|$", TEXTS[README], re.M)
    assert rows and set(rows) <= set(page("failover").splitlines())


def test_every_playbook_is_described() -> None:
    described = set(re.findall(r"`(\w+\.yml)\b", page("operate"))) | {"awx_configure.yml"}
    assert {path.name for path in PROJECT.glob("playbooks/*.yml")} <= described


def test_every_command_names_a_playbook() -> None:
    text = "\n".join(TEXTS.values())
    named = set(re.findall(r"ansible-playbook .*?(?:playbooks/|evenkeel\.nginx_ha\.)(\w+)", text)) - {"NAME"}
    assert named and {name for name in named if not (PROJECT / "playbooks" / f"{name}.yml").exists()} == set()


EXAMPLES = [
    example
    for text in (page("nginx"), TEXTS[PROJECT / "roles/nginx/README.md"])
    for example in map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", text, re.S))
    if isinstance(example, dict)
]
SERVERS = [{"address": "172.16.2.20", "port": 9091}]
# What stands for secrets, and for what only an inventory has.
ON_THE_HOST = {"certificate_file": "/etc/ssl/www.example.com.crt", "key_file": "/etc/ssl/www.example.com.key"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: next(iter(example)))
def test_the_nginx_roles_examples_would_be_accepted(example: dict[str, Any]) -> None:
    options = yaml.safe_load((PROJECT / "roles/nginx/meta/argument_specs.yml").read_text())["argument_specs"]["main"][
        "options"
    ]
    settings: dict[str, Any] = {"nginx_servers": [], "nginx_modules": ["stream"], **example}
    settings.setdefault("nginx_upstreams", [{"name": name, "servers": SERVERS} for name in ("web", "app")])
    for server in settings["nginx_servers"]:
        server.update({"tls": ON_THE_HOST} if "tls" in server else {})
    for users in settings.get("nginx_users", []):
        for member in users["members"]:
            member["hash"] = "$6$salt$hash"
    if "nginx_session_ticket_secrets" in settings:
        settings["nginx_session_ticket_secrets"] = ["x" * 32]
    for upstream in settings["nginx_upstreams"]:
        upstream["servers"] = upstream["servers"] if isinstance(upstream["servers"], list) else SERVERS
    result = ArgumentSpecValidator(options).validate(settings)
    assert result.error_messages == []
    plain = {name.removeprefix("nginx_"): value for name, value in settings.items()}
    renamed = plain | {"ticket_secrets": plain.get("session_ticket_secrets")}
    facts = {"distribution": "Debian", "os_family": "Debian", "distribution_version": "12"}
    assert nginx_problems(renamed, facts, "nginx1") == []


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


def test_every_feature_of_nginx_names_a_test() -> None:
    section = re.split("\n###? ", page("nginx").split("## What it can do, and which test shows it")[1])[0]
    tests = re.findall(r"\| `(molecule/\w+/tests/\w+\.py)` \|$", section, re.M)
    assert len(tests) == section.count("\n| ") - 1
    assert {PROJECT / test for test in tests} <= set(PROJECT.glob("molecule/*/tests/test_*.py"))
