# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_packages
short_description: Which packages nginx and its modules lack on a host
version_added: 0.1.0
author: The evenkeel developers
description:
  - Names the packages of nginx, with logrotate, and of its dynamic modules, the distribution's or those of nginx.org. A module that is
    built into nginx, or whose file is there, needs none.
positional: modules, os_family, upstream
options:
  _input:
    description: The result of P(evenkeel.nginx_ha.nginx_info#module).
    type: dict
    required: true
  modules:
    description: Names of modules, such as V(stream) or V(http_image_filter).
    type: list
    elements: str
    required: true
  os_family:
    description: The host's C(ansible_facts['os_family']), which decides how the packages are called.
    type: str
    required: true
  upstream:
    description: Whether they are those of nginx.org, which are called alike everywhere. One package has all modules of a kind.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Install what is missing
  ansible.builtin.package:
    name: "{{ info | evenkeel.nginx_ha.nginx_packages(['stream'], ansible_facts['os_family']) }}"
"""

RETURN = r"""
_value:
  description: The packages, such as V(libnginx-mod-stream) for Debian, V(nginx-mod-stream) for others, V(nginx-module-geoip) of nginx.org.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.packages import nginx_packages


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_packages": nginx_packages}
