# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_self_signed_names
short_description: What the self-signed certificates of nginx's servers are for
version_added: 0.1.0
author: The evenkeel developers
description:
  - Tells for each server of the nginx role with a self-signed certificate the host names and addresses that belong into it. These are the
    server's names and its VIPs; patterns are left out.
positional: vips
options:
  _input:
    description: The nginx role's C(nginx_servers).
    type: list
    elements: dict
    required: true
  vips:
    description: The VIPs, for servers that do not name some.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show them
  ansible.builtin.debug:
    msg: "{{ [{'name': 'www', 'tls': {'self_signed': true}}] | evenkeel.nginx_ha.nginx_self_signed_names(['192.168.200.200']) }}"
"""

RETURN = r"""
_value:
  description: A list of names and addresses for each of these servers, by its name.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import self_signed
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import NginxSettings


def nginx_self_signed_names(servers: Sequence[Mapping[str, Any]], vips: Sequence[str] = ()) -> dict[str, list[str]]:
    return self_signed.names(NginxSettings.of({"servers": servers, "vips": vips}))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_self_signed_names": nginx_self_signed_names}
