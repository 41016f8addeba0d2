# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask addresses for a page over HTTP at a steady rate, and tell which requests failed and who answered the others.

Requests leave on schedule, however many are unanswered, and each counts by when it was sent: a slow answer hides no
other. This text also runs by itself, as in python3 -c, hence the standard library only.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import math
import os
import re
import resource
import select
import socket
import struct
import time
from array import array
from collections import Counter, deque
from itertools import groupby, islice

ARP_TABLE = "/proc/net/arp"
COMPLETE = 0x2  # ATF_COM: the entry has a MAC address that is valid
LOOK_EVERY = 0.01
ASK_STOP_EVERY = 0.05
# An address may be in no ARP table until our first request. What this resolves to was so at the start.
RESOLVING = 0.1
MOST_SPANS = 1000
LONGEST_IDENTITY = 64
LARGEST_HEAD = 65536
CHUNK = 65536
SPARE_FILES = 32
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
REASONS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.EHOSTUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.ETIMEDOUT: "timeout",
}
NOTHING = "-"  # in answered_by, where nothing tells who answered

if hasattr(time, "monotonic"):
    clock = time.monotonic
else:
    # Python 2.7. Its os.times() counts hundredths of a second, and time.time() follows changes of the host's time.
    import ctypes

    LIBC = ctypes.CDLL(None)

    def clock():
        moment = (ctypes.c_long * 2)()
        LIBC.clock_gettime(1, moment)
        return moment[0] + moment[1] / 1e9


class BadOption(ValueError):
    """What was asked for cannot be done; the message names the option, its value and the fix."""


def probe(
    targets,
    duration,
    rate=100.0,
    timeout=1.0,
    port=80,
    path="/",
    host=None,
    identity="holder",
    names=None,
    stop=None,
    arp_table=ARP_TABLE,
):
    """Ask each target `rate` times a second for `duration` seconds, or until `stop()` is true.

    The result has "started" (seconds since the epoch), "duration" (for how long requests were sent), "rate", "timeout",
    "missed" (requests to each target that were never sent, as this process did not run for more than a second) and
    "targets", by address; see Target.result. Raises BadOption.
    """
    names = {mac.lower(): name for mac, name in (names or {}).items()}
    check(targets, duration, rate, timeout, port, path, host, identity, names)
    allow_connections(rate, timeout, len(targets))
    asked = [Target(address, port, path, host) for address in targets]
    prober = Prober(asked, rate, timeout, identity, names, arp_table)
    try:
        return prober.run(duration, stop or (lambda: False))
    finally:
        prober.close()


# What is asked for


