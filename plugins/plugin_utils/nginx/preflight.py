# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the nginx role's input: each problem one sentence with host, variable, value and fix.

Pure functions of the role's variables and of gathered facts; they run on the control node only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import is_address, is_network
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import refusals as nginx_refusals
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import server as nginx_server
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import stream as nginx_stream
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import stream_preflight as nginx_stream_preflight
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import tree as nginx_tree
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.certificates import FILES, certificate_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.types import typed
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.platform import platform_problems

# Addresses, names with a wildcard, and regular expressions, which nginx knows by their tilde.
SERVER_NAME = re.compile(r"(~[^\x00-\x1f\x7f]+|[A-Za-z0-9_.:*\[\]-]+)\Z")
# Ways to choose a server that nginx refuses backups with.
NO_BACKUP = ("ip_hash", "hash", "random_two")
# What nginx takes for a server's options.
BOUNDS = {
    "port": (1, 65535),
    "weight": (1, 65535),
    "max_fails": (0, 65535),
    "fail_timeout": (1, 86400),
    "max_conns": (0, 65535),
}
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
LINES = re.compile(r"[\x00-\x1f\x7f]")
# Less than a token (RFC 9110, 5.6.2), for some of its characters are syntax to nginx.
HEADER = re.compile(r"[A-Za-z0-9_-]+\Z")
SIZE = re.compile(r"[0-9]+[kKmMgG]?\Z")
CACHE_SIZE = re.compile(r"[0-9]*[1-9][0-9]*[kKmMgG]?\Z")
# A password as crypt(3) or RFC 2307 has it.
HASH = re.compile(r"(\$[0-9a-z]+\$[!-~]+|\{S?SHA\}[!-~]+)\Z")
# nginx takes no more than 1,024.
PROCESSES = re.compile(r"(auto|[1-9][0-9]{0,2})\Z")
MOST_CONNECTIONS = 1 << 20
VERSION = re.compile(r"[0-9*][A-Za-z0-9.+~:*-]*\Z")
URL = re.compile(r"(https?|file)://[!#$%&'()*+,./:;=?@A-Z\[\]_a-z~0-9-]*[^/\s]\Z")
FINGERPRINT = re.compile(r"[0-9A-Fa-f]{40}\Z")
# Packages that nginx.org's nginx does not have, and cannot be beside.
DISTRIBUTIONS = ("nginx-common", "nginx-core", "nginx-filesystem")
# Less is no secret.
SECRET_LENGTH = 32
# A session lasts for a day: hourly rotations need no more.
MOST_FORMER_KEYS = 24
# As nginx_info names it.
HTTP3_MODULE = "http_v3"
# What a location can do with a request; one of them.
ANSWERS = ("upstream", "root", "redirect", "status")
# What nginx does not come to where it answers at once.
UNHEEDED = ("allow", "deny", "basic_auth", "requests_per_second", "connections")
# Free text, each one word of nginx's.
TEXTS = ("redirect", "root", "path")


def nginx_problems(settings: Mapping[str, Any], facts: Mapping[str, Any], host: str) -> list[str]:
    """settings: the nginx role's variables without their prefix; facts: the host's own."""
    settings = typed(settings)
    found = [
        *map(str, platform_problems(facts)),
        *_upstreams(settings),
        *_servers(settings),
        *_host_wide(settings),
        *nginx_stream_preflight.problems(settings),
    ]
    return [f"{host}: {text}" for text in found]


def _upstreams(settings: Mapping[str, Any]) -> Iterator[str]:
    yield from nginx_refusals.naming("nginx_upstreams", "upstreams", settings["upstreams"], "web")
    for upstream in settings["upstreams"]:
        name = str(upstream.get("name", ""))
        if not upstream.get("servers"):
            yield (
                f"nginx_upstreams: {name} has no servers. List them as [{{address: 172.16.2.20, port: 9091}}], "
                "or put hosts into the group that they come from."
            )
        yield from _upstream_servers(name, upstream)
        yield from nginx_stream_preflight.upstream_problems(name, upstream)
    yield from _backends_out(settings)


