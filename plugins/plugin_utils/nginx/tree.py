# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's configuration as a tree of files: of each upstream, server and stream what its template shows.

Pure functions of the nginx role's variables; they run on the control node. They take input that preflight has accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import is_address
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import server as nginx_server
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import stream as nginx_stream
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import tickets as nginx_tickets
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.headers import HEADERS, common
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.self_signed import is_self_signed
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.server import page_name, pages_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.types import typed
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.words import quoted

# The directory of the files below nginx's own.
TREE = "nginx_ha"
# nginx's words for how an upstream chooses a server; round robin needs none.
BALANCES = {
    "round_robin": "",
    "least_conn": "least_conn",
    "ip_hash": "ip_hash",
    "hash": "hash {key} consistent",
    "random_two": "random two least_conn",
}
HASH_KEY = "$request_uri"
# A stream has no requests.
STREAM_HASH_KEY = "$remote_addr"
# Kilobytes of shared memory of an upstream's zone: for itself, and for each server.
ZONE, ZONE_SERVER = 64, 1
# Only root reads a key; nginx's master is root. Lists of users are read by its workers.
SECRET, WORKERS = "0600", "0640"
# nginx's own part of a package's version, which may have an epoch in front of it, and a revision behind.
VERSION = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)*)")
# From here on an upstream can look up its servers' names again (in nginx without Plus).
RESOLVE = (1, 27, 3)

File = dict[str, Any]


def files(settings: Mapping[str, Any]) -> list[File]:
    """What locations include, and every file of an upstream, a server or a stream, as P(evenkeel.nginx_ha.rendered#lookup) takes it.

    settings: the nginx role's variables without their prefix; ipv6: whether the host has IPv6; version: that of its nginx, and
    coming_version: that of the package that takes its place, both of which may be empty.
    """
    settings = typed(settings)
    out = set(map(str, settings.get("backends_out") or ()))
    known = {**settings, "version": version_of(settings)}
    unknown = nginx_server.strangers(known)
    return [
        *(
            {"path": f"{TREE}/{proxy}.inc", "template": f"{proxy}.inc.j2", "vars": {"headers": common(proxy)}}
            for proxy in HEADERS
        ),
        *(_upstream_file(each, known, out) for each in settings["upstreams"]),
        *(_file("server", nginx_server.server(each, known)) for each in settings["servers"]),
        *(
            file
            for each in settings["servers"]
            for file in _certificate({**each, **_made(each, settings)}, nginx_server.CERTIFICATES)
        ),
        *(file for each in settings["servers"] for file in _error_pages(each)),
        *(_file("stream", nginx_stream.stream(each, known)) for each in settings.get("streams") or ()),
        *(file for each in settings.get("streams") or () for file in _certificate(each, nginx_stream.CERTIFICATES)),
        *(_users(each, settings) for each in settings.get("users") or ()),
        *_tickets(settings),
        *_backends_out(settings),
        *(_single("strangers", strangers=unknown) if unknown else ()),
        *(_single("cache") if _caches(settings) else ()),
    ]


def version_of(settings: Mapping[str, Any]) -> tuple[int, ...]:
    """What the configuration is written for: around an upgrade or a downgrade both versions have to take it."""
    known = [VERSION.match(str(settings[key])) for key in ("version", "coming_version") if settings.get(key)]
    return min((tuple(map(int, each[1].split("."))) for each in known if each), default=(0,))


def upstream(entry: Mapping[str, Any], settings: Mapping[str, Any], out: set[str]) -> dict[str, Any]:
    """name, zone, balance (a directive or empty), servers (their directives) and keepalive."""
    servers = entry["servers"]
    again = bool(settings.get("resolvers")) and settings["version"] >= RESOLVE
    streams = nginx_stream.protocol_of(entry) in nginx_stream.PROTOCOLS
    key = quoted(entry.get("hash_key") or (STREAM_HASH_KEY if streams else HASH_KEY))
    return {
        "name": str(entry["name"]),
        "zone": f"{ZONE + ZONE_SERVER * len(servers)}k",
        "balance": BALANCES[entry.get("balance") or "round_robin"].format(key=key),
        "servers": [" ".join(_words(each, out, again)) for each in servers],
        "keepalive": 0 if streams else int(entry.get("keepalive", settings["upstream_keepalive"])),
    }


def is_out(entry: Mapping[str, Any], out: set[str]) -> bool:
    """Whether a server is named among those that are out of service, by its name or its address."""
    return not out.isdisjoint({str(entry.get("name") or ""), str(entry.get("address"))} - {""})


