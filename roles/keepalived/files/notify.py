# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Managed by Ansible: evenkeel.nginx_ha.keepalived
"""Tells people and programs of changes of VRRP instances: by mail, by webhooks, by programs, and by metrics.

listen FIFO  what keepalived starts: reads a line for each change until keepalived closes the FIFO or sends SIGTERM
flush        after keepalived has ended: tells what is left, once and for a few seconds only
forget       removes what has been kept and the metrics

What is still to be told is kept in a file, so that it outlives this program, keepalived and a server that is down. A message is
taken out when its receiver has accepted it, so one can come twice, with the same id, but none is lost while it is young enough.

Runs on Python 3.6 and later, with nothing but its standard library.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import re
import select
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
import syslog
import threading
import time
import urllib.error
import urllib.request
import uuid
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import urlsplit

SETTINGS = "/etc/keepalived/evenkeel_notify.json"
KEPT = "/var/lib/keepalived/notify.json"
LINE = re.compile(r'INSTANCE "([^"]+)" ([A-Z_]+) (\d+)\Z')
STATES = ("MASTER", "BACKUP", "FAULT", "STOP")
# What keepalived calls a FAULT, unless a program wants to know.
DELETED = "DELETED"
# Of each receiver: how many messages are kept, for how many seconds, and the longest pause between two attempts.
MOST, OLDEST, LONGEST_PAUSE = 500, 86400, 900
# How long after SIGTERM the last lines are waited for, and how long a flush may take.
DRAIN_SECONDS, FLUSH_SECONDS = 1.0, 3.0
NETWORK_SECONDS, PROGRAM_SECONDS = 10, 30
# How a label's value has these in the metrics.
ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def warn(text):
    syslog.syslog(syslog.LOG_WARNING, text)


def iso(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def tls(ca):
    return ssl.create_default_context(cafile=ca or None)


def write(path, text, mode):
    """All of it or nothing, also when the power fails."""
    fresh = path + ".new"
    # The directory may be another user's, and a link in it lead elsewhere.
    remove(fresh)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def remove(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


class Mail:
    key = name = "email"

    def __init__(self, settings):
        self.settings = settings

    def message(self, event):
        sender = self.settings["from"]
        message = EmailMessage()
        message["Subject"] = "[keepalived] {host}: {instance} is {state}".format(**event)
        message["From"] = sender
        message["To"] = ", ".join(self.settings["to"])
        message["Date"] = formatdate(event["time"])
        message["Message-ID"] = "<{}@{}>".format(event["id"], sender.rpartition("@")[2])
        # Answers of automatic responders are for nobody (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        rows = [(name, event[name]) for name in ("host", "instance", "state", "previous", "priority")]
        rows += [("addresses", " ".join(event["addresses"])), ("time", iso(event["time"]))]
        message.set_content(
            "".join("{:10} {}\n".format(name, "unknown" if value is None else value) for name, value in rows)
        )
        return message

    def connect(self):
        kind, context = self.settings["tls"], tls(self.settings["ca"])
        place = {"host": self.settings["server"], "port": self.settings["port"], "timeout": NETWORK_SECONDS}
        if kind == "implicit":
            return smtplib.SMTP_SSL(context=context, **place)
        server = smtplib.SMTP(**place)
        if kind == "starttls":
            server.starttls(context=context)
        return server

    def tell(self, event):
        with self.connect() as server:
            if self.settings["user"]:
                server.login(self.settings["user"], self.settings["password"])
            refused = server.send_message(self.message(event))
        for address in refused:
            warn(f"email: the server refuses {address}")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Another place may not get the headers, and a POST would become a GET."""

    def redirect_request(self, *dummy):
        return None


