# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's configuration as a tree of files: of each upstream, server and stream what its template shows.

Pure functions of the nginx role's settings; they run on the control node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import kinds
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import listen as nginx_listen
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import tickets as nginx_tickets
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.handling import HttpPlace
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.headers import HEADERS, common
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.location import Location
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.server import Server
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import NginxSettings, Users
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.stream import Stream
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.table import outside
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.upstream import Upstream
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.words import quoted
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.problem import InputError

# The directory of the files below nginx's own.
TREE = "nginx_ha"
# Apart, so that a stream may be called as a server is.
CERTIFICATES, STREAM_CERTIFICATES = f"{TREE}/tls", f"{TREE}/stream_tls"
# Only root reads a key; nginx's master is root. Lists of users are read by its workers.
SECRET, WORKERS = "0600", "0640"

File = dict[str, Any]


def files(settings: NginxSettings) -> list[File]:
    """What locations include, and every file of an upstream, a server or a stream, as P(evenkeel.nginx_ha.rendered#lookup) takes it.

    Raises InputError for settings of which preflight refuses a value.
    """
    if settings.problems:
        raise InputError(settings.problems[0])
    unserved = nginx_listen.default_servers(settings)
    return [
        *(_file(f"{proxy}.inc", f"{proxy}.inc.j2", headers=common(proxy)) for proxy in HEADERS),
        *(_upstream(each, settings) for each in settings.upstreams),
        *(
            _file(f"servers/{each.name}.conf", "server.conf.j2", server=_server(each, settings))
            for each in settings.servers
        ),
        *(
            file
            for each in settings.servers
            for file in _certificate(each, CERTIFICATES, settings.present.kept.self_signed)
        ),
        *(file for each in settings.servers for file in _error_pages(each)),
        *(
            _file(f"streams/{each.name}.conf", "stream.conf.j2", stream=_stream(each, settings))
            for each in settings.streams
        ),
        *(file for each in settings.streams for file in _certificate(each, STREAM_CERTIFICATES, {})),
        *(_users(each, settings.present.group) for each in settings.users),
        *_tickets(settings),
        # For the next run to read; nginx does not.
        *([_text("backends_out", "\n".join(settings.present.backends_kept))] if settings.present.backends_kept else []),
        *([_file("strangers.conf", "default_server.conf.j2", servers=unserved)] if unserved else []),
        *(
            [_file("cache.conf", "cache.conf.j2", size=settings.cache_size)]
            if any(place.handling.cache_seconds for place in settings.places)
            else []
        ),
    ]


def fixed(settings: NginxSettings) -> list[File]:
    """The files that every nginx has, whatever it proxies."""
    brotli = settings.compression and "http_brotli_filter" in settings.modules
    resolvers = " ".join(kinds.ADDRESS.shows(each) for each in settings.resolvers)
    connections, streams = settings.worker_connections, bool(settings.streams)
    main = {
        "processes": settings.worker_processes,
        "connections": connections,
        "resolvers": resolvers,
        "streams": streams,
    }
    return [
        {**_file("", "nginx.conf.j2", **main), "path": "nginx.conf"},
        _file("health.conf", "health.conf.j2", listen=f"{settings.health_address}:{settings.health_port}"),
        _file("logs.conf", "logs.conf.j2", log=settings.access_log),
        _file("compression.conf", "compression.conf.j2", gzip=settings.compression, brotli=brotli),
    ]


def _file(path: str, template: str, **shown: Any) -> File:
    return {"path": f"{TREE}/{path}", "template": template, "vars": shown}


def _text(path: str, text: str, **options: Any) -> File:
    return {**_file(path, "text.j2", text=text), **options}


def _upstream(entry: Upstream, settings: NginxSettings) -> File:
    """nginx keeps upstreams of HTTP and of streams apart, and so do the directories."""
    directory = "stream_upstreams" if entry.is_streams else "upstreams"
    shown = entry.shown(settings.upstream_keepalive, settings.present.backends_out, settings.resolves)
    return _file(f"{directory}/{entry.name}.conf", "upstream.conf.j2", upstream=shown)


