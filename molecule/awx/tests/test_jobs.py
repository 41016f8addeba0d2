# SPDX-License-Identifier: GPL-3.0-or-later
"""Each job template and each workflow is run, from a bare pair to a bare pair again; jobs are cancelled on the way."""

from __future__ import annotations

import json

import pytest
from labtest import Cluster
from labtest.awx import Awx, Job, answers_of

BOTH = {"192.168.200.200": "nginx1", "192.168.200.210": "nginx2"}
PAIR = ("nginx1", "nginx2")
OTHER_KEEPALIVED = "2.3.3"
BREAK = {"site_break_lock": "yes"}


def well(job: Job) -> Job:
    assert job.status == "successful", job.output
    return job


def names(jobs: list[tuple[str, Job]]) -> list[str]:
    return [name for name, job in jobs]


def test_a_change_window_on_bare_hosts(awx: Awx, cluster: Cluster) -> None:
    jobs = awx.run_workflow("Change window")
    assert names(jobs) == ["Preflight", "Deploy", "Verify"]
    preflight, deploy, verify = (well(job) for name, job in jobs)
    assert any("VI_1" in line for line in preflight.artifacts["plan"]["table"])
    assert preflight.changed("nginx1") == 0 < deploy.changed("nginx1")
    assert deploy.artifacts["change"]["summary"]
    assert verify.artifacts["verdict"]["ok"]
    cluster.settle(dict(BOTH))
    cluster.serves()


def test_a_second_deploy_changes_nothing(awx: Awx) -> None:
    for job in (awx.launch("Deploy"), awx.launch("Deploy", check=True)):
        assert [well(job).changed(host) for host in PAIR] == [0, 0]


def test_the_project_stays_as_it_is(awx: Awx) -> None:
    """Jobs write to their own places alone, for AWX throws its copy of the project away."""
    written = [path for path in awx.project.rglob("*") if path.is_file() and path.stat().st_mtime > awx.laid_out_at]
    assert [path for path in written if "__pycache__" not in path.parts] == []


def test_status(awx: Awx) -> None:
    status = well(awx.launch("Status")).artifacts["status"]
    assert "192.168.200.200" in json.dumps(status["table"])


def test_a_host_is_drained_and_undrained(awx: Awx, cluster: Cluster) -> None:
    job = well(awx.launch("Drain host", {"drain_hosts": "nginx1", "drain_reason": "a new disk"}))
    assert "by alice" in json.dumps(job.artifacts["status"]) and "a new disk" in json.dumps(job.artifacts["status"])
    cluster.settle(dict.fromkeys(BOTH, "nginx2"))
    well(awx.launch("Undrain host", {"drain_hosts": "nginx1"}))
    cluster.settle(dict(BOTH))


def test_a_backend_goes_out_and_comes_back(awx: Awx, cluster: Cluster) -> None:
    well(awx.launch("Take a backend out", {"backend_out": "web2"}))
    assert set(cluster.pages("192.168.200.200")) == {"web1"}
    well(awx.launch("Put a backend back", {"backend_in": "web2"}))
    assert set(cluster.pages("192.168.200.200")) == {"web1", "web2"}


def test_a_rehearsal_leaves_its_report_on_a_host(awx: Awx, cluster: Cluster) -> None:
    drill = {"drill_faults": ["nginx_kill"], "drill_hosts": "nginx1", "drill_report_host": "client"}
    jobs = awx.run_workflow("Failover rehearsal", {"drill_confirm": "yes", "drill_prober": "client"}, {"drill": drill})
    assert names(jobs) == ["Verify", "Failover drill", "Verify"]
    result = [well(job) for name, job in jobs][1].artifacts["drill"]
    assert result["ok"] and result["report"].startswith("client:")
    assert "<svg" in cluster.run("client", "cat /home/ops/evenkeel-drill/drill.html")


