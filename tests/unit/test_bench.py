# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of ./dev bench failover: medians, worst cases, ratios, the table and the JSON file, from made-up measurements."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
from bench import results
from bench.results import Sample

BENCH = Path(__file__).parents[1] / "bench"
NAMES = [
    "nginx stopped",
    "nginx restarted",
    "nginx upgraded",
    "keepalived drained",
    "orderly reboot",
    "nginx killed",
    "keepalived stopped",
    "keepalived killed with -9",
    "host cut off",
    "nginx hung",
    "return of a host",
    "anything on the backup",
    "host cut off, fast setting",
]


def samples(*gaps: int, over: bool = True) -> list[Sample]:
    return [Sample(gap_ms=gap, failed=gap // 10, sent=600, over=over) for gap in gaps]


def measured() -> results.Measured:
    return {
        "nginx stopped": {"ours": samples(0, 0, 0), "reference": samples(1500, 2200, 1400)},
        "nginx killed": {"ours": samples(30, 20, 60), "reference": samples(1500, 2100, 900)},
        "nginx hung": {"ours": samples(2000, 1500, 1900), "reference": samples(20_000, 20_010, 20_020, over=False)},
        "return of a host": {"ours": samples(0, 0), "reference": samples(0, 0)},
        "host cut off, fast setting": {"ours": samples(200)},
    }


def cells(fault: str) -> list[str]:
    line = next(line for line in results.table(measured()).splitlines() if line.startswith(f"{fault}  "))
    return [cell.strip() for cell in line.split("  ") if cell.strip()][1:]


@pytest.mark.parametrize(
    ("reference", "ours", "expected"), [(1500, 30, 50), (10, 20, 0.5), (10, 0, math.inf), (0, 0, None), (0, 10, 0)]
)
def test_a_ratio_says_how_many_times_shorter_ours_is(reference: int, ours: int, expected: float | None) -> None:
    assert results.ratio(reference, ours) == expected


def test_a_row_has_medians_and_worst_cases_of_both_and_their_ratios() -> None:
    assert cells("nginx killed") == ["30 (60)", "1,500 (2,100)", "50 (35)", "3 (6)", "150 (210)"]


def test_no_gap_at_all_is_shorter_without_a_limit() -> None:
    assert cells("nginx stopped")[:3] == ["0 (0)", "1,500 (2,200)", "∞ (∞)"]


def test_two_without_a_gap_have_no_ratio() -> None:
    assert cells("return of a host") == ["0 (0)", "0 (0)", "- (-)", "0 (0)", "0 (0)"]


def test_what_was_not_over_is_marked_as_longer_than_was_watched() -> None:
    assert cells("nginx hung")[:3] == ["1,900 (2,000)", ">20,010 (>20,020)", ">11 (>10)"]


def test_one_repetition_of_three_that_was_not_over_marks_the_worst_case_only() -> None:
    mixed = [*samples(1000, 1100), *samples(20_000, over=False)]
    assert results.gap(mixed) == "1,100 (>20,000)"


def test_what_was_not_measured_is_left_out() -> None:
    assert cells("host cut off, fast setting") == ["200 (200)", "-", "-", "20 (20)", "-"]


def test_a_table_of_one_side_alone() -> None:
    one = results.table({"nginx killed": {"reference": samples(1500)}})
    assert one.splitlines()[-1].split() == ["nginx", "killed", "-", "1,500", "(1,500)", "-", "-", "150", "(150)"]


def test_the_columns_are_aligned_and_every_fault_has_a_line() -> None:
    lines = results.table(measured()).splitlines()
    assert len(lines) == 3 + len(measured())
    place = lines[1].index("reference")
    assert [line[place - 2 : place] for line in lines[3:]] == ["  "] * len(measured())
    assert all(line[place] != " " for line in lines[3:])


def test_the_json_has_one_number_a_repetition() -> None:
    faults = json.loads(json.dumps(results.document(measured())))
    assert [each["fault"] for each in faults] == list(measured())
    assert faults[1] == {
        "fault": "nginx killed",
        "ours": {"gap_ms": [30, 20, 60], "failed": [3, 2, 6], "sent": [600, 600, 600]},
        "reference": {"gap_ms": [1500, 2100, 900], "failed": [150, 210, 90], "sent": [600, 600, 600]},
    }
    assert faults[-1] == {
        "fault": "host cut off, fast setting",
        "ours": {"gap_ms": [200], "failed": [20], "sent": [600]},
    }


def test_a_fault_that_could_not_be_measured_has_a_name_and_no_numbers() -> None:
    empty: results.Measured = {"nginx killed": {}, "nginx hung": {"ours": []}}
    assert results.document(empty) == [{"fault": "nginx killed"}, {"fault": "nginx hung"}]
    assert results.table(empty).count("-  ") >= 2


def test_the_details_name_the_repetitions_that_lost_requests() -> None:
    lost = Sample(gap_ms=30, failed=3, sent=600, reasons={"refused": 2, "timeout": 1})
    assert results.details({"nginx killed": {"ours": [*samples(0), lost]}}) == [
        {
            "fault": "nginx killed",
            "side": "ours",
            "repetition": 2,
            "reasons": {"refused": 2, "timeout": 1},
            "over": True,
        }
    ]


def test_a_sample_is_taken_from_what_the_prober_tells_of_a_vip() -> None:
    target = {
        "sent": 500,
        "failed": 5,
        "gap_ms": 61,
        "recover_ms": 51,
        "failures": [{"count": 3, "reasons": {"refused": 3}}, {"count": 2, "reasons": {"refused": 1, "timeout": 1}}],
    }
    assert results.sample(target) == Sample(61, 5, 500, over=True, reasons={"refused": 4, "timeout": 1})
    assert not results.sample(target | {"recover_ms": None}).over


@pytest.fixture
def measured_faults(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(BENCH)
    monkeypatch.delitem(sys.modules, "measured_faults", raising=False)
    import measured_faults

    return measured_faults


def test_the_faults_have_the_names_that_others_read(measured_faults) -> None:
    assert list(measured_faults.NAMES) == NAMES


def test_every_fault_of_the_reference_ends_with_a_start_by_hand(measured_faults) -> None:
    for fault in measured_faults.FAULTS:
        assert fault.unplug or (fault.injection("ours") and fault.injection("reference"))
        assert fault.healing("reference").endswith("systemctl start nginx keepalived")
        assert "vips.sh" not in fault.injection("reference") + fault.healing("reference")
