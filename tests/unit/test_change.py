# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does, in which order, what it expects meanwhile, and what it tells."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.action._change_plan import change_plan
from ansible_collections.evenkeel.nginx_ha.plugins.filter.playbooks import change_failure
from ansible_collections.evenkeel.nginx_ha.plugins.filter.vrrp_plan import vrrp_plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import change, load_balancer
from hypothesis import given, settings
from hypothesis import strategies as st

VI_1 = {"name": "VI_1", "address": "192.168.200.200/24"}
VI_2 = {"name": "VI_2", "address": "192.168.200.210/24"}
VI_3 = {"name": "VI_3", "address": "192.168.200.220/24"}
ONE, TWO, THREE = VI_1["address"], VI_2["address"], VI_3["address"]
LONGER = {**VI_1, "extra_addresses": ["192.168.200.201/24"]}
PAIR, TRIO = ("nginx1", "nginx2"), ("nginx1", "nginx2", "nginx3")
HOME = {"nginx1": [ONE], "nginx2": [TWO]}
UNIT, CONF = "/etc/systemd/system/keepalived.service", "/etc/keepalived/keepalived.conf"
BINARY = "/opt/keepalived/2.2.7-1a2b3c4d/sbin/keepalived"
BY_RUN, BY_OPS = "run of site.yml", "by ops@control 2026-11-23T10:00:00Z for maintenance"
OLDER = {"binary": "/opt/keepalived/2.2.4-9f8e7d6c/sbin/keepalived", "version": "2.2.4"}
Variables = dict[str, dict[str, Any]]


def cluster(
    hosts: Sequence[str] = PAIR,
    vips: Sequence[Mapping[str, Any]] = (VI_1, VI_2),
    before: Sequence[Mapping[str, Any]] | None = None,
    held: Mapping[str, Sequence[str]] | None = None,
    **settings: Any,
) -> Variables:
    """A cluster that runs as the plan wants it, but for its former VIPs and who holds what."""
    wanted, former = vrrp_plan(vips, hosts), vrrp_plan(vips if before is None else before, hosts)
    held = _home(former) if held is None else held
    return {
        host: {
            "keepalived_settings": {
                "hosts": list(hosts),
                "vrrp_version": 3,
                "advert_int": 0.25,
                "install_method": "source",
                "version": "2.2.7",
                **settings,
            },
            "keepalived_instances": wanted[host],
            "keepalived_found": {
                "addresses": [f"192.168.200.{150 + number}/24", *held.get(host, ())],
                "instances": [
                    {key: each[key] for key in ("name", "virtual_router_id", "priority", "virtual_ipaddress")}
                    | {"advert_int": 0.25}
                    for each in former[host]
                ],
                "vrrp_version": 3,
                "auth_differs": False,
                "drained": "",
                "standby": False,
                "version": "2.2.7",
                "daemon": {"running": True, "pid": 7, "binary": BINARY, "version": "2.2.7"},
            },
            "keepalived_staged": {"pending_files": [], "interrupted": False},
            "keepalived_binary_desired": BINARY,
            "keepalived_unit_path": UNIT,
            "nginx_found": {"installed": True, "running": True},
            "nginx_staged": {"pending_files": []},
            "nginx_upgrade": {},
            "check_nginx_staged": {"pending_files": []},
        }
        for number, host in enumerate(hosts)
    }


def _home(plan: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
    held: dict[str, list[str]] = {host: [] for host in plan}
    for index, instance in enumerate(next(iter(plan.values()))):
        held[max(plan, key=lambda host: plan[host][index]["priority"])] += instance["virtual_ipaddress"]
    return held


def pending(variables: Variables, *files: str, hosts: Sequence[str] = (), what: str = "keepalived") -> Variables:
    for host in hosts or variables:
        variables[host][f"{what}_staged"]["pending_files"] = list(files) or [f"/etc/{what}"]
    return variables


def informed(variables: Variables, hosts: Sequence[str] = (), **info: Any) -> Variables:
    for host in hosts or variables:
        variables[host]["keepalived_found"].update(info)
    return variables


def running(variables: Variables, hosts: Sequence[str] = (), **daemon: Any) -> Variables:
    for host in hosts or variables:
        variables[host]["keepalived_found"]["daemon"].update(daemon)
    return variables


def stopped(variables: Variables, *hosts: str) -> Variables:
    return running(variables, hosts, running=False, pid=0, binary="", version="")


def upgraded(variables: Variables, *hosts: str) -> Variables:
    for host in hosts or variables:
        variables[host]["nginx_upgrade"] = {"nginx": "1.24.0-1", "nginx-common": "1.24.0-1"}
    return variables


def plan(variables: Variables, *play_hosts: str) -> dict[str, Any]:
    names = play_hosts or tuple(variables)
    return change.plan(load_balancer.before_change(variables, names), names)


def order(planned: Mapping[str, Any]) -> list[list[str]]:
    return [batch["hosts"] for batch in planned["batches"]]


# Actions


def test_nothing_to_do() -> None:
    assert plan(cluster()) == {
        "changes": False,
        "batches": [],
        "lockstep": [],
        "disruptions": [],
        "summary": [],
        "actions": {host: {"nginx": "none", "check": "none", "keepalived": "none"} for host in PAIR},
        "final": HOME,
        "problems": [],
    }


def nginx(**info: Any) -> dict[str, Any]:
    return {"nginx_found": {"installed": True, "running": True, **info}}


def keepalived(**daemon: Any) -> dict[str, Any]:
    info = cluster()["nginx1"]["keepalived_found"]
    return {"keepalived_found": {**info, "daemon": {**info["daemon"], **daemon}}}


ACTIONS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "keepalived's configuration": ({"keepalived_staged": {"pending_files": [CONF]}}, {"keepalived": "reload"}),
    "keepalived's unit": ({"keepalived_staged": {"pending_files": [CONF, UNIT]}}, {"keepalived": "restart"}),
    "a change that was interrupted": (
        {"keepalived_staged": {"pending_files": [], "interrupted": True}},
        {"keepalived": "reload"},
    ),
    "another binary runs": (keepalived(**OLDER), {"keepalived": "restart"}),
    "nobody knows which binary runs": (keepalived(binary=""), {}),
    "keepalived does not run": (
        {**keepalived(running=False, **OLDER), "keepalived_staged": {"pending_files": [UNIT]}},
        {"keepalived": "start"},
    ),
    "nginx's configuration": ({"nginx_staged": {"pending_files": ["/etc/nginx/nginx.conf"]}}, {"nginx": "reload"}),
    "a newer nginx": (
        {"nginx_upgrade": {"nginx": "1.24.0"}, "nginx_staged": {"pending_files": ["/etc/nginx/nginx.conf"]}},
        {"nginx": "upgrade"},
    ),
    "nginx does not run": ({**nginx(running=False), "nginx_upgrade": {"nginx": "1.24.0"}}, {"nginx": "start"}),
    "the check": ({"check_nginx_staged": {"pending_files": ["/etc/keepalived/check_nginx.sh"]}}, {"check": "apply"}),
    "check mode on a bare host": (
        {"check_nginx_staged": {"skipped": True}, **nginx(running=False), **keepalived(running=False)},
        {"nginx": "start", "keepalived": "start"},
    ),
}