def _upstream_servers(name: str, upstream: Mapping[str, Any]) -> Iterator[str]:
    balance, servers = str(upstream.get("balance") or "round_robin"), upstream.get("servers") or []
    known: set[tuple[str, int]] = set()
    for server in servers:
        address, port = str(server.get("address", "")), int(server.get("port") or 80)
        if not re.match(r"[A-Za-z0-9_.:-]+\Z", address):
            yield f"nginx_upstreams: {name} has the server address {server.get('address')!r}. It is an IP address or a host name."
        if (address, port) in known:
            yield f"nginx_upstreams: {name} has {address}:{port} twice. Give one a higher weight instead."
        known.add((address, port))
        if server.get("backup") and balance in NO_BACKUP:
            yield f"nginx_upstreams: {name} has the backup {address}, which {balance} does not know. Use round_robin or least_conn."
        for option, (least, most) in BOUNDS.items():
            value = server.get(option)
            if value is not None and not least <= int(value) <= most:
                yield f"nginx_upstreams: {name} has a server with {option} {value}. It is {least} to {most}."
    if servers and all(server.get("down") or server.get("backup") for server in servers):
        yield f"nginx_upstreams: {name} has only servers that are down or backups. Let one of them take requests."


def _backends_out(settings: Mapping[str, Any]) -> Iterator[str]:
    out = {str(name) for name in settings.get("backends_out") or ()}
    unknown = set(out)
    lasting = {str(name) for name in settings.get("backends_lasting") or ()}
    for name in settings.get("backends_put_back") or ():
        if str(name) in lasting:
            yield f"nginx_backends_put_back names {name}, which nginx_backends_out in the inventory takes out. Remove it there."
    for upstream in settings["upstreams"]:
        servers = upstream.get("servers") or []
        away = [server for server in servers if nginx_tree.is_out(server, out)]
        unknown -= {str(server.get(key)) for server in away for key in ("name", "address")}
        if away and all(server in away or server.get("down") for server in servers):
            yield (
                f"nginx_backends_out ({', '.join(sorted(out))}) leaves the upstream {upstream.get('name')} without a server. "
                "Leave one of its servers in."
            )
    for name in sorted(unknown):
        yield f"nginx_backends_out names {name!r}, which is no server's name or address in nginx_upstreams. Correct or remove it."


def _servers(settings: Mapping[str, Any]) -> Iterator[str]:
    upstreams = {str(upstream.get("name")): nginx_stream.protocol_of(upstream) for upstream in settings["upstreams"]}
    yield from nginx_refusals.naming("nginx_servers", "servers", settings["servers"], "default")
    for server in settings["servers"]:
        name = str(server.get("name", ""))
        for place in [server, *(server.get("locations") or [])]:
            if place.get("upstream"):
                yield from nginx_refusals.unknown_upstream(f"nginx_servers: {name}", str(place["upstream"]), upstreams)
            if upstreams.get(str(place.get("upstream"))) in nginx_stream.PROTOCOLS:
                yield (
                    f"nginx_servers: {name} proxies to the upstream {place['upstream']}, which speaks "
                    f"{upstreams[str(place['upstream'])]}. Name it in nginx_streams instead, and here another or no server."
                )
            yield from _place(name, place, settings)
        if not any(server.get(answer) for answer in ("upstream", "redirect", "locations")):
            yield f"nginx_servers: {name} answers nothing. Give it an upstream, locations or a redirect."
        if server.get("redirect") and (server.get("upstream") or server.get("locations")):
            yield f"nginx_servers: {name} redirects every request, so its upstream and locations answer none. Remove one of them."
        yield from _locations(name, server)
        yield from _tls(name, server, settings)
        yield from _http3(name, server, settings)
        yield from _pages(name, server)
        for address in server.get("vips") or []:
            if not is_address(address):
                yield f"nginx_servers: {name} has in vips {address!r}, which is no address. It listens on addresses, such as 192.168.200.200."
        for port in nginx_server.ports_of(server):
            if not 1 <= port <= 65535:
                yield f"nginx_servers: {name} listens on port {port}. It is 1 to 65535."
        for server_name in map(str, server.get("server_names") or []):
            if not SERVER_NAME.match(server_name):
                yield f"nginx_servers: {name} has the server name {server_name!r}. It is an address, a host name or a pattern."
    yield from _same_names(settings)
    yield from _ports(settings)


