# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers: what nginx listens on for HTTP, and what it answers there."""

# fmt: off
# Tables: a row for each option.
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..addresses import bracketed
from . import kinds
from .handling import MOST, YEARS, Handling, headers
from .kinds import quoted
from .location import AT_ONCE, REDIRECTS, Location, redirected
from .table import Entry, Place, entry, inlined, option

HTTP, HTTPS = 80, 443
# Not relative: nginx takes that from where it was built for.
PAGES = "/etc/nginx/nginx_ha/pages"
MAINTENANCE = "<!doctype html><title>Maintenance</title><p>This service is back soon.</p>\n"


@dataclass(frozen=True)
class Certificate(Entry):
    exactly_one = ("certificate", "certificate_file")

    certificate: str | None = option(
        kinds.PEM, "The certificate and those between it and the root, in PEM, as P(ansible.builtin.file#lookup) or a vault gives them.",
        "-----BEGIN CERTIFICATE-----", secret=True, needs="key",
    )
    key: str | None = option(kinds.PEM, "Its private key in PEM. It is never shown.", "-----BEGIN PRIVATE KEY-----", secret=True, needs="certificate")
    certificate_file: str | None = option(
        kinds.PATH, "A certificate that is on the host already, in place of a certificate given here.", "/etc/ssl/www.example.com.crt", needs="key_file",
    )
    key_file: str | None = option(kinds.PATH, "Its key.", "/etc/ssl/www.example.com.key", needs="certificate_file")

    def files(self, ours: str) -> tuple[str, str]:
        """The certificate's and the key's; ours: where those of the tree are, relative to nginx's directory, without their endings."""
        return quoted(self.certificate_file or f"{ours}.crt"), quoted(self.key_file or f"{ours}.key")


@dataclass(frozen=True)
class Tls(Certificate):
    exactly_one = ("certificate", "certificate_file", "self_signed")

    stapling: bool = option(kinds.FLAG, "Hands out what the certificate's authority says of it (OCSP). It needs O(nginx_resolvers).", True, default=False)
    self_signed: bool = option(
        kinds.FLAG,
        "Makes a certificate and its key, for a first run, in place of given ones. It is for O(nginx_servers[].server_names) and the VIPs, the "
        "same on all load balancers, and valid for 800 days; a run in its last 30 days, or after its names have changed, makes another.",
        True, default=False,
        excludes={"stapling": "but nobody answers for such a certificate"},
    )


@dataclass(frozen=True)
class ErrorPage(Entry):
    statuses: tuple[int, ...] = option(kinds.INT, "HTTP statuses.", [502, 504], many=True, required=True, low=300, high=599)
    html: str = option(kinds.PAGE, "The page.", "<!doctype html><p>We are back in a minute.</p>", required=True)


@dataclass(frozen=True)
class Maintenance(Entry):
    active: bool = option(kinds.FLAG, "V(false) serves.", False, default=True)
    visitors: tuple[str, ...] = option(kinds.NETWORK, "Addresses and networks that are served all the same.", ["172.16.2.0/24"], many=True)
    retry_after: int = option(kinds.INT, "Seconds after which clients are told to come back.", 600, default=300, low=1, high=YEARS)


def _trusted(entry: Server, place: Place) -> Iterator[str]:
    yield from (f"set_real_ip_from {quoted(network)}" for network in entry.trusted_proxies)
    if entry.trusted_proxies and not entry.proxy_protocol:
        yield "real_ip_header X-Forwarded-For"
        yield "real_ip_recursive on"


def _stapling(entry: Server, place: Place) -> Iterator[str]:
    # Clients verify it; nginx could only with the authority's root on the host.
    yield from ["ssl_stapling on"] if entry.tls and entry.tls.stapling else []


def _error_pages(entry: Server, place: Place) -> Iterator[str]:
    for number, page in enumerate(entry.pages, 1):
        yield f"error_page {' '.join(map(str, page.statuses))} /.nginx_ha/{entry.page_name(number)}"