@pytest.mark.parametrize(("changes", "actions"), ACTIONS.values(), ids=ACTIONS)
def test_actions(changes: dict[str, Any], actions: dict[str, str]) -> None:
    variables = cluster()
    variables["nginx1"].update(changes)
    planned = plan(variables)
    nothing = {"nginx": "none", "check": "none", "keepalived": "none"}
    assert planned["actions"] == {"nginx1": {**nothing, **actions}, "nginx2": nothing}
    assert planned["changes"] == bool(actions)
    assert order(planned) == ([["nginx1"]] if actions else [])
    for batch in planned["batches"]:
        assert {what: batch[what] for what in nothing} == {what: ["nginx1"] * (what in actions) for what in nothing}


def test_a_host_of_which_nothing_is_known_gets_nothing_done() -> None:
    planned = plan({"web1": {}})
    assert planned["actions"] == {"web1": {"nginx": "none", "check": "none", "keepalived": "none"}}
    assert (planned["changes"], planned["final"]) == (False, {"web1": []})


def test_nginx_without_keepalived() -> None:
    planned = plan({"web1": nginx(running=False), "web2": nginx(running=False)})
    assert planned["actions"]["web1"] == {"nginx": "start", "check": "none", "keepalived": "none"}
    assert order(planned) == [["web1", "web2"]]


# Waves


def test_backups_come_first() -> None:
    variables = pending(cluster(TRIO, held={"nginx1": [ONE], "nginx3": [ONE, TWO]}))
    assert order(plan(variables)) == [["nginx2"], ["nginx1"], ["nginx3"]]


def test_of_two_backups_the_last_member_comes_first() -> None:
    assert order(plan(pending(cluster(TRIO, vips=[VI_1])))) == [["nginx3"], ["nginx2"], ["nginx1"]]


def test_a_vip_with_many_addresses_counts_once_and_a_former_one_counts_too() -> None:
    many = {**VI_1, "extra_addresses": [f"192.168.200.{number}/24" for number in (201, 202, 203)]}
    held = {"nginx1": [ONE, "192.168.200.201/24", "192.168.200.202/24"], "nginx2": [TWO, THREE]}
    variables = running(pending(cluster(vips=[many, VI_2], before=[many, VI_2, VI_3], held=held)), version="2.3.3")
    assert order(plan(variables)) == [["nginx1"], ["nginx2"]]


def test_an_address_of_the_host_itself_is_no_vip() -> None:
    assert order(plan(pending(cluster(vips=[VI_2], held={"nginx2": [TWO]})))) == [["nginx1"], ["nginx2"]]


def test_who_does_not_run_keepalived_comes_before_all_others() -> None:
    assert order(plan(stopped(pending(cluster(TRIO, vips=[VI_1])), "nginx2"))) == [["nginx2"], ["nginx3"], ["nginx1"]]


def test_a_first_installation_is_one_batch() -> None:
    planned = plan(stopped(pending(informed(cluster(held={}), instances=[])), *PAIR))
    (batch,) = planned["batches"]
    assert batch == {
        "hosts": ["nginx1", "nginx2"],
        "drain": [],
        "undrain": [],
        "keepalived": ["nginx1", "nginx2"],
        "nginx": [],
        "check": [],
        "expect": HOME,
    }
    assert planned["disruptions"] == []
    assert planned["summary"] == ["1. nginx1, nginx2: keepalived start"]


def test_clusters_change_in_parallel_and_no_wave_is_empty() -> None:
    other = {"name": "VI_9", "address": "192.168.200.90/24"}
    variables = {**pending(cluster(TRIO), hosts=["nginx1", "nginx3"]), **pending(cluster(("a", "b"), vips=[other]))}
    planned = plan({**variables, **cluster(("c", "d"), vips=[VI_3])})
    assert order(planned) == [["b", "nginx3"], ["a", "nginx1"]]
    assert planned["batches"][1]["expect"] == {"nginx1": [ONE], "a": ["192.168.200.90/24"]}


# Drains


def drains(planned: Mapping[str, Any]) -> list[tuple[list[str], list[str]]]:
    return [(batch["drain"], batch["undrain"]) for batch in planned["batches"]]


def test_a_restart_and_an_upgrade_drain_a_host_and_a_reload_does_not() -> None:
    everyone = [(["nginx2"], ["nginx2"]), (["nginx1"], ["nginx1"])]
    assert drains(plan(pending(cluster(), UNIT))) == everyone
    assert drains(plan(upgraded(cluster()))) == everyone
    reload = pending(pending(pending(cluster(), CONF), what="nginx"), what="check_nginx")
    assert drains(plan(reload)) == [([], []), ([], [])]


EVERYTHING = {"nginx1": [ONE, TWO]}
DRAINS: dict[str, tuple[Variables, list[list[str]]]] = {
    "a cluster of one": (pending(cluster(["nginx1"]), UNIT), [[]]),
    "the other runs by then": (stopped(pending(cluster(), UNIT), "nginx2"), [[], ["nginx1"]]),
    "an operator drained the other": (
        informed(pending(cluster(held=EVERYTHING), UNIT), ["nginx2"], drained=BY_OPS),
        [[], []],
    ),
    "a killed run left the other drained, but it is taken back by then": (
        informed(pending(cluster(held=EVERYTHING), UNIT, hosts=["nginx1"]), ["nginx2"], drained=BY_RUN),
        [[], ["nginx1"]],
    ),
    "a killed run left the other drained, and its turn comes later": (
        informed(pending(cluster(held={}), UNIT), ["nginx1"], drained=BY_RUN),
        [[], ["nginx1"]],
    ),
    "an operator drained it itself": (informed(pending(cluster(), UNIT, hosts=["nginx1"]), drained=BY_OPS), [[]]),
}


@pytest.mark.parametrize(("variables", "expected"), DRAINS.values(), ids=DRAINS)
def test_drain_where_another_member_can_take_over(variables: Variables, expected: list[list[str]]) -> None:
    assert [batch["drain"] for batch in plan(variables)["batches"]] == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (None, ["nginx1"]),
        ({}, ["nginx1"]),
        (cluster()["nginx2"], ["nginx1"]),
        (stopped(cluster(), "nginx2")["nginx2"], []),
        (informed(cluster(), drained=BY_OPS)["nginx2"], []),
        (informed(cluster(), drained=BY_RUN)["nginx2"], []),
    ],
)
def test_a_member_that_is_not_in_the_play_can_take_over_unless_known_better(
    known: dict[str, Any] | None, expected: list[str]
) -> None:
    variables = pending(cluster(), UNIT, hosts=["nginx1"])
    del variables["nginx2"]
    planned = plan(variables | ({} if known is None else {"nginx2": known}), "nginx1")
    assert [batch["drain"] for batch in planned["batches"]] == [expected]


