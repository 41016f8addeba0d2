# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a drill, who should have what in each, and what counts as a surprise."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.evenkeel.nginx_ha.plugins.action import _drill_look, _drill_plan
from ansible_collections.evenkeel.nginx_ha.plugins.filter.vrrp_plan import vrrp_plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import faults, outcome
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.result import DrilledVip, Row
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.problem import InputError

VIPS = [{"name": "VI_1", "address": "192.168.200.200/24"}, {"name": "VI_2", "address": "192.168.200.210/24"}]
ONE, TWO = "192.168.200.200/24", "192.168.200.210/24"


def planned(vips: list[dict[str, str]], hosts: list[str]) -> faults.Plan:
    return {
        host: [Instance.from_fact(fact) for fact in instances] for host, instances in vrrp_plan(vips, hosts).items()
    }


PAIR = planned(VIPS, ["nginx1", "nginx2"])
THREE = planned(VIPS, ["nginx1", "nginx2", "nginx3"])
EVERY = pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.name)


def steps(plan: faults.Plan, hosts: list[str], *names: str) -> list[outcome.Step]:
    return faults.steps(plan, hosts, names, dict.fromkeys(plan, "ens33"))


def target(**changes: Any) -> dict[str, Any]:
    return {"sent": 100, "failed": 0, "gap_ms": 0, "recover_ms": 0, **changes}


def seen(during: outcome.Holders, after: outcome.Holders) -> dict[str, dict[str, Any]]:
    """What hosts have registered that had these addresses."""
    looks = {"__drill_during": during, "__drill_after": after}
    hosts = {*during, *after}
    return {host: {name: {"addresses": held[host]} for name, held in looks.items() if host in held} for host in hosts}


def row(step: outcome.Step, targets: dict[str, Any] | None = None, **found: Mapping[str, list[str]]) -> dict[str, Any]:
    registered = seen(found.get("during", step.during), found.get("after", step.home))
    return outcome.row(
        asdict(step), registered, {"targets": {address: target() for address in step.targets} | (targets or {})}
    )


@EVERY
def test_the_script_is_sound_bash(fault: faults.Fault) -> None:
    subprocess.run(["bash", "-n", "-c", faults.script(fault, "ens33")], check=True)


@EVERY
def test_the_script_survives_systemd_and_templating(fault: faults.Fault) -> None:
    # systemd replaces ${NAME} and $$ in a command's words, Jinja what these open.
    for trap in ("${", "$$", "{{", "{%", "{#"):
        assert trap not in faults.script(fault, "ens33")


@EVERY
def test_what_lasts_is_healed(fault: faults.Fault) -> None:
    assert fault.heal or fault.reboots or fault.seconds < faults.HELD


@EVERY
def test_the_effect_is_one_of_those_that_there_are(fault: faults.Fault) -> None:
    assert fault.effect in get_args(get_type_hints(faults.Fault)["effect"])


@EVERY
def test_what_ends_a_fault_is_sound_bash(fault: faults.Fault) -> None:
    *words, text = faults.ending(fault)
    assert words == ["bash", "-c"]
    subprocess.run(["bash", "-n", "-c", text], check=True)
    assert not re.search(r"\$\{|\$\$|\{[{%#]", text)


@EVERY
def test_nobody_is_asked_for_vips_while_hosts_boot(fault: faults.Fault) -> None:
    # The playbook waits for hosts that boot only after it has looked who has the VIPs meanwhile.
    assert fault.effect == "any" or not fault.reboots


def test_names_are_unique() -> None:
    assert len({fault.name for fault in faults.FAULTS}) == len(faults.FAULTS)


def test_a_script_heals_when_it_is_stopped_and_when_its_time_is_over(tmp_path: Any) -> None:
    fault = faults.Fault("x", "x", "x", inject=f"touch {tmp_path}/in", heal=f"rm {tmp_path}/in", seconds=30)
    text = faults.script(fault, "ens33").replace("/run/", f"{tmp_path}/").replace(f"sleep {faults.REST}", "sleep 0.1")
    process = subprocess.Popen(["bash", "-c", f"{text}"])
    while not (tmp_path / "in").exists():
        assert process.poll() is None
    process.terminate()
    assert process.wait(10) == 0
    assert not (tmp_path / "in").exists()
    short = text.replace("sleep 30", "sleep 0.1")
    subprocess.run(["bash", "-c", short], check=True, timeout=10)
    assert not (tmp_path / "in").exists()
    assert (tmp_path / "evenkeel-drill.healed").exists()


