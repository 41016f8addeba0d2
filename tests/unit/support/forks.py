# SPDX-License-Identifier: GPL-3.0-or-later
"""Python processes that begin where AnsibleModule is imported already, which takes ten times as long as what most tests ask of a module."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Of each interpreter and environment one process waits for requests and forks. The child goes on as a program of its own would: with its
# own standard input, output and errors, umask, groups, environment and code, to the interpreter's usual end.
PARENT = """
import json, os, runpy, sys
import ansible.module_utils.basic, ansible.module_utils.urls

requests, answers = os.fdopen({requests}, "rb"), os.fdopen({answers}, "wb")
while True:
    line = requests.readline()
    if not line:
        sys.exit(0)
    request = json.loads(line.decode())
    child = os.fork()
    if not child:
        break
    status = os.waitpid(child, 0)[1]
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    answers.write(("%d\\n" % code).encode())
    answers.flush()

requests.close()
answers.close()
for number, (name, flags) in enumerate(
    [("in", os.O_RDONLY), ("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), ("err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)]
):
    opened = os.open(os.path.join(request["directory"], name), flags)
    os.dup2(opened, number)
    os.close(opened)
os.environ.clear()
os.environ.update(dict((str(name), str(value)) for name, value in request["environment"].items()))
if request["groups"] is not None:
    os.setgroups(request["groups"])
os.umask(request["umask"])
code = request["code"]
del line, child, number, name, flags, opened, request, requests, answers
exec(code)
"""


@dataclass(frozen=True)
class Done:
    code: int
    output: bytes
    errors: bytes


class Parent:
    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.directory = tempfile.TemporaryDirectory(prefix="evenkeel-forks-")
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        self.process = subprocess.Popen(
            [path, "-c", PARENT.format(requests=theirs_in, answers=theirs_out)],
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out),
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.requests, self.answers = os.fdopen(ours_in, "wb"), os.fdopen(ours_out, "rb")
        atexit.register(self.end)

    def end(self) -> None:
        self.requests.close()
        self.process.wait()
        self.directory.cleanup()

    def run(self, payload: bytes, timeout: float, **request: Any) -> Done:
        place = Path(self.directory.name)
        (place / "in").write_bytes(payload)
        for name in ("out", "err"):
            (place / name).unlink(missing_ok=True)
        self.requests.write(json.dumps({"directory": str(place), **request}).encode() + b"\n")
        self.requests.flush()
        if not select.select([self.answers], [], [], timeout)[0]:
            self.process.kill()
            raise subprocess.TimeoutExpired(str(self.process.args), timeout)
        code = self.answers.readline()
        assert code, f"the parent has ended with {self.process.wait()}"
        return Done(int(code), (place / "out").read_bytes(), (place / "err").read_bytes())


# Those that do nothing now, by what they run. A test that runs several modules at once has a parent for each.
IDLE: defaultdict[tuple[Path, frozenset[tuple[str, str]]], list[Parent]] = defaultdict(list)


def run(
    path: Path,
    code: str,
    payload: bytes,
    environment: Mapping[str, str],
    *,
    umask: int,
    groups: list[int] | None,
    timeout: float = 120,
) -> Done:
    """Run the code with the payload for its standard input. Where PATH alone differs, the same process forks."""
    same = frozenset((name, value) for name, value in environment.items() if name != "PATH")
    idle = IDLE[path, same]
    try:
        parent = idle.pop()
    except IndexError:
        parent = Parent(path, dict(same))
    done = parent.run(payload, timeout, code=code, environment=dict(environment), umask=umask, groups=groups)
    idle.append(parent)
    return done
