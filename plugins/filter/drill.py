# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of playbooks/drill.yml. They are private, and may change with any version."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import outcome
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.plan import Step
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.result import parse, parse_row
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.reader import Reader


def drill_row(step: Mapping[str, Any], hostvars: outcome.Registered, probe: Mapping[str, object]) -> dict[str, Any]:
    """What came of a step, from what the step's tasks have registered on the hosts and the prober's result."""
    planned = Step.from_fact(step)
    return outcome.row(planned, outcome.Observation.from_results(planned, hostvars, probe))


def drill_summary(rows: Sequence[Mapping[str, object]]) -> dict[str, Any]:
    """Whether all was as expected so far (ok), that in a sentence or two (message), and the lines of a table."""
    return asdict(outcome.summary([parse_row(Reader(row, "")) for row in rows]))


def drill_result(
    planned: Mapping[str, object], rows: Sequence[Mapping[str, object]], prober: str, rate: float
) -> dict[str, Any]:
    """The drill's result as JSON; rate: requests a second to each VIP."""
    return {
        "title": "Failover drill",
        "started": planned["started"],
        "finished": time.time(),
        "ok": all(row["ok"] for row in rows),
        "cluster": planned["cluster"],
        "prober": prober,
        "rate": float(rate),
        "rows": list(rows),
    }


def drill_page(result: object) -> str:
    """The result as an HTML page."""
    # Every task that uses any filter loads this file; only the end of a drill needs the template engine.
    from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.page import page

    if not isinstance(result, Mapping):
        raise AnsibleFilterError("The input is no dictionary. Give it a drill's result.")
    return page(parse(result))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "_drill_row": drill_row,
            "_drill_summary": drill_summary,
            "_drill_result": drill_result,
            "_drill_page": drill_page,
        }
