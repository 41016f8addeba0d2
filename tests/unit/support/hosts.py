# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that modules look at: with the commands that a test gives them, and no others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.modules import Python

PACKAGE = "ansible_collections.evenkeel.nginx_ha.plugins.module_utils"


@dataclass(frozen=True)
class Host:
    """A host with these commands only, and with a /proc and a /run of its own."""

    directory: Path
    python: Python

    def script(self, name: str, text: str) -> None:
        path = self.directory / "bin" / name
        path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{self.directory}/{name}.asked\n{text}')
        path.chmod(0o755)

    def tool(self, name: str, said: str, code: int = 0) -> None:
        (self.directory / f"{name}.said").write_text(said)
        self.script(name, f"/bin/cat {self.directory}/{name}.said\nexit {code}\n")

    def asked(self, name: str) -> list[str]:
        path = self.directory / f"{name}.asked"
        return path.read_text().splitlines() if path.exists() else []

    def put(self, name: str, content: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def process(self, pid: int, exe: Path | str, comm: str = "keepalived") -> None:
        """A process that has run for 90 of the 100 s that the host is up."""
        ticks = 10 * os.sysconf("SC_CLK_TCK")
        self.put("proc/uptime", "100.00 150.00\n")
        self.put(f"proc/{pid}/comm", f"{comm}\n")
        self.put(f"proc/{pid}/stat", f"{pid} (a b) c) S 1 {'0 ' * 17}{ticks} 0 0\n")
        (self.directory / "proc" / str(pid) / "exe").symlink_to(exe)

    def ask(self, proc: Path | None = None, patience: float = 20, **parts: Mapping[str, Any]) -> dict[str, Any]:
        """What host_info says of these parts of the host, of each as it has been asked for it."""
        settings = {
            "processes.PROC": str(proc or self.directory / "proc"),
            "processes.RUN": str(self.directory / "run"),
            "keepalived_dump.FALLBACK": str(self.directory / "tmp"),
            "keepalived_dump.PATIENCE": patience,
        }
        preload = f"from {PACKAGE} import keepalived_dump, processes\n"
        preload += "\n".join(f"{name} = {value!r}" for name, value in settings.items())
        return self.python.run("host_info", parts, preload=preload)

    def ask_for(self, part: str, proc: Path | None = None, patience: float = 20, **arguments: Any) -> dict[str, Any]:
        """What host_info says of one part, with what it says of itself."""
        answer = self.ask(proc, patience, **{part: arguments})
        return {**answer.pop(part, {}), **answer}

    def look(self, **arguments: Any) -> dict[str, Any]:
        paths = {
            "binary": "bin/keepalived",
            "config": "keepalived.conf",
            "state_dir": "vrrp",
            "drained_file": "drained",
        }
        return self.ask_for(
            "keepalived", **{name: str(self.directory / path) for name, path in paths.items()} | arguments
        )
