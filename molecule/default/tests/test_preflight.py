# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/preflight.yml on a running pair."""

from __future__ import annotations

import time

from labtest import Cluster, site
from labtest.cluster import LOAD_BALANCERS

PREFLIGHT = "playbooks/preflight.yml"
VIPS = [{"name": "VI_1", "address": "192.168.200.200/24"}, {"name": "VI_2", "address": "192.168.200.210/24"}]


def test_it_prints_the_plan_and_changes_nothing(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    started = time.monotonic()
    run = site(playbook=PREFLIGHT)
    print(f"preflight.yml took {time.monotonic() - started:.1f} s")
    assert run.code == 0
    for host in LOAD_BALANCERS:
        assert run.count(host, "changed") == 0
    assert "VI_1 192.168.200.200/24 200 nginx1 254, nginx2 243 -12" in run.message
    assert "VI_2 192.168.200.210/24 210 nginx2 254, nginx1 243 -12" in run.message
    assert "Applying it moves nothing." in run.message


def test_it_says_what_would_move(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    run = site(playbook=PREFLIGHT, keepalived_vips=[VIPS[0], {**VIPS[1], "preferred": "nginx1"}])
    assert run.code == 0
    # The pin takes VI_2 to nginx1, so VI_1 goes to nginx2, for one each.
    moves = run.message.split("Applying it would move:")[1]
    assert "VI_1: nginx1 -> nginx2" in moves and "VI_2: nginx2 -> nginx1" in moves


def test_a_changed_vrid_is_refused_while_the_old_one_runs(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    run = site(playbook=PREFLIGHT, keepalived_vips=[VIPS[0], {**VIPS[1], "virtual_router_id": 52}])
    assert run.code != 0
    assert (
        "nginx1: keepalived_vips[1].virtual_router_id of VI_2 is planned as 52, and it runs with 210. While the members differ, each is "
        "master. Keep it with virtual_router_id: 210, or change it on all members in one run with -e keepalived_allow_vrid_change=true."
    ) in run.message


def test_a_split_brain_is_reported(cluster: Cluster) -> None:
    everywhere = {vip: sorted(LOAD_BALANCERS) for vip in cluster.vips}
    with cluster.without_vrrp():
        cluster.wait(lambda: cluster.holders() == everywhere, "every VIP on both hosts, not {}", cluster.holders)
        run = site(playbook=PREFLIGHT)
    assert run.code == 0
    for vip in ("VI_1", "VI_2"):
        assert f"split brain: nginx1 and nginx2 both speak as master of {vip}." in run.message
    cluster.settle(dict(cluster.vips))


def test_a_part_of_the_cluster_gets_the_plan_of_the_whole(cluster: Cluster) -> None:
    run = site(arguments=("--limit", "nginx2"))
    assert run.code == 0
    assert run.count("nginx2", "changed") == 0
