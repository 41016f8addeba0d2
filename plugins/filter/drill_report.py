# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_report
short_description: The report of a failover drill as one HTML page
version_added: 0.1.0
author: The evenkeel developers
description:
  - Shows the result of a failover drill, with a timeline for each fault of who held which VIP and where requests failed.
  - The page is complete in itself. It has no script and loads nothing, so it can be kept, mailed and printed.
  - Text from outside, such as names of hosts and messages, is escaped.
  - What a drill that was cut short did not measure is said to be not measured.
options:
  _input:
    description:
      - The drill's result.
      - C(ok) says whether it passed, C(started) and C(finished) when it ran, in seconds since the epoch.
      - C(cluster) has the C(hosts) and the C(vips), C(prober) and C(rate) say who asked how many times a second.
      - C(rows) has an entry for each fault; its C(probe) says by VIP what the prober saw, in milliseconds since its start.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the report
  ansible.builtin.copy:
    content: "{{ drill | evenkeel.nginx_ha.drill_report }}"
    dest: drill.html
    mode: "0644"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
_value:
  description: The HTML page.
  type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.report import page


def drill_report(drill: Mapping[str, Any]) -> str:
    if not isinstance(drill, Mapping):
        raise AnsibleFilterError(
            "evenkeel.nginx_ha.drill_report: the input is no dictionary. Give it a drill's result."
        )
    return page(drill)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"drill_report": drill_report}
