# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_verify
short_description: Whether a cluster is as the inventory wants it
version_added: 0.1.0
author: The evenkeel developers
description:
  - Checks what the load balancers said of themselves against the plan, against the inventory, and against each other.
  - Who holds and who should hold each VIP; whether the daemons agree on the master; HTTP through each VIP; versions; equal
    configurations and certificates; expiry; differences from the inventory, and what an interrupted run has left; drained hosts; clocks; what was
    heard on the wire.
positional: hosts, options
options:
  _input:
    description:
      - The C(hostvars), in which these results are registered, besides those for P(evenkeel.nginx_ha.cluster_status#filter) and
        the facts of the keepalived role's preflight.
      - C(vips_seen), of P(evenkeel.nginx_ha.vip_probe#module), which has asked the VIPs from that host.
      - C(nginx_staged), C(check_nginx_staged) and C(keepalived_staged), of P(evenkeel.nginx_ha.config_files#module), which has
        only compared and tested.
      - C(managed_files) of C(nginx_staged) are the files of nginx that come from the inventory. They may differ between hosts where
        the inventory wants it. Without it every file counts as such a one that does not differ from the inventory now.
    type: dict
    required: true
  hosts:
    description: The load balancers that were asked.
    type: list
    elements: str
    required: true
  options:
    description:
      - C(clock_seconds), how far clocks may be apart, V(5) if it is missing.
      - C(fleet), what P(evenkeel.nginx_ha.vrrp_fleet#filter) has returned, if it was asked. A split brain that it warns of is a problem
        here, and its other warnings are notes.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Judge
  ansible.builtin.set_fact:
    verdict: "{{ hostvars | evenkeel.nginx_ha.cluster_verify(groups['load_balancers'], {'clock_seconds': 2}) }}"
"""

RETURN = r"""
_value:
  description:
    - C(ok), whether there is no problem; C(problems) and C(notes), one sentence each with what to do; C(table), all of it as lines to
      print; and C(checks).
    - Each of C(checks) has C(check) (its name), C(subject) (a host, a VIP or a file), C(ok) and C(detail).
    - A note is something to know that is no fault, such as a host that somebody has drained or a certificate that expires within 14
      days.
  type: dict
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.fact import read
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.hostvars import at_present
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.verification import Options, verify


def cluster_verify(hostvars: Mapping[str, Any], hosts: Sequence[str], options: object = None) -> dict[str, Any]:
    return verify(at_present(hostvars, hosts, time.time()), read(Options, options))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"cluster_verify": cluster_verify}
