# SPDX-License-Identifier: GPL-3.0-or-later
"""The prober against small servers of this process, its arithmetic, the module under every Python, and the lab's use."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import vip_probe
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.vip_probe import BadOption, probe
from hypothesis import given
from hypothesis import strategies as st
from labtest import Cluster
from support.modules import Python, ends

from machine import LabError
from probe import PROBER, command, watching

LOCAL = "127.0.0.1"
MAC1, MAC2 = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
COLLECTION = Path("ansible_collections", "evenkeel", "nginx_ha", "plugins", "module_utils")
RESULT = {"duration", "rate", "timeout", "missed", "targets"}


# Servers

Handler = Callable[[socket.socket, int], None]


@dataclass
class Server:
    """Each connection's request is read, and then handled in a thread of its own."""

    handler: Handler
    address: str = LOCAL
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.socket = socket.create_server(
            (self.address, self.port), family=socket.AF_INET6 if ":" in self.address else socket.AF_INET, backlog=1000
        )
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.socket,), daemon=True).start()

    def stop(self) -> None:
        """A close alone would leave the listening to the thread that accepts."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.arrivals.append(time.monotonic())
            threading.Thread(target=self.serve, args=(connection, len(self.arrivals) - 1), daemon=True).start()

    def serve(self, connection: socket.socket, number: int) -> None:
        with connection:
            try:
                self.requests.append(connection.recv(65536))
                self.handler(connection, number)
            except OSError:
                pass


@contextmanager
def serving(handler: Handler, address: str = LOCAL, port: int = 0) -> Iterator[Server]:
    server = Server(handler, address, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def page(body: str = "web1\n", status: str = "200 OK", headers: Sequence[str] = ()) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", *headers]
    return "".join(line + "\r\n" for line in lines).encode() + b"\r\n" + body.encode()


def giving(*parts: bytes, pause: float = 0.02) -> Handler:
    def handler(connection: socket.socket, _number: int) -> None:
        for place, part in enumerate(parts):
            time.sleep(pause if place else 0)
            connection.sendall(part)

    return handler


def silence(connection: socket.socket, _number: int) -> None:
    """Nothing, until the other side ends."""
    connection.settimeout(30)
    connection.recv(1)


def reset(connection: socket.socket, _number: int) -> None:
    connection.sendall(page()[:-2])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def unused_port() -> int:
    with socket.create_server((LOCAL, 0)) as free:
        return free.getsockname()[1]


def ask(port: int, duration: float, **options: Any) -> dict[str, Any]:
    """What the prober says of the one target."""
    options = {"rate": 20.0, "identity": "body", "targets": [LOCAL], **options}
    result = probe(port=port, duration=duration, **options)
    assert result["missed"] == 0
    return result["targets"][options["targets"][0]]


def reasons(target: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for span in target["failures"]:
        for reason, count in span["reasons"].items():
            found[reason] = found.get(reason, 0) + count
    assert sum(found.values()) == target["failed"]
    return found


def after(seconds: float, *actions: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, lambda: [action() for action in actions])
    timer.start()
    return timer


# Answers


def test_every_request_is_answered_on_a_connection_of_its_own() -> None:
    before = time.time()
    with serving(giving(page())) as four, serving(giving(page("web2")), "::1", four.port) as six:
        result = probe([LOCAL, "::1"], port=four.port, duration=0.5, rate=100, identity="body")
    assert before - 0.01 <= result.pop("started") <= before + 5
    targets = result.pop("targets")
    assert result == {"duration": 0.5, "rate": 100, "timeout": 1.0, "missed": 0}
    assert list(targets) == [LOCAL, "::1"]
    for address, name in ((LOCAL, "web1"), ("::1", "web2")):
        latency = targets[address].pop("latency_ms")
        assert list(latency) == ["min", "median", "p95", "p99", "max"]
        assert 0 < latency["min"] <= latency["median"] <= latency["p95"] <= latency["p99"] <= latency["max"] < 1000
        assert targets[address] == {
            "sent": 50,
            "failed": 0,
            "gap_ms": 0,
            "recover_ms": 0,
            "answered_by": {name: 50},
            "failures": [],
            "holders": [],
        }
    for server, name in ((four, LOCAL), (six, "[::1]")):
        question = f"GET / HTTP/1.1\r\nHost: {name}:{four.port}\r\nConnection: close\r\n\r\n"
        assert server.requests == [question.encode()] * 50


def test_path_and_host_are_asked_for() -> None:
    with serving(giving(page())) as server:
        ask(server.port, 0.05, path="/health?deep=1", host="www.example.com")
    assert server.requests == [b"GET /health?deep=1 HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n"]


def test_the_usual_port_is_not_in_the_host_header() -> None:
    assert vip_probe.question("192.0.2.200", 80, "/", None).splitlines()[1] == b"Host: 192.0.2.200"
    assert vip_probe.question("fe80::1%eth0", 80, "/", None).splitlines()[1] == b"Host: [fe80::1]"


@pytest.mark.parametrize(
    "handler",
    [
        giving(page(status="204 No Content", body="")),
        giving(page(status="301 Moved Permanently")),
        giving(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"),
        giving(b"HTTP/1.0 200 OK\r\n\r\nuntil ", b"the end"),
        giving(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", page()),
        giving(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwe", b"b\r\n2\r\n1\n\r\n0\r\n\r\n"),
        giving(*(page()[place : place + 9] for place in range(0, len(page()), 9)), pause=0.005),
        giving(page("x" * 1000000)),
    ],
    ids=["204", "301", "304", "without a length", "103 first", "chunked", "in pieces", "large"],
)
def test_a_complete_answer_with_a_good_status_counts(handler: Handler) -> None:
    with serving(handler) as server:
        target = ask(server.port, 0.2)
    assert (target["sent"], target["failed"]) == (4, 0)


def test_an_answer_is_complete_before_its_connection_ends_and_the_server_ends_it() -> None:
    ended = []

    def handler(connection: socket.socket, _number: int) -> None:
        connection.sendall(page())
        connection.settimeout(0.3)
        try:
            ended.append(connection.recv(1))
        except TimeoutError:
            ended.append("not yet")
            time.sleep(4)

    started = time.monotonic()
    with serving(handler) as server:
        target = ask(server.port, 0.5, timeout=5)
        elapsed = time.monotonic() - started
        time.sleep(0.5)
    assert target["failed"] == 0
    assert 0.4 < elapsed < 3
    assert target["latency_ms"]["median"] < 250
    # The last ones' connections end with the prober.
    assert ended[:3] == ["not yet"] * 3


# Failures


@pytest.mark.parametrize(
    ("reason", "handler"),
    [
        ("timeout", silence),
        ("timeout", giving(page()[:-1], b"", b"", pause=0.4)),
        ("status 500", giving(page(status="500 Internal Server Error"))),
        ("status 404", giving(page(status="404 Not Found"))),
        ("short answer", giving(page()[:-1])),
        ("short answer", giving(page()[:20])),
        ("short answer", giving()),
        ("short answer", giving(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nweb1\n\r\n")),
        ("not HTTP", giving(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")),
        ("not HTTP", giving(b"HTTP/1.1 200 OK\r\nContent-Length: some\r\n\r\n")),
        ("not HTTP", giving(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nweb1\n\r\n0\r\n\r\n")),
        ("not HTTP", giving(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000)),
        ("reset", reset),
    ],
)
def test_why_a_request_failed_is_told(reason: str, handler: Handler) -> None:
    with serving(handler) as server:
        target = ask(server.port, 0.3, timeout=0.3)
    assert (target["sent"], target["failed"], reasons(target)) == (6, 6, {reason: 6})
    assert (target["answered_by"], target["latency_ms"], target["recover_ms"]) == ({}, None, None)
    span = target["failures"][0]
    assert (len(target["failures"]), span["count"]) == (1, 6)
    assert 0 <= span["from_ms"] < 200 <= span["to_ms"] < 1000
    assert target["gap_ms"] == pytest.approx(span["to_ms"] - span["from_ms"], abs=1)


def test_refused_connections_and_full_queues_and_missing_routes_are_told_apart() -> None:
    assert reasons(ask(unused_port(), 0.2)) == {"refused": 4}
    assert reasons(ask(80, 0.2, targets=["255.255.255.255"])) == {"unreachable": 4}
    with socket.create_server((LOCAL, 0), backlog=0) as full:
        assert reasons(ask(full.getsockname()[1], 0.4, timeout=0.2)) == {"timeout": 8}


def test_another_error_is_told_in_the_systems_words() -> None:
    # An IPv6 socket without a scope for this address.
    assert reasons(ask(80, 0.05, targets=["fe80::1"])) == {"Invalid argument": 1}


def test_connections_of_failed_requests_are_reset_so_that_no_port_stays_taken() -> None:
    ended = []

    def handler(connection: socket.socket, _number: int) -> None:
        connection.settimeout(10)
        try:
            ended.append(connection.recv(1))
        except ConnectionResetError:
            ended.append("reset")

    with serving(handler) as server:
        target = ask(server.port, 0.2, timeout=0.1)
        time.sleep(0.3)
    assert target["failed"] == 4
    # Which of the last ones had their time before the prober ended is open.
    assert ended[:2] == ["reset"] * 2


def test_an_outage_is_measured_from_answer_to_answer() -> None:
    down, up = [], []
    server, other = Server(giving(page("web1"))), Server(giving(page("web2")))
    server.start()
    other.port = server.port
    timers = [
        after(0.5, lambda: down.append(time.time()), server.stop),
        after(1.2, other.start, lambda: up.append(time.time())),
    ]
    result = probe([LOCAL], port=server.port, duration=1.8, rate=50, identity="body")
    for timer in timers:
        timer.join()
    other.stop()
    target = result["targets"][LOCAL]
    outage = (up[0] - down[0]) * 1000
    failed = target["failed"]
    assert target["sent"] == 90
    assert 20 <= failed <= 50
    assert reasons(target) == {"refused": failed}
    assert set(target["answered_by"]) == {"web1", "web2"}
    assert sum(target["answered_by"].values()) == 90 - failed
    (span,) = target["failures"]
    assert (down[0] - result["started"]) * 1000 - 20 <= span["from_ms"] < span["to_ms"]
    assert span["to_ms"] <= (up[0] - result["started"]) * 1000 + 20
    # The last request before may have been sent long before it was answered, on a machine that is busy.
    assert outage - 60 <= target["gap_ms"] <= outage + 400
    assert outage - 60 <= target["recover_ms"] <= outage + 400
    assert span["to_ms"] - span["from_ms"] <= target["recover_ms"] <= target["gap_ms"]


def test_without_a_recovery_the_last_request_ends_the_gap() -> None:
    server = Server(giving(page()))
    server.start()
    timer = after(0.4, server.stop)
    target = ask(server.port, 1)
    timer.join()
    assert target["recover_ms"] is None
    (span,) = target["failures"]
    assert span["to_ms"] - span["from_ms"] < target["gap_ms"] <= span["to_ms"]
    assert 300 < target["gap_ms"] < 900


# The schedule


def test_requests_leave_on_schedule_while_none_is_answered() -> None:
    with serving(silence) as server:
        started = time.monotonic()
        target = ask(server.port, 1, rate=100, timeout=1)
        elapsed = time.monotonic() - started
    assert (target["sent"], reasons(target)) == (100, {"timeout": 100})
    assert 1.9 < elapsed < 6
    between = [server.arrivals[place] - server.arrivals[0] for place in (25, 50, 75, 99)]
    assert between == pytest.approx([0.25, 0.5, 0.75, 0.99], abs=0.35)


@pytest.mark.parametrize("timeout", [10, 0.8])
def test_a_slow_answer_hides_no_other(timeout: float) -> None:
    def handler(connection: socket.socket, number: int) -> None:
        time.sleep(1.2 if number % 10 == 5 else 0)
        connection.sendall(page())

    with serving(handler) as server:
        target = ask(server.port, 1, rate=50, timeout=timeout)
    assert target["sent"] == 50
    if timeout == 10:
        assert (target["failed"], target["failures"]) == (0, [])
        assert target["latency_ms"]["max"] >= 1200
        assert target["latency_ms"]["median"] < 600
    else:
        assert [span["count"] for span in target["failures"]] == [1] * 5
        assert [span["from_ms"] for span in target["failures"]] == pytest.approx(
            [100, 300, 500, 700, 900], rel=0, abs=150
        )
        assert 20 <= target["gap_ms"] < 250
        assert 700 <= target["recover_ms"] < 1000


class Stall:
    """A stop() that keeps the prober's loop from running, once."""

    def __init__(self, moment: float, seconds: float) -> None:
        self.due, self.seconds = time.monotonic() + moment, seconds

    def __call__(self) -> bool:
        if self.seconds and time.monotonic() >= self.due:
            time.sleep(self.seconds)
            self.seconds = 0
        return False


