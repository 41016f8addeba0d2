# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the playbooks, and what their actions share with them. They are private, and may change with any version."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.cluster import table
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.outcome import result as drill_result
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.outcome import row as drill_row
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.outcome import summary as drill_summary
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.result import Drill
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import preflight, vip_status
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.change import HostState, failure
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.load_balancer import at_present
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.status import status
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.verification import Options, verify
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read


def change_failure(results: Sequence[object], host: str, task: str, message: str) -> str:
    return failure(host, task, message, [read(HostState, result) for result in results])


def cluster_status(hostvars: Mapping[str, object], hosts: Sequence[str]) -> dict[str, Any]:
    return status(at_present(hostvars, hosts, time.time()))


def cluster_verify(hostvars: Mapping[str, object], hosts: Sequence[str], options: object = None) -> dict[str, Any]:
    return verify(at_present(hostvars, hosts, time.time()), read(Options, options))


def drain_problems(hostvars: Mapping[str, object], hosts: Sequence[str], named: Sequence[str]) -> list[str]:
    return vip_status.drain_problems(at_present(hostvars, hosts, time.time()), named)


def drill_page(result: object) -> str:
    """A drill's result as an HTML page."""
    # Every task that uses any filter loads this file; only the end of a drill needs the template engine.
    from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.page import page

    if not isinstance(result, Mapping):
        raise AnsibleFilterError("The input is no dictionary. Give it a drill's result.")
    return page(read(Drill, result))


def names(value: Any) -> list[str]:
    if value is None:
        return []
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise AnsibleFilterError(
            f"{value!r} is no list of names. Give a list, or a text with commas between the names."
        )
    return [name for part in parts for name in re.split(r"[,\s]+", part) if name]


def vrrp_fleet(hostvars: Mapping[str, Any], play_hosts: Iterable[str]) -> dict[str, Any]:
    fleet = preflight.judged(hostvars, play_hosts)
    in_play = set(play_hosts)
    return {
        "plan": {
            host: [instance.as_fact() for instance in instances]
            for host, instances in fleet.plan.items()
            if host in in_play
        },
        "problems": list(map(str, fleet.problems)),
        "warnings": list(fleet.warnings),
        "table": table(fleet.clusters),
        "moves": [text for cluster in fleet.clusters for text in cluster.moves()],
    }


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "_change_failure": change_failure,
            "_cluster_status": cluster_status,
            "_cluster_verify": cluster_verify,
            "_drain_problems": drain_problems,
            "_drill_page": drill_page,
            "_drill_result": drill_result,
            "_drill_row": drill_row,
            "_drill_summary": drill_summary,
            "_names": names,
            "_vrrp_fleet": vrrp_fleet,
        }
