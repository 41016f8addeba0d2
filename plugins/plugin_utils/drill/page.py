# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a failover drill: one HTML page that needs nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import summary, units
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.chart import charts
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill.result import Drill, Target
from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
# Neither HTML nor XML has these.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def page(drill: Drill) -> str:
    """The page as well-formed XML, from page.html.j2 and page.css."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {name: getattr(units, name) for name in ("ms", "percent", "plural")}
    environment.filters |= {"counted": summary.counted, "figures": summary.figures}
    html = environment.get_template("page.html.j2").render(
        drill=drill,
        verdict=summary.verdict(drill),
        facts=summary.facts(drill),
        tiles=summary.tiles(drill.rows),
        worst=summary.worst_gap(drill.rows),
        nothing=Target(),
        charts=charts,
    )
    return UNPRINTABLE.sub("\ufffd", html)
