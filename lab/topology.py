# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's hosts and networks: the reference set-up, plus a client on the front network."""

from __future__ import annotations

import os
from dataclasses import dataclass

SUITE = "bookworm"
# Hosts of other Debian releases, for tests across platforms: EVENKEEL_LAB_SUITES="nginx2=trixie ...".
SUITES = dict(pair.split("=") for pair in os.environ.get("EVENKEEL_LAB_SUITES", "").split())


@dataclass(frozen=True)
class Network:
    name: str
    subnet: str
    gateway: str
    interface: str


@dataclass(frozen=True)
class Host:
    name: str
    front: str | None = None
    back: str | None = None
    web_port: int | None = None

    @property
    def attachments(self) -> list[tuple[Network, str]]:
        return [(net, ip) for net, ip in ((FRONT, self.front), (BACK, self.back)) if ip]

    @property
    def management_address(self) -> str:
        """The address for SSH: the back network where there is one, so that a cut front leaves it."""
        return self.back or self.front or ""


FRONT = Network("evenkeel-front", "192.168.200.0/24", "192.168.200.1", "ens33")
BACK = Network("evenkeel-back", "172.16.2.0/24", "172.16.2.1", "ens34")
NETWORKS = (FRONT, BACK)

# Started only for tests that name them in EVENKEEL_LAB_SPARES.
SPARES = (Host("nginx3", front="192.168.200.152", back="172.16.2.52"),)

HOSTS = (
    Host("nginx1", front="192.168.200.150", back="172.16.2.50"),
    Host("nginx2", front="192.168.200.151", back="172.16.2.51"),
    Host("web1", back="172.16.2.20", web_port=9091),
    Host("web2", back="172.16.2.21", web_port=9092),
    Host("client", front="192.168.200.10"),
    *(spare for spare in SPARES if spare.name in os.environ.get("EVENKEEL_LAB_SPARES", "").split()),
)


def host(name: str) -> Host:
    for candidate in (*HOSTS, *SPARES):
        if candidate.name == name:
            return candidate
    raise KeyError(f"no lab host is called {name!r}; there are {', '.join(h.name for h in HOSTS)}")
