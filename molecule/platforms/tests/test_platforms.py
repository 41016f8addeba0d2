# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian 11 and Debian 13 side by side."""

from __future__ import annotations

from labtest import Cluster
from labtest.cluster import LOAD_BALANCERS

RELEASES = {"nginx1": "11", "nginx2": "13"}


def test_each_platform_runs_a_build_of_its_own(cluster: Cluster) -> None:
    builds = {}
    for host in LOAD_BALANCERS:
        assert cluster.run(host, "sh -c '. /etc/os-release; echo $VERSION_ID'") == RELEASES[host]
        pid = cluster.run(host, "systemctl show --property=MainPID --value keepalived")
        builds[host] = cluster.run(host, f"readlink /proc/{pid}/exe")
        assert cluster.run(host, "ls /opt/keepalived").split() == [builds[host].split("/")[3]]
    assert builds["nginx1"] != builds["nginx2"]


def test_the_vips_are_shared_across_the_platforms(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    cluster.serves()
    for failing, other in (("nginx1", "nginx2"), ("nginx2", "nginx1")):
        cluster.run(failing, "systemctl stop nginx")
        cluster.settle(dict.fromkeys(cluster.vips, other))
        cluster.serves()
        cluster.run(failing, "systemctl start nginx")
        cluster.settle(dict(cluster.vips))
