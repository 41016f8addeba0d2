# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of TLS session tickets, which follow from secrets and from how often they were rotated.

That number, the generation, is kept on the hosts and is no secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence


def generation(kept: Sequence[str | None], rotate: bool = False) -> int:
    """What all hosts are to have, by what each has now: the highest, and the next one if all have the same and are to rotate.

    So a rotation that reached some hosts only is finished before the next one begins. 0 is the first.
    """
    known = [int(text) for text in kept if text and text.strip().isdecimal()]
    latest = max(known, default=0)
    together = len(known) == len(kept) and len(set(known)) == 1
    return latest + 1 if rotate and together else latest


def keys(secrets: Sequence[object], now: int, former: int) -> Iterator[str]:
    """Keys as nginx wants them, the one that it uses first; the others are accepted.

    The next generation's are among these: while a rotation goes from host to host, those behind accept the tickets of those ahead.
    former: how many generations before the present one are still accepted.
    """
    accepted = [now, now + 1, *range(now - 1, max(now - 1 - former, -1), -1)]
    for secret in secrets:
        for number in accepted:
            yield _key(str(secret), number)


def _key(secret: str, number: int) -> str:
    """A key has 80 bytes with the line end, here of hexadecimal digits: its part for AES holds 124 bits."""
    salt = f"evenkeel.nginx_ha session tickets {number}".encode()
    return hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, 1000, 40).hex()[:79]
