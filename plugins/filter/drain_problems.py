# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drain_problems
short_description: Why draining load balancers would interrupt service
version_added: 0.1.0
author: The evenkeel developers
description:
  - Looks for each VIP that the named hosts hold, or would get back, whether another host could take it.
  - That is a host which is not to be drained, which was reached, which is not drained already, whose nginx and its check are healthy, and whose
    keepalived runs, answers and has the VIP's instance as master or backup.
positional: hosts, named
options:
  _input:
    description: The C(hostvars), as for P(evenkeel.nginx_ha.cluster_status#filter).
    type: dict
    required: true
  hosts:
    description: All load balancers.
    type: list
    elements: str
    required: true
  named:
    description: The hosts to drain.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse to interrupt service
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join('\n') }}"
  vars:
    problems: "{{ hostvars | evenkeel.nginx_ha.drain_problems(groups['load_balancers'], ['nginx1']) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - A sentence for each VIP that nobody could take, each of the named hosts that is no load balancer, and where no host is
      named. Empty if draining moves the VIPs and no more.
  type: list
  elements: str
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import drain
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.hostvars import at_present


def drain_problems(hostvars: Mapping[str, Any], hosts: Sequence[str], named: Sequence[str]) -> list[str]:
    return drain.drain_problems(at_present(hostvars, hosts, time.time()), named)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"drain_problems": drain_problems}
