# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml on the same hosts with every supported ansible-core: what one deployed, no other wants to change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from labtest import site
from labtest.cluster import LOAD_BALANCERS

# tests/lint/run makes these; 2.19 runs everything else.
ENVIRONMENTS = Path("/var/lib/evenkeel-lab/venvs")

pytestmark = pytest.mark.skipif("EVENKEEL_QUICK" in os.environ, reason="'./dev test quick' leaves them out")


@pytest.mark.parametrize("version", ["2.16", "2.17", "2.18", "2.20", "2.21"])
def test_site_changes_nothing(version: str) -> None:
    playbook = ENVIRONMENTS / f"ansible-core-{version}" / "bin" / "ansible-playbook"
    if not playbook.exists():
        pytest.skip(f"there is no ansible-core {version} here: './dev lint' makes it where its Python exists")
    run = site(command=str(playbook))
    assert run.code == 0
    for host in LOAD_BALANCERS:
        assert run.count(host, "changed") == 0
        assert 5 <= run.count(host, "ok") <= 12
        assert run.started(host) <= 26
