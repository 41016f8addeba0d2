# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules said of a load balancer, as types with the names of the modules' return values; nothing here decides anything.

Addresses called ips have no prefix and are in their shortest form. Times are seconds since 1970 by the host's own clock. What a module did
not say is None or empty; where it failed, msg says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..addresses import ip_of, with_prefix
from ..cluster.instance import ConfiguredInstance


@dataclass(frozen=True)
class DaemonInstance:
    """What the daemon says of a VRRP instance. priority: the one in effect; master: whom it has heard as master last."""

    name: str = ""
    state: str = ""
    priority: int | None = None
    base_priority: int | None = None
    virtual_ipaddress: tuple[str, ...] = ()
    master: str = ""
    last_transition: float | None = None

    @cached_property
    def ips(self) -> list[str]:
        # The daemon may say more of an address, such as its interface.
        return [ip_of(address.partition(" ")[0]) for address in self.virtual_ipaddress]


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
    """What host_info says of keepalived. daemon is None where the module failed.

    addresses: all that the host has, with prefixes; admitted: whose adverts its firewall lets in.
    """

    msg: str = ""
    unreachable: bool = False
    daemon: Daemon | None = None
    installed: bool | None = None
    version: str = ""
    addresses: tuple[str, ...] = ()
    admitted: tuple[str, ...] = ()
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

    @cached_property
    def ips(self) -> frozenset[str]:
        return frozenset(map(ip_of, self.addresses))

    def has(self, address: str) -> bool:
        """Whether the host has an address with that very prefix."""
        return with_prefix(address) in map(with_prefix, self.addresses)


@dataclass(frozen=True)
class Answer:
    """What nginx answered to a probe. status is 0 without an answer, and error says why."""

    address: str = ""
    port: str = ""
    host: str = ""
    status: int = 0
    error: str = ""

    @property
    def request(self) -> tuple[str, str, str]:
        return self.address, self.port, self.host


@dataclass(frozen=True)
class CertificateInfo:
    """A certificate or key. sha256 is None where the file is missing; not_after is None for a key, and empty where it cannot be read."""

    sha256: str | None = None
    not_after: str | None = None

    @classmethod
    def from_fact(cls, fact: Mapping[str, Any]) -> CertificateInfo:
        return cls(fact.get("sha256"), str(fact["not_after"] or "") if "not_after" in fact else None)


@dataclass(frozen=True)
class NginxState:
    """What host_info says of nginx. running is None where the module failed."""

    msg: str = ""
    running: bool | None = None
    version: str = ""
    workers: frozenset[int] = frozenset()
    answers: tuple[Answer, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[str, CertificateInfo] = field(default_factory=dict)
    backends_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Staged:
    """The answer of config_files, which has compared a role's files with the inventory. pending_files is None where it failed.

    managed_files: those that come from the inventory, None where that is not known; interrupted: a run was killed amid a change.
    """

    pending_files: tuple[str, ...] | None = None
    managed_files: frozenset[str] | None = None
    interrupted: bool = False
    skipped: bool = False
    msg: str = ""

    @property
    def pending(self) -> tuple[str, ...]:
        return self.pending_files or ()

    @property
    def differs(self) -> bool:
        return bool(self.pending_files) or self.interrupted


@dataclass(frozen=True)
class Failures:
    """Requests that failed one after the other: how many for which reason."""

    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Requests:
    """Requests to one VIP."""

    sent: int = 0
    failed: int = 0
    failures: tuple[Failures, ...] = ()

    @property
    def reasons(self) -> dict[str, int]:
        names = dict.fromkeys(name for each in self.failures for name in each.reasons)
        return {name: sum(each.reasons.get(name, 0) for each in self.failures) for name in names}


@dataclass(frozen=True)
class Probed:
    """The answer of vip_probe, by the VIPs' addresses."""

    msg: str = ""
    targets: Mapping[str, Requests] = field(default_factory=dict)
