# SPDX-License-Identifier: GPL-3.0-or-later
"""What status.yml, verify.yml and drain.yml say of a cluster: one that is well, and what each single change makes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.cluster_status import cluster_status
from ansible_collections.evenkeel.nginx_ha.plugins.filter.cluster_verify import cluster_verify
from ansible_collections.evenkeel.nginx_ha.plugins.filter.drain_problems import drain_problems
from ansible_collections.evenkeel.nginx_ha.plugins.filter.host_problems import host_problems
from ansible_collections.evenkeel.nginx_ha.plugins.filter.nginx_host_problems import nginx_host_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils import fleet, health, vrrp
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = 1_800_000_000.0
ONE, TWO = "192.168.200.200", "192.168.200.210"
VIPS = [{"name": "VI_1", "address": f"{ONE}/24"}, {"name": "VI_2", "address": f"{TWO}/24"}]
PAIR, TRIO = ("nginx1", "nginx2"), ("nginx1", "nginx2", "nginx3")
BINARY = "/opt/keepalived/2.2.7-abcdef01/sbin/keepalived"
CONF, SERVERS, EXTRA = "/etc/nginx/nginx.conf", "/etc/nginx/nginx_ha/servers.conf", "/etc/nginx/conf.d/extra.conf"
PEM, KEY = "/etc/ssl/site.pem", "/etc/ssl/site.key"
HOUR, DAY = 3600, 86400


def when(seconds: float) -> str:
    """As openssl prints a time."""
    return time.strftime("%b %e %H:%M:%S %Y GMT", time.gmtime(seconds))


class Cluster:
    """The hostvars of a cluster that is well, to be changed by the tests."""

    def __init__(self, *names: str, vips: Sequence[Mapping[str, Any]] = VIPS, first: int = 150) -> None:
        self.plan = vrrp.plan(vips, names)
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
            "__keepalived_settings": {"preempt_delay": 0},
            "__keepalived_instances": [dict(instance) for instance in self.plan[name]],
            "__keepalived_binary_wanted": BINARY,
            "__keepalived_now": {
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
            "__nginx_now": {
                "version": "1.22.1",
                "running": True,
                "workers": [20, 21],
                "files": {CONF: "c0", SERVERS: "c1"},
                "certificates": {PEM: {"sha256": "c2", "not_after": when(NOW + 90 * DAY)}, KEY: {"sha256": "c3"}},
                "answers": [answer(200)],
            },
            "__vip_seen": {"targets": {address: target() for address in self.vips}},
            **{name: {"pending_files": [], "interrupted": False} for name in health.STAGED},
        }

    def now(self, name: str) -> dict[str, Any]:
        return self.hostvars[name]["__keepalived_now"]

    def daemon(self, name: str) -> dict[str, Any]:
        return self.now(name)["daemon"]

    def nginx(self, name: str) -> dict[str, Any]:
        return self.hostvars[name]["__nginx_now"]

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
        for registered in [
            key for key in self.hostvars[name] if key not in ("ansible_facts", "__keepalived_instances")
        ]:
            del self.hostvars[name][registered]

    def drain(self, name: str, reason: str = "by ops on 2027-01-15 06:00 UTC") -> None:
        self.now(name).update(drained=reason, drained_since=NOW + 0.4 - 2 * HOUR)
        for instance in self.daemon(name)["instances"]:
            instance["priority"] = instance["base_priority"] - 12

    def unplanned(self) -> Cluster:
        for variables in self.hostvars.values():
            del variables["__keepalived_instances"]
        return self

    def hosts(self) -> list[health.Host]:
        return health.read(self.hostvars, list(self.hostvars), NOW)

    def status(self) -> dict[str, Any]:
        return health.status(self.hosts())

    def verify(self, heard: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return health.verify(self.hosts(), heard or {})

    def drainable(self, *named: str) -> list[str]:
        return health.drain_problems(self.hosts(), named)


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


# status


def test_the_status_of_a_cluster_that_is_well() -> None:
    found = Cluster(*PAIR).status()
    assert found["ok"]
    assert found["vips"] == {
        ONE: {"holders": ["nginx1"], "preferred": "nginx1", "ok": True, "note": ""},
        TWO: {"holders": ["nginx2"], "preferred": "nginx2", "ok": True, "note": ""},
    }
    assert found["hosts"]["nginx1"] == {
        "reachable": True,
        "keepalived": "2.2.7",
        "keepalived_since": NOW - 3 * DAY,
        "state_age": 0.2,
        "nginx": "1.22.1",
        "nginx_running": True,
        "drained": "",
        "drained_since": None,
        "check": "well",
        "holds": [ONE],
        "instances": [
            {"name": "VI_1", "state": "MASTER", "priority": 254, "vips": [ONE]},
            {"name": "VI_2", "state": "BACKUP", "priority": 243, "vips": [TWO]},
        ],
    }
    assert found["table"] == [
        "VIP   address          on      preferred",
        "VI_1  192.168.200.200  nginx1  nginx1",
        "VI_2  192.168.200.210  nginx2  nginx2",
        "",
        "host    keepalived  since  nginx   check  VRRP                drained",
        "nginx1  2.2.7       3 d    1.22.1  well   1 MASTER, 1 BACKUP  -",
        "nginx2  2.2.7       3 d    1.22.1  well   1 MASTER, 1 BACKUP  -",
    ]


def test_the_status_of_a_cluster_that_is_not() -> None:
    cluster = Cluster(*TRIO)
    cluster.move(ONE, "nginx2")
    cluster.drain("nginx1", "by ops: h\u00f6her\n  und weiter")
    stopped(cluster, "nginx2")
    cluster.nginx("nginx2")["running"] = False
    cluster.lose("nginx3")
    cluster.daemon("nginx1").update(state_age=None, instances=[])
    assert cluster.status()["table"] == [
        "VIP   address          on      preferred",
        "VI_1  192.168.200.200  nginx2  nginx1     on nginx2, for nginx1 is drained (by ops: h?her und weiter, since 2 h) "
        "and nginx3 is unreachable",
        "VI_2  192.168.200.210  nginx2  nginx2     on nginx2, though keepalived does not run on nginx2: no other host could take it",
        "",
        "host    keepalived    since  nginx         check  VRRP       drained",
        "nginx1  2.2.7         3 d    1.22.1        well   no answer  by ops: h?her und weiter, since 2 h",
        "nginx2  does not run  -      does not run  down   -          -",
        "nginx3  unreachable   -      -             -      -          -",
    ]


def test_a_host_that_gave_no_answer() -> None:
    cluster = Cluster(*PAIR)
    cluster.lose("nginx1")
    found = cluster.status()
    assert found["hosts"]["nginx1"] == {
        "reachable": False,
        "keepalived": "",
        "keepalived_since": None,
        "state_age": None,
        "nginx": "",
        "nginx_running": None,
        "drained": "",
        "drained_since": None,
        "check": "",
        "holds": [],
        "instances": [],
    }
    assert found["vips"][ONE] == {
        "holders": [],
        "preferred": "nginx1",
        "ok": False,
        "note": "on nobody that was reached",
    }
    assert found["vips"][TWO]["ok"] and not found["ok"]


def test_an_unreachable_host_of_another_cluster_holds_nothing_here() -> None:
    cluster = Cluster(*PAIR)
    cluster.move(ONE)
    others = Cluster("nginx3", vips=[{"name": "VI_3", "address": "192.168.200.220/24"}], first=160)
    others.lose("nginx3")
    hostvars = {**cluster.hostvars, **others.hostvars}
    found = health.status(health.read(hostvars, list(hostvars), NOW))
    assert found["vips"][ONE]["note"] == "on nobody"
    del hostvars["nginx3"]["__keepalived_instances"]
    found = health.status(health.read(hostvars, list(hostvars), NOW))
    assert found["vips"][ONE]["note"] == "on nobody that was reached"


def test_since_when_a_host_is_drained() -> None:
    cluster = Cluster(*PAIR)
    cluster.drain("nginx1")
    cluster.now("nginx2")["drained_since"] = NOW
    found = cluster.status()["hosts"]
    assert (found["nginx1"]["drained_since"], found["nginx2"]["drained_since"]) == (NOW + 0.4 - 2 * HOUR, None)
    for offset, since, text in (
        (None, NOW - 2 * HOUR, "2 h"),
        (None, NOW - 2 * HOUR + 0.5, "119 min"),
        (HOUR, NOW - HOUR, "2 h"),
        (-HOUR, NOW - 2 * HOUR, "60 min"),
    ):
        cluster.now("nginx1").update(clock_offset=offset, drained_since=since)
        (line,) = [line for line in cluster.status()["table"] if line.startswith("nginx1")]
        assert line.endswith(f"since {text}")


def test_an_unreachable_result_is_no_answer() -> None:
    cluster = Cluster(*PAIR)
    cluster.hostvars["nginx1"]["__keepalived_now"] = {"unreachable": True, "msg": "no route"}
    assert not cluster.status()["hosts"]["nginx1"]["reachable"]


@pytest.mark.parametrize("planned", [True, False], ids=["with a plan", "without a plan"])
def test_every_way_to_hold_a_vip(planned: bool) -> None:
    for count in range(4):
        for holders in combinations(TRIO, count):
            cluster = Cluster(*TRIO) if planned else Cluster(*TRIO).unplanned()
            cluster.move(ONE, *holders)
            found = cluster.status()
            assert found["vips"][ONE]["holders"] == list(holders)
            assert found["vips"][ONE]["preferred"] == "nginx1"
            assert found["vips"][ONE]["ok"] is found["ok"] is (count == 1)
            assert bool(found["vips"][ONE]["note"]) is (holders != ("nginx1",))


NOTES: dict[str, tuple[Change, str]] = {
    "on nobody": (lambda cluster: cluster.move(ONE), "on nobody"),
    "split brain": (lambda cluster: cluster.move(ONE, "nginx1", "nginx2"), "on nginx1 and nginx2: split brain"),
    "for no reason": (
        lambda cluster: cluster.move(ONE, "nginx2"),
        "on nginx2, though nginx1 is well: it may return later",
    ),
    "drained": (
        lambda cluster: (cluster.drain("nginx1"), cluster.move(ONE, "nginx2")),
        "on nginx2, for nginx1 is drained (by ops on 2027-01-15 06:00 UTC, since 2 h)",
    ),
    "drained since nobody knows when": (
        lambda cluster: (
            cluster.drain("nginx1"),
            cluster.move(ONE, "nginx2"),
            cluster.now("nginx1").update(drained_since=None),
        ),
        "on nginx2, for nginx1 is drained (by ops on 2027-01-15 06:00 UTC)",
    ),
    "drained in vain": (
        lambda cluster: cluster.drain("nginx1"),
        "on nginx1, though nginx1 is drained (by ops on 2027-01-15 06:00 UTC, since 2 h), and nginx2 could take it",
    ),
    "failed": (
        lambda cluster: (cluster.now("nginx1").update(check_failed=True), cluster.move(ONE, "nginx2")),
        "on nginx2, for nginx1 has failed its check of nginx and has not been well for long enough since",
    ),
    "a drain that could not work": (
        lambda cluster: (cluster.drain("nginx1"), stopped(cluster, "nginx2")),
        "on nginx1, though nginx1 is drained (by ops on 2027-01-15 06:00 UTC, since 2 h): no other host could take it",
    ),
}


@pytest.mark.parametrize(("change", "note"), NOTES.values(), ids=NOTES)
def test_why_a_vip_is_where_it_is(change: Change, note: str) -> None:
    cluster = Cluster(*PAIR).unplanned()
    change(cluster)
    assert cluster.status()["vips"][ONE]["note"] == note


def test_the_plan_goes_before_what_the_daemon_says() -> None:
    cluster = Cluster(*PAIR)
    for name, priority in (("nginx1", 100), ("nginx2", 200)):
        cluster.speaker(name, ONE)["base_priority"] = priority
    assert cluster.status()["vips"][ONE]["preferred"] == "nginx1"
    assert cluster.unplanned().status()["vips"][ONE]["preferred"] == "nginx2"


def test_the_configuration_speaks_for_a_daemon_that_does_not_answer() -> None:
    cluster = Cluster(*PAIR).unplanned()
    cluster.daemon("nginx1").update(state_age=None, instances=[])
    assert cluster.status()["vips"][ONE]["preferred"] == "nginx1"


def test_addresses_are_one_however_they_are_written() -> None:
    cluster = Cluster("nginx1", vips=[{"name": "six", "address": "2001:db8::c8/64"}])
    cluster.daemon("nginx1")["instances"][0]["virtual_ipaddress"] = ["2001:DB8:0::C8/64 dev ens33"]
    cluster.now("nginx1")["addresses"] = ["2001:db8::c8/64"]
    assert cluster.status()["vips"] == {
        "2001:db8::c8": {"holders": ["nginx1"], "preferred": "nginx1", "ok": True, "note": ""}
    }


@pytest.mark.parametrize(
    ("condition", "ok"),
    [(name, name not in ("unreachable", "keepalived stopped", "nginx not running")) for name in CONDITIONS],
)
def test_which_states_of_a_backup_count_for_the_status(condition: str, ok: bool) -> None:
    cluster = Cluster(*PAIR, vips=VIPS[:1])
    CONDITIONS[condition](cluster, "nginx2")
    assert cluster.status()["ok"] is ok


def test_nginx_counts_only_where_it_was_asked() -> None:
    cluster = Cluster(*PAIR)
    del cluster.hostvars["nginx1"]["__nginx_now"]
    assert cluster.status()["ok"]
    assert cluster.status()["hosts"]["nginx1"]["nginx_running"] is None
    cluster.hostvars["nginx1"]["__nginx_now"] = {"msg": "nginx_info failed"}
    assert not cluster.status()["ok"]


def test_no_host_is_no_cluster() -> None:
    assert not health.status([])["ok"]
    assert health.verify([], {})["problems"] == ["No load balancer was asked. Name the right inventory with -i."]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (119.9, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (2 * DAY - 1, "47 h"),
        (2 * DAY, "2 d"),
        (400 * DAY, "400 d"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert health.duration(seconds) == text


# verify


def test_a_cluster_that_is_well_has_no_problem() -> None:
    found = Cluster(*TRIO).verify({"problems": [], "warnings": []})
    assert (found["ok"], found["problems"], found["notes"]) == (True, [], [])
    assert all(check["ok"] for check in found["checks"])
    assert {check["check"] for check in found["checks"]} == {
        "reachable",
        "one holder",
        "right holder",
        "one master",
        "keepalived",
        "keepalived's version",
        "keepalived's versions",
        "nginx",
        "nginx's versions",
        "configuration",
        "certificates",
        "expiry",
        "answers",
        "drift",
        "drain",
        "clocks",
        "wire",
    }
    assert len([check for check in found["checks"] if check["check"] == "answers"]) == 3 * len(VIPS)
    assert len([check for check in found["checks"] if check["check"] == "drift"]) == 3 * len(health.STAGED)


def test_the_table_of_a_verification() -> None:
    cluster = Cluster("nginx1", vips=VIPS[:1])
    cluster.drain("nginx1")
    cluster.hostvars["nginx1"]["__nginx_staged"]["pending_files"] = [CONF]
    assert cluster.verify()["table"] == [
        "check                 subject",
        "reachable             nginx1                       ok       it has answered",
        "one holder            192.168.200.200              ok       on nginx1",
        "right holder          192.168.200.200              note     192.168.200.200 (VI_1) is on nginx1, though nginx1 is drained "
        "(by ops on 2027-01-15 06:00 UTC, since 2 h): no other host could take it.",
        "one master            VI_1 (nginx1)                ok       nginx1 says so itself",
        "keepalived            nginx1                       ok       it runs and answers, with 1 VRRP instance",
        "nginx                 nginx1                       ok       it runs and answers",
        "keepalived's version  nginx1                       ok       2.2.7",
        "answers               192.168.200.200 from nginx1  ok       10 of 10 requests were answered",
        "expiry                /etc/ssl/site.pem on nginx1  ok       in 90 d",
        "drift                 nginx on nginx1              PROBLEM  nginx1: /etc/nginx/nginx.conf differs from the inventory. "
        "Run site.yml.",
        "drift                 check_nginx on nginx1        ok       as the inventory wants it",
        "drift                 keepalived on nginx1         ok       as the inventory wants it",
        "drain                 nginx1                       note     nginx1 is drained (by ops on 2027-01-15 06:00 UTC, since 2 h).",
    ]


DEAF = "Look whether these hosts hear each other's VRRP packets."
WHY = "Read why with 'journalctl -u keepalived'"
DRAINED = "nginx1 is drained (by ops on 2027-01-15 06:00 UTC, since 2 h)"


def away(cluster: Cluster) -> None:
    """VI_1 leaves nginx1."""
    cluster.move(ONE, "nginx2")


def staged(name: str = "nginx1", role: str = "nginx", **changes: Any) -> Change:
    return lambda cluster: cluster.hostvars[name][f"__{role}_staged"].update(changes)


def differ(path: str = CONF, **registered: Any) -> Change:
    """A file of nginx is another one on nginx2; registered: what both hosts have registered besides."""

    def change(cluster: Cluster) -> None:
        cluster.nginx("nginx2")["files"][path] = "other"
        for variables in cluster.hostvars.values():
            variables.update(registered)

    return change


def both(*changes: Change) -> Change:
    return lambda cluster: [change(cluster) for change in changes]


def nopreempt(cluster: Cluster) -> None:
    for variables in cluster.hostvars.values():
        variables["__keepalived_instances"][0].update(nopreempt=True, weight=0)


def trixie(cluster: Cluster) -> None:
    cluster.hostvars["nginx2"]["ansible_facts"]["distribution_major_version"] = "13"


def preempt_delay(cluster: Cluster) -> None:
    for variables in cluster.hostvars.values():
        variables["__keepalived_settings"]["preempt_delay"] = 60


def expiring(seconds: float) -> Change:
    return lambda cluster: cluster.nginx("nginx1")["certificates"][PEM].update(not_after=when(NOW + seconds))


# Each changes a pair that is well; then come all problems and all notes.
VERDICTS: dict[str, tuple[Change, list[str], list[str]]] = {
    "unreachable": (
        lambda cluster: cluster.lose("nginx1"),
        [
            "nginx1 is unreachable, or a task failed there. Read what Ansible says of it above.",
            f"{ONE} (VI_1) is on nobody that was reached. {WHY} on each host.",
            f"VI_1 has no MASTER: it is BACKUP on nginx2. {WHY} on each host.",
        ],
        [],
    ),
    "unreachable, and the other host has all VIPs": (
        lambda cluster: (away(cluster), cluster.lose("nginx1")),
        [
            "nginx1 is unreachable, or a task failed there. Read what Ansible says of it above.",
            f"{ONE} (VI_1) is on nginx2, for nginx1 is unreachable. Make nginx1 reachable.",
        ],
        [],
    ),
    "on nobody": (
        lambda cluster: cluster.move(ONE),
        [
            f"{ONE} (VI_1) is on nobody. {WHY} on each host.",
            f"VI_1 has no MASTER: it is BACKUP on nginx1 and BACKUP on nginx2. {WHY} on each host.",
        ],
        [],
    ),
    "split brain": (
        lambda cluster: cluster.move(ONE, "nginx1", "nginx2"),
        [
            f"{ONE} (VI_1) is on nginx1 and nginx2: split brain. {DEAF}",
            f"nginx1 and nginx2 are both MASTER of VI_1. {DEAF}",
        ],
        [],
    ),
    "elsewhere for no reason": (
        away,
        [
            f"{ONE} (VI_1) is on nginx2, though nginx1 is well: it may return later. Look again in a minute, then read why with "
            "'journalctl -u keepalived' on nginx1.",
        ],
        [],
    ),
    "elsewhere for no reason, and just started": (
        both(away, lambda cluster: cluster.daemon("nginx1").update(since=NOW)),
        [
            f"{ONE} (VI_1) is on nginx2, though nginx1 is well: it may return later. Look again in a minute, then read why with "
            "'journalctl -u keepalived' on nginx1.",
        ],
        [],
    ),
    "elsewhere though another VIP has nopreempt": (
        both(nopreempt, lambda cluster: cluster.move(TWO, "nginx1")),
        [
            f"{TWO} (VI_2) is on nginx1, though nginx2 is well: it may return later. Look again in a minute, then read why with "
            "'journalctl -u keepalived' on nginx2.",
        ],
        [],
    ),
    "elsewhere with nopreempt": (
        both(nopreempt, away),
        [],
        [f"{ONE} (VI_1) is on nginx2, for VI_1 has nopreempt: it stays there while nginx2 is well."],
    ),
    "elsewhere with preempt_delay, and just started": (
        both(preempt_delay, away, lambda cluster: cluster.daemon("nginx1").update(since=NOW - 59)),
        [],
        [f"{ONE} (VI_1) is on nginx2, though nginx1 is well: it returns when keepalived_preempt_delay (60 s) is over."],
    ),
    "elsewhere with preempt_delay, and just moved": (
        both(preempt_delay, away, lambda cluster: cluster.speaker("nginx1", ONE).update(last_transition=NOW - 59)),
        [],
        [f"{ONE} (VI_1) is on nginx2, though nginx1 is well: it returns when keepalived_preempt_delay (60 s) is over."],
    ),
    "elsewhere though preempt_delay is over": (
        both(preempt_delay, away, lambda cluster: cluster.daemon("nginx1").update(since=NOW - 61)),
        [
            f"{ONE} (VI_1) is on nginx2, though nginx1 is well: it may return later. Look again in a minute, then read why with "
            "'journalctl -u keepalived' on nginx1.",
        ],
        [],
    ),
    "drained": (
        both(away, lambda cluster: cluster.drain("nginx1")),
        [],
        [f"{ONE} (VI_1) is on nginx2, for {DRAINED}.", f"{DRAINED}."],
    ),
    "drained in vain": (
        lambda cluster: cluster.drain("nginx1"),
        [
            f"{ONE} (VI_1) is on nginx1, though {DRAINED}, and nginx2 could take it. "
            "Read why with 'journalctl -u keepalived' on nginx2.",
        ],
        [f"{DRAINED}."],
    ),
    "drained where nopreempt makes that a fault": (
        both(
            nopreempt,
            away,
            lambda cluster: cluster.drain("nginx1"),
            lambda cluster: cluster.speaker("nginx1", ONE).update(state="FAULT", priority=254),
        ),
        [],
        [f"{ONE} (VI_1) is on nginx2, for {DRAINED}.", f"{DRAINED}."],
    ),
    "drained by a run": (
        both(away, lambda cluster: cluster.drain("nginx1", "run of site.yml")),
        [
            f"{ONE} (VI_1) is on nginx2, for nginx1 is drained (run of site.yml, since 2 h). Undrain nginx1.",
            "nginx1 is still drained by a run that did not end (run of site.yml, since 2 h). Undrain it with undrain.yml.",
        ],
        [],
    ),
    "a failed check": (
        both(away, lambda cluster: cluster.now("nginx1").update(check_failed=True)),
        [
            f"{ONE} (VI_1) is on nginx2, for nginx1 has failed its check of nginx and has not been well for long enough since. "
            "Repair nginx on nginx1, or wait until its check has succeeded for long enough.",
            "nginx1: its check of nginx has failed, and nginx has not been well for long enough since. "
            "Read why with 'journalctl -u check_nginx'.",
        ],
        [],
    ),
    "nginx does not run": (
        both(
            away,
            fault,
            lambda cluster: (
                cluster.nginx("nginx1").update(running=False),
                CONDITIONS["nginx down"](cluster, "nginx1"),
            ),
        ),
        [
            f"{ONE} (VI_1) is on nginx2, for nginx does not run on nginx1. Repair nginx on nginx1.",
            "nginx1: VI_1 is in FAULT, for nginx does not run. Repair nginx.",
            "nginx1: VI_2 is in FAULT, for nginx does not run. Repair nginx.",
            "nginx1: nginx does not run. Read why with 'journalctl -u nginx', then 'systemctl start nginx'.",
        ],
        [],
    ),
    "keepalived takes nginx for down": (
        both(away, lambda cluster: cluster.now("nginx1").update(nginx_down=True)),
        [
            f"{ONE} (VI_1) is on nginx2, for nginx does not run on nginx1. Repair nginx on nginx1.",
            "nginx1: systemd has told keepalived that nginx is down. Read why with 'journalctl -u nginx'.",
        ],
        [],
    ),
    "keepalived does not run": (
        both(away, stopped),
        [
            f"{ONE} (VI_1) is on nginx2, for keepalived does not run on nginx1. Start keepalived on nginx1.",
            f"nginx1: keepalived does not run. {WHY}, then 'systemctl start keepalived'.",
        ],
        [],
    ),
    "keepalived does not answer": (
        lambda cluster: cluster.daemon("nginx2").update(state_age=None, instances=[]),
        [
            f"{TWO} (VI_2) is on nginx2, though keepalived does not answer on nginx2, and nginx1 could take it. "
            "Read why with 'journalctl -u keepalived' on nginx1.",
            f"VI_2 has no MASTER: it is BACKUP on nginx1. {WHY} on each host.",
            f"nginx2: keepalived (pid 77) does not answer. {WHY}, then 'systemctl restart keepalived'.",
        ],
        [],
    ),
    "keepalived could not be looked at": (
        lambda cluster: cluster.hostvars["nginx2"].update(
            __keepalived_now={"msg": "keepalived --version ended with 127:\nno"}
        ),
        [
            f"{TWO} (VI_2) is on nobody. {WHY} on each host.",
            f"VI_2 has no MASTER: it is BACKUP on nginx1. {WHY} on each host.",
            "nginx2: keepalived could not be looked at: keepalived --version ended with 127: no.",
        ],
        [],
    ),
    "a fault": (
        both(away, fault),
        [
            f"{ONE} (VI_1) is on nginx2, for VI_1 is in FAULT on nginx1. Repair nginx1 (read why with 'journalctl -u keepalived').",
            f"nginx1: VI_1 is in FAULT. {WHY}.",
            f"nginx1: VI_2 is in FAULT. {WHY}.",
        ],
        [],
    ),
    "a planned instance does not run": (
        lambda cluster: cluster.daemon("nginx1")["instances"].pop(),
        ["nginx1: keepalived does not run VI_2, though planned. Run site.yml, or 'systemctl reload keepalived'."],
        [],
    ),
    "standby": (
        both(away, lambda cluster: cluster.now("nginx1").update(standby=True)),
        [
            f"{ONE} (VI_1) is on nginx2, for nginx1 is on standby. End it with '/etc/keepalived/vips.sh return' on nginx1.",
            "nginx1 is on standby: it has handed its VIPs over and not taken that back. Start nginx if it does not run, else "
            "'/etc/keepalived/vips.sh return'.",
        ],
        [],
    ),
    "standby while keepalived is stopped": (
        both(away, stopped, lambda cluster: cluster.now("nginx1").update(standby=True)),
        [
            f"{ONE} (VI_1) is on nginx2, for keepalived does not run on nginx1. Start keepalived on nginx1.",
            f"nginx1: keepalived does not run. {WHY}, then 'systemctl start keepalived'.",
        ],
        [],
    ),
    "two masters, and one address": (
        lambda cluster: cluster.speaker("nginx2", ONE).update(state="MASTER"),
        [f"nginx1 and nginx2 are both MASTER of VI_1. {DEAF}"],
        [],
    ),
    "a master without its address": (
        lambda cluster: cluster.now("nginx1")["addresses"].pop(),
        [
            f"{ONE} (VI_1) is on nobody. {WHY} on each host.",
            f"nginx1 is MASTER of VI_1 and lacks {ONE}. Find what else manages the interface's addresses, then 'systemctl "
            "restart keepalived'.",
        ],
        [],
    ),
    "another binary": (
        lambda cluster: cluster.daemon("nginx1").update(binary="/usr/sbin/keepalived"),
        [f"nginx1 runs /usr/sbin/keepalived, and the inventory wants {BINARY}. Run site.yml."],
        [],
    ),
    "the wanted binary is not there": (
        lambda cluster: cluster.now("nginx1").update(installed=False, version=""),
        [f"nginx1 lacks the keepalived that the inventory wants, {BINARY}. Run site.yml."],
        [],
    ),
    "older than its binary": (
        lambda cluster: [cluster.now(name).update(version="2.2.8") for name in PAIR],
        [
            f"{name} runs {BINARY} as keepalived 2.2.7, and the file is 2.2.8 by now. Drain the host, then 'systemctl "
            "restart keepalived'."
            for name in PAIR
        ],
        [],
    ),
    "two versions of keepalived": (
        lambda cluster: (
            cluster.now("nginx2").update(version="2.3.3"),
            cluster.daemon("nginx2").update(version="2.3.3"),
        ),
        ["keepalived is 2.2.7 on nginx1 and 2.3.3 on nginx2. Bring all to one version."],
        [],
    ),
    "two versions of nginx": (
        lambda cluster: cluster.nginx("nginx2").update(version="1.18.0"),
        ["nginx is 1.22.1 on nginx1 and 1.18.0 on nginx2. Bring all to one version."],
        [],
    ),
    "two versions of nginx on two releases of the distribution": (
        both(trixie, lambda cluster: cluster.nginx("nginx2").update(version="1.26.3")),
        [],
        ["nginx is 1.22.1 on nginx1 and 1.26.3 on nginx2, and nginx1 is Debian 12 and nginx2 is Debian 13."],
    ),
    "a managed file differs": (
        differ(__nginx_staged={"pending_files": [], "managed_files": [CONF]}),
        [],
        [f"{CONF} differs between nginx1 and nginx2, as the inventory wants it."],
    ),
    "a file differs, and which are managed is not known": (
        differ(),
        [],
        [f"{CONF} differs between nginx1 and nginx2, as the inventory wants it."],
    ),
    "a file differs that is not managed": (
        differ(__nginx_staged={"pending_files": [], "managed_files": [SERVERS]}),
        [f"{CONF} differs between nginx1 and nginx2. Make it the same on each host."],
        [],
    ),
    "a file differs, and nothing was compared with the inventory": (
        differ(__nginx_staged=None),
        [f"{CONF} differs between nginx1 and nginx2. Make it the same on each host."],
        [],
    ),
    "a file differs that somebody has edited on one host": (
        both(differ(), staged(pending_files=[CONF])),
        [
            f"{CONF} differs between nginx1 and nginx2. Run site.yml.",
            f"nginx1: {CONF} differs from the inventory. Run site.yml.",
        ],
        [],
    ),
    "a file differs that two distributions may have brought": (
        both(trixie, differ(__nginx_staged={"pending_files": [], "managed_files": []})),
        [],
        [f"{CONF} differs between nginx1 and nginx2, and nginx1 is Debian 12 and nginx2 is Debian 13."],
    ),
    "a file that one host lacks": (
        lambda cluster: cluster.nginx("nginx1")["files"].update({EXTRA: "c9"}),
        [f"{EXTRA} is in use by nginx on nginx1, and missing on nginx2. Make it the same on each host."],
        [],
    ),
    "a certificate differs": (
        lambda cluster: cluster.nginx("nginx2")["certificates"][KEY].update(sha256="other"),
        [f"{KEY} differs between nginx1 and nginx2. Make it the same on each host."],
        [],
    ),
    "a certificate is missing on all hosts": (
        lambda cluster: [cluster.nginx(name)["certificates"][KEY].update(sha256=None) for name in PAIR],
        [
            f"{KEY} is missing on nginx1 and nginx2, though nginx's configuration names it. Make it the same on each host.",
        ],
        [],
    ),
    "a certificate differs on two releases of the distribution": (
        both(trixie, lambda cluster: cluster.nginx("nginx2")["certificates"][KEY].update(sha256="other")),
        [f"{KEY} differs between nginx1 and nginx2. Make it the same on each host."],
        [],
    ),
    "a certificate has expired": (
        expiring(-3 * DAY),
        [
            f"nginx1: the certificate {PEM} expired 3 d ago, on {when(NOW - 3 * DAY)}. Renew it, then 'systemctl reload nginx'.",
        ],
        [],
    ),
    "a certificate expires this second": (
        expiring(0),
        [f"nginx1: the certificate {PEM} expired 0 s ago, on {when(NOW)}. Renew it, then 'systemctl reload nginx'."],
        [],
    ),
    "a certificate expires in a second": (
        expiring(1),
        [],
        [f"nginx1: the certificate {PEM} expires in 1 s, on {when(NOW + 1)}. Renew it, then 'systemctl reload nginx'."],
    ),
    "a certificate expires soon": (
        expiring(14 * DAY - 1),
        [],
        [
            f"nginx1: the certificate {PEM} expires in 13 d, on {when(NOW + 14 * DAY - 1)}. Renew it, then 'systemctl reload nginx'.",
        ],
    ),
    "a certificate expires later": (expiring(14 * DAY), [], []),
    "a certificate that openssl cannot read": (
        lambda cluster: cluster.nginx("nginx1")["certificates"][PEM].update(not_after=None),
        [],
        [f"nginx1: when the certificate {PEM} expires could not be read."],
    ),
    "drift in one role": (
        staged(role="keepalived", pending_files=["/etc/keepalived/keepalived.conf", "/etc/keepalived/vips.sh"]),
        [
            "nginx1: /etc/keepalived/keepalived.conf and /etc/keepalived/vips.sh differ from the inventory. Run site.yml."
        ],
        [],
    ),
    "an interrupted run": (
        staged("nginx2", "check_nginx", interrupted=True),
        ["nginx2: an interrupted run left changes of check_nginx that are neither kept nor taken back. Run site.yml."],
        [],
    ),
    "an interrupted run with changes": (
        staged("nginx2", "check_nginx", interrupted=True, pending_files=["/etc/x"]),
        [
            "nginx2: an interrupted run left changes of check_nginx that are neither kept nor taken back. Run site.yml.",
            "nginx2: /etc/x differs from the inventory. Run site.yml.",
        ],
        [],
    ),
    "the comparison failed": (
        lambda cluster: cluster.hostvars["nginx1"].update(__keepalived_staged={"msg": "The checker refuses it"}),
        ["nginx1: the files of keepalived could not be compared with the inventory: The checker refuses it."],
        [],
    ),
    "the comparison was left out": (
        lambda cluster: cluster.hostvars["nginx1"].update(__keepalived_staged={"skipped": True}),
        [],
        [],
    ),
    "requests failed": (
        lambda cluster: cluster.hostvars["nginx2"]["__vip_seen"]["targets"].update(
            {ONE: target(3, timeout=2, refused=1)}
        ),
        [f"nginx2: 3 of 10 requests to {ONE} (VI_1) failed (2 timeout, 1 refused). Read nginx's logs on nginx1."],
        [],
    ),
    "no requests": (
        lambda cluster: cluster.hostvars["nginx2"].update(__vip_seen={"msg": "Probing failed: no more files"}),
        [f"nginx2 has not asked {vip['address'][:-3]} ({vip['name']}): Probing failed: no more files." for vip in VIPS],
        [],
    ),
    "no request was sent": (
        lambda cluster: cluster.hostvars["nginx2"]["__vip_seen"]["targets"][ONE].update(sent=0),
        [f"nginx2 has not asked {ONE} (VI_1): there is no answer."],
        [],
    ),
    "nginx does not answer its probe": (
        lambda cluster: cluster.nginx("nginx1").update(answers=[answer(0, error="Connection refused")]),
        ["nginx1: nginx does not answer on 127.0.0.1:8081 for localhost: Connection refused. Read nginx's error log."],
        [],
    ),
    "clocks at the limit": (lambda cluster: cluster.now("nginx2").update(clock_offset=5.4), [], []),
    "clocks too far apart": (
        lambda cluster: cluster.now("nginx2").update(clock_offset=-4.7),
        ["The clocks of nginx2 and nginx1 are 5.1 s apart, and 5 s are allowed. Synchronize them, e.g. with chrony."],
        [],
    ),
    "clocks not known": (lambda cluster: cluster.now("nginx2").update(clock_offset=None), [], []),
    "clock not synchronized": (
        lambda cluster: cluster.now("nginx2").update(ntp=False),
        [],
        ["nginx2: its clock is not synchronized. Set up NTP, e.g. with chrony."],
    ),
    "nobody knows whether it is": (lambda cluster: cluster.now("nginx2").update(ntp=None), [], []),
}


@pytest.mark.parametrize(("change", "problems", "notes"), VERDICTS.values(), ids=VERDICTS)
def test_what_a_change_makes_of_a_sound_pair(change: Change, problems: list[str], notes: list[str]) -> None:
    cluster = Cluster(*PAIR)
    change(cluster)
    found = cluster.verify()
    assert (found["problems"], found["notes"]) == (problems, notes)
    assert found["ok"] is (not problems)
    assert [check["detail"] for check in found["checks"] if not check["ok"]] == problems
    assert len([line for line in found["table"] if "  PROBLEM  " in line]) == len(problems)
    assert len(found["table"]) == len(found["checks"]) + 1
    failed = {(check["check"], check["subject"]) for check in found["checks"] if not check["ok"]}
    assert failed.isdisjoint((check["check"], check["subject"]) for check in found["checks"] if check["ok"])


@pytest.mark.parametrize("verdict", VERDICTS.values(), ids=VERDICTS)
def test_sentences_and_tables_are_clean(verdict: tuple[Change, list[str], list[str]]) -> None:
    cluster = Cluster(*PAIR)
    verdict[0](cluster)
    found = cluster.verify()
    for text in [*found["problems"], *found["notes"]]:
        assert text.endswith(".") and not text.endswith("..")
        assert "  " not in text and "None" not in text and "\n" not in text
        assert any(name in text for name in (*PAIR, "VI_1", "VI_2"))
    for line in [*found["table"], *cluster.status()["table"]]:
        assert line.isascii() and line == line.rstrip()


def test_backups_that_hear_different_masters() -> None:
    cluster = Cluster(*TRIO)
    backup = cluster.order(ONE)[1]
    cluster.speaker(backup, ONE)["master"] = "192.168.200.99"
    other = cluster.order(ONE)[2]
    views = {backup: "192.168.200.99", other: "192.168.200.150"}
    expected = " and ".join(f"{name} hears {views[name]}" for name in TRIO if name in views)
    assert cluster.verify()["problems"] == [f"Backups of VI_1 hear different masters: {expected}. {DEAF}"]


def test_a_backup_that_has_heard_no_master_yet() -> None:
    cluster = Cluster(*TRIO)
    cluster.speaker(cluster.order(ONE)[1], ONE)["master"] = ""
    assert cluster.verify()["problems"] == []


def test_a_master_needs_no_address_that_only_a_backup_has() -> None:
    cluster = Cluster(*PAIR)
    cluster.speaker("nginx2", ONE)["virtual_ipaddress"].append("192.168.200.220/24")
    assert not [text for text in cluster.verify()["problems"] if "lacks" in text]


def test_a_keepalived_that_does_not_run_has_no_version_to_check() -> None:
    cluster = Cluster(*PAIR)
    stopped(cluster)
    found = [
        check["subject"] for check in cluster.verify()["checks"] if check["check"].startswith("keepalived's version")
    ]
    assert found == ["nginx2"]


@pytest.mark.parametrize(
    ("change", "alike"), [(differ(), ["certificates"]), (nopreempt, ["configuration", "certificates"])]
)
def test_files_are_alike_only_if_all_are(change: Change, alike: list[str]) -> None:
    cluster = Cluster(*PAIR)
    change(cluster)
    assert [check["check"] for check in cluster.verify()["checks"] if check["detail"] == "2 files alike"] == alike


def test_hosts_without_certificates_have_none_to_compare() -> None:
    cluster = Cluster(*PAIR)
    for name in PAIR:
        cluster.nginx(name)["certificates"] = {}
    assert not [check for check in cluster.verify()["checks"] if check["check"] in ("certificates", "expiry")]


def test_the_clocks_that_are_furthest_apart() -> None:
    cluster = Cluster(*TRIO)
    for name, offset in (("nginx1", 9.0), ("nginx2", -9.0), ("nginx3", 1.0)):
        cluster.now(name)["clock_offset"] = offset
    (text,) = cluster.verify()["problems"]
    assert text.startswith("The clocks of nginx2 and nginx1 are 18.0 s apart")


def test_what_was_heard_on_the_wire() -> None:
    both_speak = "split brain: nginx1 and nginx2 both speak as master of VI_1."
    unheard = "nginx3: not in this run, so foreign VRRP speakers cannot be told from members and were not refused."
    found = Cluster(*PAIR).verify({"problems": ["VIP VI_1: no."], "warnings": [both_speak, unheard]})
    assert found["problems"] == [
        "VIP VI_1: no.",
        f"Split brain: nginx1 and nginx2 both speak as master of VI_1. {DEAF}",
    ]
    assert found["notes"] == [unheard]


def test_the_split_brain_that_the_plan_warns_of_is_recognized() -> None:
    members = [
        fleet.Member(name, {"interface": "ens33"}, {"all_ipv4_addresses": [address]}, (), heard)
        for name, address, heard in (
            ("nginx1", "192.168.200.150", ()),
            (
                "nginx2",
                "192.168.200.151",
                [
                    {"family": "ipv4", "version": 3, "virtual_router_id": 200, "source": f"192.168.200.{host}"}
                    for host in (150, 151)
                ],
            ),
        )
    ]
    planned = fleet.Fleet([fleet.Cluster(PAIR, tuple(members), Cluster(*PAIR).plan)], [])
    warnings = list(fleet._split_brains(planned.clusters[0]))
    assert len(warnings) == 1
    found = Cluster(*PAIR).verify({"warnings": warnings})
    assert (len(found["problems"]), found["notes"]) == (1, [])


def test_two_clusters_are_not_compared_with_each_other() -> None:
    others = Cluster("nginx3", "nginx4", vips=[{"name": "VI_1", "address": "192.168.200.220/24"}], first=160)
    for name in ("nginx3", "nginx4"):
        others.now(name)["version"] = others.daemon(name)["version"] = "2.3.3"
        others.nginx(name).update(version="1.18.0", files={CONF: "other"}, certificates={})
    hostvars = {**Cluster(*PAIR).hostvars, **others.hostvars}
    found = health.verify(health.read(hostvars, list(hostvars), NOW), {})
    assert (found["problems"], found["notes"]) == ([], [])


def test_hosts_that_share_vips_only_by_a_third_are_one_cluster() -> None:
    chain = {
        "a": Cluster("a", vips=VIPS[:1]),
        "c": Cluster("c", vips=VIPS[1:], first=152),
        "b": Cluster("b", first=151),
    }
    hostvars = {name: cluster.hostvars[name] for name, cluster in chain.items()}
    hostvars["c"]["__nginx_now"]["version"] = "1.18.0"
    found = health.verify(health.read(hostvars, list(hostvars), NOW), {})
    assert "nginx is 1.22.1 on a, 1.18.0 on c and 1.22.1 on b. Bring all to one version." in found["problems"]


def test_a_vip_on_a_host_that_has_no_instance_of_it() -> None:
    cluster = Cluster(*PAIR)
    stray = Cluster("nginx3", vips=VIPS[1:], first=152).hostvars["nginx3"]
    stray["__keepalived_now"]["addresses"] = ["192.168.200.152/24", f"{ONE}/24"]
    cluster.move(ONE)
    cluster.move(TWO)
    hostvars = {**cluster.hostvars, "nginx3": stray}
    found = health.verify(health.read(hostvars, list(hostvars), NOW), {})
    assert (
        f"{ONE} (VI_1) is on nginx3, whose keepalived does not know it. Remove it there with 'ip address delete', and run "
        "site.yml on nginx3." in found["problems"]
    )


def expected_place(conditions: Mapping[str, str], order: Sequence[str], holder: str) -> str:
    """Whether a VIP may be where it is, from the rules alone."""
    well = [name for name in order if conditions[name] == "well"]
    above = order[: order.index(holder)]
    if conditions[holder] != "well" and well:
        return "problem"
    if not above:
        return "ok" if well else "note"
    return "note" if all(conditions[name] == "drained" for name in above) else "problem"


def test_every_condition_of_three_hosts_and_every_holder() -> None:
    seen = set()
    for states in product(CONDITIONS, CONDITIONS, SOME):
        conditions = dict(zip(TRIO, states, strict=True))
        holders = [name for name in TRIO if conditions[name] != "unreachable"]
        for holder in holders:
            cluster = Cluster(*TRIO, vips=VIPS[:1])
            cluster.move(ONE, holder)
            for name, condition in conditions.items():
                CONDITIONS[condition](cluster, name)
            (finding,) = [
                each for each in health._holding(health._vips(cluster.hosts())[0]) if each.check == "right holder"
            ]
            verdict = "problem" if not finding.ok else "note" if finding.note else "ok"
            assert verdict == expected_place(conditions, cluster.order(ONE), holder), (conditions, holder, finding)
            seen.add(verdict)
    assert seen == {"ok", "note", "problem"}


# drain


def test_every_drain_of_three_hosts_in_every_condition() -> None:
    outcomes = set()
    for states in product(CONDITIONS, CONDITIONS, SOME):
        conditions = dict(zip(TRIO, states, strict=True))
        cluster = Cluster(*TRIO)
        for name, condition in conditions.items():
            CONDITIONS[condition](cluster, name)
        hosts = cluster.hosts()
        for named in (named for count in (1, 2, 3) for named in combinations(TRIO, count)):
            stuck = [
                address
                for address in cluster.vips
                if cluster.preferred(address) in named
                and not any(conditions[name] == "well" for name in TRIO if name not in named)
            ]
            problems = health.drain_problems(hosts, named)
            assert [address for address in cluster.vips if any(address in text for text in problems)] == stuck
            assert len(problems) == len(stuck)
            outcomes.add(len(stuck))
    assert outcomes == {0, 1, 2}


def test_a_host_may_be_drained_while_another_one_is_well() -> None:
    assert Cluster(*PAIR).drainable("nginx1") == []


DRAINS: dict[str, tuple[Change, Sequence[str], list[str]]] = {
    "all": (
        lambda cluster: None,
        PAIR,
        [
            f"Draining nginx1 would leave {ONE} (VI_1) with no host that is well, for nginx2 is to be drained too. "
            "Leave nginx2 out; or interrupt service with -e drain_force=true.",
            f"Draining nginx2 would leave {TWO} (VI_2) with no host that is well, for nginx1 is to be drained too. "
            "Leave nginx1 out; or interrupt service with -e drain_force=true.",
        ],
    ),
    "the other one is drained": (
        lambda cluster: (cluster.drain("nginx1"), away(cluster)),
        ["nginx2"],
        [
            f"Draining nginx2 would leave {address} with no host that is well, for {DRAINED}. "
            "Undrain nginx1; or interrupt service with -e drain_force=true."
            for address in (f"{ONE} (VI_1)", f"{TWO} (VI_2)")
        ],
    ),
    "the preferred one, though the VIP is elsewhere": (
        lambda cluster: (away(cluster), cluster.now("nginx2").update(check_failed=True)),
        ["nginx1"],
        [
            f"Draining nginx1 would leave {ONE} (VI_1) with no host that is well, for nginx2 has failed its check of nginx and has not "
            "been well for long enough since. Repair nginx on nginx2, or wait until its check has succeeded for long enough; "
            "or interrupt service with -e drain_force=true.",
        ],
    ),
    "the other one lacks an instance": (
        lambda cluster: cluster.daemon("nginx2")["instances"].pop(0),
        ["nginx1"],
        [
            f"Draining nginx1 would leave {ONE} (VI_1) with no host that is well, for keepalived on nginx2 does not know {ONE}. "
            "Run site.yml on nginx2; or interrupt service with -e drain_force=true.",
        ],
    ),
    "no load balancers": (
        lambda cluster: None,
        ["web1", "nginx1", "web2", "web1"],
        [
            f"drain_hosts names {name}, which is no load balancer. There are nginx1, nginx2."
            for name in ("web1", "web2")
        ],
    ),
    "nothing": (
        lambda cluster: None,
        [],
        ["drain_hosts names no host. Name one or more of nginx1, nginx2 with -e drain_hosts=HOST."],
    ),
}


@pytest.mark.parametrize(("change", "named", "problems"), DRAINS.values(), ids=DRAINS)
def test_what_a_drain_is_refused_for(change: Change, named: Sequence[str], problems: list[str]) -> None:
    cluster = Cluster(*PAIR)
    change(cluster)
    assert cluster.drainable(*named) == problems


def test_several_hosts_that_cannot_take_over() -> None:
    cluster = Cluster(*TRIO, vips=VIPS[:1])
    cluster.drain("nginx2")
    cluster.lose("nginx3")
    (text,) = cluster.drainable("nginx1")
    second, third = ("nginx2 is drained (by ops on 2027-01-15 06:00 UTC, since 2 h)", "nginx3 is unreachable")
    assert f"for {second} and {third}. Undrain nginx2; or make nginx3 reachable; or interrupt" in text


def test_a_vip_that_one_host_has_alone() -> None:
    assert Cluster("nginx1", vips=VIPS[:1]).drainable("nginx1") == [
        f"Draining nginx1 would leave {ONE} (VI_1) with no host that is well, for no other host has it. "
        "Give it to another load balancer; or interrupt service with -e drain_force=true."
    ]


# one host's keepalived


def info(*held: str, **changes: Any) -> dict[str, Any]:
    cluster = Cluster(*PAIR)
    cluster.now("nginx1")["addresses"] = ["192.168.200.150/24", *held]
    return {**cluster.now("nginx1"), **changes}


def said(instance: int = 0, **changes: Any) -> dict[str, Any]:
    found = info()
    found["daemon"]["instances"][instance].update(changes)
    return found


HOST_PROBLEMS: dict[str, tuple[dict[str, Any], list[str] | None, list[str] | None, list[str]]] = {
    "well": (info(), None, ["VI_1", "VI_2"], []),
    "well, and nothing is planned": (info(), None, None, []),
    "well, with its VIP": (info(f"{ONE}/24"), [f"{ONE}/24"], [], []),
    "an IPv6 address, otherwise written": (info("2001:db8::c8/64"), ["2001:DB8:0::C8/64"], [], []),
    "no VIP is expected": (info(), [], [], []),
    "no result": (
        {"msg": "MODULE FAILURE"},
        [f"{ONE}/24"],
        ["VI_1"],
        ["keepalived could not be looked at: MODULE FAILURE."],
    ),
    "stopped": (
        info(daemon={"running": False}),
        [f"{ONE}/24"],
        ["VI_1"],
        [f"keepalived does not run. {WHY}, then 'systemctl start keepalived'."],
    ),
    "mute": (
        info(daemon={"running": True, "pid": 5, "state_age": None, "instances": []}),
        [f"{ONE}/24"],
        ["VI_1"],
        [
            f"keepalived (pid 5) does not answer. {WHY}, then 'systemctl restart keepalived'.",
            f"It does not hold {ONE}/24, as it should. {WHY}.",
        ],
    ),
    "an answer that took no time": (info(daemon={"running": True, "state_age": 0.0, "instances": []}), None, [], []),
    "fault": (said(state="FAULT"), None, [], [f"VI_1 is in FAULT. {WHY}."]),
    "fault, as nginx is down": (
        {**said(state="FAULT"), "nginx_down": True},
        None,
        [],
        ["VI_1 is in FAULT, for nginx does not run. Repair nginx."],
    ),
    "fault by a drain without a weight": ({**said(state="FAULT"), "drained": "by ops"}, None, [], []),
    "fault in spite of a drain with a weight": (
        {**said(state="FAULT", priority=242), "drained": "by ops"},
        None,
        [],
        [f"VI_1 is in FAULT. {WHY}."],
    ),
    "not yet": (said(1, state="INIT"), None, [], ["VI_2 is in INIT, and neither MASTER nor BACKUP yet."]),
    "unknown": (said(1, state=""), None, [], ["VI_2 is in an unknown state, and neither MASTER nor BACKUP yet."]),
    "planned, and not there": (
        info(),
        None,
        ["VI_1", "VI_3", "VI_4"],
        ["keepalived does not run VI_3 and VI_4, though planned. Run site.yml, or 'systemctl reload keepalived'."],
    ),
    "expected, and not there": (
        info(f"{TWO}/24"),
        [f"{ONE}/24", f"{TWO}/24"],
        [],
        [f"It does not hold {ONE}/24, as it should. {WHY}."],
    ),
    "expected with another prefix": (
        info(f"{ONE}/32"),
        [f"{ONE}/24"],
        [],
        [f"It does not hold {ONE}/24, as it should. {WHY}."],
    ),
}


@pytest.mark.parametrize(("result", "expected", "planned", "problems"), HOST_PROBLEMS.values(), ids=HOST_PROBLEMS)
def test_what_is_not_well_with_keepalived(
    result: dict[str, Any], expected: list[str] | None, planned: list[str] | None, problems: list[str]
) -> None:
    assert host_problems(result, expected, planned) == problems


# one host's nginx


def serving(*workers: int, answers: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    return {"running": True, "workers": list(workers), "answers": list(answers)}


def stale(what: str) -> str:
    return f"nginx still works with its former configuration: {what}. Read why in nginx's error log, then 'systemctl reload nginx'."


NGINX_PROBLEMS: dict[str, tuple[dict[str, Any], dict[str, Any] | None, bool, list[str]]] = {
    "well": (serving(1, 2, answers=[answer(200)]), serving(1, 2, answers=[answer(200)]), False, []),
    "well, and nothing is known of before": (serving(1, 2, answers=[answer(502)]), {}, True, []),
    "well, and before is null": (serving(1, 2), None, True, []),
    "no result": (
        {"msg": "MODULE FAILURE."},
        serving(1),
        True,
        ["nginx could not be looked at: MODULE FAILURE."],
    ),
    "stopped": (
        {**serving(), "running": False},
        serving(1),
        True,
        ["nginx does not run. Read why with 'journalctl -u nginx', then 'systemctl start nginx'."],
    ),
    "reloaded": (serving(3, 4), serving(1, 2), True, []),
    "not reloaded": (
        serving(1, 2),
        serving(1, 2),
        True,
        [stale("workers of before the reload still take requests (1, 2)")],
    ),
    "not quite reloaded": (
        serving(2, 3),
        serving(1, 2),
        True,
        [stale("workers of before the reload still take requests (2)")],
    ),
    "no workers after a reload": (serving(), serving(1, 2), True, [stale("it has no new workers")]),
    "no answer": (
        serving(answers=[answer(0, error="timed out")]),
        serving(answers=[answer(0)]),
        False,
        ["nginx does not answer on 127.0.0.1:8081 for localhost: timed out. Read nginx's error log."],
    ),
    "no answer on IPv6 without a host": (
        serving(answers=[answer(0, address="::1", host=None, error=None)]),
        {},
        False,
        ["nginx does not answer on [::1]:8081: there is no answer. Read nginx's error log."],
    ),
    "worse than before": (
        serving(answers=[answer(200), answer(502, host="b")]),
        serving(answers=[answer(502), answer(499, host="b")]),
        False,
        [
            "nginx answers 502 on 127.0.0.1:8081 for b, where it answered 499 before. Read nginx's error log, and take "
            "the change back.",
        ],
    ),
    "500 is the first that counts": (
        serving(answers=[answer(500)]),
        serving(answers=[answer(200)]),
        False,
        [
            "nginx answers 500 on 127.0.0.1:8081 for localhost, where it answered 200 before. Read nginx's error log, "
            "and take the change back.",
        ],
    ),
    "no worse than before": (serving(answers=[answer(502)]), serving(answers=[answer(500)]), False, []),
    "better than no answer": (serving(answers=[answer(502)]), serving(answers=[answer(0)]), False, []),
    "another port": (serving(answers=[answer(502)]), serving(answers=[answer(200, port=8082)]), False, []),
    "refused before and after": (serving(answers=[answer(404)]), serving(answers=[answer(200)]), False, []),
}


@pytest.mark.parametrize(("now", "before", "reloaded", "problems"), NGINX_PROBLEMS.values(), ids=NGINX_PROBLEMS)
def test_what_is_not_well_with_nginx(
    now: dict[str, Any], before: dict[str, Any] | None, reloaded: bool, problems: list[str]
) -> None:
    assert nginx_host_problems(now, before, reloaded) == problems


def test_what_is_not_well_without_a_change() -> None:
    assert nginx_host_problems(serving(1, 2, answers=[answer(502)])) == []
    assert nginx_host_problems(serving(1, 2), serving(1, 2)) == []
    assert host_problems(info()) == []


# the filters


class Counting(Mapping[str, Any]):
    """A host's variables as Ansible has them, each of which is evaluated whenever it is read."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.variables = variables
        self.read: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.read.append(key)
        return self.variables[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)


