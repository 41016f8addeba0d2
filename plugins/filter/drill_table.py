# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drill_table
short_description: The result of a failover drill as lines to print
version_added: 0.1.0
author: The evenkeel developers
description:
  - A line for each fault and VIP with the failed requests and the longest gap.
options:
  _input:
    description: What P(evenkeel.nginx_ha.drill_row#filter) returned for each step.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what came of it
  ansible.builtin.debug:
    msg: "{{ __drill_rows | evenkeel.nginx_ha.drill_table }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import plan as drill


def drill_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return drill.table(rows)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"drill_table": drill_table}
