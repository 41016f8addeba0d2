# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upstreams: groups of servers that requests and connections are handed on to."""

# fmt: off
# Tables: a row for each option.
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..addresses import bracketed, is_address
from . import kinds
from .kinds import quoted
from .table import Entry, Place, directives, entry, option

# nginx's words for how an upstream chooses a server; round robin needs none.
BALANCES = {"round_robin": "", "least_conn": "least_conn", "ip_hash": "ip_hash", "hash": "hash {key} consistent", "random_two": "random two least_conn"}
# Ways to choose a server that nginx refuses backups with.
NO_BACKUP = ("ip_hash", "hash", "random_two")
HASH_KEY = "$request_uri"
# A stream has no requests.
STREAM_HASH_KEY = "$remote_addr"
STREAM_PROTOCOLS = ("tcp", "udp")
# Kilobytes of shared memory of an upstream's zone: for itself, and for each server.
ZONE, ZONE_SERVER = 64, 1


@dataclass(frozen=True)
class UpstreamServer(Entry):
    address: str = option(kinds.HOST, "IP address or host name.", "172.16.2.20", required=True)
    port: int | None = option(kinds.INT, "Port. Required with V(tcp) and V(udp).", 9091, shown=80, low=1, high=65535)
    name: str | None = option(kinds.LINE, "A name for O(nginx_backends_out), such as the host's in the inventory.", "web1")
    weight: int | None = option(
        kinds.INT, "How many requests it gets for each one of a server of weight 1. By default 1.", 2, low=1, high=65535, renders="weight={value}",
    )
    max_fails: int | None = option(
        kinds.INT, "Failures in O(nginx_upstreams[].servers[].fail_timeout) after which it gets no requests for as long; V(0) is never. By default 1.", 3,
        low=0, high=65535, renders="max_fails={value}",
    )
    max_conns: int | None = option(
        kinds.INT, "Connections to it at the same time at most; V(0), the default, is any number.", 100, low=0, high=65535,
        renders="max_conns={value}",
    )
    fail_timeout: int | None = option(kinds.INT, "Seconds. By default 10.", 30, low=1, high=86400, renders="fail_timeout={value}s")
    backup: bool = option(kinds.FLAG, "Gets requests only while all others are down. Not with V(ip_hash), V(hash) and V(random_two).", True, default=False)
    down: bool = option(kinds.FLAG, "Gets no requests.", True, default=False)

    @property
    def names(self) -> set[str]:
        return {self.address, self.name or ""} - {""}

    def is_out(self, out: frozenset[str]) -> bool:
        """Whether it is named among those that are out of service, by its name or its address."""
        return not out.isdisjoint(self.names)

    def words(self, out: frozenset[str], again: bool) -> Iterator[str]:
        """again: whether nginx looks its name up again while it runs."""
        yield f"{bracketed(self.address)}:{self.port or 80}"
        yield from directives(self, Place())
        yield from ["resolve"] if again and not is_address(self.address) else []
        yield from ["backup"] if self.backup else []
        yield from ["down"] if self.down or self.is_out(out) else []


@dataclass(frozen=True)
class Upstream(Entry):
    name: str = option(kinds.NAME, "Name of the upstream, of letters, digits, C(_), C(-) and C(.).", "web", required=True)
    servers: tuple[UpstreamServer, ...] = entry(
        UpstreamServer, "Its servers. P(evenkeel.nginx_ha.upstream_servers#filter) makes them from a group of the inventory.", many=True, required=True,
        fix="List them as [{address: 172.16.2.20, port: 9091}], or put hosts into the group that they come from.",
    )
    balance: str = option(
        kinds.chosen(*BALANCES),
        "How a server is chosen: in turn by weight; the one with the fewest connections; by the client's address; by "
        "O(nginx_upstreams[].hash_key), consistently, so that few clients change servers when one goes; the less busy of two random ones. "
        "V(ip_hash) is not for V(tcp) and V(udp).",
        "least_conn", default="round_robin",
    )
    hash_key: str | None = option(
        kinds.LINE,
        "What V(hash) goes by; variables of nginx are allowed. By default C($request_uri), and C($remote_addr), the client's address, with "
        "V(tcp) and V(udp).",
        "$arg_user",
    )
    protocol: str = option(
        kinds.chosen("http", "https", "grpc", "grpcs", *STREAM_PROTOCOLS),
        "What its servers speak. An upstream of V(tcp) or V(udp) is for O(nginx_streams), all others for O(nginx_servers).", "grpc", default="http",
    )
    keepalive: int | None = option(
        kinds.INT, "Idle connections that each worker keeps open to it. By default O(nginx_upstream_keepalive). Not with V(tcp) and V(udp).", 16,
        low=0, high=65535,
    )

    @property
    def is_streams(self) -> bool:
        return self.protocol in STREAM_PROTOCOLS

    def shown(self, keepalive: int, out: frozenset[str], again: bool) -> dict[str, Any]:
        """What upstream.conf.j2 shows: name, zone, balance (a directive or empty), servers (their words) and keepalive."""
        key = quoted(self.hash_key or (STREAM_HASH_KEY if self.is_streams else HASH_KEY))
        return {
            "name": self.name,
            "zone": f"{ZONE + ZONE_SERVER * len(self.servers)}k",
            "balance": BALANCES[self.balance].format(key=key),
            "servers": [" ".join(each.words(out, again)) for each in self.servers],
            "keepalive": 0 if self.is_streams else keepalive if self.keepalive is None else self.keepalive,
        }
