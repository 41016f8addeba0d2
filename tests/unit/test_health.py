# SPDX-License-Identifier: GPL-3.0-or-later
"""What status.yml and drain.yml say of a cluster, and what is not well on a host."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, permutations, product
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.action._change_plan import change_plan
from ansible_collections.evenkeel.nginx_ha.plugins.filter.playbooks import (
    cluster_status,
    cluster_verify,
    drain_problems,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils import text as wording
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import load_balancer
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.host_checks import (
    keepalived_problems,
    nginx_problems,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.observed import KeepalivedState, NginxState
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.status import status
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.vip_status import (
    drain_problems as problems_of_drain,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read
from cluster_hostvars import (
    CONDITIONS,
    DAY,
    DRAINED,
    HOUR,
    NOW,
    ONE,
    PAIR,
    SOME,
    TRIO,
    TWO,
    VIPS,
    WHY,
    Change,
    Cluster,
    answer,
    away,
    stopped,
    verified,
)
from hypothesis import given, settings
from hypothesis import strategies as st

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
    known = {**cluster.hostvars, **others.hostvars}
    found = status(load_balancer.at_present(known, list(known), NOW))
    assert found["vips"][ONE]["note"] == "on nobody"
    del known["nginx3"]["keepalived_instances"]
    found = status(load_balancer.at_present(known, list(known), NOW))
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
    cluster.hostvars["nginx1"]["keepalived_now"] = {"unreachable": True, "msg": "no route"}
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
        "on nginx2, though nginx1 is healthy: it may return later",
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
        "on nginx2, for nginx1 has failed its check of nginx and has not been healthy for long enough since",
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
    del cluster.hostvars["nginx1"]["nginx_now"]
    assert cluster.status()["ok"]
    assert cluster.status()["hosts"]["nginx1"]["nginx_running"] is None
    cluster.hostvars["nginx1"]["nginx_now"] = {"msg": "host_info failed"}
    assert not cluster.status()["ok"]


def test_no_host_is_no_cluster() -> None:
    assert not status([])["ok"]
    assert verified([])["problems"] == ["No load balancer was asked. Name the right inventory with -i."]


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
    assert wording.duration(seconds) == text


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
            problems = problems_of_drain(hosts, named)
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
            f"Draining nginx1 would leave {ONE} (VI_1) with no healthy host, for nginx2 is to be drained too. "
            "Leave nginx2 out; or interrupt service with -e drain_force=true.",
            f"Draining nginx2 would leave {TWO} (VI_2) with no healthy host, for nginx1 is to be drained too. "
            "Leave nginx1 out; or interrupt service with -e drain_force=true.",
        ],
    ),
    "the other one is drained": (
        lambda cluster: (cluster.drain("nginx1"), away(cluster)),
        ["nginx2"],
        [
            f"Draining nginx2 would leave {address} with no healthy host, for {DRAINED}. "
            "Undrain nginx1; or interrupt service with -e drain_force=true."
            for address in (f"{ONE} (VI_1)", f"{TWO} (VI_2)")
        ],
    ),
    "the preferred one, though the VIP is elsewhere": (
        lambda cluster: (away(cluster), cluster.now("nginx2").update(check_failed=True)),
        ["nginx1"],
        [
            f"Draining nginx1 would leave {ONE} (VI_1) with no healthy host, for nginx2 has failed its check of nginx and has not "
            "been healthy for long enough since. Repair nginx on nginx2, or wait until its check has succeeded for long enough; "
            "or interrupt service with -e drain_force=true.",
        ],
    ),
    "the other one lacks an instance": (
        lambda cluster: cluster.daemon("nginx2")["instances"].pop(0),
        ["nginx1"],
        [
            f"Draining nginx1 would leave {ONE} (VI_1) with no healthy host, for keepalived on nginx2 does not know {ONE}. "
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
        f"Draining nginx1 would leave {ONE} (VI_1) with no healthy host, for no other host has it. "
        "Give it to another load balancer; or interrupt service with -e drain_force=true."
    ]


# one host's keepalived


def host_problems(
    result: object, expected: Sequence[str] | None = None, planned: Sequence[str] | None = None
) -> list[str]:
    return keepalived_problems(read(KeepalivedState, result), expected or (), planned or ())


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


def nginx_host_problems(result: object, before: object = None, reloaded: bool = False) -> list[str]:
    return nginx_problems(read(NginxState, result), read(NginxState, before), reloaded)


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
    [cluster_status, cluster_verify, lambda hostvars, hosts: drain_problems(hostvars, hosts, ["nginx1"]), change_plan],
    ids=["cluster_status", "cluster_verify", "drain_problems", "change_plan"],
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


def test_the_order_in_which_the_inventory_lists_hosts_changes_nothing() -> None:
    names = ("nginx1", "nginx2", "nginx10")
    cluster = Cluster(*names)
    cluster.leave("nginx1")
    cluster.nginx("nginx10")["version"] = "1.18.0"
    for variables in cluster.hostvars.values():
        # As planned by an old release, or by hand.
        for instance in variables["keepalived_instances"]:
            instance["priority"] = 100
    found = {
        json.dumps(judge(load_balancer.at_present(cluster.hostvars, order, NOW)))
        for order in permutations(names)
        for judge in (status, verified, lambda hosts: problems_of_drain(hosts, names))
    }
    assert len(found) == 3
    assert list(cluster.status()["hosts"]) == list(names)
    assert cluster.status()["vips"][ONE]["preferred"] == "nginx1"


PATHS = [
    (name, *keys)
    for name, variables in Cluster(*PAIR).hostvars.items()
    for keys in [
        *((registered,) for registered in variables),
        *((registered, key) for registered, value in variables.items() if isinstance(value, dict) for key in value),
        *(("keepalived_now", "daemon", key) for key in variables["keepalived_now"]["daemon"]),
    ]
]


@settings(max_examples=300)
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
