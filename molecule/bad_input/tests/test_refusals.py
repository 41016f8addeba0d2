# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of bad input: the exact text, before anything on any host changes."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from labtest import Cluster, site
from labtest.cluster import LOAD_BALANCERS

VIP = {"name": "VI_1", "address": "192.168.200.200/24"}
WEB = [{"name": "web", "servers": [{"address": "172.16.2.20", "port": 9091}]}]
# What Ansible itself leaves behind wherever it connects is no change of the host.
CHANGED = (
    "find / -xdev -newer /run/marker -not -path / -not -path '/proc*' -not -path '/sys*' -not -path '/run*'"
    " -not -path '/tmp*' -not -path '/var/tmp*' -not -path '/dev*' -not -path '/var/log/*' -not -path '*/.ansible*'"
    " -not -path '/var/lib/systemd/*' -not -path '/root*' -not -path /home/ops"
)


@pytest.fixture
def unchanged(cluster: Cluster) -> Iterator[None]:
    """The test's run leaves every file of every load balancer as it was."""
    for host in LOAD_BALANCERS:
        cluster.run(host, "sh -c 'touch /run/marker; sleep 0.1'")
    yield
    for host in LOAD_BALANCERS:
        assert cluster.run(host, CHANGED).split() == [], f"{host} was changed before the refusal"


REFUSALS = {
    "no VIP": (
        {"keepalived_vips": []},
        "nginx1: keepalived_vips is empty. Give at least one VIP, e.g. [{name: VI_1, address: 192.168.200.200/24}].",
    ),
    "mail to something that is no address": (
        {"keepalived_notify": {"email": {"to": ["ops"], "from": "lb@example.com", "server": "192.0.2.1"}}},
        "nginx1: keepalived_notify.email.to has 'ops', which is no mail address. Write it as name@example.com, with nothing around it.",
    ),
    "a VIP that is no address": (
        {"keepalived_vips": [{**VIP, "address": "192.168.200.300/24"}]},
        "nginx1: keepalived_vips[0].address of VI_1 is '192.168.200.300/24', which is no IP address. Write it as 192.168.200.200/24.",
    ),
    "a VIP listed twice": (
        {"keepalived_vips": [VIP, {**VIP, "name": "VI_2"}]},
        "nginx1: keepalived_vips[1].address of VI_2 is 192.168.200.200, which VI_1 has as well. Remove one of the two.",
    ),
    "a VIP outside the interface's network": (
        {"keepalived_vips": [{**VIP, "address": "192.168.201.200/24"}]},
        "nginx1: keepalived_vips[0].address of VI_1 is 192.168.201.200, which is not in the network of keepalived_interface ens33 "
        "(192.168.200.0/24",
    ),
    "a host's own address as VIP": (
        {"keepalived_vips": [{**VIP, "address": "192.168.200.151/24"}]},
        "nginx2: keepalived_vips[0].address of VI_1 is 192.168.200.151, this host's own address on ens33. A VIP moves between hosts; choose an unused address.",
    ),
    "an interface that the host lacks": (
        {"keepalived_interface": "eth9"},
        "nginx1: keepalived_interface is 'eth9', which this host lacks; it has ens33, ens34, lo. Set it to the one that is to carry the VIPs.",
    ),
    "a version without a checksum": (
        {"keepalived_version": "2.2.9"},
        "nginx1: keepalived_version is 2.2.9, which has no known checksum. "
        "Set keepalived_checksum to the sha256 of its tarball, or choose one of 2.1.5, 2.2.2, 2.2.4,",
    ),
    "a password that is too long": (
        {"keepalived_vrrp_version": 2, "keepalived_advert_int": 1, "keepalived_auth_pass": "123456789"},
        "nginx1: keepalived_auth_pass has 9 characters; VRRPv2 carries 8 and drops the rest. Use 8 characters at most.",
    ),
    "a password on VRRPv3": (
        {"keepalived_auth_pass": "1111"},
        "nginx1: keepalived_auth_pass is set, but VRRPv3 has no authentication (RFC 5798). "
        "Remove it, or set keepalived_vrrp_version to 2.",
    ),
    "a sub-second advert on VRRPv2": (
        {"keepalived_vrrp_version": 2},
        "nginx1: keepalived_advert_int is 0.25, but VRRPv2 counts whole seconds. "
        "Set it to 1 or more, or keepalived_vrrp_version to 3.",
    ),
    "equal priorities": (
        {"keepalived_vips": [{**VIP, "priorities": {"nginx1": 150, "nginx2": 150}}]},
        "nginx1, nginx2: keepalived_vips[0].priorities of VI_1 give nginx1 and nginx2 both 150. "
        "Equal priorities go to the higher address; give each host its own.",
    ),
    "a unicast peer with a prefix": (
        {"keepalived_unicast_peers": ["192.168.200.150", "192.168.200.151/24"]},
        "nginx1: keepalived_unicast_peers[1] is '192.168.200.151/24', which has a prefix. Write the address alone, as 192.168.200.151.",
    ),
    "an upstream without servers": (
        {"nginx_upstreams": [{"name": "web", "servers": []}]},
        "nginx1: nginx_upstreams[0].servers is not set. List them as [{address: 172.16.2.20, port: 9091}],",
    ),
    "a server of an unknown upstream": (
        {"nginx_upstreams": WEB, "nginx_servers": [{"name": "default", "upstream": "app"}]},
        "nginx1: nginx_servers[0].upstream is 'app', which nginx_upstreams lacks; it has web. Name one of these, or add it there.",
    ),
    "an unknown install method": (
        {"keepalived_install_method": "docker"},
        "value of keepalived_install_method must be one of: source, package, got: docker",
    ),
    "an unknown check behaviour": (
        {"check_nginx_behaviour": "pray"},
        "value of check_nginx_behaviour must be one of: watch, stop, restart, got: pray",
    ),
    "a VIP without an address": (
        {"keepalived_vips": [{"name": "VI_1"}]},
        "missing required arguments: address found in keepalived_vips",
    ),
}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("variables", "text"), REFUSALS.values(), ids=REFUSALS)
def test_bad_input_is_refused_before_anything_changes(variables: dict, text: str) -> None:
    run = site(**variables)
    assert run.code != 0
    assert text in run.message


