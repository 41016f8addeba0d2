# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a load balancer itself: servers that it remembers as out of service, and how many connections it can have."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.nginx import nginx_backends_out, nginx_connections
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems
from support.nginx import FACTS, SETTINGS
from support.nginx_options import tree

UPSTREAMS = [
    {
        "name": "web",
        "servers": [{"name": "web1", "address": "172.16.2.20"}, {"name": "web2", "address": "172.16.2.21"}],
    },
    {"name": "api", "servers": [{"address": "172.16.2.30"}]},
]


def host(*out: str) -> dict[str, Any]:
    return {"nginx_found": {"backends_out": list(out)}}


@pytest.mark.parametrize(
    ("hosts", "take_out", "put_back", "out"),
    [
        ([host(), {}], [], [], []),
        ([host("web2"), host()], [], [], ["web2"]),
        ([host("web2"), host("web2")], ["172.16.2.30"], [], ["172.16.2.30", "web2"]),
        ([host("web2"), host()], ["web1"], ["web2"], ["web1"]),
        ([host("gone", "web1")], [], [], ["web1"]),
        ([host()], ["nobody"], [], ["nobody"]),
    ],
    ids=["none", "one host is behind", "further", "in exchange", "left the inventory", "unknown, for preflight"],
)
def test_what_is_out(hosts: list[dict[str, Any]], take_out: list[str], put_back: list[str], out: list[str]) -> None:
    assert nginx_backends_out(hosts, UPSTREAMS, take_out, put_back) == out


def test_the_next_run_can_read_it() -> None:
    (file,) = [each for each in tree({**SETTINGS, "backends_kept": ["web1", "web2"]}) if "backends" in each["path"]]
    assert (file["path"], file["vars"]["text"].split()) == ("nginx_ha/backends_out", ["web1", "web2"])
    assert not [each for each in tree(SETTINGS) if "backends" in each["path"]]


def test_what_the_inventory_takes_out_is_put_back_there_only() -> None:
    settings = {**SETTINGS, "backends_out": ["172.16.2.20"], "backends_lasting": ["172.16.2.20"]}
    assert nginx_problems({**settings, "backends_put_back": ["172.16.2.21"]}, FACTS, "nginx1") == []
    assert nginx_problems({**settings, "backends_put_back": ["172.16.2.20"]}, FACTS, "nginx1") == [
        "nginx1: nginx_backends_put_back names 172.16.2.20, which nginx_backends_out in the inventory takes out. Remove it there."
    ]


@pytest.mark.parametrize(
    ("cores", "memory_mb", "open_files", "processes", "connections"),
    [
        (1, 512, 524288, "auto", 4096),
        (1, 1000, 524288, "auto", 4096),
        (2, 1024, 524288, "auto", 4096),
        (2, 1024, 524288, "1", 8192),
        (8, 4096, 524288, 4, 8192),
        (64, 262144, 524288, "auto", 16384),
        (4, 128, 524288, "auto", 1024),
        (2, 24000, 20000, "auto", 8192),
        (2, 24000, 0, "auto", 16384),
        (0, 0, 0, "auto", 4096),
        (2, 1024, 524288, "seven", 4096),
    ],
)
def test_connections(cores: int, memory_mb: int, open_files: int, processes: object, connections: int) -> None:
    info = {"cores": cores, "memory_mb": memory_mb, "open_files": open_files}
    assert nginx_connections(info, processes) == connections


def test_nothing_is_known_before_a_host_was_asked() -> None:
    assert nginx_connections({}) == 4096