def test_requests_that_are_late_follow_at_once_and_count_from_when_they_left() -> None:
    with serving(giving(page())) as server:
        target = ask(server.port, 1.5, rate=50, stop=Stall(0.3, 0.8))
    assert (target["sent"], target["failed"], len(server.requests)) == (75, 0, 75)
    # Of the 75 some 40 were late. The next to leave were early enough to be 0.4 s in the past.
    assert target["latency_ms"]["p95"] < 300
    together = max(sum(0 <= arrival - first < 0.2 for arrival in server.arrivals) for first in server.arrivals)
    assert together >= 35


def test_never_more_than_a_second_of_late_requests_follow() -> None:
    with serving(giving(page())) as server:
        result = probe([LOCAL], port=server.port, duration=3.5, rate=20, stop=Stall(0.3, 2.5), identity="body")
    sent, missed = result["targets"][LOCAL]["sent"], result["missed"]
    assert sent + missed == 70
    assert 29 <= missed <= 35
    assert len(server.requests) == sent
    assert result["targets"][LOCAL]["failed"] == 0


def test_stop_ends_the_sending_and_answers_are_still_waited_for() -> None:
    asked = []

    def stop() -> bool:
        asked.append(time.monotonic())
        return asked[-1] - asked[0] >= 0.3

    with serving(silence) as server:
        result = probe([LOCAL], port=server.port, duration=60, rate=50, timeout=0.5, stop=stop)
        elapsed = time.monotonic() - asked[0]
    target = result["targets"][LOCAL]
    assert 0.3 <= result["duration"] < 1
    assert 0.75 <= elapsed < 3
    assert reasons(target) == {"timeout": target["sent"]}
    assert target["sent"] == pytest.approx(result["duration"] * 50, abs=2)
    assert 4 <= len(asked) <= 8


