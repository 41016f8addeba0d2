# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPGP keys (RFC 4880): taken apart, told by their fingerprints, and put together again. No signature is checked here."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import binascii
import hashlib
import re
import struct

SIGNATURE, KEY, USER = 2, 6, 13
# An armour has headers, an empty line, and then what matters (RFC 4880, 6.2).
BLOCK = (
    r"^-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n(?:[^\r\n]+\r?\n)*[ \t]*\r?\n"
    r"(.*?)^-----END PGP PUBLIC KEY BLOCK-----"
)


def binary(content):
    """The packets of a file, in ASCII armour or without. ValueError where it is no such file."""
    blocks = re.findall(BLOCK.encode("ascii"), content, re.M | re.S)
    # A line of '=' and four characters is a block's checksum.
    texts = [b"".join(re.split(b"(?m)^\\s*=", block)[0].split()) for block in blocks]
    return b"".join(map(decoded, texts)) if blocks else content


def decoded(text):
    try:
        return base64.b64decode(text)
    except (TypeError, binascii.Error) as error:
        raise ValueError("its armour is broken: %s" % error)


def armoured(packets):
    digits = base64.b64encode(packets)
    lines = [digits[start : start + 64] for start in range(0, len(digits), 64)]
    head, tail = b"-----BEGIN PGP PUBLIC KEY BLOCK-----", b"-----END PGP PUBLIC KEY BLOCK-----"
    return b"\n".join([head, b""] + lines + [b"=" + base64.b64encode(checksum(packets)), tail, b""])


def checksum(packets):
    """RFC 4880, 6.1."""
    crc = 0xB704CE
    for octet in bytearray(packets):
        crc ^= octet << 16
        for dummy in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return struct.pack(">I", crc & 0xFFFFFF)[1:]


def packets_of(content):
    """Each packet's tag, its body, and the whole of it. ValueError where there is something else."""
    octets, position = bytearray(content), 0
    while position < len(octets):
        tag, start, length = header(octets, position)
        if start + length > len(octets):
            raise ValueError("it ends within a packet")
        yield tag, content[start : start + length], content[position : start + length]
        position = start + length


def header(octets, position):
    """The tag, where the body begins, and its length."""
    first = octets[position]
    if not first & 0x80:
        raise ValueError("it is no OpenPGP key")
    try:
        if first & 0x40:
            return (first & 0x3F,) + new_length(octets, position + 1)
        if first & 3 == 3:
            raise ValueError("a packet has no length")
        form = (">B", ">H", ">I")[first & 3]
        length = struct.unpack_from(form, octets, position + 1)[0]
        return (first & 0x3F) >> 2, position + 1 + struct.calcsize(form), length
    except (IndexError, struct.error):
        raise ValueError("it ends within a packet")


def new_length(octets, position):
    first = octets[position]
    if first < 192:
        return position + 1, first
    if first < 224:
        return position + 2, ((first - 192) << 8) + octets[position + 1] + 192
    if first < 255:
        raise ValueError("a packet is in parts")
    return position + 5, struct.unpack_from(">I", octets, position + 1)[0]


def keys(content):
    """Fingerprints, 40 digits, with what belongs to each key: itself, its users, and their signatures.

    Subkeys are left out, for a fingerprint vouches for the primary key alone. So are keys of other versions than 4.
    """
    found, kept = [], None
    for tag, body, whole in packets_of(binary(content)):
        if tag == KEY:
            kept = None
            if bytearray(body[:1]) == bytearray([4]):
                kept = [whole]
                found.append((fingerprint(body), kept))
        elif tag not in (SIGNATURE, USER):
            # The signatures that follow are about this packet, such as a subkey.
            kept = None
        elif kept is not None:
            kept.append(whole)
    return [(name, b"".join(parts)) for name, parts in found]


def fingerprint(body):
    """RFC 4880, 12.2."""
    return hashlib.sha1(b"\x99" + struct.pack(">H", len(body)) + body).hexdigest().upper()
