# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: names
short_description: Names from a list, or from a text as people write one
version_added: 0.1.0
author: The evenkeel developers
description:
  - Takes names as they come with C(-e), from an inventory or from a survey of AWX, which gives several choices as a list or as
    a text of lines.
options:
  _input:
    description: A list of names, or a text with commas, spaces or ends of lines between them.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show nginx1 and nginx2
  ansible.builtin.debug:
    msg: "{{ 'nginx1, nginx2' | evenkeel.nginx_ha.names }}"
"""

RETURN = r"""
_value:
  description: The names in their order.
  type: list
  elements: str
"""

import re
from typing import Any

from ansible.errors import AnsibleFilterError


def names(value: Any) -> list[str]:
    if value is None:
        return []
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise AnsibleFilterError(
            f"evenkeel.nginx_ha.names: {value!r} is no list of names. Give a list, or a text with commas between the names."
        )
    return [name for part in parts for name in re.split(r"[,\s]+", part) if name]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"names": names}