@pytest.mark.parametrize("info", [{"drained": BY_RUN}, {"standby": True}, {"drained": BY_RUN, "standby": True}])
def test_what_a_killed_run_has_left_drained_is_taken_back(info: dict[str, Any]) -> None:
    planned = plan(informed(cluster(held={"nginx2": [ONE, TWO]}), ["nginx1"], **info))
    (batch,) = planned["batches"]
    assert planned["changes"]
    assert (batch["hosts"], batch["drain"], batch["undrain"]) == (["nginx1"], [], ["nginx1"])
    assert (batch["keepalived"], batch["nginx"], batch["check"], batch["expect"]) == ([], [], [], {"nginx1": [ONE]})
    assert planned["actions"]["nginx1"]["keepalived"] == "none"
    assert planned["summary"] == ["1. nginx1: undrain, left over from before"]
    assert planned["disruptions"] == ["VI_1 moves from nginx2 to nginx1"]


@pytest.mark.parametrize("standby", [False, True])
def test_what_an_operator_drained_stays_drained(standby: bool) -> None:
    variables = informed(cluster(held={"nginx2": [ONE, TWO]}), ["nginx1"], drained=BY_OPS, standby=standby)
    assert not plan(variables)["changes"]
    planned = plan(pending(variables, UNIT))
    assert drains(planned) == [([], []), ([], [])]
    assert [batch["expect"] for batch in planned["batches"]] == [{"nginx1": []}, {"nginx2": [ONE, TWO]}]
    assert planned["final"] == {"nginx1": [], "nginx2": [ONE, TWO]}


# What is expected


def expectations(planned: Mapping[str, Any]) -> list[dict[str, list[str]]]:
    return [batch["expect"] for batch in planned["batches"]]


def test_a_host_must_have_its_vips_at_the_end_of_its_batch() -> None:
    planned = plan(pending(cluster(preempt_delay=3)))
    assert expectations(planned) == [{"nginx2": [TWO]}, {"nginx1": [ONE]}]
    assert planned["final"] == HOME


def test_a_better_host_that_has_not_had_its_turn_may_have_the_vip() -> None:
    variables = pending(cluster(TRIO, vips=[VI_1]))
    assert expectations(plan(variables)) == [{"nginx3": []}, {"nginx2": []}, {"nginx1": [ONE]}]
    variables = stopped(pending(cluster(TRIO, vips=[VI_1], held={"nginx2": [ONE]})), "nginx1")
    assert expectations(plan(variables)) == [{"nginx1": [ONE]}, {"nginx3": []}, {"nginx2": []}]


def test_a_former_priority_counts_until_a_host_has_changed() -> None:
    # nginx1 has 254 until its batch, as nginx2 has from its own on: nginx1 need not give the VIP away before it reloads.
    variables = pending(cluster(vips=[{**VI_1, "preferred": "nginx2"}], before=[VI_1]))
    planned = plan(variables)
    assert expectations(planned) == [{"nginx2": []}, {"nginx1": []}]
    assert planned["final"] == {"nginx1": [], "nginx2": [ONE]}
    assert planned["disruptions"] == ["VI_1 moves from nginx1 to nginx2"]
    lower = [{**VI_1, "priorities": {"nginx1": 150, "nginx2": 100}}]
    variables = pending(cluster(vips=[{**VI_1, "preferred": "nginx2"}], before=lower))
    assert expectations(plan(variables)) == [{"nginx2": [ONE]}, {"nginx1": []}]


def test_without_former_priorities_those_of_the_plan_count() -> None:
    variables = pending(cluster(vips=[{**VI_1, "preferred": "nginx2"}], before=[VI_1]))
    for host in PAIR:
        del variables[host]["keepalived_found"]["instances"][0]["priority"]
    assert expectations(plan(variables)) == [{"nginx2": [ONE]}, {"nginx1": []}]


def test_nopreempt_is_expected_of_nobody_but_a_host_that_is_alone() -> None:
    still = {**VI_1, "nopreempt": True}
    planned = plan(pending(cluster(vips=[still, VI_2])))
    assert expectations(planned) == [{"nginx2": [TWO]}, {"nginx1": []}]
    assert planned["final"] == {"nginx1": [], "nginx2": [TWO]}
    alone = plan(pending(cluster(["nginx1"], vips=[still, VI_2])))
    assert expectations(alone) == [{"nginx1": [ONE, TWO]}]


def test_nothing_is_expected_while_a_member_is_not_in_the_play() -> None:
    planned = plan(pending(cluster()), "nginx1")
    assert expectations(planned) == [{"nginx1": []}]
    assert planned["final"] == {"nginx1": []}
    assert planned["problems"] == []


# Together


def conf(variables: Variables, **settings: Any) -> Variables:
    for own in variables.values():
        own["keepalived_settings"].update(settings)
    return pending(variables, CONF)


V2 = {"vrrp_version": 2, "advert_int": 1}
RENUMBERED = {**VI_1, "virtual_router_id": 51}
ADDED = "VI_1 changes its addresses from 192.168.200.200/24 to 192.168.200.200/24 and 192.168.200.201/24"
VRID = "VI_1 changes its VRID from 51 to 200 and keeps 192.168.200.200"
SIX = {"name": "VI_6", "address": "2001:db8::c8/64"}


def each_instance(variables: Variables, **changes: Any) -> Variables:
    for own in variables.values():
        for instance in own["keepalived_found"]["instances"]:
            instance.update(changes)
    return variables


def without_addresses(variables: Variables) -> Variables:
    for own in variables.values():
        for instance in own["keepalived_found"]["instances"]:
            del instance["virtual_ipaddress"]
    return variables


def ranked(variables: Variables, hosts: Sequence[str] = (), by: int = 0) -> Variables:
    """With the priorities of another base before, and with drains."""
    for host in hosts or variables:
        own = variables[host]
        for instance, wanted in zip(own["keepalived_found"]["instances"], own["keepalived_instances"], strict=True):
            instance.update(priority=wanted["priority"] + by, drained_weight=wanted["weight"])
    return variables


