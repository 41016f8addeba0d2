# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and the keys of TLS session tickets: what is wrong with those given, and what is made on the control node and kept on hosts.

All hosts have the same self-signed certificate, so that a client that trusts it does so wherever a VIP is. The keys of session tickets follow
from secrets and from how often they were rotated; that number, the generation, is no secret. It needs the library that ansible-core itself
needs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from ..addresses import is_address
from ..settings.problem import Problem
from .server import Certificate, Server, Tls
from .settings import NginxSettings

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
    )
except ImportError:  # ansible-core needs it; ansible-test looks at plugins without
    x509 = None

PARTS = ("certificate", "key")
# Some clients take none that is valid for more than 825 days.
LIFE = timedelta(days=800)
RENEWED = timedelta(days=30)
# Hosts' clocks may be behind.
EARLY = timedelta(days=1)
HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
NAMELESS = "localhost"

Pair = Mapping[str, str]


def certificate_problems(tls: Certificate, now: datetime | None = None) -> Iterator[Problem]:
    """now is for tests."""
    if not (tls.certificate and tls.key):
        return
    try:
        certificate = x509.load_pem_x509_certificate(tls.certificate.encode())
    except ValueError:
        fix = "It begins with -----BEGIN CERTIFICATE-----, the server's own first."
        yield tls.problem("certificate", "is not in PEM", fix)
        return
    try:
        key = load_pem_private_key(tls.key.encode(), password=None)
    except TypeError:
        what = "has a passphrase, which nginx could not know at boot"
        yield tls.problem("key", what, "Give the key without (openssl pkey -in FILE).")
        return
    except ValueError:
        yield tls.problem("key", "is not in PEM", "It begins with -----BEGIN PRIVATE KEY-----.")
        return
    whose = f"({certificate.subject.rfc4514_string() or 'without a subject'})"
    if _public(certificate) != _public(key):
        fix = "Give the key that it was made for, and the server's own first."
        yield tls.problem("certificate", f"{whose} is of another key", fix)
    moment = now or datetime.now(UTC)
    begin, end = _validity(certificate)
    if moment > end:
        yield tls.problem("certificate", f"{whose} is expired since {end:%Y-%m-%d %H:%M} UTC", "Renew it.")
    elif moment < begin:
        what = f"{whose} is not valid before {begin:%Y-%m-%d %H:%M} UTC"
        yield tls.problem("certificate", what, "Look at the clock.")


def _public(holder: Any) -> bytes:
    public: bytes = holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public


def _validity(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    """Libraries before version 42 have the times without their zone."""
    names = ("not_valid_before", "not_valid_after")
    begin, end = (
        getattr(certificate, f"{name}_utc", None) or getattr(certificate, name).replace(tzinfo=UTC) for name in names
    )
    return begin, end


def self_signed_names(settings: NginxSettings) -> dict[str, list[str]]:
    """By the name of each server with a self-signed certificate, the host names and addresses that it is for.

    They are the server's own and the VIPs. What a certificate cannot hold, such as regular expressions, is left out.
    """
    return {entry.name: _names(entry, settings.vips) for entry in settings.servers if entry.is_self_signed}


def _names(entry: Server, vips: Sequence[str]) -> list[str]:
    own = [name.strip("[]") for name in entry.names(vips)]
    # With a dot in front nginx means the name itself too.
    spread = [each for name in own for each in ([name[1:], f"*{name}"] if name.startswith(".") else [name])]
    every = [*spread, *(entry.vips or vips)]
    fit = [name.lower() for name in every if is_address(name) or (HOST_NAME.match(name) and name != "_")]
    return list(dict.fromkeys(fit)) or [NAMELESS]


def kept_or_made(wanted: Sequence[str], kept: Iterable[Pair], now: datetime | None = None) -> dict[str, str]:
    """certificate and key in PEM: the first of those kept that still does, or a new pair."""
    moment = now or datetime.now(UTC)
    for pair in kept:
        if _does(pair, wanted, moment):
            return {part: pair[part].strip() for part in PARTS}
    return _made(wanted, moment)


def _does(pair: Pair, wanted: Sequence[str], now: datetime) -> bool:
    """Whether it is one of these, for these names, and lasts for a while."""
    if not all(pair.get(part) for part in PARTS):
        return False
    if any(certificate_problems(Tls(certificate=pair["certificate"], key=pair["key"]), now + RENEWED)):
        return False
    certificate = x509.load_pem_x509_certificate(pair["certificate"].encode())
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return certificate.issuer == certificate.subject and set(held) == set(_general(wanted))


def _general(wanted: Sequence[str]) -> list[Any]:
    return [x509.IPAddress(ip_address(name)) if is_address(name) else x509.DNSName(name) for name in wanted]


def _made(wanted: Sequence[str], now: datetime) -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    # A common name has 64 characters at most.
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, wanted[0][:64])])
    others = "content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign encipher_only decipher_only"
    unused = dict.fromkeys(others.split(), False)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now - EARLY + LIFE)
        .add_extension(x509.SubjectAlternativeName(_general(wanted)), critical=False)
        # Browsers refuse an authority's certificate as a server's own.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **unused), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"certificate": certificate.public_bytes(Encoding.PEM).decode().strip(), "key": private.decode().strip()}


