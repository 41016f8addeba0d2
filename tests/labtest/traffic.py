# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of the client through the VIPs, and what the servers behind are told and have seen; see client.py and backend.py of the scenario proxy."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from labtest.cluster import Cluster
from labtest.site import PROJECT

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
CLIENT = "192.168.200.10"
BACKENDS = {"web1": "172.16.2.20", "web2": "172.16.2.21"}
PROGRAM = "python3 /usr/local/lib/proxy/client.py"
ON_CLIENT = ["python3", str(PROJECT / "lab"), "ssh", "client"]
# fail_timeout is 1 s in the inventory, and nginx counts whole seconds.
FORGIVEN = 2.2


@dataclass(frozen=True)
class Answer:
    status: int
    seconds: float
    error: str = ""
    headers: dict[str, list[str]] = field(default_factory=dict)
    text: str = ""
    certificate: str = ""
    first: float = 0

    @property
    def echo(self) -> dict[str, Any]:
        """What the server behind has got."""
        assert self.status == 200, self
        return json.loads(self.text)

    @property
    def name(self) -> str:
        return self.echo["name"]


def request(url: str, **options: Any) -> dict[str, Any]:
    """A URL that begins with its port is one of a VIP; other names are asked for at that VIP."""
    options.setdefault("to", VIP)
    return {"url": f"http://{options['to']}{url}" if url.startswith(":") else url, **options}


class Traffic:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def client(self, command: str, what: object) -> Any:
        words = f"{PROGRAM} {command} {shlex.quote(json.dumps(what))}"
        return json.loads(self.cluster.hosts["client"].check_output(words))

    def ask(self, *requests: dict[str, Any]) -> list[Answer]:
        """One after the other."""
        return [Answer(**each) for each in self.client("ask", requests)]

    def together(self, *requests: dict[str, Any]) -> list[Answer]:
        return [Answer(**each) for each in self.client("together", requests)]

    def get(self, url: str, **options: Any) -> Answer:
        return self.ask(request(url, **options))[0]

    def names(self, url: str, count: int = 6, **options: Any) -> list[str]:
        """Who answers."""
        return [answer.name for answer in self.ask(*[request(url, **options)] * count)]

    @contextmanager
    def load(self, *requests: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """The client asks for these over and over meanwhile, on a new connection each time; afterwards the list has what it saw."""
        result: list[dict[str, Any]] = []
        words = [*ON_CLIENT, f"{PROGRAM} watch {shlex.quote(json.dumps(requests))}"]
        watch = subprocess.Popen(words, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert watch.stdout and watch.stdout.readline()
            time.sleep(1)
            yield result
            time.sleep(1)
            output, _ = watch.communicate(timeout=60)
        finally:
            watch.kill()
            watch.wait()
        result += json.loads(output)
        for each, seen in zip(requests, result, strict=True):
            print(
                f"{each['url']} at {each['to']}: {len(seen['failed'])} of {seen['sent']} requests failed, {seen['names']}"
            )

    @contextmanager
    def mode(self, host: str, **mode: object) -> Iterator[None]:
        """The host answers every request so meanwhile."""
        try:
            self._control(host, f"mode?{urlencode(mode)}")
            yield
        finally:
            self._control(host, "mode")

    def seen(self) -> dict[str, Counter[str]]:
        """How often each host got the requests of each X-Test, since this was asked last."""
        return {host: Counter(self._control(host, "seen")) for host in BACKENDS}

    def _control(self, host: str, what: str) -> Any:
        url = f"http://{BACKENDS[host]}:7001/-/{what}"
        return json.loads(self.cluster.run(host, f"curl --silent --show-error --fail --max-time 5 '{url}'"))

    @contextmanager
    def killed(self, host: str) -> Iterator[None]:
        try:
            self.cluster.run(host, "systemctl kill --signal=KILL proxy-backend")
            yield
        finally:
            self.cluster.run(host, "systemctl start proxy-backend")
            url = f"http://{BACKENDS[host]}:7001/-/mode"
            self.cluster.wait(
                lambda: self.cluster.succeeds(host, f"curl --silent --fail --max-time 2 {url}"),
                f"{host}'s backend",
                str,
            )