PRIORITIES = "the priorities change so far that a host would keep its VIPs while it is drained"
SIGNING = (
    "the signing of adverts changes in one step (receive-only, permissive and enforce one after the other go host by host, and so does a "
    "new key that becomes the active one later)"
)
TRAILERS = "keepalived 2.4.0 and later ones do not understand each other's signed adverts"
TOGETHER: dict[str, tuple[Variables, str, list[str]]] = {
    "an address is added below 2.3.3": (conf(cluster(vips=[LONGER, VI_2], before=[VI_1, VI_2])), "survivor", [ADDED]),
    "one member is below 2.3.3": (
        running(conf(cluster(vips=[LONGER, VI_2], before=[VI_1, VI_2])), ["nginx1"], version="2.3.3"),
        "survivor",
        [ADDED],
    ),
    "nobody knows which version runs": (
        running(conf(cluster(vips=[LONGER, VI_2], before=[VI_1, VI_2])), version=""),
        "survivor",
        [ADDED],
    ),
    "the version that is wanted is below 2.3.3": (
        running(
            conf(cluster(vips=[LONGER, VI_2], before=[VI_1, VI_2])),
            version="2.3.3",
            binary="/opt/keepalived/2.3.3/sbin",
        ),
        "survivor",
        [ADDED],
    ),
    "an instance has another address and its pinned VRID": (
        conf(cluster(vips=[{**VI_1, "address": THREE, "virtual_router_id": 200}, VI_2], before=[VI_1, VI_2])),
        "survivor",
        ["VI_1 changes its addresses from 192.168.200.200/24 to 192.168.200.220/24"],
    ),
    "an address moves to another instance": (
        conf(cluster(vips=[VI_1, {**VI_2, "address": "192.168.200.201/24"}], before=[LONGER])),
        "others",
        [
            "VI_1 changes its addresses from 192.168.200.200/24 and 192.168.200.201/24 to 192.168.200.200/24",
            "VI_2 changes its VRID from 200 to 201 and keeps 192.168.200.201",
        ],
    ),
    "another VRID": (conf(cluster(before=[RENUMBERED, VI_2])), "others", [VRID]),
    "another VRID from 2.3.3 on": (
        running(conf(cluster(before=[RENUMBERED, VI_2])), version="2.3.4"),
        "others",
        [VRID],
    ),
    "another VRID, and nobody knows of addresses": (
        without_addresses(conf(cluster(before=[RENUMBERED, VI_2]))),
        "others",
        [VRID],
    ),
    "another VRID and another name": (
        conf(cluster(before=[{**RENUMBERED, "name": "VIP"}, VI_2])),
        "others",
        [VRID],
    ),
    "another VRRP version": (
        informed(conf(cluster()), vrrp_version=2, auth_differs=True),
        "others",
        ["the VRRP version changes from 2 to 3", "the password changes"],
    ),
    "from unicast to multicast": (
        each_instance(conf(cluster()), unicast_peers=["192.0.2.9", "192.0.2.10"]),
        "others",
        [
            f"{name} sends its adverts to the multicast group instead of 192.0.2.10 and 192.0.2.9"
            for name in ("VI_1", "VI_2")
        ],
    ),
    "another multicast group": (
        each_instance(conf(cluster()), group="224.0.0.20"),
        "others",
        [f"{name} sends its adverts to the group 224.0.0.18 instead of 224.0.0.20" for name in ("VI_1", "VI_2")],
    ),
    "another password": (
        informed(each_instance(conf(cluster(), **V2), advert_int=1), vrrp_version=2, auth_differs=True),
        "others",
        ["the password changes"],
    ),
    "another key at once": (informed(conf(cluster()), hmac_differs=True), "others", [SIGNING]),
    "another key at once, of IPv6": (informed(conf(cluster(vips=[SIX])), hmac_differs=True), "others", [SIGNING]),
    "from keepalived 2.4.0 on with signed adverts": (
        running(conf(cluster(auth_hmac={"active_key": 1}, version="2.4.2")), binary="/opt/2.4.0", version="2.4.0"),
        "others",
        [TRAILERS],
    ),
    "back to keepalived 2.4.0 with signed adverts": (
        running(conf(cluster(auth_hmac={"active_key": 1}, version="2.4.0")), binary="/opt/2.4.1", version="2.4.1"),
        "others",
        [TRAILERS],
    ),
    "another advert interval": (
        informed(each_instance(conf(cluster(), **V2), advert_int=2.0), vrrp_version=2),
        "others",
        ["the advert interval changes from 2 s to 1 s"],
    ),
    "much lower priorities and a restart": (ranked(pending(cluster(), UNIT), by=30), "survivor", [PRIORITIES]),
    "much higher priorities and a restart": (ranked(pending(cluster(), UNIT), by=-30), "survivor", [PRIORITIES]),
    "lower priorities from 2.3.3 on": (
        ranked(running(pending(cluster(), UNIT), version="2.3.3"), by=30),
        "survivor",
        [PRIORITIES],
    ),
    "priorities of which a run that was killed has lowered one": (
        ranked(ranked(pending(cluster(), UNIT, hosts=["nginx1"]), by=30), ["nginx2"]),
        "survivor",
        [PRIORITIES],
    ),
}


@pytest.mark.parametrize(("variables", "first", "reasons"), TOGETHER.values(), ids=TOGETHER)
def test_members_that_would_not_understand_each_other_change_together(
    variables: Variables, first: str, reasons: list[str]
) -> None:
    planned = plan(variables)
    assert planned["lockstep"] == [
        {
            "hosts": ["nginx1", "nginx2"],
            "survivor": "nginx1",
            "others": ["nginx2"],
            "first": first,
            "restart": [host for host, actions in planned["actions"].items() if actions["keepalived"] == "restart"],
            "drain": ["nginx2"],
            "reasons": reasons,
        }
    ]
    assert (planned["batches"], planned["problems"]) == ([], [])
    leader = "nginx1" if first == "survivor" else "nginx2"
    text = " and ".join(reasons)
    assert planned["summary"] == [
        f"1. nginx1, nginx2 in lockstep, {leader} first: keepalived takes new settings ({text})"
    ]
    assert planned["disruptions"][0] == f"nginx1, nginx2: {text}, so keepalived changes on all of them at once"


ONE_BY_ONE: dict[str, Variables] = {
    "much lower priorities and a reload": ranked(conf(cluster()), by=30),
    "lower priorities of hosts that know no drain": pending(each_instance(cluster(), priority=255), UNIT),
    "lower priorities where a drain is a fault": ranked(
        pending(cluster(vips=[{**VI_1, "nopreempt": True}]), UNIT), by=30
    ),
    "an address is added from 2.3.3 on": running(
        conf(cluster(vips=[LONGER, VI_2], before=[VI_1, VI_2])), version="2.3.3"
    ),
    "another order of addresses": conf(
        cluster(
            vips=[{**VI_1, "extra_addresses": [THREE]}],
            before=[{**VI_1, "address": THREE, "extra_addresses": [ONE], "virtual_router_id": 200}],
        )
    ),
    "another prefix": conf(cluster(vips=[VI_1], before=[{**VI_1, "address": "192.168.200.200/25"}])),
    "another name": conf(cluster(vips=[VI_1], before=[{**VI_1, "name": "VIP"}])),
    "an instance is added": conf(cluster(vips=[VI_1, VI_2, VI_3], before=[VI_1, VI_2])),
    "an instance is removed": conf(cluster(before=[VI_1, VI_2, VI_3])),
    "a VIP is renumbered": conf(cluster(vips=[VI_1, {**VI_2, "address": THREE}], before=[VI_1, VI_2])),
    "addresses were not known before": without_addresses(conf(cluster(before=[VI_1, {**VI_2, "address": ONE}][:1]))),
    "no member runs": stopped(conf(cluster(before=[RENUMBERED, VI_2])), *PAIR),
    "a cluster of one": conf(cluster(["nginx1"], before=[RENUMBERED, VI_2])),
    "a password that version 3 does not have": informed(conf(cluster()), auth_differs=True),
    "another version for IPv6 alone": informed(
        each_instance(conf(cluster(vips=[SIX]), **V2), advert_int=3), vrrp_version=3, auth_differs=True
    ),
    "signed adverts that are understood": informed(conf(cluster(auth_hmac={"active_key": 1})), hmac_differs=False),
    "another key while no VIP stays": informed(conf(cluster(vips=[VI_1], before=[VI_3])), hmac_differs=True),
    "from keepalived 2.4.1 on with signed adverts": running(
        conf(cluster(auth_hmac={"active_key": 1}, version="2.4.2")), binary="/opt/2.4.1", version="2.4.1"
    ),
    "from keepalived 2.3.3 to 2.4.0 with signed adverts": running(
        conf(cluster(auth_hmac={"active_key": 1}, version="2.4.0")), binary="/opt/2.3.3", version="2.3.3"
    ),
    "from keepalived 2.4.0 on without signed adverts": running(
        conf(cluster(version="2.4.2")), binary="/opt/2.4.0", version="2.4.0"
    ),
    "another advert interval of version 3": each_instance(conf(cluster()), advert_int=1),
    "a version of which nothing is known": informed(conf(cluster()), vrrp_version=None),
    "an advert interval of which nothing is known": informed(
        each_instance(conf(cluster(), **V2), advert_int=None), vrrp_version=2
    ),
    "another version while no VIP stays": informed(
        conf(cluster(vips=[VI_1], before=[VI_3])), vrrp_version=2, auth_differs=True
    ),
}


