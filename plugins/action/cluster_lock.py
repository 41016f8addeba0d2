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
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read
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


@dataclass(frozen=True)
class Owner:
    """A run that takes locks, with its process on its control node; what a lock does not tell is None.

    node: the control node's name; started: ticks since the boot; boot_id, pid_namespace: what tells the machine or the container from others.
    """

    user: str | None = None
    node: str | None = None
    pid: int | None = None
    started: str | None = None
    boot_id: str | None = None
    pid_namespace: str | None = None
    identity: str | None = None

    @classmethod
    def from_fact(cls, fact: Mapping[str, Any]) -> Owner:
        """Somebody else may have written anything into a lock."""
        kinds = {field.name: int if field.name == "pid" else str for field in fields(cls)}
        return cls(**{name: fact[name] for name, kind in kinds.items() if isinstance(fact.get(name), kind)})

    def __str__(self) -> str:
        if not (self.user and self.node and self.pid):
            return "somebody whose name it does not hold"
        return f"{self.user}@{self.node} (process {self.pid})"


@dataclass(frozen=True)
class Held:
    """Another run's lock. taken: seconds since 1970; age, renewed: seconds since it was taken and renewed; token: of this very state."""

    owner: Owner = Owner()
    purpose: str = ""
    taken: float = 0
    age: float = 0
    renewed: float = 0
    token: str = ""

    @property
    def moment(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.taken))

    @property
    def reason(self) -> str:
        return self.purpose or "an unknown purpose"


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
            arguments = {**options, "owner": asdict(me), "break_token": token}
            answer = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
            if "found" not in answer:
                return answer
            seen = answer.pop("found")
            found = read(Held, seen) if seen else None
            stale = stale_because(found, me, options["stale_after"]) if found else ""
            if answer["taken"] and found:
                return taken_over(answer, found, stale, host)
            answer.update(broke="", held_by=told(found, stale) if found else None)
            if not found or options["state"] == "released":
                return answer
            refusal = refused(found, me, options["stale_after"], host)
            if self._task.check_mode:
                if not stale and not options["break_lock"]:
                    warn(answer, f"A real run would stop here. {refusal}")
                return answer
            if not stale and not options["break_lock"]:
                break
            token = found.token
        return {**answer, "failed": True, "msg": refusal}


def this_run() -> Owner:
    """Who this run is: the same in each of its worker processes, and different for every other run."""
    parent = multiprocessing.parent_process()
    pid = int(parent.pid if parent else os.getpid())
    node, (boot_id, pid_namespace), started = socket.gethostname(), machine(), ""
    if boot_id:
        status = process(pid)
        if not status:
            raise AnsibleActionFail(f"The process {pid} that started this run has ended, so it locks nothing any more.")
        started = status[1]
        words = [boot_id, pid_namespace, str(pid), started]
    else:
        # Random, of the main process, and every worker has it from there.
        key = hashlib.sha256(bytes(multiprocessing.current_process().authkey)).hexdigest()
        words = [node, str(pid), key]
    return Owner(user(), node, pid, started, boot_id, pid_namespace, identity=" ".join(words))


def machine() -> tuple[str, str]:
    """The boot and the namespace that tell this control node, or this container on it, from others; empty where there is no /proc of our own."""
    try:
        if os.readlink(PROC / "self") == str(os.getpid()):
            return (PROC / "sys/kernel/random/boot_id").read_text().strip(), os.readlink(PROC / "self/ns/pid")
    except OSError:
        pass
    return "", ""


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


def verifiable(owner: Owner, me: Owner) -> bool:
    """Whether that run's process would be seen from here."""
    if owner.pid is None or owner.pid <= 0:
        return False
    there, here = (owner.pid_namespace, me.pid_namespace) if me.boot_id else (owner.node, me.node)
    return owner.boot_id == me.boot_id and there == here


def stale_because(found: Held, me: Owner, stale_after: int) -> str:
    """Why a lock may be taken over; empty if it may not."""
    if found.owner.pid and verifiable(found.owner, me):
        return "" if alive(found.owner.pid, found.owner.started or "") else "that process has ended"
    return f"it has not been renewed for {duration(found.renewed)}" if found.renewed > stale_after else ""


def taken_over(answer: dict[str, Any], found: Held, stale: str, host: Any) -> dict[str, Any]:
    held = f"The lock that {found.owner} took for {found.reason} {duration(found.age)} ago is broken, as {stale or 'break_lock is set'}."
    answer.update(broke=held, held_by=None)
    warn(answer, f"{host}: {held}")
    return answer


def refused(found: Held, me: Owner, stale_after: int, host: Any) -> str:
    rest = ""
    if not verifiable(found.owner, me):
        rest = f", or until it has not renewed the lock for another {duration(max(1, stale_after - found.renewed))}"
    return (
        f"{host} is locked by {found.owner} for {found.reason} since {found.moment} ({duration(found.age)} ago). "
        f"Wait until that run has ended{rest}; if it is known to be dead, break its lock with -e site_break_lock=true."
    )


def told(found: Held, stale: str) -> dict[str, Any]:
    return {
        "user": found.owner.user,
        "node": found.owner.node,
        "pid": found.owner.pid,
        "purpose": found.purpose,
        "since": found.moment,
        "age": round(found.age, 1),
        "renewed": round(found.renewed, 1),
        "stale": stale,
    }


def warn(answer: dict[str, Any], text: str) -> None:
    answer["warnings"] = [*(answer.get("warnings") or []), text]