def _server(entry: Server, settings: NginxSettings) -> dict[str, Any]:
    """What server.conf.j2 shows; what does not apply is empty.

    zones are directives that stand outside of the server, maintenance is the variable that tells whom it keeps out, and visitors are the
    networks that it lets through. Directives are complete but for their semicolon.
    """
    own = HttpPlace(zone=f"{entry.name}_0", headers=entry.common_headers)
    places = [
        (each, _place(each, entry, f"{entry.name}_{number}", settings)) for number, each in enumerate(entry.places, 1)
    ]
    certificate, key = entry.tls.files(f"{CERTIFICATES}/{entry.name}") if entry.tls else ("", "")
    return {
        "name": entry.name,
        "listen": list(nginx_listen.of_server(entry, settings)),
        "server_names": [quoted(each) for each in entry.names(settings.vips)],
        "zones": [zone for each, place in [(entry, own), *places] for zone in outside(each, place)],
        "maintenance": entry.maintenance_variable(),
        "visitors": [quoted(network) for network in entry.maintenance.visitors] if entry.maintenance else [],
        "http2": nginx_listen.http2_directive(entry, settings),
        "certificate": certificate,
        "key": key,
        "directives": entry.directives(own),
        "locations": [each.shown(place) for each, place in places],
        "pages": list(entry.shown_pages()),
    }


def _place(entry: Location, server: Server, zone: str, settings: NginxSettings) -> HttpPlace:
    protocol = settings.protocol(entry.upstream)
    proxy = "" if not entry.upstream else "grpc" if protocol.startswith("grpc") else "proxy"
    return HttpPlace(zone, proxy, inside=True, protocol=protocol, headers=server.all_headers)


def _stream(entry: Stream, settings: NginxSettings) -> dict[str, Any]:
    """What stream.conf.j2 shows: listen, zones, sni, certificate, key and directives, complete but for their semicolons.

    sni is empty or has variable, names (pairs of a name and an upstream) and default, which is an empty word for none.
    """
    names = [(quoted(name), each.upstream) for each in entry.sni for name in each.names]
    certificate, key = entry.tls.files(f"{STREAM_CERTIFICATES}/{entry.name}") if entry.tls else ("", "")
    return {
        "name": entry.name,
        "listen": list(nginx_listen.of_stream(entry, settings)),
        "zones": list(outside(entry, entry.place)),
        "sni": {"variable": entry.variable, "names": names, "default": quoted(entry.upstream or "")} if names else {},
        "certificate": certificate,
        "key": key,
        "directives": list(entry.directives()),
    }


def _certificate(entry: Server | Stream, directory: str, made: Mapping[str, Mapping[str, str]]) -> Iterator[File]:
    """The files of a certificate that is given, or made: by the name of each server."""
    own = {"certificate": entry.tls.certificate, "key": entry.tls.key} if entry.tls else {}
    pair = made.get(entry.name, own) if isinstance(entry, Server) and entry.is_self_signed else own
    if pair.get("certificate"):
        path = f"{directory.removeprefix(TREE + '/')}/{entry.name}"
        yield _text(f"{path}.crt", str(pair["certificate"]).strip(), mode="0644", secret=False)
        yield _text(f"{path}.key", str(pair["key"]).strip(), mode=SECRET, secret=True)


def _error_pages(entry: Server) -> Iterator[File]:
    for number, page in enumerate(entry.pages, 1):
        yield _text(f"pages/{entry.page_name(number)}", page.html.strip())


def _users(entry: Users, group: str) -> File:
    lines = [f"{member.name}:{member.hash}" for member in entry.members]
    return _text(f"users/{entry.name}", "\n".join(lines), mode=WORKERS, group=group, secret=True)


def _tickets(settings: NginxSettings) -> Iterator[File]:
    """Keys of session tickets, what names them, and the generation that they are of, to read again."""
    if not settings.session_ticket_secrets:
        return
    generation = settings.present.kept.generation
    keys = list(nginx_tickets.keys(settings.session_ticket_secrets, generation, settings.session_ticket_former))
    paths = [f"tls/ticket-{number}.key" for number in range(1, len(keys) + 1)]
    yield from (_text(path, key, secret=True, mode=SECRET) for path, key in zip(paths, keys, strict=True))
    yield _text("tls/generation", str(generation))
    yield _file("tickets.conf", "tickets.conf.j2", keys=[f"{TREE}/{path}" for path in paths])
