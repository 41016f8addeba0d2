# SPDX-License-Identifier: GPL-3.0-or-later
"""VRRP adverts: what keepalived sends, what is built byte by byte, and what nobody should send."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.vrrp_packet import parse_ipv4, parse_ipv6

PARSERS: dict[int, Callable[[bytes], Any]] = {4: parse_ipv4, 6: parse_ipv6}
VRRP, AH, TCP, UDP = 112, 51, 6, 17
GROUP4, GROUP6 = "224.0.0.18", "ff02::12"
SENDER4, SENDER6 = "192.0.2.1", "fe80::1"
PASSWORD = b"s3cret99"

# Building adverts


def packed(*addresses: str) -> bytes:
    return b"".join(ipaddress.ip_address(address).packed for address in addresses)


def checksum(data: bytes) -> bytes:
    """RFC 1071, in another way than the parser's: modulo 65535."""
    total = sum(value << 8 * (place % 2 == 0) for place, value in enumerate(data))
    return (0xFFFF - (total and (total - 1) % 0xFFFF + 1)).to_bytes(2, "big")


def vrrp(
    version: int = 3,
    *,
    vrid: int = 51,
    priority: int = 100,
    addresses: tuple[str, ...] = ("192.0.2.200",),
    number: int | None = None,
    timing: bytes = b"\x00\x64",
    tail: bytes = b"",
    kind: int = 1,
    pseudo: bytes | None = b"",
) -> bytes:
    """The message, its checksum over the pseudo header too, or wrong without one."""
    number = len(addresses) if number is None else number
    start = bytes([version << 4 | kind, vrid, priority, number]) + timing
    rest = packed(*addresses) + tail
    if pseudo:
        pseudo += (8 + len(rest)).to_bytes(2 if len(pseudo) == 10 else 4, "big")
        pseudo += bytes([0, 0, 0, VRRP]) if len(pseudo) == 36 else b""
    right = checksum((pseudo or b"") + start + bytes(2) + rest)
    return start + (right if pseudo is not None else bytes([right[0] ^ 1, right[1]])) + rest


def pseudo4(source: str = SENDER4, destination: str = GROUP4) -> bytes:
    return packed(source, destination) + bytes([0, VRRP])


def pseudo6(source: str = SENDER6, destination: str = GROUP6) -> bytes:
    return packed(source, destination)


def v2(auth: int = 0, interval: int = 1, *, data: bytes = bytes(8), **fields: Any) -> bytes:
    return vrrp(2, timing=bytes([auth, interval]), tail=data, **fields)


def v3(**fields: Any) -> bytes:
    return vrrp(3, **{"pseudo": pseudo4(), **fields})


def v3_ipv6(**fields: Any) -> bytes:
    return vrrp(3, **{"pseudo": pseudo6(), "addresses": ("fe80::51", "2001:db8::51"), **fields})


