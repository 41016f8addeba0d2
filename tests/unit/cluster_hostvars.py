# SPDX-License-Identifier: GPL-3.0-or-later
"""The hostvars of a cluster that is well, and what may change in them: what the tests of health and verification share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.filter.vrrp_plan import vrrp_plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import (
    hostvars,
    status,
    verification,
    vip_status,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.load_balancer import LoadBalancer
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read

NOW = 1_800_000_000.0
ONE, TWO = "192.168.200.200", "192.168.200.210"
VIPS = [{"name": "VI_1", "address": f"{ONE}/24"}, {"name": "VI_2", "address": f"{TWO}/24"}]
PAIR, TRIO = ("nginx1", "nginx2"), ("nginx1", "nginx2", "nginx3")
BINARY = "/opt/keepalived/2.2.7-abcdef01/sbin/keepalived"
CONF, SERVERS = "/etc/nginx/nginx.conf", "/etc/nginx/nginx_ha/servers/default.conf"
PEM, KEY = "/etc/ssl/site.pem", "/etc/ssl/site.key"
HOUR, DAY = 3600, 86400
WHY = "Read why with 'journalctl -u keepalived'"
DRAINED = "nginx1 is drained (by ops on 2027-01-15 06:00 UTC, since 2 h)"


def when(seconds: float) -> str:
    """As openssl prints a time."""
    return time.strftime("%b %e %H:%M:%S %Y GMT", time.gmtime(seconds))


class Cluster:
    """The hostvars of a cluster that is well, to be changed by the tests."""

    def __init__(self, *names: str, vips: Sequence[Mapping[str, Any]] = VIPS, first: int = 150) -> None:
        self.plan = vrrp_plan(vips, names)
        self.own = {name: f"192.168.200.{first + number}/24" for number, name in enumerate(names)}
        self.hostvars: dict[str, dict[str, Any]] = {name: self._variables(name) for name in names}
        for address in self.vips:
            self.move(address, self.preferred(address))

    @property
    def vips(self) -> list[str]:
        return list(self.prefixed)

    @property
    def prefixed(self) -> dict[str, str]:
        first = next(iter(self.plan.values()))
        return {address.split("/")[0]: address for instance in first for address in instance["virtual_ipaddress"]}

    def order(self, address: str) -> list[str]:
        index = next(i for i, vip in enumerate(self.vips) if vip == address)
        return sorted(self.plan, key=lambda name: -self.plan[name][index]["priority"])

    def preferred(self, address: str) -> str:
        return self.order(address)[0]

    def _variables(self, name: str) -> dict[str, Any]:
        return {
            "ansible_facts": {"distribution": "Debian", "distribution_major_version": "12"},
            "keepalived_settings": {"preempt_delay": 0},
            "keepalived_instances": [dict(instance) for instance in self.plan[name]],
            "keepalived_binary_desired": BINARY,
            "keepalived_now": {
                "installed": True,
                "version": "2.2.7",
                "addresses": [self.own[name]],
                "instances": [dict(instance) for instance in self.plan[name]],
                "drained": "",
                "drained_since": None,
                "standby": False,
                "nginx_down": False,
                "check_failed": False,
                "clock_offset": 0.4,
                "ntp": True,
                "daemon": {
                    "running": True,
                    "pid": 77,
                    "binary": BINARY,
                    "version": "2.2.7",
                    "since": NOW - 3 * DAY,
                    "state_age": 0.2,
                    "instances": [spoken(instance) for instance in self.plan[name]],
                },
            },
            "nginx_now": {
                "version": "1.22.1",
                "running": True,
                "workers": [20, 21],
                "files": {CONF: "c0", SERVERS: "c1"},
                "certificates": {PEM: {"sha256": "c2", "not_after": when(NOW + 90 * DAY)}, KEY: {"sha256": "c3"}},
                "answers": [answer(200)],
            },
            "vips_seen": {"targets": {address: target() for address in self.vips}},
            **{name: {"pending_files": [], "interrupted": False} for name in hostvars.STAGED},
        }

    def now(self, name: str) -> dict[str, Any]:
        return self.hostvars[name]["keepalived_now"]

    def daemon(self, name: str) -> dict[str, Any]:
        return self.now(name)["daemon"]

    def nginx(self, name: str) -> dict[str, Any]:
        return self.hostvars[name]["nginx_now"]

    def speaker(self, name: str, address: str) -> dict[str, Any]:
        return next(
            each for each in self.daemon(name)["instances"] if self.prefixed[address] in each["virtual_ipaddress"]
        )

    def move(self, address: str, *holders: str) -> None:
        for name in self.plan:
            held = [other for other in self.now(name)["addresses"] if other != self.prefixed[address]]
            self.now(name)["addresses"] = [*held, *([self.prefixed[address]] if name in holders else [])]
            heard = "" if name in holders or not holders else self.own[holders[0]].split("/")[0]
            self.speaker(name, address).update(state="MASTER" if name in holders else "BACKUP", master=heard)

    def leave(self, name: str) -> None:
        """Move each VIP to the first host in order but this one."""
        for address in self.vips:
            self.move(address, next(other for other in self.order(address) if other != name))

    def lose(self, name: str) -> None:
        for registered in [key for key in self.hostvars[name] if key not in ("ansible_facts", "keepalived_instances")]:
            del self.hostvars[name][registered]

    def drain(self, name: str, reason: str = "by ops on 2027-01-15 06:00 UTC") -> None:
        self.now(name).update(drained=reason, drained_since=NOW + 0.4 - 2 * HOUR)
        for instance in self.daemon(name)["instances"]:
            instance["priority"] = instance["base_priority"] - 12

    def unplanned(self) -> Cluster:
        for variables in self.hostvars.values():
            del variables["keepalived_instances"]
        return self

    def hosts(self) -> list[LoadBalancer]:
        return hostvars.at_present(self.hostvars, list(self.hostvars), NOW)

    def status(self) -> dict[str, Any]:
        return status.status(self.hosts())

    def verify(self, heard: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return verified(self.hosts(), heard)

    def drainable(self, *named: str) -> list[str]:
        return vip_status.drain_problems(self.hosts(), named)


def verified(hosts: Sequence[LoadBalancer], heard: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """heard: what the filter vrrp_fleet returned."""
    return verification.verify(hosts, read(verification.Options, {"fleet": heard}))


Change = Callable[[Cluster], object]


def spoken(instance: Mapping[str, Any]) -> dict[str, Any]:
    """An instance of the plan as the daemon speaks of it."""
    return {
        "name": instance["name"],
        "state": "BACKUP",
        "virtual_router_id": instance["virtual_router_id"],
        "priority": instance["priority"],
        "base_priority": instance["priority"],
        "virtual_ipaddress": list(instance["virtual_ipaddress"]),
        "master": "",
        "last_transition": NOW - 3 * DAY,
    }


def target(failed: int = 0, **reasons: int) -> dict[str, Any]:
    return {"sent": 10, "failed": failed, "failures": [{"reasons": reasons}] if failed else []}


def answer(status: int, **changes: Any) -> dict[str, Any]:
    return {"address": "127.0.0.1", "port": 8081, "host": "localhost", "status": status, "error": "", **changes}


def stopped(cluster: Cluster, name: str = "nginx1") -> None:
    cluster.now(name)["daemon"] = {"running": False, "pid": 0, "binary": "", "version": "", "since": None}


def fault(cluster: Cluster, name: str = "nginx1") -> None:
    for instance in cluster.daemon(name)["instances"]:
        instance["state"] = "FAULT"


def away(cluster: Cluster) -> None:
    """VI_1 leaves nginx1."""
    cluster.move(ONE, "nginx2")


# What may be the matter with a host, so that it does not take a VIP.
CONDITIONS: dict[str, Callable[[Cluster, str], object]] = {
    "well": lambda cluster, name: None,
    "unreachable": Cluster.lose,
    "drained": Cluster.drain,
    "drained by a run": lambda cluster, name: cluster.drain(name, "run of site.yml"),
    "keepalived stopped": stopped,
    "keepalived mute": lambda cluster, name: cluster.daemon(name).update(state_age=None, instances=[]),
    "nginx down": lambda cluster, name: cluster.now(name).update(nginx_down=True),
    "nginx not running": lambda cluster, name: cluster.nginx(name).update(running=False),
    "check failing": lambda cluster, name: cluster.now(name).update(check_failed=True),
    "standby": lambda cluster, name: cluster.now(name).update(standby=True),
    "fault": fault,
    "ignorant": lambda cluster, name: cluster.daemon(name).update(instances=[]),
}
# Those of a third host, to which the others add nothing.
SOME = ("well", "unreachable", "drained", "check failing")
