# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What load balancers keep across runs: made certificates, the generation of ticket keys, and servers that are out of service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import self_signed as nginx_self_signed
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import tickets as nginx_tickets
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read


@dataclass(frozen=True)
class Kept:
    """What one host has. names: those that each certificate is for; contents: of its files; given: pairs that an earlier batch has got."""

    names: Mapping[str, Sequence[str]]
    contents: Mapping[str, str]
    given: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, host: Mapping[str, Any]) -> Kept | None:
        """None of a host that was not reached."""
        files = host.get("nginx_kept_files") or {}
        if "contents" not in files:
            return None
        return cls(
            host.get("nginx_self_signed") or {},
            files["contents"],
            (host.get("nginx_kept") or {}).get("self_signed") or {},
        )

    def pair(self, name: str) -> dict[str, str]:
        endings = {"certificate": "crt", "key": "key"}
        return {part: str(self.contents.get(f"{name}.{ending}") or "") for part, ending in endings.items()}


def nginx_kept(hosts: Iterable[Mapping[str, Any]], rotate: bool = False) -> dict[str, Any]:
    asked = [kept for kept in map(Kept.of, hosts) if kept]
    wanted: dict[str, list[str]] = {}
    for host in asked:
        for name, own in host.names.items():
            wanted[name] = list(dict.fromkeys([*wanted.get(name, []), *own]))
    return {
        "generation": nginx_tickets.generation([host.contents.get("generation") for host in asked], rotate),
        "self_signed": {name: nginx_self_signed.kept_or_made(own, _pairs(asked, name)) for name, own in wanted.items()},
    }


def _pairs(hosts: Sequence[Kept], name: str) -> Iterator[Mapping[str, str]]:
    yield from (host.given.get(name, {}) for host in hosts)
    yield from (host.pair(name) for host in hosts)


@dataclass(frozen=True)
class Found:
    """Of what host_info says of nginx what matters here."""

    backends_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Looked:
    nginx_found: Found = Found()


@dataclass(frozen=True)
class Backend:
    name: str = ""
    address: str = ""


@dataclass(frozen=True)
class Backends:
    """An upstream, as far as it matters here."""

    servers: tuple[Backend, ...] = ()


def nginx_backends_out(
    hosts: Iterable[object], upstreams: Iterable[object], take_out: Sequence[str] = (), put_back: Sequence[str] = ()
) -> list[str]:
    remembered = {name for host in hosts for name in read(Looked, host).nginx_found.backends_out}
    servers = [server for upstream in upstreams for server in read(Backends, upstream).servers]
    known = {name for server in servers for name in (server.name, server.address)}
    return sorted((remembered & known | set(map(str, take_out))) - set(map(str, put_back)))