def _tls(name: str, server: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    tls = server.get("tls") or {}
    if not tls:
        return
    for problem in certificate_problems(tls):
        yield f"nginx_servers: {name}'s tls {problem}"
    for kind in FILES:
        if LINES.search(str(tls.get(kind) or "")):
            yield f"nginx_servers: {name}'s tls has the {kind} {tls[kind]!r}, which holds a control character. Remove it."
    if tls.get("stapling") and not (settings.get("resolvers") or tls.get("self_signed")):
        yield f"nginx_servers: {name}'s tls has stapling, for which nginx looks up its authority. Set nginx_resolvers."


def _http3(name: str, server: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    if not server.get("http3"):
        return
    if not nginx_server.is_tls(server):
        yield f"nginx_servers: {name} has http3, which is always encrypted. Give it tls."
    if server.get("proxy_protocol"):
        yield f"nginx_servers: {name} has http3 and proxy_protocol, which nginx does not speak over UDP. Remove one of them."
    if settings.get("installed") and HTTP3_MODULE not in (settings.get("modules_here") or []):
        yield (
            f"nginx_servers: {name} has http3, which the nginx {settings.get('version') or 'of an unknown version'} of this host is not "
            "built with (--with-http_v3_module, 1.25 and later; Debian 13's and nginx.org's are). Install such a one, or remove http3."
        )
    wanted = set(nginx_server.ports_of(server))
    for stream in settings.get("streams") or []:
        if nginx_stream.transport(stream, settings["upstreams"]) == "udp":
            for port in sorted(wanted.intersection(nginx_stream.ports_of(stream))):
                yield (
                    f"nginx_servers: {name} has http3 on UDP port {port}, which the stream {stream.get('name')} listens on. "
                    "Give one of the two another port."
                )


def _pages(name: str, server: Mapping[str, Any]) -> Iterator[str]:
    known: set[int] = set()
    for page in server.get("error_pages") or []:
        for status in map(int, page["statuses"]):
            if not 300 <= status <= 599:
                yield f"nginx_servers: {name} has an error page for {status}. It is for 300 to 599."
            if status in known:
                yield f"nginx_servers: {name} has two error pages for {status}. Remove one of them."
            known.add(status)
        if not page["statuses"] or not str(page["html"]).strip():
            yield f"nginx_servers: {name} has an error page that is empty, or for no status. Give it statuses and html."
    for network in (server.get("maintenance") or {}).get("visitors") or []:
        if not is_network(network):
            yield f"nginx_servers: {name} has in maintenance's visitors {network!r}, which is neither an address nor a network."


def _locations(name: str, server: Mapping[str, Any]) -> Iterator[str]:
    known: set[tuple[str, str]] = {("prefix", "/")} if server.get("upstream") else set()
    for location in server.get("locations") or []:
        path, match = str(location.get("path", "")), str(location.get("match") or "prefix")
        kind = "prefix" if match == "prefix_first" else match
        if not match.startswith("regex") and not path.startswith("/"):
            yield f"nginx_servers: {name} has the location {path!r}. It begins with '/', or has a match by regular expression."
        if (kind, path) in known:
            yield f"nginx_servers: {name} has two locations {path}. Make one of them."
        known.add((kind, path))
        answers = [answer for answer in ANSWERS if location.get(answer)]
        if len(answers) != 1:
            given = " and ".join(answers) or "none of them"
            yield f"nginx_servers: {name}'s location {path} has {given}. Give it one of {', '.join(ANSWERS)}."
        if location.get("strip_prefix") and (match.startswith("regex") or not location.get("upstream")):
            yield f"nginx_servers: {name}'s location {path} cannot have strip_prefix. It is for prefixes that go to an upstream."
        elif location.get("strip_prefix") and match != "exact" and not path.endswith("/"):
            yield (
                f"nginx_servers: {name}'s location {path} has strip_prefix, which would make {path}/a to //a and {path}a to /a. "
                "Let its path end in '/'."
            )
        if location.get("status") and not 100 <= int(location["status"]) <= 599:
            yield f"nginx_servers: {name}'s location {path} answers the status {location['status']}. It is 100 to 599."


def _place(name: str, place: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    """What servers and locations have in common."""
    where = f"{name}'s location {place['path']}" if "path" in place else name
    for kind in TEXTS:
        if LINES.search(str(place.get(kind) or "")):
            yield f"nginx_servers: {where} has the {kind} {place[kind]!r}, which holds a control character. Remove it."
    if CONTROL.search(str(place.get("text") or "")):
        yield f"nginx_servers: {where} has the text {place['text']!r}, which holds a control character. Remove it."
    for kind in ("request_headers", "response_headers"):
        for header, value in (place.get(kind) or {}).items():
            if not HEADER.match(str(header)) or LINES.search(str(value)):
                yield (
                    f"nginx_servers: {where} has in {kind} {header!r}: {value!r}, which is no header. Its name is a word of "
                    "letters, digits and '-', its value one line."
                )
    yield from nginx_refusals.networks(f"nginx_servers: {where}", place)
    at_once = next((answer for answer in ("redirect", "status") if place.get(answer)), None)
    unheeded = [kind for kind in UNHEEDED if place.get(kind)]
    if at_once and unheeded:
        yield (
            f"nginx_servers: {where} has {' and '.join(unheeded)}, which nginx does not heed where it answers at once ({at_once}). "
            f"Remove {'it' if len(unheeded) == 1 else 'them'}, or answer with files (root) or an upstream."
        )
    if place.get("body_size") and not SIZE.match(str(place["body_size"])):
        yield f"nginx_servers: {where} has the body_size {place['body_size']!r}. It is a number of bytes, such as 10m."
    for kind in ("requests_per_second", "requests_burst", "connections", "cache_seconds", *nginx_server.TIMES):
        if float(place.get(kind) or 0) < 0:
            yield f"nginx_servers: {where} has {kind} {place[kind]}. It is above 0."
    users = [str(each.get("name")) for each in settings.get("users") or []]
    if place.get("basic_auth") and str(place["basic_auth"]) not in users:
        yield (
            f"nginx_servers: {where} has the basic_auth {place['basic_auth']!r}, which nginx_users lacks; "
            f"it has {', '.join(users) or 'none'}."
        )


def _host_wide(settings: Mapping[str, Any]) -> Iterator[str]:
    """What is no server's and no upstream's own."""
    if settings.get("install_method") == "none" and not settings.get("installed"):
        yield "nginx_install_method is none, and there is no nginx on this host. Install one, or set it to package."
    yield from _packages(settings)
    yield from nginx_refusals.naming("nginx_users", "lists", settings.get("users") or [], "staff")
    for users in settings.get("users") or []:
        yield from _members(str(users.get("name", "")), users)
    for number, secret in enumerate(settings.get("ticket_secrets") or [], 1):
        if len(str(secret)) < SECRET_LENGTH:
            yield (
                f"nginx_session_ticket_secrets: number {number} has {len(str(secret))} characters. "
                f"It has {SECRET_LENGTH} or more; openssl rand -hex 32 makes one."
            )
    if settings.get("session_ticket_rotate") and not settings.get("ticket_secrets"):
        yield (
            "nginx_session_ticket_secrets is empty, so each host has a key of its own and there is none to rotate. "
            "Set a secret that all share; openssl rand -hex 32 makes one."
        )
    if not 0 <= int(settings.get("session_ticket_former") or 0) <= MOST_FORMER_KEYS:
        yield f"nginx_session_ticket_former is {settings['session_ticket_former']}. It is 0 to {MOST_FORMER_KEYS}."
    for resolver in settings.get("resolvers") or []:
        if not is_address(resolver):
            yield f"nginx_resolvers has {resolver!r}, which is no address. It lists addresses of DNS servers, IPv6 ones too."
    if not CACHE_SIZE.match(str(settings.get("cache_size", "1g"))):
        yield f"nginx_cache_size is {settings['cache_size']!r}. It is a number of bytes, such as 500m or 10g."
    if not PROCESSES.match(str(settings.get("worker_processes", "auto"))):
        yield f"nginx_worker_processes is {settings['worker_processes']!r}. It is auto, one for each core, or a number from 1 to 999."
    connections = settings.get("worker_connections", MOST_CONNECTIONS)
    if not (str(connections).isdecimal() and 16 <= int(connections) <= MOST_CONNECTIONS):
        yield f"nginx_worker_connections is {connections!r}. It is a number from 16 to {MOST_CONNECTIONS}."


def _packages(settings: Mapping[str, Any]) -> Iterator[str]:
    method, version = settings.get("install_method"), str(settings.get("wanted_version") or "")
    others = [name for name in DISTRIBUTIONS if name in (settings.get("packages") or {})]
    if method == "nginx_org" and others:
        yield (
            f"nginx_install_method is nginx_org, and this host has the distribution's nginx ({others[0]}). Set it to package, or remove "
            "that nginx first: uninstall.yml does where this collection has installed it."
        )
    url = str(settings.get("repository_url") or "")
    if method == "nginx_org" and not URL.match(url):
        yield f"nginx_repository_url is {url!r}. It is an address such as https://nginx.org/packages, without a slash at its end."
    for each in settings.get("repository_fingerprints") or [] if method == "nginx_org" else []:
        if not FINGERPRINT.match(re.sub(r"\s", "", str(each))):
            yield f"nginx_repository_fingerprints has {each!r}. A fingerprint has 40 hexadecimal digits."
    if version and not VERSION.match(version):
        yield f"nginx_version is {version!r}. It is a package's version, such as 1.22.1-9, with '*' for any text, or empty."
    if version and method == "none":
        yield "nginx_version is set, and nginx_install_method is none, which installs nothing. Remove one of them."


def _members(name: str, users: Mapping[str, Any]) -> Iterator[str]:
    known: set[str] = set()
    for member in users.get("members") or []:
        user = str(member.get("name", ""))
        if not user or ":" in user or LINES.search(user) or user.startswith("#"):
            yield f"nginx_users: {name} has the user {user!r}. A name is one line without a colon, and does not begin with '#'."
        if user in known:
            yield f"nginx_users: {name} has {user} twice. Remove one of them."
        known.add(user)
        if not HASH.match(str(member.get("hash", ""))):
            yield f"nginx_users: {name}'s {user} has a hash that is none. Give it as 'openssl passwd -6' prints it."
    if not users.get("members"):
        yield f"nginx_users: {name} has no members, so nobody could ask. Name one, or remove the list."


def _ports(settings: Mapping[str, Any]) -> Iterator[str]:
    """What servers that share a port have to agree on, and what others have."""
    first: dict[int, tuple[str, bool, bool, bool, bool]] = {}
    for server in settings["servers"]:
        name = str(server.get("name", ""))
        tls = nginx_server.is_tls(server)
        # Before 1.25.1 nginx has HTTP/2 for all of a port, whichever server asks for it.
        kind = (
            tls,
            tls and bool(server.get("http2", True)),
            bool(server.get("http3")),
            bool(server.get("proxy_protocol")),
        )
        for port in nginx_server.ports_of(server):
            other, *others = first.setdefault(port, (name, *kind))
            if tuple(others) != kind:
                yield (
                    f"nginx_servers: {other} and {name} share port {port}, but not tls, http2, http3 or proxy_protocol. "
                    "All of a port have the same; give one of the two another port."
                )
    wanted = {port: f"nginx_servers: {first[port][0]} listens on port {port}" for port in first}
    for stream in settings.get("streams") or []:
        if nginx_stream.transport(stream, settings["upstreams"]) == "tcp":
            for port in nginx_stream.ports_of(stream):
                wanted.setdefault(port, f"nginx_streams: {stream.get('name')} listens on port {port}")
    if settings.get("health_port"):
        wanted.setdefault(int(settings["health_port"]), f"nginx_health_port is {settings['health_port']}")
    for listener in settings.get("listeners") or []:
        if listener["port"] in wanted and listener["process"] != "nginx":
            other = listener["process"] or "another program"
            yield (
                f"{wanted[listener['port']]}, which {other} has on this host ({listener['address']}). "
                "Stop that, or choose another port."
            )


def _same_names(settings: Mapping[str, Any]) -> Iterator[str]:
    """nginx would ignore the second with a warning."""
    first: dict[tuple[str, int, str], str] = {}
    for server in settings["servers"]:
        name = str(server.get("name", ""))
        places = (
            nginx_server.addresses_of(server),
            nginx_server.ports_of(server),
            nginx_server.names_of(server, settings),
        )
        for address, port, server_name in product(*places):
            other = first.setdefault((address, port, server_name.lower()), name)
            if other != name:
                yield (
                    f"nginx_servers: {other} and {name} both answer for {server_name} on port {port}. "
                    "Give them different server_names or ports."
                )
