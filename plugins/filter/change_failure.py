# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: change_failure
short_description: What an operator has to know when a change failed and was taken back
version_added: 0.1.0
author: The evenkeel developers
description:
  - Says which host failed and how, that its former configuration is back, and how every host of the run is now.
positional: host, task, failure
options:
  _input:
    description:
      - Results of the module M(evenkeel.nginx_ha.keepalived_info) with O(evenkeel.nginx_ha.keepalived_info#module:state), one a host,
        as a loop registers them.
    type: list
    elements: dict
    required: true
  host:
    description: The host whose change was taken back.
    type: str
    required: true
  task:
    description: Name of the task that failed, or empty.
    type: str
    required: true
  failure:
    description: What it said.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Stop the run
  ansible.builtin.fail:
    msg: "{{ every_host.results | evenkeel.nginx_ha.change_failure(inventory_hostname, ansible_failed_task.name, ansible_failed_result.msg) }}"
"""

RETURN = r"""
_value:
  description: The message.
  type: str
"""

from collections.abc import Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import report
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.report import HostState


def change_failure(results: Sequence[object], host: str, task: str, failure: str) -> str:
    return report.failure(host, task, failure, [read(HostState, result) for result in results])


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"change_failure": change_failure}
