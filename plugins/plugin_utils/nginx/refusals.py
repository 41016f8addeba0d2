# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nginx role refuses of more than one of its variables, each problem one sentence with variable, value and fix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import is_network
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.naming import NAME

NETWORKS = ("allow", "deny", "trusted_proxies")


def naming(variable: str, plural: str, entries: Iterable[Mapping[str, Any]], example: str) -> Iterator[str]:
    """Names that cannot be those of files and of what is in them, and names that stand twice."""
    known: set[str] = set()
    for entry in entries:
        name = str(entry.get("name", ""))
        if not NAME.match(name):
            yield f"{variable}: name {name!r} is not made of letters, digits, '_', '-' and '.'. Rename it, e.g. {example}."
        if name in known:
            yield f"{variable}: two {plural} are called {name}. Give each a name of its own."
        known.add(name)


def networks(where: str, entry: Mapping[str, Any]) -> Iterator[str]:
    for kind in NETWORKS:
        for network in entry.get(kind) or []:
            if not is_network(network):
                yield f"{where} has in {kind} {network!r}, which is neither an address nor a network."


def unknown_upstream(where: str, upstream: str, known: Collection[str]) -> Iterator[str]:
    if upstream not in known:
        yield (
            f"{where} proxies to the upstream {upstream!r}, which nginx_upstreams lacks; it has {', '.join(known) or 'none'}."
        )
