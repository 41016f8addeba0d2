# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the nginx role's input: what single options refuse, and what entries and a host have to agree on.

Pure functions of the role's settings and of gathered facts; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from ..settings.fact import read
from ..settings.platform import Facts, platform_problems
from ..settings.problem import Problem
from .certificates import certificate_problems
from .location import Location
from .server import Server
from .settings import NginxSettings
from .stream import Stream
from .table import UNKNOWN, Entry, unmet, walk
from .upstream import NO_BACKUP, STREAM_PROTOCOLS, Upstream

# Packages that nginx.org's nginx does not have, and cannot be beside.
DISTRIBUTIONS = ("nginx-common", "nginx-core", "nginx-filesystem")


def nginx_problems(settings: Mapping[str, object], facts: object, host: str) -> list[str]:
    """settings: the nginx role's variables without their prefix; facts: the host's own. One sentence each."""
    found = [*platform_problems(read(Facts, facts)), *problems(NginxSettings.of(settings))]
    return [f"{host}: {text}" for text in found]


def problems(settings: NginxSettings) -> list[Problem]:
    """What follows from a value that is refused is not said as well."""
    refused = [problem.where for problem in settings.problems]
    present = settings.present
    version, modules = (present.written_for, present.modules_here) if present.installed else (UNKNOWN, None)
    related = [problem for check in RELATIONS for problem in check(settings)]
    return [
        *settings.problems,
        *(problem for entry in walk(settings) for problem in unmet(entry, version, modules, refused)),
        *(each for each in related if not any(f"{where}.".startswith(f"{each.where}.") for where in refused)),
    ]


def _names(settings: NginxSettings) -> Iterator[Problem]:
    """They are those of files and of what is in them."""
    lists = (settings.upstreams, settings.servers, settings.streams, settings.users)
    for entries in (*lists, *(each.members for each in settings.users)):
        first: dict[str, Entry] = {}
        for entry in entries:
            other = first.setdefault(entry.name, entry)
            if other is not entry and entry.name:
                what = f"is {entry.name!r}, as that of {other.where} is"
                yield entry.problem("name", what, "Give each one of its own.")


def _upstreams(settings: NginxSettings) -> Iterator[Problem]:
    for upstream in settings.upstreams:
        known: set[str] = set()
        for server in upstream.servers:
            whole = f"{server.address}:{server.port or 80}"
            if whole in known:
                what = f"is {whole}, which {upstream.name} has already"
                yield server.problem("", what, "Give one a higher weight instead.")
            known.add(whole)
            if server.backup and upstream.balance in NO_BACKUP:
                what = f"is set, and the balance {upstream.balance} knows no backups"
                yield server.problem("backup", what, "Use round_robin or least_conn.")
        if upstream.servers and all(server.down or server.backup for server in upstream.servers):
            yield upstream.problem("servers", "are all down or backups", "Let one of them take requests.")
        if upstream.is_streams:
            yield from _stream_upstream(upstream)


def _stream_upstream(upstream: Upstream) -> Iterator[Problem]:
    lacking = f"which nginx lacks for {upstream.protocol}"
    if upstream.balance == "ip_hash":
        fix = "Use hash, which goes by the client's address there."
        yield upstream.problem("balance", f"is ip_hash, {lacking}", fix)
    if upstream.keepalive:
        yield upstream.problem("keepalive", f"is {upstream.keepalive}, {lacking}", "Remove it.")
    for server in upstream.servers:
        if not server.port:
            what = f"is not set, and with {upstream.protocol} there is none by default"
            yield server.problem("port", what, "Set it.")


def _backends_out(settings: NginxSettings) -> Iterator[Problem]:
    out = settings.present.backends_out
    for name in settings.backends_put_back:
        if name in settings.present.backends_lasting:
            what = f"names {name}, which nginx_backends_out in the inventory takes out"
            yield settings.problem("backends_put_back", what, "Remove it there.")
    for upstream in settings.upstreams:
        away = [server for server in upstream.servers if server.is_out(out)]
        if away and all(server in away or server.down for server in upstream.servers):
            what = f"({', '.join(sorted(out))}) leaves the upstream {upstream.name} without a server"
            yield settings.problem("backends_out", what, "Leave one of its servers in.")
    for name in sorted(out - settings.backends):
        what = f"names {name!r}, which is no server's name or address in nginx_upstreams"
        yield settings.problem("backends_out", what, "Correct or remove it.")


