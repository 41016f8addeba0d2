# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from labtest import cluster  # noqa: F401
from labtest.awx import Awx


@pytest.fixture(scope="session")
def awx(tmp_path_factory: pytest.TempPathFactory) -> Awx:
    place: Path = tmp_path_factory.mktemp("awx")
    return Awx(place)
