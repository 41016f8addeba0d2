# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as words of keepalived.conf. Whatever a text holds, it becomes one word, or words of one line, and nothing else.

Pure functions; they run on the control node only.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Sequence
from typing import Any

from ansible.module_utils.common.validation import check_type_bool

from ..settings.naming import plain_path_problem
from ..text import plain

# What keepalived's parser takes for more than text: quotes, comments, blocks, definitions, sequences and lists.
UNSAFE = re.compile(r"[^ -~]|[\"'\\$!#{}]|~(?:SEQ|LST)")
PLAIN = re.compile(r"[A-Za-z0-9_.:/@%+,=*?~^<>-]+\Z")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*\Z")
# Of a word that may stand on a line with others, in bytes.
LONGEST_WORD = 255
# A key of auth_hmac, in bytes.
SHORTEST_KEY, LONGEST_KEY = 32, 64


class WordError(ValueError):
    """A value that keepalived.conf cannot hold; the text says what is wrong with it, such as 'is no whole number'."""


def quoted(value: object) -> str:
    """One word. Raises WordError for what no quoting makes safe in all versions."""
    text = str(value)
    found = UNSAFE.search(text)
    if found:
        raise WordError(f"has {found[0]!r} in it, which keepalived.conf cannot hold")
    if not text.strip() or text != text.strip():
        raise WordError("is empty, or has a space at an end")
    if text.startswith("@"):
        raise WordError("starts with '@', which keepalived takes for a condition")
    return text if PLAIN.match(text) else f'"{text}"'


def word(value: object) -> str:
    text = quoted(value)
    if text.startswith('"'):
        raise WordError("is not one word")
    if len(text) > LONGEST_WORD:
        raise WordError(f"has {len(text)} bytes, and {LONGEST_WORD} are the most")
    return text


def words(value: object) -> list[str]:
    """The words of a text that keepalived reads as a line of its own, such as a route."""
    found = [word(each) for each in str(value).split(" ") if each]
    if not found or found[0].startswith("include"):
        raise WordError("is empty, or starts with 'include'")
    return found


def command(value: object) -> str:
    """A program's absolute path with its arguments, as one quoted word."""
    text = quoted(value)
    if not text.strip('"').startswith("/"):
        raise WordError("is no absolute path of a program")
    return text if text.startswith('"') else f'"{text}"'


def path(value: object) -> str:
    text = quoted(value)
    if not text.strip('"').startswith("/"):
        raise WordError("is no absolute path")
    return text


def plain_path(value: object) -> str:
    """A path that scripts and units have as well."""
    wrong = plain_path_problem(value)
    if wrong:
        raise WordError(wrong)
    return str(value)


def version(value: object) -> str:
    if not VERSION.match(str(value)):
        raise WordError("is no version")
    return str(value)


def address(value: object) -> str:
    try:
        return _without_zone(str(ipaddress.ip_address(str(value))))
    except ValueError:
        raise WordError("is no IP address") from None


def _without_zone(text: str) -> str:
    """Behind '%' an IPv6 address has any text."""
    if "%" in text:
        raise WordError("has a zone behind '%', which keepalived does not know")
    return text


def network(value: object) -> str:
    """An address with or without its prefix, in the form that was given."""
    try:
        ipaddress.ip_interface(str(value))
    except ValueError:
        raise WordError("is no IP address") from None
    return _without_zone(str(value))


def key(value: object) -> str:
    """A key that adverts are signed with. What is wrong with one does not tell it."""
    try:
        text = str(value) and word(value)
    except WordError:
        raise WordError(
            "has a space, quote, brace, '#', '!' or the like in it, which keepalived.conf cannot hold"
        ) from None
    if text.startswith("file:"):
        if not text.startswith("file:/"):
            raise WordError("has no absolute path behind file:")
        return text
    length = len(text)
    if text.startswith("hex:"):
        digits = text[len("hex:") :]
        if not re.fullmatch(r"[0-9A-Fa-f]*", digits):
            raise WordError("has other than hexadecimal digits behind hex:")
        if len(digits) % 2:
            raise WordError("has an odd number of hexadecimal digits")
        length = len(digits) // 2
    if not SHORTEST_KEY <= length <= LONGEST_KEY:
        raise WordError(f"has {length} bytes, and takes {SHORTEST_KEY} to {LONGEST_KEY}")
    return text


def password(value: object) -> str:
    """What is wrong with one does not tell it."""
    try:
        return word(value)
    except WordError:
        raise WordError("has a space, quote, brace, '#' or '!' in it, which keepalived.conf cannot hold") from None


def user(value: object) -> str:
    """A user's name, and maybe a group's."""
    found = words(value)
    if len(found) > 2:
        raise WordError("is no user's name with a group's behind it")
    return " ".join(found)


def truth(value: object) -> bool:
    """Before ansible-core 2.19 a template's truth value is a text."""
    try:
        return bool(check_type_bool(value))
    except TypeError:
        raise WordError("is not true or false") from None


def number(value: object, whole: bool, low: float | None = None, high: float | None = None) -> str:
    try:
        if isinstance(value, bool) or not NUMBER.match(str(value)):
            raise ValueError
        found = int(str(value)) if whole else float(str(value))
    except ValueError:
        raise WordError("is no whole number" if whole else "is no number") from None
    if not (low is None or low <= found) or not (high is None or found <= high) or not math.isfinite(found):
        raise WordError(f"is not {'' if low is None else plain(low)} to {'' if high is None else plain(high)}")
    return plain(found)


def sequence(value: Any) -> Sequence[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise WordError("is no list")
    return value
