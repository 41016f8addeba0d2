# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the plan of all clusters, a line each, and hands it to what comes next; refuses where there is none."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

NONE = (
    "The inventory has no host in the group 'load_balancers'. Put the hosts that are to share the VIPs into it, "
    "or name the right inventory with -i; inventories/master_backup is one to copy."
)


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        hosts, hostvars = task_vars["groups"].get("load_balancers") or [], task_vars["hostvars"]
        if not hosts:
            return {"failed": True, "msg": NONE}
        fleet = next(
            (hostvars[host]["keepalived_fleet"] for host in hosts if "keepalived_fleet" in hostvars[host]), None
        )
        if fleet is None:
            return {"failed": True, "msg": "No load balancer is in this run. Name at least one of them with --limit."}
        moves = ["Applying it would move:", *fleet["moves"]] if fleet["moves"] else ["Applying it moves nothing."]
        for line in [*fleet["cautions"], *fleet["table"], *moves]:
            self._display.display(f"  {line}")
        plan = {"table": list(fleet["table"]), "moves": list(fleet["moves"])}
        return {"changed": False, "ansible_stats": {"data": {"plan": plan}, "per_host": False, "aggregate": True}}
