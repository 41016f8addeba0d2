# SPDX-License-Identifier: GPL-3.0-or-later
"""The parser of VRRP adverts: what keepalived sends, what is built here byte by byte, and what nobody should send."""

from __future__ import annotations

import ipaddress
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.vrrp_packet import Malformed, parse_ipv4, parse_ipv6
from hypothesis import given
from hypothesis import strategies as st
from test_modules import VERSIONS, interpreter

MODULE_UTILS = Path(__file__).parents[2] / "plugins" / "module_utils"
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

MANY = tuple(f"10.1.{number // 250}.{number % 250 + 1}" for number in range(255))
MANY6 = tuple(f"2001:db8::{number + 1:x}" for number in range(255))
BUILT: dict[str, tuple[bytes, dict[str, Any]]] = {
    "2": (ipv4(v2()), advert(2, 51, 100, SENDER4, "192.0.2.200")),
    "2, unknown authentication": (ipv4(v2(7)), advert(2, 51, 100, SENDER4, "192.0.2.200", auth_type="7")),
    "2, longest interval": (ipv4(v2(0, 255)), advert(2, 51, 100, SENDER4, "192.0.2.200", interval=255.0)),
    "2, most addresses": (ipv4(v2(addresses=MANY)), advert(2, 51, 100, SENDER4, *MANY)),
    "2, no addresses": (ipv4(v2(addresses=())), advert(2, 51, 100, SENDER4)),
    "2, an AH header of another size": (
        ipv4(ah(v2(2), size=16), protocol=AH, options=b"\x94\x04\x00\x00"),
        advert(2, 51, 100, SENDER4, "192.0.2.200", auth_type="ah"),
    ),
    "3": (ipv4(v3()), advert(3, 51, 100, SENDER4, "192.0.2.200")),
    "3, no pseudo header": (ipv4(vrrp(3)), advert(3, 51, 100, SENDER4, "192.0.2.200")),
    "3, least": (ipv4(v3(vrid=1, priority=0)), advert(3, 1, 0, SENDER4, "192.0.2.200")),
    "3, greatest": (ipv4(v3(vrid=255, priority=255)), advert(3, 255, 255, SENDER4, "192.0.2.200")),
    "3, longest interval": (
        ipv4(v3(timing=b"\x0f\xff")),
        advert(3, 51, 100, SENDER4, "192.0.2.200", interval=40.95),
    ),
    "3, reserved bits": (ipv4(v3(timing=b"\xf0\x01")), advert(3, 51, 100, SENDER4, "192.0.2.200", interval=0.01)),
    "3, IP options": (ipv4(v3(), options=b"\x94\x04\x00\x00"), advert(3, 51, 100, SENDER4, "192.0.2.200")),
    "3, padded to Ethernet's least": (ipv4(v3()) + bytes(14), advert(3, 51, 100, SENDER4, "192.0.2.200")),
    "3, the bit that forbids fragments": (ipv4(v3(), fragment=0x4000), advert(3, 51, 100, SENDER4, "192.0.2.200")),
    "3, unicast through a router": (
        ipv4(v3(pseudo=pseudo4(SENDER4, "198.51.100.2")), destination="198.51.100.2", ttl=254),
        advert(3, 51, 100, SENDER4, "192.0.2.200"),
    ),
    "3, IPv6": (ipv6(v3_ipv6()), advert(3, 51, 100, SENDER6, "fe80::51", "2001:db8::51")),
    "3, IPv6, most addresses": (ipv6(v3_ipv6(addresses=MANY6)), advert(3, 51, 100, SENDER6, *MANY6)),
    "3, IPv6, padded": (ipv6(v3_ipv6(addresses=())) + bytes(4), advert(3, 51, 100, SENDER6)),
}

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
# Where the first byte does not tell which parser it is for.
FAMILIES = {name: 6 if "IPv6" in name or "hop limit" in name else 4 for name in MALFORMED} | {"IPv4 that says 6": 4}

OTHERS: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 4),
    "19 bytes": (ipv4(v3())[:19], 4),
    "UDP": (ipv4(v3(), protocol=UDP), 4),
    "TCP under AH": (ipv4(ah(v3(), protocol=TCP), protocol=AH), 4),
    "AH cut off": (ipv4(ah(v2(2)), protocol=AH)[:21], 4),
    "nothing for IPv6": (b"", 6),
    "39 bytes of IPv6": (ipv6(v3_ipv6())[:39], 6),
    "UDP over IPv6": (ipv6(v3_ipv6(), protocol=UDP), 6),
    "IPv6 with a hop-by-hop header": (ipv6(bytes([VRRP, 0, 1, 4, 0, 0, 0, 0]) + v3_ipv6(), protocol=0), 6),
}


