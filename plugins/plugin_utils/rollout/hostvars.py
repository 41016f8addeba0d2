# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from the hostvars, in one place: facts that steps and modules have left there become a LoadBalancer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..settings.fact import read
from ..text import natural
from .load_balancer import LoadBalancer

# The roles whose files are compared with the inventory, by the facts that say what came of it.
STAGED = {"nginx_staged": "nginx", "check_nginx_staged": "check_nginx", "keepalived_staged": "keepalived"}
# The fields of a LoadBalancer, by the facts that they are.
COMMON = {
    "keepalived_settings": "desired",
    "keepalived_binary_desired": "binary_desired",
    "keepalived_instances": "plan",
}
BEFORE = COMMON | {
    "keepalived_found": "answer",
    "nginx_found": "nginx",
    "keepalived_unit_path": "unit_path",
    "nginx_upgrade": "upgrade",
}
PRESENT = COMMON | {
    "keepalived_now": "answer",
    "nginx_now": "nginx",
    "vips_seen": "probed",
    "ansible_facts": "platform",
}


def before_change(hostvars: Mapping[str, object], play_hosts: Sequence[str]) -> dict[str, LoadBalancer]:
    """The hosts of a play, and those members of their clusters outside of it that are in the inventory."""
    found = {name: _read(name, hostvars[name], BEFORE) for name in play_hosts}
    members = dict.fromkeys(member for host in found.values() for member in host.desired.hosts)
    return found | {
        name: _read(name, hostvars[name], BEFORE) for name in members if name not in found and name in hostvars
    }


def at_present(hostvars: Mapping[str, object], names: Sequence[str], now: float) -> list[LoadBalancer]:
    """The named hosts in natural order. now: the control node's time."""
    return [replace(_read(name, hostvars[name], PRESENT), now=now) for name in sorted(map(str, names), key=natural)]


def _read(name: str, variables: object, names: Mapping[str, str]) -> LoadBalancer:
    """Ansible evaluates a variable each time that it is read, so each is read once."""
    given = variables if isinstance(variables, Mapping) else {}
    facts = {field: given.get(fact) for fact, field in names.items()}
    staged = {role: fact for each, role in STAGED.items() if (fact := given.get(each))}
    return read(LoadBalancer, {"name": name, "managed": facts["desired"], "staged": staged, **facts})
