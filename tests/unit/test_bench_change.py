# SPDX-License-Identifier: GPL-3.0-or-later
"""./dev bench change: its figures from made-up measurements, and that a change that fails does not end it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
VIPS = ["192.168.200.200", "192.168.200.210"]
RECAP = """
PLAY RECAP *********************************************************************
localhost                  : ok=2    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
nginx1                     : ok=17   changed={}    unreachable=0    failed=0    skipped=9    rescued=0    ignored=0
nginx2                     : ok=15   changed=0    unreachable=0    failed=0    skipped=8    rescued=0    ignored=0
"""


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for place in ("lab", "tests/bench"):
        monkeypatch.syspath_prepend(PROJECT / place)
    for name in ("change", "failover", "measured_faults", "pair", "results"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import change

    return change


def target(failed: int = 0, gap_ms: int = 0, recover_ms: int | None = 0, **reasons: int) -> dict[str, Any]:
    failures = [{"count": failed, "reasons": reasons}] if failed else []
    return {"sent": 900, "failed": failed, "gap_ms": gap_ms, "recover_ms": recover_ms, "failures": failures}


def seen(change: ModuleType, first: dict[str, Any], second: dict[str, Any], seconds: float = 20.0) -> Any:
    return change.together(dict(zip(VIPS, [first, second], strict=True)), seconds)


def cells(change: ModuleType, *changes: Any) -> list[str]:
    line = change.table({"VIP added": changes}).splitlines()[-1]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


# The figures


def test_what_is_lost_is_summed_over_the_vips_and_the_gap_is_the_longest(change: ModuleType) -> None:
    both = seen(change, target(3, 40, refused=2, timeout=1), target(2, 310, timeout=2), 21.456)
    assert (both.sent, both.failed, both.gap_ms, both.over, both.seconds) == (1800, 5, 310, True, 21.46)
    assert both.reasons == {"refused": 2, "timeout": 3}


def test_one_vip_that_does_not_serve_in_the_end_is_enough(change: ModuleType) -> None:
    assert not seen(change, target(), target(9, 90, recover_ms=None, timeout=9)).over


def test_a_row_has_medians_the_worst_loss_and_the_longest_gap(change: ModuleType) -> None:
    changes = [
        seen(change, target(lost, lost * 10, refused=lost), target(), seconds)
        for lost, seconds in ((1, 20.0), (0, 31.0), (7, 22.0))
    ]
    assert cells(change, *changes) == ["VIP added", "1,800", "1 (7)", "70", "22.0"]


def test_a_gap_that_did_not_end_is_marked(change: ModuleType) -> None:
    open_end = seen(change, target(9, 1900, recover_ms=None, timeout=9), target())
    assert cells(change, seen(change, target(), target()), open_end)[3] == ">1,900"


def test_what_was_not_measured_has_no_figures(change: ModuleType) -> None:
    assert cells(change) == ["VIP added", "-", "-", "-", "-"]


def test_the_columns_are_aligned(change: ModuleType) -> None:
    lines = change.table({"no change": [seen(change, target(), target())], "VIP added": []}).splitlines()
    place = lines[0].index("requests")
    assert len(lines) == 4
    assert all(line[place - 2 : place] == "  " and line[place] != " " for line in lines[2:])


def test_the_recap_is_read_for_the_load_balancers(change: ModuleType) -> None:
    run = change.recap(RECAP.format(3), 9.5, 3.25, 1.5)
    skipped = {"nginx1": 9, "nginx2": 8}
    assert run == change.Run(9.5, {"nginx1": 17, "nginx2": 15}, {"nginx1": 3, "nginx2": 0}, skipped, 3.25, 1.5)


@pytest.mark.parametrize("output", ["", RECAP.format(0).replace("nginx2", "nginx3")])
def test_a_recap_without_a_load_balancer_is_refused(change: ModuleType, output: str) -> None:
    with pytest.raises(change.LabError, match="every load balancer"):
        change.recap(output, 9.5)


@pytest.mark.parametrize(("changed", "changes"), [(0, True), (1, False)])
def test_a_run_that_did_not_do_what_it_was_for_is_not_counted(change: ModuleType, changed: int, changes: bool) -> None:
    run = change.recap(RECAP.format(changed), 9.5)
    run.check(not changes)
    with pytest.raises(change.LabError, match=rf"{'something' if changes else 'nothing'}.*{changed} on nginx1"):
        run.check(changes)


def test_a_run_without_a_change_is_told_beside_the_limit(change: ModuleType) -> None:
    idle = [change.recap(RECAP.format(0), seconds, seconds / 2, 1.04) for seconds in (12.0, 9.0, 9.5)]
    words = change.idle_words(idle)
    assert "9.5 s (median of 3) for 2 load balancers, 4.8 s of the control node's processors" in words
    assert "1.0 s of the load balancers'" in words
    assert "17 and 9 on nginx1, 15 and 8 on nginx2" in words
    assert "The limits are 12 executed and 26 in all on a host" in words
    assert change.idle_words([]).endswith("not measured.")


@pytest.mark.parametrize(
    ("asked", "alone", "expected"), [(None, True, 2), (None, False, 2), (5, True, 5), (5, False, 3), (1, False, 1)]
)
def test_beside_other_measurements_there_are_three_repetitions_at_most(
    change: ModuleType, asked: int | None, alone: bool, expected: int
) -> None:
    assert change.repetitions(asked, alone) == expected


# The kinds


def test_every_step_has_a_name_of_its_own_and_a_playbook_that_there_is(change: ModuleType) -> None:
    steps = [step for kind in change.KINDS for step in kind]
    assert len({step.name for step in steps}) == len(steps)
    assert all((PROJECT / step.playbook).is_file() for step in steps)


def test_every_kind_ends_with_what_the_inventory_says(change: ModuleType) -> None:
    for *_, last in change.KINDS:
        assert set(last.variables) <= {"keepalived_allow_vrid_change", "drain_hosts"}
        assert not last.drained


def test_every_variable_is_one_of_the_collection(change: ModuleType) -> None:
    described = "".join(path.read_text() for path in PROJECT.glob("roles/*/meta/argument_specs.yml"))
    described += (PROJECT / "playbooks/drain.yml").read_text()
    names = {name for kind in change.KINDS for step in kind for name in step.variables}
    assert len(names) >= 7
    assert [name for name in names if not re.search(rf"\b{name}\b", described)] == []


# The bench as a whole, without a lab


@pytest.fixture
def bench(change: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What happens is written down in its list 'events'."""
    events: list[str] = []

    @contextmanager
    def watching(ssh: list[str], targets: list[str], **options: object) -> Iterator[dict[str, Any]]:
        assert ssh[0] == "ssh"
        assert options == {"rate": 50, "timeout": 0.7, "duration": 600}
        result: dict[str, Any] = {}
        yield result
        events.append("watched")
        result["targets"] = {vip: target(1, 20, refused=1) for vip in targets}

    def play(playbook: str, **variables: object) -> Any:
        events.append(f"{playbook} {' '.join(variables)}".strip())
        skipped = {"nginx1": 9, "nginx2": 8}
        return change.Run(9.0, {"nginx1": 17, "nginx2": 15}, {"nginx1": 1, "nginx2": 0}, skipped, 4.5, 1.5)

    monkeypatch.setattr(change.probe, "watching", watching)
    monkeypatch.setattr(change, "play", play)
    monkeypatch.setattr(change, "root", lambda host, script, *_, **__: events.append(f"{host}: {script}"))
    monkeypatch.setattr(change, "succeeds", lambda host, script, _: events.append(f"{host}: {script}") or True)
    monkeypatch.setattr(change.time, "sleep", lambda seconds: events.append(f"slept {seconds:g}"))
    monkeypatch.setattr(change, "setup", lambda plan: {"reference": "", "repetitions": plan.repeat})
    monkeypatch.setattr(change.Pair, "build", lambda _, **variables: events.append(f"built {variables}"))
    monkeypatch.setattr(change.Pair, "go_home", lambda _: events.append("home"))
    made = change.Bench(change.Plan(faults=[], sides=["ours"], repeat=2, rate=50, timeouts=[0.7]))
    made.events = events
    return made


