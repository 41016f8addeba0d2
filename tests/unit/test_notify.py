# SPDX-License-Identifier: GPL-3.0-or-later
"""The notifier as a real process, with a FIFO, servers and programs that are real, under every Python that it is for."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import socket
import socketserver
import ssl
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.evenkeel.nginx_ha.plugins.filter.keepalived import keepalived_notify
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.notify import problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.platform import Facts
from support.modules import interpreter

PROJECT = Path(__file__).parents[2]
SCRIPT = PROJECT / "roles/keepalived/files/notify.py"
VERSIONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
PLANNED = {"virtual_router_id": 51, "state": "BACKUP", "weight": -12, "nopreempt": False}
INSTANCES = [
    {**PLANNED, "name": "VI_1", "virtual_ipaddress": ["192.0.2.200/24"], "priority": 254},
    {**PLANNED, "name": "VI_2", "virtual_ipaddress": ["192.0.2.210/24"], "priority": 243},
]
MASTER, BACKUP, STOP = (f'INSTANCE "VI_1" {state} 254\n' for state in ("MASTER", "BACKUP", "STOP"))


def wrong(settings: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    return list(map(str, problems(parse(settings)[0], read(Facts, facts))))


def eventually(condition: Callable[[], object], wanted: str, within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"after {within:g} s there is no {wanted}"
        time.sleep(0.02)


class Mails(socketserver.ThreadingTCPServer):
    """A server of RFC 5321 that takes every message; after STARTTLS it wants a login."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.messages: list[Any] = []
        self.logins: list[str] = []
        super().__init__(("127.0.0.1", port), Session)


class Session(socketserver.StreamRequestHandler):
    server: Mails
    encrypted = False

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline():
            verb = line.decode().split()[0].upper()
            if verb == "EHLO":
                self.say("250-here")
                self.say("250 AUTH PLAIN" if self.encrypted else "250 STARTTLS" if self.server.context else "250 HELP")
            elif verb == "STARTTLS":
                self.say("220 go on")
                self.encrypt()
            elif verb == "AUTH":
                self.server.logins.append(line.decode().split()[2])
                self.say("235 welcome")
            elif verb == "DATA":
                self.say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.messages.append(message_from_bytes(text))
                self.say("250 taken")
            else:
                self.say("221 bye" if verb == "QUIT" else "250 fine")

    def encrypt(self) -> None:
        assert self.server.context
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.encrypted = True


