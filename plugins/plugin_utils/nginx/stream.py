# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams: TCP or UDP that is proxied as it comes."""

# fmt: off
# Tables: a row for each option.
from __future__ import annotations

from dataclasses import dataclass

from . import kinds
from .handling import LONGEST, Access
from .server import Certificate
from .table import Entry, entry, inlined, option


@dataclass(frozen=True)
class Sni(Entry):
    names: tuple[str, ...] = option(
        kinds.SNI_NAME, "Host names; one may begin with C(*.), with C(.) for the name itself too, or end with C(.*).", ["www.example.com"], many=True,
        required=True,
    )
    upstream: str = option(kinds.NAME, "Name of the upstream of V(tcp) that these go to.", "mail", required=True)


@dataclass(frozen=True)
class Stream(Entry):
    at_least_one = ("upstream", "sni")

    name: str = option(kinds.NAME, "Name of the stream, of letters, digits, C(_), C(-) and C(.).", "db", required=True)
    listen: tuple[int, ...] = option(
        kinds.INT, "Ports, of UDP if its upstream's O(nginx_upstreams[].protocol) is V(udp), else of TCP.", [5432], many=True, required=True, low=1, high=65535,
    )
    upstream: str | None = option(
        kinds.NAME, "Name of the upstream of V(tcp) or V(udp) that it proxies to, with O(nginx_streams[].sni) for all other names.", "db",
    )
    sni: tuple[Sni, ...] = entry(
        Sni, "Passes TLS through to an upstream by the name that the client asks for (SNI). Connections for other names, or without one, are closed if "
        "there is no O(nginx_streams[].upstream).", many=True,
    )
    tls: Certificate | None = entry(
        Certificate, "Ends TLS here; what is in it goes on to the upstream without.", excludes={"sni": "which passes TLS through where tls ends it"},
    )
    proxy_protocol: bool = option(
        kinds.FLAG, "A load balancer before this one tells the client's address by the PROXY protocol; O(nginx_streams[].trusted_proxies) says which.",
        True, default=False,
    )
    trusted_proxies: tuple[str, ...] = option(
        kinds.NETWORK, "Networks of proxies before this one, whose word on the client's address counts. nginx needs its module stream_realip for it.",
        ["10.0.0.0/8"], many=True, needs="proxy_protocol", renders="set_real_ip_from {value}",
    )
    access: Access = inlined(Access)
    connections: int | None = option(
        kinds.INT, "Connections at the same time from one client's address; more are cut off.", 10, low=1, high=65535,
        outside="limit_conn_zone $binary_remote_addr zone={zone}:1m", renders="limit_conn {zone} {value}",
    )
    connect_timeout: float | None = option(
        kinds.SECONDS, "Seconds for a connection to a server of the upstream. By default 3.", 0.5, low=0.001, high=LONGEST,
        renders="proxy_connect_timeout {value}",
    )
    idle_timeout: float | None = option(
        kinds.SECONDS, "Seconds without data in either direction after which it ends. By default 600.", 3600, low=0.001, high=LONGEST,
        renders="proxy_timeout {value}",
    )
    responses: int | None = option(
        kinds.INT,
        "Datagrams that answer one of the client, after which a session of UDP ends; V(0) is none. By default a session ends with "
        "O(nginx_streams[].idle_timeout).",
        1, low=0, high=65535, renders="proxy_responses {value}",
    )
    proxy_protocol_out: bool = option(
        kinds.FLAG, "Tells the upstream's servers the client's address by the PROXY protocol, which they have to expect.", True, default=False,
        renders="proxy_protocol on",
    )

    @property
    def upstreams(self) -> tuple[str, ...]:
        return (*([self.upstream] if self.upstream else []), *(each.upstream for each in self.sni))
