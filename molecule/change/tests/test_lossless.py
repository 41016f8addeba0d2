# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the inventory and of versions: whoever asks a VIP that stays notices none of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from labtest import Cluster, Run, site
from labtest.site import PROJECT

VI_1 = {"name": "VI_1", "address": "192.168.200.200/24"}
VI_2 = {"name": "VI_2", "address": "192.168.200.210/24"}
BOTH = {"192.168.200.200": "nginx1", "192.168.200.210": "nginx2"}
THIRD = PROJECT / "molecule/change/third"
PAIR = ("nginx1", "nginx2")


@contextmanager
def nothing_lost(cluster: Cluster) -> Iterator[None]:
    """The client asks both VIPs 100 times a second meanwhile, and every request is answered."""
    with cluster.client_watching(targets=list(BOTH), timeout=2, duration=400) as seen:
        yield
    for vip, target in seen.items():
        assert target["sent"] > 100
        assert target["failed"] == 0, f"{vip}: {target['failures']}"


def changed(cluster: Cluster, *inventories: object, holders: dict[str, str] = BOTH, **variables: object) -> Run:
    """Run site.yml without a lost request, and see every VIP where it belongs."""
    with nothing_lost(cluster):
        run = site("lab", *inventories, **variables)
        assert run.code == 0, run.output
        cluster.settle(dict(holders))
    return run


def has_nothing_of(cluster: Cluster, *vips: str) -> None:
    """No host takes packets to a VIP that was removed for its own."""
    for host in PAIR:
        table = cluster.run(host, "ip route show table local")
        assert not [vip for vip in vips if f" {vip} " in table], table


def installed(cluster: Cluster, host: str, what: str = "keepalived") -> str:
    """The version of the program that runs."""
    unit = cluster.run(host, f"systemctl show --property=MainPID --value {what}").strip()
    return cluster.run(host, f"sh -c '/proc/{unit}/exe {'-v' if what == 'nginx' else '--version'} 2>&1'")


@pytest.fixture(autouse=True)
def settled(cluster: Cluster) -> None:
    cluster.settle(dict(BOTH))


def test_a_run_without_a_change_does_nothing(cluster: Cluster) -> None:
    run = changed(cluster)
    assert not run.did("Move the VIPs to another host")
    assert not run.did("Reload")
    for host in PAIR:
        assert run.count(host, "changed") == 0
        print(f"{host}: {run.count(host, 'ok')} tasks, {run.started(host)} with those skipped")
        assert run.count(host, "ok") <= 12
        assert run.started(host) <= 26


def test_a_vip_is_added_renumbered_and_removed(cluster: Cluster) -> None:
    changed(
        cluster,
        keepalived_vips=[VI_1, VI_2, {"name": "VI_3", "address": "192.168.200.220/24"}],
    )
    assert set(cluster.pages("192.168.200.220")) <= {"web1", "web2"}
    run = changed(
        cluster,
        keepalived_vips=[VI_1, VI_2, {"name": "VI_3", "address": "192.168.200.221/24"}],
    )
    assert not run.did("Move the VIPs to another host")
    assert set(cluster.pages("192.168.200.221")) <= {"web1", "web2"}
    assert not cluster.answers("192.168.200.220")
    changed(cluster)
    assert not cluster.answers("192.168.200.221")
    has_nothing_of(cluster, "192.168.200.220", "192.168.200.221")


def test_an_instance_gets_another_address_on_2_2_7(cluster: Cluster) -> None:
    """Below 2.3.3 members whose lists differ all take the VIPs, so this happens on all members together."""
    with cluster.holders_watched() as twice:
        run = changed(cluster, keepalived_vips=[VI_1 | {"extra_addresses": ["192.168.200.201/24"]}, VI_2])
        assert run.did("Silence the other members")
        assert set(cluster.pages("192.168.200.201")) <= {"web1", "web2"}
        changed(cluster)
    has_nothing_of(cluster, "192.168.200.201")
    # A VIP that comes back is on both hosts for milliseconds, until the other has heard of it.
    assert max(twice.values()) < 0.5, twice


