# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether all load balancers of an inventory can become what it says, judged before anything changes.

Pure functions of hostvars; they run on the control node only, once for a play.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..cluster import fleet, members
from ..cluster.host import Host, Speaker, network_of
from ..keepalived import directives, notify
from ..settings import keepalived
from ..settings.fact import read
from ..settings.platform import Facts, platform_problems
from ..settings.problem import Problem
from ..text import natural
from .observed import KeepalivedState

# Of a host outside of the play only what the inventory sets is known.
OUTSIDE = ("hosts", "vips", "unicast_src_ip", *members.COMMON)


def judged(hostvars: Mapping[str, Any], play_hosts: Iterable[str]) -> fleet.Fleet:
    """The plan of all clusters, and what is wrong with them and with each host of the play."""
    problems: list[Problem] = []
    in_play = set(play_hosts)
    # What a run has set has no templates in it, and looking for some in a thousand hosts' facts takes longer than the plan.
    plain = getattr(hostvars, "raw_get", hostvars.__getitem__)
    found = []
    for name in sorted(hostvars, key=natural):
        variables = plain(name)
        if name in in_play and "keepalived_settings" in variables:
            found.append(_inside(name, variables, problems))
        elif "keepalived_hosts" in variables and "keepalived_vips" in variables:
            found.append(_outside(name, hostvars[name], problems))
    return fleet.plan_fleet(found, problems)


def _outside(name: str, variables: Mapping[str, Any], problems: list[Problem]) -> Host:
    settings, found = keepalived.parse({key: variables.get(f"keepalived_{key}") for key in OUTSIDE})
    problems += [each.of(name) for each in found]
    return Host(name, settings)


def _inside(name: str, variables: Mapping[str, Any], problems: list[Problem]) -> Host:
    facts = variables["ansible_facts"]
    settings, found = keepalived.parse(variables["keepalived_settings"])
    # The tables of directives judge some values once more.
    known = {each.where for each in found}
    found += [
        each for each in _own_problems(settings, read(Facts, facts) if facts else None) if each.where not in known
    ]
    problems += [each.of(name) for each in found]
    state, heard = read(KeepalivedState, variables.get("keepalived_found")), variables.get("keepalived_heard") or {}
    return Host(
        name,
        settings,
        network_of(facts),
        state.instances,
        [read(Speaker, each) for each in heard.get("speakers") or ()],
        state.admitted,
    )


def _own_problems(settings: keepalived.KeepalivedSettings, facts: Facts | None) -> Iterator[Problem]:
    if facts:
        yield from platform_problems(facts)
    yield from directives.problems(settings)
    yield from notify.problems(settings, facts or Facts())
    yield from keepalived.problems_of(settings)
