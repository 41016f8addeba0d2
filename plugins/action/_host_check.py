# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a host's roles are given, looks at the host with one module, and says what cannot work."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.vars.clean import namespace_facts
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import collected
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.roles import Variables, about_keepalived, errors
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.check_nginx import KINDS, check_nginx_problems

MODULE = "evenkeel.nginx_ha.host_info"
ROLES = ["keepalived", "nginx", "check_nginx"]
ARGUMENTS = {
    "roles": {"type": "list", "elements": "str", "choices": ROLES, "default": ROLES},
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
            subset = {"gather_subset": options["gather"]}
            answer = self._execute_module("ansible.legacy.setup", subset, task_vars=task_vars)
            if answer.get("failed"):
                return answer
            gathered = answer["ansible_facts"]
            known = task_vars.get("ansible_facts") or {}
            task_vars["ansible_facts"] = {**known, **namespace_facts(gathered)["ansible_facts"]}
        variables = Variables(self._templar, task_vars)
        if options["status"]:
            return self._status(options["roles"], variables)
        answer = self._checked(options["roles"], variables)
        if options["refuse"] and answer.get("problems"):
            return {"failed": True, "msg": "\n".join(answer["problems"])}
        return {"ansible_facts": gathered, **answer}

    def _status(self, roles: list[str], variables: Variables) -> dict[str, Any]:
        answer = self._look(dict(_asked_now(roles, variables)), variables)
        if answer.get("failed") or answer.get("unreachable"):
            return answer
        return {"changed": False, "facts": {f"{role}_now": answer[role] for role in roles if role in answer}}

    def _checked(self, roles: list[str], variables: Variables) -> dict[str, Any]:
        host = str(variables["inventory_hostname"])
        # What it has found stays out of sight: passwords are among the settings.
        checked: dict[str, Any] = {"changed": False, "facts": {}, "_ansible_no_log": True}
        problems = [f"{host}: {text}" for role in roles for text in errors(role, variables)]
        if problems:
            return {**checked, "problems": problems}
        if "keepalived" in roles:
            variables.know(keepalived_settings=directives.collected(variables))
        answer = self._look(dict(_asked_before(roles, variables)), variables)
        if answer.get("failed") or answer.get("unreachable"):
            return answer
        checked.update(facts=dict(_facts(roles, variables, answer)), warnings=answer.get("warnings") or [])
        variables.know(**checked["facts"])
        if "check_nginx" in roles:
            own = {name: variables[f"check_nginx_{name}"] for name in KINDS}
            problems = check_nginx_problems(own, host)
        if "nginx" in roles:
            # What an nginx can do is judged once all hosts have told which backends are out of service.
            variables.know(nginx_backends_kept=[])
            checked["nginx_settings"] = collected(variables)
        return {**checked, "problems": problems}

    def _look(self, arguments: dict[str, Any], variables: Variables) -> dict[str, Any]:
        found: dict[str, Any] = self._execute_module(MODULE, arguments, task_vars=variables.data) if arguments else {}
        return found


def _asked_now(roles: list[str], variables: Variables) -> Iterator[tuple[str, dict[str, Any]]]:
    """The options of the module for what is so now."""
    if "keepalived" in roles:
        yield "keepalived", {**about_keepalived(variables), "state": True, "asked_at": time.time()}
    if "nginx" in roles:
        yield "nginx", {}


def _asked_before(roles: list[str], variables: Variables) -> Iterator[tuple[str, dict[str, Any]]]:
    """The options of the module before a change."""
    if "keepalived" in roles:
        yield (
            "keepalived",
            {
                **about_keepalived(variables),
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