def with_runs(change: ModuleType, monkeypatch: pytest.MonkeyPatch, decide: Callable[..., int]) -> None:
    """As many tasks of a run change something as decide says, which may fail too."""
    plain = change.play

    def play(playbook: str, **variables: object) -> Any:
        run = plain(playbook, **variables)
        return replace(run, changed={"nginx1": decide(playbook, variables), "nginx2": 0})

    monkeypatch.setattr(change, "play", play)


def test_every_step_is_measured_in_every_repetition(
    change: ModuleType, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three idle runs, nginx changed and changed back, and two repetitions of the first kind.
    changed = iter([0, 0, 0, 1, 1, 0, 0])
    with_runs(change, monkeypatch, lambda *_: next(changed, 1))
    bench.run()
    assert bench.troubles == []
    assert bench.events[:2] == ["built {'keepalived_version': '2.3.3'}", "built {}"]
    assert {name: len(changes) for name, changes in bench.measured.items()} == dict.fromkeys(bench.measured, 2)
    assert bench.measured["VIP added"][0].failed == 2
    assert "nginx1: systemctl restart nginx" in bench.events
    report = change.report(bench)
    assert all(f"\n{name}  " in report for name in bench.measured)
    assert "50 times a second" in report and "0.7 s" in report
    numbers = json.loads(json.dumps(change.document(bench)))
    assert numbers["kinds"][1] == {
        "kind": "VIP added",
        "sent": [1800, 1800],
        "failed": [2, 2],
        "gap_ms": [20, 20],
        "over": [True, True],
        "reasons": [{"refused": 2}, {"refused": 2}],
        "seconds": [9.0, 9.0],
    }
    assert numbers["run_without_a_change"] == {
        "seconds": [9.0] * 3,
        "processor": [4.5] * 3,
        "hosts": [1.5] * 3,
        "tasks": {"nginx1": [17] * 3, "nginx2": [15] * 3},
        "skipped": {"nginx1": [9] * 3, "nginx2": [8] * 3},
        "most_tasks": 12,
        "most_started": 26,
    }
    assert numbers["run_with_nginx_changed"]["processor"] == [4.5] * 2
    assert numbers["setup"] == {"repetitions": 2}


def test_the_client_watches_until_the_vips_have_been_in_place_for_3_s(change: ModuleType, bench: Any) -> None:
    bench.measure(change.Step("VIP added", {"keepalived_vips": []}))
    assert bench.events == ["site.yml keepalived_vips", "home", "slept 2", "watched"]


def test_a_drained_host_has_no_vip(change: ModuleType, bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    drain = next(step for kind in change.KINDS for step in kind if step.drained)
    bench.measure(drain)
    assert "home" not in bench.events
    waited = next(event for event in bench.events if event.startswith("nginx2: until"))
    assert all(f" {vip}/" in waited for vip in VIPS)
    monkeypatch.setattr(change, "succeeds", lambda *_: False)
    monkeypatch.setattr(change.Pair, "state", lambda _: "nginx1: active")
    with pytest.raises(change.LabError, match="nginx2 has not got every VIP.*nginx1: active"):
        bench.measure(drain)


def test_a_step_that_fails_ends_its_kind_and_the_rest_goes_on(
    change: ModuleType, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decide(playbook: str, variables: dict[str, object]) -> int:
        if "keepalived_vips" in variables:
            raise change.LabError("site.yml ended with 2")
        return 0 if bench.setup and len(bench.idle) < 3 else 1

    kinds = (
        (change.Step("broken", {"keepalived_vips": []}), change.Step("broken back")),
        (change.Step("well", {"nginx_upstreams": []}),),
    )
    monkeypatch.setattr(change, "KINDS", kinds)
    events, bench = bench.events, type(bench)(bench.plan)
    with_runs(change, monkeypatch, decide)
    bench.run()
    assert bench.troubles == ["broken: site.yml ended with 2"]
    assert events.count("site.yml keepalived_allow_vrid_change site_break_lock") == 1
    assert {name: len(changes) for name, changes in bench.measured.items()} == {
        "broken": 0,
        "broken back": 0,
        "well": 2,
    }


def test_after_a_failure_the_pair_is_made_what_the_inventory_says(bench: Any) -> None:
    bench.recover()
    assert bench.events == [
        "nginx1: /etc/keepalived/vips.sh undrain",
        "nginx2: /etc/keepalived/vips.sh undrain",
        "site.yml keepalived_allow_vrid_change site_break_lock",
        "home",
    ]


def test_where_that_fails_there_are_new_hosts(change: ModuleType, bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise change.LabError("no answer")

    monkeypatch.setattr(change, "play", fail)
    bench.recover()
    assert bench.events[-1] == "built {}"


def test_an_idle_run_that_changes_something_is_a_trouble(
    change: ModuleType, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_runs(change, monkeypatch, lambda *_: 1)
    bench.measure_idle()
    assert bench.idle == []
    assert len(bench.troubles) == 1 and "nothing" in bench.troubles[0]
    assert bench.events[-1] == "home"


def test_a_lab_that_is_gone_ends_it_with_a_trouble(
    change: ModuleType, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise change.LabError("no podman")

    monkeypatch.setattr(change.Pair, "build", fail)
    bench.run()
    assert bench.troubles == ["change given up: no podman"]
    assert bench.setup == {}


def test_a_playbook_is_run_with_its_variables_on_connections_of_its_own(
    change: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "collections")

    def run(*command: str, env: dict[str, str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert command == (
            "ansible-playbook",
            "--inventory=inventories/lab",
            "site.yml",
            '--extra-vars={"nginx_upstreams": []}',
        )
        assert "PYTHONPATH" not in env
        assert os.path.isdir(env["ANSIBLE_SSH_CONTROL_PATH_DIR"])
        assert (options["cwd"], options["timeout"]) == (PROJECT, 600)
        return subprocess.CompletedProcess(command, 0, RECAP.format(1), "")

    monkeypatch.setattr(change, "run", run)
    monkeypatch.setattr(change, "hosts_processor", iter([100.0, 101.5]).__next__)
    monkeypatch.setattr(change, "children_processor", iter([7.0, 9.25]).__next__)
    done = change.play("site.yml", nginx_upstreams=[])
    assert (done.changed, done.processor, done.hosts) == ({"nginx1": 1, "nginx2": 0}, 2.25, 1.5)


def test_processor_time_is_read_from_the_hosts_cgroups(change: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change, "root", lambda *_: "usage_usec 1500000\nuser_usec 1\nsystem_usec 2\n")
    assert change.hosts_processor() == 3.0


def test_a_playbook_that_does_not_end_is_given_up(change: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change, "hosts_processor", lambda: 0.0)

    def late(*command: str, **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(change, "run", late)
    with pytest.raises(change.LabError, match=r"site\.yml took more than 600 s"):
        change.play("site.yml")


def test_the_command_line_offers_it() -> None:
    result = subprocess.run(
        [sys.executable, "tests/bench", "--help"],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": "collections"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "{plan,fleet,failover,change,throughput}" in result.stdout
    assert "[plan|fleet|failover|change|throughput]" in (PROJECT / "dev").read_text()
