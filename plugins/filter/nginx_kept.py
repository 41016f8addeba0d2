# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_kept
short_description: The certificates and the generation of session ticket keys that all load balancers are to have
version_added: 0.1.0
author: The evenkeel developers
description:
  - Decides once for all hosts of a play, by what each of them has. A self-signed certificate that still does is kept, and a new one is made
    where no host has one, where its names have changed, or in its last 30 days.
positional: rotate
options:
  _input:
    description: >-
      The variables of each host, of which C(nginx_self_signed) (P(evenkeel.nginx_ha.nginx_self_signed_names#filter)), C(nginx_kept_files)
      (M(evenkeel.nginx_ha.read_files)) and C(nginx_kept), an earlier result of this filter, count.
    type: list
    elements: dict
    required: true
  rotate:
    description: Whether session tickets get the next key. Where hosts do not have the same one, they first get that.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    nginx_kept: "{{ ansible_play_hosts_all | map('extract', hostvars) | evenkeel.nginx_ha.nginx_kept }}"
  run_once: true
  no_log: true
"""

RETURN = r"""
_value:
  description: >-
    C(generation), how often keys of session tickets were rotated, and C(self_signed), a dictionary with the C(certificate) and the
    C(key) of each server, in PEM.
  type: dict
"""

from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.kept import nginx_kept


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_kept": nginx_kept}