def test_stop_at_once_sends_nothing() -> None:
    with serving(giving(page())) as server:
        result = probe([LOCAL], port=server.port, duration=60, stop=lambda: True)
    assert (result["duration"], result["missed"], server.requests) == (0, 0, [])
    assert result["targets"][LOCAL] == {
        "sent": 0,
        "failed": 0,
        "gap_ms": 0,
        "recover_ms": 0,
        "answered_by": {},
        "latency_ms": None,
        "failures": [],
        "holders": [],
    }


def test_a_thousand_connections_at_once_are_no_burden() -> None:
    # The kernel accepts them; nobody ever answers.
    with socket.create_server((LOCAL, 0), backlog=2000) as server:
        target = ask(server.getsockname()[1], 1.5, rate=1000, timeout=1)
    assert (target["sent"], reasons(target)) == (1500, {"timeout": 1500})
    assert target["failures"][0]["to_ms"] < 2000


# Who answers


@pytest.mark.parametrize(
    ("identity", "answer", "expected"),
    [
        ("body", page("web1\nsecond line"), "web1"),
        ("body", page("  web1 \r\n"), "web1"),
        ("body", page("é" * 100), "é" * 64),
        ("body", page("\U0001f600" * 100), "\U0001f600" * 64),
        ("body", page(""), "-"),
        ("body", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwe\r\n2;x=y\r\nb1\r\n0\r\n\r\n", "web1"),
        ("X-Served-By", page(headers=["x-SERVED-by:  nginx1 "]), "nginx1"),
        ("X-Served-By", page(headers=["X-Served-By: " + "n" * 100]), "n" * 64),
        ("X-Served-By", page(), "-"),
        ("holder", page(), "-"),
    ],
)
def test_who_answered_is_told(identity: str, answer: bytes, expected: str) -> None:
    with serving(giving(answer)) as server:
        target = ask(server.port, 0.1, identity=identity)
    assert target["answered_by"] == {expected: 2}


def arp_table(*entries: str) -> str:
    """As /proc/net/arp has it."""
    head = "IP address       HW type     Flags       HW address            Mask     Device\n"
    rows = [entry.split() for entry in entries]
    return head + "".join(f"{ip:16} 0x1         {flags}         {mac}     *        eth0\n" for ip, flags, mac in rows)


def test_the_arp_table_tells_who_has_an_address_when(tmp_path: Path) -> None:
    table = tmp_path / "arp"

    def show(*entries: str) -> None:
        (tmp_path / "next").write_text(arp_table(*entries))
        (tmp_path / "next").rename(table)

    show(f"{LOCAL} 0x2 {MAC1}", f"192.0.2.9 0x2 {MAC2}")
    timers = [
        after(0.4, lambda: show(f"{LOCAL} 0x2 {MAC2}", f"192.0.2.9 0x2 {MAC1}")),
        after(0.8, lambda: show(f"{LOCAL} 0x0 {MAC2}")),
    ]
    with serving(giving(page())) as server:
        target = ask(server.port, 1.2, rate=50, arp_table=str(table), names={MAC1.upper(): "nginx1"}, identity="holder")
    for timer in timers:
        timer.join()
    assert [entry["holder"] for entry in target["holders"]] == ["nginx1", MAC2, None]
    assert target["holders"][0]["at_ms"] == 0
    assert [entry["at_ms"] for entry in target["holders"]] == pytest.approx([0, 400, 800], rel=0, abs=150)
    assert set(target["answered_by"]) == {"nginx1", MAC2, "-"}
    assert all(10 <= count <= 30 for count in target["answered_by"].values())


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([], []),
        ([(None, 0), (None, 5)], []),
        ([("a", 0), ("a", 1), ("b", 1.5), ("a", 2)], [(0, "a"), (1500, "b"), (2000, "a")]),
        # Our first request resolves the address.
        ([(None, 0), ("a", 0.02), ("b", 0.05)], [(0, "a"), (50, "b")]),
        ([(None, 0), ("a", 0.5)], [(0, None), (500, "a")]),
        ([("a", 0), (None, 1), ("a", 2)], [(0, "a"), (1000, None), (2000, "a")]),
    ],
)
def test_changes_of_the_holder_are_told(seen: list[tuple[str | None, float]], expected: list[tuple[int, str]]) -> None:
    target = vip_probe.Target(LOCAL, 80, "/", None)
    for holder, moment in seen:
        target.seen(holder, moment)
    assert [(entry["at_ms"], entry["holder"]) for entry in target.result()["holders"]] == expected


