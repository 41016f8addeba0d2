# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of nginx's configuration, none of which can end its directive."""

from __future__ import annotations

import re

PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$_.:/*~^@%+=,?&()[]|-")


def quoted(text: object) -> str:
    """One word of nginx's configuration, whatever is in the text; variables keep their meaning.

    nginx's parser takes quotes, backslashes, semicolons, braces, '#' and white space as syntax outside of quotes, and only the quote
    and the backslash inside (ngx_conf_read_token).
    """
    word = str(text)
    if word and not set(word) - PLAIN:
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def variable(kind: str, name: object) -> str:
    """A variable of our own for each name: nginx knows no other characters, and no capital letters, in those of variables."""
    return f"$nginx_ha_{kind}_" + re.sub("[^a-z0-9]", lambda found: f"_{ord(found[0]):02x}", str(name))


def seconds(value: object) -> str:
    """A length of time, to the millisecond."""
    return f"{round(float(str(value)) * 1000)}ms"
