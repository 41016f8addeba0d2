# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nginx role's variables, read once, and what a host says of its own nginx."""

# fmt: off
# Tables: a row for each variable.
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..settings.fact import read
from ..settings.problem import Problem
from ..text import as_numbers
from . import kinds
from .location import Location
from .server import Server
from .stream import Stream
from .table import UNKNOWN, Entry, entry, named, option
from .upstream import Upstream

# nginx's own part of a package's version, which may have an epoch in front of it, and a revision behind.
VERSION = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)*)")
# From here on an upstream can look up its servers' names again (in nginx without Plus).
RESOLVE = (1, 27, 3)
# Variables whose names, without the prefix, mean something else of a host, or are shorter there.
KEYS = {"version": "wanted_version", "session_ticket_secrets": "ticket_secrets"}


@dataclass(frozen=True)
class Listener:
    """What listens on a TCP port of a host; process is empty where it is not known."""

    address: str = ""
    port: int = 0
    process: str = ""


@dataclass(frozen=True)
class Kept:
    """What the host made its own: the generation of ticket keys, and certificates with their keys, by name."""

    generation: int = 0
    self_signed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Present:
    """What is on a host now, by the names that the role has for it.

    version: of its nginx, empty where none is known; coming_version: of the package that takes its place;
    backends_kept: what it remembers as out of service; backends_lasting: what the inventory says of that; backends_out: both.
    """

    installed: bool = False
    version: str = ""
    coming_version: str = ""
    modules_here: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    listeners: tuple[Listener, ...] = ()
    group: str = ""
    ipv6: bool = False
    kept: Kept = Kept()
    backends_out: frozenset[str] = frozenset()
    backends_lasting: frozenset[str] = frozenset()
    backends_kept: tuple[str, ...] = ()

    @property
    def written_for(self) -> tuple[int, ...]:
        """The version that the configuration is written for: around an upgrade or a downgrade both versions have to take it."""
        known = [VERSION.match(text) for text in (self.version, self.coming_version) if text]
        return min((as_numbers(each[1]) for each in known if each), default=UNKNOWN)


@dataclass(frozen=True)
class Member(Entry):
    name: str = option(kinds.USER, "Name of the user, without a colon.", "alice", required=True)
    hash: str = option(
        kinds.HASH, "The password as C(openssl passwd -6) or P(ansible.builtin.password_hash#filter) makes it. It is never shown.", "$6$salt$hash",
        required=True, secret=True,
    )


@dataclass(frozen=True)
class Users(Entry):
    name: str = option(kinds.NAME, "Name of the list, of letters, digits, C(_), C(-) and C(.).", "staff", required=True)
    members: tuple[Member, ...] = entry(Member, "Who is on it.", many=True, required=True)


