# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived from source: built once and handed on; and site.yml from the collection's artifact."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml
from labtest import Cluster, Run, site
from labtest.cluster import LOAD_BALANCERS, PROJECT
from labtest.site import plain_environment

COMPILES = "Compile as an unprivileged user"


def running(cluster: Cluster, host: str) -> str:
    pid = cluster.run(host, "systemctl show --property=MainPID --value keepalived").strip()
    return cluster.run(host, f"readlink /proc/{pid}/exe").strip()


def changes_nothing(run: Run) -> bool:
    return run.code == 0 and all(run.count(host, "changed") == 0 for host in LOAD_BALANCERS)


def test_the_second_load_balancer_has_no_compiler(cluster: Cluster) -> None:
    assert running(cluster, "nginx1") == running(cluster, "nginx2")
    assert not cluster.succeeds("nginx2", "command -v gcc || command -v make")
    assert not cluster.succeeds("nginx2", "test -e /var/cache/keepalived-build")


def test_the_build_is_roots_and_hardened(cluster: Cluster) -> None:
    binary = running(cluster, "nginx2")
    assert binary.startswith("/opt/keepalived/2.2.7-")
    assert cluster.run("nginx2", f"find {Path(binary).parents[1]} -not -user root -o -not -group root").strip() == ""
    options = cluster.hosts["nginx2"].run(f"{binary} --version").stderr
    assert "-fstack-protector-strong" in options and "-D_FORTIFY_SOURCE" in options and "SYSTEMD_NOTIFY" in options


def test_a_host_that_lost_its_build_gets_the_artifact_again_without_compiling(cluster: Cluster) -> None:
    cluster.run("nginx2", f"rm -r {Path(running(cluster, 'nginx2')).parents[1]}")
    run = site()
    assert run.code == 0 and not run.did(COMPILES)
    assert run.count("nginx1", "changed") == 0
    assert cluster.succeeds("nginx2", f"test -x {running(cluster, 'nginx1')}")


def test_site_runs_from_an_installed_artifact_and_without_a_change_executes_at_most_12_tasks(tmp_path: Path) -> None:
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    clean = plain_environment()
    subprocess.run([galaxy, "collection", "build", "--output-path", tmp_path], cwd=PROJECT, env=clean, check=True)
    version = yaml.safe_load((PROJECT / "galaxy.yml").read_text())["version"]
    archive = tmp_path / f"evenkeel-nginx_ha-{version}.tar.gz"
    install = [galaxy, "collection", "install", archive, "--collections-path", tmp_path / "collections"]
    subprocess.run(install, cwd=tmp_path, env=clean, check=True)
    installed = tmp_path / "collections" / "ansible_collections" / "evenkeel" / "nginx_ha"
    assert (installed / "roles" / "keepalived" / "tasks" / "main.yml").exists()
    assert not (installed / "molecule").exists() and not (installed / "lab").exists()
    (tmp_path / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {tmp_path}/collections\n")
    run = site(playbook="evenkeel.nginx_ha.site", cwd=tmp_path)
    assert changes_nothing(run)
    assert str(PROJECT / "roles") not in run.output
    for host in LOAD_BALANCERS:
        assert run.count(host, "ok") <= 12
        assert run.started(host) <= 26
