# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from the hostvars, in one place: facts that steps and modules have left there become a LoadBalancer.

Ansible evaluates a variable each time that it is read, so each is read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..cluster.instance import Instance
from ..settings.fact import read
from ..text import natural
from .load_balancer import Desired, LoadBalancer, Platform
from .observed import KeepalivedState, NginxState, Probed, Staged

# The roles whose files are compared with the inventory, by the facts that say what came of it.
STAGED = {"nginx_staged": "nginx", "check_nginx_staged": "check_nginx", "keepalived_staged": "keepalived"}


@dataclass(frozen=True)
class Common:
    """What steps and modules leave on a host. keepalived_settings: None where keepalived is not wanted there."""

    keepalived_settings: Desired | None = None
    keepalived_binary_desired: str = ""
    keepalived_instances: tuple[Instance, ...] = ()
    nginx_staged: Staged | None = None
    check_nginx_staged: Staged | None = None
    keepalived_staged: Staged | None = None

    @property
    def shared(self) -> dict[str, Any]:
        staged = {role: getattr(self, name) for name, role in STAGED.items()}
        return {
            "managed": self.keepalived_settings is not None,
            "desired": self.keepalived_settings or Desired(),
            "binary_desired": self.keepalived_binary_desired,
            "plan": self.keepalived_instances,
            "staged": {role: fact for role, fact in staged.items() if fact},
        }


@dataclass(frozen=True)
class Before(Common):
    keepalived_found: KeepalivedState | None = None
    nginx_found: NginxState | None = None
    keepalived_unit_path: str = ""
    nginx_upgrade: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Present(Common):
    keepalived_now: KeepalivedState | None = None
    nginx_now: NginxState | None = None
    vips_seen: Probed = Probed()
    ansible_facts: Platform = Platform()


def before_change(hostvars: Mapping[str, object], play_hosts: Sequence[str]) -> dict[str, LoadBalancer]:
    """The hosts of a play, and those members of their clusters outside of it that are in the inventory."""
    found = {name: _before_change(name, read(Before, hostvars[name])) for name in play_hosts}
    for name in dict.fromkeys(member for host in found.values() for member in host.desired.hosts):
        if name not in found and name in hostvars:
            found[name] = _before_change(name, read(Before, hostvars[name]))
    return found


def at_present(hostvars: Mapping[str, object], names: Sequence[str], now: float) -> list[LoadBalancer]:
    """The named hosts in natural order. now: the control node's time."""
    found = {name: read(Present, hostvars[name]) for name in sorted(map(str, names), key=natural)}
    return [
        LoadBalancer(
            name,
            answer=own.keepalived_now,
            nginx=own.nginx_now,
            probed=own.vips_seen,
            platform=str(own.ansible_facts),
            now=now,
            **own.shared,
        )
        for name, own in found.items()
    ]


def _before_change(name: str, own: Before) -> LoadBalancer:
    return LoadBalancer(
        name,
        answer=own.keepalived_found,
        nginx=own.nginx_found,
        unit_path=own.keepalived_unit_path,
        upgrade=own.nginx_upgrade,
        **own.shared,
    )
