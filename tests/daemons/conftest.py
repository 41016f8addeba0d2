# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of the tests with real daemons."""

from compiled import daemon

__all__ = ["daemon"]
