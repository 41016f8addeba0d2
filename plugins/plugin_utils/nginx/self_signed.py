# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that nobody else has signed, made on the control node and kept on the hosts.

All hosts have the same one, so that a client that trusts it does so wherever a VIP is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import is_address
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import certificates as nginx_certificates
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.server import Server, Tls
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import NginxSettings

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
except ImportError:  # ansible-core needs it; ansible-test looks at plugins without
    x509 = None

# Some clients take none that is valid for more than 825 days.
LIFE = timedelta(days=800)
RENEWED = timedelta(days=30)
# Hosts' clocks may be behind.
EARLY = timedelta(days=1)
HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
NAMELESS = "localhost"

Pair = Mapping[str, str]


def names(settings: NginxSettings) -> dict[str, list[str]]:
    """By the name of each server with a certificate of this kind, the host names and addresses that it is for.

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
            return {part: pair[part].strip() for part in nginx_certificates.PARTS}
    return _made(wanted, moment)


def _does(pair: Pair, wanted: Sequence[str], now: datetime) -> bool:
    """Whether it is one of these, for these names, and lasts for a while."""
    if not all(pair.get(part) for part in nginx_certificates.PARTS):
        return False
    if any(
        nginx_certificates.certificate_problems(Tls(certificate=pair["certificate"], key=pair["key"]), now + RENEWED)
    ):
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
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now - EARLY + LIFE)
        .add_extension(x509.SubjectAlternativeName(_general(wanted)), critical=False)
        # Browsers refuse an authority's certificate as a server's own.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"certificate": certificate.public_bytes(Encoding.PEM).decode().strip(), "key": private.decode().strip()}