def _unknown(settings: NginxSettings) -> Iterator[Problem]:
    """Upstreams and lists of users that are named, and not there."""
    users = [each.name for each in settings.users]
    for entry in (*settings.places, *settings.streams, *(each for stream in settings.streams for each in stream.sni)):
        yield from _lacking(entry, "upstream", entry.upstream, "nginx_upstreams", settings.protocols)
    for place in settings.places:
        yield from _lacking(place, "basic_auth", place.handling.basic_auth, "nginx_users", users)


def _lacking(entry: Entry, option: str, name: str | None, variable: str, known: Collection[str]) -> Iterator[Problem]:
    if name and name not in known:
        what = f"is {name!r}, which {variable} lacks; it has {', '.join(known) or 'none'}"
        yield entry.problem(option, what, "Name one of these, or add it there.")


def _servers(settings: NginxSettings) -> Iterator[Problem]:
    for place in settings.places:
        protocol = settings.protocol(place.upstream)
        if protocol in STREAM_PROTOCOLS:
            fix = "Name it in nginx_streams instead, and here another or no server."
            yield place.problem("upstream", f"is {place.upstream}, which speaks {protocol}", fix)
    for server in settings.servers:
        yield from _locations(server)
        statuses = [(status, page) for page in server.error_pages for status in page.statuses]
        yield from _twice_in(statuses, "statuses", "Remove one of the pages.")
        if server.tls:
            yield from certificate_problems(server.tls)
            if server.tls.stapling and not settings.resolvers:
                what = "is set, for which nginx looks up its authority"
                yield server.tls.problem("stapling", what, "Set nginx_resolvers.")


def _twice_in(values: Iterable[tuple[Any, Entry]], option: str, fix: str) -> Iterator[Problem]:
    known = set()
    for value, entry in values:
        if value in known:
            yield entry.problem(option, f"has {value}, which is there already", fix)
        known.add(value)


def _locations(server: Server) -> Iterator[Problem]:
    known: set[tuple[str, str]] = {("prefix", "/")} if server.upstream else set()
    for location in server.locations:
        own = ("prefix" if location.match == "prefix_first" else location.match, location.path)
        if not location.is_regex and not location.path.startswith("/"):
            fix = "Begin it with '/', or give it a match by regular expression."
            yield location.problem("path", f"is {location.path!r}, which does not begin with '/'", fix)
        if own in known:
            what = f"is {location.path}, which another location of {server.name} has"
            yield location.problem("path", what, "Make one of them.")
        known.add(own)
        if location.strip_prefix and location.upstream:
            yield from _stripped(location)


def _stripped(location: Location) -> Iterator[Problem]:
    path = location.path
    if location.is_regex:
        yield location.problem("strip_prefix", "is for prefixes, and this is a regular expression", "Remove it.")
    elif location.match != "exact" and not path.endswith("/"):
        what = f"would make {path}/a to //a and {path}a to /a"
        yield location.problem("strip_prefix", what, "Let its path end in '/'.")


def _streams(settings: NginxSettings) -> Iterator[Problem]:
    if settings.streams and "stream" not in (*settings.modules, *settings.present.modules_here):
        what = f"({', '.join(settings.modules) or 'empty'}) lacks stream, which nginx_streams needs"
        yield settings.problem("modules", what, "Add it.")
    for stream in settings.streams:
        yield from _protocols(stream, settings)
        names = [(name.lower(), each) for each in stream.sni for name in each.names]
        yield from _twice_in(names, "names", "Remove one.")
        if stream.tls:
            yield from certificate_problems(stream.tls)


def _protocols(stream: Stream, settings: NginxSettings) -> Iterator[Problem]:
    for name in dict.fromkeys(stream.upstreams):
        protocol = settings.protocols.get(name, "tcp")
        if protocol not in STREAM_PROTOCOLS:
            fix = "Set its protocol to tcp or udp, or name it in nginx_servers instead."
            yield stream.problem("upstream", f"is {name}, which speaks {protocol}", fix)
        elif stream.sni and protocol == "udp":
            what = f"stands beside the upstream {name}, which speaks udp"
            yield stream.problem("sni", what, "Names are in TLS over TCP; use tcp.")
    if settings.transport(stream) == "udp":
        for option in ("tls", "proxy_protocol", "proxy_protocol_out"):
            if getattr(stream, option):
                yield stream.problem(option, f"is TCP's, and the upstream {stream.upstream} speaks udp", "Remove it.")
    elif stream.responses is not None:
        yield stream.problem("responses", f"is {stream.responses}, which are counted with UDP only", "Remove it.")


