# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests on the lab are given, once a scenario; molecule/conftest.py hands it on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from labtest.cluster import Cluster
from labtest.traffic import Traffic

if TYPE_CHECKING:
    from labtest.awx import Awx


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The scenario's VIPs and their preferred hosts, from the environment: LAB_VIPS="VIP=HOST ..."."""
    return Cluster(dict(pair.split("=") for pair in os.environ["LAB_VIPS"].split()))


@pytest.fixture(scope="session")
def traffic(cluster: Cluster) -> Traffic:
    """Requests of the scenario proxy's client, once both VIPs are where they belong."""
    cluster.settle(dict(cluster.vips))
    return Traffic(cluster)


@pytest.fixture(scope="session")
def awx(tmp_path_factory: pytest.TempPathFactory) -> Awx:
    """What stands in for AWX; ansible-runner is imported only where it is used."""
    from labtest.awx import Awx

    return Awx(tmp_path_factory.mktemp("awx"))