def test_complete_entries_of_the_arp_table_count() -> None:
    table = arp_table(
        f"192.0.2.1 0x2 {MAC1.upper()}", "192.0.2.2 0x0 00:00:00:00:00:00", f"192.0.2.3 0x6 {MAC2}"
    ).encode()
    assert vip_probe.read_arp(table) == {"192.0.2.1": MAC1, "192.0.2.3": MAC2}
    assert vip_probe.read_arp(b"") == {}


# Arithmetic

OK, BAD = None, "timeout"


def requests_of(text: str) -> tuple[list[float], list[str | None]]:
    """Ten a second; a dot is an answered one."""
    return [place / 10 for place in range(len(text))], [OK if letter == "." else BAD for letter in text]


@pytest.mark.parametrize(
    ("text", "gap", "recovery", "spans"),
    [
        ("", 0, 0, []),
        (".", 0, 0, []),
        ("....", 0, 0, []),
        (".x.", 0.2, 0.1, [(100, 100, 1)]),
        (".xx..", 0.3, 0.2, [(100, 200, 2)]),
        ("xx..", 0.2, 0.2, [(0, 100, 2)]),
        ("..xx", 0.2, None, [(200, 300, 2)]),
        ("x", 0, None, [(0, 0, 1)]),
        ("xxx", 0.2, None, [(0, 200, 3)]),
        (".x..xx.", 0.3, 0.5, [(100, 100, 1), (400, 500, 2)]),
        (".xxx..x", 0.4, None, [(100, 300, 3), (600, 600, 1)]),
        ("..x.x.....", 0.2, 0.3, [(200, 200, 1), (400, 400, 1)]),
    ],
)
def test_outages(text: str, gap: float, recovery: float | None, spans: list[tuple[int, int, int]]) -> None:
    times, why = requests_of(text)
    assert vip_probe.longest_gap(times, why) == pytest.approx(gap)
    assert vip_probe.recovery(times, why) == (None if recovery is None else pytest.approx(recovery))
    found = vip_probe.failures(times, why)
    assert [(span["from_ms"], span["to_ms"], span["count"]) for span in found] == spans
    assert all(span["reasons"] == {BAD: span["count"]} for span in found)


