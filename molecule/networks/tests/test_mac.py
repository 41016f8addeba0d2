# SPDX-License-Identifier: GPL-3.0-or-later
"""use_vmac: a VIP keeps its MAC wherever it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from labtest import Cluster, site

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
BOTH = {VIP: "nginx1", OTHER_VIP: "nginx2"}
# RFC 5798, 7.3: 00-00-5E-00-01 and the VRID, which the inventory pins to 51 and 52.
MACS = {VIP: "00:00:5e:00:01:33", OTHER_VIP: "00:00:5e:00:01:34"}
VARIABLES = yaml.safe_load((Path(__file__).parents[1] / "vars" / "main.yml").read_text())


@pytest.fixture(scope="module", autouse=True)
def with_their_macs(cluster: Cluster) -> None:
    """As the scenario has converged, for these are its first tests: another run changes nothing."""
    run = site("lab", "dual_master", **VARIABLES)
    assert run.code == 0, run.output
    assert not re.search(r"\bchanged=[1-9]", run.output)
    cluster.settle(dict(BOTH))


def neighbours(cluster: Cluster) -> dict[str, str]:
    """What the client takes for the MAC of each VIP."""
    known = cluster.run("client", "ip -4 neigh show")
    return dict(re.findall(r"^(\S+) dev \S+ lladdr (\S+)", known, re.M)) | {"": ""}


def client_knows(cluster: Cluster) -> dict[str, str | None]:
    found = neighbours(cluster)
    return {vip: found.get(vip) for vip in BOTH}


def test_the_vips_have_vrrps_mac(cluster: Cluster) -> None:
    cluster.settle(dict(BOTH))
    cluster.serves()
    assert client_knows(cluster) == MACS
    assert MACS[VIP] in cluster.run("nginx1", "ip -oneline link show dev vrrp.51")


def test_a_planned_move_changes_no_neighbours_entry(cluster: Cluster) -> None:
    with cluster.client_watching() as seen:
        cluster.run("nginx1", "systemctl stop keepalived")
        cluster.settle(dict.fromkeys(BOTH, "nginx2"))
        assert client_knows(cluster) == MACS
        cluster.run("nginx1", "systemctl start keepalived")
        cluster.settle(dict(BOTH))
        assert client_knows(cluster) == MACS
    # Not free of loss, as it is without VRRP's MAC: requests that are under way may have to be sent again.
    assert max(target["gap_ms"] for target in seen.values()) < 2000
    assert all(target["failed"] < target["sent"] / 20 for target in seen.values())


def test_nor_does_a_host_that_is_lost(cluster: Cluster) -> None:
    with cluster.client_watching(duration=120) as seen:
        cluster.act("nginx1", "power-off")
        try:
            cluster.wait(lambda: cluster.held("nginx2") == set(BOTH), "nginx2 to take both VIPs", str)
            cluster.answers_everywhere()
            assert client_knows(cluster) == MACS
        finally:
            cluster.act("nginx1", "power-on")
            cluster.boots("nginx1")
        cluster.settle(dict(BOTH), within=60)
        assert client_knows(cluster) == MACS
    assert seen[VIP]["gap_ms"] < 5000
    assert seen[OTHER_VIP]["gap_ms"] < 1000


def test_a_killed_keepalived_leaves_no_vip_behind(cluster: Cluster) -> None:
    process = "systemctl show --property=MainPID --value keepalived"
    before = cluster.run("nginx1", process).strip()
    cluster.run("nginx1", "systemctl kill --signal=KILL keepalived")
    # Until then the VIPs may be where they were.
    cluster.wait(lambda: cluster.run("nginx1", process).strip() not in (before, "0"), "keepalived to return", str)
    cluster.settle(dict(BOTH), within=60)
    cluster.serves()
    assert client_knows(cluster) == MACS
