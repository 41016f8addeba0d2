# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the certificate and the key of a server, as far as their text tells it.

It runs on the control node only, with the library that ansible-core itself needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.server import Certificate
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.problem import Problem

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
except ImportError:  # ansible-core needs it; ansible-test looks at plugins without
    x509 = None

PARTS = ("certificate", "key")


def certificate_problems(tls: Certificate, now: datetime | None = None) -> Iterator[Problem]:
    """now is for tests."""
    if not (tls.certificate and tls.key):
        return
    try:
        certificate = x509.load_pem_x509_certificate(tls.certificate.encode())
    except ValueError:
        yield Problem(
            tls.at("certificate"),
            "is not in PEM",
            "It begins with -----BEGIN CERTIFICATE-----, the server's own first.",
        )
        return
    try:
        key = load_pem_private_key(tls.key.encode(), password=None)
    except TypeError:
        yield Problem(
            tls.at("key"),
            "has a passphrase, which nginx could not know at boot",
            "Give the key without (openssl pkey -in FILE).",
        )
        return
    except ValueError:
        yield Problem(tls.at("key"), "is not in PEM", "It begins with -----BEGIN PRIVATE KEY-----.")
        return
    whose = f"({_subject(certificate)})"
    if _text(certificate) != _text(key):
        yield Problem(
            tls.at("certificate"),
            f"{whose} is of another key",
            "Give the key that it was made for, and the server's own first.",
        )
    moment = now or datetime.now(UTC)
    begin, end = _validity(certificate)
    if moment > end:
        yield Problem(tls.at("certificate"), f"{whose} is expired since {end:%Y-%m-%d %H:%M} UTC", "Renew it.")
    elif moment < begin:
        yield Problem(
            tls.at("certificate"), f"{whose} is not valid before {begin:%Y-%m-%d %H:%M} UTC", "Look at the clock."
        )


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
