# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses and ports nginx's servers and streams listen on, and what answers where they listen on VIPs only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import bracketed
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.server import Server
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import NginxSettings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.stream import Stream
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.words import quoted

# From here on HTTP/2 has a directive of its own.
HTTP2_DIRECTIVE = (1, 25, 1)


def http2_directive(entry: Server, settings: NginxSettings) -> bool:
    return entry.tls is not None and entry.http2 and settings.present.written_for >= HTTP2_DIRECTIVE


def of_server(entry: Server, settings: NginxSettings) -> Iterator[str]:
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


def of_stream(entry: Stream, settings: NginxSettings) -> Iterator[str]:
    # A socket for each worker: on a shared one the datagrams of one client would come to many, each with a session of its own.
    options = " udp reuseport" if settings.transport(entry) == "udp" else ""
    options += (" ssl" if entry.tls else "") + (" proxy_protocol" if entry.proxy_protocol else "")
    for port in entry.listen:
        yield from (f"{place}{port}{options}" for place in _wildcards(settings))


def default_servers(settings: NginxSettings) -> list[dict[str, Any]]:
    """For ports on which servers listen on VIPs only, what answers nobody on all other addresses, each with listen and tls.

    nginx binds an address of its own only where no server takes all addresses; where one does, VIPs that are on another host now are no
    trouble.
    """
    everywhere = {port for entry in settings.servers for port in entry.ports if not entry.vips}
    found: dict[int, dict[str, Any]] = {}
    for entry in settings.servers:
        for port in entry.ports:
            if port not in everywhere and port not in found:
                own = (" ssl" if entry.tls else "") + _queues(settings)
                options = (own, *([_quic(True)] if entry.http3 else []))
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
