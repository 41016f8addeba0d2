# SPDX-License-Identifier: GPL-3.0-or-later
"""What a certificate and its key tell before a host gets them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.certificates import certificate_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.server import Tls
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.table import unmet
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.problem import Problem
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def made(name: str = "www.example.com", begin: datetime = NOW - DAY, end: datetime = NOW + DAY) -> dict[str, str]:
    """A certificate that its own key has signed, and the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    return {"certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(), "key": private(key)}


def private(key: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> str:
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden).decode()


PAIR, OTHER = made(), made("other.example.com")


def problems_of(tls: Mapping[str, str]) -> list[str]:
    """Those of the options, and of what is in them at NOW."""
    found: list[Problem] = []
    entry = Tls.read(tls, "tls", found)
    return [str(each) for each in [*found, *unmet(entry, (0,), None), *certificate_problems(entry, NOW)]]


@pytest.mark.parametrize(
    "tls",
    [
        PAIR,
        {**PAIR, "certificate": PAIR["certificate"] + OTHER["certificate"]},
        {"certificate_file": "/etc/ssl/a.crt", "key_file": "/etc/ssl/a.key"},
    ],
    ids=["a pair", "a chain", "files of the host"],
)
def test_good_certificates(tls: dict[str, str]) -> None:
    assert problems_of(tls) == []


@pytest.mark.parametrize(
    ("tls", "text"),
    [
        (
            {"certificate": PAIR["certificate"]},
            "certificate needs key, which is not set. Set key, or remove certificate.",
        ),
        (
            {**PAIR, "key_file": "/a"},
            "key_file needs certificate_file, which is not set. Set certificate_file, or remove key_file.",
        ),
        (
            {"certificate": PAIR["certificate"], "key_file": "/a"},
            "certificate needs key, which is not set. Set key, or remove certificate.\n"
            "key_file needs certificate_file, which is not set. Set certificate_file, or remove key_file.",
        ),
        (
            {**PAIR, "certificate": "a"},
            "certificate is not in PEM. It begins with -----BEGIN CERTIFICATE-----, the server's own first.",
        ),
        ({**PAIR, "key": "a"}, "key is not in PEM. It begins with -----BEGIN PRIVATE KEY-----."),
        (
            {**PAIR, "key": private(ec.generate_private_key(ec.SECP256R1()), b"secret")},
            "key has a passphrase, which nginx could not know at boot. Give the key without (openssl pkey -in FILE).",
        ),
        (
            {**PAIR, "certificate": OTHER["certificate"] + PAIR["certificate"]},
            "certificate (CN=other.example.com) is of another key. Give the key that it was made for, and the server's own first.",
        ),
        (
            made(end=NOW - timedelta(minutes=1)),
            "certificate (CN=www.example.com) is expired since 2026-11-24 11:59 UTC. Renew it.",
        ),
        (
            made(begin=NOW + timedelta(minutes=1)),
            "certificate (CN=www.example.com) is not valid before 2026-11-24 12:01 UTC. Look at the clock.",
        ),
    ],
)
def test_a_certificate_that_would_not_do(tls: dict[str, str], text: str) -> None:
    assert problems_of(tls) == [f"tls.{line}" for line in text.splitlines()]


def test_no_key_is_in_a_sentence() -> None:
    """Whatever is wrong with it."""
    facts = {"distribution": "Debian", "os_family": "Debian", "distribution_version": "12"}
    wrong = {**OTHER, "certificate": PAIR["certificate"]}
    settings: dict[str, Any] = {"upstreams": [], "servers": [{"name": "a", "redirect": "/", "tls": wrong}]}
    (text, *_) = nginx_problems(settings, facts, "nginx1")
    assert text.startswith("nginx1: nginx_servers[0].tls.certificate (CN=www.example.com) is of another key.")
    assert not any(line in text for line in wrong["key"].splitlines())