@pytest.mark.parametrize(("digits", "said"), CAPTURED.values(), ids=CAPTURED)
def test_what_keepalived_sends_is_read(digits: str, said: dict[str, Any]) -> None:
    assert parse(bytes.fromhex(digits)) == said


@pytest.mark.parametrize(("packet", "said"), BUILT.values(), ids=BUILT)
def test_what_the_rfcs_allow_is_read(packet: bytes, said: dict[str, Any]) -> None:
    assert parse(packet) == said


def test_checksum_of_old_unicast_is_over_the_group_alone() -> None:
    with_group = ipv4(v3(pseudo=pseudo4(SENDER4, GROUP4)), destination="192.0.2.2")
    with_another = ipv4(v3(pseudo=pseudo4(SENDER4, "192.0.2.3")), destination="192.0.2.2")
    assert parse(with_group) == advert(3, 51, 100, SENDER4, "192.0.2.200")
    with pytest.raises(Malformed, match="^the checksum is wrong$"):
        parse(with_another)


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_is_told_with_a_reason(name: str) -> None:
    packet, reason = MALFORMED[name]
    with pytest.raises(Malformed) as caught:
        parse(packet, FAMILIES[name])
    assert str(caught.value) == reason
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(("packet", "family"), OTHERS.values(), ids=OTHERS)
def test_what_is_not_vrrp_is_none(packet: bytes, family: int) -> None:
    assert parse(packet, family) is None


def test_passwords_are_not_returned() -> None:
    packet = PACKETS["2, a password"]
    assert packet.endswith(PASSWORD)
    assert PASSWORD.decode() not in repr(parse(packet))
    with pytest.raises(Malformed) as caught:
        parse(packet[:-1])
    assert PASSWORD[:-1].decode() not in str(caught.value)


# Anything


def outcome(packet: bytes, family: int) -> Any:
    try:
        return parse(packet, family)
    except Malformed as malformed:
        return str(malformed)


