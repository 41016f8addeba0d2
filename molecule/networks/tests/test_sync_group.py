# SPDX-License-Identifier: GPL-3.0-or-later
"""A sync group: what makes one VIP move makes the other move along."""

from __future__ import annotations

from pathlib import Path

import yaml
from labtest import Cluster, site

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
FIRST, SECOND = dict.fromkeys((VIP, OTHER_VIP), "nginx1"), dict.fromkeys((VIP, OTHER_VIP), "nginx2")
INVENTORIES = ("lab", "dual_master")
VARIABLES = yaml.safe_load((Path(__file__).parents[1] / "vars" / "main.yml").read_text())
VIPS = [
    {"name": "VI_1", "address": f"{VIP}/24", "virtual_router_id": 51},
    # The one that tracks the web servers' network.
    {
        "name": "VI_2",
        "address": f"{OTHER_VIP}/24",
        "virtual_router_id": 52,
        "options": {"track_interface": [{"name": "ens34"}]},
    },
]
GROUP = {
    **VARIABLES,
    "keepalived_instance_options": {},
    "keepalived_vips": VIPS,
    "keepalived_sync_groups": [
        {"name": "VG_1", "vips": ["VI_1", "VI_2"], "notify_fault": "/usr/bin/logger VG_1 has a fault"}
    ],
}


def test_the_group_has_one_host(cluster: Cluster) -> None:
    """Also from VIPs on interfaces of their own to VIPs on the interface itself."""
    run = site(*INVENTORIES, **GROUP)
    assert run.code == 0, run.output
    cluster.settle(dict(FIRST))
    cluster.serves()
    assert site(*INVENTORIES, **GROUP).count("nginx1", "changed") == 0


def test_a_fault_of_one_moves_both(cluster: Cluster) -> None:
    cluster.net("nginx1", "ip link set ens34 down")
    try:
        cluster.wait(lambda: cluster.held("nginx2") == set(SECOND), "nginx2 to take both VIPs", str)
    finally:
        cluster.net("nginx1", "ip link set ens34 up")
    cluster.settle(dict(FIRST))
    assert "VG_1 has a fault" in cluster.run("nginx1", "journalctl --no-pager --identifier=keepalived_script")


def test_a_drain_moves_both_without_a_loss(cluster: Cluster) -> None:
    with cluster.client_watching() as seen:
        assert site(*INVENTORIES, playbook="playbooks/drain.yml", drain_hosts="nginx1", **GROUP).code == 0
        cluster.settle(dict(SECOND))
        assert site(*INVENTORIES, playbook="playbooks/undrain.yml", drain_hosts="nginx1", **GROUP).code == 0
        cluster.settle(dict(FIRST))
    assert {vip: target["failed"] for vip, target in seen.items()} == dict.fromkeys(FIRST, 0)