@dataclass(frozen=True)
class Server(Entry):
    at_least_one = ("upstream", "locations", "redirect")

    name: str = option(kinds.NAME, "Name of the entry, of letters, digits, C(_), C(-) and C(.).", "www", required=True)
    listen: tuple[int, ...] = option(kinds.INT, "Ports of TCP. By default 80, or 443 with O(nginx_servers[].tls).", [8080], many=True, low=1, high=65535)
    server_names: tuple[str, ...] = option(
        kinds.SERVER_NAME,
        "Names and addresses that it answers for; a name may begin or end with C(*), and C(~) begins a regular expression. By default "
        "O(nginx_vips). The first server of a port answers for all other names.", ["www.example.com"], many=True,
    )
    vips: tuple[str, ...] = option(
        kinds.ADDRESS, "Addresses that it listens on, by default all. A VIP among them may be on another host.", ["192.168.200.200"], many=True,
    )
    upstream: str | None = option(kinds.NAME, "Name of the upstream that it proxies to, in C(http) or what its O(nginx_upstreams[].protocol) says.", "web")
    proxy_protocol: bool = option(
        kinds.FLAG, "A load balancer before this one tells the client's address by the PROXY protocol; O(nginx_servers[].trusted_proxies) says which.",
        True, default=False, renders="real_ip_header proxy_protocol",
    )
    trusted_proxies: tuple[str, ...] = option(
        kinds.NETWORK, "Networks of proxies before this one, whose word on the client's address counts (C(X-Forwarded-For), or the PROXY protocol).",
        ["10.0.0.0/8"], many=True, renders=_trusted,
    )
    tls: Tls | None = entry(Tls, "Makes it HTTPS.", renders=_stapling)
    http2: bool = option(kinds.FLAG, "HTTP/2 beside HTTP/1.1, with O(nginx_servers[].tls).", False, default=True)
    http3: bool = option(
        kinds.FLAG,
        "HTTP/3 beside them, with O(nginx_servers[].tls), on the UDP ports of the same numbers; an C(Alt-Svc) header tells browsers. It needs "
        "an nginx that is built with it (Debian 13's, nginx.org's). Clients repeat what a reload cuts off.",
        True, default=False, since="1.25.0", module="http_v3", needs="tls", excludes={"proxy_protocol": "which nginx does not speak over UDP"},
    )
    hsts: int | None = option(kinds.INT, "Seconds for which browsers are to use HTTPS only (RFC 6797).", 31536000, low=0, high=MOST)
    error_pages: tuple[ErrorPage, ...] = entry(ErrorPage, "What is shown in place of nginx's own pages.", many=True, renders=_error_pages)
    intercept_errors: bool = option(
        kinds.FLAG, "Shows O(nginx_servers[].error_pages) for what upstreams answer, too.", True, default=False,
        renders=("proxy_intercept_errors on", "grpc_intercept_errors on"),
    )
    maintenance: Maintenance | None = entry(Maintenance, "Answers 503 instead of serving.", empty=True)
    handling: Handling = inlined(Handling)
    redirect: str | None = option(
        kinds.LINE, "Where every request is sent, such as V(https://$host$request_uri). Takes the place of an upstream and of locations.",
        "https://$host$request_uri", excludes={**dict.fromkeys(("upstream", "locations"), "and sends every request elsewhere"), **AT_ONCE},
        renders=redirected, beside="redirect",
    )
    redirect_code: int = option(REDIRECTS, "Status of O(nginx_servers[].redirect).", 308, default=301)
    locations: tuple[Location, ...] = entry(Location, "What is special below some paths.", many=True)

    @property
    def ports(self) -> tuple[int, ...]:
        return self.listen or (HTTPS if self.tls else HTTP,)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that it listens on, empty for all of the host's."""
        return self.vips or ("",)

    @property
    def is_maintained(self) -> bool:
        return self.maintenance is not None and self.maintenance.active

    @property
    def is_self_signed(self) -> bool:
        return self.tls is not None and self.tls.self_signed

    @property
    def pages(self) -> tuple[ErrorPage, ...]:
        """Its error pages, and the one that maintenance shows if it has none of its own for that."""
        missing = self.is_maintained and not any(503 in page.statuses for page in self.error_pages)
        return (*self.error_pages, *([ErrorPage(statuses=(503,), html=MAINTENANCE)] if missing else []))

    @property
    def places(self) -> tuple[Location, ...]:
        """Its locations, and the one that its own upstream stands for."""
        return (*self.locations, *([Location(path="/", upstream=self.upstream)] if self.upstream else []))

    @property
    def common_headers(self) -> dict[str, str]:
        return {
            **({"Strict-Transport-Security": f"max-age={self.hsts}"} if self.hsts else {}),
            **({"Alt-Svc": 'h3=":$server_port"; ma=86400'} if self.http3 else {}),
        }

    @property
    def all_headers(self) -> dict[str, str]:
        return {**self.common_headers, **self.handling.response_headers}

    def names(self, vips: Sequence[str]) -> list[str]:
        """vips: those of the cluster, which stand in for names."""
        return [bracketed(name) for name in self.server_names or self.vips or vips or ["_"]]

    def page_name(self, number: int) -> str:
        return f"{self.name}-{number}.html"

    def shown_pages(self) -> Iterator[dict[str, Any]]:
        """Locations of the error pages, which everybody gets who gets the error."""
        for number, page in enumerate(self.pages, 1):
            retry = {"Retry-After": str(self.maintenance.retry_after)} if self.maintenance and self.is_maintained and 503 in page.statuses else {}
            place = Place(inside=True, headers=self.all_headers)
            yield {
                "selector": quoted(f"/.nginx_ha/{self.page_name(number)}"),
                "directives": [
                    "internal",
                    f"alias {quoted(f'{PAGES}/{self.page_name(number)}')}",
                    "allow all",
                    "auth_basic off",
                    *headers(Handling(response_headers=retry), place),
                ],
            }
