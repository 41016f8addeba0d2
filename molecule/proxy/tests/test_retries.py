# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that fail: what may be repeated is, and nothing else."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

import pytest
from labtest.traffic import FORGIVEN, OTHER_VIP, VIP, Traffic, request

# Of each method so many requests.
COUNT = 5
# How one of two servers fails, and what a client gets of it whose request cannot be repeated.
FAILURES = {
    "it closes the connection": ({"close": "unanswered"}, 502),
    "it closes the connection within the head": ({"close": "head"}, 502),
    "503": ({"status": 503}, 503),
    "it is slow": ({"seconds": 2}, 504),
}
# RFC 9110, 9.2.2
REPEATABLE = {"POST": False, "PATCH": False, "GET": True, "PUT": True, "DELETE": True}


@pytest.mark.parametrize(("mode", "status"), FAILURES.values(), ids=FAILURES)
def test_nothing_but_what_does_no_harm_is_done_again(traffic: Traffic, mode: dict, status: int) -> None:
    """By an upstream that goes on asking both servers in turn."""
    names = {f"{method}-{number}": method for number in range(COUNT) for method in REPEATABLE}
    requests = [
        request(":8001/hasty", method=method, size=9, headers={"X-Test": name}) for name, method in names.items()
    ]
    traffic.seen()
    with traffic.mode("web1", **mode):
        answers = dict(zip(names, traffic.together(*requests), strict=True))
        # Slow ones are counted when they come, and answered later.
        seen = traffic.seen()
    failed = set(seen["web1"]) & set(names)
    assert failed
    for name, method in names.items():
        again = REPEATABLE[method] and name in failed
        assert answers[name].status == (200 if again or name not in failed else status), name
        assert (seen["web1"][name], seen["web2"][name]) == (int(name in failed), int(again or name not in failed)), name
    assert {REPEATABLE[names[name]] for name in failed} == {True, False}


def test_what_was_never_sent_is_sent_elsewhere(traffic: Traffic) -> None:
    traffic.seen()
    with traffic.killed("web1"):
        answers = traffic.ask(*[request(":8080/stubborn", method="POST", headers={"X-Test": "unsent"})] * 6)
    assert {answer.name for answer in answers} == {"web2"}
    assert traffic.seen()["web2"]["unsent"] == 6


def test_slow_answers_end(traffic: Traffic) -> None:
    traffic.seen()
    answer = traffic.get(":8001/hasty?seconds=3", headers={"X-Test": "hasty"})
    assert answer.status == 504
    assert 1.3 < answer.seconds < 2.5
    seen = traffic.seen()
    assert (seen["web1"]["hasty"], seen["web2"]["hasty"]) == (1, 1)


def test_requests_that_nobody_reads_end(traffic: Traffic) -> None:
    traffic.seen()
    answer = traffic.get(":8001/impatient?deaf=4", method="POST", size=30 << 20, headers={"X-Test": "deaf"})
    assert answer.status == 504
    assert answer.seconds < 3
    seen = traffic.seen()
    assert seen["web1"]["deaf"] + seen["web2"]["deaf"] == 1


def test_half_an_answer_is_not_taken_for_a_whole_one(traffic: Traffic) -> None:
    with traffic.mode("web1", close="middle"):
        answer = traffic.get(":8080/halved")
    assert answer.status == 0 and "IncompleteRead" in answer.error


def test_servers_fail_and_return_under_load(traffic: Traffic) -> None:
    events: list[AbstractContextManager[None]] = [
        traffic.killed("web1"),
        traffic.mode("web2", status=503),
        traffic.mode("web1", close="unanswered"),
        traffic.mode("web2", close="head"),
    ]
    load = [request(url, to=vip) for vip in (VIP, OTHER_VIP) for url in (":8080/", "https://www.example.com/")]
    with traffic.load(*load) as results:
        for event in events:
            with event:
                time.sleep(1.5)
            # Until nginx has forgiven it: two that fail at once are more than it can hide.
            time.sleep(FORGIVEN)
    for seen in results:
        assert seen["failed"] == []
        assert seen["sent"] > 100
        assert set(seen["names"]) == {"web1", "web2"}
