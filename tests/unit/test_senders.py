# SPDX-License-Identifier: GPL-3.0-or-later
"""From where the adverts of other members come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import adverts
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.cluster import Cluster
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.host import Host, network_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse

HOSTS = ("nginx1", "nginx2", "nginx3")
INSTANCES = [
    Instance("VI_1", 200, 254, "MASTER", -1, False, ("192.168.200.200/24",)),
    Instance("VI_1_6", 200, 254, "MASTER", -1, False, ("fd00:200::200/64",)),
]
PLAN = dict.fromkeys(HOSTS, INSTANCES)


def member(name: str, present: bool = True, **observed: Any) -> Host:
    number = HOSTS.index(name) + 150
    facts = {
        "interfaces": ["ens33"],
        "ens33": {
            "ipv4": {"address": f"192.168.200.{number}"},
            "ipv6": [
                {"address": f"fd00:200::{number}", "scope": "global"},
                {"address": f"fe80::{number}", "scope": "link"},
            ],
        },
    }
    settings = parse({"hosts": HOSTS, "interface": "ens33", "firewall": True})[0]
    return Host(name, settings, network_of(facts if present else {}), **observed)


def found(*members: Host, plan: Any = PLAN) -> list[list[str]]:
    """Those of each instance on nginx1."""
    return [list(instance.senders) for instance in adverts.with_senders(plan, members)["nginx1"]]


def test_they_are_the_other_members() -> None:
    assert found(*map(member, HOSTS)) == [["192.168.200.151", "192.168.200.152"], ["fe80::151", "fe80::152"]]


def test_by_unicast_they_are_the_peers() -> None:
    plan = {host: [replace(INSTANCES[1], unicast_peers=("fd00:200::151",))] for host in HOSTS}
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
    members = (member("nginx1"), member("nginx2"), member("nginx3", present=False))
    assert list(adverts.unknown(Cluster(HOSTS, members, adverts.with_senders(PLAN, members))))[0] == (
        "nginx1: 2 other members send adverts of VI_1, and the addresses of only 1 are known. Where this host has a firewall, run on the "
        "whole cluster."
    )
    members = tuple(map(member, HOSTS))
    assert not list(adverts.unknown(Cluster(HOSTS, members, adverts.with_senders(PLAN, members))))
