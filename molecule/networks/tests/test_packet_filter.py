# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts whose firewall drops what it does not know: nftables, firewalld, ufw."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from labtest import Cluster, site

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
BOTH = {VIP: "nginx1", OTHER_VIP: "nginx2"}
INVENTORIES = ("lab", "dual_master")
PACKAGE = {"keepalived_install_method": "package"}
RULES = """
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iif lo accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
        tcp dport { 22, 80 } accept
    }
}
"""
# What each needs in order to let SSH and HTTP in and drop the rest, and how it reads its rules anew.
MANAGERS = {
    "nftables": (
        f"printf %s '{RULES}' >/etc/nftables.conf; systemctl enable --now nftables",
        "systemctl reload nftables",
    ),
    "firewalld": (
        # Its names of protocols are in netbase.
        "apt-get -q -y --no-install-recommends install netbase firewalld; firewall-cmd -q --permanent --add-service=http; firewall-cmd -q --reload",
        "firewall-cmd -q --reload",
    ),
    "ufw": (
        "apt-get -q -y --no-install-recommends install ufw; ufw allow 22/tcp; ufw allow 80/tcp; ufw --force enable",
        "ufw reload",
    ),
}
REMOVED = {
    "nftables": "systemctl disable --now nftables",
    "firewalld": "apt-get -q -y purge firewalld netbase",
    "ufw": "ufw --force disable; apt-get -q -y purge ufw",
}


def shell(cluster: Cluster, host: str, commands: str) -> None:
    cluster.run(host, f'bash -c "export DEBIAN_FRONTEND=noninteractive; {commands}"')


def on_both(cluster: Cluster, commands: str) -> None:
    """At once, for they install and remove packages."""
    with ThreadPoolExecutor() as hosts:
        list(hosts.map(lambda host: shell(cluster, host, commands), BOTH.values()))


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Cluster:
    run = site(*INVENTORIES, **PACKAGE)
    assert run.code == 0, run.output
    cluster.settle(dict(BOTH))
    return cluster


@pytest.fixture(params=MANAGERS)
def manager(pair: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """It drops adverts until keepalived is started."""
    try:
        on_both(pair, MANAGERS[request.param][0])
        yield request.param
    finally:
        on_both(pair, REMOVED[request.param])


def test_the_pair_goes_on_behind_it(pair: Cluster, manager: str) -> None:
    for host in BOTH.values():
        pair.run(host, "systemctl restart keepalived")
    pair.settle(dict(BOTH))
    for host in BOTH.values():
        shell(pair, host, MANAGERS[manager][1])
    # Longer than it takes to miss adverts.
    pair.settle(dict(BOTH))
    pair.serves()
