# SPDX-License-Identifier: GPL-3.0-or-later
"""A real keepalived of each version that is tried."""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest
from real_keepalived import FLAGS, STATE, VERSIONS, Daemon, build


@pytest.fixture(scope="session", params=VERSIONS)
def daemon(request: pytest.FixtureRequest) -> Daemon:
    """A keepalived of a version. It is kept for the next run."""
    version = request.param
    source = STATE / "sources" / f"keepalived-{version}.tar.gz"
    if os.geteuid() or not source.exists() or not shutil.which("gcc"):
        pytest.fail(f"keepalived {version} cannot be compiled: './dev daemons' as root gets {source} and what it takes")
    key = hashlib.sha256(" ".join((version, *FLAGS)).encode()).hexdigest()[:8]
    kept = STATE / "daemons" / f"keepalived-{version}-{key}"
    if not kept.exists():
        build(source, version, kept)
    return Daemon(version, kept)
