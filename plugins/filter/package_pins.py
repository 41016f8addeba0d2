# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: package_pins
short_description: Packages with their versions, as a package manager takes them
version_added: 0.1.0
author: The evenkeel developers
description:
  - For going back to the versions of packages that were installed before.
positional: names, os_family
options:
  _input:
    description: Names of packages with their versions.
    type: dict
    required: true
  names:
    description: The packages that are wanted; those that O(_input) lacks are left out.
    type: list
    elements: str
    required: true
  os_family:
    description: The host's C(ansible_facts['os_family']), which decides how a version is written.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Go back
  ansible.builtin.package:
    name: "{{ {'nginx': '1.22.1-9'} | evenkeel.nginx_ha.package_pins(['nginx'], ansible_facts['os_family']) }}"
    allow_downgrade: true
"""

RETURN = r"""
_value:
  description: The packages, such as V(nginx=1.22.1-9) for Debian and V(nginx-1.22.1-9) for others.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any


def package_pins(versions: Mapping[str, str], names: Sequence[str], os_family: str) -> list[str]:
    separator = "=" if os_family == "Debian" else "-"
    return [f"{name}{separator}{version}" for name, version in sorted(versions.items()) if name in names]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"package_pins": package_pins}
