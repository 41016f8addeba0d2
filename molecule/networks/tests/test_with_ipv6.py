# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs of both families from one entry, by multicast and by unicast."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from labtest import Cluster, site

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
VIP6, EXTRA6 = "fd00:200::200", "fd00:200::201"
FIRST = dict.fromkeys((VIP, VIP6, EXTRA6), "nginx1")
ALL = FIRST | {OTHER_VIP: "nginx2"}
OWN = {"nginx1": "fd00:200::150", "nginx2": "fd00:200::151", "client": "fd00:200::10"}
INVENTORIES = ("lab", "dual_master")
DUAL = {
    "keepalived_install_method": "package",
    "keepalived_vips": [
        {
            "name": "VI_1",
            "address": f"{VIP}/24",
            "address6": f"{VIP6}/64",
            "extra_addresses": [f"{EXTRA6}/64"],
            "virtual_router_id": 51,
        },
        {"name": "VI_2", "address": f"{OTHER_VIP}/24", "virtual_router_id": 52},
    ],
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """The lab's networks have no IPv6 addresses but those of the link."""
    cluster = Cluster(dict(ALL))
    try:
        for host, address in OWN.items():
            cluster.run(host, f"ip address replace {address}/64 dev ens33 nodad")
        yield cluster
    finally:
        for host, address in OWN.items():
            cluster.succeeds(host, f"ip address delete {address}/64 dev ens33")


@pytest.fixture(scope="module", params=[False, True], ids=["multicast", "unicast"])
def pair(cluster: Cluster, request: pytest.FixtureRequest) -> Cluster:
    run = site(*INVENTORIES, **DUAL, keepalived_unicast=request.param)
    assert run.code == 0, run.output
    cluster.settle(dict(ALL))
    return cluster


def test_both_families_answer(pair: Cluster) -> None:
    for vip in FIRST:
        assert set(pair.pages(vip)) == {"web1", "web2"}
    speaking = {(each["family"], each["virtual_router_id"]) for each in pair.speakers()}
    unicast = "unicast_peer" in pair.run("nginx1", "cat /etc/keepalived/keepalived.conf")
    assert speaking == (set() if unicast else {("ipv4", 51), ("ipv4", 52), ("ipv6", 51)})


def test_they_move_together_and_nothing_is_lost(pair: Cluster) -> None:
    with pair.client_watching() as seen:
        pair.run("nginx1", "systemctl stop keepalived")
        pair.settle(dict.fromkeys(ALL, "nginx2"))
        pair.run("nginx1", "systemctl start keepalived")
        pair.settle(dict(ALL))
    assert {vip: target["failed"] for vip, target in seen.items()} == dict.fromkeys(ALL, 0)


def test_a_fault_moves_both(pair: Cluster) -> None:
    with pair.client_watching() as seen:
        pair.run("nginx1", "systemctl kill --signal=KILL nginx")
        pair.settle(dict(ALL))
    for vip in FIRST:
        assert seen[vip]["gap_ms"] < 5000 and "nginx2" not in pair.holders()[vip]


def test_a_run_changes_nothing_more(pair: Cluster) -> None:
    unicast = "unicast_peer" in pair.run("nginx1", "cat /etc/keepalived/keepalived.conf")
    run = site(*INVENTORIES, **DUAL, keepalived_unicast=unicast)
    assert run.code == 0 and run.count("nginx1", "changed") == 0, run.output
    verdict = site(*INVENTORIES, playbook="playbooks/verify.yml", **DUAL, keepalived_unicast=unicast)
    assert verdict.code == 0, verdict.output
