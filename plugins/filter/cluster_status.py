# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_status
short_description: Who holds which VIP, and how the load balancers are
version_added: 0.1.0
author: The evenkeel developers
description:
  - Puts together what the load balancers said of themselves, and says why a VIP is not on its preferred host.
  - A VIP's preferred host is the one that the plan gives the highest priority, where the keepalived role's preflight has run in
    the same play, and else the one that keepalived itself does.
positional: hosts
options:
  _input:
    description:
      - The C(hostvars), in which the result of P(evenkeel.nginx_ha.keepalived_info#module) with O(evenkeel.nginx_ha.keepalived_info#module:state)
        is registered as C(keepalived_now), and that of P(evenkeel.nginx_ha.nginx_info#module) as C(nginx_now).
      - A host without C(keepalived_now) counts as unreachable.
    type: dict
    required: true
  hosts:
    description: The load balancers that were asked.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show who has which VIP
  ansible.builtin.debug:
    msg: "{{ (hostvars | evenkeel.nginx_ha.cluster_status(groups['load_balancers'])).table }}"
"""

RETURN = r"""
_value:
  description: What could be found out. Times are seconds since 1970 by the host's clock, addresses have no prefix.
  type: dict
  contains:
    ok:
      description:
        - Whether every host was reached and runs keepalived and nginx, and every VIP has exactly one holder, be it the preferred one or
          not.
      type: bool
    hosts:
      description:
        - By the host's name, C(reachable), C(keepalived) (the version that runs, or empty), C(keepalived_since), C(state_age) (seconds that
          it took to answer, null if it did not), C(nginx) (its version, or empty), C(nginx_running) (null where nobody asked),
          C(drained) (the reason, or empty), C(drained_since), C(check) (V(well), V(failing), V(down), or empty where nothing is known),
          C(holds) (addresses) and C(instances).
        - Each of C(instances) has the C(name), C(state), C(priority) (the one in effect) and C(vips) (addresses) of a VRRP instance.
      type: dict
    vips:
      description:
        - By the VIP's address, C(holders) and C(preferred) (hosts), C(ok) (whether it has exactly one holder) and C(note) (why it is
          not on its preferred host, or empty).
      type: dict
    table:
      description: All of it as lines to print.
      type: list
      elements: str
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.hostvars import at_present
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.status import status


def cluster_status(hostvars: Mapping[str, Any], hosts: Sequence[str]) -> dict[str, Any]:
    return status(at_present(hostvars, hosts, time.time()))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"cluster_status": cluster_status}
