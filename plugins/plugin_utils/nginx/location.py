# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locations: what is special below some paths of a server."""

# fmt: off
# Tables: a row for each option.
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import kinds
from .handling import LONGEST, Handling
from .kinds import quoted
from .table import Entry, Place, directives, inlined, option

MATCHES = {"prefix": "", "exact": "= ", "prefix_first": "^~ ", "regex": "~ ", "regex_any_case": "~* "}
PASSES = {"http": "proxy_pass", "https": "proxy_pass", "grpc": "grpc_pass", "grpcs": "grpc_pass"}
REDIRECTS = kinds.chosen(301, 302, 303, 307, 308)
# What nginx does not come to where it answers at once.
AT_ONCE = dict.fromkeys(
    ("deny", "allow", "requests_per_second", "connections", "basic_auth"), "which nginx does not heed where it answers at once"
)

# Headers with which a request is handed on, to servers that speak HTTP (proxy) or gRPC (grpc). They are in files that locations include,
# for nginx forgets what is set outside of a location that sets one of its own.
ALWAYS = {
    "Host": "$host",
    "X-Real-IP": "$remote_addr",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Proto": "$scheme",
    "X-Request-ID": "$request_id",
}
HEADERS = {
    "proxy": {
        "Upgrade": "$nginx_ha_upgrade",
        "Connection": "$nginx_ha_connection",
        **ALWAYS,
        "X-Forwarded-Host": "$host",
        "X-Forwarded-Port": "$server_port",
        # Variables of ours are nginx.conf's.
        "Forwarded": "$nginx_ha_forwarded$nginx_ha_forwarded_host;proto=$scheme",
    },
    "grpc": ALWAYS,
}


def replaces(proxy: str, own: Mapping[str, str]) -> bool:
    """Whether a location's own headers include one of these; nginx would send both."""
    return not {name.lower() for name in HEADERS[proxy]}.isdisjoint(name.lower() for name in own)


def set_headers(proxy: str, headers: Mapping[str, str]) -> list[str]:
    return [f"{proxy}_set_header {name} {quoted(value)}" for name, value in headers.items()]


def _pass(entry: Location, place: Place) -> Iterator[str]:
    # With a path behind the upstream's name nginx replaces the location's own by it.
    yield f"{PASSES[place.protocol]} {place.protocol}://{entry.upstream}{'/' if entry.strip_prefix else ''}"


def _request_headers(entry: Location, place: Place) -> Iterator[str]:
    """On top of those that the location includes, or in their place if it replaces one."""
    own = entry.request_headers
    if replaces(place.proxy, own):
        yield from ["proxy_http_version 1.1"] if place.proxy == "proxy" else []
        named = {name.lower() for name in own}
        own = {**{name: value for name, value in HEADERS[place.proxy].items() if name.lower() not in named}, **own}
    yield from set_headers(place.proxy, own)


def _unbuffered(entry: Location, place: Place) -> Iterator[str]:
    if not entry.buffering and place.proxy == "proxy":
        yield "proxy_buffering off"
        yield "proxy_request_buffering off"


def _try_files(entry: Location, place: Place) -> Iterator[str]:
    yield f"try_files {' '.join(map(quoted, entry.try_files or ('$uri', '=404')))}"


def redirected(entry: Any, place: Place) -> Iterator[str]:
    yield f"return {entry.redirect_code} {quoted(entry.redirect)}"


def _status(entry: Location, place: Place) -> Iterator[str]:
    if entry.text is not None:
        yield "default_type text/plain"
    yield f"return {entry.status}" + ("" if entry.text is None else f" {quoted(entry.text)}")


@dataclass(frozen=True)
class Location(Entry):
    exactly_one = ("upstream", "root", "redirect", "status")

    path: str = option(kinds.LINE, "The path, or with a O(nginx_servers[].locations[].match) by regular expression the expression.", "/app/", required=True)
    match: str = option(
        kinds.chosen(*MATCHES),
        "The longest prefix counts, unless a regular expression matches, the first in the list; V(prefix_first) goes before these, V(exact)"
        " before all.",
        "exact", default="prefix",
    )
    handling: Handling = inlined(Handling)
    upstream: str | None = option(kinds.NAME, "Name of the upstream that it proxies to.", "web", renders=_pass, beside="upstream")
    strip_prefix: bool = option(
        kinds.FLAG, "Leaves the path, which ends in V(/), out of what the upstream is asked for.", True, default=False, needs="upstream",
    )
    connect_timeout: float | None = option(
        kinds.SECONDS, "Seconds for a connection to a server of the upstream. By default 3.", 0.5, low=0, high=LONGEST,
        renders="{proxy}_connect_timeout {value}", beside="upstream",
    )
    read_timeout: float | None = option(
        kinds.SECONDS, "Seconds between two parts of an answer. By default 60.", 300, low=0, high=LONGEST, renders="{proxy}_read_timeout {value}",
        beside="upstream",
    )
    send_timeout: float | None = option(
        kinds.SECONDS, "Seconds between two parts of a request. By default 60.", 300, low=0, high=LONGEST, renders="{proxy}_send_timeout {value}",
        beside="upstream",
    )
    request_headers: Mapping[str, str] = option(
        kinds.HEADERS, "Headers for the upstream and their values, besides or in place of those that every request has; empty ones are left out.",
        {"X-Site": "main"}, default={}, renders=_request_headers, beside="upstream",
    )
    buffering: bool = option(kinds.FLAG, "V(false) hands requests and answers on as they come.", False, default=True, renders=_unbuffered, beside="upstream")
    root: str | None = option(kinds.PATH, "Directory of static files.", "/srv/www", renders="root {value}")
    try_files: tuple[str, ...] = option(
        kinds.LINE, "What to look for below O(nginx_servers[].locations[].root), and what to answer in the end. By default the path itself, and 404.",
        ["$uri", "/index.html"], many=True, renders=_try_files, beside="root",
    )
    redirect: str | None = option(
        kinds.LINE, "Where its requests are sent, whoever asks.", "https://www.example.com/new", excludes=AT_ONCE, renders=redirected,
        beside="redirect",
    )
    redirect_code: int = option(REDIRECTS, "Status of O(nginx_servers[].locations[].redirect).", 302, default=301)
    status: int | None = option(
        kinds.INT, "Answers this status at once, whoever asks.", 204, low=100, high=599, excludes=AT_ONCE, renders=_status, beside="status",
    )
    text: str | None = option(kinds.BODY, "The body of O(nginx_servers[].locations[].status), plain text.", "ok", empty=True)

    @property
    def is_regex(self) -> bool:
        return self.match.startswith("regex")

    def shown(self, place: Place) -> dict[str, Any]:
        """selector, directives and proxy: the name of the file with the headers of what is proxied, or empty."""
        return {
            "selector": f"{MATCHES[self.match]}{quoted(self.path)}",
            "directives": list(directives(self, place)),
            "proxy": "" if place.proxy and replaces(place.proxy, self.request_headers) else place.proxy,
        }
