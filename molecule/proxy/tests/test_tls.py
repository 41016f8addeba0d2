# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS, HTTP/2 and gRPC."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from labtest.traffic import CLIENT, OTHER_VIP, VIP, Traffic, request

WWW = "https://www.example.com"
CURL = f"curl --silent --show-error --cacert /usr/local/lib/proxy/trusted.pem --resolve '*:443:{VIP}' --resolve '*:8443:{VIP}' --resolve '*:80:{VIP}'"


def test_what_the_server_behind_knows(traffic: Traffic) -> None:
    headers = traffic.get(f"{WWW}/a").echo["headers"]
    assert headers["x-forwarded-proto"] == ["https"]
    assert headers["x-forwarded-port"] == ["443"]
    assert headers["forwarded"] == [f'for={CLIENT};host="www.example.com";proto=https']


def test_each_name_has_its_certificate(traffic: Traffic) -> None:
    names = {"www.example.com": "first", "a.example.org": "other", "api12.example.com": "other"}
    for vip in (VIP, OTHER_VIP):
        answers = traffic.ask(*(request(f"https://{name}/", to=vip) for name in names))
        assert [(answer.status, answer.certificate) for answer in answers] == [(200, each) for each in names.values()]


def test_a_key_is_roots_own(traffic: Traffic) -> None:
    for host in ("nginx1", "nginx2"):
        modes = traffic.cluster.run(host, "sh -c 'stat -c \"%n %a %U\" /etc/nginx/nginx_ha/tls/*.key'")
        assert modes.splitlines() and all(line.endswith(" 600 root") for line in modes.splitlines())


def test_versions_of_http(traffic: Traffic) -> None:
    command = f"{CURL} --http2 --output /dev/null -w '%{{http_code}} %{{http_version}} '"
    requests = [(443, "--http2", "2"), (443, "--http1.1", "1.1"), (8443, "--http2", "1.1")]
    words = "; ".join(f"{command} {option} {WWW}:{port}/" for port, option, _ in requests)
    assert traffic.cluster.run("client", words).split() == ["200", "2", "200", "1.1", "200", "1.1"]


def test_browsers_are_told_to_use_https_only(traffic: Traffic) -> None:
    paths = ("/", "/plain-headers", "/?status=404", "/more-headers")
    answers = traffic.ask(*(request(WWW + path) for path in paths))
    assert [answer.headers["strict-transport-security"] for answer in answers] == [["max-age=31536000"]] * 4
    assert answers[3].headers["x-location"] == ["here"]
    for answer in traffic.ask(request("https://a.example.org/"), request(":8080/")):
        assert "strict-transport-security" not in answer.headers


def test_plain_requests_are_sent_to_https(traffic: Traffic) -> None:
    answer = traffic.get("http://www.example.com/a/b?c=d")
    assert (answer.status, answer.headers["location"]) == (308, [f"{WWW}/a/b?c=d"])
    followed = traffic.cluster.run("client", f"{CURL} --location --data x=y 'http://www.example.com/a/b?c=d'")
    assert '"method": "POST", "path": "/a/b?c=d"' in followed
    assert traffic.cluster.pages(VIP)


def test_protocols_and_ciphers(traffic: Traffic) -> None:
    """As an independent scanner sees them."""
    for port in (443, 8443):
        output = traffic.cluster.run("client", f"sslscan --xml=- --sni-name=www.example.com {VIP}:{port}")
        scan = ElementTree.fromstring(output)
        enabled = {
            f"{each.get('type')} {each.get('version')}" for each in scan.iter("protocol") if each.get("enabled") == "1"
        }
        assert enabled == {"tls 1.2", "tls 1.3"}
        ciphers = [each.get("cipher", "") for each in scan.iter("cipher")]
        assert len(ciphers) >= 5
        assert all(re.search(r"^TLS_(AES|CHACHA20)|^ECDHE-.*(GCM|CHACHA20)", cipher) for cipher in ciphers), ciphers


def test_a_certificate_for_a_first_run(traffic: Traffic) -> None:
    """It is the same on both hosts, and good for the server's names and the VIPs, and for no other."""
    words = "openssl s_client -connect {}:8013 </dev/null 2>/dev/null | openssl x509"
    own, others = (traffic.cluster.run("client", f"sh -c '{words.format(vip)}'") for vip in (VIP, OTHER_VIP))
    assert own.startswith("-----BEGIN CERTIFICATE-----") and own == others
    trusting = "curl --silent --output /dev/null --write-out '%{http_code} ' --cacert /dev/stdin"
    names = ["first.example.com", "example.net", "a.example.net", VIP, OTHER_VIP, "other.example.com"]
    commands = [f"echo '{own}' | {trusting} --resolve '*:8013:{VIP}' https://{name}:8013/" for name in names]
    assert traffic.cluster.run("client", "; ".join([*commands, "true"])).split() == ["200"] * 5 + ["000"]


def test_what_the_authority_says_is_handed_out(traffic: Traffic) -> None:
    """Each worker asks the authority when a client has asked itself for the first time."""
    words = f"openssl s_client -status -servername www.example.com -connect {VIP}:8014 </dev/null"
    traffic.cluster.wait(
        lambda: "OCSP Response Status: successful" in traffic.cluster.run("client", f"sh -c '{words}'"),
        "an answer of the authority",
        str,
    )
    said = traffic.cluster.run("client", f"sh -c 'for i in $(seq 20); do {words} 2>/dev/null; done'")
    assert "Cert Status: good" in said and "Serial Number: 1000" in said
    assert "OCSP response: no response sent" in traffic.cluster.run("client", f"sh -c '{words.replace('8014', '443')}'")


def test_grpc(traffic: Traffic) -> None:
    called = traffic.client("grpc", request(f"{WWW}/lab.Calls/Say", messages=["one", "two", "three", "four"]))
    assert called["code"] == "OK"
    assert [answer["message"] for answer in called["answers"]] == ["one", "two", "three", "four"]
    assert {answer["name"] for answer in called["answers"]} == {"web1", "web2"}
    headers = called["answers"][0]["headers"]
    assert headers["x-real-ip"] == headers["x-forwarded-for"] == CLIENT
    assert headers["x-forwarded-proto"] == "https"
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert headers["x-added"] == "by a location"


def test_grpc_in_both_directions(traffic: Traffic) -> None:
    called = traffic.client("grpc", request(f"{WWW}/lab.Calls/Count", messages=["one", "two"]))
    assert [answer["message"] for answer in called["answers"]] == ["one"] * 3 + ["two"] * 3


def test_grpc_behind_tls(traffic: Traffic) -> None:
    called = traffic.client("grpc", request(f"{WWW}/lab.Encrypted/Say", messages=["one"]))
    assert (called["code"], called["answers"][0]["name"]) == ("OK", "web1")
