# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients with IPv6 addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from labtest.traffic import Traffic

SERVER, SERVER_VIP, CLIENT = "fd00:200::150", "fd00:200::200", "fd00:200::10"
OWN = {"nginx1": (SERVER, SERVER_VIP), "client": (CLIENT,)}
CURL = "curl --silent --show-error --globoff --max-time 5"


@pytest.fixture(scope="module", autouse=True)
def addresses(traffic: Traffic) -> Iterator[None]:
    """The lab's networks have none but those of the link."""
    each = [(host, address) for host, own in OWN.items() for address in own]
    try:
        for host, address in each:
            traffic.cluster.run(host, f"ip address replace {address}/64 dev ens33 nodad")
        yield
    finally:
        for host, address in each:
            traffic.cluster.succeeds(host, f"ip address delete {address}/64 dev ens33")


def headers(traffic: Traffic, url: str) -> dict[str, list[str]]:
    return json.loads(traffic.cluster.run("client", f"{CURL} '{url}'"))["headers"]


def test_what_the_server_behind_knows_of_the_client(traffic: Traffic) -> None:
    """In Forwarded an address of IPv6 is in brackets and quotes (RFC 7239, 6)."""
    seen = headers(traffic, f"http://[{SERVER}]:8080/")
    assert seen["x-forwarded-for"] == seen["x-real-ip"] == [CLIENT]
    assert seen["forwarded"] == [f'for="[{CLIENT}]";host="[{SERVER}]";proto=http']
    assert seen["host"] == [f"[{SERVER}]"]


def test_an_address_of_the_link(traffic: Traffic) -> None:
    (server, client) = (
        re.findall(r"inet6 (fe80:\S+)/", traffic.cluster.run(host, "ip -6 -o address show dev ens33"))[0]
        for host in ("nginx1", "client")
    )
    assert headers(traffic, f"http://[{server}%25ens33]:8080/")["x-forwarded-for"] == [client]


def test_a_server_of_one_vip(traffic: Traffic) -> None:
    assert headers(traffic, f"http://[{SERVER_VIP}]:8015/")["x-real-ip"] == [CLIENT]
    assert not traffic.cluster.succeeds("client", f"{CURL} 'http://[{SERVER}]:8015/'")
