# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_connections
short_description: How many connections each worker of nginx can have on a host
version_added: 0.1.0
author: The evenkeel developers
description:
  - A quarter of the memory, shared by all workers, at 32 kB a connection. It is a power of two from 1,024 to 16,384, and at most half of
    the files that systemd lets a service open.
positional: processes
options:
  _input:
    description: The result of P(evenkeel.nginx_ha.nginx_info#module).
    type: dict
    required: true
  processes:
    description: The number of workers, or V(auto) for one of each core.
    type: str
    default: auto
"""

EXAMPLES = r"""
- name: Show it
  ansible.builtin.debug:
    msg: "{{ nginx | evenkeel.nginx_ha.nginx_connections }}"
"""

RETURN = r"""
_value:
  description: The number of connections; 4,096 where nothing is known of the host.
  type: int
"""

import re
from collections.abc import Mapping
from typing import Any

LEAST = 1024
MOST = 16384
UNKNOWN = 4096
# The part of the memory that connections may have, and what each of them takes.
SHARE = 4
KILOBYTES = 32


def nginx_connections(info: Mapping[str, Any], processes: object = "auto") -> int:
    cores, memory, files = (int(info.get(name) or 0) for name in ("cores", "memory_mb", "open_files"))
    if not (cores and memory):
        return UNKNOWN
    # Preflight refuses what is neither a number nor 'auto'.
    workers = int(str(processes)) if re.match(r"[1-9][0-9]*\Z", str(processes)) else cores
    fit = memory * 1024 // SHARE // KILOBYTES // workers
    bounded = min(max(fit, LEAST), MOST, files // 2 if files else MOST)
    return 1 << max(bounded.bit_length() - 1, 0)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"nginx_connections": nginx_connections}
