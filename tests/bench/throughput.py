# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests nginx1 proxies in a second, as ours and as the reference, one host asking as fast as it can."""

from __future__ import annotations

import re
import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pair import PROJECT, Pair, playbook, root

from machine import LabError, run, say

ADDRESS = "192.168.200.150"
PORTS = {"ours": {"http": 80, "https": 443}, "reference": {"http": 8080, "https": 8443}}
PATHS = {"small": "/", "100 kB": "/100kB"}
REPEAT, SECONDS, CONNECTIONS = 3, 6, 32
# Of TCP. Linux's default is cubic, which a machine may forbid its namespaces; this one goes by losses as well.
CONGESTION = "reno"
HOSTS = ("nginx1", "web1", "web2", "client")
LATENCY = {"us": 0.001, "ms": 1.0, "s": 1000.0}
FOOT = f"""\
Medians. The client, nginx1 and both web servers share the machine's cores. The reference is nginx as Debian packages it with the
reference's upstream, and with HTTPS, which the reference has not. Ours writes its access log as JSON.
There are {CONNECTIONS} connections unless it says otherwise; TCP's congestion control is {CONGESTION}."""


@dataclass(frozen=True)
class Case:
    scheme: str
    size: str
    down: bool = False
    connections: int = CONNECTIONS

    @property
    def name(self) -> str:
        few = "" if self.connections == CONNECTIONS else f", {self.connections} connection"
        return f"{self.scheme.upper()}, {self.size}{few}{', one web server down' if self.down else ''}"


CASES = (
    *(Case(scheme, size) for scheme in ("http", "https") for size in PATHS),
    Case("http", "small", down=True),
    *(Case("http", size, connections=1) for size in PATHS),
)


@dataclass(frozen=True)
class Load:
    """Of one run: requests a second, milliseconds within which half and 99 % were answered, answers that were errors."""

    rate: float
    half: float
    most: float
    errors: int


class Bench:
    def __init__(self, repeat: int | None) -> None:
        self.repeat = repeat or REPEAT
        self.measured: dict[Case, dict[str, list[Load]]] = {}
        self.troubles: list[str] = []

    def run(self) -> None:
        say("throughput: starting new hosts and configuring them")
        try:
            with certificate() as tls:
                Pair("ours").build(**variables(tls))
            for host in HOSTS:
                control = f"net.ipv4.tcp_congestion_control={CONGESTION}"
                run("python3", "lab", "net", host, "sysctl", "-w", control, cwd=PROJECT)
            playbook("tests/bench/throughput.yml")
            forget_failures()
            for case in CASES:
                self.measure(case)
        except LabError as error:
            self.troubles.append(f"throughput given up: {error}")

    def measure(self, case: Case) -> None:
        loads: dict[str, list[Load]] = {side: [] for side in PORTS}
        with web2_down() if case.down else nullcontext():
            for number in range(self.repeat):
                for side in PORTS:
                    loads[side].append(load(side, case))
                    say(f"{side}, {case.name}, {number + 1} of {self.repeat}: {loads[side][-1].rate:.0f} requests/s")
        self.measured[case] = loads


def variables(tls: Mapping[str, str]) -> dict[str, Any]:
    """Ours, with what its inventory needs for this and nothing to make it faster."""
    servers = [{"address": address, "port": 9191} for address in ("172.16.2.20", "172.16.2.21")]
    return {
        "nginx_upstreams": [{"name": "web", "servers": servers}],
        "nginx_servers": [{"name": "default", "upstream": "web"}, {"name": "secure", "upstream": "web", "tls": tls}],
    }


@contextmanager
def certificate() -> Any:
    with tempfile.TemporaryDirectory() as place:
        key, crt = Path(place, "key"), Path(place, "crt")
        new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=www.example.com"
        run(*shlex.split(new), "-keyout", str(key), "-out", str(crt))
        yield {"certificate": crt.read_text(), "key": key.read_text()}


@contextmanager
def web2_down() -> Any:
    root("web2", "systemctl stop nginx", 20)
    try:
        yield
    finally:
        root("web2", "systemctl start nginx", 20)


def forget_failures() -> None:
    """Ours has asked the web servers when there were none; a server that failed is asked by one request first."""
    for scheme in ("http", "https"):
        for side in PORTS:
            for _ in range(4):
                root(
                    "client",
                    f"curl --insecure --silent --fail --output /dev/null {scheme}://{ADDRESS}:{PORTS[side][scheme]}/",
                    20,
                    check=False,
                )


def load(side: str, case: Case) -> Load:
    url = f"{case.scheme}://{ADDRESS}:{PORTS[side][case.scheme]}{PATHS[case.size]}"
    command = f"wrk --latency --threads 1 --connections {case.connections} --duration {SECONDS}s --timeout 5s {url}"
    time.sleep(1)
    return parsed(root("client", command, SECONDS + 20))


def parsed(output: str) -> Load:
    """What wrk prints."""
    rate = re.search(r"^Requests/sec:\s+([\d.]+)", output, re.M)
    percentiles = dict(re.findall(r"^\s+(50|99)%\s+([\d.]+\w+)$", output, re.M))
    if not rate or len(percentiles) < 2:
        raise LabError(f"wrk says something else:\n{output}")
    errors = [int(number) for number in re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", output)]
    return Load(float(rate[1]), milliseconds(percentiles["50"]), milliseconds(percentiles["99"]), sum(errors))


def milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * LATENCY[unit]


def middle(loads: Sequence[Load]) -> Load:
    return Load(
        *(median(getattr(each, name) for each in loads) for name in ("rate", "half", "most")),
        errors=sum(each.errors for each in loads),
    )


def report(bench: Bench) -> str:
    rows = [("load", "ours, requests/s", "reference", "times", "ours 50 %, 99 % (ms)", "reference", "errors")]
    for case, loads in bench.measured.items():
        ours, reference = middle(loads["ours"]), middle(loads["reference"])
        rows.append(
            (
                case.name,
                f"{ours.rate:,.0f}",
                f"{reference.rate:,.0f}",
                f"{ours.rate / reference.rate:.2f}",
                f"{ours.half:.1f}, {ours.most:.1f}",
                f"{reference.half:.1f}, {reference.most:.1f}",
                f"{ours.errors}, {reference.errors}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", FOOT])


def document(bench: Bench) -> dict[str, Any]:
    return {
        case.name: {side: [vars(each) for each in loads] for side, loads in sides.items()}
        for case, sides in bench.measured.items()
    }
