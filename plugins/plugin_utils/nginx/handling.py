# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers and locations have in common, in nginx's words: who may ask, how often, and what is added to the answers.

Pure functions of entries of nginx_servers and their locations that preflight has accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.words import quoted

Entry = Mapping[str, Any]


def zones(place: Entry, zone: str) -> Iterator[str]:
    rate = place.get("requests_per_second")
    if rate:
        # nginx counts whole requests: fewer than one a second are a rate a minute.
        words = f"{rate:g}r/s" if rate == int(rate) else f"{round(rate * 60)}r/m"
        yield f"limit_req_zone $binary_remote_addr zone={zone}_requests:1m rate={words}"
    if place.get("connections"):
        yield f"limit_conn_zone $binary_remote_addr zone={zone}_connections:1m"


def handling(place: Entry, zone: str, server_entry: Entry | None = None) -> Iterator[str]:
    yield from access(place)
    if place.get("body_size"):
        yield f"client_max_body_size {quoted(place['body_size'])}"
    if place.get("requests_per_second"):
        burst = int(place.get("requests_burst") or 0)
        yield f"limit_req zone={zone}_requests" + (f" burst={burst} nodelay" if burst else "")
        yield "limit_req_status 429"
    if place.get("connections"):
        yield f"limit_conn {zone}_connections {int(place['connections'])}"
        yield "limit_conn_status 429"
    if place.get("cache_seconds") is not None:
        yield from _cache(int(place["cache_seconds"]))
    if place.get("basic_auth"):
        yield f"auth_basic {quoted(place['basic_auth'])}"
        yield f"auth_basic_user_file nginx_ha/users/{place['basic_auth']}"
    yield from headers(place, server_entry)


def access(place: Entry) -> Iterator[str]:
    """The first that fits counts, and whoever is allowed nothing by name is denied anyway."""
    for network in place.get("deny") or ():
        yield f"deny {quoted(network)}"
    for network in place.get("allow") or ():
        yield f"allow {quoted(network)}"
    if place.get("allow"):
        yield "deny all"


def _cache(lasting: int) -> Iterator[str]:
    if not lasting:
        yield "proxy_cache off"
        return
    yield "proxy_cache nginx_ha_cache"
    yield f"proxy_cache_valid {lasting}s"


def headers(place: Entry, server_entry: Entry | None) -> Iterator[str]:
    """nginx forgets the server's headers in a location that has some of its own, so these are there again."""
    own = place.get("response_headers") or {}
    if server_entry is not None and not own:
        return
    everything = {**_common_headers(server_entry or place), **(server_entry or {}).get("response_headers", {}), **own}
    for name, value in everything.items():
        yield f"add_header {name} {quoted(value)} always"


def _common_headers(entry: Entry) -> dict[str, str]:
    common = {}
    if entry.get("hsts"):
        common["Strict-Transport-Security"] = f"max-age={int(entry['hsts'])}"
    if entry.get("http3"):
        common["Alt-Svc"] = 'h3=":$server_port"; ma=86400'
    return common
