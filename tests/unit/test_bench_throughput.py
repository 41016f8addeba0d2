# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench makes of wrk's words."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).parents[2]
QUIET = """\
Running 6s test @ http://192.168.200.150:80/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.18ms  826.40us  16.40ms   88.17%
    Req/Sec    30.76k     2.05k   35.16k    68.33%
  Latency Distribution
     50%    0.95ms
     75%    1.34ms
     90%    2.06ms
     99%    3.58ms
  183595 requests in 6.00s, 28.54MB read
Requests/sec:  30578.97
Transfer/sec:      4.75MB
"""
TROUBLED = QUIET.replace(
    "Requests/sec:",
    "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 104\nRequests/sec:",
).replace("50%    0.95ms", "50%  950.00us")


@pytest.fixture
def throughput(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for place in ("lab", "tests/bench"):
        monkeypatch.syspath_prepend(PROJECT / place)
    for name in ("measured_faults", "pair", "throughput"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import throughput

    return throughput


def test_a_run_without_errors(throughput: ModuleType) -> None:
    assert throughput.parsed(QUIET) == throughput.Load(30578.97, 0.95, 3.58, 0)


def test_errors_of_all_kinds_are_counted_and_units_are_heeded(throughput: ModuleType) -> None:
    assert throughput.parsed(TROUBLED) == throughput.Load(30578.97, pytest.approx(0.95), 3.58, 114)
    assert throughput.parsed(QUIET.replace("99%    3.58ms", "99%    1.20s")).most == 1200


def test_other_words_are_no_figures(throughput: ModuleType) -> None:
    with pytest.raises(throughput.LabError, match="unable to connect"):
        throughput.parsed("unable to connect to 192.168.200.150:8080 Connection refused")


def test_the_report_compares_medians_and_adds_errors_up(throughput: ModuleType) -> None:
    bench = throughput.Bench(None)
    ours = [throughput.Load(rate, 1, 2, errors) for rate, errors in ((100, 1), (300, 0), (900, 2))]
    reference = [throughput.Load(rate, 3, 4, 0) for rate in (10, 100, 150)]
    bench.measured[throughput.Case("http", "small", down=True)] = {"ours": ours, "reference": reference}
    row = throughput.report(bench).splitlines()[1]
    cells = [cell.strip() for cell in row.split("  ") if cell.strip()]
    assert cells == ["HTTP, small, one web server down", "300", "100", "3.00", "1.0, 2.0", "3.0, 4.0", "3, 0"]
    assert throughput.document(bench)["HTTP, small, one web server down"]["reference"][0]["rate"] == 10


def test_cases_have_names_of_their_own(throughput: ModuleType) -> None:
    names = [case.name for case in throughput.CASES]
    assert len(set(names)) == len(names)
    assert throughput.Case("http", "small", connections=1).name == "HTTP, small, 1 connection"