@pytest.mark.parametrize("variables", ONE_BY_ONE.values(), ids=ONE_BY_ONE)
def test_other_changes_go_host_by_host(variables: Variables) -> None:
    planned = plan(variables)
    assert (planned["lockstep"], planned["problems"]) == ([], [])
    assert sorted(host for batch in planned["batches"] for host in batch["keepalived"]) == sorted(variables)


def test_a_third_member_takes_the_priorities_apart_and_joins_host_by_host() -> None:
    variables = pending(cluster(TRIO), UNIT)
    for host, own in ranked(cluster(PAIR)).items():
        variables[host]["keepalived_found"] = own["keepalived_found"]
    stopped(variables, "nginx3")["nginx3"]["keepalived_found"]["instances"] = []
    planned = plan(variables)
    assert (planned["lockstep"], [batch["drain"] for batch in planned["batches"]]) == ([], [[], ["nginx2"], ["nginx1"]])


def test_a_member_that_a_killed_run_has_silenced_speaks_after_the_one_that_has_the_vips() -> None:
    variables = stopped(conf(cluster(before=[LONGER, VI_2])), "nginx2")
    (entry,) = plan(variables)["lockstep"]
    assert (entry["survivor"], entry["others"], entry["first"], entry["drain"]) == (
        "nginx1",
        ["nginx2"],
        "survivor",
        [],
    )


def test_together_with_other_changes() -> None:
    variables = conf(cluster(TRIO, before=[RENUMBERED, VI_2], held={"nginx2": [ONE, TWO]}))
    pending(upgraded(variables, "nginx2"), CONF, UNIT, hosts=["nginx1", "nginx3"])
    pending(informed(variables, ["nginx3"], drained=BY_RUN), what="check_nginx", hosts=["nginx3"])
    planned = plan(stopped(variables, "nginx1"))
    assert [{key: batch[key] for key in ("hosts", "drain", "undrain", "expect")} for batch in planned["batches"]] == [
        {"hosts": ["nginx3"], "drain": [], "undrain": ["nginx3"], "expect": {"nginx3": []}},
        {"hosts": ["nginx2"], "drain": ["nginx2"], "undrain": ["nginx2"], "expect": {"nginx2": []}},
    ]
    assert [(batch["keepalived"], batch["nginx"], batch["check"]) for batch in planned["batches"]] == [
        ([], [], ["nginx3"]),
        ([], ["nginx2"], []),
    ]
    (entry,) = planned["lockstep"]
    assert (entry["survivor"], entry["others"]) == ("nginx2", ["nginx1", "nginx3"])
    assert (entry["restart"], entry["drain"]) == (["nginx3"], ["nginx3"])
    assert planned["summary"] == [
        "1. nginx3: new check, undrain, left over from before",
        "2. nginx2: nginx upgrade (drained meanwhile)",
        f"3. nginx1, nginx2, nginx3 in lockstep, nginx1, nginx3 first: keepalived takes new settings ({VRID})",
    ]
    home = planned["final"]
    assert home == _home({host: variables[host]["keepalived_instances"] for host in TRIO})


def test_a_drained_member_is_not_drained_again_together() -> None:
    variables = informed(conf(cluster(before=[RENUMBERED, VI_2])), ["nginx2"], drained=BY_OPS)
    assert plan(variables)["lockstep"][0]["drain"] == []


def test_a_change_of_all_members_needs_all_of_them() -> None:
    variables = conf(cluster(TRIO, before=[RENUMBERED, VI_2]))
    planned = plan({"nginx1": variables["nginx1"]}, "nginx1")
    assert planned["problems"] == [
        f"nginx1: {VRID}, which has to happen on all members at once, and nginx2 and nginx3 are not in this run. Run it without "
        "--limit, or take nginx2 and nginx3 out of keepalived_hosts if they are gone."
    ]
    assert planned["lockstep"] == []
    variables = conf(cluster(before=[RENUMBERED, VI_2]))
    assert plan(variables, "nginx1")["problems"] == [
        f"nginx1: {VRID}, which has to happen on all members at once, and nginx2 is not in this run. Run it without "
        "--limit, or take nginx2 out of keepalived_hosts if it is gone."
    ]
    variables = running(conf(cluster(vips=[LONGER, VI_2], before=[VI_1, VI_2])), version="2.3.3")
    assert ADDED in plan({"nginx1": variables["nginx1"]}, "nginx1")["problems"][0]


def test_a_member_outside_the_play_that_is_known_to_be_stopped_is_not_needed() -> None:
    planned = plan(stopped(conf(cluster(before=[RENUMBERED, VI_2])), "nginx2"), "nginx1")
    assert (planned["problems"], planned["lockstep"], order(planned)) == ([], [], [["nginx1"]])
    assert planned["final"] == {"nginx1": []}


@pytest.mark.parametrize("nginx_files", [(), ("nginx1",)])
def test_a_member_that_starts_together_with_the_others_takes_no_vip_before(nginx_files: Sequence[str]) -> None:
    variables = informed(conf(cluster(TRIO, before=[RENUMBERED, VI_2])), ["nginx3"], drained=BY_OPS)
    for host in nginx_files:
        pending(variables, what="nginx", hosts=[host])
    planned = plan(upgraded(stopped(variables, "nginx1"), "nginx2"))
    assert planned["lockstep"][0]["hosts"] == list(TRIO)
    assert order(planned) == [[host] for host in (*nginx_files, "nginx2")]
    assert planned["batches"][-1]["drain"] == []


def test_the_survivor_runs() -> None:
    variables = stopped(conf(cluster(TRIO, before=[RENUMBERED, VI_2], held={})), "nginx1")
    assert plan(variables)["lockstep"][0]["survivor"] == "nginx2"