def test_keepalived_is_upgraded(awx: Awx, cluster: Cluster) -> None:
    well(awx.launch("Upgrade keepalived", {"keepalived_version": OTHER_KEEPALIVED}))
    for host in PAIR:
        pid = cluster.run(host, "systemctl show --property=MainPID --value keepalived").strip()
        assert f"keepalived/{OTHER_KEEPALIVED}-" in cluster.run(host, f"readlink /proc/{pid}/exe")


def test_a_cancelled_deploy_is_told_of_and_finished_by_the_next(awx: Awx, cluster: Cluster) -> None:
    """The inventory's keepalived comes back, host by host; the job ends while the first is drained."""
    assert awx.launch("Deploy", cancelled_at="Write keepalived's unit and configuration").status == "canceled"
    told = awx.launch("Verify")
    assert told.status == "failed" and not told.artifacts["verdict"]["ok"]
    assert "drained by a run that did not end" in told.message
    locked = awx.launch("Deploy")
    assert locked.status == "failed" and "site_break_lock" in locked.message
    well(awx.launch("Deploy", BREAK))
    cluster.settle(dict(BOTH))
    assert well(awx.launch("Verify")).artifacts["verdict"]["ok"]


def test_a_cancelled_drain_leaves_no_host_drained(awx: Awx, cluster: Cluster) -> None:
    answers = {"drain_hosts": "nginx1"}
    for _attempt in range(4):
        assert awx.launch("Drain host", answers, cancelled_at="Move the VIPs to another host").status == "canceled"
        if "run of drain.yml" in cluster.run("nginx1", "cat /var/lib/keepalived/drained"):
            break
        # It ended before the host had begun, or after all was done.
        well(awx.launch("Undrain host", answers | BREAK))
    told = awx.launch("Verify")
    assert told.status == "failed" and "run of drain.yml" in told.message
    well(awx.launch("Deploy", BREAK))
    cluster.settle(dict(BOTH))
    well(awx.launch("Verify"))


def test_nginx_is_upgraded(awx: Awx, cluster: Cluster) -> None:
    well(awx.launch("Upgrade nginx"))
    cluster.settle(dict(BOTH))


@pytest.mark.parametrize(
    ("template", "answers", "text"),
    [
        ("Drain host", {"drain_hosts": "web1"}, "drain_hosts names web1, which is no load balancer"),
        ("Take a backend out", {"backend_out": "web9"}, "web9"),
        (
            "Failover drill",
            {"drill_confirm": "yes", "drill_prober": "nginx2"},
            "give -e drill_confirm=yes and -e drill_prober=HOST",
        ),
        ("Uninstall", {}, "To go on, give -e uninstall_confirm=yes"),
    ],
)
def test_an_answer_that_makes_no_sense_is_told_before_anything_changes(
    awx: Awx, template: str, answers: dict[str, str], text: str
) -> None:
    job = awx.launch(template, answers)
    assert job.status == "failed" and text in job.message
    assert [job.changed(host) for host in PAIR] == [0, 0]


@pytest.mark.parametrize(
    ("template", "answers"),
    [
        ("Drain host", {}),
        ("Drain host", {"drain_hosts": ""}),
        ("Verify", {"verify_clock_seconds": 0}),
        ("Failover drill", {"drill_prober": "client", "drill_rate": 100000}),
        ("Upgrade keepalived", {"keepalived_version": "1.0"}),
    ],
)
def test_an_answer_out_of_bounds_never_becomes_a_job(awx: Awx, template: str, answers: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        answers_of(awx.templates[template], answers)


def test_nightly(awx: Awx) -> None:
    ((name, job),) = awx.run_workflow("Nightly")
    assert name == "Verify" and well(job).artifacts["verdict"]["ok"]


def test_uninstalled(awx: Awx, cluster: Cluster) -> None:
    well(awx.launch("Uninstall", {"uninstall_confirm": "yes"}))
    for host in PAIR:
        assert not cluster.succeeds(host, "test -e /etc/keepalived/keepalived.conf")
    assert not cluster.answers("192.168.200.200")


def test_no_job_template_was_left_out(awx: Awx) -> None:
    assert awx.launched == set(awx.templates)