@pytest.mark.parametrize(
    "judge",
    [cluster_status, cluster_verify, lambda hostvars, hosts: drain_problems(hostvars, hosts, ["nginx1"])],
    ids=["cluster_status", "cluster_verify", "drain_problems"],
)
def test_each_variable_is_evaluated_once(judge: Callable[..., Any]) -> None:
    hostvars = {name: Counting(variables) for name, variables in Cluster(*PAIR).hostvars.items()}
    judge(hostvars, list(PAIR))
    for variables in hostvars.values():
        assert len(variables.read) == len(set(variables.read)) > 0


def test_the_filters_look_at_the_clock() -> None:
    cluster = Cluster(*PAIR)
    cluster.drain("nginx1")
    cluster.now("nginx1")["drained_since"] = time.time() - 3 * HOUR
    away(cluster)
    expected = "nginx1 is drained (by ops on 2027-01-15 06:00 UTC, since 3 h)"
    assert cluster_status(cluster.hostvars, PAIR)["vips"][ONE]["note"] == f"on nginx2, for {expected}"
    assert f"{expected}." in cluster_verify(cluster.hostvars, PAIR)["notes"]
    assert expected in drain_problems(cluster.hostvars, PAIR, ["nginx2"])[0]


def test_only_the_hosts_that_are_asked_for_count() -> None:
    cluster = Cluster(*PAIR)
    hostvars = {**cluster.hostvars, "web1": {}}
    assert cluster_status(hostvars, PAIR)["ok"]
    assert list(cluster_status(hostvars, ["nginx2"])["hosts"]) == ["nginx2"]


