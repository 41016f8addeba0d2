# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that one host cannot take: nothing is touched anywhere, or the host gets back what it had."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from labtest import Cluster, site
from labtest.site import with_event

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
BOTH = {VIP: "nginx1", OTHER_VIP: "nginx2"}
HOSTS = ("nginx1", "nginx2")
LAB = "/var/lib/evenkeel-lab"


def configuration(cluster: Cluster) -> dict[str, str]:
    """What lies in the places that a run writes to."""
    places = "/etc/nginx /etc/keepalived /etc/systemd/system"
    command = f"sh -c 'find {places} -type f -exec sha256sum {{}} + | sort'"
    return {host: cluster.run(host, command) for host in HOSTS}


@contextmanager
def refused(cluster: Cluster) -> Iterator[None]:
    """No request fails meanwhile, and afterwards every file is what it was."""
    cluster.settle(dict(BOTH))
    before = configuration(cluster)
    with cluster.client_watching(timeout=2, duration=400) as seen:
        yield
        cluster.settle(dict(BOTH))
    assert {vip: target["failed"] for vip, target in seen.items()} == dict.fromkeys(BOTH, 0)
    assert configuration(cluster) == before


@pytest.fixture(scope="module", autouse=True)
def as_the_inventory_says() -> None:
    """Whatever the tests before have left."""
    assert site().code == 0


def as_before() -> None:
    """A run with what the inventory says finds nothing to do."""
    run = site()
    assert run.code == 0, run.output
    assert [run.count(host, "changed") for host in HOSTS] == [0, 0]


def only_on(host: str, bad: str, good: str) -> str:
    return f"{{{{ '{bad}' if inventory_hostname == '{host}' else '{good}' }}}}"


def named(server_name: str) -> dict[str, Any]:
    return {"nginx_servers": [{"name": "default", "server_names": [server_name], "upstream": "web"}]}


def tracked(interface: str) -> dict[str, Any]:
    return {"keepalived_instance_options": {"track_interface": [{"name": interface}]}}


@pytest.mark.parametrize(
    ("host", "variables", "bad", "good", "said"),
    [
        ("nginx1", named, "~^(www", "www.example.com", "missing closing parenthesis"),
        ("nginx2", tracked, "ens99", "ens33", "tracked interface ens99 doesn't exist"),
    ],
    ids=["nginx", "keepalived"],
)
def test_what_one_hosts_checker_refuses_touches_no_host(
    cluster: Cluster, host: str, variables: Callable[[str], dict[str, Any]], bad: str, good: str, said: str
) -> None:
    with refused(cluster):
        run = site(**variables(only_on(host, bad, good)))
        assert run.code != 0
        assert "refuses the new configuration" in run.message
        assert said in run.message
    for each in HOSTS:
        assert run.count(each, "changed") == 0


def test_a_port_that_is_taken_is_noticed_after_the_reload(cluster: Cluster) -> None:
    """Taken after the input was checked: nginx's own test accepts it, and a reload that cannot bind reports success."""
    servers = [{"name": "default", "upstream": "web"}, {"name": "late", "listen": [8089], "upstream": "web"}]

    def take() -> None:
        for host in HOSTS:
            cluster.run(host, "systemd-run --quiet --unit=taker python3 -m http.server 8089")

    try:
        with refused(cluster):
            run = with_event("Test the configurations with the programs", take, nginx_servers=servers, nginx_patience=3)
            assert run.code != 0
            assert "is back: configuration and programs. The run stops here." in run.message
            assert "nginx1: keepalived 2.2.7, VI_1 MASTER, VI_2 BACKUP" in run.message
    finally:
        for host in HOSTS:
            cluster.run(host, "systemctl stop taker")
    as_before()


def test_a_port_of_another_program_is_refused(cluster: Cluster) -> None:
    with refused(cluster):
        run = site(nginx_servers=[{"name": "default", "listen": [80, 22], "upstream": "web"}])
        assert run.code != 0
        assert "nginx_servers[0].listen has port 22, which sshd has on this host" in run.message
    for each in HOSTS:
        assert run.count(each, "changed") == 0


