# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of cluster_lock: who this run is, and whether the run that holds a lock is still alive."""

from __future__ import annotations

import getpass
import hashlib
import multiprocessing
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import duration

MODULE = "evenkeel.nginx_ha.cluster_lock"
ARGUMENTS = {
    "state": {"type": "str", "choices": ["taken", "released"], "default": "taken"},
    "purpose": {"type": "str"},
    "stale_after": {"type": "int", "default": 1800},
    "break_lock": {"type": "bool", "default": False},
    # The module expands it, on the host.
    "path": {"type": "str", "default": "/run/evenkeel/lock"},
}
# How often a lock may change hands while this run tries to take it over.
ATTEMPTS = 5
PROC = Path("/proc")


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        dummy, options = self.validate_argument_spec(ARGUMENTS, required_if=[("state", "taken", ["purpose"])])
        if options["stale_after"] < 0:
            raise AnsibleActionFail(f"stale_after is {options['stale_after']}. Set it to 0 seconds or more.")
        host = self._task.delegate_to or task_vars.get("inventory_hostname")
        me = this_run()
        token = ""
        for dummy in range(ATTEMPTS):
            arguments = {**options, "owner": me, "break_token": token}
            answer = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
            if "found" not in answer:
                return answer
            found = answer.pop("found")
            stale = stale_because(found, me, options["stale_after"]) if found else ""
            if answer["taken"] and found:
                return taken_over(answer, found, stale, host)
            answer.update(broke="", held_by=told(found, stale) if found else None)
            if not found or answer["taken"] or options["state"] == "released":
                return answer
            refusal = refused(found, me, options["stale_after"], host)
            if self._task.check_mode:
                if not stale and not options["break_lock"]:
                    warn(answer, f"A real run would stop here. {refusal}")
                return answer
            if not stale and not options["break_lock"]:
                break
            token = found["token"]
        return {**answer, "failed": True, "msg": refusal}


def this_run() -> dict[str, Any]:
    """Who this run is: the same in each of its worker processes, and different for every other run."""
    parent = multiprocessing.parent_process()
    pid = int(parent.pid if parent else os.getpid())
    me = {"user": user(), "node": socket.gethostname(), "pid": pid, "started": "", **machine()}
    if me["boot_id"]:
        status = process(pid)
        if not status:
            raise AnsibleActionFail(f"The process {pid} that started this run has ended, so it locks nothing any more.")
        me["started"] = status[1]
        words = [me["boot_id"], me["pid_namespace"], str(pid), me["started"]]
    else:
        # Random, of the main process, and every worker has it from there.
        key = hashlib.sha256(bytes(multiprocessing.current_process().authkey)).hexdigest()
        words = [me["node"], str(pid), key]
    return {**me, "identity": " ".join(words)}


def machine() -> dict[str, str]:
    """What tells this control node, or this container on it, from others; empty where there is no /proc of our own."""
    try:
        if os.readlink(PROC / "self") == str(os.getpid()):
            return {
                "boot_id": (PROC / "sys/kernel/random/boot_id").read_text().strip(),
                "pid_namespace": os.readlink(PROC / "self/ns/pid"),
            }
    except OSError:
        pass
    return {"boot_id": "", "pid_namespace": ""}


def user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        # A container may have no name for it.
        return f"uid {os.getuid()}"


def process(pid: int) -> tuple[str, str] | None:
    """The state of a process and when it started, in ticks since the boot."""
    try:
        fields = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].decode().split()
    except OSError:
        return None
    return fields[0], fields[19]


def alive(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    # There is none without /proc, and where /proc hides the processes of others.
    status = process(pid)
    return not status or not started or (status[0] not in "ZX" and status[1] == started)


def verifiable(owner: Mapping[str, Any], me: Mapping[str, Any]) -> bool:
    """Whether that run's process would be seen from here."""
    pid = owner.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return False
    same = ("boot_id", "pid_namespace") if me["boot_id"] else ("boot_id", "node")
    return all(owner.get(key) == me[key] for key in same)


def stale_because(found: Mapping[str, Any], me: Mapping[str, Any], stale_after: int) -> str:
    """Why a lock may be taken over; empty if it may not."""
    owner = found["owner"]
    if verifiable(owner, me):
        return "" if alive(owner["pid"], str(owner.get("started") or "")) else "that process has ended"
    if found["renewed"] > stale_after:
        return f"it has not been renewed for {duration(found['renewed'])}"
    return ""


def taken_over(answer: dict[str, Any], found: Mapping[str, Any], stale: str, host: Any) -> dict[str, Any]:
    held = (
        f"The lock that {holder(found)} took for {purpose(found)} {duration(found['age'])} ago is broken"
        f", as {stale or 'break_lock is set'}."
    )
    answer.update(broke=held, held_by=None)
    warn(answer, f"{host}: {held}")
    return answer


def refused(found: Mapping[str, Any], me: Mapping[str, Any], stale_after: int, host: Any) -> str:
    rest = ""
    if not verifiable(found["owner"], me):
        rest = f", or until it has not renewed the lock for another {duration(max(1, stale_after - found['renewed']))}"
    return (
        f"{host} is locked by {holder(found)} for {purpose(found)} since {moment(found)} ({duration(found['age'])} ago). "
        f"Wait until that run has ended{rest}; if it is known to be dead, break its lock with -e site_break_lock=true."
    )


def told(found: Mapping[str, Any], stale: str) -> dict[str, Any]:
    owner = found["owner"]
    return {
        **{key: owner.get(key) for key in ("user", "node", "pid")},
        "purpose": found["purpose"],
        "since": moment(found),
        "age": round(found["age"], 1),
        "renewed": round(found["renewed"], 1),
        "stale": stale,
    }


def holder(found: Mapping[str, Any]) -> str:
    owner = found["owner"]
    if not all(owner.get(key) for key in ("user", "node", "pid")):
        return "somebody whose name it does not hold"
    return f"{owner['user']}@{owner['node']} (process {owner['pid']})"


def purpose(found: Mapping[str, Any]) -> str:
    return found["purpose"] or "an unknown purpose"


def moment(found: Mapping[str, Any]) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(found["taken"]))


def warn(answer: dict[str, Any], text: str) -> None:
    answer["warnings"] = [*(answer.get("warnings") or []), text]