def check(targets, duration, rate, timeout, port, path, host, identity, names):
    demand(targets, "targets is empty. Name at least one IP address.")
    for place, address in enumerate(targets):
        demand(
            family_of(address) is not None,
            "targets has '%s', which is no IP address. Name addresses such as 192.0.2.200 or 2001:db8::1." % (address,),
        )
        demand(address not in targets[:place], "targets has %s twice. Name it once." % address)
    demand(0 < duration <= 3600, "duration is %s. Name more than 0 seconds and at most 3600." % duration)
    demand(0.1 <= rate <= 1000, "rate is %s. Name 0.1 to 1000 requests a second." % rate)
    demand(0.05 <= timeout <= 60, "timeout is %s. Name 0.05 to 60 seconds." % timeout)
    demand(1 <= port <= 65535, "port is %s. Name a number from 1 to 65535." % port)
    demand(
        re.match(r"/[!-~]*\Z", path),
        "path is '%s'. Start it with / and write spaces and what is not ASCII as %%20 and the like." % path,
    )
    demand(
        host is None or re.match(r"[!-~]+\Z", host),
        "host is '%s'. Name a host as in a URL, in ASCII and without spaces." % host,
    )
    demand(
        re.match(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+\Z", identity),
        "identity is '%s'. Name 'holder', 'body' or a header of the answer, such as X-Served-By." % identity,
    )
    for mac in names:
        demand(
            re.match(r"[0-9a-f]{2}(:[0-9a-f]{2})+\Z", mac),
            "names has '%s', which is no MAC address. Write it like '02:00:00:00:00:0a', in quotes." % mac,
        )


def demand(condition, message):
    if not condition:
        raise BadOption(message)


def family_of(address):
    """The family of an address without a port; None if it is not one. Of IPv6 the interface may follow, as in fe80::1%eth0."""
    for family, text in ((socket.AF_INET, address), (socket.AF_INET6, address.split("%")[0])):
        try:
            socket.inet_pton(family, text)
            return family
        except (EnvironmentError, ValueError):
            pass
    return None


def endpoint(address, port):
    try:
        found = socket.getaddrinfo(address, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    except socket.gaierror:
        raise BadOption("targets has '%s', whose interface this host does not have. Name one that it has." % address)
    return found[0][4]


def question(address, port, path, host):
    if host is None:
        host = "[%s]" % address.split("%")[0] if ":" in address else address
        host += "" if port == 80 else ":%d" % port
    return ("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, host)).encode("ascii")


def allow_connections(rate, timeout, targets):
    """Let this process have as many connections as may be open at once."""
    most = int(math.ceil(rate * timeout)) * targets
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (EnvironmentError, ValueError, resource.error):
        pass
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    demand(
        soft == resource.RLIM_INFINITY or most + SPARE_FILES <= soft,
        "rate is %s, timeout %s and the number of targets %d: they may need %d connections at once, and this process may "
        "have %d files open. Lower one of them, or raise the limit (ulimit -n)." % (rate, timeout, targets, most, soft),
    )


# What the requests say together. Request n left at times[n]; reasons[n] is why it failed, None if it was answered.


def longest_gap(times, reasons):
    """From the last answered request before a failure to the first one after it; the ends stand in for missing ones."""
    longest, before, failing = 0.0, times[0] if len(times) else 0.0, False
    for moment, reason in zip(times, reasons):
        if reason is not None:
            failing = True
            continue
        if failing:
            longest = max(longest, moment - before)
        before, failing = moment, False
    return max(longest, times[-1] - before) if failing else longest


def recovery(times, reasons):
    """From the first failed request to the one that is answered and after which none fails; None if there is none."""
    failed = [place for place, reason in enumerate(reasons) if reason is not None]
    if not failed:
        return 0.0
    if failed[-1] == len(times) - 1:
        return None
    return times[failed[-1] + 1] - times[failed[0]]


def failures(times, reasons):
    """The spans of failed requests without an answered one between them."""
    runs = groupby(zip(times, reasons), lambda request: request[1] is not None)
    return [_span(*zip(*run)) for run in islice((run for failed, run in runs if failed), MOST_SPANS)]


def _span(times, reasons):
    return {
        "from_ms": milliseconds(times[0]),
        "to_ms": milliseconds(times[-1]),
        "count": len(times),
        "reasons": dict(Counter(reasons)),
    }


def spread(latencies):
    """Of every percentile the latency that so many percent do not exceed, in milliseconds."""
    ordered = sorted(latencies)
    if not ordered:
        return None
    percents = {"min": 0, "median": 50, "p95": 95, "p99": 99, "max": 100}
    ranks = {name: max(0, (len(ordered) * percent + 99) // 100 - 1) for name, percent in percents.items()}
    return {name: round(ordered[rank] * 1000, 2) for name, rank in ranks.items()}


def milliseconds(seconds):
    return None if seconds is None else int(round(seconds * 1000))


# One target


class Target:
    def __init__(self, address, port, path, host):
        self.address = address
        self.family = family_of(address)
        self.endpoint = endpoint(address, port)
        self.question = question(address, port, path, host)
        self.times = array("d")
        self.reasons = []
        self.latencies = array("d")
        self.answered_by = {}
        self.holder = None
        self.holders = []

    def seen(self, holder, moment):
        """Note who has the address at that moment, None if nobody is known."""
        if holder == self.holder:
            return
        if not self.holders:
            if moment < RESOLVING:
                moment = 0
            else:
                self.holders.append({"at_ms": 0, "holder": None})
        self.holder = holder
        self.holders.append({"at_ms": milliseconds(moment), "holder": holder})

    def result(self):
        return {
            "sent": len(self.times),
            "failed": len(self.times) - len(self.latencies),
            "gap_ms": milliseconds(longest_gap(self.times, self.reasons)),
            "recover_ms": milliseconds(recovery(self.times, self.reasons)),
            "answered_by": self.answered_by,
            "latency_ms": spread(self.latencies),
            "failures": failures(self.times, self.reasons),
            "holders": self.holders,
        }


def read_arp(text):
    """MAC addresses by IP address, of the complete entries in the text of /proc/net/arp."""
    macs = {}
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) >= 4 and int(words[2], 16) & COMPLETE:
            macs[words[0].decode("ascii")] = words[3].decode("ascii").lower()
    return macs


# One request


class NotHttp(ValueError):
    pass


class Answer:
    """An HTTP answer while it comes in. Of its body only the beginning is kept."""

    def __init__(self):
        self.status = None
        self.headers = {}
        self.body = b""
        self.complete = False
        self.chunked = False
        self.last_chunk = False
        self.left = None  # bytes that the body, or the present chunk, still lacks; None without a length
        self.unread = b""

    def feed(self, data):
        self.unread += data
        if self.status is None:
            self.read_head()
        if self.status is not None:
            if self.chunked:
                self.read_chunks()
            else:
                self.read_body()

    def end(self):
        """The connection has ended; without a length that is where the body ends too."""
        if self.status is not None and self.left is None and not self.chunked:
            self.complete = True

    def fault(self):
        """Why the request failed; None if it did not."""
        if self.status is not None and not 200 <= self.status <= 399:
            return "status %d" % self.status
        return None if self.complete else "short answer"

    def line(self, end):
        """What comes before that end, None if it is not there yet."""
        line, found, rest = self.unread.partition(end)
        if found:
            self.unread = rest
            return line
        if len(self.unread) > LARGEST_HEAD:
            raise NotHttp
        return None

    def read_head(self):
        while self.status is None:
            head = self.line(b"\r\n\r\n")
            if head is None:
                return
            status, headers = parse_head(head)
            # Less is not the answer yet, such as 103 Early Hints.
            if status >= 200:
                self.status, self.headers = status, headers
        self.chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        if self.status in (204, 304):
            self.left, self.chunked = 0, False
        elif not self.chunked and "content-length" in self.headers:
            self.left = number(r"[0-9]+\Z", self.headers["content-length"], 10)

    def read_body(self):
        self.keep(self.unread)
        if self.left is not None:
            self.left -= len(self.unread)
            self.complete = self.left <= 0
        self.unread = b""

    def read_chunks(self):
        while self.unread and not self.complete:
            if self.left:
                part, self.unread = self.unread[: self.left], self.unread[self.left :]
                self.left -= len(part)
                self.keep(part)
                continue
            line = self.line(b"\r\n")
            if line is None:
                return
            if self.last_chunk:
                self.complete = not line
            elif line:  # an empty one ends the chunk before
                self.left = number(r"[0-9A-Fa-f]+(?=[; ]|\Z)", readable(line), 16)
                self.last_chunk = self.left == 0

    def keep(self, part):
        # A character has at most 4 bytes.
        self.body += part[: max(0, 4 * LONGEST_IDENTITY - len(self.body))]


def parse_head(head):
    """The status and the headers, by their names in lower case."""
    lines = head.split(b"\r\n")
    status = re.match(r"HTTP/1\.[01] ([1-9][0-9][0-9])(?: |\Z)", readable(lines[0]))
    if not status:
        raise NotHttp
    headers = {}
    for line in lines[1:]:
        name, dummy, value = line.partition(b":")
        headers[readable(name).lower()] = readable(value)
    return int(status.group(1)), headers


def number(pattern, text, base):
    found = re.match(pattern, text)
    if not found:
        raise NotHttp
    return int(found.group(), base)


def readable(text):
    return text.decode("utf-8", "replace").strip()


class Request:
    __slots__ = ("target", "place", "sent", "sock", "unsent", "answer", "settled")

    def __init__(self, target, place, sent, sock):
        self.target = target
        self.place = place
        self.sent = sent
        self.sock = sock
        self.unsent = target.question
        self.answer = Answer()
        self.settled = False


class Prober:
    """Sends, receives and looks around in one thread. Moments are seconds since the start."""

    def __init__(self, targets, rate, timeout, identity, names, arp_table):
        self.targets, self.rate, self.timeout = targets, rate, timeout
        self.identity, self.names, self.arp_table = identity, names, arp_table
        self.poller = select.epoll()  # poll() takes too long once there are thousands
        self.requests = {}  # by file descriptor
        self.by_age = deque()
        self.unsettled = 0
        self.slot = 0  # the next one; in each slot every target is asked once
        self.slots = 0
        self.missed = 0
        self.next_look = self.next_stop = 0.0
        self.arp = None
        self.start = clock()

    def now(self):
        return clock() - self.start

    def run(self, duration, stop):
        started, self.start = time.time(), clock()
        self.slots = int(math.ceil(duration * self.rate - 1e-6))
        while self.slot < self.slots or self.unsettled:
            now = self.now()
            if now >= self.next_stop:
                self.next_stop = now + ASK_STOP_EVERY
                if self.slot < self.slots and stop():
                    self.slots, duration = self.slot, min(duration, now)
            if now >= self.next_look:
                self.next_look = now + LOOK_EVERY
                self.look(now)
            if self.slot < self.slots and self.slot / self.rate <= now:
                self.ask_all(now)
            self.wait()
            self.expire()
        return {
            "started": round(started, 3),
            "duration": round(duration, 3),
            "rate": self.rate,
            "timeout": self.timeout,
            "missed": self.missed,
            "targets": {target.address: target.result() for target in self.targets},
        }

    def close(self):
        for request in self.requests.values():
            request.sock.close()
        self.poller.close()

    def look(self, now):
        try:
            with open(self.arp_table, "rb") as source:
                arp = source.read()
        except EnvironmentError:
            arp = b""
        if arp == self.arp:
            return
        self.arp = arp
        macs = read_arp(arp)
        for target in self.targets:
            mac = macs.get(target.address)
            target.seen(self.names.get(mac, mac), now)

    def ask_all(self, now):
        """One slot's requests. Late ones follow at once, slot by slot, but not more than a second's worth of them."""
        due = min(int(now * self.rate) + 1, self.slots) - self.slot
        excess = max(0, due - max(1, int(self.rate)))
        self.missed += excess
        self.slot += excess + 1
        for target in self.targets:
            self.ask(target)

    def ask(self, target):
        sock = socket.socket(target.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        request = Request(target, len(target.times), self.now(), sock)
        target.times.append(request.sent)
        target.reasons.append("timeout")  # until more is known
        self.requests[sock.fileno()] = request
        self.by_age.append(request)
        self.unsettled += 1
        self.poller.register(sock, select.EPOLLOUT)
        error = sock.connect_ex(target.endpoint)
        if error not in (0, errno.EINPROGRESS):
            self.fail(request, error)

    def wait(self):
        """Deal with what happens until there is something else to do."""
        wake = min(self.next_look, self.next_stop)
        if self.slot < self.slots:
            wake = min(wake, self.slot / self.rate)
        if self.by_age:
            wake = min(wake, self.by_age[0].sent + self.timeout)
        try:
            # Python 2.7 rounds down to milliseconds, and would be busy for what is left of the last one.
            events = self.poller.poll(max(0.0, math.ceil((wake - self.now()) * 1000) / 1000))
        except EnvironmentError as error:
            # Nor does it wait on after a signal.
            if error.errno != errno.EINTR:
                raise
            events = []
        for descriptor, dummy in events:
            self.advance(self.requests[descriptor])

    def expire(self):
        """After wait: an answer that came in time counts, though this process may have been late to read it."""
        before = self.now() - self.timeout
        while self.by_age and (self.by_age[0].sock is None or self.by_age[0].sent <= before):
            request = self.by_age.popleft()
            if request.sock is not None:
                self.settle(request, "timeout")
                self.drop(request)

    def advance(self, request):
        try:
            if request.unsent:
                self.send(request)
            else:
                self.receive(request)
        except EnvironmentError as error:
            if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR):
                self.fail(request, error.errno)
        except NotHttp:
            self.settle(request, "not HTTP")
            self.drop(request)

    def send(self, request):
        error = request.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.fail(request, error)
            return
        request.unsent = request.unsent[request.sock.send(request.unsent) :]
        if not request.unsent:
            self.poller.modify(request.sock, select.EPOLLIN)

    def receive(self, request):
        data = request.sock.recv(CHUNK)
        if not request.settled:
            if data:
                request.answer.feed(data)
            else:
                request.answer.end()
            if request.answer.complete or not data:
                self.settle(request, request.answer.fault())
        # Who closes first keeps the port for a minute: let it be the server.
        if not data:
            self.forget(request)

    def fail(self, request, error):
        self.settle(request, REASONS.get(error) or os.strerror(error))
        self.drop(request)

    def settle(self, request, reason):
        if request.settled:
            return
        request.settled = True
        self.unsettled -= 1
        target = request.target
        target.reasons[request.place] = reason
        if reason is None:
            target.latencies.append(self.now() - request.sent)
            identity = self.identify(request)
            target.answered_by[identity] = target.answered_by.get(identity, 0) + 1

    def identify(self, request):
        if self.identity == "holder":
            return request.target.holder or NOTHING
        if self.identity == "body":
            text = readable(request.answer.body.partition(b"\n")[0])
        else:
            text = request.answer.headers.get(self.identity.lower(), "")
        return text[:LONGEST_IDENTITY] or NOTHING

    def drop(self, request):
        """End the connection for both sides at once: one that waits for the other keeps its port."""
        request.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.forget(request)

    def forget(self, request):
        self.poller.unregister(request.sock)
        del self.requests[request.sock.fileno()]
        request.sock.close()
        request.sock = None
