# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: keepalived_conf
short_description: The whole of keepalived.conf
version_added: 0.1.0
author: The evenkeel developers
description:
  - Turns the keepalived role's variables and a host's part of the plan into keepalived's configuration. Text that keepalived's parser would
    take for more than text is an error.
positional: instances, runtime
options:
  _input:
    description: The keepalived role's variables without their prefix.
    type: dict
    required: true
  instances:
    description: The host's part of the plan, as P(evenkeel.nginx_ha.vrrp_plan#filter) has it.
    type: list
    elements: dict
    required: true
  runtime:
    description: What the host's keepalived can do and works with, as the role's vars have it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the configuration
  ansible.builtin.debug:
    msg: "{{ keepalived_settings | evenkeel.nginx_ha.keepalived_conf(keepalived_instances, runtime) }}"
"""

RETURN = r"""
_value:
  description: The configuration's lines, each with its end.
  type: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.configuration import Runtime, render
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.words import WordError


def keepalived_conf(
    settings: Mapping[str, Any], instances: Sequence[Mapping[str, Any]], runtime: Mapping[str, Any]
) -> str:
    try:
        return render(settings, [Instance.from_fact(each) for each in instances], Runtime.from_mapping(runtime))
    except WordError as error:
        raise AnsibleFilterError(f"evenkeel.nginx_ha.keepalived_conf: a value {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"keepalived_conf": keepalived_conf}