def _file(kind: str, item: Mapping[str, Any]) -> File:
    return {
        "path": f"{TREE}/{kind}s/{item['name']}.conf",
        "template": f"{kind}.conf.j2",
        "vars": {kind: item},
    }


def _single(name: str, **shown: Any) -> Iterator[File]:
    yield {"path": f"{TREE}/{name}.conf", "template": f"{name}.conf.j2", "vars": shown}


def _upstream_file(entry: Mapping[str, Any], settings: Mapping[str, Any], out: set[str]) -> File:
    """nginx keeps upstreams of HTTP and of streams apart, and so do the directories."""
    file = _file("upstream", upstream(entry, settings, out))
    if nginx_stream.protocol_of(entry) in nginx_stream.PROTOCOLS:
        file["path"] = f"{TREE}/stream_upstreams/{entry['name']}.conf"
    return file


def _certificate(entry: Mapping[str, Any], directory: str) -> Iterator[File]:
    if not (entry.get("tls") or {}).get("certificate"):
        return
    for part, ending, mode in (("certificate", "crt", "0644"), ("key", "key", SECRET)):
        yield {
            "path": f"{directory}/{entry['name']}.{ending}",
            "template": "text.j2",
            "vars": {"text": str(entry["tls"][part]).strip()},
            "mode": mode,
            "secret": part == "key",
        }


def _error_pages(entry: Mapping[str, Any]) -> Iterator[File]:
    for number, page in enumerate(pages_of(entry), 1):
        yield {
            "path": f"{TREE}/pages/{page_name(entry, number)}",
            "template": "text.j2",
            "vars": {"text": str(page["html"]).strip()},
        }


def _users(entry: Mapping[str, Any], settings: Mapping[str, Any]) -> File:
    lines = [f"{user['name']}:{user['hash']}" for user in entry["members"]]
    return {
        "path": f"{TREE}/users/{entry['name']}",
        "template": "text.j2",
        "vars": {"text": "\n".join(lines)},
        "mode": WORKERS,
        "group": settings["group"],
        "secret": True,
    }


def _made(entry: Mapping[str, Any], settings: Mapping[str, Any]) -> File:
    """The certificate that was made for a server, in the place of one that is given."""
    pair = ((settings.get("kept") or {}).get("self_signed") or {}).get(str(entry["name"]))
    return {"tls": {**entry["tls"], **pair}} if pair and is_self_signed(entry) else {}


def _tickets(settings: Mapping[str, Any]) -> Iterator[File]:
    """Keys of session tickets, what names them, and the generation that they are of, to read again."""
    secrets = settings.get("ticket_secrets") or ()
    if not secrets:
        return
    generation = int((settings.get("kept") or {}).get("generation") or 0)
    keys = list(nginx_tickets.keys(secrets, generation, int(settings.get("session_ticket_former") or 0)))
    paths = [f"{TREE}/tls/ticket-{number}.key" for number in range(1, len(keys) + 1)]
    for path, key in zip(paths, keys, strict=True):
        yield {"path": path, "template": "text.j2", "vars": {"text": key}, "secret": True, "mode": SECRET}
    yield {"path": f"{TREE}/tls/generation", "template": "text.j2", "vars": {"text": str(generation)}}
    yield from _single("tickets", keys=paths)


def _backends_out(settings: Mapping[str, Any]) -> Iterator[File]:
    """For the next run to read; nginx does not."""
    names = [str(name) for name in settings.get("backends_kept") or ()]
    if names:
        yield {"path": f"{TREE}/backends_out", "template": "text.j2", "vars": {"text": "\n".join(names)}}


def _caches(settings: Mapping[str, Any]) -> bool:
    places = [place for entry in settings["servers"] for place in (entry, *(entry.get("locations") or ()))]
    return any(place.get("cache_seconds") for place in places)


def _words(entry: Mapping[str, Any], out: set[str], again: bool = False) -> Iterator[str]:
    address, port = str(entry["address"]), int(entry.get("port") or 80)
    yield f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    for option in ("weight", "max_fails", "max_conns"):
        if entry.get(option) is not None:
            yield f"{option}={int(entry[option])}"
    if entry.get("fail_timeout") is not None:
        yield f"fail_timeout={int(entry['fail_timeout'])}s"
    if again and not is_address(address):
        yield "resolve"
    if entry.get("backup"):
        yield "backup"
    if entry.get("down") or is_out(entry, out):
        yield "down"