@pytest.mark.parametrize("hosts", [("nginx2", "nginx10"), ("nginx10", "nginx2")])
def test_of_equals_the_first_by_natural_order_survives_and_changes_last(hosts: Sequence[str]) -> None:
    variables = conf(cluster(hosts, before=[RENUMBERED, VI_2], held={}))
    (entry,) = plan(variables)["lockstep"]
    assert (entry["hosts"], entry["survivor"], entry["others"]) == (["nginx2", "nginx10"], "nginx2", ["nginx10"])
    assert order(plan(pending(cluster(hosts, held={})))) == [["nginx10"], ["nginx2"]]
    assert order(plan(stopped(pending(cluster(hosts, held={})), *hosts))) == [["nginx2", "nginx10"]]


# What is told


MOVED_1 = "VI_1 (192.168.200.200) goes to another host and comes back"
DISRUPTIONS: dict[str, tuple[Variables, list[str]]] = {
    "a reload": (pending(cluster(), CONF), []),
    "a start": (stopped(pending(cluster(held={"nginx1": [ONE, TWO]})), "nginx2"), ["VI_2 moves from nginx1 to nginx2"]),
    "a restart": (
        pending(cluster(), UNIT),
        [
            "nginx2: keepalived is restarted (unit changed): VI_2 (192.168.200.210) goes to another host and comes back",
            f"nginx1: keepalived is restarted (unit changed): {MOVED_1}",
        ],
    ),
    "another version": (
        running(cluster(), ["nginx1"], **OLDER),
        [f"nginx1: keepalived is restarted (version 2.2.4 to 2.2.7): {MOVED_1}"],
    ),
    "another version of the package": (
        running(conf(cluster(held={"nginx1": [ONE]}), install_method="package", version="2.2.2"), ["nginx1"], **OLDER),
        [f"nginx1: keepalived is restarted (version 2.2.4 to 2.2.7): {MOVED_1}"],
    ),
    "another build, and the unit": (
        pending(running(cluster(), ["nginx1"], binary="/usr/sbin/keepalived"), UNIT, hosts=["nginx1"]),
        [f"nginx1: keepalived is restarted (unit changed, another build): {MOVED_1}"],
    ),
    "an upgrade and a restart": (
        upgraded(pending(cluster(), UNIT, hosts=["nginx1"]), "nginx1"),
        [
            "nginx1: nginx is upgraded (nginx 1.24.0-1, nginx-common 1.24.0-1) and keepalived is restarted (unit changed): "
            + MOVED_1
        ],
    ),
    "a host without VIPs that is alone": (pending(cluster(["nginx1"], held={}), UNIT), []),
    "an upgrade where keepalived does not run": (stopped(upgraded(cluster(), "nginx1"), "nginx1"), []),
    "hosts that are drained, all of them": (pending(informed(cluster(), drained=BY_OPS)), []),
    "a host without VIPs": (pending(cluster(vips=[VI_1]), UNIT, hosts=["nginx2"]), []),
    "a host that is alone": (
        pending(cluster(["nginx1"]), UNIT),
        [
            "nginx1: keepalived is restarted (unit changed), and no other host can take VI_1 (192.168.200.200) and VI_2 "
            "(192.168.200.210): they are down meanwhile"
        ],
    ),
    "a host that is alone, and one VIP": (
        upgraded(cluster(["nginx1"], vips=[VI_1])),
        [
            "nginx1: nginx is upgraded (nginx 1.24.0-1, nginx-common 1.24.0-1), and no other host can take VI_1 "
            "(192.168.200.200): it is down meanwhile"
        ],
    ),
    "nopreempt": (
        pending(cluster(vips=[{**VI_1, "nopreempt": True}]), UNIT, hosts=["nginx1"]),
        ["nginx1: keepalived is restarted (unit changed): VI_1 (192.168.200.200) goes to another host"],
    ),
    "several VIPs": (
        pending(cluster(vips=[{**vip, "preferred": "nginx1"} for vip in (VI_1, VI_2)]), UNIT, hosts=["nginx1"]),
        [
            "nginx1: keepalived is restarted (unit changed): VI_1 (192.168.200.200) and VI_2 (192.168.200.210) go to another host "
            "and come back"
        ],
    ),
    "a VIP that goes for good": (
        pending(cluster(vips=[{**VI_1, "preferred": "nginx2"}], before=[VI_1]), UNIT),
        ["VI_1 moves from nginx1 to nginx2"],
    ),
    "a member is not in the play": (
        pending({"nginx1": cluster()["nginx1"]}, UNIT),
        ["nginx1: keepalived is restarted (unit changed): VI_1 (192.168.200.200) goes to another host"],
    ),
    "a VIP is removed": (pending(cluster(vips=[VI_1], before=[VI_1, VI_2])), ["VI_2 (192.168.200.210) is removed"]),
    "a VIP with several addresses is removed": (
        pending(cluster(vips=[VI_2], before=[LONGER, VI_2])),
        ["VI_1 (192.168.200.200, 192.168.200.201) is removed", "VI_2 moves from nginx2 to nginx1"],
    ),
    "a VIP is removed of which nothing is known": (
        without_addresses(pending(cluster(vips=[VI_1], before=[VI_1, VI_2]))),
        ["VI_2 is removed"],
    ),
    "a VIP is added": (pending(cluster(before=[VI_1])), []),
    "a VIP is renumbered": (
        pending(cluster(vips=[VI_1, {**VI_2, "address": THREE}], before=[VI_1, VI_2])),
        ["VI_2 changes its addresses from 192.168.200.210/24 to 192.168.200.220/24"],
    ),
    "an address is added": (
        running(pending(cluster(vips=[LONGER, VI_2], before=[VI_1, VI_2])), version="2.3.3"),
        [],
    ),
    "an address is removed": (
        running(pending(cluster(before=[LONGER, VI_2])), version="2.3.3"),
        ["VI_1 changes its addresses from 192.168.200.200/24 and 192.168.200.201/24 to 192.168.200.200/24"],
    ),
    "another prefix": (
        pending(each_instance(cluster(vips=[VI_1]), virtual_ipaddress=["192.168.200.200"])),
        ["VI_1 changes its addresses from 192.168.200.200 to 192.168.200.200/24"],
    ),
    "the same address in another spelling": (
        pending(each_instance(cluster(vips=[SIX]), virtual_ipaddress=["2001:DB8:0::c8/64"])),
        [],
    ),
    "another name": (pending(cluster(vips=[VI_1], before=[{**VI_1, "name": "VIP"}])), []),
    "another name and an address less": (
        running(pending(cluster(vips=[VI_1], before=[{**LONGER, "name": "VIP"}])), version="2.3.3"),
        ["VI_1 changes its addresses from 192.168.200.200/24 and 192.168.200.201/24 to 192.168.200.200/24"],
    ),
    "another preferred host": (
        pending(cluster(vips=[{**VI_1, "preferred": "nginx2"}], before=[VI_1])),
        ["VI_1 moves from nginx1 to nginx2"],
    ),
    "two holders": (
        pending(cluster(vips=[VI_1], held={"nginx1": [ONE], "nginx2": [ONE]})),
        ["VI_1 moves from nginx2 to nginx1"],
    ),
    "an address of all members at once": (
        pending(cluster(vips=[{**VI_1, "address": THREE, "virtual_router_id": 200}], before=[VI_1])),
        [
            "nginx1, nginx2: VI_1 changes its addresses from 192.168.200.200/24 to 192.168.200.220/24, so keepalived changes on all of "
            "them at once"
        ],
    ),
    "no change, though a VIP is not at home": (cluster(held=EVERYTHING), []),
}


