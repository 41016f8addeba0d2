# SPDX-License-Identifier: GPL-3.0-or-later
"""The parser of VRRP adverts: what keepalived sends, what is built here byte by byte, and what nobody should send."""

from __future__ import annotations

import ipaddress
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.vrrp_packet import Malformed
from hypothesis import given
from hypothesis import strategies as st
from support.adverts import (
    AH,
    CAPTURED,
    GROUP4,
    MALFORMED,
    PACKETS,
    PASSWORD,
    SENDER4,
    SENDER6,
    TCP,
    UDP,
    VRRP,
    advert,
    ah,
    ipv4,
    ipv6,
    parse,
    pseudo4,
    pseudo6,
    v2,
    v3,
    v3_ipv6,
    vrrp,
)
from support.modules import VERSIONS, interpreter

MODULE_UTILS = Path(__file__).parents[2] / "plugins" / "module_utils"
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