def test_harsh_faults_are_run_only_by_name() -> None:
    assert {fault.name for fault in faults.select(["all"])} - {fault.name for fault in faults.select([])} == {
        "power_off",
        "all_power_off",
        "all_nginx_stop",
    }
    assert [fault.name for fault in faults.select(["reboot", "power_off"])] == ["reboot", "power_off"]


def test_every_host_gets_every_fault_and_those_for_all_come_once() -> None:
    found = [(step.fault, list(step.commands)) for step in steps(PAIR, ["nginx1", "nginx2"], "nginx_kill", "partition")]
    assert found == [("nginx_kill", ["nginx1"]), ("nginx_kill", ["nginx2"]), ("partition", ["nginx1", "nginx2"])]


def test_two_clusters_are_told_apart() -> None:
    other = planned([{"name": "VI_3", "address": "192.168.200.220/24"}], ["nginx3", "nginx4"])
    found = steps({**PAIR, **other}, ["nginx1", "nginx3"], "all_nginx_stop")
    assert [(list(step.commands), step.targets) for step in found] == [
        (["nginx1", "nginx2"], ["192.168.200.200", "192.168.200.210"]),
        (["nginx3", "nginx4"], ["192.168.200.220"]),
    ]


@pytest.mark.parametrize(
    ("name", "during"),
    {
        "nginx_stop": {"nginx1": [], "nginx2": [ONE, TWO]},
        "host_cut_off": {"nginx1": [ONE], "nginx2": [ONE, TWO]},
        "partition": {"nginx1": [ONE, TWO], "nginx2": [ONE, TWO]},
        "all_nginx_stop": {"nginx1": [], "nginx2": []},
        "nginx_restart": {},
        "reboot": {},
    }.items(),
)
def test_who_has_what_while_a_fault_lasts(name: str, during: dict[str, list[str]]) -> None:
    (step,) = steps(PAIR, ["nginx1"], name)
    assert {host: sorted(held) for host, held in step.during.items()} == during
    assert step.home == {"nginx1": [ONE], "nginx2": [TWO]}


def test_of_three_hosts_the_next_in_order_takes_over() -> None:
    (step,) = steps(THREE, ["nginx1"], "nginx_kill")
    (stop,) = steps(THREE, ["nginx1"], "nginx_stop")
    assert step.bystanders == ["192.168.200.210"]
    second = max((host for host in THREE if host != "nginx1"), key=lambda host: THREE[host][0].priority)
    assert ONE in stop.during[second]
    assert stop.during["nginx1"] == []


@pytest.mark.parametrize(
    ("plan", "hosts", "names", "text"),
    [
        (
            PAIR,
            ["web1"],
            [],
            "drill_hosts names web1, which is no load balancer of this run. There are nginx1, nginx2.",
        ),
        (PAIR, ["nginx1"], ["flood"], "drill_faults names 'flood', which is no fault. There are nginx_stop, "),
    ],
)
def test_nonsense_is_refused(plan: faults.Plan, hosts: list[str], names: list[str], text: str) -> None:
    with pytest.raises(InputError) as refusal:
        steps(plan, hosts, *names)
    assert str(refusal.value).startswith(text)


def test_what_was_expected_is_no_surprise() -> None:
    (step,) = steps(PAIR, ["nginx1"], "nginx_kill")
    result = row(step, {"192.168.200.200": target(failed=5, gap_ms=40, recover_ms=40)})
    assert (result["ok"], result["surprise"]) == (True, "")


SURPRISES = {
    "the VIP stayed": (
        {},
        {"during": {"nginx1": [ONE], "nginx2": [TWO]}},
        "nginx1 had 192.168.200.200/24 while it lasted, and should have had none. nginx2 had 192.168.200.210/24 while it lasted, and "
        "should have had 192.168.200.200/24, 192.168.200.210/24.",
    ),
    "the VIP did not come back": (
        {},
        {"after": {"nginx1": [], "nginx2": [ONE, TWO]}},
        "nginx1 had no VIP afterwards, and should have had 192.168.200.200/24. nginx2 had 192.168.200.200/24, 192.168.200.210/24 "
        "afterwards, and should have had 192.168.200.210/24.",
    ),
    "two holders": (
        {},
        {"after": {"nginx1": [ONE], "nginx2": [ONE, TWO]}},
        "nginx2 had 192.168.200.200/24, 192.168.200.210/24 afterwards, and should have had 192.168.200.210/24.",
    ),
    "no answer again": (
        {"192.168.200.200": target(failed=50, recover_ms=None)},
        {},
        "192.168.200.200 did not answer again.",
    ),
    "no answer at all": (
        {"192.168.200.200": target(failed=100, recover_ms=0)},
        {},
        "192.168.200.200 never answered.",
    ),
    "another VIP suffers": (
        {"192.168.200.210": target(failed=60, gap_ms=600, recover_ms=600)},
        {},
        "192.168.200.210 did not answer for 600 ms, though nothing had happened to its host.",
    ),
}


