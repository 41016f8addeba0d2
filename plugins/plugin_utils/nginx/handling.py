# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers and locations have in common: who may ask, how often, and what is added to the answers."""

# fmt: off
# Tables: a row for each option.
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from . import kinds
from .kinds import quoted
from .table import Entry, Place, option

# nginx counts milliseconds in 31 bits.
LONGEST = 2_000_000
MOST = 2**31 - 1
YEARS = 10 * 365 * 86400


def _allow(entry: Access, place: Place) -> Iterator[str]:
    """The first that fits counts, and whoever is allowed nothing by name is denied anyway."""
    yield from (f"allow {quoted(network)}" for network in entry.allow)
    if entry.allow:
        yield "deny all"


def _requests(entry: Handling, place: Place) -> Iterator[str]:
    if entry.requests_per_second:
        burst = f" burst={entry.requests_burst} nodelay" if entry.requests_burst else ""
        yield f"limit_req zone={place.zone}_requests{burst}"
        yield "limit_req_status 429"


def _cache(entry: Handling, place: Place) -> Iterator[str]:
    if entry.cache_seconds:
        yield "proxy_cache nginx_ha_cache"
        yield f"proxy_cache_valid {entry.cache_seconds}s"
    elif entry.cache_seconds == 0:
        yield "proxy_cache off"


def headers(entry: Handling, place: Place) -> Iterator[str]:
    """nginx forgets the server's headers in a location that has some of its own, so these are there again."""
    if entry.response_headers or not place.inside:
        for name, value in {**place.headers, **entry.response_headers}.items():
            yield f"add_header {name} {quoted(value)} always"


@dataclass(frozen=True)
class Access(Entry):
    deny: tuple[str, ...] = option(
        kinds.NETWORK, "Addresses and networks that are refused (403; in streams cut off), even if they are among those allowed.", ["192.0.2.0/24"],
        many=True, renders="deny {value}",
    )
    allow: tuple[str, ...] = option(
        kinds.NETWORK,
        "Addresses and networks that may ask; all others are refused. A location's C(allow) and C(deny) take the place of its server's.",
        ["172.16.2.0/24"], many=True, renders=_allow,
    )


@dataclass(frozen=True)
class Handling(Access):
    body_size: str | None = option(
        kinds.SIZE, "Largest body of a request, such as V(10m); V(0) is any. nginx's own default is 1 MB.", "10m",
        renders="client_max_body_size {value}",
    )
    keepalive_timeout: float | None = option(
        kinds.SECONDS, "Seconds for which a client's idle connection is kept; V(0) ends it with the answer. By default 65.", 20, low=0, high=LONGEST,
        renders="keepalive_timeout {value}",
    )
    requests_per_second: float | None = option(
        kinds.RATE, "Requests that one client's address may make; more get 429.", 20, low=0, high=1_000_000,
        outside="limit_req_zone $binary_remote_addr zone={zone}_requests:1m rate={value}", renders=_requests,
    )
    requests_burst: int = option(kinds.INT, "How many more at once are let through.", 40, default=0, low=0, high=1_000_000)
    connections: int | None = option(
        kinds.LIMIT, "Requests at the same time that one client's address may make; more get 429.", 10, low=0, high=65535,
        outside="limit_conn_zone $binary_remote_addr zone={zone}_connections:1m",
        renders=("limit_conn {zone}_connections {value}", "limit_conn_status 429"),
    )
    cache_seconds: int | None = option(
        kinds.INT,
        "For how long answers 200, 301 and 302 are kept that say nothing of it themselves; 1 is a micro-cache, V(0) none. While the upstream "
        "fails, an old answer is given. Requests with credentials and answers that set a cookie are never kept.",
        1, low=0, high=YEARS, renders=_cache,
    )
    basic_auth: str | None = option(
        kinds.NAME, "Name of the list in O(nginx_users) whose members may ask, by HTTP basic authentication.", "staff",
        renders=("auth_basic {value}", "auth_basic_user_file nginx_ha/users/{value}"),
    )
    response_headers: Mapping[str, str] = option(
        kinds.HEADERS, "Headers of every answer and their values. Those of a location are added to those of its server.", {"X-Frame-Options": "DENY"},
        default={}, renders=headers,
    )
