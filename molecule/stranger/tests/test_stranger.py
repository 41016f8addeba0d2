# SPDX-License-Identifier: GPL-3.0-or-later
"""A foreign speaker on a planned VRID stops the run before any change; elsewhere it is left alone."""

from __future__ import annotations

import pytest
from labtest import Cluster, site
from labtest.cluster import LOAD_BALANCERS

REFUSED = (
    "keepalived_vips[0].virtual_router_id of VI_1 is planned as 200, with which 192.168.200.10 speaks VRRPv3 on ens33, and that is no "
    "member. Set it to a free one, e.g. 201."
)


def test_the_run_stops_before_any_change(cluster: Cluster) -> None:
    run = site(keepalived_install_method="package")
    assert run.code != 0
    assert REFUSED in run.message
    for host in LOAD_BALANCERS:
        assert run.count(host, "changed") == 0
        assert not cluster.succeeds(host, "test -e /etc/keepalived || test -e /etc/nginx")


def test_preflight_alone_says_the_same() -> None:
    run = site(playbook="playbooks/preflight.yml")
    assert run.code != 0
    assert REFUSED in run.message


@pytest.mark.parametrize("way", ["another VRID", "not listening"])
def test_ways_on(way: str) -> None:
    vips = [{"name": "VI_1", "address": "192.168.200.200/24"}]
    if way == "another VRID":
        run = site(playbook="playbooks/preflight.yml", keepalived_vips=[{**vips[0], "virtual_router_id": 201}])
    else:
        run = site(playbook="playbooks/preflight.yml", keepalived_vips=vips, keepalived_listen_seconds=0)
    assert run.code == 0
    for host in LOAD_BALANCERS:
        assert run.count(host, "changed") == 0
