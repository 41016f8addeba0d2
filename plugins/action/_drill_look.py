# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks which of the cluster's VIPs a host has, until those are the ones it should have. Private: only playbooks/drill.yml uses it."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase

MODULE = "evenkeel.nginx_ha.host_info"
# vips, wanted: addresses with prefixes, of the cluster and of this host; tries: how often to look, a second apart; required: fail with
# this advice if the host does not have them by then.
ARGUMENTS = {
    "interface": {"type": "str", "required": True},
    "vips": {"type": "list", "elements": "str", "required": True},
    "wanted": {"type": "list", "elements": "str", "required": True},
    "tries": {"type": "int", "required": True},
    "required": {"type": "str", "default": ""},
}


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(ARGUMENTS)
        for left in reversed(range(max(1, options["tries"]))):
            found = self._execute_module(
                module_name=MODULE, module_args={"keepalived": {"interface": options["interface"]}}, task_vars=task_vars
            )
            looked = "keepalived" in found
            addresses = found["keepalived"]["addresses"] if looked else ()
            held = [address for address in addresses if address in options["vips"]]
            if looked and sorted(held) == sorted(options["wanted"]):
                return {"changed": False, "addresses": held}
            if left:
                time.sleep(1)
        if not options["required"]:
            return {"changed": False, **({"addresses": held} if looked else {})}
        if not looked:
            return found
        host = (task_vars or {}).get("inventory_hostname")
        has, wanted = ", ".join(held) or "no VIP", ", ".join(options["wanted"]) or "none"
        return {"failed": True, "msg": f"{host} has {has}, and the plan wants {wanted} there. {options['required']}"}