class Hooks(ThreadingHTTPServer):
    """A web server that writes down what is posted to it."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        self.status = 204
        self.seconds = 0.0
        self.requests: list[tuple[str, str, Mapping[str, str], Any]] = []
        super().__init__(("127.0.0.1", port), Request)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _verb, _path, _headers, body in self.requests]


class Request(BaseHTTPRequestHandler):
    server: Hooks

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        time.sleep(self.server.seconds)
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def do_GET(self) -> None:
        self.server.requests.append((self.command, self.path, dict(self.headers), None))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


Server = TypeVar("Server", bound=socketserver.TCPServer)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def mails() -> Iterator[Mails]:
    with serving(Mails()) as server:
        yield server


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with serving(Hooks()) as server:
        yield server


def port_of(server: socketserver.TCPServer) -> int:
    return server.server_address[1]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def email(port: int, **more: Any) -> dict[str, Any]:
    to = ["ops@example.com", "night@example.com"]
    return {"to": to, "from": "lb@example.com", "server": "127.0.0.1", "port": port, **more}


def webhook(port: int, **more: Any) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{port}/hook", "headers": {"Authorization": "Bearer s3cret"}, **more}


class Notifier:
    """What keepalived does with it: a FIFO that is open as long as keepalived runs."""

    def __init__(self, python: Path, place: Path) -> None:
        self.python, self.place = python, place
        self.fifo, self.metrics = place / "fifo", place / "keepalived.prom"
        self.kept, self.settings = place / "notify.json", place / "settings.json"
        self.process: subprocess.Popen[bytes] | None = None
        self.writer = -1

    def configure(self, instances: Sequence[Mapping[str, Any]] = INSTANCES, **notify: Any) -> None:
        given = {"textfile": str(self.metrics), **notify}
        assert wrong({"notify": given}, {}) == []
        self.settings.write_text(keepalived_notify(given, "nginx1", instances, "nobody"))

    def words(self, *action: object) -> list[object]:
        return [self.python, "-I", SCRIPT, "--settings", self.settings, "--kept", self.kept, *action]

    def start(self) -> None:
        os.mkfifo(self.fifo, 0o600)
        self.process = subprocess.Popen(self.words("listen", self.fifo))
        self.writer = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)

    def write(self, *lines: str) -> None:
        for line in lines:
            os.write(self.writer, line.encode())

    def close(self) -> None:
        if self.writer != -1:
            os.close(self.writer)
            self.fifo.unlink()
        self.writer = -1

    def ended(self, within: float = 3) -> int:
        assert self.process
        code, self.process = self.process.wait(within), None
        return code

    def stop(self) -> int:
        """As keepalived stops or reloads: SIGTERM, and the end of the FIFO."""
        assert self.process
        self.process.terminate()
        self.close()
        return self.ended()

    def do(self, action: str) -> None:
        subprocess.run(self.words(action), check=True, timeout=20)

    def left(self) -> list[str]:
        """The states that are still to be told."""
        return [entry["event"]["state"] for entry in json.loads(self.kept.read_text())["queue"]]

    def sample(self, name: str) -> str | None:
        found = re.search(rf"^{re.escape(name)} (.*)$", self.metrics.read_text() if self.metrics.exists() else "", re.M)
        return found and found[1]

    def is_master(self) -> bool:
        return self.sample('evenkeel_vrrp_state{instance="VI_1",state="MASTER"}') == "1"


def started(python: Path, place: Path) -> Iterator[Notifier]:
    notifier = Notifier(python, place)
    try:
        yield notifier
    finally:
        if notifier.process:
            notifier.process.kill()
            notifier.process.wait()
        notifier.close()


@pytest.fixture(params=VERSIONS, ids=lambda version: f"python{version}")
def each(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Notifier]:
    python = interpreter(request.param)
    if python is None:
        pytest.skip(f"there is no Python {request.param} in ~/.pyenv/versions or as /usr/bin/python3")
    yield from started(python, tmp_path)


@pytest.fixture
def notifier(tmp_path: Path) -> Iterator[Notifier]:
    yield from started(Path("/usr/bin/python3"), tmp_path)


def script(place: Path, body: str) -> Path:
    path = place / "told.sh"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


# Every way of telling


def test_everybody_is_told(each: Notifier, mails: Mails, hooks: Hooks) -> None:
    each.configure(email=email(port_of(mails)), webhooks=[webhook(port_of(hooks))])
    each.start()
    each.write('GROUP "VG_1" MASTER 0\n', BACKUP, 'INSTANCE "VI_1" MAS', "TER 254\n")
    eventually(lambda: len(mails.messages) == 2 and len(hooks.bodies) == 2, "second message")
    first, second = hooks.bodies
    assert re.fullmatch(r"[0-9a-f-]{36}", second.pop("id")) and first["id"] not in second.values()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", second.pop("time"))
    assert (first["state"], first["previous"]) == ("BACKUP", None)
    assert second == {
        "host": "nginx1",
        "instance": "VI_1",
        "state": "MASTER",
        "previous": "BACKUP",
        "priority": 254,
        "addresses": ["192.0.2.200/24"],
    }
    verb, path, headers, _body = hooks.requests[0]
    assert (verb, path, headers["Content-Type"]) == ("POST", "/hook", "application/json")
    assert headers["Authorization"] == "Bearer s3cret"
    mail = mails.messages[1]
    assert mail["Subject"] == "[keepalived] nginx1: VI_1 is MASTER"
    assert (mail["From"], mail["To"]) == ("lb@example.com", "ops@example.com, night@example.com")
    assert re.search(r"^previous +BACKUP\r?$", mail.get_payload(), re.M)
    assert each.is_master() and each.sample('evenkeel_vrrp_state{instance="VI_1",state="BACKUP"}') == "0"
    eventually(lambda: each.sample('evenkeel_notify_pending{receiver="email"}') == "0", "empty queue")
    assert each.stop() == 0


def test_what_cannot_be_told_yet_is_told_later_and_in_order(each: Notifier, hooks: Hooks) -> None:
    port = free_port()
    each.configure(email=email(port), webhooks=[webhook(port_of(hooks))])
    each.start()
    each.write(BACKUP, MASTER)
    eventually(lambda: len(hooks.bodies) == 2, "webhook, which does not wait for the mail")
    eventually(lambda: each.sample('evenkeel_notify_failures_total{receiver="email"}') == "1", "failure")
    with serving(Mails(port)) as mails:
        eventually(lambda: len(mails.messages) == 2, "mail of a server that has come back")
    assert [mail["Subject"][-6:] for mail in mails.messages] == ["BACKUP", "MASTER"]
    assert each.stop() == 0


def test_what_is_left_at_the_end_is_told_by_the_next_one(each: Notifier) -> None:
    port = free_port()
    each.configure(webhooks=[webhook(port)])
    each.start()
    each.write(MASTER)
    eventually(each.is_master, "metrics")
    # keepalived's last words: they are in the FIFO when it closes it.
    each.write(STOP)
    assert each.stop() == 0
    assert each.left() == ["MASTER", "STOP"]
    with serving(Hooks(port)) as hooks:
        each.start()
        eventually(lambda: len(hooks.bodies) == 2, "message of the run before")
        eventually(lambda: each.left() == [], "empty queue")
    assert each.stop() == 0


# Programs and the rest of the network


@pytest.fixture
def told() -> Iterator[Path]:
    """A directory that everybody may write to, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="evenkeel-unit-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_a_program_is_run_until_it_succeeds(notifier: Notifier, told: Path) -> None:
    path = script(told, f'test -e {told}/first || {{ touch {told}/first; exit 3; }}; echo "$@ $(id -un)" >>{told}/log')
    notifier.configure(scripts=[str(path)])
    notifier.start()
    notifier.write(MASTER)
    eventually((told / "log").exists, "program that ends well")
    user = "nobody" if os.geteuid() == 0 else subprocess.check_output(["id", "-un"], text=True).strip()
    eventually(lambda: (told / "log").read_text() == f"VI_1 MASTER 254 {user}\n", "line of the program")
    assert notifier.sample(f'evenkeel_notify_failures_total{{receiver="script {path}"}}') == "1"