@pytest.mark.parametrize("name", PACKETS)
def test_no_flipped_bit_gives_another_advert(name: str) -> None:
    """Header fields that no checksum covers aside, which say nothing of the advert."""
    packet = PACKETS[name]
    family = packet[0] >> 4
    right = parse(packet)
    unread = {4: {*range(22, 44)} if packet[9] == AH else set(), 6: {0, 1, 2, 3, 7}}[family]
    changed = []
    for bit in range(8 * len(packet)):
        other = bytearray(packet)
        other[bit // 8] ^= 1 << bit % 8
        found = outcome(bytes(other), family)
        if isinstance(found, dict):
            assert found == right
            changed.append(bit // 8)
    assert set(changed) <= unread


@pytest.mark.parametrize("name", PACKETS)
def test_no_truncated_packet_gives_an_advert(name: str) -> None:
    packet = PACKETS[name]
    for length in range(len(packet)):
        found = outcome(packet[:length], packet[0] >> 4)
        assert found is None or isinstance(found, str)


FAMILY = st.sampled_from([4, 6])


@given(FAMILY, st.binary(max_size=100))
def test_any_bytes_are_none_or_malformed(family: int, packet: bytes) -> None:
    assert not isinstance(outcome(packet, family), dict)


@given(FAMILY, st.binary(max_size=100), st.binary(min_size=40, max_size=40), st.sampled_from([VRRP, AH]))
def test_any_bytes_that_say_they_are_vrrp_are_no_error(family: int, tail: bytes, header: bytes, protocol: int) -> None:
    head = bytearray(header)
    head[9 if family == 4 else 6] = protocol
    head[0] = 0x45 if family == 4 else 0x60
    outcome(bytes(head) + tail, family)


@given(st.binary(max_size=60), st.sampled_from([b"\x21", b"\x31"]), st.binary(max_size=2))
def test_any_message_in_a_right_packet_is_no_error(message: bytes, start: bytes, padding: bytes) -> None:
    outcome(ipv4(start + message) + padding, 4)
    outcome(ipv4(ah(start + message), protocol=AH) + padding, 4)
    outcome(ipv6(start + message) + padding, 6)


@given(
    st.sampled_from(sorted(PACKETS)),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=5),
    st.integers(0, 200),
    st.binary(max_size=20),
)
def test_any_mutation_is_no_error(name: str, edits: list[tuple[int, int]], length: int, tail: bytes) -> None:
    packet = bytearray(PACKETS[name])
    family = packet[0] >> 4
    for place, value in edits:
        packet[place % len(packet)] = value
    outcome(bytes(packet[:length]) + tail, family)


IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.ip_addresses(v=6).map(str)
BYTE = st.integers(0, 255)


@given(st.integers(1, 255), BYTE, st.lists(IPV4, max_size=20), BYTE, BYTE, IPV4, st.binary(min_size=8, max_size=8))
def test_every_advert_of_version_2_is_read(
    vrid: int, priority: int, addresses: list[str], interval: int, auth: int, source: str, data: bytes
) -> None:
    message = v2(auth, interval, data=data, vrid=vrid, priority=priority, addresses=tuple(addresses))
    kind = {0: "none", 1: "pass", 2: "ah"}.get(auth, str(auth))
    assert parse(ipv4(message, source=source)) == advert(
        2, vrid, priority, source, *addresses, interval=float(interval), auth_type=kind
    )


@given(st.integers(1, 255), BYTE, st.lists(IPV4, max_size=20), st.integers(0, 4095), IPV4, IPV4)
def test_every_advert_of_version_3_is_read(
    vrid: int, priority: int, addresses: list[str], interval: int, source: str, destination: str
) -> None:
    message = v3(
        vrid=vrid,
        priority=priority,
        addresses=tuple(addresses),
        timing=interval.to_bytes(2, "big"),
        pseudo=pseudo4(source, destination),
    )
    assert parse(ipv4(message, source=source, destination=destination)) == advert(
        3, vrid, priority, source, *addresses, interval=interval / 100
    )


@given(st.integers(1, 255), BYTE, st.lists(IPV6, max_size=20), st.integers(0, 4095), IPV6, IPV6)
def test_every_advert_over_ipv6_is_read(
    vrid: int, priority: int, addresses: list[str], interval: int, source: str, destination: str
) -> None:
    message = v3_ipv6(
        vrid=vrid,
        priority=priority,
        addresses=tuple(addresses),
        timing=interval.to_bytes(2, "big"),
        pseudo=pseudo6(source, destination),
    )
    found = parse(ipv6(message, source=source, destination=destination))
    # The C library writes ::ffff:192.0.2.1 where Python writes ::ffff:c000:201.
    found["addresses"] = [str(ipaddress.ip_address(address)) for address in found["addresses"]]
    found["source"] = str(ipaddress.ip_address(found["source"]))
    assert found == advert(3, vrid, priority, source, *addresses, interval=interval / 100)


# Every Python of a managed host

DRIVER = """
import binascii, json, sys
sys.path.insert(0, sys.argv[1])
import vrrp_packet
answers = []
for family, packet in json.load(sys.stdin):
    try:
        answer = getattr(vrrp_packet, "parse_ipv" + str(family))(binascii.unhexlify(packet.encode()))
    except vrrp_packet.Malformed as malformed:
        answer = str(malformed)
    answers.append(answer)
print(json.dumps(answers))
"""


def corpus() -> list[tuple[int, bytes]]:
    packets = [(packet[0] >> 4, packet) for packet in PACKETS.values()]
    packets += [(packet[0] >> 4, packet) for packet, _said in BUILT.values()]
    packets += [(FAMILIES[name], packet) for name, (packet, _reason) in MALFORMED.items()]
    packets += [(family, packet) for packet, family in OTHERS.values()]
    chance = random.Random(51)
    for family, packet in packets.copy() * 5:
        edited = bytearray(packet[: chance.randrange(len(packet) + 1)] if chance.random() < 0.3 else packet)
        for _number in range(chance.randrange(4) if edited else 0):
            edited[chance.randrange(len(edited))] = chance.randrange(256)
        packets.append((family, bytes(edited)))
    return packets


@pytest.mark.parametrize("version", VERSIONS)
def test_every_python_reads_the_same(version: str) -> None:
    path = interpreter(version)
    if path is None:
        pytest.skip(f"there is no Python {version} in ~/.pyenv/versions or as /usr/bin/python3")
    packets = corpus()
    process = subprocess.run(
        [path, "-B", "-c", DRIVER, MODULE_UTILS],
        input=json.dumps([(family, packet.hex()) for family, packet in packets]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.stderr == ""
    assert json.loads(process.stdout) == [outcome(packet, family) for family, packet in packets]
