# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx gets on a host: its packages, and how many connections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..settings.fact import read

# A minimal host may lack what rotates its logs.
NGINX = ("nginx", "logrotate")
# Modules whose package at nginx.org has another name than theirs without http_ or stream_.
KINDS = {"brotli_filter": "brotli", "brotli_static": "brotli", "js": "njs", "xslt_filter": "xslt"}
# Connections of a worker, and how many where nothing is known of the host.
LEAST = 1024
MOST = 16384
UNKNOWN = 4096
# The part of the memory that connections may have, and what each of them takes.
SHARE = 4
KILOBYTES = 32


@dataclass(frozen=True)
class Found:
    """Of what host_info says of nginx what matters here; memory_mb: in megabytes; open_files: how many a process may have, 0 where that is not known."""

    installed: bool = False
    modules: tuple[str, ...] = ()
    cores: int = 0
    memory_mb: int = 0
    open_files: int = 0


def nginx_packages(info: object, modules: Sequence[str], os_family: str, upstream: bool = False) -> list[str]:
    found = read(Found, info)
    missing = [_package(str(module), os_family, upstream) for module in modules if module not in found.modules]
    return [*([] if found.installed else NGINX), *dict.fromkeys(missing)]


def _package(module: str, os_family: str, upstream: bool) -> str:
    if upstream:
        kind = re.sub(r"^(http|stream|mail)_", "", module)
        return f"nginx-module-{KINDS.get(kind, kind)}".replace("_", "-")
    return ("libnginx-mod-" if os_family == "Debian" else "nginx-mod-") + module.replace("_", "-")


def nginx_connections(info: object, processes: object = "auto") -> int:
    found = read(Found, info)
    if not (found.cores and found.memory_mb):
        return UNKNOWN
    # Preflight refuses what is neither a number nor 'auto'.
    workers = int(str(processes)) if re.match(r"[1-9][0-9]*\Z", str(processes)) else found.cores
    fit = found.memory_mb * 1024 // SHARE // KILOBYTES // workers
    bounded = min(max(fit, LEAST), MOST, found.open_files // 2 if found.open_files else MOST)
    return 1 << max(bounded.bit_length() - 1, 0)
