# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest with a kernel that has IPVS, booted once; what it sees is judged by the tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
sys.path.insert(0, str(PROJECT / "lab"))

import cpio  # noqa: E402
import guest  # noqa: E402

DIRECTORS = ("director1", "director2")
LIMIT = 600.0
BOUND = ("setpriv", "--pdeathsig", "KILL")
QEMU = "qemu-system-x86_64"
# The guest's time goes as far as its processor has come, and skips what it sleeps: a busy machine makes no timeouts.
MACHINE = "-accel tcg -m 1536 -nographic -nodefaults -no-reboot -icount shift=2,sleep=off -rtc clock=vm"
SKIPPED = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the role writes for each director."""
    to = tmp_path_factory.mktemp("rendered")
    command = f"ansible-playbook --inventory {','.join(DIRECTORS)} --extra-vars to={to} tests/lvs/render.yml".split()
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return to


@pytest.fixture(scope="session")
def seen(request: pytest.FixtureRequest, rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What the guest has seen, by chapters."""
    try:
        if os.geteuid() or not shutil.which(QEMU):
            raise guest.Unavailable(f"there is no {QEMU}; './dev lvs' as root installs it from Debian's packages")
        system = guest.ensure()
    except guest.Unavailable as reason:
        request.config.stash[SKIPPED] = str(reason)
        pytest.skip(f"LVS is not tested: {reason}")
    work = tmp_path_factory.mktemp("guest")
    try:
        boot(system, first_files(work, rendered), work)
        chapters = [json.loads(line) for line in (work / "seen").read_text().splitlines()]
    finally:
        (work / "initrd").unlink(missing_ok=True)
    return {chapter.pop("chapter"): chapter for chapter in chapters} | {"console": (work / "console").read_text()}


def first_files(work: Path, rendered: Path) -> Path:
    """What the guest gets beside its packages."""
    top = work / "files"
    shutil.copytree(HERE / "guest", top / "lvs")
    shutil.copytree(rendered, top / "lvs", dirs_exist_ok=True)
    (top / "lvs/init").rename(top / "init")
    archive = work / "files.cpio"
    with archive.open("wb") as file:
        cpio.from_directory(top, file)
    return archive


def boot(system: Path, files: Path, work: Path) -> None:
    """Until it turns itself off, or the limit is reached. It ends with this process, however that ends."""
    with (work / "initrd").open("wb") as initrd:
        for part in (system / "root.cpio", files):
            with part.open("rb") as file:
                shutil.copyfileobj(file, initrd)
    paths = ["-kernel", system / "vmlinuz", "-initrd", work / "initrd"]
    ports = ["-serial", f"file:{work / 'console'}", "-serial", f"file:{work / 'seen'}"]
    command = [*BOUND, QEMU, *MACHINE.split(), *map(str, paths), "-append", "console=ttyS0 panic=-1 quiet", *ports]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if reason := config.stash.get(SKIPPED, ""):
        terminalreporter.write_line(f"LVS SKIPPED: {reason}", red=True, bold=True)
