# SPDX-License-Identifier: GPL-3.0-or-later
"""package_record under every Python; the package managers are stand-ins, the module and its record are real."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.modules import Python, ends

# curl is on hold, man-db has triggers to run; apache2 was removed without its configuration, half is not configured.
INSTALLED = """bash amd64 ii  5.2-1
curl amd64 hi  7.88
man-db amd64 it  2.11
tzdata all ii  2023
libc6 i386 ii  2.36-8
apache2 amd64 rc  2.4
half amd64 iF  1
"""
ADDITIONS = """Reading package lists...
The following additional packages will be installed:
  libnl-3-200 libc6:i386 tzdata
Suggested packages:
  iptables
The following NEW packages will be installed:
  keepalived libnl-3-200
  zlib1g:i386
The following packages will be upgraded:
  libc6:i386 tzdata
2 upgraded, 3 newly installed, 0 to remove and 0 not upgraded.
"""
CHANGING = "--quiet --yes -oDPkg::Lock::Timeout=60 -oDPkg::Options::=--force-confdef -oDPkg::Options::=--force-confold"
DOWNLOAD = f"{CHANGING} --download-only -oAPT::Get::Show-Versions=0 install"
UPDATE = "--quiet update"
FORM = r"%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE} "


@dataclass
class Host:
    directory: Path
    python: Python

    @property
    def record(self) -> Path:
        return self.directory / "state" / "evenkeel" / "packages"

    @property
    def lists(self) -> Path:
        """Says when the package manager's lists were updated."""
        return self.record.parent / "package-lists"

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
    host.tool("apt-get", ADDITIONS)
    # Some have it, and it knows nothing.
    host.script("rpm", 'echo "no package provides $3"; exit 1')
    return host


@pytest.fixture
def redhat(host: Host) -> Host:
    host.script(
        "rpm",
        'for last; do :; done\ncase $last in bash|pkgconfig) echo "1.2-3" ;; *) echo "no package provides $last"; exit 1 ;; esac',
    )
    host.tool("dnf")
    return host


def test_what_is_missing_is_recorded_with_what_comes_along(debian: Host) -> None:
    answer = debian.ask("keepalived", "bash", umask=0o077)
    recorded = ["keepalived", "libnl-3-200", "zlib1g:i386"]
    assert (answer["changed"], answer["missing"], answer["recorded"]) == (True, ["keepalived"], recorded)
    assert debian.record.read_text() == "keepalived\nlibnl-3-200\nzlib1g:i386\n"
    assert stat.S_IMODE(debian.record.stat().st_mode) == 0o644
    assert set(debian.record.parent.iterdir()) == {debian.record, debian.lists}
    assert debian.asked("apt-get") == [UPDATE, f"{DOWNLOAD} keepalived", f"{CHANGING} install keepalived"]
    assert debian.asked("rpm") == []
    assert (answer["diff"]["before"], answer["diff"]["after"]) == ("", debian.record.read_text())


def test_what_is_installed_in_one_way_or_another_is_not_recorded(debian: Host) -> None:
    answer = debian.ask("bash", "curl", "man-db", "tzdata", "bash:amd64", "libc6:i386")
    assert (answer["changed"], answer["missing"], answer["recorded"]) == (False, [], [])
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
    answer = debian.ask("keepalived")
    assert answer["diff"]["before"] == answer["diff"]["after"] == debian.record.read_text()


@ends
def test_the_record_is_on_the_disk_before_anything_is_installed(debian: Host) -> None:
    debian.script(
        "apt-get",
        f'case "$*" in *--download-only*|*update*) /bin/cat {debian.directory}/apt-get.said ;; '
        f'*) [ -s {debian.record} ] && echo "E: dpkg ended" >&2; exit 100 ;; esac',
    )
    assert debian.ask("keepalived")["msg"] == "apt-get install keepalived ended with 100: E: dpkg ended"
    assert debian.record.read_text() == "keepalived\nlibnl-3-200\nzlib1g:i386\n"


@ends
def test_what_cannot_be_had_is_not_recorded(debian: Host) -> None:
    debian.tool(
        "apt-get",
        "The following NEW packages will be installed:\n  rubbish\n",
        100,
        "E: Unable to locate package socat",
    )
    answer = debian.ask("keepalived", "socat")
    assert answer["msg"] == "apt-get install keepalived socat ended with 100: E: Unable to locate package socat"
    assert not debian.record.parent.exists()
    assert debian.asked("apt-get") == [UPDATE, f"{DOWNLOAD} keepalived socat"]


