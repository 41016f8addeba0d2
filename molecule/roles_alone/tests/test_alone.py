# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role works on a host that has none of the others."""

from __future__ import annotations

from labtest import Cluster


def test_nginx_alone_proxies_and_answers_its_health_endpoint(cluster: Cluster) -> None:
    assert set(cluster.pages("192.168.200.150")) == {"web1", "web2"}
    assert cluster.run("nginx1", "curl --silent http://127.0.0.1:8081/healthz") == "ok"
    assert not cluster.succeeds("client", "curl --silent --max-time 2 http://192.168.200.150:8081/healthz")
    assert not cluster.succeeds("nginx1", "test -e /etc/keepalived || test -e /etc/nginx/sites-enabled/default")


def test_keepalived_alone_holds_its_vip(cluster: Cluster) -> None:
    held = "ip -4 -o address show dev ens34 to 172.16.2.200/32"
    cluster.wait(lambda: cluster.run("web2", held) != "", "172.16.2.200 on web2", lambda: "")
    assert cluster.run("nginx1", "curl --silent http://172.16.2.200:9092/") == "web2"
    assert not cluster.succeeds("web2", "test -e /usr/sbin/nginx || test -e /etc/keepalived/check_nginx.sh")


def test_check_nginx_alone_says_that_there_is_no_nginx(cluster: Cluster) -> None:
    assert cluster.run("web1", "stat --format=%A /etc/keepalived/check_nginx.sh").strip() == "-rwxr-xr-x"
    assert not cluster.succeeds("web1", "/etc/keepalived/check_nginx.sh")
