# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_tree
short_description: The files of an nginx configuration, one for each upstream, server and stream
version_added: 0.1.0
author: The evenkeel developers
description:
  - Turns the nginx role's variables into files for P(evenkeel.nginx_ha.rendered#lookup), each with what its template shows.
  - A value that P(evenkeel.nginx_ha.nginx_problems#filter) refuses is refused here, too; what entries have to agree on is not checked again.
options:
  _input:
    description: The nginx role's variables, by their names without the prefix, and C(ipv6), whether the host has IPv6.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Render everything
  ansible.builtin.set_fact:
    nginx_files: "{{ query('evenkeel.nginx_ha.rendered', *(settings | evenkeel.nginx_ha.nginx_tree)) }}"
  vars:
    settings:
      upstreams: [{name: web, servers: [{address: 172.16.2.20, port: 9091}]}]
      servers: [{name: default, listen: 80, upstream: web}]
      vips: [192.168.200.200]
      upstream_keepalive: 32
      ipv6: true
"""

RETURN = r"""
_value:
  description: The files, each with C(path), relative to nginx's directory, C(template) and C(vars).
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import tree
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import NginxSettings


def nginx_tree(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    return tree.files(NginxSettings.of(settings))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_tree": nginx_tree}