def nginx_kept(hosts: Iterable[Mapping[str, Any]], rotate: bool = False) -> dict[str, Any]:
    """What all go on with: the generation of ticket keys, and certificates with their keys by the names of servers.

    Hosts have the names that each certificate is for, the contents of their files if they were reached, and pairs that an earlier batch has
    got.
    """
    asked = [host for host in hosts if "contents" in (host.get("nginx_kept_files") or {})]
    contents = [host["nginx_kept_files"]["contents"] for host in asked]
    wanted: dict[str, dict[str, None]] = {}
    for host in asked:
        for name, own in (host.get("nginx_self_signed") or {}).items():
            wanted.setdefault(name, {}).update(dict.fromkeys(own))
    pairs = [(host.get("nginx_kept") or {}).get("self_signed") or {} for host in asked]
    pairs += [{name: _pair(each, name) for name in wanted} for each in contents]
    return {
        "generation": generation([each.get("generation") for each in contents], rotate),
        "self_signed": {
            name: kept_or_made([*own], [each[name] for each in pairs if name in each]) for name, own in wanted.items()
        },
    }


def _pair(contents: Mapping[str, str | None], name: str) -> Pair:
    return {part: contents.get(f"{name}.{ending}") or "" for part, ending in (("certificate", "crt"), ("key", "key"))}


def generation(kept: Sequence[str | None], rotate: bool = False) -> int:
    """What all hosts are to have, by what each has now: the highest, and the next one if all have the same and are to rotate.

    So a rotation that reached some hosts only is finished before the next one begins. 0 is the first.
    """
    known = [int(text) for text in kept if text and text.strip().isdecimal()]
    latest = max(known, default=0)
    together = len(known) == len(kept) and len(set(known)) == 1
    return latest + 1 if rotate and together else latest


def ticket_keys(secrets: Sequence[str], now: int, former: int) -> Iterator[str]:
    """Keys as nginx wants them, the one that it uses first; the others are accepted.

    The next generation's are among these: while a rotation goes from host to host, those behind accept the tickets of those ahead.
    former: how many generations before the present one are still accepted.
    """
    accepted = [now, now + 1, *range(now - 1, max(now - 1 - former, -1), -1)]
    for secret in secrets:
        for number in accepted:
            yield _ticket_key(secret, number)


def _ticket_key(secret: str, number: int) -> str:
    """A key has 80 bytes with the line end, here of hexadecimal digits: its part for AES holds 124 bits."""
    salt = f"evenkeel.nginx_ha session tickets {number}".encode()
    return hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, 1000, 40).hex()[:79]