@pytest.mark.parametrize(("variables", "texts"), DISRUPTIONS.values(), ids=DISRUPTIONS)
def test_disruptions(variables: Variables, texts: list[str]) -> None:
    assert plan(variables)["disruptions"] == texts


def test_summary() -> None:
    variables = pending(pending(cluster(), UNIT, hosts=["nginx2"]), what="nginx")
    pending(variables, what="check_nginx", hosts=["nginx1"])
    other = upgraded(cluster(("a", "b"), vips=[VI_3]), "a", "b")
    assert plan(variables | other)["summary"] == [
        "1. b: nginx upgrade (drained meanwhile); nginx2: nginx reload, keepalived restart (drained meanwhile)",
        "2. a: nginx upgrade (drained meanwhile); nginx1: nginx reload, new check",
    ]


def test_a_line_names_some_hosts_only() -> None:
    variables: Variables = {}
    for number in range(10):
        vip = {"name": "VI_1", "address": f"10.0.{number}.200/24"}
        variables |= pending(cluster((f"a{number}", f"b{number}"), vips=[vip]))
    assert plan(variables)["summary"][0] == "1. b0, b1, b2, b3, b4, b5, b6, b7 and 2 others: keepalived reload"


# Properties


@st.composite
def fleets(draw: st.DrawFn) -> Variables:
    variables: Variables = {}
    for number in range(draw(st.integers(1, 3))):
        hosts = [f"{'abc'[number]}{index}" for index in (1, 2, 10, 11)[: draw(st.integers(1, 4))]]
        names = [f"VI_{index}" for index in range(draw(st.integers(0, 3)))]
        now, then = (draw(vips(names, hosts, number)) for dummy in range(2))
        own = cluster(hosts, then, now, {})
        for host in hosts:
            draw(condition(own[host]))
        variables |= own
    return variables


@st.composite
def vips(draw: st.DrawFn, names: Sequence[str], hosts: Sequence[str], number: int) -> list[dict[str, Any]]:
    found = []
    for index, name in enumerate(names):
        vip: dict[str, Any] = {"name": name, "address": f"10.0.{number}.{10 + index}/24"}
        if draw(st.booleans()):
            vip["order"] = draw(st.permutations(hosts))
        if draw(st.integers(0, 5)) == 0:
            vip["virtual_router_id"] = 100 + index
        if draw(st.integers(0, 5)) == 0:
            vip["nopreempt"] = True
        if draw(st.integers(0, 8)):
            found.append(vip)
    return found


@st.composite
def condition(draw: st.DrawFn, own: dict[str, Any]) -> None:
    info = own["keepalived_found"]
    info["drained"] = draw(st.sampled_from(["", "", "", BY_RUN, BY_OPS]))
    info["standby"] = draw(st.integers(0, 9)) == 0
    own["keepalived_staged"]["pending_files"] = draw(st.sampled_from([[], [CONF], [CONF, UNIT]]))
    if not own["keepalived_staged"]["pending_files"]:
        info["instances"] = [dict(instance, advert_int=0.25) for instance in own["keepalived_instances"]]
    if draw(st.integers(0, 3)) == 0:
        info["daemon"] = {"running": False}
    else:
        addresses = [address for instance in info["instances"] for address in instance["virtual_ipaddress"]]
        info["addresses"] += [address for address in addresses if draw(st.booleans())]
    own["nginx_found"]["running"] = draw(st.integers(0, 5)) > 0
    own["nginx_upgrade"] = draw(st.sampled_from([{}, {}, {"nginx": "1.24.0"}]))
    own["check_nginx_staged"]["pending_files"] = draw(st.sampled_from([[], ["/etc/keepalived/check_nginx.sh"]]))


def groups(variables: Variables) -> Iterator[list[str]]:
    for hosts in {tuple(own["keepalived_settings"]["hosts"]) for own in variables.values()}:
        yield list(hosts)


def runs(own: Mapping[str, Any]) -> bool:
    return bool(own["keepalived_found"]["daemon"]["running"])


@settings(max_examples=200)
@given(fleets())
def test_every_action_has_its_place_and_no_two_members_of_a_running_cluster_change_at_once(
    variables: Variables,
) -> None:
    planned = plan(variables)
    together = {host for entry in planned["lockstep"] for host in entry["hosts"]}
    for host, actions in planned["actions"].items():
        seen = {what: sum(batch[what].count(host) for batch in planned["batches"]) for what in actions}
        assert seen["nginx"] == (actions["nginx"] != "none")
        assert seen["check"] == (actions["check"] != "none")
        assert seen["keepalived"] == (actions["keepalived"] != "none" and host not in together)
        info = variables[host]["keepalived_found"]
        leftover = info["drained"] == BY_RUN or (info["standby"] and info["drained"] != BY_OPS)
        assert sum(batch["undrain"].count(host) for batch in planned["batches"]) <= 1
        assert any(host in batch["hosts"] for batch in planned["batches"]) == (any(seen.values()) or leftover)
    for batch in planned["batches"]:
        assert batch["hosts"] and list(batch["expect"]) == batch["hosts"]
        assert len(set(batch["hosts"])) == len(batch["hosts"])
        for hosts in groups(variables):
            if any(runs(variables[host]) for host in hosts):
                assert len(set(hosts) & set(batch["hosts"])) <= 1
    assert planned["changes"] == bool(planned["batches"] or planned["lockstep"])


@settings(max_examples=200)
@given(fleets(), st.data())
def test_the_order_in_which_the_inventory_lists_hosts_changes_nothing(
    variables: Variables, data: st.DataObject
) -> None:
    planned = plan(variables)
    for own in variables.values():
        own["keepalived_settings"]["hosts"] = data.draw(st.permutations(own["keepalived_settings"]["hosts"]))
    names = data.draw(st.permutations(list(variables)))
    assert plan({name: variables[name] for name in names}) == planned


@settings(max_examples=200)
@given(fleets())
def test_who_holds_vips_never_goes_before_who_holds_none(variables: Variables) -> None:
    turns = {host: turn for turn, batch in enumerate(plan(variables)["batches"]) for host in batch["hosts"]}
    holding = {host for host, own in variables.items() if len(own["keepalived_found"]["addresses"]) > 1}
    for hosts in groups(variables):
        busy = [host for host in hosts if host in turns]
        latest = max((turns[host] for host in busy if host not in holding), default=-1)
        assert all(turns[host] > latest for host in busy if host in holding)


@settings(max_examples=200)
@given(fleets())
def test_drains_are_taken_back_and_never_an_operators(variables: Variables) -> None:
    for batch in plan(variables)["batches"]:
        assert set(batch["drain"]) <= set(batch["undrain"]) <= set(batch["hosts"])
        for host in batch["undrain"]:
            info = variables[host]["keepalived_found"]
            assert info["drained"] != BY_OPS
            assert host in batch["drain"] or info["drained"] or info["standby"]
        for host in batch["drain"]:
            assert runs(variables[host]) and len(variables[host]["keepalived_settings"]["hosts"]) > 1


