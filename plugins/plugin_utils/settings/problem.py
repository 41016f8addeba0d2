# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way to say what is wrong with the inventory."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Problem:
    """One value of the inventory that cannot work.

    where: variable and entry, such as keepalived_vips[2].address; what: a clause with the value, such as "is 'x', which is no IP
    address", without the value where that is secret; fix: what to do, one sentence; host: whose value it is, empty for all members.
    """

    where: str
    what: str
    fix: str
    host: str = ""

    def of(self, host: str) -> Problem:
        return replace(self, host=host)

    def __str__(self) -> str:
        text = f"{f'{self.host}: ' if self.host else ''}{self.where} {self.what}. {self.fix}"
        # One line, also where the inventory's text is several.
        return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


class InputError(ValueError):
    """A value that nothing can be made of; its problem says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def shown(value: object) -> str:
    """A value as problems have it: on one line, and not longer than anybody reads."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:150]}..."
