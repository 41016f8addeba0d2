# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A load balancer: how it is, how it shall be, and what has to be done for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from functools import cached_property

from ..cluster.instance import Instance
from ..text import duration
from .observed import Daemon, DaemonInstance, KeepalivedState, NginxState, Probed, Staged

# Below every priority: a host that takes no VIP.
NONE = -1
# How the reason of a drain begins that a run makes for itself, and takes back in the end.
RUN = "run "
NOT_ASKED, NO_DAEMON, NOT_STAGED = KeepalivedState(), Daemon(), Staged()


@dataclass(frozen=True)
class Desired:
    """Of keepalived_settings what matters here. hosts: the members of the cluster."""

    hosts: tuple[str, ...] = ()
    install_method: str = ""
    version: str = ""
    vrrp_version: float | None = None
    advert_int: float | None = None
    preempt_delay: float = 0
    auth_hmac: bool = False
    instance_options: Mapping[str, str] = field(default_factory=dict)
    global_defs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Platform:
    distribution: str = ""
    distribution_major_version: str = ""

    def __str__(self) -> str:
        return f"{self.distribution} {self.distribution_major_version}".strip()


@dataclass(frozen=True)
class Actions:
    """What has to be done on a host: nginx none, start, reload or upgrade; check none or apply; keepalived none, start, reload or restart."""

    nginx: str = "none"
    check: str = "none"
    keepalived: str = "none"

    @property
    def needed(self) -> bool:
        return astuple(self) != ("none", "none", "none")

    @property
    def disturbing(self) -> bool:
        """Whether they take the host's VIPs from it."""
        return self.keepalived == "restart" or self.nginx == "upgrade"


@dataclass(frozen=True, eq=False)
class LoadBalancer:
    """A load balancer as far as it is known: before a change as it was found then, else as it is.

    answer, nginx: None where nobody asked; managed: whether keepalived is wanted there; staged: by role, without those that were not
    compared; upgrade: packages of nginx and the versions that they get; platform: distribution and release; now: the control node's time.
    """

    name: str
    answer: KeepalivedState | None = None
    nginx: NginxState | None = None
    managed: bool = False
    desired: Desired = field(default_factory=Desired)
    binary_desired: str = ""
    unit_path: str = ""
    plan: tuple[Instance, ...] = ()
    staged: Mapping[str, Staged] = field(default_factory=dict)
    upgrade: Mapping[str, str] = field(default_factory=dict)
    probed: Probed = field(default_factory=Probed)
    platform: Platform = Platform()
    now: float = 0

    # Now

    @property
    def keepalived(self) -> KeepalivedState:
        return self.answer or NOT_ASKED

    @property
    def daemon(self) -> Daemon:
        return self.keepalived.daemon or NO_DAEMON

    @property
    def runs(self) -> bool:
        return self.daemon.running

    @property
    def reachable(self) -> bool:
        return self.answer is not None and not self.answer.unreachable

    @property
    def clock(self) -> float:
        return self.now + (self.keepalived.clock_offset or 0)

    @property
    def nginx_runs(self) -> bool | None:
        """None where nobody asked."""
        return None if self.nginx is None else bool(self.nginx.running)

    @property
    def check(self) -> str:
        if self.keepalived.nginx_down or self.nginx_runs is False:
            return "down"
        return "failing" if self.keepalived.check_failed else "well"

    @cached_property
    def drained(self) -> str:
        """Why it is drained, in one line; empty where it is not."""
        return " ".join(self.keepalived.drained.split())

    @property
    def drained_by_run(self) -> bool:
        return self.drained.startswith(RUN)

    @cached_property
    def drained_by_operator(self) -> bool:
        return bool(self.drained) and not self.drained_by_run

    @cached_property
    def left_drained(self) -> bool:
        """Whether a run that was killed did not take its drain back."""
        return self.drained_by_run or (self.keepalived.standby and not self.drained_by_operator)

    @property
    def drain(self) -> str:
        """The drain's reason, and for how long it has lasted by the host's own clock."""
        since = self.keepalived.drained_since
        return self.drained + ("" if since is None else f", since {duration(self.clock - since)}")

    @cached_property
    def ranks(self) -> dict[str, tuple[str, int]]:
        """Instance and priority of each VIP that this host may have, by address: as planned, else as keepalived has them."""
        found = {ip: (each.name, each.base_priority or 0) for each in self.daemon.instances for ip in each.ips}
        if not self.daemon.instances:
            found = {ip: (each.name, each.priority or 0) for each in self.keepalived.instances for ip in each.ips}
        return found | {ip: (each.name, each.priority) for each in self.plan for ip in each.ips}

    @cached_property
    def _instances(self) -> dict[str, DaemonInstance]:
        return {ip: each for each in reversed(self.daemon.instances) for ip in each.ips}

    def instance(self, ip: str) -> DaemonInstance | None:
        """What the daemon says of the instance of a VIP."""
        return self._instances.get(ip)

    # Desired

    @cached_property
    def priorities(self) -> dict[str, int]:
        """Those of the plan, by the names of the instances."""
        return {instance.name: instance.priority for instance in self.plan}

    @cached_property
    def priorities_now(self) -> dict[tuple[int, int], int]:
        return {each.wire: each.priority for each in self.keepalived.instances if each.priority is not None}

    @property
    def version_desired(self) -> str:
        """That which a restart brings."""
        return self.desired.version if self.desired.install_method == "source" else self.keepalived.version

    @property
    def pending(self) -> list[str]:
        return [path for staged in self.staged.values() for path in staged.pending]

    def keeps_still(self, ip: str) -> bool:
        """Whether the plan leaves a VIP where it is (nopreempt)."""
        return any(instance.nopreempt for instance in self.plan if ip in instance.ips)

    def takes(self, done: bool) -> bool:
        """Whether it takes VIPs from others; done: it has had its batch."""
        return not self.drained_by_operator and (done or (self.runs and not self.left_drained))

    def rank(self, vip: Instance) -> int:
        """Its priority for a VIP once it has changed."""
        return NONE if self.drained_by_operator else self.priorities.get(vip.name, NONE)

    def rank_now(self, vip: Instance) -> int:
        return self.priorities_now.get(vip.wire, NONE)

    def rank_before(self, vip: Instance) -> int:
        """At most its priority for a VIP until it has changed."""
        if not self.runs or self.drained_by_operator:
            return NONE
        return max(self.rank(vip), self.rank_now(vip))

    # From the one to the other

    @cached_property
    def actions(self) -> Actions:
        check = "apply" if self._staged("check_nginx").differs else "none"
        return Actions(self._nginx_action(), check, self._keepalived_action())

    @cached_property
    def restart_causes(self) -> list[str]:
        """Why a reload of keepalived is not enough."""
        causes = ["unit changed"] if self.unit_path in self._staged("keepalived").pending else []
        if self.daemon.binary and self.binary_desired and self.daemon.binary != self.binary_desired:
            now, then = self.daemon.version, self.version_desired
            causes.append(f"version {now} to {then}" if now and then and now != then else "another build")
        return causes

    def _staged(self, role: str) -> Staged:
        return self.staged.get(role, NOT_STAGED)

    def _nginx_action(self) -> str:
        if self.nginx is None and "nginx" not in self.staged:
            return "none"
        if not self.nginx_runs:
            return "start"
        if self.upgrade:
            return "upgrade"
        return "reload" if self._staged("nginx").differs else "none"

    def _keepalived_action(self) -> str:
        if not self.managed:
            return "none"
        if not self.runs:
            return "start"
        if self.restart_causes:
            return "restart"
        return "reload" if self._staged("keepalived").differs else "none"
