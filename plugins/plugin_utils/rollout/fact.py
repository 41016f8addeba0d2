# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading facts: JSON as modules and steps leave it on a host, from which only typed values are taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Fact:
    """A fact or a part of one. What is missing, null or of another kind reads as empty."""

    def __init__(self, value: object) -> None:
        self.raw: Mapping[str, Any] = value if isinstance(value, Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self.raw)

    def __contains__(self, key: str) -> bool:
        return key in self.raw

    def text(self, key: str) -> str:
        value = self.raw.get(key)
        return "" if value is None else str(value).strip()

    def flag(self, key: str) -> bool:
        return bool(self.raw.get(key))

    def known_flag(self, key: str) -> bool | None:
        """None where nothing is known."""
        value = self.raw.get(key)
        return None if value is None else bool(value)

    def number(self, key: str) -> float | None:
        value = self.raw.get(key)
        if isinstance(value, (int, float)):
            return value
        try:
            return float(value)
        except (TypeError, ValueError):
            return None

    def whole(self, key: str) -> int | None:
        value = self.number(key)
        return None if value is None else int(value)

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(map(str, self.raw.get(key) or ()))

    def inner(self, key: str) -> Fact:
        return Fact(self.raw.get(key))

    def each(self, key: str) -> Iterator[Fact]:
        return map(Fact, self.raw.get(key) or ())

    def named(self, key: str) -> Iterator[tuple[str, Fact]]:
        """The parts of a dictionary of dictionaries, by their names."""
        found = self.raw.get(key)
        return ((str(name), Fact(value)) for name, value in (found.items() if isinstance(found, Mapping) else ()))

    def values(self, key: str) -> dict[str, str]:
        """A dictionary of texts."""
        found = self.raw.get(key)
        return {str(name): str(value) for name, value in found.items()} if isinstance(found, Mapping) else {}