def broken_build(good: Path, prefix: str, target: Path) -> None:
    """The artifact of a keepalived that passes its tests and cannot start, made of a good one."""
    script = b'#!/bin/sh\ncase "$*" in *--version*|*--config-test*) exec "$0.real" "$@" ;; esac\nexit 1\n'
    with tarfile.open(good) as source, tarfile.open(target, "w:gz") as sink:
        for member in source.getmembers():
            content = source.extractfile(member) if member.isfile() else None
            member.name = re.sub(r"^opt/keepalived/[^/]+", prefix.lstrip("/"), member.name)
            if member.name.endswith("/sbin/keepalived"):
                real = tarfile.TarInfo(member.name + ".real")
                real.size, real.mode = member.size, member.mode
                sink.addfile(real, content)
                member.size, content = len(script), io.BytesIO(script)
            sink.addfile(member, content)


def test_a_binary_that_cannot_start_is_replaced_by_the_former_one(cluster: Cluster, tmp_path: Path) -> None:
    build = {"keepalived_configure_flags": ["--disable-vmac"], "keepalived_artifact_dir": str(tmp_path)}
    announced = site(arguments=("--check",), **build).message
    prefix = re.search(r"unpack it to (\S+?)\.?['\" ]", announced)[1]
    (good,) = Path(LAB, "artifacts").glob("keepalived-2.2.7-*-debian-12-*.tar.gz")
    platform = re.search(r"debian-12-.*", good.name)[0]
    broken_build(good, prefix, tmp_path / f"keepalived-{Path(prefix).name}-{platform}")
    with refused(cluster):
        run = site(keepalived_patience=10, **build)
        assert run.code != 0
        assert "is back: configuration and programs. The run stops here." in run.message
    for host in HOSTS:
        assert prefix not in cluster.run(host, "systemctl show --property=ExecStart keepalived")
    as_before()


@pytest.mark.parametrize("place", ["/etc/keepalived", "/etc/nginx", "/var/lib/evenkeel"])
def test_a_full_file_system(cluster: Cluster, place: str) -> None:
    cluster.run("nginx2", f"cp -a {place} /root/kept")
    cluster.run("nginx2", f"mount -t tmpfs -o size=1m,mode=755 tmpfs {place}")
    cluster.run("nginx2", f"cp -a /root/kept/. {place}")
    cluster.run("nginx2", f"sh -c 'dd if=/dev/zero of={place}/filler bs=512 2>/dev/null || true'")
    try:
        with refused(cluster):
            run = site(nginx_upstream_keepalive=40, keepalived_priority_base=240)
            assert run.code != 0
            assert "No space left on device" in run.message
    finally:
        cluster.run("nginx2", f"umount {place}")
        cluster.run("nginx2", "rm -rf /root/kept")


def test_a_run_after_full_file_systems_finds_nothing_to_do() -> None:
    as_before()


def test_an_interface_that_disappears_in_the_middle(cluster: Cluster) -> None:
    """The other host serves on; the run stops and says what it saw; when the interface is back, the next run converges."""
    cluster.settle(dict(BOTH))
    with cluster.client_watching(targets=[VIP], timeout=2, duration=400) as seen:
        run = with_event(
            "Write keepalived's unit and configuration",
            lambda: cluster.net("nginx2", "ip link set ens33 down"),
            keepalived_priority_base=240,
            keepalived_patience=5,
        )
        cluster.wait(lambda: cluster.held("nginx1") == set(BOTH), "all VIPs on nginx1", cluster.holders)
    try:
        assert run.code != 0
        assert "nginx2" in run.message and "FAULT" in run.message
        assert seen[VIP]["failed"] == 0
    finally:
        cluster.net("nginx2", "ip link set ens33 up")
    assert site().code == 0
    cluster.settle(dict(BOTH))
    as_before()
