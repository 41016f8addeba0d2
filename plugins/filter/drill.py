# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of playbooks/drill.yml. They are private, and may change with any version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import outcome
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.result import Drill
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read


def drill_page(result: object) -> str:
    """The result as an HTML page."""
    # Every task that uses any filter loads this file; only the end of a drill needs the template engine.
    from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.page import page

    if not isinstance(result, Mapping):
        raise AnsibleFilterError("The input is no dictionary. Give it a drill's result.")
    return page(read(Drill, result))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "_drill_row": outcome.row,
            "_drill_summary": outcome.summary,
            "_drill_result": outcome.result,
            "_drill_page": drill_page,
        }
