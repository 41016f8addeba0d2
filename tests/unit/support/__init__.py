# SPDX-License-Identifier: GPL-3.0-or-later
"""What several test files share."""

import pytest

pytest.register_assert_rewrite("support.forks", "support.hosts", "support.modules")