@dataclass(frozen=True)
class NginxSettings(Entry):
    upstreams: tuple[Upstream, ...] = entry(Upstream, "Groups of servers to proxy to.", many=True, required=True, empty=True)
    backends_out: tuple[str, ...] = option(
        kinds.MAYBE,
        "Servers that get no requests, in no upstream, by their names or addresses, for as long as this says so. What they are answering "
        "they finish.",
        ["web1"], many=True, default=(),
    )
    backends_take_out: tuple[str, ...] = option(
        kinds.MAYBE,
        "Servers that this run takes out of service, by their names or addresses. The load balancers remember them, and later runs leave it so. "
        "C(backend.yml) sets it for one run.", ["web1"], many=True, default=(),
    )
    backends_put_back: tuple[str, ...] = option(
        kinds.MAYBE, "Servers that this run puts back into service. C(backend.yml) sets it for one run.", ["web1"], many=True, default=(),
    )
    servers: tuple[Server, ...] = entry(
        Server, "What nginx listens on.", many=True, shown=[{"name": "default", "listen": 80, "upstream": "the first upstream's name"}],
    )
    streams: tuple[Stream, ...] = entry(
        Stream,
        "TCP and UDP that is proxied as it comes, for databases and the like. A reload leaves open TCP connections with their workers until "
        "they end, and begins new sessions of UDP. What runs through a VIP breaks off when the VIP moves.", many=True, default=(),
    )
    install_method: str = option(
        kinds.chosen("package", "nginx_org", "none"),
        "V(package) is the distribution's; V(nginx_org) is the package of nginx.org, from its repository or a mirror of that; V(none) takes the "
        "nginx and the modules that the host has, and only configures it.", "nginx_org", default="package",
    )
    version: str = option(
        kinds.PACKAGE_VERSION,
        "The package's version, with V(*) for any text, such as V(1.22.1*) or V(1.28.*); the newest of those is taken. nginx goes there, up or "
        "down, as with any other change, and stays there, with C(upgrade.yml) too. Empty is any version.", "1.22.1-9", default="",
    )
    repository_url: str = option(
        kinds.URL, "Where V(nginx_org) finds C(debian), C(ubuntu), C(centos) and C(mainline), without a slash at the end.", "https://mirror.example.com/nginx",
        default="https://nginx.org/packages",
    )
    repository_channel: str = option(kinds.chosen("stable", "mainline"), "Which of nginx's branches V(nginx_org) takes.", "mainline", default="stable")
    repository_key_urls: tuple[str, ...] = option(
        kinds.URL, "Where the keys are that V(nginx_org)'s packages are signed with; the next one is asked where one has none of them.",
        ["https://nginx.org/keys/nginx_signing.key"], many=True, default=("https://nginx.org/keys/nginx_signing.key",),
    )
    repository_fingerprints: tuple[str, ...] = option(
        kinds.FINGERPRINT, "Fingerprints of the keys that are trusted for V(nginx_org)'s packages, of 40 hexadecimal digits each; no other is.",
        ["573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62"], many=True,
        default=("573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62", "8540A6F18833A80E9C1653A42FD21310B49F6B46", "9E9BE90EACBCDE69FE9B204CBCDCD8A38D88A2B3"),
    )
    modules: tuple[str, ...] = option(
        kinds.MODULE,
        "Dynamic modules of nginx to install packages of, by names such as C(stream), C(stream_geoip2) or C(http_image_filter). Those that nginx "
        "has are left as they are. With C(http_brotli_filter) text is compressed by brotli, too. By default C(stream) where there are "
        "O(nginx_streams), else none.", ["stream"], many=True,
    )
    users: tuple[Users, ...] = entry(Users, "Lists of users, for C(basic_auth).", many=True, default=())
    session_ticket_secrets: tuple[str, ...] = option(
        kinds.SECRET,
        "Secrets of 32 characters or more that all load balancers share, so that clients go on with their TLS sessions after a failover. The "
        "first is used, the others are still accepted. C(rotate_tickets.yml) makes the next keys of them; to replace a secret itself, put a new "
        "one in front and drop the last. Without any, each host has keys of its own.", None, many=True, default=(), secret=True,
    )
    session_ticket_former: int = option(
        kinds.INT,
        "How many former keys of each secret are still accepted after C(rotate_tickets.yml). A session lasts for a day, so with 2 it "
        "survives rotations every 12 hours.",
        1, default=2, low=0, high=24,
    )
    session_ticket_rotate: bool = option(
        kinds.FLAG, "Lets all load balancers go over to the next keys. C(rotate_tickets.yml) sets it for one run.", True, default=False,
        needs="session_ticket_secrets",
    )
    resolvers: tuple[str, ...] = option(
        kinds.ADDRESS,
        "Addresses of DNS servers. With them, names of upstreams' servers are looked up again while nginx runs (nginx 1.27.3 and later); "
        "without, when nginx is reloaded.", ["10.0.0.53"], many=True, default=(),
    )
    reuseport: bool = option(kinds.FLAG, "Gives each worker a queue of its own for new connections.", False, default=True)
    cache_size: str = option(kinds.CACHE_SIZE, "Largest size of what C(cache_seconds) keeps, on disk.", "10g", default="1g")
    compression: bool = option(kinds.FLAG, "Compresses text of 1 kB and more for clients that accept it (gzip).", False, default=True)
    access_log: str = option(
        kinds.chosen("json", "combined", "off"), "Format of C(/var/log/nginx/access.log), a line for each request; V(off) writes none.", "combined",
        default="json",
    )
    vips: tuple[str, ...] = option(
        kinds.HOST, "Addresses for the C(server_name) of servers that name none. C(site.yml) hands over the VIPs.", ["192.168.200.200"], many=True,
        default=(),
    )
    package_state: str = option(
        kinds.chosen("present", "latest"), "V(latest) upgrades an installed nginx to the newest package. C(upgrade.yml) sets it for one run.",
        "latest", default="present",
    )
    patience: int = option(
        kinds.INT, "Seconds to wait after a change until nginx answers with it, before the change is taken back.", 60, default=20, low=1, high=3600,
    )
    upstream_keepalive: int = option(kinds.INT, "Idle connections that each worker keeps open to each upstream.", 16, default=32, low=0, high=65535)
    health_address: str = option(kinds.LOOPBACK, "Loopback address of the health endpoint C(/healthz), one of 127.0.0.0/8.", "127.0.0.2", default="127.0.0.1")
    health_port: int = option(kinds.INT, "Port of the health endpoint.", 8090, default=8081, low=1, high=65535)
    worker_processes: str = option(kinds.PROCESSES, "Worker processes; V(auto) is one for each core.", "4", default="auto")
    worker_connections: int | None = option(
        kinds.INT,
        "Connections of each worker, those to upstreams included; each may open twice as many files. By default a quarter of the memory at 32 kB "
        "a connection, 1024 to 16384.", 4096, low=16, high=1 << 20,
    )

    present: Present = field(default_factory=Present, kw_only=True)
    problems: tuple[Problem, ...] = field(default=(), kw_only=True, compare=False)

    @classmethod
    def of(cls, given: Mapping[str, object]) -> NginxSettings:
        """given: the role's variables without their prefix, and what its steps found on a host; problems are those of single values."""
        found: list[Problem] = []
        known = cls.read({name: given.get(KEYS.get(name, name)) for name in named(cls)}, "", found)
        return replace(known, present=read(Present, given), problems=tuple(found))

    @property
    def resolves(self) -> bool:
        """Whether names of upstreams' servers are looked up again while nginx runs."""
        return bool(self.resolvers) and self.present.written_for >= RESOLVE

    @property
    def places(self) -> tuple[Server | Location, ...]:
        """All servers, each with its locations."""
        return tuple(place for server in self.servers for place in (server, *server.locations))

    @property
    def backends(self) -> set[str]:
        """The names and addresses of all servers of upstreams."""
        return {name for upstream in self.upstreams for server in upstream.servers for name in server.names}

    @cached_property
    def protocols(self) -> dict[str, str]:
        """By the names of upstreams, what their servers speak."""
        return {each.name: each.protocol for each in self.upstreams}

    def protocol(self, upstream: str | None) -> str:
        return self.protocols.get(upstream, "http") if upstream else ""

    def transport(self, stream: Stream) -> str:
        """tcp, or udp as its upstream has it; by the name of a client only TCP can go."""
        return "udp" if self.protocol(stream.upstream) == "udp" else "tcp"