def test_nobody_waits_for_a_webhook_that_hangs(notifier: Notifier, mails: Mails, hooks: Hooks) -> None:
    hooks.seconds = 8
    notifier.configure(email=email(port_of(mails)), webhooks=[webhook(port_of(hooks))])
    notifier.start()
    notifier.write(MASTER)
    eventually(lambda: mails.messages and hooks.requests, "mail beside a webhook that hangs", 3)
    eventually(lambda: notifier.left() == ["MASTER"], "note that the mail is sent", 3)
    begun = time.monotonic()
    assert notifier.stop() == 0
    assert time.monotonic() - begun < 1
    assert notifier.left() == ["MASTER"]


def test_a_redirect_is_not_followed(notifier: Notifier, hooks: Hooks) -> None:
    hooks.status = 302
    notifier.configure(webhooks=[webhook(port_of(hooks))])
    notifier.start()
    notifier.write(MASTER)
    eventually(lambda: len(hooks.requests) == 2, "second attempt")
    assert {path for _verb, path, _headers, _body in hooks.requests} == {"/hook"}
    assert len({body["id"] for body in hooks.bodies}) == 1


def certificate(place: Path) -> Path:
    path = place / "server.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*words.split(), "-keyout", path, "-out", place / "ca.pem"], check=True, capture_output=True)
    path.write_text(path.read_text() + (place / "ca.pem").read_text())
    return path


