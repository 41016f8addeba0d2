# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of values that nginx's options take: how each is read from the inventory, and how nginx's configuration has it, as words none of which
can end its directive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.validation import check_type_bool, check_type_float

from ..addresses import bracketed, is_address, is_network
from ..settings import naming

# Characters that need no quotes.
PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$_.:/*~^@%+=,?&()[]|-")
# nginx reads its files in pieces of 4,096 bytes, and no word may be longer.
LONGEST_WORD = 4000
# Python takes other digits and '_', too.
WHOLE = re.compile(r"-?[0-9]{1,18}")
# The slowest rate that nginx counts is one request a minute.
SLOWEST = 1 / 60


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


@dataclass(frozen=True)
class Kind:
    """type: Ansible's word for it; gist: what a value has to be, a noun phrase; reads: makes the value of what the inventory has, and
    raises ValueError or TypeError; shows: the value as a word of nginx's configuration.
    """

    type: str
    gist: str
    reads: Callable[[Any], Any]
    shows: Callable[[Any], str] = quoted


def text_of(value: Any) -> str:
    """Raises TypeError for what is no single value."""
    if isinstance(value, Mapping | list | tuple):
        raise TypeError(value)
    return str(value)


def matching(
    gist: str,
    pattern: str,
    most: int = LONGEST_WORD,
    also: Callable[[str], bool] = lambda text: True,
    shows: Callable[[Any], str] = quoted,
) -> Kind:
    """Texts that a regular expression matches as a whole; most: their longest, in bytes as nginx reads them."""
    whole = re.compile(pattern, re.DOTALL)

    def reads(value: Any) -> str:
        text = text_of(value)
        if not whole.fullmatch(text) or not also(text) or len(quoted(text).encode(errors="replace")) > most:
            raise ValueError(text)
        # What no UTF-8 can hold no file can.
        text.encode()
        return text

    return Kind("str", gist, reads, shows)


def _header_map(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError(value)
    return {HEADER_NAME.reads(name): LINE.reads(text) if text_of(text) else "" for name, text in value.items()}


def _limit(reads: Callable[[Any], Any], least: float = 0) -> Callable[[Any], Any]:
    """Numbers of which 0 is no limit at all."""

    def limit(value: Any) -> Any:
        number = reads(value)
        if 0 < number < least:
            raise ValueError(value)
        return number or None

    return limit


def _rate(value: float) -> str:
    """nginx counts whole requests: fewer than one a second are a rate a minute."""
    return f"{value:g}r/s" if value == int(value) else f"{round(value * 60)}r/m"


def _whole(value: Any) -> int:
    text = text_of(value).strip(" \t\r\n")
    if isinstance(value, bool) or not WHOLE.fullmatch(text):
        raise ValueError(value)
    return int(text)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(check_type_float(value))


FLAG = Kind("bool", "true or false", check_type_bool, lambda value: "on" if value else "off")
INT = Kind("int", "a whole number", _whole, str)
LIMIT = Kind("int", "a whole number", _limit(_whole), str)
SECONDS = Kind("float", "a number", _number, seconds)
RATE = Kind("float", "0 or a rate of one a minute (0.017) or more, a number", _limit(_number, SLOWEST), _rate)

LINE = matching("one line without control characters", r"[^\x00-\x1f\x7f]+")
# Of a list whose empty texts count for nothing.
MAYBE = Kind("str", LINE.gist, lambda value: None if value == "" else LINE.reads(value))
PATH = Kind("path", LINE.gist, LINE.reads)
BODY = matching("text without control characters", r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*")
PAGE = matching("a page that is not empty", r".*\S.*", most=1 << 20)
PEM = matching("text in PEM", r"[^\x00]+", most=1 << 20)
# Names become names of files and of zones.
NAME = matching(
    "a name of letters, digits, '_', '-' and '.' that begins with a letter or digit",
    naming.NAME.pattern.removesuffix(r"\Z"),
    200,
)
ADDRESS = matching("an IP address", r"[0-9A-Fa-f:.]+", also=is_address, shows=bracketed)
LOOPBACK = matching("an IPv4 address of the host itself", r"127\.[0-9.]+", also=is_address)
NETWORK = matching("an address or a network", r"[0-9A-Fa-f:.]+(/[0-9]+)?", also=is_network)
HOST = matching(
    "an IP address or a host name",
    r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+",
    253,
    lambda text: ":" not in text or is_address(text),
)
# Addresses, names with a wildcard, and regular expressions, which nginx knows by their tilde.
SERVER_NAME = matching("an address, a host name or a pattern", r"~[^\x00-\x1f\x7f]+|[A-Za-z0-9_.:*\[\]-]+")
# What a client can ask for by TLS, with a wildcard at one end; the words are syntax of nginx's map.
SNI_NAME = matching(
    "a host name, which may begin with '*.' or '.' or end with '.*'",
    r"(?!(?:default|hostnames|include|volatile)\Z)(?:\*?\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?:\.\*)?",
    253,
)
# Less than a token (RFC 9110, 5.6.2), for some of its characters are syntax to nginx.
HEADER_NAME = matching("a word of letters, digits and '-'", r"[A-Za-z0-9_-]+")
HEADERS = Kind("dict", "a dictionary of headers, words of letters, digits and '-' with values of one line", _header_map)
SIZE = matching("a number of bytes", r"[0-9]{1,15}[kKmMgG]?")
CACHE_SIZE = matching("a number of bytes above 0", r"[0-9]*[1-9][0-9]*[kKmMgG]?", 20)
# A password as crypt(3) or RFC 2307 has it.
HASH = matching("a password as 'openssl passwd -6' prints it", r"(\$[0-9a-z]+\$[!-~]+|\{S?SHA\}[!-~]+)")
USER = matching("one line without a colon that does not begin with '#'", r"(?!#)[^\x00-\x1f\x7f:]+")
# Less is no secret.
SECRET = matching("a secret of 32 characters or more, as openssl rand -hex 32 makes one", r".{32,}")
# nginx takes no more than 1,024.
PROCESSES = matching("auto, one for each core, or a number from 1 to 999", r"auto|[1-9][0-9]{0,2}")
MODULE = matching("a module's name without the package's prefix", r"[a-z0-9]+(?:_[a-z0-9]+)*", 100)
PACKAGE_VERSION = matching("a package's version, with '*' for any text", r"[0-9*][A-Za-z0-9.+~:*-]*", 100)
URL = matching(
    "an address without a slash at its end",
    r"(https?|file)://[!#$%&'()*+,./:;=?@A-Z\[\]_a-z~0-9-]*[^/\s]",
    also=str.isascii,
)
FINGERPRINT = matching(
    "a fingerprint of 40 hexadecimal digits",
    r"[0-9A-Fa-f\s]+",
    also=lambda text: bool(re.fullmatch("[0-9A-Fa-f]{40}", re.sub(r"\s", "", text))),
)


def chosen(*choices: str | int) -> Kind:
    """One of these, all texts or all numbers."""
    kind = INT if isinstance(choices[0], int) else LINE

    def reads(value: Any) -> Any:
        found = kind.reads(value)
        if found not in choices:
            raise ValueError(value)
        return found

    return Kind(kind.type, f"one of {', '.join(map(str, choices))}", reads, kind.shows)