def test_the_upstream_changes(cluster: Cluster) -> None:
    web1 = [{"name": "web", "servers": [{"address": "172.16.2.20", "port": 9091}]}]
    run = changed(cluster, nginx_upstreams=web1)
    assert not run.did("Move the VIPs to another host")
    assert set(cluster.pages("192.168.200.200")) == {"web1"}
    changed(cluster)
    assert set(cluster.pages("192.168.200.200")) == {"web1", "web2"}


def test_the_priorities_and_the_unit_change(cluster: Cluster) -> None:
    """Between the old and the new priorities a drain moves nothing, so this happens on all members together."""
    for variables in ({"keepalived_priority_base": 200, "keepalived_handover_seconds": 6}, {}):
        run = changed(cluster, **variables)
        assert run.did("Silence the other members") and run.did("Restart keepalived")


def test_keepalived_is_upgraded_and_downgraded(cluster: Cluster) -> None:
    with nothing_lost(cluster):
        run = site(playbook="playbooks/upgrade.yml", keepalived_version="2.3.3")
        assert run.code == 0, run.output
        cluster.settle(dict(BOTH))
    assert all("v2.3.3" in installed(cluster, host) for host in PAIR)
    # From 2.3.3 on members whose lists differ do no harm.
    run = changed(
        cluster,
        keepalived_version="2.3.3",
        keepalived_vips=[VI_1 | {"extra_addresses": ["192.168.200.201/24"]}, VI_2],
    )
    assert not run.did("Silence the other members")
    # Those of 2.2.7 do: both at once is done together, and the one that keeps the VIPs is drained for its restart.
    run = changed(cluster)
    assert run.did("Silence the other members") and not run.did("Compile as an unprivileged user")
    assert all("v2.2.7" in installed(cluster, host) for host in PAIR)


def test_nginx_is_upgraded_and_restarted(cluster: Cluster) -> None:
    offered = cluster.run("nginx1", "apt-cache madison nginx").splitlines()
    versions = [line.split("|")[1].strip() for line in offered]
    if len(set(versions)) < 2:
        pytest.skip("the package mirrors offer one version of nginx only")
    older = " ".join(f"{name}={versions[-1]}" for name in ("nginx", "nginx-common"))
    for host in PAIR:
        cluster.run(host, f"env DEBIAN_FRONTEND=noninteractive apt-get -q -y --allow-downgrades install {older}")
        cluster.settle(dict(BOTH))
    with nothing_lost(cluster):
        run = site(playbook="playbooks/upgrade.yml")
        assert run.code == 0, run.output
        assert run.did("Install the package's other version")
        cluster.settle(dict(BOTH))
    for host in PAIR:
        assert versions[0] in cluster.run(host, "dpkg-query --show nginx")
    with nothing_lost(cluster):
        cluster.run("nginx1", "systemctl restart nginx")
        cluster.settle(dict(BOTH))


def snapshot(cluster: Cluster, host: str) -> set[str]:
    """What there is on a host: packages, users, units, and files in the places where a role may put some."""
    # What the package manager itself keeps, and what systemd notes of each unit that ever was.
    kept = "-path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/systemd -o -path /var/cache -o -path /etc/ssl/certs"
    files = f"find /etc /opt /usr/local /var/lib /run/vrrp /run/evenkeel \\( {kept} \\) -prune -o -print"
    commands = (
        f"sh -c '{files} 2>/dev/null || true'",
        "dpkg-query -W -f '${Package} ${Status}\\n'",
        "cut -d: -f1 /etc/passwd",
    )
    # apt and ldconfig write these anew whenever something is installed.
    derived = {"/etc/ld.so.cache", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/var/lib/ucf"}
    return {line for command in commands for line in cluster.run(host, command).splitlines()} - derived


def test_a_third_load_balancer_is_added_and_removed(cluster: Cluster) -> None:
    before = snapshot(cluster, "nginx3")
    changed(cluster, THIRD)
    assert cluster.succeeds("nginx3", "systemctl is-active keepalived nginx check_nginx")
    with nothing_lost(cluster):
        run = site(
            "lab", THIRD, playbook="playbooks/uninstall.yml", arguments=("--limit", "nginx3"), uninstall_confirm="yes"
        )
        assert run.code == 0, run.output
        cluster.settle(dict(BOTH))
    changed(cluster)
    after = snapshot(cluster, "nginx3")
    assert after - before == set(), "uninstalling left this behind"
    assert before - after == set(), "uninstalling removed what was there before"
