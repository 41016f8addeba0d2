# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: _settings
short_description: The settings of a role, put together of its variables
version_added: 0.2.0
author: The evenkeel developers (@evenkeel)
description:
  - Evaluates the variables that a role's plan and files are made of. It is private, and may change with any version.
options:
  _terms: {description: 'The roles, V(keepalived) or V(nginx).', type: list, elements: str, required: true}
"""

RETURN = r"""
_raw: {description: 'The settings of each role, by names without the role''s prefix.', type: list, elements: dict}
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import collected
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.roles import Variables


class LookupModule(LookupBase):
    def run(
        self, terms: Sequence[str], variables: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        own = Variables(self._templar, variables or {})
        return [directives.collected(own) if role == "keepalived" else collected(own, own.of_play()) for role in terms]
