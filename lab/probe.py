# SPDX-License-Identifier: GPL-3.0-or-later
"""The client asks the VIPs at a steady rate while something happens, with the prober of the module vip_probe."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from machine import LabError

PROBER = Path(__file__).parent.parent / "plugins" / "module_utils" / "vip_probe.py"
LONGEST_RUN = 120.0
# Seconds of probing before and after what happens: an outage has a length only between answers.
CALM = 1.0
MAIN = """
import json, sys

begun = False

def told_to_stop():
    global begun
    if not begun:
        print("probing", flush=True)
    begun = True
    return bool(select.select([sys.stdin], [], [], 0)[0])

print(json.dumps(probe(stop=told_to_stop, **json.loads(sys.argv[1]))))
"""


def command(
    targets: Sequence[str],
    rate: float = 100,
    timeout: float = 0.5,
    *,
    duration: float = LONGEST_RUN,
    identity: str = "body",
    **options: Any,
) -> str:
    """A shell's command that probes until a line, or the end, of its standard input.

    It prints a line when it begins, and the result as JSON in the end. Options are those of vip_probe's probe().
    """
    options |= {
        "targets": list(targets),
        "rate": rate,
        "timeout": timeout,
        "duration": duration,
        "identity": identity,
    }
    return shlex.join(["python3", "-c", PROBER.read_text() + MAIN, json.dumps(options)])


@contextmanager
def watching(ssh: Sequence[str | Path], targets: Sequence[str], **options: Any) -> Iterator[dict[str, Any]]:
    """The client asks the targets meanwhile; what it saw is in the dictionary afterwards.

    ssh runs a command of the client's shell that is given as one more word; options are those of command().
    """
    result: dict[str, Any] = {}
    client = subprocess.Popen(
        [*ssh, command(targets, **options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert client.stdout
        if client.stdout.readline():
            time.sleep(CALM)
            yield result
            time.sleep(CALM)
    finally:
        try:
            # This ends its input.
            output, _ = client.communicate(timeout=90)
        finally:
            client.kill()
    if client.returncode:
        raise LabError("the prober on the client failed; its output is above")
    result.update(json.loads(output))
