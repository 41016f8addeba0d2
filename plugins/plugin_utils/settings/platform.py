# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operating systems that the roles are written for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .problem import Problem

# The oldest release of each family.
OLDEST = {"Debian": 11, "Ubuntu": 20, "RedHat": 7}


@dataclass(frozen=True)
class Version:
    major: int = 0
    minor: int = 0


@dataclass(frozen=True)
class Python:
    version: Version | None = None


@dataclass(frozen=True)
class Facts:
    """What the setup module has found of a host; python: its interpreter of modules."""

    distribution: str = "unknown"
    distribution_version: str = ""
    os_family: str = "unknown"
    python: Python = Python()


def platform_problems(facts: Facts) -> Iterator[Problem]:
    distribution, version = facts.distribution, facts.distribution_version
    major = version.split(".", maxsplit=1)[0]
    oldest = OLDEST.get(distribution) or OLDEST.get(facts.os_family)
    if oldest is None or (major.isdigit() and int(major) < oldest):
        yield Problem(
            "the operating system",
            f"is {distribution} {version}, which these roles do not support",
            "They support Debian 11, Ubuntu 20.04 and EL 7 or later.",
        )
