# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a failover drill from what the preflight has left on the hosts. Private: only playbooks/drill.yml uses it."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.problem import InputError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import natural

NAMES = {"type": "list", "elements": "str", "required": True}
# members: the load balancers of this run; hosts: those to injure, by default all of them; faults: as faults.select takes them.
ARGUMENTS = {"members": NAMES, "hosts": NAMES, "faults": NAMES}


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The steps, the members' names by the MAC addresses of their interfaces, and the cluster for the report."""
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(ARGUMENTS)
        hostvars = (task_vars or {})["hostvars"]
        names = sorted(options["members"], key=natural)
        members = {host: plan.Member.from_hostvars(hostvars[host]) for host in names}
        instances = {host: member.instances for host, member in members.items()}
        interfaces = {host: member.interface for host, member in members.items()}
        try:
            steps = plan.steps(instances, options["hosts"] or names, options["faults"], interfaces)
        except InputError as error:
            raise AnsibleActionFail(str(error)) from error
        first = next(iter(members.values()))
        return {
            "changed": False,
            "started": time.time(),
            "steps": [step.as_fact() for step in steps],
            "names": {member.mac: host for host, member in members.items()},
            "cluster": {
                "hosts": list(members),
                "vips": [asdict(vip) for vip in plan.vips(instances)],
                "keepalived": first.keepalived,
                "advert_int": first.advert_int,
                "vrrp_version": first.vrrp_version,
            },
        }
