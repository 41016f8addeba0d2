# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host's programs and its /proc tell."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re
import socket
import struct
import time

from ansible.module_utils.common.text.converters import to_text

PROC = "/proc"
RUN = "/run"
# The state of a socket that accepts connections, as /proc/net/tcp has it.
LISTEN = "0A"


def text(*path):
    """A file's text, or nothing where it cannot be read."""
    try:
        with open(os.path.join(*path), "rb") as source:
            return to_text(source.read(), errors="replace")
    except (IOError, OSError):
        return ""


def said(module, *words):
    """What a program prints in plain English, or nothing where the host has no such program."""
    program = module.get_bin_path(words[0])
    return module.run_command([program] + list(words[1:]), environ_update={"LC_ALL": "C"})[1] if program else ""


def first(pattern, content):
    """What the pattern's group matches first, or nothing."""
    found = re.search(pattern, content, re.M)
    return found.group(1) if found else ""


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
    return dict(entry.partition("=")[::2] for entry in _of(pid, "environ").split("\0")).get(name, "")


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


def listeners():
    """Each with address, port and the name of a process that has it, empty where none can be seen."""
    sockets = [found for name in ("tcp", "tcp6") for found in _listening(text(PROC, "net", name))]
    owners = _owners({inode for dummy, dummy, inode in sockets})
    found = {(address, port, owners.get(inode, "")) for address, port, inode in sockets}
    return [dict(address=address, port=port, process=process) for address, port, process in sorted(found)]


def _listening(content):
    """(address, port, inode) of each socket of a table that accepts connections."""
    for line in content.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN:
            address, dummy, port = fields[1].partition(":")
            yield _readable(address), int(port, 16), fields[9]


def _readable(digits):
    """An address as people write it; the kernel prints it in words of its own byte order."""
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    packed = b"".join(struct.pack("=I", word) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _owners(inodes):
    """The names of processes by the sockets that they have."""
    found = {}
    for pid in filter(str.isdigit, os.listdir(PROC)):
        directory = os.path.join(PROC, pid, "fd")
        for inode in _sockets(directory) & (inodes - set(found)):
            found[inode] = text(PROC, pid, "comm").strip()
        if len(found) == len(inodes):
            break
    return found


def _sockets(directory):
    found = set()
    try:
        for name in os.listdir(directory):
            match = re.match(r"socket:\[(\d+)\]$", os.readlink(os.path.join(directory, name)))
            if match:
                found.add(match.group(1))
    except OSError:
        # The process has ended, or is somebody else's.
        return found
    return found
