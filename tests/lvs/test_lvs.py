# SPDX-License-Identifier: GPL-3.0-or-later
"""Directors with the role's keepalived.conf and a real IPVS: what a client gets, and what IPVS has counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

Seen = Mapping[str, Any]
NAMES = {
    "198.51.100.11": "real1",
    "198.51.100.12": "real2",
    "192.0.2.23": "real3",
    "192.0.2.24": "real4",
    "198.51.100.99": "sorry",
}


def chapter(seen: Seen, name: str) -> Seen:
    if name not in seen:
        told = seen.get("error", {}).get("text", "The guest has not come to its end.")
        pytest.fail(f"the guest did not come to {name!r}: {told}\n{seen['console'][-6000:]}")
    found: Seen = seen[name]
    return found


def by_name(servers: Mapping[str, int]) -> dict[str, int]:
    return {NAMES[address]: number for address, number in servers.items()}


def balanced(seen: Seen, name: str, expected: Mapping[str, int]) -> None:
    """The client's answers and the counters of the director with the VIP are these, and the other director had nothing to do."""
    found = chapter(seen, name)
    for answers, counted, elsewhere in zip(found["answers"], found["counted"], found["elsewhere"], strict=True):
        assert answers == expected
        assert by_name(counted) == expected
        assert set(elsewhere.values()) == {0}


def test_one_director_has_the_vip_and_both_know_all_servers(seen: Seen) -> None:
    assert chapter(seen, "begins")["seconds"] < 30


def test_round_robin_takes_turns(seen: Seen) -> None:
    balanced(seen, "rr", {"real1": 20, "real2": 20})


def test_weighted_round_robin_goes_by_weight(seen: Seen) -> None:
    balanced(seen, "wrr", {"real1": 30, "real2": 10})
    assert by_name(chapter(seen, "wrr")["servers"][0]) == {"real1": 3, "real2": 1}


def test_direct_return_takes_turns(seen: Seen) -> None:
    balanced(seen, "dr", {"real3": 20, "real4": 20})


def test_a_persistent_client_stays_with_its_server(seen: Seen) -> None:
    (answers,) = chapter(seen, "persistence")["answers"]
    assert list(answers.values()) == [10]


def test_each_port_of_a_group_is_served(seen: Seen) -> None:
    balanced(seen, "group", {"real1": 5, "real2": 5})


def test_a_server_whose_page_fails_leaves_and_returns(seen: Seen) -> None:
    gone = chapter(seen, "page fails")
    assert by_name(gone["servers"]) == {"real2": 1}
    assert gone["answers"] == {"real2": 10}
    # It takes connections still, which is all that others ask.
    assert set(by_name(gone["other"])) == {"real1", "real2"}
    back = chapter(seen, "page returns")
    assert back["answers"] == {"real1": 5, "real2": 5}


def test_a_server_that_refuses_connections_leaves_and_returns(seen: Seen) -> None:
    gone = chapter(seen, "server fails")
    assert by_name(gone["servers"]) == {"real1": 3}
    assert gone["answers"] == {"real1": 10}
    back = chapter(seen, "server returns")
    assert back["answers"] == {"real1": 9, "real2": 3}


def test_without_a_quorum_the_sorry_server_answers(seen: Seen) -> None:
    assert chapter(seen, "server fails")["without_quorum"] == {"sorry": 10}
    assert chapter(seen, "server returns")["with_quorum"] == {"real1": 5, "real2": 5}


def test_the_sorry_server_steps_in_when_all_are_down_and_leaves_again(seen: Seen) -> None:
    assert chapter(seen, "all fail")["answers"] == {"sorry": 10}
    back = chapter(seen, "all return")
    assert set(by_name(back["servers"])) == {"real1", "real2"}
    assert back["answers"] == {"real1": 5, "real2": 5}


@pytest.mark.parametrize("kind", ["NAT", "DR"])
@pytest.mark.parametrize(("change", "gap"), [("stops", 1.0), ("returns", 1.0), ("unplugged", 3.0)])
def test_a_connection_outlives_a_change_of_the_director(seen: Seen, change: str, gap: float, kind: str) -> None:
    found = chapter(seen, change)
    # The director that got it knew of it before.
    assert found["known"].get(kind) == ["ESTABLISHED"]
    talk = found["talks"][kind]
    assert talk["error"] == ""
    assert len(talk["names"]) == 1
    assert talk["longest_gap"] < gap
    assert talk["answers"] > 20


@pytest.mark.parametrize("change", ["stops", "returns", "unplugged"])
def test_new_requests_are_balanced_after_it(seen: Seen, change: str) -> None:
    # A connection that lasts may take a turn among them.
    answers = chapter(seen, change)["answers"]
    assert sum(answers.values()) == 10
    assert min(answers["real1"], answers["real2"]) >= 4
