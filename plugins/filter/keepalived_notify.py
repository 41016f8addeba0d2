# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: keepalived_notify
short_description: The settings that keepalived's notifier reads
version_added: 0.1.0
author: The evenkeel developers
description:
  - Makes the notifier's file of the keepalived role's variable C(keepalived_notify). It has secrets in it, and is one line.
positional: host, instances, script_user
options:
  _input:
    description: The variable, which preflight has found nothing in.
    type: dict
    required: true
  host:
    description: The host's name in messages.
    type: str
    required: true
  instances:
    description: The host's part of the plan, as P(evenkeel.nginx_ha.vrrp_plan#filter) has it.
    type: list
    elements: dict
    required: true
  script_user:
    description: The user that scripts run as.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write the notifier's settings
  ansible.builtin.copy:
    content: "{{ keepalived_notify | evenkeel.nginx_ha.keepalived_notify('nginx1', plan['nginx1'], 'keepalived_script') }}"
    dest: /etc/keepalived/evenkeel_notify.json
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The file's content in JSON.
  type: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.notify import rendered


def keepalived_notify(
    notify: Mapping[str, Any], host: str, instances: Sequence[Mapping[str, Any]], script_user: str
) -> str:
    return rendered(notify, host, instances, script_user)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"keepalived_notify": keepalived_notify}
