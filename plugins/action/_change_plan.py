# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans what a run does to the load balancers, and in which order: plugin_utils/rollout/change.py says what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.roles import Overlaid
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.change import plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.hostvars import before_change

# The name of the variable in which each host has the registered result of _role_files.
ARGUMENTS = {"staged": {"type": "str", "required": True}}


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(ARGUMENTS)
        task_vars = task_vars or {}
        hosts, hostvars = list(task_vars["ansible_play_hosts"]), task_vars["hostvars"]
        staged = {host: (hostvars[host].get(options["staged"]) or {}).get("facts") or {} for host in hosts}
        found = change_plan(Overlaid(hostvars, staged), hosts)
        told = (
            {"change": {"summary": found["summary"], "disruptions": found["disruptions"]}} if found["changes"] else {}
        )
        return {"changed": False, **found, "ansible_stats": {"data": told, "per_host": False, "aggregate": True}}


def change_plan(hostvars: Mapping[str, object], play_hosts: Sequence[str]) -> dict[str, Any]:
    """As rollout.change.plan answers, of what was found before any change and what was tested in the same run."""
    return plan(before_change(hostvars, play_hosts), play_hosts)
