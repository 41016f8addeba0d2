# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules said of a load balancer, as types; nothing here decides anything.

Addresses called ips have no prefix and are in their shortest form. Times are seconds since 1970 by the host's own clock. What a module did
not say is None or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ConfiguredInstance:
    """A VRRP instance of the configuration as it is.

    listed: whether its addresses are known; drained_weight: what a drain adds to its priority, 0 for a FAULT, None where it does not know
    of drains; group: where it sends its adverts unless it has unicast_peers.
    """

    name: str
    virtual_router_id: int
    virtual_ipaddress: tuple[str, ...] = ()
    listed: bool = True
    priority: int | None = None
    drained_weight: int | None = None
    advert_int: float | None = None
    group: str = ""
    unicast_peers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DaemonInstance:
    """What the daemon says of a VRRP instance. priority: the one in effect; master: whom it has heard as master last."""

    name: str
    state: str = ""
    priority: int | None = None
    base_priority: int | None = None
    ips: tuple[str, ...] = ()
    master: str = ""
    last_transition: float | None = None


@dataclass(frozen=True)
class Daemon:
    """The keepalived that runs. state_age: how many seconds it took to answer, None where it did not."""

    running: bool = False
    pid: int = 0
    binary: str = ""
    version: str = ""
    since: float | None = None
    state_age: float | None = None
    instances: tuple[DaemonInstance, ...] = ()

    @property
    def answers(self) -> bool:
        return self.running and self.state_age is not None


@dataclass(frozen=True)
class KeepalivedState:
    """The answer of keepalived_info. daemon is None where the module failed, and message then says why.

    addresses: all that the host has, with prefixes; installed is None where nobody looked for the binary.
    """

    asked: bool = False
    message: str = ""
    daemon: Daemon | None = None
    installed: bool | None = None
    version: str = ""
    addresses: frozenset[str] = frozenset()
    ips: frozenset[str] = frozenset()
    instances: tuple[ConfiguredInstance, ...] = ()
    vrrp_version: float | None = None
    auth_differs: bool = False
    hmac_differs: bool = False
    drained: str = ""
    drained_since: float | None = None
    standby: bool = False
    nginx_down: bool = False
    check_failed: bool = False
    clock_offset: float | None = None
    ntp: bool | None = None


@dataclass(frozen=True)
class Answer:
    """What nginx answered to a probe. status is 0 without an answer, and error says why."""

    address: str
    port: str
    host: str
    status: int
    error: str = ""

    @property
    def request(self) -> tuple[str, str, str]:
        return self.address, self.port, self.host


@dataclass(frozen=True)
class CertificateInfo:
    """A certificate or key. sha256 is None where the file is missing; not_after is None for a key, and empty where it cannot be read."""

    sha256: str | None = None
    not_after: str | None = None


@dataclass(frozen=True)
class NginxState:
    """The answer of nginx_info. running is None where the module failed, and message then says why."""

    message: str = ""
    running: bool | None = None
    version: str = ""
    workers: frozenset[int] = frozenset()
    answers: tuple[Answer, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[str, CertificateInfo] = field(default_factory=dict)
    backends_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Staged:
    """A role's files, compared with the inventory. pending is None where that failed, and message then says why.

    managed: the paths that come from the inventory, None where that is not known; interrupted: a run was killed amid a change.
    """

    pending: tuple[str, ...] | None = None
    managed: frozenset[str] | None = None
    interrupted: bool = False
    skipped: bool = False
    message: str = ""

    @property
    def differs(self) -> bool:
        return bool(self.pending) or self.interrupted


@dataclass(frozen=True)
class Requests:
    """Requests to one VIP: how many were sent, how many failed, and how many of these for which reason."""

    sent: int = 0
    failed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Probed:
    """The answer of vip_probe by the VIPs' addresses. message says why there is none."""

    message: str = ""
    targets: Mapping[str, Requests] = field(default_factory=dict)
