# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a running keepalived says of itself: on SIGUSR1 it writes its state to the file keepalived.data.

The file has passwords in it. None of them is taken from it.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re
import signal
import stat
import time

from ansible.module_utils.common.text.converters import to_text

from . import processes
from .keepalived_conf import with_prefix

FALLBACK = "/tmp"
PATIENCE = 3.0
PAUSE = 0.02
# After this long without a change a file is taken for complete that does not end as it should.
SETTLED = 1.0
LAST_SECTION = "------< Interfaces >------"


def ask(pid):
    """The seconds that the daemon took to answer, and its instances; None and nothing where it does not answer."""
    if not processes.is_named(pid, "keepalived") or not processes.heeds(pid, signal.SIGUSR1):
        return None, []
    owner = _owner(pid)
    paths = _paths(pid)
    before = [_read(path, owner)[0] for path in paths]
    asked = time.time()
    try:
        os.kill(pid, signal.SIGUSR1)
    except OSError:
        return None, []
    answer = _wait(list(zip(paths, before)), owner, asked)
    return (None, []) if answer is None else (time.time() - asked, instances(answer))


def _paths(pid):
    """Where the file may appear: releases before 2.2 know no TMPDIR."""
    directory = processes.environment(pid, "TMPDIR")
    directories = [directory, FALLBACK] if directory.startswith("/") and directory != FALLBACK else [FALLBACK]
    return [os.path.join(directory, "keepalived.data") for directory in directories]


def _owner(pid):
    try:
        return os.stat(os.path.join(processes.PROC, str(pid))).st_uid
    except OSError:
        return None


def _read(path, owner):
    """What tells this file from a later one, and its text; others' files in a directory for all do not count."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None, ""
    status = os.fstat(handle)
    if status.st_uid != owner or not stat.S_ISREG(status.st_mode):
        os.close(handle)
        return None, ""
    with os.fdopen(handle, "rb") as source:
        return (status.st_ino, status.st_mtime, status.st_size), to_text(source.read(), errors="replace")


def _wait(files, owner, asked):
    """The text of the first file that is another one than before, once all of it is there."""
    seen, since = None, asked
    while True:
        now = time.time()
        for path, before in files:
            found, text = _read(path, owner)
            if found in (None, before):
                continue
            if found != seen:
                seen, since = found, now
            if LAST_SECTION in text or (text.endswith("\n") and now - since >= SETTLED):
                return text
        if not 0 <= now - asked < PATIENCE:
            return None
        time.sleep(PAUSE)


def instances(dump):
    """The VRRP instances of a dump."""
    topology = re.search(r"^------< VRRP Topology >------\n(.*?)(?=^------<|\Z)", dump, re.M | re.S)
    blocks = re.split(r"^ VRRP Instance = ", topology.group(1), flags=re.M)[1:] if topology else []
    return [_instance(block) for block in blocks]


def _instance(block):
    name, dummy, rest = block.partition("\n")
    # Lists are indented further than this.
    values = dict(re.findall(r"^   (\S[^=\n]*?) = (.*)$", rest, re.M))
    base = _number(values.get("Priority"))
    return {
        "name": name.strip(),
        "state": values.get("State", ""),
        "virtual_router_id": _number(values.get("Virtual Router ID")),
        "priority": _number(values.get("Effective priority"), base),
        "base_priority": base,
        "virtual_ipaddress": _addresses(rest),
        "master": _master(values),
        "last_transition": float(processes.first(r"(\d+(?:\.\d+)?)", values.get("Last transition", "")) or 0),
    }


def _number(text, default=0):
    return int(processes.first(r"(\d+)", text or "") or default)


def _addresses(text):
    """The VIPs with their prefixes, which keepalived leaves out where they cover one address only."""
    listed = re.search(r"^   Virtual IP (?!Excluded).*\n((?:     .*\n)*)", text, re.M)
    return [with_prefix(line.split()[0]) for line in listed.group(1).splitlines()] if listed else []


def _master(values):
    """The master that a backup has heard last. Before the first one 2.2 prints what it has printed last, a multicast group mostly."""
    address = values.get("Master router", "")
    unheard = address == "(none)" or values.get("Master priority") == "0"
    return "" if unheard or re.match(r"(22[4-9]|23\d)\.|ff..:", address) else address
