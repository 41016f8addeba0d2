# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the guest, which are network namespaces, and what the client of them sees."""

from __future__ import annotations

import itertools
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

VIP = "192.0.2.100"
CLIENT = "192.0.2.9"
# The client's own ports, each used once. Behind NAT several ports of the VIP are one port of a real server, which takes a connection from the
# client's port of an earlier one for that one, just closed. It is not accepted at the first attempt, and IPVS, which balances the second one
# anew, takes a turn from a server and counts a connection that nobody asked for.
PORTS = itertools.count(10000)


def until(condition: Callable[[], object], seconds: float = 20) -> float:
    """How long it takes to become true; it is not asked for longer than some seconds."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            raise TimeoutError(f"not within {seconds} s: {condition.__doc__ or condition}")
        time.sleep(0.1)
    return round(time.monotonic() - begun, 1)


def connect(port: int, timeout: float) -> socket.socket:
    return socket.create_connection((VIP, port), timeout, source_address=(CLIENT, next(PORTS)))


def ask(port: int) -> str:
    """The name of the server that answers a request."""
    try:
        with connect(port, 2) as connection:
            connection.settimeout(2)
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
    except OSError as error:
        return str(error)
    return answer.decode().rpartition("\r\n\r\n")[2]


class Server:
    def __init__(self, name: str, port: int = 80) -> None:
        self.name = name
        self.command = ["ip", "netns", "exec", name, "python3", "/lvs/server.py", name, str(port)]
        self.ill = Path(f"/tmp/{name}.ill")
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Director:
    """A host with keepalived, which is started and ended as the role's unit does it."""

    def __init__(self, name: str) -> None:
        self.name = name
        # Files of its own beside the network, for as long as this process runs.
        own = (
            f"mount --bind /lvs/{name} /etc/keepalived; mkdir /run/{name}; mount --bind /run/{name} /run;"
            "mount -t tmpfs none /var/lib; exec sleep infinity"
        )
        self.holder = subprocess.Popen(["ip", "netns", "exec", name, "unshare", "--mount", "sh", "-c", own])
        self.log = Path(f"/tmp/{name}.log")

    def run(self, *command: str) -> str:
        return subprocess.run(self._inside(*command), check=False, capture_output=True, text=True).stdout

    def _inside(self, *command: str) -> list[str]:
        return ["nsenter", "--target", str(self.holder.pid), "--mount", "--net", "--wd=/", *command]

    def start(self) -> None:
        self.run("/etc/keepalived/vips.sh", "prepare")
        with self.log.open("a") as log:
            command = self._inside("/usr/sbin/keepalived", "--dont-fork", "--log-console")
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self) -> None:
        self.run("/etc/keepalived/vips.sh", "stopping", str(self.process.pid))
        self.process.terminate()
        self.process.wait()
        self.run("/etc/keepalived/vips.sh", "release")

    def plug(self, state: str) -> None:
        """The other ends of its cables are the guest's own."""
        for network in ("front", "back"):
            subprocess.run(
                ["nsenter", "--target", "1", "--net", "ip", "link", "set", f"{self.name}-{network}", state], check=True
            )

    def has_vip(self) -> bool:
        return f" {VIP}/" in self.run("ip", "-o", "address")

    def servers(self, port: int) -> dict[str, int]:
        """The servers behind a port of the VIP, with their weights."""
        return {real: int(weight) for real, weight in self._rows(port, "-Ln", r"\S+\s+(\d+)")}

    def counted(self, port: int) -> dict[str, int]:
        """How many connections IPVS has counted to each."""
        return {real: int(number) for real, number in self._rows(port, "-Ln --stats --exact", r"(\d+)")}

    def _rows(self, port: int, options: str, value: str) -> list[tuple[str, str]]:
        told = self.run("ipvsadm", *options.split(), "-t", f"{VIP}:{port}")
        return re.findall(rf"-> (\d[\d.]+):\d+\s+{value}", told)

    def connections(self, talk: Talk) -> list[str]:
        """The states that it knows a connection of the client to be in."""
        return re.findall(rf"TCP\s+\S+\s+(\S+)\s+{CLIENT}:{talk.port}\s+{VIP}:{talk.to}\s", self.run("ipvsadm", "-Lnc"))


class Talk:
    """A connection that stays: a line each 50 ms, whose answer is waited for."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.connection = connect(port, 5)
        self.connection.settimeout(20)
        self.port = self.connection.getsockname()[1]
        self.answered = [time.monotonic()]
        self.names: set[str] = set()
        self.error = ""
        self.thread = threading.Thread(target=self._talk, daemon=True)
        self.thread.start()

    def _talk(self) -> None:
        try:
            with self.connection, self.connection.makefile("rw") as lines:
                while True:
                    lines.write(f"{len(self.answered)}\n")
                    lines.flush()
                    name, number = lines.readline().split()
                    if int(number) != len(self.answered):
                        raise ValueError(f"{number} is no answer to {len(self.answered)}")
                    self.names.add(name)
                    self.answered.append(time.monotonic())
                    time.sleep(0.05)
        except (OSError, ValueError) as error:
            self.error = repr(error)

    def since(self, begun: float) -> dict[str, object]:
        """What has come of it since a moment: answers, and the longest time between two."""
        times = [begun, *(each for each in self.answered if each > begun), time.monotonic()]
        gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
        return {
            "answers": len(times) - 2,
            "longest_gap": round(max(gaps), 2),
            "names": sorted(self.names),
            "error": self.error,
        }
