# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists of awx/, as a site that uses all there is gets them."""

from __future__ import annotations

from typing import Any

import definitions
import pytest


@pytest.fixture(scope="session")
def lists(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    return definitions.rendered(definitions.SITE, tmp_path_factory.mktemp("rendered"))


@pytest.fixture(scope="session")
def specs() -> dict[str, dict[str, Any]]:
    return definitions.argument_specs()
