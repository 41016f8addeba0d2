# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: keepalived_directives
short_description: The lines of one place in keepalived.conf
version_added: 0.1.0
author: The evenkeel developers
description:
  - Turns directives and their values into lines. Text that keepalived's parser would take for more than text is an error.
positional: place
options:
  _input:
    description:
      - The keepalived role's variables with directives, without their prefix.
      - An instance of P(evenkeel.nginx_ha.vrrp_plan#filter) for the place V(address), an entry of the tracked processes for V(track_process).
    type: dict
    required: true
  place:
    description: Where they stand. V(top), V(beside) and V(lvs) are outside of all blocks.
    type: str
    choices: [top, global_defs, beside, track_process, instance, auth_hmac, address, lvs]
    required: true
"""

EXAMPLES = r"""
- name: Show the lines of global_defs
  ansible.builtin.debug:
    msg: "{{ {'global_defs': {'smtp_server': ['127.0.0.1']}} | evenkeel.nginx_ha.keepalived_directives('global_defs') }}"
"""

RETURN = r"""
_value:
  description: The lines, each with its end; words with a space before each for the place V(address); empty where there is none.
  type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives as keepalived_settings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.words import WordError


def keepalived_directives(settings: Mapping[str, Any], place: str) -> str:
    try:
        return keepalived_settings.render(settings, place)
    except WordError as error:
        raise AnsibleFilterError(f"evenkeel.nginx_ha.keepalived_directives: a value in {place} {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"keepalived_directives": keepalived_directives}
