# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy is changed while clients ask: no request fails."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from labtest import Run, site
from labtest.site import PROJECT
from labtest.traffic import OTHER_VIP, VIP, Traffic, request

INVENTORY = PROJECT / "molecule/proxy/inventory"
WWW = "https://www.example.com/"
HOSTS = ("nginx1", "nginx2")
OWN, LEFT = "/etc/nginx/conf.d/own.conf", "/etc/nginx/nginx_ha/servers/former.conf"
LOAD = [request(url, to=vip, every=0.08) for vip in (VIP, OTHER_VIP) for url in (":8080/", WWW)]


@contextmanager
def nothing_lost(traffic: Traffic) -> Iterator[list[dict[str, Any]]]:
    with traffic.load(*LOAD) as results:
        yield results
    for seen in results:
        assert seen["failed"] == []
        assert seen["sent"] > 100


def changed(playbook: str = "site.yml", **variables: object) -> Run:
    run = site("lab", INVENTORY, playbook=playbook, **variables)
    assert run.code == 0, run.output
    assert not run.did("Move the VIPs to another host")
    assert "PRIVATE KEY" not in run.output
    return run


@pytest.fixture(scope="module", autouse=True)
def own(traffic: Traffic) -> Iterator[None]:
    """A file of the user's, and one that a server has left that the inventory no longer has."""
    server = "server { listen 8099; location / { return 200 own; } }"
    for host in HOSTS:
        traffic.cluster.run(host, f"sh -c 'echo \"{server}\" | tee {OWN} {LEFT}'")
        traffic.cluster.run(host, f"sed -i s/8099/8098/ {LEFT}")
        traffic.cluster.run(host, "systemctl reload nginx")
    yield
    for host in HOSTS:
        traffic.cluster.run(host, f"rm {OWN}")


def test_a_server_goes_out_and_a_location_changes(traffic: Traffic) -> None:
    with nothing_lost(traffic) as results, ThreadPoolExecutor() as beside:
        # One for each server: what the one that goes out is answering it finishes.
        slow = [request(":8080/stubborn?seconds=25", timeout=60)] * 2
        answers = beside.submit(traffic.together, *slow)
        changed("playbooks/backend.yml", backend_out="web2", proxy_text="after")
        assert {answer.name for answer in answers.result()} == {"web1", "web2"}
        for vip in (VIP, OTHER_VIP):
            for path in ("/", "/weighted", "/least", "/hashed?user=1", "/hashed?user=2", "/hashed?user=3"):
                assert set(traffic.names(f":8080{path}", to=vip)) == {"web1"}
            assert set(traffic.cluster.pages(vip)) == {"web1"}
            assert traffic.get(":8001/text", to=vip).text == "after"
            assert (traffic.get(":8099/", to=vip).text, traffic.get(":8098/", to=vip).status) == ("own", 0)
    assert all(set(seen["names"]) == {"web1", "web2"} for seen in results)


def test_it_stays_out_until_it_is_put_back() -> None:
    run = changed(proxy_text="after")
    assert (run.count("nginx1", "changed"), run.count("nginx2", "changed")) == (0, 0)
    verified = changed("playbooks/verify.yml", proxy_text="after")
    assert (
        "web2 is out of service at nginx1. Put back what is ready with 'backend.yml -e backend_in=web2'."
        in verified.message
    )
    run = site("lab", INVENTORY, playbook="playbooks/backend.yml")
    assert run.code != 0 and "Nothing to do. Give -e backend_out=NAME" in run.message


def test_it_comes_back_and_a_certificate_is_replaced(traffic: Traffic) -> None:
    with nothing_lost(traffic) as results:
        changed("playbooks/backend.yml", backend_in="web2", proxy_certificate="second")
        for vip in (VIP, OTHER_VIP):
            assert set(traffic.names(":8080/", to=vip)) == {"web1", "web2"}
            assert {traffic.get(WWW, to=vip).certificate for _ in range(4)} == {"second"}
            assert traffic.get("https://a.example.org/", to=vip).certificate == "other"
    for seen, each in zip(results, LOAD, strict=True):
        assert set(seen["certificates"]) == ({"first", "second"} if each["url"] == WWW else {""})