@pytest.mark.parametrize(
    ("options", "ok"), [({}, True), (None, True), ({"clock_seconds": "0.5"}, False), ({"fleet": None}, True)]
)
def test_the_options_of_a_verification(options: dict[str, Any] | None, ok: bool) -> None:
    cluster = Cluster(*PAIR)
    for name in PAIR:
        cluster.nginx(name)["certificates"] = {}
    cluster.now("nginx2")["clock_offset"] = 1.0
    assert cluster_verify(cluster.hostvars, PAIR, options)["ok"] is ok
    assert not cluster_verify(cluster.hostvars, PAIR, {"fleet": {"problems": ["No."]}})["ok"]


PATHS = [
    (name, *keys)
    for name, variables in Cluster(*PAIR).hostvars.items()
    for keys in [
        *((registered,) for registered in variables),
        *((registered, key) for registered, value in variables.items() if isinstance(value, dict) for key in value),
        *(("__keepalived_now", "daemon", key) for key in variables["__keepalived_now"]["daemon"]),
    ]
]


@settings(max_examples=300, deadline=None)
@given(gone=st.sets(st.sampled_from(PATHS), max_size=12), named=st.lists(st.sampled_from([*PAIR, "web1"])))
def test_whatever_is_missing_there_is_an_answer_that_fits_into_json(
    gone: set[tuple[str, ...]], named: list[str]
) -> None:
    cluster = Cluster(*PAIR)
    for *parents, key in gone:
        found: Any = cluster.hostvars
        for parent in parents:
            found = found.get(parent) or {}
        found.pop(key, None)
    for result in (cluster.status(), cluster.verify(), cluster.drainable(*named)):
        assert json.loads(json.dumps(result)) == result