class Webhook:
    def __init__(self, settings):
        self.settings = settings
        self.key = "webhook " + hashlib.sha256(settings["url"].encode()).hexdigest()[:12]
        self.name = "webhook " + (urlsplit(settings["url"]).hostname or "")

    def tell(self, event):
        body = dict(event, time=iso(event["time"]))
        headers = {"Content-Type": "application/json", "User-Agent": "evenkeel-notify"}
        headers.update(self.settings["headers"])
        request = urllib.request.Request(self.settings["url"], json.dumps(body).encode(), headers, method="POST")
        opener = urllib.request.build_opener(NoRedirect, urllib.request.HTTPSHandler(context=tls(self.settings["ca"])))
        with opener.open(request, timeout=self.settings["timeout"]):
            pass


class ProgramError(Exception):
    pass


class Program:
    def __init__(self, path, user):
        self.path, self.user = path, user
        self.key = self.name = "script " + path

    def words(self, event):
        words = [self.path, event["instance"], event["state"], str(event["priority"])]
        if os.geteuid() != 0:
            return words
        user = pwd.getpwnam(self.user)
        ids = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--init-groups"]
        return [shutil.which("setpriv") or "/usr/bin/setpriv"] + ids + ["--"] + words

    def tell(self, event):
        nothing = subprocess.DEVNULL
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        process = subprocess.Popen(
            self.words(event), stdin=nothing, stdout=nothing, stderr=nothing, env=environment, start_new_session=True
        )
        try:
            code = process.wait(PROGRAM_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise ProgramError(f"it takes longer than {PROGRAM_SECONDS} s") from None
        if code:
            raise ProgramError(f"it ends with {code}")


def receivers_of(settings):
    found = [Mail(settings["email"])] if settings["email"] else []
    found += [Webhook(one) for one in settings["webhooks"]]
    found += [Program(path, settings["script_user"]) for path in settings["scripts"]]
    return found


def addresses():
    """Those of this host, with their prefixes."""
    try:
        found = subprocess.check_output(["ip", "-oneline", "address", "show"], timeout=NETWORK_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        warn("ip address show: " + problem_of(error))
        return set()
    return set(found.decode("utf-8", "replace").split())


def problem_of(error):
    """Why somebody could not be told, with nothing in it that could be a secret, such as an address that was asked for."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code}"
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        return problem_of(error.reason)
    if isinstance(error, smtplib.SMTPResponseException):
        return f"SMTP status {error.smtp_code}"
    if isinstance(error, ProgramError):
        return str(error)
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


class Kept:
    """What outlives this program: the state of each instance, and what is still to be told to whom.

    One process at a time has it, and in that one thread at a time.
    """

    NAMES = ("instances", "queue", "textfile", "dropped")

    def __init__(self, path):
        self.path = path
        self.instances = {}
        self.queue = []
        self.textfile = ""
        self.dropped = 0
        self._lock = None

    def own(self, seconds):
        """Wait for the process before this one to end; whether it has."""
        self._lock = os.open(self.path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.02)

    def load(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                found = json.load(file)
            self.__dict__.update({name: found[name] for name in self.NAMES})
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            warn(f"{self.path} cannot be read ({type(error).__name__}): starting anew")

    def save(self):
        write(self.path, json.dumps({name: getattr(self, name) for name in self.NAMES}), 0o600)

    def waiting(self, key):
        return [entry for entry in self.queue if entry["to"] == key]

    def add(self, key, event):
        for entry in self.waiting(key)[: -(MOST - 1)]:
            self.drop(entry)
        self.queue.append({"to": key, "event": event})

    def drop(self, entry):
        self.queue.remove(entry)
        self.dropped += 1

    def expire(self, now):
        for entry in [entry for entry in self.queue if entry["event"]["time"] < now - OLDEST]:
            self.drop(entry)


class Notifier:
    def __init__(self, settings, kept):
        self.settings, self.kept = settings, kept
        self.receivers = {one.key: one for one in receivers_of(settings)}
        self.failures = dict.fromkeys(self.receivers, 0)
        self.news = threading.Condition()
        kept.queue = [entry for entry in kept.queue if entry["to"] in self.receivers]
        # Those that are in no plan are the user's own, from files that keepalived includes.
        self.gone = [
            name for name, one in kept.instances.items() if one["planned"] and name not in settings["instances"]
        ]
        if kept.textfile and kept.textfile != settings["textfile"]:
            remove(kept.textfile)
        kept.textfile = settings["textfile"]
        self.keep()

    def take(self, line):
        """A line of keepalived's."""
        found = LINE.match(line)
        if not found or found[1] in self.gone:
            return
        name, state, priority = found[1], found[2], int(found[3])
        with self.news:
            if state in STATES or state == DELETED:
                self.change(name, state, priority)
            elif name in self.kept.instances:
                # A change of priority alone, or an advert of lower priority.
                self.kept.instances[name]["priority"] = priority
            self.keep()
            self.news.notify_all()

    def change(self, name, state, priority):
        before = self.kept.instances.get(name, {"state": None, "changes": 0})
        now = time.time()
        if before["state"] == state:
            before["priority"] = priority
            return
        if state == DELETED:
            self.kept.instances.pop(name, None)
        else:
            changes = before["changes"] + 1
            planned = name in self.settings["instances"]
            one = {"state": state, "priority": priority, "since": now, "changes": changes, "planned": planned}
            self.kept.instances[name] = one
        if state not in self.settings["states"]:
            return
        event = {
            "id": str(uuid.uuid4()),
            "time": now,
            "host": self.settings["host"],
            "instance": name,
            "state": state,
            "previous": before["state"],
            "priority": priority,
            "addresses": self.settings["instances"].get(name, {}).get("addresses", []),
        }
        for key in self.receivers:
            self.kept.add(key, event)

    def look(self):
        """What keepalived does not say, or not in words of its own: which instances a reload has removed, and who has been
        master before this program came. Then the addresses are here."""
        with self.news:
            for name in self.gone:
                self.change(name, DELETED, self.kept.instances[name]["priority"])
            self.keep()
        here = addresses()
        for name, one in self.settings["instances"].items():
            if name not in self.kept.instances and set(one["addresses"]) <= here:
                self.take('INSTANCE "{}" MASTER {}'.format(name, one["priority"]))

    def keep(self):
        """A disk that is full stops neither the reading nor the telling."""
        self.kept.expire(time.time())
        try:
            self.kept.save()
            if self.settings["textfile"]:
                write(self.settings["textfile"], self.metrics(), 0o644)
        except OSError as error:
            syslog.syslog(syslog.LOG_ERR, f"{error.filename or self.kept.path}: {error.strerror}")

    def metrics(self):
        instances = [({"instance": name}, one) for name, one in sorted(self.kept.instances.items())]
        states = [
            (dict(labels, state=state), int(state == one["state"])) for labels, one in instances for state in STATES
        ]
        since = [(labels, round(one["since"], 3)) for labels, one in instances]
        priorities, changes = ([(labels, one[key]) for labels, one in instances] for key in ("priority", "changes"))
        pending = [({"receiver": one.name}, len(self.kept.waiting(key))) for key, one in self.receivers.items()]
        failures = [({"receiver": self.receivers[key].name}, count) for key, count in self.failures.items()]
        families = (
            ("evenkeel_vrrp_state", "gauge", "1 for the state that the instance is in.", states),
            ("evenkeel_vrrp_priority", "gauge", "Priority of the instance.", priorities),
            ("evenkeel_vrrp_since_seconds", "gauge", "When it came into its state.", since),
            ("evenkeel_vrrp_changes_total", "counter", "Changes of its state.", changes),
            ("evenkeel_notify_pending", "gauge", "Messages that are still to be told.", pending),
            ("evenkeel_notify_failures_total", "counter", "Attempts that failed.", failures),
            ("evenkeel_notify_dropped_total", "counter", "Messages that nobody took.", [({}, self.kept.dropped)]),
        )
        return "".join(family(*one) for one in families)

    def deliver(self, receiver, patient):
        """Tell a receiver what there is, in its order. patient: for ever, with a pause after each failure."""
        pause = 1
        while True:
            with self.news:
                while not self.kept.waiting(receiver.key):
                    if not patient:
                        return
                    self.news.wait()
                entry = self.kept.waiting(receiver.key)[0]
            try:
                receiver.tell(entry["event"])
                problem = None
            except Exception as error:  # whatever it is, the next attempt may go well
                problem = problem_of(error)
                warn(f"{receiver.name} could not be told: {problem}")
            with self.news:
                if problem:
                    self.failures[receiver.key] += 1
                elif entry in self.kept.queue:
                    self.kept.queue.remove(entry)
                self.keep()
            if not problem:
                pause = 1
            elif patient:
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return

    def start(self, patient):
        threads = [
            threading.Thread(target=self.deliver, args=(one, patient), daemon=True) for one in self.receivers.values()
        ]
        for thread in threads:
            thread.start()
        return threads

    def listen(self, fifo, wake):
        """Until keepalived has closed the FIFO, or a moment after SIGTERM: keepalived writes its last lines about then."""
        self.look()
        self.start(patient=True)
        poll = select.poll()
        poll.register(fifo, select.POLLIN)
        poll.register(wake, select.POLLIN)
        rest, deadline = b"", None
        while True:
            ready = dict(poll.poll(None if deadline is None else max(0, deadline - time.monotonic()) * 1000))
            if wake in ready:
                poll.unregister(wake)
                deadline = time.monotonic() + DRAIN_SECONDS
            if fifo in ready:
                chunk = os.read(fifo, 65536)
                if not chunk:
                    return
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    self.take(line.decode("utf-8", "replace"))
            elif deadline is not None and time.monotonic() >= deadline:
                return

    def flush(self):
        """keepalived has ended, even if it has not come to say so."""
        for name, one in sorted(self.kept.instances.items()):
            self.take('INSTANCE "{}" STOP {}'.format(name, one["priority"]))
        deadline = time.monotonic() + FLUSH_SECONDS
        for thread in self.start(patient=False):
            thread.join(max(0, deadline - time.monotonic()))


def family(name, kind, title, samples):
    lines = [f"# HELP {name} {title}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        text = ",".join(f'{label}="{text.translate(ESCAPED)}"' for label, text in labels.items())
        lines.append("{}{} {}".format(name, "{" + text + "}" if text else "", value))
    return "\n".join(lines) + "\n" if samples else ""


def woken_by_sigterm():
    """A descriptor that can be read from then on."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGTERM, lambda *dummy: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    return reader


def forget(kept):
    kept.own(FLUSH_SECONDS)
    kept.load()
    for path in (kept.textfile, kept.path, kept.path + ".lock"):
        if path:
            remove(path)


def main():
    parser = argparse.ArgumentParser(description="Tells of changes of VRRP instances.")
    parser.add_argument("--settings", default=SETTINGS)
    parser.add_argument("--kept", default=KEPT)
    parser.add_argument("action", choices=("listen", "flush", "forget"))
    parser.add_argument("fifo", nargs="?")
    arguments = parser.parse_args()
    syslog.openlog("evenkeel_notify", syslog.LOG_PID, syslog.LOG_DAEMON)
    kept = Kept(arguments.kept)
    if arguments.action == "forget":
        return forget(kept)
    wake = woken_by_sigterm()
    # Before anything else: keepalived may close its end soon, and what it has written is there until then.
    fifo = os.open(arguments.fifo, os.O_RDONLY | os.O_NONBLOCK) if arguments.action == "listen" else None
    with open(arguments.settings, encoding="utf-8") as file:
        settings = json.load(file)["evenkeel_notify"]
    if not kept.own(FLUSH_SECONDS):
        return "another one is running"
    kept.load()
    notifier = Notifier(settings, kept)
    if fifo is None:
        notifier.flush()
    else:
        notifier.listen(fifo, wake)
    # A thread may be telling somebody: that is done again by the next one.
    with notifier.news:
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
