# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the playbooks that change, ask and verify load balancers. They are private, and may change with any version."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import drain, report
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.hostvars import at_present
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.report import HostState
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.status import status
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.verification import Options, verify


def change_failure(results: Sequence[object], host: str, task: str, failure: str) -> str:
    return report.failure(host, task, failure, [read(HostState, result) for result in results])


def cluster_status(hostvars: Mapping[str, Any], hosts: Sequence[str]) -> dict[str, Any]:
    return status(at_present(hostvars, hosts, time.time()))


def cluster_verify(hostvars: Mapping[str, Any], hosts: Sequence[str], options: object = None) -> dict[str, Any]:
    return verify(at_present(hostvars, hosts, time.time()), read(Options, options))


def drain_problems(hostvars: Mapping[str, Any], hosts: Sequence[str], named: Sequence[str]) -> list[str]:
    return drain.drain_problems(at_present(hostvars, hosts, time.time()), named)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "_change_failure": change_failure,
            "_cluster_status": cluster_status,
            "_cluster_verify": cluster_verify,
            "_drain_problems": drain_problems,
        }
