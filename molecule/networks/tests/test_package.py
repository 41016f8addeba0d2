# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived from the distribution's package."""

from __future__ import annotations

from labtest import Cluster
from labtest.cluster import LOAD_BALANCERS


def test_the_packages_keepalived_runs(cluster: Cluster) -> None:
    for host in LOAD_BALANCERS:
        assert cluster.hosts[host].package("keepalived").is_installed
        pid = cluster.run(host, "systemctl show --property=MainPID --value keepalived").strip()
        assert cluster.run(host, f"readlink /proc/{pid}/exe").strip() == "/usr/sbin/keepalived"
        assert not cluster.succeeds(host, "test -e /opt/keepalived")
