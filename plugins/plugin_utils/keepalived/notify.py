# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told of changes of state: what is wrong with that, and the settings that the notifier reads.

Pure functions of the keepalived role's variables; they run on the control node only.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

# What the notifier is written for.
OLDEST_PYTHON = (3, 6)
PORTS = {"none": 25, "starttls": 587, "implicit": 465}
STATES = ("MASTER", "BACKUP", "FAULT", "STOP", "DELETED")
LONGEST_TIMEOUT = 60
# Directives of the user's own that are in the notifier's place.
TAKEN = ("vrrp_notify_fifo", "vrrp_notify_fifo_script")

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
PATH = re.compile(r"/[!-~]+\Z")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def problems(settings: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[str]:
    """settings: the keepalived role's variables without their prefix; facts: the host's own."""
    notify = settings.get("notify") or {}
    if not notify:
        return
    yield from _host(facts)
    for name in TAKEN:
        if name in (settings.get("global_defs") or {}):
            yield (
                f"keepalived_global_defs has {name}, and keepalived_notify uses it as well. Use keepalived_global_defs.notify_fifo "
                "for a reader of your own, or remove keepalived_notify."
            )
    if not any(notify.get(name) for name in ("email", "webhooks", "scripts", "textfile")):
        yield "keepalived_notify tells nobody. Set its email, webhooks, scripts or textfile, or make it empty ({})."
    yield from _email(notify.get("email") or {})
    yield from _webhooks(notify.get("webhooks") or ())
    yield from _paths(notify)


def rendered(notify: Mapping[str, Any], host: str, instances: Sequence[Mapping[str, Any]], script_user: str) -> str:
    """The notifier's settings, on one line that can be hidden as a whole. They are those that problems() finds nothing in."""
    email = dict(notify.get("email") or {})
    if email:
        kind = str(email.get("tls") or "none")
        email = {
            "to": [str(address) for address in email["to"]],
            "from": str(email["from"]),
            "server": str(email["server"]),
            "port": int(email.get("port") or PORTS[kind]),
            "tls": kind,
            **{name: str(email.get(name) or "") for name in ("ca", "user", "password")},
        }
    webhooks = [
        {
            "url": str(one["url"]),
            "headers": {str(name): str(value) for name, value in (one.get("headers") or {}).items()},
            "timeout": float(one.get("timeout") or 10),
            "ca": str(one.get("ca") or ""),
        }
        for one in notify.get("webhooks") or ()
    ]
    settings = {
        "host": host,
        "instances": {
            each["name"]: {"addresses": list(each["virtual_ipaddress"]), "priority": int(each["priority"])}
            for each in instances
        },
        "email": email,
        "webhooks": webhooks,
        "scripts": [str(path) for path in notify.get("scripts") or ()],
        "script_user": script_user,
        "textfile": str(notify.get("textfile") or ""),
        "states": list(notify.get("states") or STATES),
    }
    return json.dumps({"evenkeel_notify": settings}) + "\n"


def _host(facts: Mapping[str, Any]) -> Iterator[str]:
    version = (facts.get("python") or {}).get("version") or {}
    found = (int(version["major"]), int(version["minor"])) if version else OLDEST_PYTHON
    if found < OLDEST_PYTHON:
        yield (
            f"keepalived_notify is set, but ansible_python_interpreter is Python {found[0]}.{found[1]}, and the notifier needs 3.6 "
            "or later. Install a later one and name it there, or remove keepalived_notify."
        )


def _email(email: Mapping[str, Any]) -> Iterator[str]:
    if not email:
        return
    where = "keepalived_notify.email"
    if not email.get("to"):
        yield f"{where}.to is empty. Name at least one address, or remove keepalived_notify.email."
    for name, address in [("to", each) for each in email.get("to") or ()] + [("from", email.get("from"))]:
        if not ADDRESS.match(str(address or "")):
            yield f"{where}.{name} has {address!r}, which is no mail address. Write it as name@example.com, with nothing around it."
    server = str(email.get("server") or "")
    if not _is_host(server):
        yield f"{where}.server is {server!r}, which is no name and no IP address of a host."
    port = int(email.get("port") or PORTS["none"])
    if not 1 <= port <= 65535:
        yield f"{where}.port is {port}. It must be 1 to 65535."
    yield from _login(email, where, server)
    yield from _authority(email, where)


def _login(email: Mapping[str, Any], where: str, server: str) -> Iterator[str]:
    user, password = str(email.get("user") or ""), str(email.get("password") or "")
    if bool(user) != bool(password):
        yield f"{where} has a {'user' if user else 'password'} alone. Set user and password, or neither."
    for name, value in (("user", user), ("password", password)):
        if CONTROL.search(value) or not value.isascii():
            yield f"{where}.{name} has a line's end, a control character or a letter beyond ASCII in it. Use others."
    if password and str(email.get("tls") or "none") == "none" and not _is_loopback(server):
        yield f"{where}.password would be sent to {server} for all to read. Set {where}.tls to starttls or implicit."


def _webhooks(webhooks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    urls = [str(one.get("url") or "") for one in webhooks]
    for number, (url, one) in enumerate(zip(urls, webhooks, strict=True)):
        where = f"keepalived_notify.webhooks[{number}]"
        problem = _url_problem(url)
        if problem:
            yield f"{where}.url {problem} Write it as https://hooks.example.com/path."
        elif url in urls[:number]:
            yield f"{where}.url is that of keepalived_notify.webhooks[{urls.index(url)}] ({_shown(url)}). Remove one of them."
        for name, value in (one.get("headers") or {}).items():
            if not HEADER.match(str(name)):
                yield f"{where}.headers has {name!r}, which is no name of a header. Use letters, digits and '-'."
            elif CONTROL.search(str(value)) or not str(value).isascii():
                yield (
                    f"{where}.headers.{name} has a line's end, a control character or a letter beyond ASCII in it. "
                    "A header is one line; remove that."
                )
        timeout = float(one.get("timeout") or 10)
        if not 0 < timeout <= LONGEST_TIMEOUT:
            yield f"{where}.timeout is {timeout:g}. It must be more than 0 and {LONGEST_TIMEOUT} seconds at most."
        yield from _authority(one, where)


def _paths(notify: Mapping[str, Any]) -> Iterator[str]:
    scripts = [str(path) for path in notify.get("scripts") or ()]
    for number, path in enumerate(scripts):
        if not PATH.match(path):
            yield f"keepalived_notify.scripts has {path!r}, which is no absolute path without spaces. It gets its arguments from the notifier."
        elif path in scripts[:number]:
            yield f"keepalived_notify.scripts has {path} twice. Remove one of them."
    textfile = str(notify.get("textfile") or "")
    if textfile and not (PATH.match(textfile) and textfile.endswith(".prom")):
        yield (
            f"keepalived_notify.textfile is {textfile!r}. It must be an absolute path that ends in .prom, in the directory of "
            "node_exporter's --collector.textfile.directory."
        )


def _authority(settings: Mapping[str, Any], where: str) -> Iterator[str]:
    path = str(settings.get("ca") or "")
    if path and not PATH.match(path):
        yield f"{where}.ca is {path!r}, which is no absolute path of a file on the host."


def _url_problem(url: str) -> str:
    """A path can be a secret, as those of chats are, and is not shown."""
    if not re.fullmatch(r"[!-~]+", url):
        return "is empty, or has a space, a line's end or a letter beyond ASCII in it."
    try:
        parts = urlsplit(url)
        host, dummy = parts.hostname or "", parts.port
    except ValueError:
        return "has no valid host or port."
    if parts.scheme not in ("http", "https"):
        return f"is one of {parts.scheme or 'no scheme'!r}; only http and https can be called."
    if parts.username is not None:
        return f"has a user or a password before {host}. Put it into headers, as Authorization."
    return "" if _is_host(host) else f"names {host!r}, which is no name and no IP address of a host."


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/..."


def _is_host(text: str) -> bool:
    return bool(NAME.match(text)) or _ip(text) is not None


def _is_loopback(text: str) -> bool:
    address = _ip(text)
    return text == "localhost" if address is None else address.is_loopback


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
