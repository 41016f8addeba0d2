# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx and keepalived that end, hang or are stopped where the plain drill does not look."""

from __future__ import annotations

import time

import pytest
from labtest import Cluster, site

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
HOSTS = ("nginx1", "nginx2")
UPGRADE = "env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --reinstall nginx"
NETWORKD = r"[Match]\nName=ens33\n[Network]\nLinkLocalAddressing=no\nAddress=192.168.200.150/24\n"


def on(cluster: Cluster, host: str) -> dict[str, str | None]:
    return dict.fromkeys(cluster.vips, host)


def test_an_upgrade_of_nginx_fails_next_to_no_request(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    with cluster.client_watching(timeout=2) as seen:
        cluster.run("nginx1", UPGRADE)
        cluster.settle(dict(cluster.vips))
    assert seen[VIP]["failed"] <= 4
    assert seen[OTHER_VIP]["failed"] == 0


def test_the_first_nginx_to_return_takes_all_vips(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    for host in HOSTS:
        cluster.run(host, "systemctl kill --signal=KILL nginx")
        cluster.run(host, "systemctl stop nginx")
    cluster.settle(dict.fromkeys(cluster.vips))
    cluster.run("nginx2", "systemctl start nginx")
    cluster.settle(on(cluster, "nginx2"))
    cluster.answers_everywhere()
    cluster.run("nginx1", "systemctl start nginx")
    cluster.settle(dict(cluster.vips))


def test_where_no_host_is_well_the_vips_stay_somewhere(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    try:
        for host in HOSTS:
            cluster.run(host, "systemctl kill --signal=STOP nginx")
        for host in HOSTS:
            cluster.wait(lambda host=host: cluster.verdict(host) == 1, f"{host} to be unwell", lambda: "")
        cluster.settle(dict(cluster.vips))
    finally:
        for host in HOSTS:
            cluster.run(host, "systemctl kill --signal=CONT nginx")
    for host in HOSTS:
        cluster.wait(lambda host=host: cluster.verdict(host) == 0, f"{host} to be well", lambda: "", within=150)
    cluster.settle(dict(cluster.vips))
    cluster.answers_everywhere()


def test_a_stop_does_not_wait_for_ever_for_another_host(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    cluster.run("nginx2", "systemctl stop keepalived")
    try:
        begun = time.monotonic()
        cluster.run("nginx1", "systemctl stop nginx")
        assert 4 < time.monotonic() - begun < 30
        assert "no other host has taken 192.168.200.200/24" in cluster.run(
            "nginx1", "journalctl -u nginx-handover -n 5"
        )
    finally:
        cluster.run("nginx1", "systemctl start nginx")
        cluster.run("nginx2", "systemctl start keepalived")
    cluster.settle(dict(cluster.vips))


def test_a_stop_of_the_backup_waits_for_nobody(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    cluster.run("nginx1", "systemctl stop keepalived")
    cluster.settle(on(cluster, "nginx2"))
    begun = time.monotonic()
    cluster.run("nginx1", "systemctl stop nginx")
    assert time.monotonic() - begun < 4
    cluster.run("nginx1", "systemctl start nginx keepalived")
    cluster.settle(dict(cluster.vips))


@pytest.mark.parametrize("which", ["parent", "child"])
def test_one_process_of_keepalived_killed(cluster: Cluster, which: str) -> None:
    cluster.settle(dict(cluster.vips))
    parent = cluster.run("nginx1", "systemctl show --property=MainPID --value keepalived").strip()
    child = cluster.run("nginx1", f"cat /proc/{parent}/task/{parent}/children").split()[0]
    cluster.run("nginx1", f"kill -9 {parent if which == 'parent' else child}")
    for _ in range(20):
        assert len(cluster.holders()[VIP]) <= 2
    cluster.settle(dict(cluster.vips))
    cluster.answers_everywhere()


@pytest.mark.parametrize("signal", ["KILL", "STOP"])
def test_keepalived_gone_leaves_no_second_holder(cluster: Cluster, signal: str) -> None:
    """At most a second after the watchdog has seen it, or after a kill, the VIP has one holder again, and for good."""
    cluster.settle(dict(cluster.vips))
    with cluster.holders_watched() as twice:
        cluster.run("nginx1", f"systemctl kill --signal={signal} keepalived")
        time.sleep(5)
        cluster.settle(dict(cluster.vips))
    print(f"{signal}: {VIP} on both hosts for {twice[VIP]:.2f} s")
    assert twice[VIP] < (1 if signal == "KILL" else 3)


def test_networkd_leaves_the_vips_alone(cluster: Cluster) -> None:
    """Restarted, it keeps the VIPs; told to configure the interface anew it removes them, and keepalived takes them back."""
    unit, network = "systemd-networkd.socket systemd-networkd", "/etc/systemd/network/10-front.network"
    cluster.settle(dict(cluster.vips))
    try:
        # In a container networkd waits for udev, unless it finds that there cannot be one.
        cluster.run("nginx1", "mount -o remount,bind,ro /sys")
        cluster.run("nginx1", f"sh -c 'printf \"{NETWORKD}\" >{network}'")
        cluster.run("nginx1", "systemctl start systemd-networkd")
        cluster.wait(lambda: cluster.succeeds("nginx1", f"networkctl status ens33 | grep {network}"), "networkd's", str)
        assert site().code == 0
        assert "KeepConfiguration=static" in cluster.run("nginx1", f"cat {network}.d/keepalived.conf")
        cluster.settle(dict(cluster.vips))
        for command, most in (("systemctl restart systemd-networkd", 0), ("networkctl reconfigure ens33", 300)):
            with cluster.client_watching(timeout=2) as seen:
                cluster.run("nginx1", command)
                cluster.settle(dict(cluster.vips))
            assert seen[VIP]["failed"] <= most
    finally:
        cluster.run("nginx1", f"systemctl stop {unit}")
        cluster.run("nginx1", f"rm -rf {network} {network}.d")
        cluster.run("nginx1", "mount -o remount,bind,rw /sys")


def test_track_process_is_accepted_by_keepalived(cluster: Cluster) -> None:
    """The kernel reports processes to no container, so keepalived's own check of the configuration is all there is."""
    run = site(check_nginx_track_process=True, arguments=("--check", "--diff"))
    assert run.code == 0
    assert "vrrp_track_process nginx {" in run.output
    assert "refuses the new configuration" not in run.message


def test_a_reload_takes_the_new_configuration_over(cluster: Cluster) -> None:
    assert site(keepalived_preempt_delay=1, keepalived_priority_base=200).code == 0
    cluster.settle(dict(cluster.vips))
    assert {speaker["priority"] for speaker in cluster.speakers()} == {200}, "the reload took nothing over"
    configuration = cluster.run("nginx1", "cat /etc/keepalived/keepalived.conf")
    assert "preempt_delay 1" in configuration
    assert "state MASTER" not in configuration
    assert site().code == 0
    cluster.settle(dict(cluster.vips))
