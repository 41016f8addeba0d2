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
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..cluster.instance import Instance
from ..settings.keepalived import KeepalivedSettings
from ..settings.platform import Facts
from ..settings.problem import Problem
from ..settings.reader import Reader

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
UNSAFE = "a line's end, a control character or a letter beyond ASCII"
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


WHERE = "keepalived_notify"


@dataclass(frozen=True)
class Email:
    """Whom mails go to, and through which server; sender: the variable's "from"; tls: none, starttls or implicit; ca: a path, empty for the system's."""

    to: tuple[str, ...]
    sender: str = ""
    server: str = ""
    port: int = 0
    tls: str = ""
    ca: str = ""
    user: str = ""
    password: str = ""

    @classmethod
    def of(cls, read: Reader) -> Email:
        tls = read.text("tls") or "none"
        own = {**read.plain(cls), "sender": read.text("from"), "tls": tls}
        return cls(read.texts("to"), **{**own, "port": own["port"] or PORTS[tls]})

    @property
    def fact(self) -> dict[str, object]:
        return {"from" if name == "sender" else name: value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Webhook:
    """What is called by POST. timeout: seconds."""

    url: str
    headers: Mapping[str, str]
    timeout: float
    ca: str

    @classmethod
    def of(cls, read: Reader) -> Webhook:
        headers = {name: str(value) for name, value in read.mapping("headers").items()}
        return cls(read.text("url"), headers, float(read.number("timeout", 0) or 10), read.text("ca"))


@dataclass(frozen=True)
class Notify:
    """Who is told of which states: the variable keepalived_notify, whose argument specs have judged its types."""

    email: Email | None
    webhooks: tuple[Webhook, ...]
    scripts: tuple[str, ...]
    textfile: str
    states: tuple[str, ...]

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Notify:
        read = Reader(given, f"{WHERE}.")
        email = read.mapping("email")
        return cls(
            email=Email.of(Reader(email, f"{WHERE}.email.")) if email else None,
            webhooks=tuple(map(Webhook.of, read.entries("webhooks"))),
            scripts=read.texts("scripts"),
            textfile=read.text("textfile"),
            states=read.texts("states") or STATES,
        )


def problems(settings: KeepalivedSettings, facts: Facts) -> Iterator[Problem]:
    """facts: the host's own."""
    given = settings.raw.get("notify")
    if not given:
        return
    notify = Notify.of(given)
    yield from _host(facts)
    for name in TAKEN:
        if name in (settings.raw.get("global_defs") or {}):
            fix = f"Use keepalived_global_defs.notify_fifo for a reader of your own, or remove {WHERE}."
            yield Problem("keepalived_global_defs", f"has {name}, and {WHERE} uses it as well", fix)
    if not (notify.email or notify.webhooks or notify.scripts or notify.textfile):
        yield Problem(WHERE, "tells nobody", "Set its email, webhooks, scripts or textfile, or make it empty ({}).")
    if notify.email:
        yield from _email(notify.email)
    yield from _webhooks(notify.webhooks)
    yield from _paths(notify)


def rendered(notify: Notify, host: str, instances: Sequence[Instance], script_user: str) -> str:
    """The notifier's settings, on one line that can be hidden as a whole. They are those that problems() finds nothing in."""
    settings = {
        "host": host,
        "instances": {
            each.name: {"addresses": each.virtual_ipaddress, "priority": each.priority} for each in instances
        },
        "email": notify.email.fact if notify.email else {},
        "webhooks": list(map(vars, notify.webhooks)),
        "scripts": notify.scripts,
        "script_user": script_user,
        "textfile": notify.textfile,
        "states": notify.states,
    }
    return json.dumps({"evenkeel_notify": settings}) + "\n"


def _host(facts: Facts) -> Iterator[Problem]:
    version = facts.python.version
    found = (version.major, version.minor) if version else OLDEST_PYTHON
    if found < OLDEST_PYTHON:
        python = f"ansible_python_interpreter is Python {found[0]}.{found[1]}, and the notifier needs 3.6 or later"
        yield Problem(WHERE, f"is set, but {python}", f"Install a later one and name it there, or remove {WHERE}.")


def _email(email: Email) -> Iterator[Problem]:
    where = f"{WHERE}.email"
    if not email.to:
        yield Problem(f"{where}.to", "is empty", f"Name at least one address, or remove {where}.")
    for name, address in [*(("to", each) for each in email.to), ("from", email.sender)]:
        if not ADDRESS.match(address):
            fix = "Write it as name@example.com, with nothing around it."
            yield Problem(f"{where}.{name}", f"has {address!r}, which is no mail address", fix)
    if not _is_host(email.server):
        what = f"is {email.server!r}, which is no name and no IP address of a host"
        yield Problem(f"{where}.server", what, "Name the host that takes the mails.")
    if not 1 <= email.port <= 65535:
        yield Problem(f"{where}.port", f"is {email.port}", "It must be 1 to 65535.")
    yield from _login(email, where)
    yield from _authority(email.ca, where)


def _login(email: Email, where: str) -> Iterator[Problem]:
    if bool(email.user) != bool(email.password):
        alone = "user" if email.user else "password"
        yield Problem(where, f"has a {alone} alone", "Set user and password, or neither.")
    for name, value in (("user", email.user), ("password", email.password)):
        if _is_unsafe(value):
            yield Problem(f"{where}.{name}", f"has {UNSAFE} in it", "Use others.")
    if email.password and email.tls == "none" and not _is_loopback(email.server):
        fix = f"Set {where}.tls to starttls or implicit."
        yield Problem(f"{where}.password", f"would be sent to {email.server} for all to read", fix)


def _webhooks(webhooks: Sequence[Webhook]) -> Iterator[Problem]:
    urls = [one.url for one in webhooks]
    for number, one in enumerate(webhooks):
        where = f"{WHERE}.webhooks[{number}]"
        problem = _url_problem(one.url)
        if problem:
            yield Problem(f"{where}.url", problem, "Write it as https://hooks.example.com/path.")
        elif one.url in urls[:number]:
            what = f"is that of {WHERE}.webhooks[{urls.index(one.url)}] ({_shown(one.url)})"
            yield Problem(f"{where}.url", what, "Remove one of them.")
        for name, value in one.headers.items():
            if not HEADER.match(name):
                what = f"has {name!r}, which is no name of a header"
                yield Problem(f"{where}.headers", what, "Use letters, digits and '-'.")
            elif _is_unsafe(value):
                what = f"has {UNSAFE} in it"
                yield Problem(f"{where}.headers.{name}", what, "A header is one line; remove that.")
        if not 0 < one.timeout <= LONGEST_TIMEOUT:
            fix = f"It must be more than 0 and {LONGEST_TIMEOUT} seconds at most."
            yield Problem(f"{where}.timeout", f"is {one.timeout:g}", fix)
        yield from _authority(one.ca, where)


def _paths(notify: Notify) -> Iterator[Problem]:
    where = f"{WHERE}.scripts"
    for number, path in enumerate(notify.scripts):
        if not PATH.match(path):
            what = f"has {path!r}, which is no absolute path without spaces"
            yield Problem(where, what, "It gets its arguments from the notifier.")
        elif path in notify.scripts[:number]:
            yield Problem(where, f"has {path} twice", "Remove one of them.")
    textfile = notify.textfile
    if textfile and not (PATH.match(textfile) and textfile.endswith(".prom")):
        fix = "It must be an absolute path that ends in .prom, in the directory of node_exporter's --collector.textfile.directory."
        yield Problem(f"{WHERE}.textfile", f"is {textfile!r}", fix)


def _authority(path: str, where: str) -> Iterator[Problem]:
    if path and not PATH.match(path):
        what = f"is {path!r}, which is no absolute path of a file on the host"
        yield Problem(f"{where}.ca", what, "Write the whole path, without spaces.")


def _is_unsafe(value: str) -> bool:
    return bool(CONTROL.search(value)) or not value.isascii()


def _url_problem(url: str) -> str:
    """A path can be a secret, as those of chats are, and is not shown."""
    if not re.fullmatch(r"[!-~]+", url):
        return "is empty, or has a space, a line's end or a letter beyond ASCII in it"
    try:
        parts = urlsplit(url)
        host, dummy = parts.hostname or "", parts.port
    except ValueError:
        return "has no valid host or port"
    if parts.scheme not in ("http", "https"):
        return f"is one of {parts.scheme or 'no scheme'!r}; only http and https can be called"
    if parts.username is not None:
        return f"has a user or a password before {host}. Put it into headers, as Authorization"
    return "" if _is_host(host) else f"names {host!r}, which is no name and no IP address of a host"


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
