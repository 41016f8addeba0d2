# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server and its locations are in nginx's words.

Pure functions of entries of nginx_servers that preflight has accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import bracketed
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.handling import handling, headers, zones
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.headers import of_location, replaces
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.words import quoted, seconds, variable

HTTP, HTTPS = 80, 443
# From here on HTTP/2 has a directive of its own.
HTTP2_DIRECTIVE = (1, 25, 1)
MATCHES = {"prefix": "", "exact": "= ", "prefix_first": "^~ ", "regex": "~ ", "regex_any_case": "~* "}
PASSES = {"http": "proxy_pass", "https": "proxy_pass", "grpc": "grpc_pass", "grpcs": "grpc_pass"}
# Variables in seconds, and what their directives are called behind the word for HTTP or gRPC.
TIMES = ("connect_timeout", "read_timeout", "send_timeout")
CERTIFICATES = "nginx_ha/tls"
# Not relative: nginx takes that from where it was built for.
PAGES = "/etc/nginx/nginx_ha/pages"
MAINTENANCE = {
    "statuses": [503],
    "html": "<!doctype html><title>Maintenance</title><p>This service is back soon.</p>\n",
}

Entry = Mapping[str, Any]


def server(entry: Entry, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What server.conf.j2 shows; what does not apply is empty.

    zones are directives that stand outside of the server, maintenance is the variable that tells whom it keeps out, and visitors are the
    networks that it lets through. Directives are complete but for their semicolon.
    """
    name = str(entry["name"])
    places = list(_places(entry))
    certificate, key = certificate_of(entry)
    maintenance = entry.get("maintenance") or {}
    return {
        "name": name,
        "listen": list(_listen(entry, settings)),
        "server_names": [quoted(each) for each in names_of(entry, settings)],
        "zones": [zone for number, place in enumerate([entry, *places]) for zone in zones(place, f"{name}_{number}")],
        "maintenance": variable("maintenance", name) if is_maintained(entry) else "",
        "visitors": [quoted(network) for network in maintenance.get("visitors") or ()],
        "http2": is_tls(entry) and entry.get("http2", True) and settings["version"] >= HTTP2_DIRECTIVE,
        "certificate": quoted(certificate) if certificate else "",
        "key": quoted(key) if key else "",
        "directives": list(_server_directives(entry, f"{name}_0")),
        "locations": [_location(place, entry, f"{name}_{number}", settings) for number, place in enumerate(places, 1)],
        "pages": list(_pages(entry)),
    }


def pages_of(entry: Entry) -> list[Entry]:
    """Its error pages, and the one that maintenance shows if it has none of its own for that."""
    pages: list[Entry] = list(entry.get("error_pages") or ())
    missing = is_maintained(entry) and not any(503 in map(int, page["statuses"]) for page in pages)
    return [*pages, MAINTENANCE] if missing else pages


def page_name(entry: Entry, number: int) -> str:
    return f"{entry['name']}-{number}.html"


def names_of(entry: Entry, settings: Mapping[str, Any]) -> list[str]:
    return [bracketed(name) for name in entry.get("server_names") or entry.get("vips") or settings.get("vips") or ["_"]]


def ports_of(entry: Entry) -> list[int]:
    ports = entry.get("listen") or (HTTPS if is_tls(entry) else HTTP)
    return [int(port) for port in (ports if isinstance(ports, list | tuple) else [ports])]


def addresses_of(entry: Entry) -> list[str]:
    """The addresses that it listens on, empty for all of the host's."""
    return [str(address) for address in entry.get("vips") or [""]]


def is_tls(entry: Entry) -> bool:
    return bool(entry.get("tls"))


def is_maintained(entry: Entry) -> bool:
    maintenance = entry.get("maintenance")
    return maintenance is not None and bool(maintenance.get("active", True))


def certificate_of(entry: Entry) -> tuple[str, str]:
    """The files of its certificate and its key, those of the tree relative to nginx's directory."""
    tls = entry.get("tls") or {}
    if not tls:
        return "", ""
    ours = f"{CERTIFICATES}/{entry['name']}"
    return tls.get("certificate_file") or f"{ours}.crt", tls.get("key_file") or f"{ours}.key"


def strangers(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ports on which servers listen on VIPs only, each with listen and tls.

    nginx binds an address of its own only where no server takes all addresses; where one does, VIPs that are on another host now are no
    trouble. So somebody has to take all addresses, and he answers nobody.
    """
    everywhere = {port for entry in settings["servers"] for port in ports_of(entry) if addresses_of(entry) == [""]}
    found: dict[int, dict[str, Any]] = {}
    for entry in settings["servers"]:
        for port in ports_of(entry):
            if port not in everywhere and port not in found:
                options = " ssl" if is_tls(entry) else ""
                listens = [
                    f"{place}{port} default_server{option}"
                    for place in _wildcards(settings)
                    for option in (options + _sharing(settings), *([_quic(True)] if entry.get("http3") else []))
                ]
                found[port] = {"listen": listens, "tls": is_tls(entry)}
    return list(found.values())


def _listen(entry: Entry, settings: Mapping[str, Any]) -> Iterator[str]:
    options = ""
    if is_tls(entry):
        inline = entry.get("http2", True) and settings["version"] < HTTP2_DIRECTIVE
        options += " ssl http2" if inline else " ssl"
    if entry.get("proxy_protocol"):
        options += " proxy_protocol"
    for port in ports_of(entry):
        for address in addresses_of(entry):
            together = [
                each["name"] for each in settings["servers"] if port in ports_of(each) and address in addresses_of(each)
            ]
            first = together[0] == entry["name"]
            # nginx reads the files by their names, and takes the first of a port for names that it does not know.
            default = " default_server" if len(together) > 1 and first else ""
            for place in [f"{bracketed(address)}:"] if address else _wildcards(settings):
                shared = first and not address
                yield f"{quoted(f'{place}{port}')}{default}{options}{_sharing(settings) if shared else ''}"
                if entry.get("http3"):
                    yield f"{quoted(f'{place}{port}')}{default}{_quic(shared)}"


def _wildcards(settings: Mapping[str, Any]) -> list[str]:
    return ["", "[::]:"] if settings["ipv6"] else [""]


def _sharing(settings: Mapping[str, Any]) -> str:
    return " reuseport" if settings.get("reuseport") else ""


def _quic(shared: bool) -> str:
    """Of one address: without a queue of its own, a worker would get packets of another one's connections."""
    return " quic reuseport" if shared else " quic"


def _places(entry: Entry) -> Iterator[Entry]:
    """Its locations, and the one that its own upstream stands for."""
    locations: Sequence[Entry] = entry.get("locations") or ()
    yield from locations
    if entry.get("upstream"):
        yield {"path": "/", "upstream": entry["upstream"]}


def _server_directives(entry: Entry, zone: str) -> Iterator[str]:
    if entry.get("proxy_protocol"):
        yield "real_ip_header proxy_protocol"
    for network in entry.get("trusted_proxies") or ():
        yield f"set_real_ip_from {quoted(network)}"
    if entry.get("trusted_proxies") and not entry.get("proxy_protocol"):
        yield "real_ip_header X-Forwarded-For"
        yield "real_ip_recursive on"
    if (entry.get("tls") or {}).get("stapling"):
        # Clients verify it; nginx could only with the authority's root on the host.
        yield "ssl_stapling on"
    for number, page in enumerate(pages_of(entry), 1):
        yield f"error_page {' '.join(str(int(status)) for status in page['statuses'])} /.nginx_ha/{page_name(entry, number)}"
    if entry.get("intercept_errors"):
        yield "proxy_intercept_errors on"
        yield "grpc_intercept_errors on"
    yield from handling(entry, zone)
    if entry.get("redirect"):
        yield f"return {int(entry.get('redirect_code') or 301)} {quoted(entry['redirect'])}"


def _pages(entry: Entry) -> Iterator[dict[str, Any]]:
    """Locations of the error pages, which everybody gets who gets the error."""
    maintenance = entry.get("maintenance") or {}
    for number, page in enumerate(pages_of(entry), 1):
        again = {}
        if is_maintained(entry) and 503 in map(int, page["statuses"]):
            again = {"Retry-After": str(int(maintenance.get("retry_after") or 300))}
        directives = [
            "internal",
            f"alias {quoted(f'{PAGES}/{page_name(entry, number)}')}",
            "allow all",
            "auth_basic off",
        ]
        yield {
            "selector": quoted(f"/.nginx_ha/{page_name(entry, number)}"),
            "directives": [*directives, *headers({"response_headers": again}, entry)],
        }


def _location(place: Entry, entry: Entry, zone: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """selector, directives and proxy: the name of the file with the headers of what is proxied, or empty."""
    protocol = str(_upstream(place, settings).get("protocol") or "http")
    directives = list(handling(place, zone, entry))
    proxy = ""
    if place.get("upstream"):
        proxy = "grpc" if protocol.startswith("grpc") else "proxy"
        directives += _proxying(place, proxy, protocol)
    elif place.get("root"):
        directives.append(f"root {quoted(place['root'])}")
        directives.append(f"try_files {' '.join(quoted(each) for each in place.get('try_files') or ['$uri', '=404'])}")
    elif place.get("redirect"):
        directives.append(f"return {int(place.get('redirect_code') or 301)} {quoted(place['redirect'])}")
    elif place.get("status"):
        text = f" {quoted(place['text'])}" if place.get("text") is not None else ""
        if text:
            directives.append("default_type text/plain")
        directives.append(f"return {int(place['status'])}{text}")
    return {
        "selector": f"{MATCHES[place.get('match') or 'prefix']}{quoted(place['path'])}",
        "directives": directives,
        "proxy": "" if proxy and replaces(proxy, place.get("request_headers") or {}) else proxy,
    }


def _proxying(place: Entry, proxy: str, protocol: str) -> Iterator[str]:
    # With a path behind the upstream's name nginx replaces the location's own by it.
    path = "/" if place.get("strip_prefix") else ""
    yield f"{PASSES[protocol]} {protocol}://{place['upstream']}{path}"
    for option in TIMES:
        if place.get(option) is not None:
            yield f"{proxy}_{option} {seconds(place[option])}"
    yield from of_location(proxy, place.get("request_headers") or {})
    if not place.get("buffering", True) and proxy == "proxy":
        yield "proxy_buffering off"
        yield "proxy_request_buffering off"


def _upstream(place: Entry, settings: Mapping[str, Any]) -> Entry:
    return next((each for each in settings["upstreams"] if each["name"] == place.get("upstream")), {})
