# SPDX-License-Identifier: GPL-3.0-or-later
"""The four points of the reference: real VIPs, real requests of the client, real failures.

Every topology runs all of them; with one VIP the fourth is what the second and third say.
"""

from __future__ import annotations

import pytest
from labtest import Cluster

OTHER = {"nginx1": "nginx2", "nginx2": "nginx1"}


def everything_on(cluster: Cluster, host: str) -> dict[str, str | None]:
    return dict.fromkeys(cluster.vips, host)


def test_each_vip_is_on_its_own_host_and_both_web_servers_answer_in_turn(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    cluster.serves()


@pytest.mark.parametrize("failing", ["nginx1", "nginx2"])
def test_nginx_stopped_moves_the_vips_and_its_return_brings_them_back(cluster: Cluster, failing: str) -> None:
    cluster.settle(dict(cluster.vips))
    with cluster.client_watching(timeout=2) as seen:
        cluster.run(failing, "systemctl stop nginx")
        cluster.settle(everything_on(cluster, OTHER[failing]))
    for vip, home in cluster.vips.items():
        assert seen[vip]["sent"] > 100
        # The VIPs move before nginx stops. Only requests of the very moment in which they change hosts may fail.
        assert seen[vip]["failed"] <= (4 if home == failing else 0)
    cluster.serves()

    cluster.run(failing, "systemctl start nginx")
    cluster.settle(dict(cluster.vips))
    cluster.serves()
    assert cluster.succeeds(failing, "systemctl is-active keepalived"), "the check stopped keepalived"


@pytest.mark.parametrize("failing", ["nginx1", "nginx2"])
def test_keepalived_stopped_moves_the_vips_and_its_return_brings_them_back(cluster: Cluster, failing: str) -> None:
    cluster.settle(dict(cluster.vips))
    cluster.run(failing, "systemctl stop keepalived")
    cluster.settle(everything_on(cluster, OTHER[failing]))
    cluster.serves()
    cluster.run(failing, "systemctl start keepalived")
    cluster.settle(dict(cluster.vips))
    cluster.serves()


def test_keepalived_started_before_nginx_does_not_lose_the_vips(cluster: Cluster) -> None:
    for host in OTHER:
        cluster.run(host, "systemctl stop keepalived nginx")
    cluster.settle(dict.fromkeys(cluster.vips))
    for host in OTHER:
        cluster.run(host, "systemctl start keepalived")
    # Without nginx no host is fit for a VIP.
    cluster.settle(dict.fromkeys(cluster.vips))
    for host in OTHER:
        assert cluster.succeeds(host, "systemctl is-active keepalived")
        cluster.run(host, "systemctl start nginx")
    cluster.settle(dict(cluster.vips))
    cluster.serves()


def test_failing_backends_move_no_vip(cluster: Cluster) -> None:
    ports = {"web1": 9091, "web2": 9092}
    vip = next(iter(cluster.vips))
    cluster.settle(dict(cluster.vips))
    try:
        for host, port in ports.items():
            cluster.run(host, f"systemctl stop lab-web@{port}")
        assert not cluster.answers(vip)
        for _ in range(3):
            cluster.settle(dict(cluster.vips), within=1)
    finally:
        for host, port in ports.items():
            cluster.run(host, f"systemctl start lab-web@{port}")
    # nginx leaves a server alone for 10 s after a failure (fail_timeout).
    cluster.wait(lambda: cluster.answers(vip), f"{vip} to answer", lambda: "")
