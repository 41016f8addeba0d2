# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the drill's report writes numbers, and what has none."""

from __future__ import annotations

import math

NOT_MEASURED = "not measured"


def percent(share: float) -> str:
    """A share, 1 being all of it."""
    return f"{share * 100:.3f}%"


def seconds(milliseconds: float, precision: float) -> str:
    """Seconds with the decimals that a step of precision (in milliseconds) needs."""
    decimals = max(0, math.ceil(-math.log10(precision / 1000)))
    # Adding 0.0 takes the sign from a zero.
    return f"{round(milliseconds / 1000, decimals) + 0.0:g} s".replace("-", "\u2212")


def ms(milliseconds: float | None) -> str:
    """A length of time with three digits or so."""
    if milliseconds is None:
        return NOT_MEASURED
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{float(f'{milliseconds:.3g}'):g} ms"


def minutes(length: float) -> str:
    """A length of time given in seconds."""
    whole, rest = divmod(round(length), 60)
    return f"{whole} min {rest} s" if whole else f"{rest} s"


def count(number: int | None) -> str:
    return NOT_MEASURED if number is None else f"{number:,}"


def plural(number: int, noun: str) -> str:
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def counted(number: int | None, what: str) -> str:
    return f"{what}: {NOT_MEASURED}" if number is None else f"{count(number)} {what}"