@pytest.mark.parametrize(("targets", "found", "text"), SURPRISES.values(), ids=SURPRISES)
def test_surprise(targets: dict[str, Any], found: dict[str, Any], text: str) -> None:
    (step,) = steps(PAIR, ["nginx1"], "nginx_stop")
    result = row(step, targets, **found)
    assert (result["ok"], result["surprise"]) == (False, text)


def test_a_prober_that_says_nothing_is_a_surprise() -> None:
    (step,) = steps(PAIR, ["nginx1"], "nginx_stop")
    result = outcome.row(asdict(step), seen(step.during, step.home), {})
    assert result["surprise"] == "The prober returned nothing."


def test_addresses_of_the_hosts_own_do_not_count() -> None:
    (step,) = steps(PAIR, ["nginx1"], "nginx_stop")
    after = {"nginx1": ["192.168.200.150/24", ONE], "nginx2": [TWO]}
    assert row(step, after=after)["ok"]


def test_table() -> None:
    (step,) = steps(PAIR, ["nginx1"], "nginx_kill")
    lines = outcome.table([read(Row, row(step, {"192.168.200.200": target(failed=5, gap_ms=40.4)}))])
    assert [re.split(r"\s{2,}", line) for line in lines] == [
        ["fault", "host", "VIP", "failed", "longest gap"],
        ["nginx killed", "nginx1", "192.168.200.200", "5 of 100", "40 ms", "as expected"],
        ["nginx killed", "nginx1", "192.168.200.210", "0 of 100", "0 ms", "as expected"],
    ]


def test_vips() -> None:
    assert faults.vips(PAIR) == [
        DrilledVip("192.168.200.200", "VI_1", "nginx1"),
        DrilledVip("192.168.200.210", "VI_2", "nginx2"),
    ]


def test_a_step_is_the_same_after_a_stay_among_a_hosts_facts() -> None:
    for step in steps(PAIR, ["nginx1", "nginx2"], "all"):
        assert outcome.Step(**json.loads(json.dumps(asdict(step)))) == step


def test_the_filters_of_the_playbook() -> None:
    (step,) = steps(PAIR, ["nginx1"], "nginx_stop")
    registered = {
        "nginx1": {
            "__drill_during": {"addresses": []},
            "__drill_after": {"addresses": [ONE]},
            "__drill_ended": {"stdout_lines": ["1000.5", "1004.25"]},
        },
        # Of a module that has failed, and of a task that was skipped.
        "nginx2": {"__drill_during": {"failed": True}, "__drill_after": {"addresses": [ONE]}, "__drill_ended": {}},
    }
    probe = {
        "began": 998.0,
        "duration": 9.5,
        "missed": 3,
        "targets": {"192.168.200.200": target(failed=5, gap_ms=40, recover_ms=40)},
    }
    row = outcome.row(asdict(step), registered, probe)
    surprise = "nginx2 had 192.168.200.200/24 afterwards, and should have had 192.168.200.210/24."
    assert row == {
        "fault": "nginx_stop",
        "title": "nginx stopped",
        "expected": "The VIPs move first, then nginx stops.",
        "host": "nginx1",
        "ok": False,
        "surprise": surprise,
        "injected": 1000.5,
        "healed": 1004.25,
        "probe": {"started": 998.0, "duration": 9.5, "missed": 3, "targets": probe["targets"]},
    }
    found = outcome.summary([row])
    assert found == {
        "ok": False,
        "message": f"nginx stopped, on nginx1: {surprise} The fault is healed, and the faults after it were left out.",
        "table": [
            "fault          host    VIP              failed    longest gap",
            "nginx stopped  nginx1  192.168.200.200  5 of 100  40 ms        SURPRISE",
        ],
    }
    # Up to 2.18 ansible-core makes a text of a tuple.
    assert json.loads(json.dumps(found)) == found
    assert (
        outcome.summary([])["ok"]
        and outcome.summary([row | {"ok": True}])["message"] == "All 1 faults went as expected."
    )


def test_a_host_that_has_rebooted_does_not_know_when() -> None:
    (step,) = steps(PAIR, ["nginx1"], "reboot")
    row = outcome.row(asdict(step), {host: {"__drill_ended": {"skipped": True}} for host in PAIR}, {})
    assert (row["injected"], row["healed"]) == (None, None)


