# SPDX-License-Identifier: GPL-3.0-or-later
"""The daily playbooks: status, verify, drain and undrain, and two runs at once."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from labtest import Cluster, site
from labtest.site import PROJECT, plain_environment

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
BOTH = {VIP: "nginx1", OTHER_VIP: "nginx2"}
STATUS, VERIFY = "playbooks/status.yml", "playbooks/verify.yml"
DRAIN, UNDRAIN = "playbooks/drain.yml", "playbooks/undrain.yml"


@pytest.fixture(autouse=True)
def settled(cluster: Cluster) -> Iterator[None]:
    cluster.settle(dict(BOTH))
    yield
    cluster.settle(dict(BOTH))


def test_status_is_quick_and_says_who_has_what(tmp_path: Path) -> None:
    begun = time.monotonic()
    run = site(playbook=STATUS, status_json=str(tmp_path / "status.json"))
    print(f"status.yml took {time.monotonic() - begun:.1f} s")
    assert (run.code, run.count("nginx1", "changed")) == (0, 0)
    assert "VI_1 192.168.200.200 nginx1 nginx1" in run.message
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["ok"] is True
    assert status["vips"][VIP]["holders"] == ["nginx1"]
    assert status["hosts"]["nginx2"]["keepalived"] == "2.2.7"
    assert status["hosts"]["nginx2"]["state_age"] < 3


def test_verify_passes_and_changes_nothing() -> None:
    run = site(playbook=VERIFY)
    assert run.code == 0, run.output
    assert "All is as it should be." in run.message


def test_verify_sees_drift_and_a_difference_between_the_hosts(cluster: Cluster) -> None:
    cluster.run("nginx1", "sh -c 'echo \"# by hand\" >>/etc/nginx/nginx.conf'")
    cluster.run("nginx2", "sh -c 'echo \"# of one host\" >/etc/nginx/conf.d/own.conf'")
    try:
        run = site(playbook=VERIFY)
        assert run.code != 0
        assert "/etc/nginx/nginx.conf differs from the inventory" in run.message
        assert "/etc/nginx/conf.d/own.conf" in run.message
    finally:
        cluster.run("nginx2", "rm /etc/nginx/conf.d/own.conf")
        assert site().code == 0
    assert site(playbook=VERIFY).code == 0


def test_verify_sees_a_split_brain(cluster: Cluster) -> None:
    with cluster.without_vrrp():
        cluster.wait(lambda: len(cluster.holders()[VIP]) == 2, "two holders", cluster.holders)
        run = site(playbook=VERIFY)
    assert run.code != 0
    assert "on two hosts" in run.message or "nginx1 and nginx2" in run.message


def test_verify_works_while_a_host_is_off(cluster: Cluster) -> None:
    cluster.act("nginx2", "power-off")
    try:
        run = site(playbook=VERIFY)
        assert run.code != 0
        assert "nginx2" in run.message.split("Judge", 1)[1]
        assert "192.168.200.210" in run.message.split("Judge", 1)[1]
    finally:
        cluster.act("nginx2", "power-on")
        cluster.boots("nginx2")


def test_a_drained_host_stays_drained_through_a_reboot(cluster: Cluster) -> None:
    on_nginx2 = dict.fromkeys(BOTH, "nginx2")
    with cluster.client_watching(targets=list(BOTH), timeout=2) as seen:
        run = site(playbook=DRAIN, drain_hosts="nginx1", drain_reason="a new disk")
        assert run.code == 0, run.output
        cluster.settle(dict(on_nginx2))
    assert {vip: target["failed"] for vip, target in seen.items()} == dict.fromkeys(BOTH, 0)
    assert "a new disk" in site(playbook=STATUS).message
    cluster.act("nginx1", "power-off")
    cluster.act("nginx1", "power-on")
    cluster.boots("nginx1")
    cluster.wait(lambda: cluster.succeeds("nginx1", "systemctl is-active keepalived nginx"), "nginx1 to serve", str)
    cluster.settle(dict(on_nginx2))
    # A run leaves it drained, and the last healthy host is not drained.
    assert site().code == 0
    cluster.settle(dict(on_nginx2))
    run = site(playbook=DRAIN, drain_hosts=["nginx2"])
    assert run.code != 0
    assert "nginx1" in run.message and "drain_force" in run.message
    cluster.settle(dict(on_nginx2))
    with cluster.client_watching(targets=list(BOTH), timeout=2) as seen:
        assert site(playbook=UNDRAIN, drain_hosts="nginx1").code == 0
        cluster.settle(dict(BOTH))
    assert {vip: target["failed"] for vip, target in seen.items()} == dict.fromkeys(BOTH, 0)


def test_drain_wants_a_name() -> None:
    for names in ("", "web1"):
        run = site(playbook=DRAIN, drain_hosts=names)
        assert run.code != 0
        assert "nginx1" in run.message
        assert not run.did("Move the VIPs to another host")


def test_of_two_runs_at_once_the_second_stops(cluster: Cluster) -> None:
    words = ["ansible-playbook", "site.yml", "--inventory", str(PROJECT / "inventories/lab")]
    words += ["--extra-vars", json.dumps({"nginx_upstream_keepalive": 33})]
    first = subprocess.Popen(words, cwd=PROJECT, env=plain_environment(), stdout=subprocess.DEVNULL)
    try:
        cluster.wait(lambda: cluster.succeeds("nginx1", "test -e /run/evenkeel/lock"), "the lock", str)
        second = site()
        assert first.wait(timeout=120) == 0
        assert second.code != 0
        assert "site.yml" in second.message and "site_break_lock" in second.message
        assert not second.did("Write nginx's configuration")
    finally:
        first.kill()
        first.wait()
    assert not cluster.succeeds("nginx1", "test -e /run/evenkeel/lock")
    assert site().code == 0
