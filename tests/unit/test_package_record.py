# SPDX-License-Identifier: GPL-3.0-or-later
"""package_record under every Python; the package managers are stand-ins, the module and its record are real."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.modules import Python, ends

# curl is on hold, man-db has triggers to run; apache2 was removed without its configuration, half is not configured.
INSTALLED = """bash amd64 ii\x20
curl amd64 hi\x20
man-db amd64 it\x20
tzdata all ii\x20
libc6 i386 ii\x20
apache2 amd64 rc\x20
half amd64 iF\x20
"""
SIMULATION = """Reading package lists...
The following additional packages will be installed:
  libnl-3-200 libc6:i386 tzdata
Inst tzdata [2023] (2024 Debian:12 [all])
Inst libc6:i386 [2.36-8] (2.36-9 Debian:12 [i386])
Inst libnl-3-200 (3.7.0-0.2 Debian:12 [amd64])
Inst zlib1g:i386 (1.2 Debian:12 [i386])
Inst keepalived (1:2.2.7-1 Debian:12 [amd64]) []
Conf keepalived (1:2.2.7-1 Debian:12 [amd64])
"""


@dataclass
class Host:
    directory: Path
    python: Python

    @property
    def record(self) -> Path:
        return self.directory / "state" / "evenkeel" / "packages"

    def tool(self, name: str, said: str = "", code: int = 0, err: str = "") -> None:
        (self.directory / f"{name}.said").write_text(said)
        self.script(name, f"/bin/cat {self.directory}/{name}.said\necho '{err}' >&2\nexit {code}\n")

    def script(self, name: str, text: str) -> None:
        path = self.directory / "bin" / name
        path.write_text(f'#!/bin/sh\necho "$@" >>{self.directory}/{name}.asked\n{text}')
        path.chmod(0o755)

    def asked(self, name: str) -> list[str]:
        path = self.directory / f"{name}.asked"
        return path.read_text().splitlines() if path.exists() else []

    def ask(
        self, *names: str, check: bool = False, umask: int = 0o022, preload: str = "pass", **arguments: Any
    ) -> dict[str, Any]:
        python = replace(self.python, environment={**self.python.environment, "PATH": f"{self.directory}/bin"})
        arguments = {"record": str(self.record), "name": list(names), **arguments}
        return python.run("package_record", arguments, check=check, umask=umask, preload=preload)


@pytest.fixture
def host(tmp_path: Path, python: Python) -> Host:
    (tmp_path / "bin").mkdir()
    return Host(tmp_path, python)


@pytest.fixture
def debian(host: Host) -> Host:
    host.tool("dpkg-query", INSTALLED)
    host.tool("apt-get", SIMULATION)
    # Some have it, and it knows nothing.
    host.script("rpm", 'echo "no package provides $3"; exit 1')
    return host


@pytest.fixture
def redhat(host: Host) -> Host:
    host.script(
        "rpm",
        'for last; do :; done\ncase $last in bash|pkgconfig) echo "$last-1" ;; *) echo "no package provides $last"; exit 1 ;; esac',
    )
    return host


def test_what_is_missing_is_recorded_with_what_comes_along(debian: Host) -> None:
    answer = debian.ask("keepalived", "bash", umask=0o077)
    recorded = ["keepalived", "libnl-3-200", "zlib1g:i386"]
    assert (answer["changed"], answer["missing"], answer["recorded"]) == (True, ["keepalived"], recorded)
    assert answer["complete"] is True
    assert debian.record.read_text() == "keepalived\nlibnl-3-200\nzlib1g:i386\n"
    assert stat.S_IMODE(debian.record.stat().st_mode) == 0o644
    assert list(debian.record.parent.iterdir()) == [debian.record]
    assert debian.asked("apt-get") == ["--simulate --quiet install keepalived"]
    assert debian.asked("rpm") == []
    assert (answer["diff"]["before"], answer["diff"]["after"]) == ("", debian.record.read_text())


def test_what_is_installed_in_one_way_or_another_is_not_recorded(debian: Host) -> None:
    answer = debian.ask("bash", "curl", "man-db", "tzdata", "bash:amd64", "libc6:i386")
    assert (answer["changed"], answer["missing"], answer["recorded"]) == (False, [], [])
    assert answer["complete"] is True
    assert not debian.record.parent.exists()
    assert debian.asked("apt-get") == []


def test_what_is_only_half_there_is_missing(debian: Host) -> None:
    assert debian.ask("half", "apache2", "bash:i386")["missing"] == ["apache2", "bash:i386", "half"]


def test_what_was_recorded_before_stays_after_it_is_installed(debian: Host) -> None:
    debian.record.parent.mkdir(parents=True)
    debian.record.write_text("nginx\ncurl\n")
    answer = debian.ask("curl")
    assert (answer["changed"], answer["recorded"]) == (False, ["curl", "nginx"])
    assert debian.record.read_text() == "nginx\ncurl\n"
    assert answer["diff"]["before"] == answer["diff"]["after"]
    answer = debian.ask("keepalived")
    assert (answer["changed"], answer["missing"]) == (True, ["keepalived"])
    assert debian.record.read_text() == "curl\nkeepalived\nlibnl-3-200\nnginx\nzlib1g:i386\n"
    assert debian.ask("keepalived")["changed"] is False


@ends
def test_without_package_lists_the_names_alone_are_recorded(debian: Host) -> None:
    debian.tool("apt-get", "Inst rubbish (1)\n", 100, "E: Unable to locate package keepalived")
    answer = debian.ask("keepalived", "socat")
    assert (answer["complete"], answer["recorded"]) == (False, ["keepalived", "socat"])
    assert debian.record.read_text() == "keepalived\nsocat\n"
    assert debian.asked("apt-get")[1] == "--quiet update"


@ends
def test_package_lists_that_are_missing_are_fetched(debian: Host) -> None:
    lists = debian.directory / "lists"
    debian.script(
        "apt-get",
        f'case "$*" in *update*) : >{lists} ;; *) [ -e {lists} ] && /bin/cat {lists.parent}/apt-get.said ;; esac',
    )
    answer = debian.ask("keepalived")
    assert (answer["complete"], answer["recorded"]) == (True, ["keepalived", "libnl-3-200", "zlib1g:i386"])


@ends
def test_what_nothing_else_needs_is_removable(debian: Host) -> None:
    debian.record.parent.mkdir(parents=True)
    debian.record.write_text("bash\ncurl\ngone\nman-db\n")
    debian.tool("apt-mark")
    debian.tool("apt-get", "Remv curl [7.88]\nRemv stranger [1]\nRemv bash [5.2]\n")
    answer = debian.ask(state="removable")
    assert (answer["changed"], answer["removable"]) == (False, ["bash", "curl"])
    (marked,) = debian.asked("apt-mark")
    assert marked.endswith(" auto bash curl man-db")
    (asked,) = debian.asked("apt-get")
    assert asked.startswith("--simulate ") and asked.endswith(" autoremove")
    states = marked.split()[0].split("=")[1]
    assert states in asked and not Path(states).exists()
    assert "/var/lib/apt/extended_states" not in marked


@ends
def test_what_others_need_is_not_removable(redhat: Host) -> None:
    redhat.record.parent.mkdir(parents=True)
    redhat.record.write_text("bash\npkgconfig\n")
    redhat.script(
        "rpm",
        'case "$*" in *whatrequires*pkgconfig) echo stranger ;; *whatrequires*) echo pkgconfig ;; *) echo "$3-1" ;; esac',
    )
    assert redhat.ask(state="removable")["removable"] == ["bash"]


@ends
def test_a_virtual_package_is_recorded_by_the_name_of_the_one_that_comes(debian: Host) -> None:
    debian.tool("apt-get", "Inst mawk (1.3 Debian:12 [amd64])\n")
    assert debian.ask("awk")["recorded"] == ["mawk"]
    debian.tool("apt-get", "bash is already the newest version.\n")
    assert debian.ask("shell")["recorded"] == ["mawk"]


@ends
def test_check_mode_writes_nothing(debian: Host) -> None:
    answer = debian.ask("keepalived", check=True)
    assert (answer["changed"], answer["recorded"]) == (True, ["keepalived", "libnl-3-200", "zlib1g:i386"])
    assert not debian.record.parent.exists()


@ends
def test_the_record_can_be_read(debian: Host) -> None:
    assert debian.ask(state="read")["recorded"] == []
    debian.record.parent.mkdir(parents=True)
    debian.record.write_text("socat\n\n nginx \n")
    answer = debian.ask("keepalived", "bash", state="read")
    assert (answer["changed"], answer["missing"], answer["recorded"]) == (False, ["keepalived"], ["nginx", "socat"])
    assert answer["complete"] is True
    assert debian.record.read_text() == "socat\n\n nginx \n"
    assert debian.asked("apt-get") == []


@ends
def test_a_database_that_cannot_be_read_is_no_empty_one(debian: Host) -> None:
    debian.tool("dpkg-query", "", 2, "dpkg-query: error: parsing file /var/lib/dpkg/status")
    answer = debian.ask("bash")
    assert answer["msg"] == (
        "What is installed here cannot be recorded: dpkg-query ended with 2: "
        "dpkg-query: error: parsing file /var/lib/dpkg/status."
    )
    assert not debian.record.parent.exists()


@ends
@pytest.mark.parametrize("name", ["nginx=1.22", "-o", "nginx-", "two words", "nginx\n", ""])
def test_what_is_no_name_is_refused(debian: Host, name: str) -> None:
    answer = debian.ask("bash", name)
    assert f"name has '{name}', which is no package's name. Give plain names, without versions." in answer["msg"]
    assert debian.asked("apt-get") == debian.asked("dpkg-query") == []


@ends
@pytest.mark.parametrize("name", ["g++", "libstdc++6", "python3.11", "a", "X_y"])
def test_strange_names_are_names(debian: Host, name: str) -> None:
    assert debian.ask(name)["missing"] == [name]


@ends
def test_a_record_that_cannot_be_written_says_so(debian: Host) -> None:
    (debian.directory / "state").write_text("a file\n")
    answer = debian.ask("keepalived")
    assert answer["failed"] is True
    assert answer["msg"].startswith("What is installed here cannot be recorded: ")
    assert str(debian.directory / "state") in answer["msg"]


@ends
def test_a_record_that_cannot_be_replaced_leaves_nothing_behind(debian: Host) -> None:
    no_rename = "import os\ndef refuse(*names):\n    raise OSError(30, 'Read-only file system')\nos.rename = refuse"
    answer = debian.ask("keepalived", preload=no_rename)
    assert "Read-only file system" in answer["msg"]
    assert list(debian.record.parent.iterdir()) == []


def test_rpm_names_what_nothing_provides(redhat: Host) -> None:
    answer = redhat.ask("nginx", "bash", "pkgconfig")
    assert (answer["changed"], answer["missing"], answer["recorded"]) == (True, ["nginx"], ["nginx"])
    assert answer["complete"] is False
    assert redhat.record.read_text() == "nginx\n"
    assert redhat.asked("rpm") == [f"--query --whatprovides {name}" for name in ("bash", "nginx", "pkgconfig")]


@ends
def test_an_rpm_that_fails_does_not_make_everything_missing(redhat: Host) -> None:
    redhat.tool("rpm", "", 1, "error: rpmdb open failed")
    answer = redhat.ask("bash")
    assert answer["msg"] == (
        "What is installed here cannot be recorded: "
        "rpm --query --whatprovides bash ended with 1: error: rpmdb open failed."
    )


@ends
def test_debians_query_tool_alone_makes_no_debian(redhat: Host) -> None:
    redhat.tool("dpkg-query", INSTALLED)
    assert redhat.ask("pkgconfig")["missing"] == []
    assert redhat.asked("dpkg-query") == []


@ends
def test_a_host_without_a_package_manager_is_told_so(host: Host) -> None:
    answer = host.ask("bash")
    assert answer["msg"] == (
        "What is installed here cannot be recorded: there is neither dpkg-query with apt-get nor rpm. "
        "Run this on a host that has one of them."
    )


@ends
def test_messages_are_read_in_english(debian: Host) -> None:
    path = debian.directory / "bin" / "dpkg-query"
    path.write_text(f'#!/bin/sh\necho "$LC_ALL $LANGUAGE" >{debian.directory}/language\n')
    debian.ask("bash", state="read")
    assert (debian.directory / "language").read_text() == "C C\n"
