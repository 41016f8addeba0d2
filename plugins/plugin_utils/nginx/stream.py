# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stream, that is TCP or UDP proxied as it comes, is in nginx's words.

Pure functions of entries of nginx_streams that preflight has accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.handling import access
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.words import quoted, seconds, variable

PROTOCOLS = ("tcp", "udp")
# Variables in seconds, with their directives.
TIMES = {"connect_timeout": "proxy_connect_timeout", "idle_timeout": "proxy_timeout"}
# Apart from those of nginx_servers, so that a stream may be called as a server is.
CERTIFICATES = "nginx_ha/stream_tls"

Entry = Mapping[str, Any]


def stream(entry: Entry, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What stream.conf.j2 shows: listen, zones, sni, tls and directives, complete but for their semicolons.

    sni is empty or has variable, names (pairs of a name and an upstream) and default, which is an empty word for none.
    """
    name = str(entry["name"])
    return {
        "name": name,
        "listen": list(_listen(entry, settings)),
        "zones": [f"limit_conn_zone $binary_remote_addr zone={_zone(name)}:1m"] if entry.get("connections") else [],
        "sni": _sni(entry),
        "tls": f"{CERTIFICATES}/{name}" if entry.get("tls") else "",
        "directives": list(_directives(entry)),
    }


def protocol_of(upstream: Entry) -> str:
    return str(upstream.get("protocol") or "http")


def transport(entry: Entry, upstreams: Sequence[Entry]) -> str:
    """tcp, or udp as its upstream has it; by the name of a client only TCP can go."""
    protocols = {str(each.get("name")): protocol_of(each) for each in upstreams}
    return "udp" if protocols.get(str(entry.get("upstream"))) == "udp" else "tcp"


def ports_of(entry: Entry) -> list[int]:
    ports = entry.get("listen") or []
    return [int(port) for port in (ports if isinstance(ports, list | tuple) else [ports])]


def upstreams_of(entry: Entry) -> list[str]:
    own = [entry["upstream"]] if entry.get("upstream") else []
    return [str(name) for name in [*own, *(each.get("upstream", "") for each in entry.get("sni") or ())]]


def _listen(entry: Entry, settings: Mapping[str, Any]) -> Iterator[str]:
    # A socket for each worker: on a shared one the datagrams of one client would come to many, each with a session of its own.
    options = " udp reuseport" if transport(entry, settings["upstreams"]) == "udp" else ""
    options += " ssl" if entry.get("tls") else ""
    options += " proxy_protocol" if entry.get("proxy_protocol") else ""
    for port in ports_of(entry):
        yield f"{port}{options}"
        if settings["ipv6"]:
            yield f"[::]:{port}{options}"


def _sni(entry: Entry) -> dict[str, Any]:
    if not entry.get("sni"):
        return {}
    return {
        "variable": variable("sni", entry["name"]),
        "names": [(quoted(name), str(each["upstream"])) for each in entry["sni"] for name in each["names"]],
        "default": quoted(entry.get("upstream") or ""),
    }


def _zone(name: str) -> str:
    """nginx has one list of zones for everything; neither an upstream's nor a server's has a slash."""
    return f"stream/{name}"


def _directives(entry: Entry) -> Iterator[str]:
    for network in entry.get("trusted_proxies") or ():
        yield f"set_real_ip_from {quoted(network)}"
    yield from access(entry)
    if entry.get("connections"):
        yield f"limit_conn {_zone(str(entry['name']))} {int(entry['connections'])}"
    for option, directive in TIMES.items():
        if entry.get(option) is not None:
            yield f"{directive} {seconds(entry[option])}"
    if entry.get("responses") is not None:
        yield f"proxy_responses {int(entry['responses'])}"
    if entry.get("proxy_protocol_out"):
        yield "proxy_protocol on"
    if entry.get("sni"):
        yield "ssl_preread on"
        yield f"proxy_pass {variable('sni', entry['name'])}"
    else:
        yield f"proxy_pass {entry['upstream']}"
