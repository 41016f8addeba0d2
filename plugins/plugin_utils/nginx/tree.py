# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's configuration as a tree of files: of each upstream, server and stream what its template shows.

Pure functions of the nginx role's settings; they run on the control node.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..addresses import bracketed
from ..settings.problem import InputError
from .certificates import ticket_keys
from .kinds import ADDRESS, quoted, variable
from .location import HEADERS, set_headers
from .server import Certificate, Server
from .settings import NginxSettings
from .stream import Stream
from .table import Place, directives, outside

# The directory of the files below nginx's own, and those of certificates: apart, so that a stream may be called as a server is.
TREE, CERTIFICATES, STREAM_CERTIFICATES = "nginx_ha", "tls", "stream_tls"
# Only root reads a key; nginx's master is root. Lists of users are read by its workers.
SECRET, WORKERS = "0600", "0640"
# From here on HTTP/2 has a directive of its own.
HTTP2_DIRECTIVE = (1, 25, 1)

File = dict[str, Any]


def files(settings: NginxSettings) -> list[File]:
    """What locations include, and every file of an upstream, a server or a stream: its path, its template and what that shows.

    Raises InputError for settings of which preflight refuses a value.
    """
    if settings.problems:
        raise InputError(settings.problems[0])
    return list(_files(settings))


def _files(settings: NginxSettings) -> Iterator[File]:
    present = settings.present
    for proxy, headers in HEADERS.items():
        yield _file(f"{proxy}.inc", f"{proxy}.inc.j2", headers=set_headers(proxy, headers))
    for upstream in settings.upstreams:
        # nginx keeps upstreams of HTTP and of streams apart, and so do the directories.
        directory = "stream_upstreams" if upstream.is_streams else "upstreams"
        shown = upstream.shown(settings.upstream_keepalive, present.backends_out, settings.resolves)
        yield _file(f"{directory}/{upstream.name}.conf", "upstream.conf.j2", upstream=shown)
    for server in settings.servers:
        yield _file(f"servers/{server.name}.conf", "server.conf.j2", server=_server(server, settings))
    for server in settings.servers:
        made = present.kept.self_signed.get(server.name) if server.is_self_signed else None
        yield from _certificate(f"{CERTIFICATES}/{server.name}", Certificate(**made) if made else server.tls)
    for server in settings.servers:
        for number, page in enumerate(server.pages, 1):
            yield _text(f"pages/{server.page_name(number)}", page.html.strip())
    for stream in settings.streams:
        yield _file(f"streams/{stream.name}.conf", "stream.conf.j2", stream=_stream(stream, settings))
    for stream in settings.streams:
        yield from _certificate(f"{STREAM_CERTIFICATES}/{stream.name}", stream.tls)
    for users in settings.users:
        lines = [f"{member.name}:{member.hash}" for member in users.members]
        yield _text(f"users/{users.name}", "\n".join(lines), mode=WORKERS, group=present.group, secret=True)
    yield from _tickets(settings)
    if present.backends_kept:
        # For the next run to read; nginx does not.
        yield _text("backends_out", "\n".join(present.backends_kept))
    unserved = _default_servers(settings)
    if unserved:
        yield _file("strangers.conf", "default_server.conf.j2", servers=unserved)
    if any(place.handling.cache_seconds for place in settings.places):
        yield _file("cache.conf", "cache.conf.j2", size=settings.cache_size)


def fixed(settings: NginxSettings) -> list[File]:
    """The files that every nginx has, whatever it proxies."""
    main = {
        "processes": settings.worker_processes,
        "connections": settings.worker_connections,
        "resolvers": " ".join(map(ADDRESS.shows, settings.resolvers)),
        "streams": bool(settings.streams),
    }
    brotli = settings.compression and "http_brotli_filter" in settings.modules
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


def _certificate(path: str, given: Certificate | None) -> Iterator[File]:
    if given and given.certificate and given.key:
        yield _text(f"{path}.crt", given.certificate.strip(), mode="0644", secret=False)
        yield _text(f"{path}.key", given.key.strip(), mode=SECRET, secret=True)


def _tickets(settings: NginxSettings) -> Iterator[File]:
    """Keys of session tickets, what names them, and the generation that they are of, to read again."""
    if not settings.session_ticket_secrets:
        return
    generation = settings.present.kept.generation
    keys = ticket_keys(settings.session_ticket_secrets, generation, settings.session_ticket_former)
    paths = {f"tls/ticket-{number}.key": key for number, key in enumerate(keys, 1)}
    yield from (_text(path, key, secret=True, mode=SECRET) for path, key in paths.items())
    yield _text("tls/generation", str(generation))
    yield _file("tickets.conf", "tickets.conf.j2", keys=[f"{TREE}/{path}" for path in paths])


