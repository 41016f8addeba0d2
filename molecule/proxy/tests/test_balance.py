# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server of an upstream gets a request."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest
from labtest.traffic import FORGIVEN, OTHER_VIP, VIP, Traffic, request


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("/", {"web1": 4, "web2": 4}),
        ("/weighted", {"web1": 6, "web2": 2}),
        ("/reserve", {"web1": 8}),
        ("/halved", {"web1": 8}),
    ],
)
def test_turns(traffic: Traffic, path: str, counts: dict[str, int]) -> None:
    assert Counter(traffic.names(f":8080{path}", 8)) == counts


def test_every_port_and_host_answers(traffic: Traffic) -> None:
    for vip in (VIP, OTHER_VIP):
        for port in (8080, 8090):
            assert set(traffic.names(f":{port}/", to=vip)) == {"web1", "web2"}


def test_a_backup_stands_in(traffic: Traffic) -> None:
    with traffic.mode("web1", status=503):
        assert set(traffic.names(":8080/reserve")) == {"web2"}
    time.sleep(FORGIVEN)
    assert set(traffic.names(":8080/reserve")) == {"web1"}


def test_a_server_that_failed_is_left_alone(traffic: Traffic) -> None:
    traffic.seen()
    with traffic.mode("web1", status=503):
        assert set(traffic.names(":8080/wary", headers={"X-Test": "wary"})) == {"web2"}
        assert traffic.seen()["web1"]["wary"] == 1
    time.sleep(FORGIVEN)
    assert set(traffic.names(":8080/wary")) == {"web2"}


def test_a_server_without_max_fails_is_asked_again(traffic: Traffic) -> None:
    traffic.seen()
    with traffic.mode("web1", status=503):
        assert set(traffic.names(":8080/stubborn", headers={"X-Test": "stubborn"})) == {"web2"}
        assert traffic.seen()["web1"]["stubborn"] == 3


def test_connections_to_a_server_are_limited(traffic: Traffic) -> None:
    answers = traffic.together(*[request(":8080/narrow?seconds=1")] * 3)
    assert sorted(answer.status for answer in answers) == [200, 200, 502]
    assert {answer.name for answer in answers if answer.status == 200} == {"web1", "web2"}
    assert traffic.get(":8080/narrow").status == 200


@pytest.mark.parametrize("balance", ["least", "random"])
def test_the_less_busy_server_is_chosen(traffic: Traffic, balance: str) -> None:
    quick = [request(f":8080/{balance}", after=0.5 + number / 20) for number in range(6)]
    slow, *others = traffic.together(request(f":8080/{balance}?seconds=2"), *quick)
    assert {answer.name for answer in others} == {"web1", "web2"} - {slow.name}


def test_a_client_stays_with_its_server(traffic: Traffic) -> None:
    assert len(set(traffic.names(":8080/sticky", 8))) == 1


def test_a_key_stays_with_its_server(traffic: Traffic) -> None:
    users = [f":8080/hashed?user={number}" for number in range(20)]
    first = [answer.name for answer in traffic.ask(*map(request, users))]
    assert set(first) == {"web1", "web2"}
    assert [answer.name for answer in traffic.ask(*map(request, reversed(users)))] == first[::-1]


@pytest.mark.parametrize(("upstream", "connections"), [("kept", 1), ("unkept", 5)])
def test_connections_to_a_server_are_kept(traffic: Traffic, upstream: str, connections: int) -> None:
    """All requests of one connection are one worker's."""
    url = f"http://{VIP}:8080/{upstream}"
    output = traffic.cluster.run("client", f"curl --silent --show-error --fail -w '\\n' {' '.join([url] * 5)}")
    echoes = [json.loads(line) for line in output.splitlines()]
    assert len({echo["connection"] for echo in echoes}) == connections


def test_a_server_that_speaks_https(traffic: Traffic) -> None:
    assert traffic.get(":8080/encrypted").echo["port"] == 7002


def test_a_server_that_is_not_there(traffic: Traffic) -> None:
    answers = traffic.ask(*[request(":8001/distant")] * 4)
    assert [answer.name for answer in answers] == ["web1"] * 4
    assert max(answer.seconds for answer in answers) < 1.5