def collected(variables: Mapping[str, Any], hosts: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The settings as NginxSettings.of takes them. variables: by their names, with those of Ansible.

    Which backends load balancers remember as out of service is in nginx_backends_kept, or is asked of the variables of hosts.
    """
    own = {KEYS.get(name, name): variables[f"nginx_{name}"] for name in named(NginxSettings)}
    here = variables.get("nginx_found") or {}
    if "nginx_backends_kept" in variables:
        kept = list(variables["nginx_backends_kept"])
    else:
        kept = nginx_backends_out(hosts, own["upstreams"], own["backends_take_out"], own["backends_put_back"])
    return {
        **own,
        "installed": here.get("installed", True),
        "modules_here": here.get("modules", []),
        "packages": here.get("packages", {}),
        "listeners": here.get("listeners", []),
        "version": here.get("version", ""),
        "backends_out": [*own["backends_out"], *kept],
        "backends_lasting": own["backends_out"],
        "backends_kept": kept,
        "group": variables["nginx_user"],
        "kept": variables.get("nginx_kept") or {},
        "coming_version": (variables.get("nginx_upgrade") or {}).get("nginx", ""),
        "ipv6": "ipv6" in (variables["ansible_facts"].get("lo") or {}),
    }


def nginx_backends_out(
    hosts: Iterable[Mapping[str, Any]], upstreams: object, take_out: Sequence[str] = (), put_back: Sequence[str] = ()
) -> list[str]:
    """Servers that are out of service: those that hosts remember and upstreams still have, and those of this run."""
    remembered = {name for host in hosts for name in (host.get("nginx_found") or {}).get("backends_out") or ()}
    known = NginxSettings.of({"upstreams": upstreams}).backends
    return sorted((remembered & known | set(map(str, take_out))) - set(map(str, put_back)))
