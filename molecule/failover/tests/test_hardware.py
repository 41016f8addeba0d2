# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that come from outside of a host: its power, its cable, its disk, the order of its boot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from labtest import Cluster

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
ORDERS = {"nginx first": ("keepalived", "nginx"), "keepalived first": ("nginx", "keepalived")}


def on(cluster: Cluster, host: str) -> dict[str, str | None]:
    return dict.fromkeys(cluster.vips, host)


def moved_to(cluster: Cluster, host: str) -> None:
    """The VIPs are on the one host, as the client and the other network see it; the other host may be out of reach."""
    cluster.wait(lambda: cluster.held(host) == set(cluster.vips), f"all VIPs on {host}", lambda: cluster.held(host))
    for vip in cluster.vips:
        cluster.wait(lambda vip=vip: cluster.answers(vip), f"{vip} to answer", lambda: "")


def test_cable_pulled_and_plugged(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    try:
        with cluster.client_watching() as seen:
            cluster.act("nginx1", "unplug")
            moved_to(cluster, "nginx2")
            cluster.settle(on(cluster, "nginx2"))
        assert 0 < seen[VIP]["gap_ms"] < 5000
        assert seen[OTHER_VIP]["failed"] == 0
    finally:
        with cluster.client_watching(timeout=2) as seen:
            cluster.act("nginx1", "plug")
            cluster.settle(dict(cluster.vips))
    assert seen[VIP]["failed"] <= 4
    cluster.answers_everywhere()


def test_host_frozen_and_thawed(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    with cluster.client_watching() as seen:
        cluster.act("nginx1", "freeze")
        try:
            moved_to(cluster, "nginx2")
        finally:
            cluster.act("nginx1", "thaw")
        cluster.settle(dict(cluster.vips))
    assert seen[VIP]["recover_ms"] is not None
    assert seen[OTHER_VIP]["failed"] == 0
    cluster.answers_everywhere()


@pytest.mark.parametrize(("later", "earlier"), ORDERS.values(), ids=ORDERS)
def test_power_off_and_boot_in_both_orders(cluster: Cluster, later: str, earlier: str) -> None:
    drop_in = f"/etc/systemd/system/{later}.service.d/order.conf"
    cluster.run("nginx1", f"mkdir -p /etc/systemd/system/{later}.service.d")
    cluster.run("nginx1", f"sh -c 'printf \"[Unit]\\nAfter={earlier}.service\\n\" >{drop_in}'")
    try:
        cluster.settle(dict(cluster.vips))
        cluster.act("nginx1", "power-off")
        moved_to(cluster, "nginx2")
        cluster.act("nginx1", "power-on")
        cluster.boots("nginx1")
        cluster.settle(dict(cluster.vips))
        cluster.answers_everywhere()
    finally:
        # It is on already unless something went wrong.
        cluster.act("nginx1", "power-on")
        cluster.boots("nginx1")
        cluster.run("nginx1", f"rm {drop_in}")
        cluster.run("nginx1", "systemctl daemon-reload")


def test_both_hosts_boot_together(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    for host in ("nginx1", "nginx2"):
        cluster.act(host, "power-off")
    for host in ("nginx1", "nginx2"):
        cluster.act(host, "power-on")
    for host in ("nginx1", "nginx2"):
        cluster.boots(host)
    cluster.settle(dict(cluster.vips))
    cluster.answers_everywhere()


@contextmanager
def small_file_systems(cluster: Cluster, host: str) -> Iterator[None]:
    """Full ones where the check's state and nginx's logs lie. They are there before the services that watch them."""
    places = ("/run/vrrp", "/var/log/nginx")
    cluster.run(host, "systemctl stop nginx keepalived")
    for place in places:
        cluster.run(host, f"mount -t tmpfs -o size=64k,mode=755 tmpfs {place}")
    cluster.run(host, "systemctl start nginx keepalived")
    try:
        cluster.settle(dict(cluster.vips))
        for place in places:
            assert not cluster.succeeds(host, f"dd if=/dev/zero of={place}/filler bs=1k"), f"{place} is not full"
        yield
    finally:
        cluster.run(host, "systemctl stop nginx keepalived")
        for place in places:
            cluster.run(host, f"umount {place}")
        cluster.run(host, "systemctl start nginx keepalived")


def test_the_masters_state_and_logs_are_full(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    with small_file_systems(cluster, "nginx1"):
        cluster.answers_everywhere()
        cluster.settle(dict(cluster.vips))
        cluster.run("nginx1", "systemctl kill --signal=KILL nginx")
        moved_to(cluster, "nginx2")
        cluster.settle(dict(cluster.vips))
        cluster.run("nginx1", "systemctl stop nginx")
        cluster.settle(on(cluster, "nginx2"))
        cluster.run("nginx1", "systemctl start nginx")
        cluster.settle(dict(cluster.vips))
        cluster.answers_everywhere()
    cluster.settle(dict(cluster.vips))