def test_reasons_are_counted_in_their_span() -> None:
    why = ["refused", "timeout", "refused", OK, "status 500"]
    assert vip_probe.failures([0, 1, 2, 3, 4], why) == [
        {"from_ms": 0, "to_ms": 2000, "count": 3, "reasons": {"refused": 2, "timeout": 1}},
        {"from_ms": 4000, "to_ms": 4000, "count": 1, "reasons": {"status 500": 1}},
    ]


def test_the_first_thousand_spans_are_told() -> None:
    found = vip_probe.failures(*requests_of("x." * 999 + "xx.x.x"))
    assert len(found) == 1000
    assert found[-1] == {"from_ms": 199800, "to_ms": 199900, "count": 2, "reasons": {BAD: 2}}


@given(st.lists(st.tuples(st.floats(0.001, 10), st.sampled_from([OK, BAD, "refused"]))))
def test_outages_agree_with_each_other(steps: list[tuple[float, str | None]]) -> None:
    times = [sum(step for step, _ in steps[:place]) for place in range(len(steps))]
    why = [reason for _, reason in steps]
    gap, recovery = vip_probe.longest_gap(times, why), vip_probe.recovery(times, why)
    spans = vip_probe.failures(times, why)
    runs = [list(run) for good, run in groupby(range(len(why)), key=lambda place: why[place] is OK) if not good]
    assert [span["count"] for span in spans] == [len(run) for run in runs]
    assert [sum(span["reasons"].values()) for span in spans] == [len(run) for run in runs]
    around = [(times[max(0, run[0] - 1)], times[min(len(times) - 1, run[-1] + 1)]) for run in runs]
    assert gap == max((end - start for start, end in around), default=0)
    if not runs:
        assert recovery == 0
    elif why[-1] is not OK:
        assert recovery is None
    else:
        assert recovery == times[runs[-1][-1] + 1] - times[runs[0][0]]


@pytest.mark.parametrize(
    ("latencies", "expected"),
    [
        ([0.0101], (10.1, 10.1, 10.1, 10.1, 10.1)),
        ([0.002, 0.001], (1, 1, 2, 2, 2)),
        ([0.003, 0.001, 0.002], (1, 2, 3, 3, 3)),
        ([number / 1000 for number in range(100, 0, -1)], (1, 50, 95, 99, 100)),
        ([number / 1000 for number in range(1, 201)], (1, 100, 190, 198, 200)),
        ([number / 1000 for number in range(1, 22)], (1, 11, 20, 21, 21)),
        ([0.000123456], (0.12, 0.12, 0.12, 0.12, 0.12)),
    ],
)
def test_latencies(latencies: list[float], expected: tuple[float, ...]) -> None:
    assert vip_probe.spread(latencies) == dict(zip(("min", "median", "p95", "p99", "max"), expected, strict=True))


def test_without_answers_there_is_no_latency() -> None:
    assert vip_probe.spread([]) is None


@given(st.lists(st.integers(0, 60000), min_size=1))
def test_so_many_percent_of_the_latencies_are_not_above_a_percentile(latencies: list[int]) -> None:
    found = vip_probe.spread([latency / 1000 for latency in latencies])
    for name, percent in (("min", 0), ("median", 50), ("p95", 95), ("p99", 99), ("max", 100)):
        assert found[name] in latencies
        assert sum(latency <= found[name] for latency in latencies) * 100 >= percent * len(latencies)
        assert sum(latency < found[name] for latency in latencies) * 100 < max(1, percent) * len(latencies)


