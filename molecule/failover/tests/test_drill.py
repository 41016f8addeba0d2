# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/drill.yml with all of its faults on nginx1; one test a fault, on what the drill reports."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import faults
from labtest import Cluster, site

EVERY = {fault.name: fault for fault in faults.FAULTS}
VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
DRILL = "playbooks/drill.yml"
# Milliseconds: generous, for machines are shared. './dev bench' has the figures.
LONGEST_GAP = {"nginx_kill": 1500, "keepalived_stop": 1500, "nginx_hang": 8000, "nginx_500": 8000}
LONGEST_GAP_ELSE = 5000
# Planned moves, and how many requests may fail in one: those in the very moment in which the VIP changes hosts.
PLANNED = ("nginx_stop", "nginx_restart", "nginx_config", "reboot")
MOST_LOST_IN_A_MOVE = 4


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("drill")
    site(
        playbook=DRILL,
        within=1500,
        drill_confirm="yes",
        drill_prober="client",
        drill_hosts=["nginx1"],
        drill_faults=list(EVERY),
        drill_report_dir=str(directory),
    )
    return directory


@pytest.fixture(scope="module")
def rows(report: Path) -> dict[str, dict[str, Any]]:
    return {row["fault"]: row for row in json.loads((report / "drill.json").read_text())["rows"]}


@pytest.mark.parametrize("name", EVERY)
def test_fault(rows: dict[str, dict[str, Any]], name: str) -> None:
    fault = EVERY[name]
    assert name in rows, "the drill had ended before it"
    row = rows[name]
    assert (row["ok"], row["surprise"]) == (True, "")
    seen = row["probe"]["targets"][VIP]
    print(f"{fault.title}: {seen['failed']} of {seen['sent']} requests failed, longest gap {seen['gap_ms']} ms")
    assert seen["sent"] > 100
    if fault.effect == "gone" or (fault.everywhere and fault.reboots):
        assert seen["failed"] > 0
    else:
        assert seen["gap_ms"] < LONGEST_GAP.get(name, LONGEST_GAP_ELSE)
    if name in PLANNED:
        assert seen["failed"] <= MOST_LOST_IN_A_MOVE
    if not fault.everywhere:
        assert rows[name]["probe"]["targets"][OTHER_VIP]["failed"] == 0, "clients saw a fault of the backup"


@pytest.mark.parametrize("name", ["nginx_stop", "nginx_hang", "nginx_500", "keepalived_stop", "nginx_config"])
def test_the_client_saw_the_vip_on_the_other_host_and_back(rows: dict[str, dict[str, Any]], name: str) -> None:
    holders = [entry["holder"] for entry in rows[name]["probe"]["targets"][VIP]["holders"]]
    assert holders == ["nginx1", "nginx2", "nginx1"]


def test_a_host_that_crashes_again_and_again_moves_the_vip_once(rows: dict[str, dict[str, Any]]) -> None:
    holders = [entry["holder"] for entry in rows["nginx_crash_loop"]["probe"]["targets"][VIP]["holders"]]
    moves = [pair for pair in pairwise(holders) if pair == ("nginx1", "nginx2")]
    assert 1 <= len(moves) <= 2, holders


def test_the_report_shows_every_fault_and_loads_nothing(report: Path) -> None:
    page = (report / "drill.html").read_text()
    for fault in EVERY.values():
        assert fault.title in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page


def test_nothing_of_the_drill_is_left(rows: dict[str, dict[str, Any]], cluster: Cluster) -> None:
    assert rows
    cluster.settle(dict(cluster.vips))
    for host in ("nginx1", "nginx2"):
        assert not cluster.succeeds(host, "systemctl is-active evenkeel-drill")
        assert "evenkeel-drill" not in cluster.run(host, "nft list tables")
        assert not cluster.succeeds(host, "test -e /etc/nginx/conf.d/evenkeel-drill.conf")
    run = site()
    assert (run.code, run.count("nginx1", "changed"), run.count("nginx2", "changed")) == (0, 0, 0)


def test_no_drill_without_a_yes_and_a_prober(cluster: Cluster) -> None:
    for variables in (
        {"drill_prober": "client"},
        {"drill_confirm": "yes"},
        {"drill_confirm": "yes", "drill_prober": "nginx1"},
    ):
        run = site(playbook=DRILL, **variables)
        assert run.code != 0
        assert "give -e drill_confirm=yes and -e drill_prober=HOST" in run.message
        assert "is no load balancer (client, nginx3, web1, web2)." in run.message
        assert not run.did("Inject the fault")


def test_check_mode_tells_what_would_be_done(cluster: Cluster) -> None:
    run = site(
        playbook=DRILL, arguments=("--check",), drill_confirm="yes", drill_prober="client", drill_faults=["nginx_kill"]
    )
    assert run.code == 0
    assert "nginx killed, on nginx1" in run.output and "nginx killed, on nginx2" in run.output
    assert not run.did("Inject the fault")


def test_a_cluster_that_is_not_well_is_not_injured(cluster: Cluster, tmp_path: Path) -> None:
    cluster.settle(dict(cluster.vips))
    cluster.run("nginx2", "systemctl stop nginx")
    try:
        run = site(
            playbook=DRILL,
            drill_confirm="yes",
            drill_prober="client",
            drill_faults=["nginx_kill"],
            drill_patience=3,
            drill_report_dir=str(tmp_path),
        )
        assert run.code != 0
        assert "nginx2 has no VIP, and the plan wants 192.168.200.210/24 there. Nothing was injected." in run.message
        assert not run.did("Inject the fault")
    finally:
        cluster.run("nginx2", "systemctl start nginx")
    cluster.settle(dict(cluster.vips))