def _packages(settings: NginxSettings) -> Iterator[Problem]:
    present, method = settings.present, settings.install_method
    others = [name for name in DISTRIBUTIONS if name in present.packages]
    if method == "none" and not present.installed:
        fix = "Install one, or set it to package."
        yield settings.problem("install_method", "is none, and there is no nginx on this host", fix)
    if method == "nginx_org" and others:
        what = f"is nginx_org, and this host has the distribution's nginx ({others[0]})"
        remedy = "remove that nginx first: uninstall.yml does where this collection has installed it."
        yield settings.problem("install_method", what, f"Set it to package, or {remedy}")
    if settings.version and method == "none":
        what = "is set, and nginx_install_method is none, which installs nothing"
        yield settings.problem("version", what, "Remove one of them.")


def _same_port(settings: NginxSettings) -> Iterator[Problem]:
    """What servers that share a port have to agree on; nginx's own test lets streams pass that cannot listen."""
    first: dict[int, Server] = {}
    for server in settings.servers:
        for port in server.ports:
            other = first.setdefault(port, server)
            if _manner(other) != _manner(server):
                place = f"port {port} with {other.where} ({other.name})"
                fix = "All of a port have the same; give one of the two another port."
                yield server.problem("", f"shares {place}, but not tls, http2, http3 or proxy_protocol", fix)
    taken = {("tcp", port): server.where for port, server in first.items()}
    taken |= {("udp", port): server.where for port, server in first.items() if server.http3}
    taken["tcp", settings.health_port] = settings.at("health_port")
    for stream in settings.streams:
        for port in stream.listen:
            key = (settings.transport(stream), port)
            if taken.get(key) == stream.where:
                yield stream.problem("listen", f"has port {port} twice", "Remove one.")
            elif key in taken:
                what = f"has {key[0].upper()} port {port}, which is taken by {taken[key]}"
                yield stream.problem("listen", what, "Give one of the two another port.")
            taken[key] = stream.where


def _manner(server: Server) -> tuple[bool, bool, bool, bool]:
    # Before 1.25.1 nginx has HTTP/2 for all of a port, whichever server asks for it.
    return (server.tls is not None, server.tls is not None and server.http2, server.http3, server.proxy_protocol)


def _others_ports(settings: NginxSettings) -> Iterator[Problem]:
    """Ports that other programs of the host have."""
    streams = [stream for stream in settings.streams if settings.transport(stream) == "tcp"]
    wanted = {port: stream.at("listen") for stream in streams for port in stream.listen}
    wanted[settings.health_port] = settings.at("health_port")
    wanted |= {port: server.at("listen") for server in reversed(settings.servers) for port in server.ports}
    for listener in settings.present.listeners:
        if listener.port in wanted and listener.process != "nginx":
            other = listener.process or "another program"
            what = f"has port {listener.port}, which {other} has on this host ({listener.address})"
            yield Problem(wanted[listener.port], what, "Stop that, or choose another port.")


def _same_names(settings: NginxSettings) -> Iterator[Problem]:
    """nginx would ignore the second with a warning."""
    first: dict[tuple[str, int, str], Server] = {}
    for server in settings.servers:
        for address, port, name in product(server.addresses, server.ports, server.names(settings.vips)):
            other = first.setdefault((address, port, name.lower()), server)
            if other.name != server.name:
                what = f"answers for {name} on port {port}, as {other.where} ({other.name}) does"
                yield server.problem("", what, "Give them different server_names or ports.")


RELATIONS: tuple[Callable[[NginxSettings], Iterator[Problem]], ...] = (
    _names,
    _upstreams,
    _backends_out,
    _unknown,
    _servers,
    _same_names,
    _same_port,
    _others_ports,
    _packages,
    _streams,
)
