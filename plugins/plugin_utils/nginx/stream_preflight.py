# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with nginx_streams, and with upstreams for them: each problem one sentence with variable, value and fix.

Pure functions of the role's variables; they run on the control node only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import refusals as nginx_refusals
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import server as nginx_server
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import stream as nginx_stream
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.certificates import certificate_problems

# What a client can ask for by TLS, with a wildcard at one end; the words are syntax of nginx's map.
SNI_NAME = re.compile(
    r"(?!(?:default|hostnames|include|volatile)\Z)(?:\*?\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?:\.\*)?\Z"
)
MODULE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*\Z")
# The least of each number.
LEAST = {"responses": 0, "connections": 1}
TCP_ONLY = ("sni", "tls", "proxy_protocol", "proxy_protocol_out")


def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    yield from _modules(settings)
    protocols = {str(each.get("name")): nginx_stream.protocol_of(each) for each in settings["upstreams"]}
    yield from nginx_refusals.naming("nginx_streams", "streams", settings.get("streams") or [], "db")
    for stream in settings.get("streams") or []:
        name = str(stream.get("name", ""))
        yield from _proxied(name, stream, protocols)
        yield from _transport(name, stream, settings)
        yield from _sni(name, stream)
        yield from _handling(name, stream)
        if stream.get("tls"):
            yield from (f"nginx_streams: {name}'s tls {problem}" for problem in certificate_problems(stream["tls"]))
    yield from _ports(settings)


def upstream_problems(name: str, upstream: Mapping[str, Any]) -> Iterator[str]:
    protocol = nginx_stream.protocol_of(upstream)
    if protocol not in nginx_stream.PROTOCOLS:
        return
    if upstream.get("balance") == "ip_hash":
        yield (
            f"nginx_upstreams: {name} has the balance ip_hash, which nginx lacks for {protocol}. "
            "Use hash, which goes by the client's address there."
        )
    if upstream.get("keepalive"):
        yield f"nginx_upstreams: {name} has keepalive {upstream['keepalive']}, which nginx lacks for {protocol}. Remove it."
    for server in upstream.get("servers") or []:
        if not server.get("port"):
            yield f"nginx_upstreams: {name} has the server {server.get('address')} without a port. With {protocol} there is none by default."


def _modules(settings: Mapping[str, Any]) -> Iterator[str]:
    wanted = [str(module) for module in settings.get("modules") or []]
    for module in wanted:
        if not MODULE.match(module):
            yield f"nginx_modules has {module!r}. It is a name such as stream or http_image_filter, without the package's prefix."
    if settings.get("streams") and "stream" not in [*wanted, *(settings.get("modules_here") or [])]:
        yield f"nginx_modules ({', '.join(wanted) or 'empty'}) lacks stream, which nginx_streams needs. Add it."


def _proxied(name: str, stream: Mapping[str, Any], protocols: Mapping[str, str]) -> Iterator[str]:
    if not (stream.get("upstream") or stream.get("sni")):
        yield f"nginx_streams: {name} proxies to nothing. Give it an upstream, or sni."
    for upstream in dict.fromkeys(nginx_stream.upstreams_of(stream)):
        yield from nginx_refusals.unknown_upstream(f"nginx_streams: {name}", upstream, protocols)
        protocol = protocols.get(upstream, "tcp")
        if protocol not in nginx_stream.PROTOCOLS:
            yield (
                f"nginx_streams: {name} proxies to the upstream {upstream}, which speaks {protocol}. "
                "Set its protocol to tcp or udp, or name it in nginx_servers instead."
            )
        elif stream.get("sni") and protocol == "udp":
            yield f"nginx_streams: {name} has sni and the upstream {upstream}, which speaks udp. Names are in TLS over TCP; use tcp."


def _transport(name: str, stream: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    if nginx_stream.transport(stream, settings["upstreams"]) == "udp":
        for option in TCP_ONLY[1:]:
            if stream.get(option):
                yield f"nginx_streams: {name} has {option}, which is TCP's, and the upstream {stream['upstream']}, which speaks udp. Remove it."
    elif stream.get("responses") is not None:
        yield f"nginx_streams: {name} has responses {stream['responses']}, which are counted with UDP only. Remove it."
    if stream.get("sni") and stream.get("tls"):
        yield f"nginx_streams: {name} has tls, which ends TLS here, and sni, which passes it through. Remove one of them."
    if stream.get("trusted_proxies") and not stream.get("proxy_protocol"):
        yield f"nginx_streams: {name} has trusted_proxies, whose word comes by the PROXY protocol. Set proxy_protocol, or remove them."


def _sni(name: str, stream: Mapping[str, Any]) -> Iterator[str]:
    known: set[str] = set()
    for each in stream.get("sni") or []:
        if not each.get("names"):
            yield f"nginx_streams: {name} has sni without names for the upstream {each.get('upstream')}. Name some, e.g. [www.example.com]."
        for asked in map(str, each.get("names") or []):
            if not SNI_NAME.match(asked):
                yield (
                    f"nginx_streams: {name} has in sni {asked!r}, which is no host name. It may begin with '*.' or '.' or end "
                    "with '.*', and all others go to the stream's own upstream."
                )
            if asked.lower() in known:
                yield f"nginx_streams: {name} has {asked} twice in sni. Remove one."
            known.add(asked.lower())


def _handling(name: str, stream: Mapping[str, Any]) -> Iterator[str]:
    yield from nginx_refusals.networks(f"nginx_streams: {name}", stream)
    for kind in nginx_stream.TIMES:
        if stream.get(kind) is not None and float(stream[kind]) < 0.001:
            yield f"nginx_streams: {name} has {kind} {stream[kind]}. It is above 0."
    for kind, least in LEAST.items():
        if stream.get(kind) is not None and int(stream[kind]) < least:
            yield f"nginx_streams: {name} has {kind} {stream[kind]}. It is {least} or more."


def _ports(settings: Mapping[str, Any]) -> Iterator[str]:
    """nginx's own test lets two of one port pass, and then the reload fails."""
    owners: dict[tuple[str, int], str] = {}
    for server in settings["servers"]:
        owners |= {("tcp", port): f"the server {server.get('name')}" for port in nginx_server.ports_of(server)}
    if settings.get("health_port"):
        health = f"nginx_health_port on {settings.get('health_address')}"
        owners["tcp", int(settings["health_port"])] = health
    for number, stream in enumerate(settings.get("streams") or []):
        name = str(stream.get("name", ""))
        ports = nginx_stream.ports_of(stream)
        if not ports:
            yield f"nginx_streams: {name} listens nowhere. Give it ports, e.g. listen: [5432]."
        own: set[int] = set()
        for port in ports:
            key = (nginx_stream.transport(stream, settings["upstreams"]), port)
            if not 1 <= port <= 65535:
                yield f"nginx_streams: {name} listens on port {port}. It is 1 to 65535."
            elif port in own:
                yield f"nginx_streams: {name} has the port {port} twice in listen. Remove one."
            elif key in owners:
                yield f"nginx_streams: {name} listens on {key[0].upper()} port {port}, which is taken by {owners[key]}. Give it another."
            else:
                owners[key] = f"the stream {name or number}"
            own.add(port)
