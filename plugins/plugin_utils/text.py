# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for people: lists, numbers, versions, lengths of time and tables, and the order that people expect of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

DAY = 86400


def joined(words: Iterable[Any]) -> str:
    texts = [str(word) for word in words]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def capitalized(text: str) -> str:
    """Only the first letter changes: names stay as they are."""
    return text[:1].upper() + text[1:]


def plain(number: float) -> str:
    """A number without what says nothing, to the millionth."""
    return f"{number:d}" if isinstance(number, int) else f"{number:.6f}".rstrip("0").rstrip(".")


@lru_cache(maxsize=1000)
def as_numbers(version: str) -> tuple[int, ...]:
    """By which versions are compared."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def duration(seconds: float) -> str:
    """About how long that is."""
    seconds = max(0, int(seconds))
    for unit, size, enough in (("s", 1, 120), ("min", 60, 120 * 60), ("h", 3600, 2 * DAY)):
        if seconds < enough:
            return f"{seconds // size} {unit}"
    return f"{seconds // DAY} d"


def sentence(message: str) -> str:
    """A module's message, or that there is none, as the end of a sentence."""
    message = " ".join(message.split()) or "there is no answer"
    return message if message.endswith(".") else f"{message}."


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as lines to print, in ASCII."""
    plain = [[cell.encode("ascii", "replace").decode() for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*plain, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in plain]


@lru_cache(maxsize=10000)
def natural(name: str) -> tuple[list[str | tuple[int, str]], str]:
    """The key by which names are sorted as people do it: nginx2 before nginx10. It tells any two names apart."""
    parts = enumerate(re.split(r"([0-9]+)", name))
    return [(len(part.lstrip("0")), part.lstrip("0")) if index % 2 else part for index, part in parts], name
