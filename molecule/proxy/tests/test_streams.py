# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP and UDP as they come: turns, names, addresses, limits, and servers that fail."""

from __future__ import annotations

from collections import Counter

import pytest
from labtest.traffic import CLIENT, FORGIVEN, VIP, Traffic, request


@pytest.mark.parametrize("port", [8020, 8021])
def test_connections_take_turns(traffic: Traffic, port: int) -> None:
    assert Counter(traffic.names(f":{port}/")) == {"web1": 3, "web2": 3}


def test_tls_ends_here(traffic: Traffic) -> None:
    answer = traffic.get("https://www.example.com:8022/a")
    assert (answer.certificate, answer.echo["port"]) == ("first", 7001)


def test_tls_goes_through_by_name(traffic: Traffic) -> None:
    """The certificate is the server's own."""
    answer = traffic.get("https://www.example.org:8026/a")
    assert (answer.certificate, answer.echo["port"]) == ("other", 7002)
    assert traffic.get("https://www.example.com:8026/a").status == 0


def test_what_has_no_name_goes_elsewhere(traffic: Traffic) -> None:
    assert traffic.get("https://www.example.org:8027/a").echo["port"] == 7002
    assert traffic.get(":8027/a").echo["port"] == 7001


def test_the_proxy_protocol_tells_who_connects(traffic: Traffic) -> None:
    """The second stream lets nobody in but the client, by what the first says."""
    assert traffic.get(":8023/a").echo["path"] == "/a"
    forged = f"PROXY TCP4 {CLIENT} {VIP} 1111 8025\r\n"
    assert traffic.get(":8025/a", prefix=forged.replace(CLIENT, "192.168.200.11")).status == 200
    assert traffic.get(":8025/a").status == 0


@pytest.mark.parametrize("port", [8028, 8031])
def test_who_may_not_connect(traffic: Traffic, port: int) -> None:
    assert traffic.get(f":{port}/").status == 0


def test_connections_are_limited(traffic: Traffic) -> None:
    answers = traffic.together(*[request(":8029/?seconds=1")] * 4)
    assert Counter(answer.status for answer in answers) == {200: 2, 0: 2}


def test_datagrams(traffic: Traffic) -> None:
    answers = traffic.client("udp", {"to": VIP, "port": 8030, "messages": [f"m{number}" for number in range(6)]})
    assert [answer.split()[1:] for answer in answers] == [[f"m{number}"] for number in range(6)]
    # Workers take turns for themselves.
    assert {answer.split()[0] for answer in answers} == {"web1", "web2"}


def test_a_server_that_fails_is_passed_over(traffic: Traffic) -> None:
    with traffic.killed("web1"):
        assert set(traffic.names(":8020/")) == {"web2"}
    traffic.cluster.wait(lambda: "web1" in traffic.names(":8020/"), "web1 to take turns again", str, 2 * FORGIVEN + 5)
