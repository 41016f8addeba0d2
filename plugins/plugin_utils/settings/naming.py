# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and paths of the inventory that mean the same in scripts, in units and in configurations."""

from __future__ import annotations

import re

# What entries of lists may be called, for their names become those of files and of blocks in configurations.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
# What no shell, no systemd and no keepalived takes for more than text.
PLAIN = re.compile(r"(?:/[A-Za-z0-9_@+=,.-]+)+\Z")
LONGEST = 200


def plain_path_problem(value: object) -> str:
    """What is wrong with a path, as a clause; empty where it means the same in every language."""
    text = str(value)
    if not PLAIN.match(text) or ".." in text.split("/"):
        return "is no absolute path of letters, digits and '_@+=,.-' alone"
    if len(text) > LONGEST:
        return f"has {len(text)} characters, and {LONGEST} are the most"
    return "is a directory of the system's own, and would be removed by uninstalling" if text.count("/") < 2 else ""
