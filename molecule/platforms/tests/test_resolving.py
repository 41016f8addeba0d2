# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of servers that are looked up again while nginx runs, by one that can; on the way there and back its configuration changes too."""

from __future__ import annotations

import time

import pytest
from labtest import Cluster, Run, site
from labtest.site import PROJECT

INVENTORY = PROJECT / "molecule/platforms/inventory"
ADDRESS, PORT = "192.168.200.151", 8100
SERVERS = {"web1": "172.16.2.20", "web2": "172.16.2.21"}
WORKERS = "sh -c 'cat /proc/$(cat /run/nginx.pid)/task/*/children'"
UPSTREAM = "/etc/nginx/nginx_ha/upstreams/named.conf"


def apply(**variables: object) -> Run:
    """On nginx2 alone, by a playbook of the role."""
    run = site("lab", INVENTORY, playbook="molecule/platforms/names.yml", **variables)
    assert run.code == 0
    return run


def name(cluster: Cluster, *hosts: str) -> None:
    """What the DNS server says from now on; nginx may keep what it said before for a second."""
    lines = "".join(f"{SERVERS[host]} app.example.com\\n" for host in hosts)
    cluster.run("web1", f"sh -c 'printf \"{lines}\" >/etc/names && systemctl kill --signal=HUP names'")


def answering(cluster: Cluster) -> set[str]:
    words = f"curl --silent --show-error --fail --max-time 3 http://{ADDRESS}:{PORT}/"
    return set(cluster.run("client", f"sh -c 'for i in $(seq 8); do {words} || exit; done'").split())


def version(cluster: Cluster) -> tuple[int, ...]:
    return tuple(map(int, cluster.run("nginx2", "sh -c 'nginx -v 2>&1'").split("/")[1].split(".")))


@pytest.fixture(scope="module")
def newest(cluster: Cluster) -> None:
    assert apply().did("Install the package's other version")
    assert version(cluster) >= (1, 27, 3)


@pytest.mark.usefixtures("newest")
def test_names_are_looked_up_again(cluster: Cluster) -> None:
    workers = cluster.run("nginx2", WORKERS)
    assert answering(cluster) == {"web1"}
    for hosts in ({"web2"}, {"web1", "web2"}, {"web1"}):
        name(cluster, *hosts)
        cluster.wait(lambda hosts=hosts: answering(cluster) == hosts, f"answers of {hosts}", lambda: answering(cluster))
    assert cluster.run("nginx2", WORKERS) == workers, "nginx was reloaded meanwhile"


@pytest.mark.usefixtures("newest")
def test_a_reload_keeps_what_was_looked_up(cluster: Cluster) -> None:
    with cluster.client_watching(targets=[ADDRESS], port=PORT) as seen:
        for _ in range(5):
            cluster.run("nginx2", "systemctl reload nginx")
            time.sleep(1)
    assert seen[ADDRESS]["failed"] == 0


@pytest.mark.usefixtures("newest")
def test_nothing_is_left_to_do_after_an_upgrade(cluster: Cluster) -> None:
    assert apply().count("nginx2", "changed") == 0
    assert "warn" not in cluster.run("nginx2", "sh -c 'nginx -t 2>&1'")


@pytest.mark.usefixtures("newest")
def test_a_downgrade_takes_what_the_older_nginx_can_read(cluster: Cluster) -> None:
    assert " resolve;" in cluster.run("nginx2", f"cat {UPSTREAM}")
    assert apply(names_version="1.26*").did("Install the package's other version")
    assert version(cluster)[:2] == (1, 26)
    assert " resolve;" not in cluster.run("nginx2", f"cat {UPSTREAM}")
    # As its host looks the name up.
    assert answering(cluster) == {"web2"}