def test_a_password_is_sent_to_a_trusted_server_only(notifier: Notifier, tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate(tmp_path))
    with serving(Mails(context=context)) as mails:
        login = {"tls": "starttls", "user": "lb", "password": "s3cret"}
        notifier.configure(email=email(port_of(mails), **login))
        notifier.start()
        notifier.write(MASTER)
        eventually(lambda: notifier.sample('evenkeel_notify_failures_total{receiver="email"}'), "failure")
        eventually(lambda: notifier.sample('evenkeel_notify_failures_total{receiver="email"}') == "1", "failure")
        assert notifier.stop() == 0
        assert mails.logins == []
        notifier.configure(email=email(port_of(mails), ca=str(tmp_path / "ca.pem"), **login))
        notifier.start()
        eventually(lambda: mails.messages, "mail to a server that is trusted")
        assert len(mails.logins) == 1


# States and what is kept


def test_a_state_that_is_told_again_is_not_news(notifier: Notifier, hooks: Hooks) -> None:
    """As by a reload with fifo_write_vrrp_states_on_reload."""
    notifier.configure(webhooks=[webhook(port_of(hooks))])
    notifier.start()
    notifier.write(MASTER)
    eventually(notifier.is_master, "metrics")
    assert notifier.stop() == 0
    notifier.start()
    notifier.write('INSTANCE "VI_1" MASTER 243\n', 'INSTANCE "VI_1" MASTER_PRIORITY 242\n', STOP)
    eventually(lambda: len(hooks.bodies) == 2, "second message")
    assert [body["state"] for body in hooks.bodies] == ["MASTER", "STOP"]
    assert notifier.sample('evenkeel_vrrp_changes_total{instance="VI_1"}') == "2"


def test_a_master_from_before_is_seen_by_its_addresses(notifier: Notifier, hooks: Hooks) -> None:
    one = {**PLANNED, "name": "VI_0", "virtual_ipaddress": ["127.0.0.1/8"], "priority": 254}
    both = {**PLANNED, "name": "VI_3", "virtual_ipaddress": ["127.0.0.1/8", "192.0.2.3/24"], "priority": 254}
    notifier.configure([*INSTANCES, one, both], webhooks=[webhook(port_of(hooks))])
    notifier.start()
    notifier.write(BACKUP)
    eventually(lambda: len(hooks.bodies) == 2, "message")
    assert [(body["instance"], body["state"]) for body in hooks.bodies] == [("VI_0", "MASTER"), ("VI_1", "BACKUP")]


def test_only_the_wanted_states_are_told(notifier: Notifier, hooks: Hooks) -> None:
    notifier.configure(webhooks=[webhook(port_of(hooks))], states=["FAULT", "STOP"])
    notifier.start()
    notifier.write(MASTER, 'INSTANCE "VI_1" FAULT 254\n')
    eventually(lambda: hooks.bodies, "message")
    assert [(body["previous"], body["state"]) for body in hooks.bodies] == [("MASTER", "FAULT")]


def test_an_instance_that_is_gone_is_deleted(notifier: Notifier, hooks: Hooks) -> None:
    """keepalived calls that a fault. Instances of the user's own are in no plan."""
    notifier.configure(webhooks=[webhook(port_of(hooks))])
    notifier.start()
    notifier.write(MASTER, 'INSTANCE "MINE" MASTER 1\n')
    eventually(lambda: len(hooks.bodies) == 2, "message")
    assert notifier.stop() == 0
    notifier.configure(INSTANCES[1:], webhooks=[webhook(port_of(hooks))])
    notifier.start()
    notifier.write('INSTANCE "VI_1" FAULT 254\n', 'INSTANCE "MINE" FAULT 1\n')
    eventually(lambda: len(hooks.bodies) == 4, "message")
    told = [(body["instance"], body["previous"], body["state"]) for body in hooks.bodies[2:]]
    assert told == [("VI_1", "MASTER", "DELETED"), ("MINE", "MASTER", "FAULT")]
    assert "VI_1" not in notifier.metrics.read_text()
    assert notifier.sample('evenkeel_vrrp_state{instance="MINE",state="FAULT"}') == "1"


