# SPDX-License-Identifier: GPL-3.0-or-later
"""'restart' and 'stop' of the check script, in this order: the scenario converges to 'restart'."""

from __future__ import annotations

from labtest import Cluster, site


def on(cluster: Cluster, host: str) -> dict[str, str | None]:
    return dict.fromkeys(cluster.vips, host)


def converge(behaviour: str) -> None:
    assert site(keepalived_install_method="package", check_nginx_behaviour=behaviour).code == 0


def test_restart_brings_nginx_back_and_the_vip_home(cluster: Cluster) -> None:
    cluster.settle(dict(cluster.vips))
    cluster.run("nginx1", "systemctl stop nginx")
    cluster.wait(lambda: cluster.succeeds("nginx1", "systemctl is-active nginx"), "nginx to be started", lambda: "")
    cluster.settle(dict(cluster.vips))
    cluster.serves()
    assert cluster.succeeds("nginx1", "systemctl is-active keepalived")


def test_restart_stops_keepalived_where_nginx_cannot_start(cluster: Cluster) -> None:
    cluster.run("nginx1", "sh -c 'echo broken >/etc/nginx/conf.d/broken.conf; systemctl stop nginx'")
    try:
        cluster.settle(on(cluster, "nginx2"))
        cluster.serves()
        assert not cluster.succeeds("nginx1", "systemctl is-active keepalived")
    finally:
        cluster.run("nginx1", "rm /etc/nginx/conf.d/broken.conf")
    cluster.run("nginx1", "systemctl start nginx keepalived")
    cluster.settle(dict(cluster.vips))


def test_stop_ends_keepalived_until_a_person_starts_it(cluster: Cluster) -> None:
    converge("stop")
    cluster.settle(dict(cluster.vips))
    cluster.run("nginx1", "systemctl stop nginx")
    cluster.settle(on(cluster, "nginx2"))
    cluster.serves()
    assert not cluster.succeeds("nginx1", "systemctl is-active keepalived")
    cluster.run("nginx1", "systemctl start nginx")
    cluster.settle(on(cluster, "nginx2"), within=5)
    cluster.run("nginx1", "systemctl start keepalived")
    cluster.settle(dict(cluster.vips))
    cluster.serves()


def test_nginx_boots_before_keepalived_only_where_the_check_would_stop_it(cluster: Cluster) -> None:
    order = "systemctl show --property=Before --value nginx"
    assert "keepalived.service" in cluster.run("nginx1", order)
    converge("watch")
    assert "keepalived.service" not in cluster.run("nginx1", order)
