# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference's values on the hosts, and its password nowhere else."""

from __future__ import annotations

import re

import pytest
from labtest import Cluster, site
from labtest.cluster import LOAD_BALANCERS

PASSWORD = "1111"


@pytest.mark.parametrize(
    ("host", "values"),
    [
        ("nginx1", ["router_id Nginx_01", "state MASTER", "priority 150"]),
        ("nginx2", ["router_id Nginx_02", "state BACKUP", "priority 100"]),
    ],
)
def test_the_references_values_are_in_the_file(cluster: Cluster, host: str, values: list[str]) -> None:
    text = cluster.run(host, "cat /etc/keepalived/keepalived.conf")
    for value in [
        *values,
        "virtual_router_id 51",
        "advert_int 1",
        "auth_type PASS",
        f"auth_pass {PASSWORD}",
        "vrrp_version 2",
    ]:
        assert re.search(rf"^\s*{value}$", text, re.M), f"{value} is not in:\n{text}"
    check = cluster.run(host, "cat /etc/keepalived/check_nginx.sh")
    assert re.search(r"^interval=2 timeout=0.5 fall=3$", check, re.M)


def test_the_file_with_the_password_is_roots(cluster: Cluster) -> None:
    with cluster.hosts["nginx1"].sudo():
        file = cluster.hosts["nginx1"].file("/etc/keepalived/keepalived.conf")
        assert (file.mode, file.user, file.group) == (0o640, "root", "root")


def test_the_password_is_never_shown(cluster: Cluster) -> None:
    secret = "oldpass1"
    first = site(
        "lab", "master_backup", keepalived_version="2.2.7", keepalived_auth_pass=secret, arguments=("--diff", "-vvv")
    )
    assert first.code == 0 and secret not in first.output
    back = site("lab", "master_backup", keepalived_version="2.2.7", arguments=("--diff", "-vvv"))
    assert back.code == 0 and secret not in back.output
    assert "auth_pass ********" in back.output
    assert f"auth_pass {PASSWORD}" not in back.output
    for host in LOAD_BALANCERS:
        assert secret not in cluster.run(host, "journalctl --no-pager --output=cat")