def ipv4(
    message: bytes,
    *,
    source: str = SENDER4,
    destination: str = GROUP4,
    ttl: int = 255,
    protocol: int = VRRP,
    fragment: int = 0,
    options: bytes = b"",
    start: int = 4,
    words: int | None = None,
    total: int | None = None,
    right: bool = True,
) -> bytes:
    header = bytes([start << 4 | (5 + len(options) // 4 if words is None else words), 0xC0])
    header += (20 + len(options) + len(message) if total is None else total).to_bytes(2, "big")
    header += b"\x00\x07" + fragment.to_bytes(2, "big") + bytes([ttl, protocol])
    rest = packed(source, destination) + options
    value = checksum(header + bytes(2) + rest)
    return header + (value if right else bytes([value[0] ^ 1, value[1]])) + rest + message


def ipv6(
    message: bytes,
    *,
    source: str = SENDER6,
    destination: str = GROUP6,
    hops: int = 255,
    protocol: int = VRRP,
    start: int = 6,
    length: int | None = None,
) -> bytes:
    length = len(message) if length is None else length
    header = bytes([start << 4, 0, 0, 0]) + length.to_bytes(2, "big") + bytes([protocol, hops])
    return header + packed(source, destination) + message


def ah(message: bytes, *, protocol: int = VRRP, size: int = 12, words: int | None = None) -> bytes:
    words = 1 + size // 4 if words is None else words
    return bytes([protocol, words, 0, 0]) + packed(SENDER4) + bytes([0, 0, 0, 1]) + bytes(range(size)) + message


# Reading them


def advert(version: int, vrid: int, priority: int, source: str, *addresses: str, **more: Any) -> dict[str, Any]:
    return {
        "version": version,
        "family": "ipv6" if ":" in source else "ipv4",
        "virtual_router_id": vrid,
        "priority": priority,
        "source": source,
        "addresses": list(addresses),
        "interval": 1.0,
        "auth_type": None if version == 3 else "none",
        **more,
    }


def parse(packet: bytes, family: int | None = None) -> Any:
    return PARSERS[family or packet[0] >> 4](packet)


# Captured from Debian 12's keepalived 2.2.7 on a veth pair: the adverts of one configuration with eight instances.
CAPTURED: dict[str, tuple[str, dict[str, Any]]] = {
    "2, a password": (
        "45c0002c00010000ff70188dc0000201e00000122133960201014ce3c00002c8c00002c97333637265743939",
        advert(2, 51, 150, "192.0.2.1", "192.0.2.200", "192.0.2.201", auth_type="pass"),
    ),
    "2, none": (
        "45c0002800010000ff701891c0000201e0000012213464010002b7f5c00002d20000000000000000",
        advert(2, 52, 100, "192.0.2.1", "192.0.2.210", interval=2.0),
    ),
    "2, an authentication header": (
        "45c0004000010000ff3318b6c0000201e0000012"
        "70040000c0000201000000017974b21d438499a9852edd5d"
        "2135fe0102011bebc00002dc0000000000000000",
        advert(2, 53, 254, "192.0.2.1", "192.0.2.220", auth_type="ah"),
    ),
    "3": (
        "45c0002000010000ff701899c0000201e0000012313dc8010019a130c00002e6",
        advert(3, 61, 200, "192.0.2.1", "192.0.2.230", interval=0.25),
    ),
    "3, unicast": (
        "45c0002000010000ff7036a9c0000201c0000202313fca010032bd1bc00002f0",
        advert(3, 63, 202, "192.0.2.1", "192.0.2.240", interval=0.5),
    ),
    "3, unicast with old_unicast_checksum": (
        "45c0002000010000ff7036a9c0000201c00002023140ca0100329f09c00002f1",
        advert(3, 64, 202, "192.0.2.1", "192.0.2.241", interval=0.5),
    ),
    "3, IPv6": (
        "6c0b02e8002870fffe8000000000000078f794fffe2050cfff020000000000000000000000000012"
        "313ec90200967d15fe80000000000000000000000000006220010db8000000000000000000000062",
        advert(3, 62, 201, "fe80::78f7:94ff:fe20:50cf", "fe80::62", "2001:db8::62", interval=1.5),
    ),
    "3, IPv6, unicast": (
        "6c0427ee0018704020010db800000000000000000000000120010db8000000000000000000000002"
        "3141cb010032796f20010db8000000000000000000000065",
        advert(3, 65, 203, "2001:db8::1", "2001:db8::65", interval=0.5),
    ),
}
PACKETS = {name: bytes.fromhex(digits) for name, (digits, _said) in CAPTURED.items()}

MALFORMED: dict[str, tuple[bytes, str]] = {
    "IPv4 that says 6": (b"\x65" + ipv4(v3())[1:], "the IP version is not 4"),
    "an IP header of 16 bytes": (ipv4(v3(), words=4), "a length in the IP header is wrong"),
    "an IP header longer than the packet": (ipv4(v3(), words=15), "a length in the IP header is wrong"),
    "a total shorter than the IP header": (ipv4(v3(), total=19), "a length in the IP header is wrong"),
    "a total longer than the packet": (ipv4(v3(), total=33), "a length in the IP header is wrong"),
    "an AH header longer than the packet": (
        ipv4(ah(v2(2), words=40), protocol=AH),
        "a length in the IP header is wrong",
    ),
    "an IP header with a wrong checksum": (ipv4(v3(), right=False), "the IP header's checksum is wrong"),
    "the first fragment": (ipv4(v3(), fragment=0x2000), "it is a fragment"),
    "a later fragment": (ipv4(v3(), fragment=1), "it is a fragment"),
    "a TTL of 254": (ipv4(v3(), ttl=254), "the TTL is not 255"),
    "nothing after the IP header": (ipv4(b""), "it is shorter than a VRRP header"),
    "7 bytes": (ipv4(v3()[:7]), "it is shorter than a VRRP header"),
    "version 1": (ipv4(vrrp(1)), "the VRRP version is not one of this IP version's"),
    "version 4": (ipv4(vrrp(4, pseudo=pseudo4())), "the VRRP version is not one of this IP version's"),
    "type 2": (ipv4(v3(kind=2)), "it is no advert"),
    "fewer addresses than said": (ipv4(v3(number=2)), "the length does not fit the number of addresses"),
    "more addresses than said": (ipv4(v3(number=0)), "the length does not fit the number of addresses"),
    "2 without authentication data": (ipv4(v2(data=b"")), "the length does not fit the number of addresses"),
    "3 with authentication data": (ipv4(v3(tail=bytes(8))), "the length does not fit the number of addresses"),
    "2 with a wrong checksum": (ipv4(v2(pseudo=None)), "the checksum is wrong"),
    "2 with a checksum of version 3": (ipv4(v2(pseudo=pseudo4())), "the checksum is wrong"),
    "3 with a wrong checksum": (ipv4(v3(pseudo=None)), "the checksum is wrong"),
    "3 with the checksum of another sender": (ipv4(v3(), source="192.0.2.3"), "the checksum is wrong"),
    "virtual router ID 0": (ipv4(v3(vrid=0)), "the virtual router ID is 0"),
    "IPv6 that says 4": (ipv6(v3_ipv6(), start=4), "the IP version is not 6"),
    "an IPv6 length longer than the packet": (ipv6(v3_ipv6(), length=41), "a length in the IP header is wrong"),
    "a hop limit of 254": (ipv6(v3_ipv6(), hops=254), "the hop limit is not 255"),
    "IPv6 with nothing in it": (ipv6(b""), "it is shorter than a VRRP header"),
    "version 2 over IPv6": (ipv6(v2(pseudo=pseudo6())), "the VRRP version is not one of this IP version's"),
    "IPv6 with IPv4's address": (
        ipv6(v3_ipv6(addresses=("192.0.2.1",))),
        "the length does not fit the number of addresses",
    ),
    "IPv6 with a wrong checksum": (ipv6(v3_ipv6(pseudo=None)), "the checksum is wrong"),
    "IPv6 without the pseudo header": (ipv6(v3_ipv6(pseudo=b"")), "the checksum is wrong"),
}
