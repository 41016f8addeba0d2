# SPDX-License-Identifier: GPL-3.0-or-later
"""To whom instances send their adverts where there is no multicast."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import adverts
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.host import Host, network_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import ConfiguredInstance, Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse

HOSTS = {"lb1": ("192.0.2.1", "2001:db8::1"), "lb2": ("192.0.2.2", "2001:db8::2"), "lb3": ("192.0.2.3", "2001:db8::3")}
PLAN = [
    Instance("VI_1", 100, 254, "MASTER", -1, False, ("192.0.2.100/24",)),
    Instance("VI_6", 1, 254, "MASTER", -1, False, ("2001:db8::100/64",)),
]


def member(name: str, absent: bool = False, running: list[dict[str, Any]] | None = None, **settings: Any) -> Host:
    four, six = HOSTS[name]
    link = {"address": "fe80::1", "scope": "link"}
    vip = {"address": "2001:db8::100", "scope": "global"}
    eth0 = {"ipv4": {"address": four}, "ipv6": [link, vip, {"address": six, "scope": "global"}]}
    facts = {} if absent else {"interfaces": ["eth0"], "eth0": eth0}
    known = parse({"unicast": True, "interface": "eth0", **settings})[0]
    return Host(name, known, network_of(facts), [read(ConfiguredInstance, each) for each in running or []])


def planned(*members: Host, hosts: tuple[str, ...] = ("lb1", "lb2", "lb3")) -> tuple[dict[str, Any], list[str]]:
    plan, problems = adverts.with_peers(dict.fromkeys(hosts, PLAN), members)
    facts = {host: [each.as_fact() for each in plan[host]] for host in hosts}
    peers = {
        host: [(each.get("unicast_src_ip"), each.get("unicast_peers")) for each in own] for host, own in facts.items()
    }
    return peers, list(map(str, problems))


def test_each_sends_to_all_others_in_the_vips_family() -> None:
    peers, problems = planned(member("lb1"), member("lb2"), member("lb3"))
    assert problems == []
    assert peers["lb2"] == [
        ("192.0.2.2", ["192.0.2.1", "192.0.2.3"]),
        ("2001:db8::2", ["2001:db8::1", "2001:db8::3"]),
    ]


@pytest.mark.parametrize("off", [False, "False", "", None])
def test_not_where_nobody_asked_for_it(off: object) -> None:
    peers, problems = planned(member("lb1", unicast=off), member("lb2", unicast=off), hosts=("lb1", "lb2"))
    assert (peers["lb1"], problems) == ([(None, None)] * 2, [])


def test_a_given_source_goes_before_the_interfaces() -> None:
    peers, problems = planned(member("lb1", unicast_src_ip="198.51.100.1"), member("lb2"), hosts=("lb1", "lb2"))
    assert problems == []
    assert (peers["lb1"][0], peers["lb2"][0]) == (("198.51.100.1", ["192.0.2.2"]), ("192.0.2.2", ["198.51.100.1"]))
    assert peers["lb1"][1] == ("2001:db8::1", ["2001:db8::2"])


def test_given_peers_are_taken_in_their_family() -> None:
    peers, problems = planned(
        member("lb1", unicast=False, unicast_src_ip="192.0.2.1", unicast_peers=["192.0.2.2", "2001:db8::2"]),
        hosts=("lb1",),
    )
    assert problems == []
    assert peers["lb1"] == [("192.0.2.1", ["192.0.2.2"]), (None, ["2001:db8::2"])]


def test_an_absent_member_is_where_the_last_run_has_found_it() -> None:
    running = [
        {"name": "VI_1", "unicast_peers": ["192.0.2.2", "192.0.2.33"]},
        {"name": "VI_6", "unicast_peers": ["2001:db8::2", "2001:db8::33"]},
    ]
    peers, problems = planned(member("lb1", running=running), member("lb2"), member("lb3", absent=True))
    assert peers["lb1"] == [
        ("192.0.2.1", ["192.0.2.2", "192.0.2.33"]),
        ("2001:db8::1", ["2001:db8::2", "2001:db8::33"]),
    ]
    assert problems == [
        f"lb3: keepalived_unicast is true, and its IPv{family} address is not known, for it is not in this run. Run on the whole cluster, "
        "or set keepalived_unicast_src_ip of this host."
        for family in (4, 6)
    ]


def test_an_absent_member_of_nowhere_is_a_problem_and_a_given_address_helps() -> None:
    dummy, problems = planned(member("lb1"), hosts=("lb1", "lb2"))
    assert len(problems) == 2 and problems[0].startswith(
        "lb2: keepalived_unicast is true, and its IPv4 address is not known"
    )
    peers, problems = planned(
        member("lb1"), member("lb2", absent=True, unicast_src_ip="192.0.2.2"), hosts=("lb1", "lb2")
    )
    assert len(problems) == 1 and "IPv6" in problems[0]
    assert peers["lb1"][0] == ("192.0.2.1", ["192.0.2.2"])


def test_an_interface_without_an_address() -> None:
    settings = parse({"unicast": True, "interface": "eth1"})[0]
    bare = Host("lb2", settings, network_of({"interfaces": ["eth1"], "eth1": {}}))
    dummy, problems = planned(member("lb1"), bare, hosts=("lb1", "lb2"))
    assert problems[0] == (
        "lb2: keepalived_unicast is true, and eth1 has no IPv4 address of its own for VI_1. Give it one, or set "
        "keepalived_unicast_src_ip of this host."
    )
