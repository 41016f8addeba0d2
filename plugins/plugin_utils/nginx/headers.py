# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers with which nginx hands a request on, to servers that speak HTTP (proxy) or gRPC (grpc).

They are in files that locations include, for nginx forgets what is set outside of a location that sets one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.words import quoted

ALWAYS = {
    "Host": "$host",
    "X-Real-IP": "$remote_addr",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Proto": "$scheme",
    "X-Request-ID": "$request_id",
}
# Variables of ours are nginx.conf's.
FORWARDED = "$nginx_ha_forwarded$nginx_ha_forwarded_host;proto=$scheme"
HEADERS = {
    "proxy": {
        "Upgrade": "$nginx_ha_upgrade",
        "Connection": "$nginx_ha_connection",
        **ALWAYS,
        "X-Forwarded-Host": "$host",
        "X-Forwarded-Port": "$server_port",
        "Forwarded": FORWARDED,
    },
    "grpc": ALWAYS,
}


def common(proxy: str) -> list[str]:
    """Directives of the file that locations include."""
    return list(_directives(proxy, HEADERS[proxy]))


def replaces(proxy: str, own: Mapping[str, str]) -> bool:
    """Whether a location's own headers include one of these; nginx would send both."""
    return not {name.lower() for name in HEADERS[proxy]}.isdisjoint(name.lower() for name in own)


def of_location(proxy: str, own: Mapping[str, str]) -> Iterator[str]:
    """Directives of a location on top of those that it includes, or in their place if it replaces one."""
    if not replaces(proxy, own):
        yield from _directives(proxy, own)
        return
    if proxy == "proxy":
        yield "proxy_http_version 1.1"
    named = {name.lower() for name in own}
    kept = {name: value for name, value in HEADERS[proxy].items() if name.lower() not in named}
    yield from _directives(proxy, {**kept, **own})


def _directives(proxy: str, headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        yield f"{proxy}_set_header {name} {quoted(value)}"
