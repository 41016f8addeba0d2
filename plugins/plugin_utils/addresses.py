# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IP addresses and networks: parsed and compared here, and nowhere else.

Pure functions; they run on the control node only.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def address(text: str) -> Address | None:
    """An address without a prefix, and None for what is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=10000)
def interface(text: str) -> Interface | None:
    """An address with its prefix (/32 or /128 where there is none), and None for what is no address."""
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        return None


@lru_cache(maxsize=10000)
def ip_of(text: str) -> str:
    """An address without its prefix, in its shortest form; what is no address stays as it is."""
    found = interface(text)
    return text if found is None else str(found.ip)


@lru_cache(maxsize=10000)
def with_prefix(text: str) -> str:
    """An address with its prefix, in its shortest form; what is no address stays as it is."""
    found = interface(text)
    return text if found is None else str(found)


def is_address(text: object) -> bool:
    return address(str(text)) is not None


def is_network(text: object) -> bool:
    """Whether it is an address or a network."""
    try:
        ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        return False
    return True


def bracketed(name: object) -> str:
    """An IPv6 address as it is in URLs, in the header Host and before a port; all else as it is."""
    text = str(name)
    return f"[{text}]" if ":" in text and is_address(text) else text
