# SPDX-License-Identifier: GPL-3.0-or-later
"""Running commands on this machine, and where the lab keeps its things."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STATE = Path("/var/lib/evenkeel-lab")
# The lane's name, empty for the lab that runs outside of lanes.
LANE = os.environ.get("EVENKEEL_LAB_LANE", "")
OUTSIDE = Path("/run/evenkeel-lab")
RUN = OUTSIDE / "lanes" / LANE if LANE else OUTSIDE
SSH_KEY = STATE / "ssh" / "id_ed25519"
STARTED = time.monotonic()


class LabError(Exception):
    """An error to show to the person at the keyboard, as one sentence without a traceback."""


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Nobody else on this machine makes the same thing meanwhile, whichever checkout or lane it is for."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    print(f"[{time.monotonic() - STARTED:5.0f}s] {text}", file=sys.stderr, flush=True)


def run(*command: str, check: bool = True, **options) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(command, text=True, capture_output=True, check=False, **options)
    if check and result.returncode:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise LabError(f"{' '.join(command)}\nended with {result.returncode}:\n{tail}")
    return result