def _server(entry: Server, settings: NginxSettings) -> dict[str, Any]:
    """What server.conf.j2 shows; what does not apply is empty.

    zones are directives that stand outside of the server, maintenance is the variable that tells whom it keeps out, and visitors are the
    networks that it lets through. Directives are complete but for their semicolon.
    """
    own = Place(f"{entry.name}_0", headers=entry.common_headers)
    places = [
        (each, Place(f"{entry.name}_{number}", settings.protocol(each.upstream), True, entry.all_headers))
        for number, each in enumerate(entry.places, 1)
    ]
    certificate, key = entry.tls.files(f"{TREE}/{CERTIFICATES}/{entry.name}") if entry.tls else ("", "")
    return {
        "name": entry.name,
        "listen": list(_listen(entry, settings)),
        "server_names": [quoted(each) for each in entry.names(settings.vips)],
        "zones": [zone for each, place in [(entry, own), *places] for zone in outside(each, place)],
        "maintenance": variable("maintenance", entry.name) if entry.is_maintained else "",
        "visitors": [quoted(network) for network in entry.maintenance.visitors] if entry.maintenance else [],
        "http2": bool(entry.tls) and entry.http2 and settings.present.written_for >= HTTP2_DIRECTIVE,
        "certificate": certificate,
        "key": key,
        "directives": list(directives(entry, own)),
        "locations": [each.shown(place) for each, place in places],
        "pages": list(entry.shown_pages()),
    }


def _stream(entry: Stream, settings: NginxSettings) -> dict[str, Any]:
    """What stream.conf.j2 shows: listen, zones, sni, certificate, key and directives, complete but for their semicolons.

    sni is empty or has variable, names (pairs of a name and an upstream) and default, which is an empty word for none. The variable holds
    the upstream for the name that a client asks for.
    """
    # nginx has one list of zones for everything; neither an upstream's nor a server's has a slash.
    place = Place(f"stream/{entry.name}")
    asked, default = variable("sni", entry.name), quoted(entry.upstream or "")
    names = [(quoted(name), each.upstream) for each in entry.sni for name in each.names]
    certificate, key = entry.tls.files(f"{TREE}/{STREAM_CERTIFICATES}/{entry.name}") if entry.tls else ("", "")
    passed = ["ssl_preread on", f"proxy_pass {asked}"] if entry.sni else [f"proxy_pass {entry.upstream}"]
    # A socket for each worker: on a shared one the datagrams of one client would come to many, each with a session of its own.
    options = " udp reuseport" if settings.transport(entry) == "udp" else ""
    options += (" ssl" if entry.tls else "") + (" proxy_protocol" if entry.proxy_protocol else "")
    return {
        "name": entry.name,
        "listen": [f"{each}{port}{options}" for port in entry.listen for each in _wildcards(settings)],
        "zones": list(outside(entry, place)),
        "sni": {"variable": asked, "names": names, "default": default} if names else {},
        "certificate": certificate,
        "key": key,
        "directives": [*directives(entry, place), *passed],
    }


def _listen(entry: Server, settings: NginxSettings) -> Iterator[str]:
    inline = entry.http2 and settings.present.written_for < HTTP2_DIRECTIVE
    options = ("" if entry.tls is None else " ssl http2" if inline else " ssl") + (
        " proxy_protocol" if entry.proxy_protocol else ""
    )
    for port in entry.ports:
        for address in entry.addresses:
            sharing = [each.name for each in settings.servers if port in each.ports and address in each.addresses]
            first = sharing[0] == entry.name
            # nginx reads the files by their names, and takes the first of a port for names that it does not know.
            default = " default_server" if len(sharing) > 1 and first else ""
            for place in [f"{bracketed(address)}:"] if address else _wildcards(settings):
                shared = first and not address
                yield f"{quoted(f'{place}{port}')}{default}{options}{_queues(settings) if shared else ''}"
                if entry.http3:
                    yield f"{quoted(f'{place}{port}')}{default}{_quic(shared)}"


def _default_servers(settings: NginxSettings) -> list[dict[str, Any]]:
    """For ports on which servers listen on VIPs only, what answers nobody on all other addresses, each with listen and tls.

    nginx binds an address of its own only where no server takes all addresses; where one does, VIPs that are on another host now are no
    trouble.
    """
    everywhere = {port for entry in settings.servers for port in entry.ports if not entry.vips}
    found: dict[int, dict[str, Any]] = {}
    for entry in settings.servers:
        options = [(" ssl" if entry.tls else "") + _queues(settings), *([_quic(True)] if entry.http3 else [])]
        for port in entry.ports:
            if port not in everywhere and port not in found:
                listens = [f"{place}{port} default_server{each}" for place in _wildcards(settings) for each in options]
                found[port] = {"listen": listens, "tls": entry.tls is not None}
    return list(found.values())


def _wildcards(settings: NginxSettings) -> list[str]:
    return ["", "[::]:"] if settings.present.ipv6 else [""]


def _queues(settings: NginxSettings) -> str:
    """A queue for each worker."""
    return " reuseport" if settings.reuseport else ""


def _quic(shared: bool) -> str:
    """Of one address: without a queue of its own, a worker would get packets of another one's connections."""
    return " quic reuseport" if shared else " quic"