def task(**arguments: Any) -> dict[str, Any]:
    """What an action has at hand."""
    return {
        "task": SimpleNamespace(args=arguments, async_val=0, check_mode=False, diff=False),
        "connection": SimpleNamespace(_shell=SimpleNamespace(tmpdir=None), has_pipelining=True),
        **dict.fromkeys(("play_context", "loader", "templar", "shared_loader_obj")),
    }


def hostvars(plan: faults.Plan) -> dict[str, Any]:
    return {
        host: {
            "keepalived_instances": [instance.as_fact() for instance in instances],
            "keepalived_settings": {"interface": "bond0.7", "advert_int": 0.25, "vrrp_version": 3},
            "keepalived_found": {"version": f"2.3.{number}"},
            "ansible_facts": {"interfaces": ["bond0.7"], "bond0.7": {"macaddress": f"02:00:00:00:00:0{number}"}},
        }
        for number, (host, instances) in enumerate(plan.items(), 1)
    }


def test_the_plan_of_the_playbook() -> None:
    words = task(members=["nginx2", "nginx1"], hosts=[], faults=["nginx_kill"])
    found = _drill_plan.ActionModule(**words).run(task_vars={"hostvars": hostvars(PAIR)})
    assert [(step["host"], step["commands"][step["host"]][-1].splitlines()[0]) for step in found["steps"]] == [
        ("nginx1", "interface=bond0.7"),
        ("nginx2", "interface=bond0.7"),
    ]
    assert found["names"] == {"02:00:00:00:00:01": "nginx1", "02:00:00:00:00:02": "nginx2"}
    assert found["cluster"] == {
        "hosts": ["nginx1", "nginx2"],
        "vips": [
            {"name": "VI_1", "address": "192.168.200.200", "preferred": "nginx1"},
            {"name": "VI_2", "address": "192.168.200.210", "preferred": "nginx2"},
        ],
        "keepalived": "2.3.1",
        "advert_int": 0.25,
        "vrrp_version": 3,
    }
    assert json.loads(json.dumps(found)) == found


def test_the_plan_refuses_in_a_sentence() -> None:
    words = task(members=["nginx1", "nginx2"], hosts=["web1"], faults=[])
    with pytest.raises(AnsibleActionFail, match="^drill_hosts names web1, which is no load balancer of this run"):
        _drill_plan.ActionModule(**words).run(task_vars={"hostvars": hostvars(PAIR)})


class Look(_drill_look.ActionModule):
    """The action with a host that has these addresses, one list for each time that it is asked; None is a failure."""

    def __init__(self, answers: list[list[str] | None], **arguments: Any) -> None:
        wanted = {"interface": "ens33", "vips": [ONE, TWO], "wanted": [ONE], "tries": 2, **arguments}
        super().__init__(**task(**wanted))
        self.answers = answers

    def _execute_module(self, **arguments: Any) -> dict[str, Any]:
        assert arguments["module_args"] == {"keepalived": {"interface": "ens33"}}
        found = self.answers.pop(0)
        return {"failed": True, "msg": "It broke."} if found is None else {"keepalived": {"addresses": found}}


REFUSAL = "nginx1 has 192.168.200.200/24, 192.168.200.210/24, and the plan wants 192.168.200.200/24 there. Wait."
LOOKS: dict[str, tuple[list[list[str] | None], dict[str, Any], dict[str, Any]]] = {
    "at once": ([["10.0.0.1/8", ONE]], {}, {"changed": False, "addresses": [ONE]}),
    "after a while": ([[ONE, TWO], [ONE]], {}, {"changed": False, "addresses": [ONE]}),
    "after a failure": ([None, [ONE]], {}, {"changed": False, "addresses": [ONE]}),
    "never": ([[ONE, TWO], [ONE, TWO]], {}, {"changed": False, "addresses": [ONE, TWO]}),
    "never, and required": ([[ONE, TWO]] * 2, {"required": "Wait."}, {"failed": True, "msg": REFUSAL}),
    "failures only": ([None, None], {}, {"changed": False}),
    "failures only, and required": ([None, None], {"required": "Wait."}, {"failed": True, "msg": "It broke."}),
    "none where none is wanted": ([["10.0.0.1/8"]], {"wanted": []}, {"changed": False, "addresses": []}),
    "a failure where none is wanted": ([None, None], {"wanted": []}, {"changed": False}),
}


@pytest.mark.parametrize(("answers", "arguments", "expected"), LOOKS.values(), ids=LOOKS)
def test_look(
    answers: list[list[str] | None],
    arguments: dict[str, Any],
    expected: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    look = Look(list(answers), **arguments)
    assert look.run(task_vars={"inventory_hostname": "nginx1"}) == expected
    assert look.answers == []