def test_a_flush_tells_what_keepalived_had_no_time_to_say(notifier: Notifier, hooks: Hooks) -> None:
    notifier.configure(webhooks=[webhook(port_of(hooks))])
    notifier.start()
    notifier.write(MASTER, 'INSTANCE "VI_2" STOP 254\n')
    eventually(lambda: len(hooks.bodies) == 2, "message")
    eventually(lambda: notifier.left() == [], "empty queue")
    assert notifier.process
    notifier.process.kill()
    assert notifier.ended() == -signal.SIGKILL
    notifier.close()
    notifier.do("flush")
    told = [(body["instance"], body["state"]) for body in hooks.bodies]
    assert ("VI_1", "STOP") in told and told.count(("VI_2", "STOP")) == 1
    assert not notifier.is_master()


def test_a_flush_takes_a_few_seconds_at_most(notifier: Notifier, hooks: Hooks) -> None:
    hooks.seconds = 8
    notifier.configure(webhooks=[webhook(port_of(hooks))])
    notifier.start()
    notifier.write(MASTER)
    eventually(lambda: hooks.requests, "request")
    assert notifier.stop() == 0
    begun = time.monotonic()
    notifier.do("flush")
    assert 2.5 < time.monotonic() - begun < 5
    assert notifier.left() == ["MASTER", "STOP"]


def test_metrics_move_and_go(notifier: Notifier, tmp_path: Path) -> None:
    notifier.configure()
    notifier.start()
    notifier.write(MASTER)
    eventually(notifier.is_master, "metrics")
    assert stat.S_IMODE(notifier.metrics.stat().st_mode) == 0o644
    assert stat.S_IMODE(notifier.kept.stat().st_mode) == 0o600
    assert notifier.stop() == 0
    notifier.metrics = tmp_path / "other.prom"
    notifier.configure()
    notifier.start()
    eventually(notifier.is_master, "metrics at the new place")
    assert not (tmp_path / "keepalived.prom").exists()
    assert notifier.stop() == 0
    notifier.do("forget")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["settings.json"]


