# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks keepalived and nginx how they are until nothing is wrong with them, and fails with what still is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.roles import Variables, about_keepalived
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.host_checks import (
    keepalived_problems,
    nginx_problems,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.observed import KeepalivedState, NginxState
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read

MODULE = "evenkeel.nginx_ha.host_info"
ROLES = ["nginx", "keepalived"]
ARGUMENTS = {
    "roles": {"type": "list", "elements": "str", "choices": ROLES, "default": ROLES},
    "expected": {"type": "list", "elements": "str"},
}
# Seconds between two questions.
PAUSE = 1


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(ARGUMENTS)
        variables, roles = Variables(self._templar, task_vars or {}), options["roles"]
        if not roles:
            return {"changed": False}
        arguments = {role: _asked(role, variables) for role in roles}
        for left in range(max(int(variables[f"{role}_patience"]) for role in roles), -1, -1):
            answer = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
            if answer.get("unreachable"):
                return answer
            found = {role: answer.get(role) or {} for role in roles}
            problems = [text for role in roles for text in _problems(role, found[role], options["expected"], variables)]
            if answer.get("failed"):
                problems = [str(answer.get("msg"))]
            if not problems:
                return {"changed": False, **found[roles[0]]}
            if left:
                time.sleep(PAUSE)
        failure = {"failed": True, "msg": f"{variables['inventory_hostname']}: {' '.join(problems)}"}
        return {**found[roles[0]], **failure}


def _asked(role: str, variables: Variables) -> dict[str, Any]:
    """The module's options for a role."""
    return {"probes": variables["nginx_probes"]} if role == "nginx" else {**about_keepalived(variables), "state": True}


def _problems(role: str, found: object, expected: Sequence[str] | None, variables: Variables) -> Sequence[str]:
    if role == "nginx":
        before = variables["nginx_found"]
        reloaded = bool(before.get("running") and variables["nginx_staged"].get("pending_files"))
        return nginx_problems(read(NginxState, found), read(NginxState, before), reloaded)
    planned = [str(instance["name"]) for instance in variables["keepalived_instances"]]
    return keepalived_problems(read(KeepalivedState, found), expected or (), planned)
