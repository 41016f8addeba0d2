# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_row
short_description: What came of one step of a failover drill
version_added: 0.1.0
author: The evenkeel developers
description:
  - Compares what a step of P(evenkeel.nginx_ha.drill_plan#filter) expects with the addresses that the hosts had and
    with what the prober saw.
positional: hostvars, probe
options:
  _input:
    description: The step.
    type: dict
    required: true
  hostvars:
    description:
      - The C(hostvars), in which the results of P(evenkeel.nginx_ha.keepalived_info#module) are registered as C(__drill_during)
        and C(__drill_after), and what the fault's script said of its times as C(__drill_times).
    type: dict
    required: true
  probe:
    description: The result of P(evenkeel.nginx_ha.vip_probe#module).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Note what came of it
  ansible.builtin.set_fact:
    __drill_rows: "{{ __drill_rows | default([]) + [step | evenkeel.nginx_ha.drill_row(hostvars, probe)] }}"
"""

RETURN = r"""
_value:
  description:
    - C(fault), C(title), C(host), C(expected), C(ok), C(surprise) (a text, empty where all is as expected), C(injected) and C(healed)
      (seconds since 1970) and C(probe) (what the prober saw).
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import plan as drill


def drill_row(step: Mapping[str, Any], hostvars: Mapping[str, Any], probe: Mapping[str, Any]) -> dict[str, Any]:
    seen = {
        "started": probe.get("began"),
        "duration": probe.get("duration"),
        "targets": probe.get("targets") or {},
    }
    found = {phase: _addresses(step, hostvars, f"__drill_{phase}") for phase in ("during", "after")}
    times = [_times(hostvars[host]) for host in step["injected_on"]]
    return {
        **drill.row(step, seen, found["during"], found["after"]),
        "injected": min((began for began, dummy in times if began), default=None),
        "healed": max((ended for dummy, ended in times if ended), default=None),
    }


def _addresses(step: Mapping[str, Any], hostvars: Mapping[str, Any], registered: str) -> dict[str, list[str]]:
    results = {host: hostvars[host].get(registered) or {} for host in step["home"]}
    return {host: result["addresses"] for host, result in results.items() if "addresses" in result}


def _times(variables: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """When the fault began and ended, as its script says; a host that has rebooted has lost that."""
    lines = [float(line) for line in (variables.get("__drill_times") or {}).get("stdout_lines") or []]
    injected = variables.get("__drill_injected") or {}
    began = lines[0] if lines else injected.get("at")
    return began, lines[1] if len(lines) > 1 else None


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"drill_row": drill_row}