@ends
def test_package_lists_are_not_updated_twice_within_one_run(debian: Host) -> None:
    debian.ask("keepalived")
    debian.ask("keepalived", record=str(debian.record.with_name("others")))
    assert debian.asked("apt-get").count(UPDATE) == 1
    # Ten minutes make them old, and what the future has updated was updated by another clock.
    old = time.time() - 601
    os.utime(debian.lists, (old, old))
    debian.ask("keepalived")
    assert debian.asked("apt-get").count(UPDATE) == 2
    to_come = time.time() + 600
    os.utime(debian.lists, (to_come, to_come))
    debian.ask("keepalived")
    assert debian.asked("apt-get").count(UPDATE) == 3
    debian.ask(update=True)
    assert debian.asked("apt-get")[-1] == UPDATE
    debian.ask("bash", update=True, check=True)
    assert debian.asked("apt-get").count(UPDATE) == 4


@ends
def test_an_update_that_fails_is_tried_again_next_time(debian: Host) -> None:
    debian.script("apt-get", f'case "$*" in *update*) exit 100 ;; *) /bin/cat {debian.directory}/apt-get.said ;; esac')
    assert debian.ask("keepalived")["recorded"] == ["keepalived", "libnl-3-200", "zlib1g:i386"]
    assert not debian.lists.exists()


@ends
def test_exact_versions_are_installed(debian: Host) -> None:
    answer = debian.ask("man-db", versions={"bash": "5.1-2", "curl": "7.88"})
    assert (answer["changed"], answer["missing"]) == (True, ["bash"])
    assert debian.asked("apt-get")[-1] == f"{CHANGING} --allow-downgrades install bash=5.1-2"
    assert debian.ask(versions={"bash": "5.2-1"})["changed"] is False


@ends
def test_without_a_record_nothing_is_recorded(debian: Host) -> None:
    answer = debian.ask("keepalived", record=None)
    assert (answer["changed"], answer["recorded"]) == (True, [])
    assert debian.asked("apt-get") == [UPDATE, f"{CHANGING} install keepalived"]


@ends
def test_without_package_lists_check_mode_tells_the_names_alone(debian: Host) -> None:
    debian.tool("apt-get", "", 100, "E: Unable to locate package keepalived")
    assert debian.ask("keepalived", "socat", check=True)["recorded"] == ["keepalived", "socat"]
    assert len(debian.asked("apt-get")) == 1


@ends
def test_what_nothing_else_needs_is_removable(debian: Host) -> None:
    debian.record.parent.mkdir(parents=True)
    debian.record.write_text("bash\ncurl\ngone\nman-db\n")
    debian.tool("apt-mark")
    debian.tool("apt-get", "Remv curl [7.88]\nRemv stranger [1]\nRemv bash [5.2]\n")
    answer = debian.ask(state="removed", check=True)
    assert (answer["changed"], answer["removable"]) == (True, ["bash", "curl"])
    (marked,) = debian.asked("apt-mark")
    assert marked.endswith(" auto bash curl man-db")
    (asked,) = debian.asked("apt-get")
    assert asked.startswith("--simulate ") and asked.endswith(" autoremove")
    states = marked.split()[0].split("=")[1]
    assert states in asked and not Path(states).exists()
    assert "/var/lib/apt/extended_states" not in marked
    debian.lists.write_text("")
    assert debian.ask(state="removed")["removable"] == ["bash", "curl"]
    assert debian.asked("apt-get")[-1] == f"{CHANGING} purge bash curl"
    assert list(debian.record.parent.iterdir()) == []
    assert debian.ask(state="removed")["changed"] is False


@ends
def test_what_others_need_is_not_removable(redhat: Host) -> None:
    redhat.record.parent.mkdir(parents=True)
    redhat.record.write_text("bash\npkgconfig\n")
    redhat.script(
        "rpm",
        'case "$*" in *whatrequires*pkgconfig) echo stranger ;; *whatrequires*) echo pkgconfig ;; *) echo "$3-1" ;; esac',
    )
    assert redhat.ask(state="removed")["removable"] == ["bash"]
    assert redhat.asked("dnf") == ["--assumeyes --setopt=clean_requirements_on_remove=0 remove bash"]
    assert not redhat.record.exists()


@ends
def test_a_virtual_package_is_recorded_by_the_name_of_the_one_that_comes(debian: Host) -> None:
    debian.tool("apt-get", "The following NEW packages will be installed:\n  mawk\n")
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
    assert redhat.record.read_text() == "nginx\n"
    asked = [f"--query --queryformat {FORM} --whatprovides {name}" for name in ("bash", "nginx", "pkgconfig", "nginx")]
    assert redhat.asked("rpm") == asked
    assert redhat.asked("dnf") == ["clean expire-cache", "--assumeyes install nginx"]


def test_rpm_installs_exact_versions(redhat: Host) -> None:
    answer = redhat.ask(versions={"bash": "1.1-1", "pkgconfig": "1.2-3"})
    assert (answer["changed"], answer["missing"], answer["recorded"]) == (True, ["bash"], [])
    assert redhat.asked("dnf")[1:] == ["--assumeyes install bash-1.1-1", "--assumeyes downgrade bash-1.1-1"]


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