@pytest.mark.usefixtures("unchanged")
def test_a_member_that_is_not_listed_is_refused() -> None:
    run = site(keepalived_hosts=["nginx1"])
    assert run.code != 0
    assert (
        "nginx2: keepalived_hosts (nginx1) does not name this host. It lists all members of the cluster, the same on each;"
        " set it in the load balancers' group_vars."
    ) in run.message


@pytest.mark.usefixtures("unchanged")
def test_an_inventory_without_load_balancers_is_refused(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {children: {load_balancers: {}}}")
    run = site(inventory)
    assert run.code != 0
    assert (
        "The inventory has no host in the group 'load_balancers'. Put the hosts that are to share the VIPs into it,"
        in run.message
    )


@pytest.mark.usefixtures("unchanged")
def test_an_unsupported_operating_system_is_refused(cluster: Cluster) -> None:
    # A file that Ansible's facts read first makes the host an Alpine for them.
    cluster.run("nginx2", "sh -c 'echo 3.20.0 >/etc/alpine-release; touch /run/marker'")
    try:
        run = site()
    finally:
        # The directory's own time is the test's doing.
        cluster.run("nginx2", "sh -c 'rm /etc/alpine-release; touch --date=yesterday /etc'")
    assert run.code != 0
    assert (
        "nginx2: the operating system is Alpine 3.20.0, which these roles do not support."
        " They support Debian 11, Ubuntu 20.04 and EL 7 or later."
    ) in run.message


@pytest.mark.usefixtures("unchanged")
def test_a_local_tarball_with_another_checksum_is_refused(tmp_path: Path) -> None:
    tarball = tmp_path / "keepalived-2.2.7.tar.gz"
    tarball.write_bytes(b"not keepalived")
    run = site(keepalived_source_file=str(tarball), keepalived_artifact_dir=str(tmp_path))
    assert run.code != 0
    found = hashlib.sha256(b"not keepalived").hexdigest()
    assert (
        f"nginx1: keepalived_source_file {tarball} has the sha256 {found}; keepalived 2.2.7 has"
        " c61940d874154a560a54627ecf7ef47adebdf832164368d10bf242a4d9b7d49d. Get the file again, or correct keepalived_checksum."
    ) in run.message


@pytest.mark.usefixtures("unchanged")
def test_a_local_tarball_that_is_missing_is_refused(tmp_path: Path) -> None:
    run = site(keepalived_source_file="/nonexistent/keepalived.tar.gz", keepalived_artifact_dir=str(tmp_path))
    assert run.code != 0
    assert (
        "nginx1: keepalived_source_file /nonexistent/keepalived.tar.gz is not on the control node; keepalived 2.2.7 has"
        in run.message
    )


@pytest.mark.usefixtures("unchanged")
def test_sources_that_do_not_have_the_tarball_are_all_named(tmp_path: Path) -> None:
    run = site(
        keepalived_artifact_dir=str(tmp_path),
        keepalived_source_file="",
        keepalived_source_urls=["http://127.0.0.1:1/keepalived.tar.gz", "http://172.16.2.20:9091/keepalived.tar.gz"],
    )
    assert run.code != 0
    page = hashlib.sha256(b"web1\n").hexdigest()
    assert (
        "No source has the file with the sha256 c61940d874154a560a54627ecf7ef47adebdf832164368d10bf242a4d9b7d49d:"
        in run.message
    )
    assert "http://127.0.0.1:1/keepalived.tar.gz: " in run.message and "Connection refused" in run.message
    assert f"http://172.16.2.20:9091/keepalived.tar.gz: sha256 is {page}" in run.message
    assert "Name another source, or correct the checksum." in run.message


def test_a_failed_compilation_shows_its_last_lines_and_its_log(cluster: Cluster, tmp_path: Path) -> None:
    tarball = tmp_path / "keepalived-9.9.9.tar.gz"
    script = b"#!/bin/sh\necho checking for a reason to fail... found\nexit 3\n"
    with tarfile.open(tarball, "w:gz") as archive:
        member = tarfile.TarInfo("keepalived-9.9.9/configure")
        member.mode, member.size = 0o755, len(script)
        archive.addfile(member, io.BytesIO(script))
    checksum = hashlib.sha256(tarball.read_bytes()).hexdigest()
    run = site(
        keepalived_version="9.9.9",
        keepalived_checksum=checksum,
        keepalived_source_file=str(tarball),
        keepalived_artifact_dir=str(tmp_path),
    )
    assert run.code != 0
    assert "The compilation of keepalived failed: ./configure" in run.message
    assert "ended with 3. The log is /var/cache/keepalived-build/keepalived-9.9.9-" in run.message
    assert "checking for a reason to fail... found" in run.message
    for host in LOAD_BALANCERS:
        assert not cluster.succeeds(host, "test -e /etc/keepalived || test -e /etc/nginx || test -e /opt/keepalived")
