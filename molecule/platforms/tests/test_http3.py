# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/3, of the load balancer whose nginx can."""

from __future__ import annotations

from labtest import Cluster, site
from labtest.site import PROJECT

INVENTORY = PROJECT / "molecule/platforms/inventory"
VIP, ADDRESS = "192.168.200.210", "192.168.200.151"
SHOWN = "--silent --show-error --max-time 5 --output /dev/null --write-out '%{http_version} %{http_code}\\n'"


def curl(cluster: Cluster, options: str, to: str = VIP, port: int = 443) -> str:
    """What the client's curl prints, which trusts the certificate that the port has at the VIP."""
    trust = f"openssl s_client -connect {VIP}:{port} </dev/null 2>/dev/null | openssl x509 >/tmp/www.pem"
    words = (
        f"curl --cacert /tmp/www.pem --resolve 'www.example.com:{port}:{to}' {options} https://www.example.com:{port}/"
    )
    return cluster.run("client", f"{trust}; {words}")


def test_a_client_asks_by_http3(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    for options, version in (("--http3-only", "3"), ("--http2", "2"), ("--http1.1", "1.1")):
        assert curl(cluster, f"{options} {SHOWN}") == f"{version} 200"
    assert curl(cluster, "--http3-only --silent") in ("web1", "web2")


def test_a_browser_is_told_of_it(cluster: Cluster) -> None:
    for port in (443, 8443):
        assert f'alt-svc: h3=":{port}"; ma=86400' in curl(cluster, "--http2 --silent --head", port=port)


def test_a_server_of_one_vip_speaks_http3_there_only(cluster: Cluster) -> None:
    assert curl(cluster, f"--http3-only {SHOWN}", port=8443) == "3 200"
    words = (
        f"curl --insecure --resolve 'www.example.com:8443:{ADDRESS}' --http3-only {SHOWN} https://www.example.com:8443/"
    )
    assert not cluster.succeeds("client", words)


def test_an_nginx_without_http3_is_refused_it(cluster: Cluster) -> None:
    servers = [{"name": "www", "upstream": "web", "tls": {"self_signed": True}, "http3": True}]
    run = site("lab", INVENTORY, playbook="playbooks/preflight.yml", nginx_servers=servers)
    assert run.code != 0
    assert "nginx1: nginx_servers[0].http3 needs nginx 1.25.0, and this host has 1.18.0." in run.message
    assert "nginx2: nginx_servers" not in run.message
