# SPDX-License-Identifier: GPL-3.0-or-later
"""A mock: no module is executed anywhere, each is answered with what one would say on a load balancer that is as it shall be.

Workers are forks of the process that loads this, so all of them have it. All else of a run is real: arguments, variables, actions, results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: made_up
type: aggregate
short_description: Made-up answers of modules, for measuring
description: For tests/bench/fleet.py alone.
"""

KEEPALIVED = {
    "installed": True,
    "version": "2.2.7",
    "options": ["SYSTEMD_NOTIFY"],
    "addresses": [],
    "networkd_file": "",
    "nftables": True,
    "admitted": [],
    "instances": [],
    "vrrp_version": None,
    "user_exists": True,
    "auth_differs": False,
    "hmac_differs": False,
    "daemon": {"running": True, "binary": "", "pid": 1},
}
NGINX = {
    "installed": True,
    "version": "1.26.3",
    "modules": ["stream"],
    "running": True,
    "pid": 2,
    "workers": [3, 4],
    "packages": {},
    "backends_out": [],
    "cores": 2,
    "memory_mb": 2000,
    "open_files": 0,
    "files": {},
    "certificates": {},
    "listeners": [],
    "probes": [],
}
SAME = {"pending_files": [], "changed_files": [], "unfinished": False}


def answer(module: str, arguments: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the module says of a host that has these facts."""
    if module == "setup":
        return {"ansible_facts": {f"ansible_{name}": value for name, value in facts.items()}}
    if module == "host_info":
        found = {"keepalived": KEEPALIVED, "nginx": NGINX, "listen": {"speakers": []}}
        return {"heard" if part == "listen" else part: found[part] for part in arguments}
    if module == "config_files":
        return {"diff": [], "sets": {each["name"]: SAME for each in arguments["sets"]}}
    return {}


def execute(
    action: ActionBase,
    module_name: str | None = None,
    module_args: dict[str, Any] | None = None,
    tmp: str | None = None,
    task_vars: Mapping[str, Any] | None = None,
    **options: object,
) -> dict[str, Any]:
    name, own = module_name or action._task.action, task_vars or {}
    given = action._task.args if module_args is None else module_args
    return {"changed": False, **answer(name.rpartition(".")[2], given, own.get("simulated_facts") or {})}


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "made_up"

    def __init__(self) -> None:
        super().__init__()
        ActionBase._execute_module = execute
