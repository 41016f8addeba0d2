# SPDX-License-Identifier: GPL-3.0-or-later
"""From where the adverts of other members come."""

from __future__ import annotations

from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import senders
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.fleet import Member

HOSTS = ("nginx1", "nginx2", "nginx3")
INSTANCES = [
    {"name": "VI_1", "virtual_ipaddress": ["192.168.200.200/24"]},
    {"name": "VI_1_6", "virtual_ipaddress": ["fd00:200::200/64"]},
]
PLAN = dict.fromkeys(HOSTS, INSTANCES)


def member(name: str, present: bool = True, **observed: Any) -> Member:
    number = HOSTS.index(name) + 150
    facts = {
        "ens33": {
            "ipv4": {"address": f"192.168.200.{number}"},
            "ipv6": [
                {"address": f"fd00:200::{number}", "scope": "global"},
                {"address": f"fe80::{number}", "scope": "link"},
            ],
        }
    }
    return Member(name, {"interface": "ens33", "firewall": True}, facts=facts if present else {}, **observed)


def found(*members: Member, plan: Any = PLAN) -> list[list[str]]:
    """Those of each instance on nginx1."""
    return [instance["senders"] for instance in senders.with_senders(plan, members)["nginx1"]]


def test_they_are_the_other_members() -> None:
    assert found(*map(member, HOSTS)) == [["192.168.200.151", "192.168.200.152"], ["fe80::151", "fe80::152"]]


def test_by_unicast_they_are_the_peers() -> None:
    plan = {host: [{**INSTANCES[1], "unicast_peers": ["fd00:200::151"]}] for host in HOSTS}
    assert found(*map(member, HOSTS), plan=plan) == [["fd00:200::151"]]


def test_a_run_on_a_part_of_the_cluster_keeps_those_that_were_let_in() -> None:
    known = member("nginx1", admitted=["192.168.200.151", "192.168.200.152", "fe80::152"])
    assert found(known, member("nginx2"), member("nginx3", present=False)) == [
        ["192.168.200.151", "192.168.200.152"],
        ["fe80::151", "fe80::152"],
    ]


def test_a_whole_run_forgets_who_has_left() -> None:
    known = member("nginx1", admitted=["192.168.200.199"])
    assert found(known, *map(member, HOSTS[1:])) == [["192.168.200.151", "192.168.200.152"], ["fe80::151", "fe80::152"]]


def test_who_is_not_known_is_warned_of() -> None:
    members = [member("nginx1"), member("nginx2"), member("nginx3", present=False)]
    plan = senders.with_senders(PLAN, members)
    assert list(senders.unknown(plan, members))[0] == (
        "nginx1: 2 other members send adverts of VI_1, and the addresses of only 1 are known. Where this host has a firewall, run on the "
        "whole cluster."
    )
    assert not list(senders.unknown(senders.with_senders(PLAN, [*map(member, HOSTS)]), [*map(member, HOSTS)]))
