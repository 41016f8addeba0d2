# SPDX-License-Identifier: GPL-3.0-or-later
"""Adverts by unicast, on a network that drops multicast."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from labtest import Cluster, site

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
BOTH = {VIP: "nginx1", OTHER_VIP: "nginx2"}
INVENTORIES = ("lab", "dual_master")
UNICAST = {"keepalived_install_method": "package", "keepalived_unicast": True}


@pytest.fixture(scope="module")
def without_multicast(cluster: Cluster) -> Iterator[None]:
    """No host hears multicast from here on."""
    rules = ("add table inet quiet", "add chain inet quiet in { type filter hook input priority 0 ; }")
    try:
        for host in set(BOTH.values()):
            for rule in (*rules, "add rule inet quiet in ip daddr 224.0.0.0/4 counter drop"):
                cluster.net(host, f"nft {rule}")
        yield
    finally:
        for host in set(BOTH.values()):
            cluster.net(host, "nft delete table inet quiet")


def test_both_change_over_together(cluster: Cluster) -> None:
    """From the sync group on one host, for members that send to different places do not hear each other."""
    run = site(*INVENTORIES, **UNICAST)
    assert run.code == 0, run.output
    assert run.did("Silence the other members")
    cluster.settle(dict(BOTH))
    assert site(*INVENTORIES, **UNICAST).count("nginx1", "changed") == 0
    configuration = cluster.run("nginx1", "cat /etc/keepalived/keepalived.conf")
    assert "unicast_src_ip 192.168.200.150" in configuration and "        192.168.200.151\n" in configuration


def test_they_are_a_pair_without_multicast(cluster: Cluster, without_multicast: None) -> None:
    # Longer than it takes to miss adverts.
    cluster.settle(dict(BOTH))
    cluster.serves()


def test_a_planned_move_and_a_fault(cluster: Cluster, without_multicast: None) -> None:
    with cluster.client_watching() as seen:
        cluster.run("nginx1", "systemctl stop keepalived")
        cluster.settle(dict.fromkeys(BOTH, "nginx2"))
        cluster.run("nginx1", "systemctl start keepalived")
        cluster.settle(dict(BOTH))
    assert {vip: target["failed"] for vip, target in seen.items()} == dict.fromkeys(BOTH, 0)
    cluster.run("nginx1", "systemctl kill --signal=KILL nginx")
    cluster.settle(dict(BOTH))
    cluster.serves()


def test_one_member_alone_knows_the_other_from_before(cluster: Cluster) -> None:
    run = site(*INVENTORIES, arguments=("--limit", "nginx1"), **UNICAST)
    assert run.code == 0, run.output
    assert run.count("nginx1", "changed") == 0