# Reading answers

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
ANSWERS = {
    "with a length": page("web1\nand more", headers=["X-A: b"]),
    "empty": page(""),
    "chunked": CHUNKED + b"3\r\nweb\r\nA;ext=1\r\n1\nand\r\n0\r\n\r\n\r\n0\r\n\r\n",
    "with trailers": CHUNKED + b"05\r\nweb1\n\r\n0\r\nX-Sum: 1\r\n\r\n",
    "after a hint": b"HTTP/1.1 103 Early Hints\r\n\r\n" + page(),
}


def read(*parts: bytes, end: bool = False) -> vip_probe.Answer:
    answer = vip_probe.Answer()
    for part in parts:
        answer.feed(part)
    if end:
        answer.end()
    return answer


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_reads_the_same_in_any_two_pieces_and_is_short_without_its_end(name: str) -> None:
    text = ANSWERS[name]
    whole = read(text)
    assert (whole.status, whole.complete, whole.fault()) == (200, True, None)
    for place in range(len(text)):
        first = read(text[:place], end=True)
        assert (first.complete, first.fault()) == (False, "short answer"), text[:place]
        assert vars(read(text[:place], text[place:])) == vars(whole), text[:place]
    assert vars(read(*(bytes([byte]) for byte in text))) == vars(whole)


def test_chunks_are_no_part_of_the_body() -> None:
    assert read(ANSWERS["chunked"]).body == b"web1\nand\r\n0\r\n"
    assert read(ANSWERS["with trailers"]).body == b"web1\n"


def test_only_the_beginning_of_a_body_is_kept() -> None:
    answer = read(CHUNKED, *[b"64\r\n" + b"x" * 100 + b"\r\n"] * 1000, b"0\r\n\r\n")
    assert (answer.complete, answer.body) == (True, b"x" * 256)


# What cannot be asked for

BAD_OPTIONS = [
    ({"targets": []}, "targets is empty. Name at least one IP address."),
    (
        {"targets": [LOCAL, "web.example.com"]},
        "targets has 'web.example.com', which is no IP address. Name addresses such as 192.0.2.200 or 2001:db8::1.",
    ),
    ({"targets": ["127.1"]}, "targets has '127.1', which is no IP address. "),
    ({"targets": ["192.0.2.1/24"]}, "targets has '192.0.2.1/24', which is no IP address. "),
    ({"targets": ["192.0.2.1%lo"]}, "targets has '192.0.2.1%lo', which is no IP address. "),
    (
        {"targets": ["fe80::1%eth99"]},
        "targets has 'fe80::1%eth99', whose interface this host does not have. Name one that it has.",
    ),
    ({"targets": ["::1", LOCAL, "::1"]}, "targets has ::1 twice. Name it once."),
    ({"duration": 0.0}, "duration is 0.0. Name more than 0 seconds and at most 3600."),
    ({"duration": 3600.1}, "duration is 3600.1. Name more than 0 seconds and at most 3600."),
    ({"duration": float("nan")}, "duration is nan. Name more than 0 seconds and at most 3600."),
    ({"rate": 0.09}, "rate is 0.09. Name 0.1 to 1000 requests a second."),
    ({"rate": 1001.0}, "rate is 1001.0. Name 0.1 to 1000 requests a second."),
    ({"timeout": 0.04}, "timeout is 0.04. Name 0.05 to 60 seconds."),
    ({"timeout": 61.0}, "timeout is 61.0. Name 0.05 to 60 seconds."),
    ({"port": 0}, "port is 0. Name a number from 1 to 65535."),
    ({"port": 65536}, "port is 65536. Name a number from 1 to 65535."),
    (
        {"path": "health"},
        "path is 'health'. Start it with / and write spaces and what is not ASCII as %20 and the like.",
    ),
    ({"path": "/a b"}, "path is '/a b'. "),
    ({"path": "/é"}, "path is '/é'. "),
    ({"path": "/\n"}, "path is '/\n'. "),
    ({"host": ""}, "host is ''. Name a host as in a URL, in ASCII and without spaces."),
    ({"host": "a\r\nX: y"}, "host is 'a\r\nX: y'. "),
    (
        {"identity": "X Served"},
        "identity is 'X Served'. Name 'holder', 'body' or a header of the answer, such as X-Served-By.",
    ),
    ({"identity": ""}, "identity is ''. "),
    (
        {"names": {"5254": "nginx1"}},
        "names has '5254', which is no MAC address. Write it like '02:00:00:00:00:0a', in quotes.",
    ),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=[str(options) for options, _ in BAD_OPTIONS])
def test_bad_options_are_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadOption) as error:
        probe(**{"targets": [LOCAL], "duration": 0.05, "port": 9, **options})
    assert str(error.value).startswith(message)
    assert len(str(error.value)) == len(message) or message.endswith(" ")


@pytest.mark.parametrize("options", [{"rate": 0.1}, {"timeout": 0.05}, {"names": {MAC1.upper(): "a"}}, {"port": 65535}])
def test_options_at_their_limits_are_taken(options: dict[str, Any]) -> None:
    assert probe(**{"targets": [LOCAL], "duration": 0.05, "port": 9, "rate": 20, **options})["missed"] == 0


