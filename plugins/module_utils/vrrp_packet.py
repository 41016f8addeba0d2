# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a VRRP advert says: VRRP version 2 (RFC 3768) and version 3 (RFC 5798). Functions of bytes alone."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import struct
from socket import AF_INET, AF_INET6, inet_ntop

VRRP = 112
AH = 51
ADVERT = 1
AUTH_TYPES = {0: "none", 1: "pass", 2: "ah"}
AUTH_DATA = 8
GROUP = bytearray([224, 0, 0, 18])


class Malformed(ValueError):
    """It says that it is VRRP, and no host would have heeded it."""


def parse_ipv4(packet):
    """The advert in an IPv4 packet, which starts with the IP header and may have padding; None if it is not VRRP."""
    packet = bytearray(packet)
    protocol = packet[9] if len(packet) >= 20 else None
    start = header = 4 * (packet[0] & 15) if packet else 0
    if protocol == AH and len(packet) > header + 1:
        # Only this much of the authentication header has to be there to tell what it protects.
        protocol, start = packet[header], header + 4 * (packet[header + 1] + 2)
    if protocol != VRRP:
        return None
    total, fragment = struct.unpack_from(">H2xH", packet, 2)
    demand(packet[0] >> 4 == 4, "the IP version is not 4")
    demand(20 <= header <= start <= total <= len(packet), "a length in the IP header is wrong")
    demand(checksum(packet[:header]) == 0, "the IP header's checksum is wrong")
    demand(fragment & 0x3FFF == 0, "it is a fragment")
    source, destination, message = packet[12:16], packet[16:20], packet[start:total]
    # The RFCs know no unicast adverts, which come through routers too, and over IPv6 from keepalived with 64.
    demand(packet[8] == 255 or destination[0] < 224, "the TTL is not 255")
    # Until 1.3.6, and on demand since, keepalived's checksum has the group's address in unicast adverts too. Other
    # programs' and, on demand, keepalived's lacks the pseudo header.
    pseudo = [source + end + struct.pack(">BBH", 0, VRRP, len(message)) for end in (destination, GROUP)] + [b""]
    return parse(message, AF_INET, source, {2: [b""], 3: pseudo})


def parse_ipv6(packet):
    """The same of an IPv6 packet. One with extension headers is not VRRP."""
    packet = bytearray(packet)
    if len(packet) < 40 or packet[6] != VRRP:
        return None
    end = 40 + struct.unpack_from(">H", packet, 4)[0]
    demand(packet[0] >> 4 == 6, "the IP version is not 6")
    demand(end <= len(packet), "a length in the IP header is wrong")
    demand(packet[7] == 255 or packet[24] != 0xFF, "the hop limit is not 255")
    message = packet[40:end]
    return parse(message, AF_INET6, packet[8:24], {3: [packet[8:40] + struct.pack(">II", len(message), VRRP)]})


def parse(message, family, source, pseudo_headers):
    """The advert, by version with the headers that its checksum may cover besides the message."""
    demand(len(message) >= 8, "it is shorter than a VRRP header")
    version, kind = message[0] >> 4, message[0] & 15
    demand(version in pseudo_headers, "the VRRP version is not one of this IP version's")
    demand(kind == ADVERT, "it is no advert")
    size = 4 if family == AF_INET else 16
    end = 8 + size * message[3]
    demand(len(message) == end + (AUTH_DATA if version == 2 else 0), "the length does not fit the number of addresses")
    demand(any(checksum(header + message) == 0 for header in pseudo_headers[version]), "the checksum is wrong")
    demand(message[1] != 0, "the virtual router ID is 0")
    if version == 2:
        interval, auth_type = float(message[5]), AUTH_TYPES.get(message[4], str(message[4]))
    else:
        interval, auth_type = (struct.unpack_from(">H", message, 4)[0] & 0x0FFF) / 100.0, None
    return {
        "version": version,
        "family": "ipv4" if family == AF_INET else "ipv6",
        "virtual_router_id": message[1],
        "priority": message[2],
        "source": text(family, source),
        "addresses": [text(family, message[place : place + size]) for place in range(8, end, size)],
        "interval": interval,
        "auth_type": auth_type,
    }


def demand(condition, reason):
    if not condition:
        raise Malformed(reason)


def text(family, address):
    return inet_ntop(family, bytes(address))


def checksum(data):
    """The internet checksum (RFC 1071) of 16-bit words, which is 0 for data that contain the right one."""
    total = sum(struct.unpack(">%dH" % (len(data) // 2), bytes(data)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
