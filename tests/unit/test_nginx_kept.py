# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts have made their own: self-signed certificates, and the generation of their session ticket keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.nginx import nginx_kept, nginx_self_signed_names
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import certificates as nginx_certificates
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.certificates import certificate_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.server import Tls
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import NginxSettings
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.nginx_options import tree

VIPS = ["192.168.200.200", "fd00::1"]
NAMES = ["www.example.com", *VIPS]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OWN = {"self_signed": True}
NOTHING: dict[str, str] = {}


def host(names: Mapping[str, Sequence[str]] = {}, **contents: str) -> dict[str, Any]:
    """What is known of a host after its files were read; generation and www.crt are called generation and www_crt."""
    return {
        "nginx_self_signed": dict(names),
        "nginx_kept_files": {"contents": {name.replace("_", "."): text for name, text in contents.items()}},
    }


def having(pair: Mapping[str, str]) -> dict[str, Any]:
    return host({"www": NAMES}, www_crt=pair["certificate"] + "\n", www_key=pair["key"] + "\n")


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        ({}, VIPS),
        (
            {"server_names": ["WWW.example.com", r"~^api\d+", "_", "a.*", "*.example.org"]},
            ["www.example.com", "*.example.org", *VIPS],
        ),
        ({"server_names": [".example.net", "[::1]", "::2"]}, ["example.net", "*.example.net", "::1", "::2", *VIPS]),
        ({"server_names": ["www.example.com"], "vips": ["10.0.0.1"]}, ["www.example.com", "10.0.0.1"]),
    ],
    ids=["VIPs", "patterns are left out", "a name and all below it, addresses", "some VIPs"],
)
def test_what_a_certificate_is_for(entry: dict[str, Any], names: list[str]) -> None:
    others = [{"name": "plain"}, {"name": "given", "tls": {"certificate_file": "/a", "key_file": "/b"}}]
    assert nginx_self_signed_names([*others, {"name": "www", "tls": OWN, **entry}], VIPS) == {"www": names}


def test_a_text_of_a_truth_value_is_what_it_means() -> None:
    assert (
        nginx_self_signed_names([{"name": "www", "tls": {"self_signed": "False", "certificate": "a", "key": "b"}}])
        == {}
    )


def test_a_server_without_any_name_has_one() -> None:
    assert nginx_self_signed_names([{"name": "www", "tls": OWN}]) == {"www": ["localhost"]}


def test_a_certificate_is_good_for_its_names_and_for_long() -> None:
    pair = nginx_certificates.kept_or_made(NAMES, [], NOW)
    assert (
        list(certificate_problems(Tls(**pair), NOW)) == list(certificate_problems(Tls(**pair), NOW + 798 * DAY)) == []
    )
    certificate = x509.load_pem_x509_certificate(pair["certificate"].encode())
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert held.get_values_for_type(x509.DNSName) == ["www.example.com"]
    assert [str(address) for address in held.get_values_for_type(x509.IPAddress)] == VIPS
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_long_name_is_no_trouble() -> None:
    name = ".".join(["a" * 60] * 4)
    assert list(certificate_problems(Tls(**nginx_certificates.kept_or_made([name], [], NOW)), NOW)) == []


@pytest.mark.parametrize(
    ("wanted", "moment", "same"),
    [
        (NAMES, NOW, True),
        (NAMES[::-1], NOW, True),
        (NAMES, NOW + 768 * DAY, True),
        (NAMES, NOW + 770 * DAY, False),
        (NAMES[1:], NOW, False),
        ([*NAMES, "example.com"], NOW, False),
    ],
    ids=["at once", "in another order", "later", "in its last days", "a name less", "a name more"],
)
def test_a_certificate_is_kept_while_it_does(wanted: list[str], moment: datetime, same: bool) -> None:
    pair = nginx_certificates.kept_or_made(NAMES, [], NOW)
    assert (nginx_certificates.kept_or_made(wanted, [pair], moment) == pair) == same


def test_what_is_broken_is_made_anew() -> None:
    pair, other = (nginx_certificates.kept_or_made(NAMES, [], NOW) for _ in range(2))
    for broken in (NOTHING, {**pair, "key": ""}, {**pair, "key": other["key"]}, {**pair, "certificate": "none"}):
        made = nginx_certificates.kept_or_made(NAMES, [broken], NOW)
        assert made != broken and list(certificate_problems(Tls(**made), NOW)) == []


