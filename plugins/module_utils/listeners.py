# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who accepts TCP connections on this host, by /proc."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re
import socket
import struct

from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import processes

# The state of a socket that accepts connections, as /proc/net/tcp has it.
LISTEN = "0A"


def listeners():
    """Each with address, port and the name of a process that has it, empty where none can be seen."""
    sockets = [found for name in ("tcp", "tcp6") for found in table(processes.text(processes.PROC, "net", name))]
    owners = owners_of({inode for dummy, dummy, inode in sockets})
    found = {(address, port, owners.get(inode, "")) for address, port, inode in sockets}
    return [dict(address=address, port=port, process=process) for address, port, process in sorted(found)]


def table(text):
    """(address, port, inode) of each socket of a table that accepts connections."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN:
            address, dummy, port = fields[1].partition(":")
            yield readable(address), int(port, 16), fields[9]


def readable(digits):
    """An address as people write it; the kernel prints it in words of its own byte order."""
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    packed = b"".join(struct.pack("=I", word) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def owners_of(inodes):
    """The names of processes by the sockets that they have."""
    found = {}
    for pid in filter(str.isdigit, os.listdir(processes.PROC)):
        directory = os.path.join(processes.PROC, pid, "fd")
        for inode in open_sockets(directory) & (inodes - set(found)):
            found[inode] = processes.text(processes.PROC, pid, "comm").strip()
        if len(found) == len(inodes):
            break
    return found


def open_sockets(directory):
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
