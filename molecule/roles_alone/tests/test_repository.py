# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx of a repository like nginx.org's: its key, its layout, its versions."""

from __future__ import annotations

from typing import Any

import pytest
from labtest import Cluster
from labtest.site import Run, site

PLAYBOOK = "molecule/roles_alone/repository.yml"
VERSION = "dpkg-query --show --showformat '${Version}' nginx"
FILES = "/etc/apt/keyrings/nginx_ha.gpg /etc/apt/sources.list.d/nginx_ha.sources"


@pytest.fixture
def fingerprint(cluster: Cluster) -> str:
    return cluster.run("web1", "cat /srv/repository/fingerprint").strip()


def apply(fingerprint: str, version: str, **variables: Any) -> Run:
    return site(playbook=PLAYBOOK, nginx_repository_fingerprints=[fingerprint], nginx_version=version, **variables)


def test_its_nginx_runs_in_its_own_layout(cluster: Cluster) -> None:
    assert cluster.run("nginx2", VERSION) == "90.1-1~bookworm"
    assert set(cluster.pages("192.168.200.151")) == {"web1", "web2"}
    users = 'for each in /proc/[0-9]*; do grep -qs "^nginx: worker" $each/cmdline && stat --format=%U $each; done; true'
    assert set(cluster.run("nginx2", f"sh -c '{users}'").split()) == {"nginx"}
    assert not cluster.succeeds(
        "nginx2", "test -e /etc/nginx/modules-enabled || test -e /etc/nginx/conf.d/default.conf"
    )


def test_other_versions_come_and_go(cluster: Cluster, fingerprint: str) -> None:
    for version in ("90.2-1", "90.1-1"):
        run = apply(fingerprint, f"{version}*")
        assert run.code == 0
        assert run.did("Install the package's other version")
        assert cluster.run("nginx2", VERSION) == f"{version}~bookworm"
        assert set(cluster.pages("192.168.200.151")) == {"web1", "web2"}


def test_a_version_that_is_nowhere_is_refused(cluster: Cluster, fingerprint: str) -> None:
    run = apply(fingerprint, "91.*")
    assert run.code != 0
    assert (
        "nginx2: nginx_version is 91.*, and the package manager has 90.2-1~bookworm, 90.1-1~bookworm, 1." in run.message
    )
    assert run.count("nginx2", "changed") == 0
    assert cluster.run("nginx2", VERSION) == "90.1-1~bookworm"


def test_a_wrong_key_is_refused(cluster: Cluster) -> None:
    before = cluster.run("nginx2", f"sha256sum {FILES}")
    run = apply("0" * 40, "90.2*")
    assert run.code != 0
    assert "No source has a key that is trusted" in run.message
    assert cluster.run("nginx2", f"sha256sum {FILES}") == before
    assert cluster.run("nginx2", VERSION) == "90.1-1~bookworm"


def test_the_distributions_nginx_is_not_mixed_with_it(cluster: Cluster) -> None:
    run = site(playbook=PLAYBOOK, lab_hosts="nginx1")
    assert run.code != 0
    assert "has the distribution's nginx (nginx-common)" in run.message
    assert not cluster.succeeds("nginx1", f"ls {FILES}")


def test_an_nginx_that_is_there_is_only_configured(cluster: Cluster) -> None:
    before = cluster.run("nginx1", "dpkg-query --show")
    run = site(playbook=PLAYBOOK, lab_hosts="nginx1", nginx_install_method="none", nginx_compression=False)
    assert run.code == 0
    assert cluster.succeeds("nginx1", "grep --quiet --line-regexp 'gzip off;' /etc/nginx/nginx_ha/compression.conf")
    assert set(cluster.pages("192.168.200.150")) == {"web1", "web2"}
    assert cluster.run("nginx1", "dpkg-query --show") == before
