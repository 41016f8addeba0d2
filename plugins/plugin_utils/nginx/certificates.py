# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the certificate and the key of a server, as far as their text tells it.

It runs on the control node only, with the library that ansible-core itself needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
except ImportError:  # ansible-core needs it; ansible-test looks at plugins without
    x509 = None

PARTS = ("certificate", "key")
FILES = ("certificate_file", "key_file")


def certificate_problems(tls: Mapping[str, Any], now: datetime | None = None) -> Iterator[str]:
    """Each a clause for "SERVER's tls ..."; now is for tests."""
    given, files = ([name for name in names if tls.get(name)] for names in (PARTS, FILES))
    if tls.get("self_signed"):
        if given or files:
            yield f"has self_signed and {' and '.join(given + files)}. Remove one of them."
        if tls.get("stapling"):
            yield "has self_signed and stapling, but nobody answers for such a certificate. Remove one of them."
        return
    if len(given) + len(files) != 2 or len(given) == 1:
        yield "needs certificate and key, or certificate_file and key_file, or self_signed. Give both of one kind."
        return
    if files:
        return
    try:
        certificate = x509.load_pem_x509_certificate(str(tls["certificate"]).encode())
    except ValueError:
        yield "has a certificate that is not in PEM. It begins with -----BEGIN CERTIFICATE-----, the server's own first."
        return
    try:
        key = load_pem_private_key(str(tls["key"]).encode(), password=None)
    except TypeError:
        yield "has a key with a passphrase, which nginx could not know at boot. Give the key without (openssl pkey -in FILE)."
        return
    except ValueError:
        yield "has a key that is not in PEM. It begins with -----BEGIN PRIVATE KEY-----."
        return
    if _text(certificate) != _text(key):
        yield f"has a certificate ({_subject(certificate)}) of another key. Give the key that it was made for, and the server's own first."
    moment = now or datetime.now(UTC)
    begin, end = _validity(certificate)
    if moment > end:
        yield f"has a certificate ({_subject(certificate)}) that is expired since {end:%Y-%m-%d %H:%M} UTC. Renew it."
    elif moment < begin:
        yield f"has a certificate ({_subject(certificate)}) that is not valid before {begin:%Y-%m-%d %H:%M} UTC. Look at the clock."


def _text(holder: Any) -> bytes:
    public: bytes = holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "without a subject"


def _validity(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    """Libraries before version 42 have the times without their zone."""
    names = ("not_valid_before", "not_valid_after")
    begin, end = (
        getattr(certificate, f"{name}_utc", None) or getattr(certificate, name).replace(tzinfo=UTC) for name in names
    )
    return begin, end
