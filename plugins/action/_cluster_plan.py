# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans all clusters of a play at once, and refuses what cannot work on any of its hosts, each problem a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.evenkeel.nginx_ha.plugins.filter.nginx import nginx_backends_out
from ansible_collections.evenkeel.nginx_ha.plugins.filter.playbooks import vrrp_fleet
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.roles import Overlaid
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import natural

ARGUMENTS = {"checked": {"type": "str", "required": True}, "nginx_only": {"type": "bool", "default": False}}


# What hosts have in common that one build serves.
PLATFORM = ("distribution", "distribution_major_version", "architecture")


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(ARGUMENTS)
        task_vars = task_vars or {}
        hosts, hostvars = list(task_vars["ansible_play_hosts_all"]), task_vars["hostvars"]
        found = {host: hostvars[host].get(options["checked"]) or {} for host in hosts}
        checked = {host: each for host, each in found.items() if "problems" in each}
        known = Overlaid(hostvars, {host: each["facts"] for host, each in checked.items()})
        own = [problem for each in checked.values() for problem in each["problems"]]
        if any(not each["facts"] for each in checked.values()):
            return {"failed": True, "msg": "\n".join(own)}
        fleet = {} if options["nginx_only"] else vrrp_fleet(known, hosts)
        kept = dict(_backends_kept(checked, known))
        problems = [*fleet.get("problems", ()), *_of_nginx(checked, known, kept), *own]
        if problems:
            return {"failed": True, "msg": "\n".join(problems)}
        keepalived = [each["facts"]["keepalived_found"] for each in checked.values() if fleet]
        # What a task returns as warnings is Ansible's own.
        cautions = fleet.pop("warnings", [])
        lacking = not all(each["installed"] for each in keepalived)
        return {
            "changed": False,
            "cautions": cautions,
            "lacking": lacking,
            "makers": _makers(known, list(checked)),
            "backends_kept": kept,
            **fleet,
        }


def _backends_kept(checked: Mapping[str, Mapping[str, Any]], known: Overlaid) -> Iterator[tuple[str, list[str]]]:
    """By host which backends it is to have as out of service, once it is known which all of them remember."""
    asked = [known[host] for host in checked]
    for host, each in checked.items():
        own = each.get("nginx_settings")
        if own:
            yield (
                host,
                nginx_backends_out(asked, own["upstreams"], own["backends_take_out"], own["backends_put_back"]),
            )


def _of_nginx(
    checked: Mapping[str, Mapping[str, Any]], known: Overlaid, kept: Mapping[str, list[str]]
) -> Iterator[str]:
    """What is wrong with each host's nginx."""
    for host, backends in kept.items():
        settings = checked[host]["nginx_settings"]
        out = [*settings["backends_lasting"], *backends]
        yield from nginx_problems(
            {**settings, "backends_out": out, "backends_kept": backends}, known[host]["ansible_facts"], host
        )


def _makers(known: Overlaid, hosts: Sequence[str]) -> dict[str, str]:
    """By host the one that compiles for it: the first by name of those with the same operating system."""
    facts = {host: known[host]["ansible_facts"] for host in sorted(hosts, key=natural)}
    platforms = {host: tuple(own.get(name) for name in PLATFORM) for host, own in facts.items()}
    first = {platform: host for host, platform in reversed(platforms.items())}
    return {host: first[platform] for host, platform in platforms.items()}
