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
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.host import network_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
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
        names = sorted(options["members"], key=natural)
        hosts = {host: (task_vars or {})["hostvars"][host] for host in names}
        settings = {host: own["keepalived_settings"] for host, own in hosts.items()}
        instances = {host: list(map(Instance.from_fact, own["keepalived_instances"])) for host, own in hosts.items()}
        interfaces = {host: own["interface"] for host, own in settings.items()}
        networks = {host: network_of(own["ansible_facts"]) for host, own in hosts.items()}
        try:
            steps = plan.steps(instances, options["hosts"] or names, options["faults"], interfaces)
        except InputError as error:
            raise AnsibleActionFail(str(error)) from error
        return {
            "changed": False,
            "started": time.time(),
            "steps": list(map(asdict, steps)),
            "names": {own.nic(interfaces[host]).mac if own else "": host for host, own in networks.items()},
            "cluster": {
                "hosts": names,
                "vips": [asdict(vip) for vip in plan.vips(instances)],
                "keepalived": str(hosts[names[0]]["keepalived_found"]["version"]),
                "advert_int": settings[names[0]]["advert_int"],
                "vrrp_version": settings[names[0]]["vrrp_version"],
            },
        }
