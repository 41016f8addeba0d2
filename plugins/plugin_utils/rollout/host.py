# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load balancer before a run: how it is, how it shall be, and what has to be done for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import ip_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import health

# Below every priority: a host that takes no VIP.
NONE = -1

Instance = Mapping[str, Any]
Wire = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Host:
    """A load balancer with those of its variables that count here."""

    name: str
    variables: Mapping[str, Any]

    def result(self, registered: str) -> Mapping[str, Any]:
        return self.variables.get(registered) or {}

    def text(self, variable: str) -> str:
        return str(self.variables.get(variable) or "").strip()

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.result("keepalived_settings")

    @property
    def info(self) -> Mapping[str, Any]:
        return self.result("keepalived_found")

    @property
    def daemon(self) -> Mapping[str, Any]:
        return self.info.get("daemon") or {}

    @property
    def runs(self) -> bool:
        return bool(self.daemon.get("running"))

    @property
    def drained(self) -> str:
        return str(self.info.get("drained") or "").strip()

    @property
    def drained_by_operator(self) -> bool:
        return bool(self.drained) and not self.drained.startswith(health.RUN)

    @property
    def left_drained(self) -> bool:
        """Whether a run that was killed did not take its drain back."""
        return not self.drained_by_operator and bool(self.drained or self.info.get("standby"))

    @cached_property
    def plan(self) -> list[Instance]:
        return list(self.variables.get("keepalived_instances") or [])

    @cached_property
    def before(self) -> list[Instance]:
        """The instances of its configuration now."""
        return list(self.info.get("instances") or [])

    @cached_property
    def held(self) -> frozenset[str]:
        return frozenset(ip_of(address) for address in self.info.get("addresses") or [])

    @cached_property
    def priorities(self) -> dict[str, int]:
        """Those of the plan, by the names of the instances."""
        return {str(instance["name"]): int(instance["priority"]) for instance in self.plan}

    @cached_property
    def priorities_before(self) -> dict[Wire, int]:
        known = [instance for instance in self.before if instance.get("priority") is not None]
        return {wire_of(instance): int(instance["priority"]) for instance in known}

    @cached_property
    def actions(self) -> dict[str, str]:
        return {"nginx": self._nginx(), "check": self._check(), "keepalived": self._keepalived()}

    @cached_property
    def restart_causes(self) -> list[str]:
        """Why a reload of keepalived is not enough."""
        causes = []
        if self.text("keepalived_unit_path") in self._pending("keepalived_staged"):
            causes.append("unit changed")
        binary, wanted = self.daemon.get("binary"), self.text("keepalived_binary_desired")
        if binary and wanted and binary != wanted:
            now, then = self.version, self.version_wanted
            causes.append(f"version {now} to {then}" if now and then and now != then else "another build")
        return causes

    @property
    def version(self) -> str:
        """That of the keepalived which runs."""
        return str(self.daemon.get("version") or "")

    @property
    def version_wanted(self) -> str:
        compiled = self.settings.get("install_method") == "source"
        return str((self.settings.get("version") if compiled else self.info.get("version")) or "")

    def takes(self, done: bool) -> bool:
        """Whether it takes VIPs from others; done: it has had its wave."""
        if self.drained_by_operator:
            return False
        return done or (self.runs and not self.left_drained)

    def rank(self, vip: Instance) -> int:
        """Its priority for a VIP once it has changed."""
        return NONE if self.drained_by_operator else self.priorities.get(str(vip["name"]), NONE)

    def rank_now(self, vip: Instance) -> int:
        return self.priorities_before.get(wire_of(vip), NONE)

    def rank_before(self, vip: Instance) -> int:
        """At most its priority for a VIP until it has changed."""
        if not self.runs or self.drained_by_operator:
            return NONE
        return max(self.rank(vip), self.rank_now(vip))

    def _pending(self, registered: str) -> list[str]:
        return list(self.result(registered).get("pending_files") or [])

    def _differs(self, registered: str) -> bool:
        return bool(self._pending(registered) or self.result(registered).get("interrupted"))

    def _nginx(self) -> str:
        if not self.result("nginx_found") and not self.result("nginx_staged"):
            return "none"
        if not self.result("nginx_found").get("running"):
            return "start"
        if self.variables.get("nginx_upgrade"):
            return "upgrade"
        return "reload" if self._differs("nginx_staged") else "none"

    def _check(self) -> str:
        return "apply" if self._differs("check_nginx_staged") else "none"

    def _keepalived(self) -> str:
        if not self.settings:
            return "none"
        if not self.runs:
            return "start"
        if self.restart_causes:
            return "restart"
        return "reload" if self._differs("keepalived_staged") else "none"


def ips_of(instance: Instance) -> list[str]:
    return [ip_of(address) for address in instance.get("virtual_ipaddress") or []]


def family_of(instance: Instance) -> int:
    return 6 if any(":" in address for address in instance.get("virtual_ipaddress") or []) else 4


def wire_of(instance: Instance) -> Wire:
    """What tells an instance from others on the network; names are a host's own matter."""
    return family_of(instance), int(instance["virtual_router_id"])


def disturbing(actions: Mapping[str, str]) -> bool:
    return actions.get("keepalived") == "restart" or actions.get("nginx") == "upgrade"