@settings(max_examples=200)
@given(fleets())
def test_expected_is_exactly_who_outranks_all_others_by_then(variables: Variables) -> None:
    planned = plan(variables)
    together = {host for entry in planned["lockstep"] for host in entry["hosts"]}
    turns = {host: turn for turn, batch in enumerate(planned["batches"]) for host in batch["hosts"]}
    for turn, batch in enumerate(planned["batches"]):
        for host, expected in batch["expect"].items():
            members = variables[host]["keepalived_settings"]["hosts"]
            wanted = [
                address
                for instance in variables[host]["keepalived_instances"]
                for address in instance["virtual_ipaddress"]
                if host not in together
                and (not instance["nopreempt"] or len(members) == 1)
                and _outranks(variables, turns, turn, host, instance)
            ]
            assert expected == wanted


def _outranks(
    variables: Variables, turns: Mapping[str, int], turn: int, host: str, instance: Mapping[str, Any]
) -> bool:
    if variables[host]["keepalived_found"]["drained"] == BY_OPS:
        return False
    for other in variables[host]["keepalived_settings"]["hosts"]:
        own = variables[other]
        if other == host or own["keepalived_found"]["drained"] == BY_OPS:
            continue
        vrid, name = instance["virtual_router_id"], instance["name"]
        ranks = [each["priority"] for each in own["keepalived_instances"] if each["name"] == name]
        if turns.get(other, turn + 1) > turn:
            if not runs(own):
                continue
            former = own["keepalived_found"]["instances"]
            ranks += [each["priority"] for each in former if each["virtual_router_id"] == vrid]
        if max(ranks) >= instance["priority"]:
            return False
    return True


@settings(max_examples=200)
@given(fleets())
def test_in_the_end_the_best_that_is_not_drained_has_each_vip(variables: Variables) -> None:
    final = plan(variables)["final"]
    assert list(final) and set(final) == set(variables)
    for hosts in groups(variables):
        able = [host for host in hosts if variables[host]["keepalived_found"]["drained"] != BY_OPS]
        for index, instance in enumerate(variables[hosts[0]]["keepalived_instances"]):
            sure = able and (not instance["nopreempt"] or len(hosts) == 1)
            best = max(able, key=lambda host: variables[host]["keepalived_instances"][index]["priority"], default="")
            holders = [host for host in hosts if set(instance["virtual_ipaddress"]) <= set(final[host])]
            assert holders == ([best] if sure else [])


PATHS = [
    (registered, *keys)
    for registered, value in cluster()["nginx1"].items()
    for keys in [(), *((key,) for key in value if isinstance(value, dict))]
]


@settings(max_examples=200)
@given(st.sets(st.tuples(st.sampled_from(PAIR), st.sampled_from(PATHS)), max_size=8))
def test_whatever_is_missing_there_is_a_plan_that_fits_into_json(gone: set[tuple[str, tuple[str, ...]]]) -> None:
    variables = pending(cluster(before=[RENUMBERED, VI_2]), UNIT)
    for host, (registered, *keys) in gone:
        found = variables[host].get(registered) if keys else variables[host]
        if found:
            found.pop(keys[0] if keys else registered, None)
    planned = plan(variables)
    assert json.loads(json.dumps(planned)) == planned


# The filters


class HostVars(Mapping[str, Any]):
    """As Ansible's: a dictionary of variables for each host, which is expensive to read."""

    def __init__(self, variables: Variables) -> None:
        self.variables, self.reads = variables, list[str]()

    def __getitem__(self, host: str) -> Any:
        self.reads.append(host)
        return {**self.variables[host], "inventory_hostname": host}

    def __contains__(self, host: object) -> bool:
        return host in self.variables

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)


def test_filter_reads_the_play_and_members_outside_once_each() -> None:
    variables = stopped(conf(cluster(TRIO, before=[RENUMBERED, VI_2])), "nginx3")
    known = HostVars({**variables, "web1": {}, "nginx2": variables["nginx2"]})
    planned = change_plan(known, ["nginx1", "nginx2"])
    assert planned == plan(variables, "nginx1", "nginx2")
    assert planned["lockstep"][0]["hosts"] == ["nginx1", "nginx2"]
    assert sorted(known.reads) == ["nginx1", "nginx2", "nginx3"]
    del known.variables["nginx3"]
    assert "nginx3 is not in this run" in change_plan(known, ["nginx1", "nginx2"])["problems"][0]


def test_what_an_operator_reads_when_a_change_failed() -> None:
    spoken = {
        "version": "2.2.7",
        "instances": [{"name": "VI_1", "state": "MASTER"}, {"name": "VI_2", "state": "BACKUP"}],
    }
    results = [
        {"item": "nginx1", "keepalived": {"daemon": {"running": True, **spoken}, "drained": BY_RUN}},
        {"item": "nginx2", "keepalived": {"daemon": {"running": True, "version": "2.2.7"}}},
        {"item": "nginx3", "keepalived": {"daemon": {"running": False}}},
        {"item": "nginx4", "unreachable": True, "keepalived": {"daemon": {"running": True}}},
        {"msg": "host_info failed"},
    ]
    first, *hosts, last = change_failure(results, "nginx1", "Reload keepalived", "It failed.").splitlines()
    assert first == "nginx1: the change failed in the step 'Reload keepalived': It failed."
    assert hosts == [
        "What nginx1 had before is back: configuration and programs. The run stops here. The hosts now:",
        "  nginx1: keepalived 2.2.7, VI_1 MASTER, VI_2 BACKUP, drained (run of site.yml)",
        "  nginx2: keepalived 2.2.7, no answer from it",
        "  nginx3: keepalived does not run",
        "  nginx4: cannot be reached",
        "  ?: cannot be reached",
    ]
    assert last.startswith("Correct the cause")
    assert change_failure([], "nginx1", "", "No").startswith("nginx1: the change failed: No.\n")


def test_filter_of_a_host_without_keepalived() -> None:
    assert change_plan(HostVars({"web1": nginx(running=False)}), ["web1"])["batches"][0]["nginx"] == ["web1"]


def test_1000_hosts_are_planned_in_reasonable_time() -> None:
    variables: Variables = {}
    for number in range(500):
        vips = [{"name": f"VI_{i}", "address": f"10.{number // 250}.{number % 250}.{i + 100}/24"} for i in range(2)]
        variables |= upgraded(pending(cluster((f"a{number}", f"b{number}"), vips=vips), CONF, UNIT))
    many = [f"lb{number}" for number in range(100)]
    vips = [{"name": f"VI_{i}", "address": f"10.9.0.{i + 1}/16"} for i in range(100)]
    variables |= pending(cluster(many, vips=vips), CONF, UNIT)
    started = time.process_time()
    planned = plan(variables)
    seconds = time.process_time() - started
    print(f"500 clusters of 2 hosts and one of 100 hosts and 100 VIPs: {seconds:.2f} s")
    assert len(planned["batches"]) == 100 and len(planned["final"]) == 1100
    assert seconds < 10