def test_a_certificate_of_an_authority_is_not_gone_on_with() -> None:
    """Where a given one was before."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, issuer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("www", "authority"))
    certificate = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + 700 * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("www.example.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    pair = {"certificate": certificate.public_bytes(Encoding.PEM).decode(), "key": private}
    assert nginx_certificates.kept_or_made(["www.example.com"], [pair], NOW)["key"] != private.strip()


def test_all_hosts_get_the_same_certificate_the_first_that_is_there() -> None:
    new = nginx_kept([host({"www": NAMES}), host({"www": NAMES})])["self_signed"]["www"]
    assert nginx_kept([host({"www": NAMES}), having(new)])["self_signed"]["www"] == new
    assert (
        nginx_kept([{**host({"www": NAMES}), "nginx_kept": {"self_signed": {"www": new}}}])["self_signed"]["www"] == new
    )
    # One that was not reached, and one that has another server.
    others = [{"nginx_kept_files": {"failed": True}}, host({"intern": ["a"]})]
    assert list(nginx_kept([*others, having(new)])["self_signed"]) == ["intern", "www"]


@pytest.mark.parametrize(
    ("kept", "rotate", "generation"),
    [
        ([None, None], False, 0),
        ([None, None], True, 0),
        (["5\n", "5\n"], False, 5),
        (["5\n", "5\n"], True, 6),
        (["6\n", "5\n"], False, 6),
        (["6\n", "5\n"], True, 6),
        (["5\n", None], True, 5),
        (["9", "10"], False, 10),
        (["damaged", "3"], True, 3),
        ([], True, 0),
    ],
)
def test_the_generation_of_ticket_keys(kept: list[str | None], rotate: bool, generation: int) -> None:
    """A rotation begins where all are in step, and is finished otherwise."""
    assert nginx_certificates.generation(kept, rotate) == generation
    hosts = [host(**({"generation": text} if text else {})) for text in kept]
    assert nginx_kept(hosts, rotate)["generation"] == generation


def test_the_tree_has_the_certificate_that_was_made() -> None:
    pair = nginx_certificates.kept_or_made(NAMES, [], NOW)
    settings = {
        "upstreams": [{"name": "web", "servers": [{"address": "a"}]}],
        "servers": [
            {"name": "www", "upstream": "web", "tls": OWN},
            {"name": "given", "upstream": "web", "tls": {"certificate": "c", "key": "k"}},
        ],
        "kept": {"self_signed": {"www": pair, "given": pair}},
        "upstream_keepalive": 0,
        "ipv6": False,
    }
    files = {file["path"]: file for file in tree(settings)}
    assert files["nginx_ha/tls/www.crt"]["vars"]["text"] == pair["certificate"]
    assert files["nginx_ha/tls/www.key"]["vars"]["text"] == pair["key"]
    assert (files["nginx_ha/tls/www.key"]["mode"], files["nginx_ha/tls/www.key"]["secret"]) == ("0600", True)
    assert files["nginx_ha/tls/given.crt"]["vars"]["text"] == "c"
    assert files["nginx_ha/servers/www.conf"]["vars"]["server"]["certificate"] == "nginx_ha/tls/www.crt"


def tls_problems(tls: Mapping[str, Any]) -> list[str]:
    return [str(each) for each in problems(NginxSettings.of({"servers": [{"name": "a", "redirect": "/", "tls": tls}]}))]


def test_a_certificate_of_ones_own_and_a_given_one_are_refused() -> None:
    assert tls_problems(OWN) == []
    assert tls_problems({**OWN, "key": "a"}) == [
        "nginx_servers[0].tls.key needs certificate, which is not set. Set certificate, or remove key."
    ]
    assert tls_problems({**OWN, "certificate_file": "/a", "key_file": "/b"}) == [
        "nginx_servers[0].tls has certificate_file and self_signed, of which only one can be. Leave one of them."
    ]
    assert tls_problems({**OWN, "stapling": True})[:1] == [
        "nginx_servers[0].tls.self_signed stands beside stapling, but nobody answers for such a certificate. Remove self_signed, or stapling."
    ]
