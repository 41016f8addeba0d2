# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What /proc tells of a service's processes."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re
import time

from ansible.module_utils.common.text.converters import to_text

PROC = "/proc"
RUN = "/run"


def text(*path):
    """A file's text, or nothing where it cannot be read."""
    try:
        with open(os.path.join(*path), "rb") as source:
            return to_text(source.read(), errors="replace")
    except (IOError, OSError):
        return ""


def _of(pid, name):
    return text(PROC, str(pid), name)


def executable(pid):
    """The path that the process was started from, also after another file has taken its place."""
    try:
        path = os.readlink(os.path.join(PROC, str(pid), "exe"))
    except OSError:
        return ""
    return re.sub(r" \(deleted\)$", "", path)


def is_named(pid, name):
    """Whether this is such a process, whatever name it has given itself."""
    return name in (_of(pid, "comm").strip(), os.path.basename(executable(pid)))


def of_pid_file(name):
    """The main process by its PID file, or 0 where the file is a left-over."""
    number = text(RUN, name + ".pid").strip()
    return int(number) if number.isdigit() and is_named(number, name) else 0


def _stat(pid):
    """The fields of a process after its name, which may have spaces and parentheses in it."""
    return _of(pid, "stat").rpartition(")")[2].split()


def started(pid):
    """When the process started, in seconds since the epoch."""
    fields, uptime = _stat(pid), text(PROC, "uptime").split()
    if len(fields) < 20 or not uptime:
        return None
    age = float(uptime[0]) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - age


def environment(pid, name):
    """A variable of the environment that the process was started with."""
    for entry in _of(pid, "environ").split("\0"):
        if entry.startswith(name + "="):
            return entry[len(name) + 1 :]
    return ""


def heeds(pid, signal):
    """Whether the process does anything else on this signal than end."""
    masks = re.findall(r"^Sig(?:Blk|Ign|Cgt):\s*([0-9a-f]+)$", _of(pid, "status"), re.M)
    return any(int(mask, 16) >> (signal - 1) & 1 for mask in masks)


def children(pid):
    """The processes that this one has started, with their titles."""
    found = []
    for entry in os.listdir(PROC):
        fields = _stat(entry) if entry.isdigit() else []
        if fields[1:2] == [str(pid)]:
            found.append((int(entry), _of(entry, "cmdline").replace("\0", " ").strip()))
    return sorted(found)
