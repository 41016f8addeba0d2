# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: preloaded
short_description: Load this collection's plugins once for a whole run
version_added: 0.1.0
author: The evenkeel developers
description:
  - Returns its input. On the way it loads the filters, lookups and actions of this collection, and the specs of its roles' arguments.
  - Ansible keeps no compiled form of a collection's plugins, and each task runs on each host in a process of its own, which compiles those
    that it uses anew. These processes are forks of the one that reads the play, so what is loaded there is loaded in all of them. A
    keyword of a play, such as C(gather_facts), is read there.
options:
  _input:
    description: Anything.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Do something on many hosts
  hosts: load_balancers
  gather_facts: "{{ true | evenkeel.nginx_ha.preloaded }}"
"""

RETURN = r"""
_value:
  description: The input.
  type: raw
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.roles import ROLES, validator


def preloaded(value: Any) -> Any:
    plugins, package = Path(__file__).parents[1], __name__.rsplit(".", 2)[0]
    for kind in ("filter", "lookup", "action"):
        for path in sorted((plugins / kind).glob("*.py")):
            import_module(f"{package}.{kind}.{path.stem}")
    for role in ROLES.iterdir():
        validator(role.name)
    return value


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"preloaded": preloaded}