def test_a_link_beside_the_metrics_leads_nowhere(notifier: Notifier, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("as it was")
    (tmp_path / "keepalived.prom.new").symlink_to(other)
    notifier.configure()
    notifier.start()
    notifier.write(MASTER)
    eventually(notifier.is_master, "metrics")
    assert other.read_text() == "as it was"


def test_a_directory_that_is_missing_keeps_nobody_from_being_told(notifier: Notifier, hooks: Hooks) -> None:
    notifier.configure(webhooks=[webhook(port_of(hooks))], textfile="/nonexistent/keepalived.prom")
    notifier.start()
    notifier.write(MASTER)
    eventually(lambda: hooks.bodies, "message")


def test_two_never_run_at_once(notifier: Notifier) -> None:
    notifier.configure()
    notifier.start()
    eventually(notifier.kept.exists, "first one")
    second = subprocess.run(notifier.words("flush"), capture_output=True, text=True, check=False, timeout=20)
    assert (second.returncode, second.stderr) == (1, "another one is running\n")


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notify", SCRIPT)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_what_is_kept_has_bounds(module: ModuleType, tmp_path: Path) -> None:
    kept = module.Kept(str(tmp_path / "notify.json"))
    for number in range(module.MOST + 3):
        kept.add("email", {"time": 1000 + number})
        kept.add("webhook", {"time": 5})
    assert [entry["event"]["time"] for entry in kept.waiting("email")][:: module.MOST - 1] == [1003, 1502]
    kept.expire(1010 + module.OLDEST)
    assert kept.waiting("webhook") == [] and kept.waiting("email")[0]["event"]["time"] == 1010
    assert kept.dropped == 3 + 3 + module.MOST + 7


def test_what_is_too_old_is_told_to_nobody(notifier: Notifier, hooks: Hooks, module: ModuleType) -> None:
    notifier.configure(webhooks=[webhook(free_port())])
    notifier.start()
    notifier.write(MASTER, STOP)
    eventually(lambda: notifier.sample('evenkeel_vrrp_changes_total{instance="VI_1"}') == "2", "second change")
    assert notifier.stop() == 0
    kept = json.loads(notifier.kept.read_text())
    kept["queue"][0]["event"]["time"] -= module.OLDEST
    notifier.kept.write_text(json.dumps(kept))
    notifier.start()
    eventually(lambda: notifier.sample("evenkeel_notify_dropped_total") == "1", "dropped message")
    assert notifier.left() == ["STOP"]


def test_a_file_that_cannot_be_read_is_begun_anew(module: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "notify.json"
    for text in ("", "[]", "{}", "nonsense"):
        path.write_text(text)
        kept = module.Kept(str(path))
        kept.load()
        assert (kept.instances, kept.queue, kept.dropped) == ({}, [], 0)


def test_a_label_of_a_metric_is_one_text(module: ModuleType) -> None:
    assert module.family("a", "gauge", "b", [({"x": 'c"\\\n'}, 1)]).splitlines()[2] == 'a{x="c\\"\\\\\\n"} 1'


# Preflight

HOOK = {"url": "https://hooks.example.com/T0/s3cret"}
MAIL = email(25)
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nobody": ({"states": ["MASTER"]}, "keepalived_notify tells nobody."),
    "no receiver": ({"email": {**MAIL, "to": []}}, "email.to is empty."),
    "no address": ({"email": {**MAIL, "to": ["ops"]}}, "email.to has 'ops', which is no mail address."),
    "a name around it": ({"email": {**MAIL, "from": "LB <lb@example.com>"}}, "email.from has 'LB <lb@example.com>'"),
    "a further header": ({"email": {**MAIL, "from": "lb@example.com\nBcc: x@example.com"}}, "email.from has"),
    "a line's end": ({"email": {**MAIL, "to": ["ops@example.com\n"]}}, "email.to has"),
    "no server": ({"email": {**MAIL, "server": "mail server"}}, "email.server is 'mail server'"),
    "no port": ({"email": {**MAIL, "port": 70000}}, "email.port is 70000."),
    "a user alone": ({"email": {**MAIL, "user": "lb", "tls": "starttls"}}, "email has a user alone."),
    "a password alone": ({"email": {**MAIL, "password": "x", "tls": "starttls"}}, "email has a password alone."),
    "a password of two lines": (
        {"email": {**MAIL, "user": "lb", "password": "x\r\n", "tls": "starttls"}},
        "email.password has a line's end",
    ),
    "a password for all to read": (
        {"email": {**MAIL, "server": "192.0.2.1", "user": "lb", "password": "s3cret"}},
        "email.password would be sent to 192.0.2.1 for all to read.",
    ),
    "no path of authorities": ({"email": {**MAIL, "ca": "ca.pem"}}, "email.ca is 'ca.pem'"),
    "no URL": ({"webhooks": [HOOK, {"url": ""}]}, "webhooks[1].url is empty"),
    "another scheme": ({"webhooks": [{"url": "file:///etc/shadow"}]}, "webhooks[0].url is one of 'file'"),
    "a URL of two lines": ({"webhooks": [{"url": "https://a/\r\nX: y"}]}, "webhooks[0].url is empty, or has a space"),
    "a URL without a host": ({"webhooks": [{"url": "https:///x"}]}, "webhooks[0].url names ''"),
    "a URL with a port that is none": ({"webhooks": [{"url": "https://a:x/"}]}, "webhooks[0].url has no valid host"),
    "a URL with a password": (
        {"webhooks": [{"url": "https://u:s3cret@a/"}]},
        "webhooks[0].url has a user or a password",
    ),
    "a URL twice": ({"webhooks": [HOOK, HOOK]}, "webhooks[1].url is that of keepalived_notify.webhooks[0]"),
    "a header of two lines": (
        {"webhooks": [{**HOOK, "headers": {"X": "s3cret\nY: z"}}]},
        "webhooks[0].headers.X has a line's end",
    ),
    "no name of a header": ({"webhooks": [{**HOOK, "headers": {"X: y": "z"}}]}, "webhooks[0].headers has 'X: y'"),
    "no time": ({"webhooks": [{**HOOK, "timeout": 61}]}, "webhooks[0].timeout is 61."),
    "arguments": ({"scripts": ["/usr/bin/logger x"]}, "scripts has '/usr/bin/logger x'"),
    "a script twice": ({"scripts": ["/bin/a", "/bin/a"]}, "scripts has /bin/a twice."),
    "another name of metrics": ({"textfile": "/var/lib/x.txt"}, "textfile is '/var/lib/x.txt'."),
    "a relative path": ({"textfile": "x.prom"}, "textfile is 'x.prom'."),
}


@pytest.mark.parametrize(("notify", "expected"), BAD.values(), ids=BAD)
def test_a_mistake_gives_its_sentence(notify: dict[str, Any], expected: str) -> None:
    (found,) = wrong({"notify": notify}, {})
    assert expected in found
    assert "s3cret" not in found


GOOD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "as little as there can be": {"textfile": "/var/lib/node_exporter/keepalived.prom"},
    "a login": {"email": {**MAIL, "user": "lb", "password": "s3cret", "tls": "implicit"}},
    "a login on the host itself": {"email": {**MAIL, "user": "lb", "password": "s3cret", "server": "::1"}},
    "an address of IPv6": {
        "webhooks": [{"url": "http://[2001:db8::1]:8080/", "headers": {"X-Key": "a b"}, "ca": "/a.pem"}]
    },
    "programs": {"scripts": ["/usr/local/bin/told"], "states": ["FAULT"]},
}