# The module


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection's module_utils as Ansible packs it."""
    top = tmp_path_factory.mktemp("collection")
    package = top
    for part in COLLECTION.parts:
        package /= part
        package.mkdir()
        (package / "__init__.py").touch()
    shutil.copy(PROBER, package)
    return top


@dataclass(frozen=True)
class Module:
    python: Python

    def run(self, preload: str = "pass", check: bool = False, **arguments: Any) -> dict[str, Any]:
        return self.python.run("vip_probe", arguments, preload=preload, check=check)


@pytest.fixture
def module(python: Python, collection: Path) -> Module:
    path = f"{python.environment['PYTHONPATH']}:{collection}"
    return Module(replace(python, environment={**python.environment, "PYTHONPATH": path}))


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_the_module_tells_what_it_saw(module: Module, check: bool) -> None:
    def handler(connection: socket.socket, number: int) -> None:
        connection.sendall(page("nginx1é", status="503 Service Unavailable" if number % 8 == 3 else "200 OK"))

    before = time.time()
    with serving(handler) as server:
        port = server.port
        answer = module.run(
            check=check,
            targets=[LOCAL, "::1"],
            port=port,
            path="/health",
            host="www.example.com",
            rate=40,
            timeout=5,
            duration=0.4,
            identity="body",
            names={MAC1: "nginx1"},
        )
    assert server.requests == [b"GET /health HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n"] * 16
    assert {key: answer[key] for key in answer if key in RESULT - {"targets"}} == {
        "duration": 0.4,
        "rate": 40.0,
        "timeout": 5.0,
        "missed": 0,
    }
    assert before - 1 <= answer["began"] <= time.time()
    assert (answer["changed"], set(answer["targets"])) == (False, {LOCAL, "::1"})
    # Ansible would take these for its own.
    assert not {"started", "finished", "failed", "skipped"} & set(answer)
    target, other = answer["targets"][LOCAL], answer["targets"]["::1"]
    assert (target["sent"], target["failed"], target["answered_by"]) == (16, 2, {"nginx1é": 14})
    assert [span["reasons"] for span in target["failures"]] == [{"status 503": 1}] * 2
    assert 25 <= target["gap_ms"] < 1000
    assert 0 < target["latency_ms"]["min"] <= target["latency_ms"]["max"] < 5000
    assert (other["sent"], reasons(other), other["recover_ms"]) == (16, {"refused": 16}, None)


def test_the_module_ends_once_the_stop_file_is_there_and_removes_it(module: Module, tmp_path: Path) -> None:
    stop_file = tmp_path / "stop"
    with serving(giving(page())) as server:
        # It starts later, on a Python that is slow to start, and the file has to come later than that.
        waiter = threading.Thread(target=touch_after_requests, args=(server, 5, stop_file))
        waiter.start()
        answer = module.run(targets=[LOCAL], port=server.port, rate=20, duration=60, stop_file=str(stop_file))
        waiter.join()
    assert 0.2 <= answer["duration"] < 20
    assert answer["targets"][LOCAL]["sent"] == len(server.requests) >= 5
    assert answer["targets"][LOCAL]["failed"] == 0
    assert not stop_file.exists()


def touch_after_requests(server: Server, count: int, path: Path) -> None:
    deadline = time.monotonic() + 30
    while len(server.requests) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    path.touch()


@ends
def test_a_stop_file_from_before_ends_the_module_at_once(module: Module, tmp_path: Path) -> None:
    stop_file = tmp_path / "stop"
    stop_file.touch()
    answer = module.run(targets=[LOCAL], port=9, duration=60, stop_file=str(stop_file))
    assert (answer["duration"], answer["targets"][LOCAL]["sent"]) == (0, 0)
    assert not stop_file.exists()


@ends
def test_a_stop_file_that_cannot_be_is_told(module: Module, tmp_path: Path) -> None:
    for path, problem in (
        (tmp_path, "which is a directory. Name a file."),
        (tmp_path / "no" / "stop", f"and there is no directory {tmp_path / 'no'}. Name a file in one that exists."),
    ):
        answer = module.run(targets=[LOCAL], port=9, duration=60, stop_file=str(path))
        assert answer["msg"] == f"stop_file is '{path}', {problem}"


@ends
def test_a_stop_file_that_stays_is_warned_of(module: Module, tmp_path: Path) -> None:
    stop_file = tmp_path / "stop"
    stop_file.touch()
    preload = "import os\ndef refuse(path): raise OSError(1, 'no', path)\nos.unlink = refuse"
    answer = module.run(preload, targets=[LOCAL], port=9, duration=60, stop_file=str(stop_file))
    text = json.dumps(answer["warnings"])
    assert f"stop_file {stop_file} is still there and would stop the next run: [Errno 1] no" in text


@ends
def test_the_module_tells_bad_options(module: Module) -> None:
    for options, message in (
        ({"targets": []}, "targets is empty. Name at least one IP address."),
        ({"duration": "nan"}, "duration is nan. Name more than 0 seconds and at most 3600."),
        ({"path": "/é"}, "path is '/é'. Start it with / and write spaces and what is not ASCII as %20 and the like."),
        # What YAML makes of 52:54:00:12:34:56.
        (
            {"names": {41135567696: "nginx1"}},
            "names has '41135567696', which is no MAC address. Write it like '02:00:00:00:00:0a', in quotes.",
        ),
    ):
        answer = module.run(**{"targets": [LOCAL], "duration": 1, **options})
        assert answer["msg"] == message


