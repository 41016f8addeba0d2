# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of all tests on the lab."""

from labtest.fixtures import awx, cluster, traffic

__all__ = ["awx", "cluster", "traffic"]
