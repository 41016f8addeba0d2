# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operating systems that the roles are written for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.problem import Problem

# The oldest release of each family.
OLDEST = {"Debian": 11, "Ubuntu": 20, "RedHat": 7}


def platform_problems(facts: Mapping[str, Any]) -> Iterator[Problem]:
    """facts: the host's own, as the setup module gives them."""
    distribution, family = facts.get("distribution", "unknown"), facts.get("os_family", "unknown")
    version = str(facts.get("distribution_version", ""))
    major = version.split(".", maxsplit=1)[0]
    oldest = OLDEST.get(distribution) or OLDEST.get(family)
    if oldest is None or (major.isdigit() and int(major) < oldest):
        yield Problem(
            "the operating system",
            f"is {distribution} {version}, which these roles do not support",
            "They support Debian 11, Ubuntu 20.04 and EL 7 or later.",
        )
