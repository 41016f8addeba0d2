# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from the hostvars, in one place: facts that steps and modules have left there become a LoadBalancer.

Ansible evaluates a variable each time that it is read, so each is read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.load_balancer import (
    Desired,
    LoadBalancer,
    Platform,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.observed import (
    KeepalivedState,
    NginxState,
    Probed,
    Staged,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import natural

T = TypeVar("T")
# The roles whose files are compared with the inventory, by the facts that say what came of it.
STAGED = {"nginx_staged": "nginx", "check_nginx_staged": "check_nginx", "keepalived_staged": "keepalived"}


def before_change(hostvars: Mapping[str, Any], play_hosts: Sequence[str]) -> dict[str, LoadBalancer]:
    """The hosts of a play, and those members of their clusters outside of it that are in the inventory."""
    found = {name: _before_change(name, hostvars[name]) for name in play_hosts}
    for name in dict.fromkeys(member for host in found.values() for member in host.desired.hosts):
        if name not in found and name in hostvars:
            found[name] = _before_change(name, hostvars[name])
    return found


def at_present(hostvars: Mapping[str, Any], names: Sequence[str], now: float) -> list[LoadBalancer]:
    """The named hosts in natural order. now: the control node's time."""
    return [_at_present(name, hostvars[name], now) for name in sorted(map(str, names), key=natural)]


def _before_change(name: str, own: Mapping[str, Any]) -> LoadBalancer:
    upgrade = own.get("nginx_upgrade") or {}
    return LoadBalancer(
        name,
        answer=_answer(KeepalivedState, own.get("keepalived_found")),
        nginx=_answer(NginxState, own.get("nginx_found")),
        unit_path=own.get("keepalived_unit_path") or "",
        upgrade={str(package): str(version) for package, version in upgrade.items()},
        **_common(own),
    )


def _at_present(name: str, own: Mapping[str, Any], now: float) -> LoadBalancer:
    return LoadBalancer(
        name,
        answer=_answer(KeepalivedState, own.get("keepalived_now")),
        nginx=_answer(NginxState, own.get("nginx_now")),
        probed=read(Probed, own.get("vips_seen")),
        platform=str(read(Platform, own.get("ansible_facts"))),
        now=now,
        **_common(own),
    )


def _common(own: Mapping[str, Any]) -> dict[str, Any]:
    settings = own.get("keepalived_settings")
    staged = {role: own.get(name) for name, role in STAGED.items()}
    return {
        "managed": bool(settings),
        "desired": read(Desired, settings),
        "binary_desired": own.get("keepalived_binary_desired") or "",
        "plan": tuple(Instance.from_fact(each) for each in own.get("keepalived_instances") or ()),
        "staged": {role: read(Staged, fact) for role, fact in staged.items() if fact},
    }


def _answer(kind: type[T], fact: object) -> T | None:
    """None where nobody asked."""
    return read(kind, fact) if fact else None