@pytest.mark.parametrize("notify", GOOD.values(), ids=GOOD)
def test_what_is_right_gives_none(notify: dict[str, Any]) -> None:
    assert wrong({"notify": notify}, {"python": {"version": {"major": 3, "minor": 6}}}) == []


def test_the_roles_example_would_be_accepted() -> None:
    role = PROJECT / "roles/keepalived"
    (text,) = re.findall(r"```yaml\n(keepalived_notify:.*?)```", (role / "README.md").read_text(), re.S)
    example = yaml.safe_load(text)
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    options = {name: specs[name] for name in example}
    assert ArgumentSpecValidator(options).validate(example).error_messages == []
    assert wrong({"notify": example["keepalived_notify"]}, {}) == []


def test_a_python_that_is_too_old_is_refused() -> None:
    facts = {"python": {"version": {"major": 2, "minor": 7}}}
    (found,) = wrong({"notify": GOOD["programs"]}, facts)
    assert "ansible_python_interpreter is Python 2.7" in found
    assert wrong({"notify": {}}, facts) == []


@pytest.mark.parametrize("name", ["vrrp_notify_fifo", "vrrp_notify_fifo_script"])
def test_the_fifo_is_the_notifiers(name: str) -> None:
    settings = {"notify": GOOD["programs"], "global_defs": {name: "/run/mine", "notify_fifo": "/run/all"}}
    (found,) = wrong(settings, {})
    assert f"keepalived_global_defs has {name}" in found
    assert wrong({**settings, "notify": {}}, {}) == []


def test_the_settings_are_one_line() -> None:
    text = keepalived_notify({"email": MAIL, "webhooks": [HOOK]}, "nginx1", INSTANCES, "nobody")
    assert re.fullmatch(r'\{"evenkeel_notify": .+\n', text)
    settings = json.loads(text)["evenkeel_notify"]
    assert settings["instances"]["VI_2"] == {"addresses": ["192.0.2.210/24"], "priority": 243}
    assert settings["webhooks"] == [{**HOOK, "headers": {}, "timeout": 10, "ca": ""}]
