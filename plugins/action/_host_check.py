# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a host's roles are given, looks at the host with one module, and says what cannot work."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.vars.clean import namespace_facts
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import collected
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.roles import Variables, errors
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.check_nginx import (
    CheckNginxSettings,
    check_nginx_problems,
)

MODULE = "evenkeel.nginx_ha.host_info"
ROLES = ("keepalived", "nginx", "check_nginx")
ARGUMENTS = {
    "roles": {"type": "list", "elements": "str", "choices": list(ROLES), "default": list(ROLES)},
    "refuse": {"type": "bool", "default": True},
    "status": {"type": "bool", "default": False},
    # Subsets of facts to gather before anything else.
    "gather": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(ARGUMENTS)
        task_vars, gathered = dict(task_vars or {}), {}
        if options["gather"]:
            arguments = {"gather_subset": options["gather"]}
            answer = self._execute_module(
                module_name="ansible.legacy.setup", module_args=arguments, task_vars=task_vars
            )
            if answer.get("failed"):
                return answer
            gathered = answer["ansible_facts"]
            known = task_vars.get("ansible_facts") or {}
            task_vars["ansible_facts"] = {**known, **namespace_facts(gathered)["ansible_facts"]}
        variables = Variables(self._templar, task_vars)
        roles, host = options["roles"], str(variables["inventory_hostname"])
        if options["status"]:
            answer = self._look(_status(roles, variables), task_vars)
            missed = answer.get("failed") or answer.get("unreachable")
            return answer if missed else {"changed": False, "facts": _now(answer)}
        problems = [f"{host}: {text}" for role in roles for text in errors(role, variables)]
        if problems:
            return {**_refusal(problems, {}, refuse=options["refuse"]), "ansible_facts": gathered}
        if "keepalived" in roles:
            variables.know(keepalived_settings=directives.collected(variables))
        answer = self._look(dict(_parts(roles, variables)), task_vars)
        if answer.get("failed") or answer.get("unreachable"):
            return answer
        facts = dict(_facts(roles, variables, answer))
        variables.know(**facts)
        problems = _check_nginx_problems(variables, host) if "check_nginx" in roles else []
        checked = _refusal(problems, facts, refuse=options["refuse"], warnings=answer.get("warnings") or [])
        checked["ansible_facts"] = gathered
        if "nginx" not in roles:
            return checked
        # What an nginx can do is judged once all hosts have told which backends are out of service.
        variables.know(nginx_backends_kept=[])
        return {**checked, "nginx_settings": collected(variables)}

    def _look(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any] | None) -> dict[str, Any]:
        if not arguments:
            return {}
        found: dict[str, Any] = self._execute_module(
            module_name=MODULE, module_args=dict(arguments), task_vars=task_vars
        )
        return found


def _refusal(
    problems: list[str], facts: Mapping[str, Any], *, refuse: bool, warnings: list[str] | None = None
) -> dict[str, Any]:
    """The answer of the task. What it has found stays out of sight: passwords are among the settings."""
    if problems and refuse:
        return {"failed": True, "msg": "\n".join(problems)}
    return {
        "changed": False,
        "problems": problems,
        "facts": dict(facts),
        "warnings": warnings or [],
        "_ansible_no_log": True,
    }


def _check_nginx_problems(variables: Variables, host: str) -> list[str]:
    own = {each.name: variables[f"check_nginx_{each.name}"] for each in fields(CheckNginxSettings)}
    return check_nginx_problems(own, host)


def _status(roles: list[str], variables: Variables) -> dict[str, Any]:
    asked = {**_keepalived(variables), "state": True, "asked_at": time.time()}
    parts = {"keepalived": asked, "nginx": {}}
    return {role: parts[role] for role in roles if role in parts}


def _now(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{role}_now": answer[role] for role in ROLES if role in answer}


def _keepalived(variables: Variables) -> dict[str, Any]:
    """What the module needs to know to look at keepalived."""
    # The marker follows from it.
    variables.know(keepalived_binary_desired=variables["keepalived_binary_desired"])
    return {
        "binary": variables["keepalived_binary_desired"],
        "marker": variables["keepalived_marker"],
        "interface": variables["keepalived_interface"],
        "state_dir": variables["keepalived_state_dir"],
    }


def _parts(roles: list[str], variables: Variables) -> Iterator[tuple[str, dict[str, Any]]]:
    """The options of the module."""
    if "keepalived" in roles:
        yield (
            "keepalived",
            {
                **_keepalived(variables),
                "user": variables["keepalived_script_user"],
                "auth_pass": variables["keepalived_auth_pass"],
                "auth_type": variables["keepalived_auth_type"],
                "auth_hmac": variables["keepalived_auth_hmac"],
            },
        )
        interface, seconds = variables["keepalived_interface"], float(variables["keepalived_listen_seconds"])
        if seconds > 0 and interface in (variables["ansible_facts"].get("interfaces") or ()):
            yield "listen", {"interface": interface, "seconds": seconds}
    if "nginx" in roles:
        packages = variables["nginx_install_method"] == "nginx_org"
        yield "nginx", {"probes": variables["nginx_probes"], "packages": packages}


def _facts(roles: list[str], variables: Variables, answer: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "keepalived" in roles:
        for name in ("keepalived_settings", "keepalived_binary_desired", "keepalived_unit_path"):
            yield name, variables[name]
        yield "keepalived_found", answer["keepalived"]
        yield "keepalived_heard", answer.get("heard") or {}
    if "nginx" in roles:
        yield "nginx_found", answer["nginx"]
