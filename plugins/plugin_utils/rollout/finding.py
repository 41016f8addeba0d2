# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of one check of verify.yml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..text import columns


@dataclass(frozen=True)
class Finding:
    """check: its name; subject: a host, a VIP or a file. What is not ok has a full sentence as its detail, and so has a note."""

    check: str
    subject: str
    detail: str
    ok: bool = True
    note: bool = False

    @property
    def verdict(self) -> str:
        return "PROBLEM" if not self.ok else "note" if self.note else "ok"


def bad(check: str, subject: str, detail: str) -> Finding:
    return Finding(check, subject, detail, ok=False)


def note(check: str, subject: str, detail: str) -> Finding:
    return Finding(check, subject, detail, note=True)


def table(findings: Sequence[Finding]) -> list[str]:
    rows = [(each.check, each.subject, each.verdict, each.detail) for each in findings]
    return columns([("check", "subject", "", ""), *rows])
