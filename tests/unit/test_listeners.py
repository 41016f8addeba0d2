# SPDX-License-Identifier: GPL-3.0-or-later
"""Who accepts TCP connections, by /proc: its own tables, and this very process."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import processes

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = "00000000:00000000 00:00000000 00000000     0        0"


@pytest.mark.skipif(sys.byteorder != "little", reason="the tables are of a little-endian machine")
def test_tables_of_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/tcp").write_text(
        HEADER
        + f"   0: 0100007F:1F91 00000000:0000 0A {REST} 4711 1 0 100 0 0 10 0\n"
        + f"   1: 00000000:0050 00000000:0000 0A {REST} 4712 1 0 100 0 0 10 0\n"
        + f"   2: 0100007F:A000 0100007F:0050 01 {REST} 4713 1 0 20 4 30 10 -1\n"
    )
    loopback = "00000000000000000000000001000000"
    (tmp_path / "net/tcp6").write_text(HEADER + f"   0: {loopback}:0016 {'0' * 32}:0000 0A {REST} 4714 1 0 1\n")
    (tmp_path / "17/fd").mkdir(parents=True)
    (tmp_path / "17/comm").write_text("apache2\n")
    (tmp_path / "17/fd/3").symlink_to("socket:[4712]")
    (tmp_path / "17/fd/4").symlink_to("/dev/null")
    monkeypatch.setattr(processes, "PROC", str(tmp_path))
    assert processes.listeners() == [
        {"address": "0.0.0.0", "port": 80, "process": "apache2"},
        {"address": "127.0.0.1", "port": 8081, "process": ""},
        {"address": "::1", "port": 22, "process": ""},
    ]


def test_this_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        own = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
        expected = {"address": "127.0.0.1", "port": server.getsockname()[1], "process": own}
        assert expected in processes.listeners()
    assert expected not in processes.listeners()


def test_no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container without IPv6, or where /proc is hidden."""
    monkeypatch.setattr(processes, "PROC", str(tmp_path))
    assert processes.listeners() == []