def test_a_host_without_an_arp_table_is_no_error(module: Module) -> None:
    preload = (
        "import io, sys\n"
        "def missing(name, *words):\n"
        "    if name == '/proc/net/arp': raise IOError(2, 'No such file')\n"
        "    return opening(name, *words)\n"
        "builtins = sys.modules.get('builtins') or sys.modules['__builtin__']\n"
        "opening, builtins.open = builtins.open, missing"
    )
    answer = module.run(preload, targets=[LOCAL], port=unused_port(), rate=20, duration=0.1)
    assert (answer["targets"][LOCAL]["holders"], answer["targets"][LOCAL]["failed"]) == ([], 2)


LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (%d, %d))"


@ends
def test_as_many_connections_as_may_be_open_are_allowed_for(module: Module) -> None:
    with serving(silence) as server:
        options = {"targets": [LOCAL, "127.0.0.2"], "port": server.port, "rate": 50, "timeout": 1, "duration": 1}
        answer = module.run(LIMIT % (40, 150), **options)
        found = {address: reasons(target) for address, target in answer["targets"].items()}
        assert found == {LOCAL: {"timeout": 50}, "127.0.0.2": {"refused": 50}}
        answer = module.run(LIMIT % (40, 120), **options)
    assert answer["msg"] == (
        "rate is 50.0, timeout 1.0 and the number of targets 2: they may need 100 connections at once, and this process "
        "may have 120 files open. Lower one of them, or raise the limit (ulimit -n)."
    )


# The lab's client, which is a shell of this machine here


def test_the_client_asks_meanwhile() -> None:
    with (
        serving(giving(page("web1\n"))) as server,
        watching(["sh", "-c"], [LOCAL], rate=50, port=server.port, names={MAC1: 'it\'s "nginx1" $HOME'}) as seen,
    ):
        assert seen == {}
        time.sleep(0.5)
    assert 2.4 <= seen["duration"] < 10
    assert seen["timeout"] == 0.5
    target = seen["targets"][LOCAL]
    assert (target["failed"], target["answered_by"]) == (0, {"web1": target["sent"]})
    assert target["sent"] == pytest.approx(seen["duration"] * 50, abs=10)


@pytest.mark.parametrize("text", ["stop\n", ""])
def test_a_line_or_the_end_of_the_input_ends_the_client(text: str) -> None:
    words = ["sh", "-c", command([LOCAL], port=9, rate=10)]
    done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=30, check=True)
    begun, result = done.stdout.splitlines()
    assert (begun, done.stderr) == ("probing", "")
    assert json.loads(result)["duration"] < 5


def test_the_client_ends_by_itself() -> None:
    words = ["sh", "-c", command([LOCAL], port=unused_port(), rate=10, duration=0.3, timeout=2, identity="holder")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout
        lines = client.stdout.readlines()
    result = json.loads(lines[1])
    assert (result["duration"], result["timeout"], result["targets"][LOCAL]["sent"]) == (0.3, 2, 3)


def test_a_client_that_fails_fails_the_test(capfd: pytest.CaptureFixture[str]) -> None:
    for shell, rate in (["false"], 10), (["sh", "-c"], 5000):
        with pytest.raises(LabError), watching(shell, [LOCAL], rate=rate):
            pytest.fail("it went on without a client")
    assert "rate is 5000. Name 0.1 to 1000 requests a second." in capfd.readouterr().err


def test_the_client_ends_with_a_test_that_fails() -> None:
    with (
        serving(giving(page())) as server,
        pytest.raises(ZeroDivisionError),
        watching(["sh", "-c"], [LOCAL], rate=10, port=server.port),
    ):
        raise ZeroDivisionError
    count = len(server.requests)
    time.sleep(0.5)
    assert len(server.requests) == count > 0


def test_tests_on_the_lab_see_what_the_client_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "__main__.py").write_text(
        "import os, sys\nassert sys.argv[1:3] == ['ssh', 'client']\nos.execvp('sh', ['sh', '-c', *sys.argv[3:]])"
    )
    monkeypatch.setattr(sys.modules[Cluster.__module__], "PROJECT", tmp_path)
    cluster: Any = SimpleNamespace(vips={LOCAL: "nginx1"})
    with (
        serving(giving(page("web1\n"))) as server,
        Cluster.client_watching(cluster, port=server.port, rate=20) as seen,
    ):
        pass
    sent = seen[LOCAL]["sent"]
    assert (list(seen), seen[LOCAL]["answered_by"]) == ([LOCAL], {"web1": sent})
    assert capsys.readouterr().out == f"{LOCAL}: 0 of {sent} requests failed, longest gap 0 ms\n"


def test_the_prober_needs_the_standard_library_alone() -> None:
    code = PROBER.read_text() + "\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("ansible")]
