# SPDX-License-Identifier: GPL-3.0-or-later
"""Each host taken down in turn; who speaks for which VIP on the wire is what the plan says."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.evenkeel.nginx_ha.plugins.filter.vrrp_plan import vrrp_plan
from labtest import Cluster
from labtest.cluster import LOAD_BALANCERS, PROJECT

SOURCES = {"192.168.200.150": "nginx1", "192.168.200.151": "nginx2", "192.168.200.152": "nginx3"}
VIPS = yaml.safe_load((PROJECT / "molecule/n_way/inventory/group_vars/load_balancers.yml").read_text())[
    "keepalived_vips"
]


def planned(lost: str | None = None) -> dict[int, str]:
    """The host that should speak for each VRID."""
    speakers: dict[int, tuple[int, str]] = {}
    for host, instances in vrrp_plan(VIPS, LOAD_BALANCERS).items():
        for instance in instances:
            if host != lost:
                best = speakers.get(instance["virtual_router_id"], (0, ""))
                speakers[instance["virtual_router_id"]] = max(best, (instance["priority"], host))
    return {vrid: host for vrid, (_, host) in speakers.items()}


def on_the_wire(cluster: Cluster) -> dict[int, str]:
    """Who speaks for each VRID; two speakers of one VRID are a failure."""
    speakers = cluster.speakers()
    found: dict[int, str] = {}
    for speaker in speakers:
        assert speaker["version"] == 3
        name = SOURCES[speaker["source"]]
        # A host that handed over within these seconds said so with priority 0.
        if speaker["priority"] > 0:
            assert found.setdefault(speaker["virtual_router_id"], name) == name, f"two masters: {speakers}"
    return found


def even(speaking: dict[int, str], hosts: set[str]) -> bool:
    loads = [list(speaking.values()).count(host) for host in hosts]
    return set(speaking.values()) <= hosts and max(loads) - min(loads) <= 1


def test_all_hosts_up(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    assert on_the_wire(cluster) == planned()
    assert even(planned(), set(LOAD_BALANCERS))


@pytest.mark.parametrize("lost", LOAD_BALANCERS)
def test_one_host_down(cluster: Cluster, lost: str) -> None:
    cluster.settle(dict(cluster.vips))
    expected = {f"192.168.200.{vrid}": host for vrid, host in planned(lost).items()}
    cluster.run(lost, "systemctl stop keepalived")
    try:
        cluster.settle(dict(expected))
        assert on_the_wire(cluster) == planned(lost)
        assert even(planned(lost), set(LOAD_BALANCERS) - {lost})
    finally:
        cluster.run(lost, "systemctl start keepalived")
    cluster.settle(dict(cluster.vips))
    assert on_the_wire(cluster) == planned()
