# SPDX-License-Identifier: GPL-3.0-or-later
"""host_info puts together what it says of keepalived and nginx, and config_files writes those of several services."""

from __future__ import annotations

from pathlib import Path

from support.hosts import Host
from support.modules import Python, ends, needs_root


@ends
def test_the_answers_of_both_services_are_those_of_each_alone(bare: Host) -> None:
    keepalived = {"binary": f"{bare.directory}/bin/keepalived", "config": f"{bare.directory}/keepalived.conf"}
    nginx = {"config": f"{bare.directory}/nginx/nginx.conf"}
    both = bare.ask(keepalived=keepalived, nginx=nginx)
    assert both["keepalived"] == bare.ask(keepalived=keepalived)["keepalived"]
    assert both["nginx"] == bare.ask(nginx=nginx)["nginx"]
    assert "heard" not in both and not both["changed"]
    assert "nginx" not in bare.ask(keepalived=keepalived)


@needs_root
@ends
def test_a_file_that_a_later_sets_checker_looks_for_is_placed_once_it_is_tested(python: Python, tmp_path: Path) -> None:
    script, checked = tmp_path / "check.sh", tmp_path / "keepalived.conf"
    common = {"state": "tested", "root": str(tmp_path)}
    sets = [
        {**common, "name": "check", "files": [{"path": script.name, "content": "exit 0\n"}], "needed": [script.name]},
        {
            **common,
            "name": "keepalived",
            "files": [{"path": checked.name, "content": "a\n"}],
            "validate": ["test", "-e", str(script)],
        },
    ]
    rehearsed = python.run("config_files", {"sets": sets[:1]}, check=True)
    assert rehearsed["changed"] and not script.exists()
    answer = python.run("config_files", {"sets": sets})
    assert answer["changed"] and script.read_text() == "exit 0\n" and not checked.exists()
    assert answer["sets"]["keepalived"]["pending_files"] == [str(checked)]
    again = python.run("config_files", {"sets": sets})
    assert not again["changed"] and again["sets"]["check"]["pending_files"] == []
    refused = python.run("config_files", {"sets": [sets[0], {**sets[1], "validate": ["false"]}]})
    assert refused["failed"] and "false refuses the new configuration" in refused["msg"]
