# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that a Linux kernel unpacks as its first root file system (cpio's format newc)."""

from __future__ import annotations

import itertools
import re
import stat
import tarfile
from pathlib import Path
from typing import BinaryIO

KINDS = {
    tarfile.REGTYPE: stat.S_IFREG,
    tarfile.LNKTYPE: stat.S_IFREG,
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR,
}


def from_tar(source: Path, archive: BinaryIO, left_out: re.Pattern[str]) -> None:
    """The members of a tar archive, without those whose names begin with a match of left_out. Hard links become files of their own."""
    inodes = itertools.count(1)
    with tarfile.open(source) as files:
        for member in files:
            if left_out.match(member.name) or member.type not in KINDS:
                continue
            data = b""
            if member.isfile() or member.islnk():
                content = files.extractfile(member)
                data = content.read() if content else b""
            elif member.issym():
                data = member.linkname.encode()
            device = (member.devmajor, member.devminor) if member.ischr() else (0, 0)
            mode = KINDS[member.type] | member.mode
            _entry(archive, next(inodes), member.name.removeprefix("./"), mode, data, (member.uid, member.gid), device)
    _entry(archive, 0, "TRAILER!!!", 0, b"")


def from_directory(top: Path, archive: BinaryIO) -> None:
    """Files and directories, all owned by root."""
    for number, path in enumerate(sorted(top.rglob("*")), 1):
        mode = path.stat().st_mode
        _entry(archive, number, str(path.relative_to(top)), mode, path.read_bytes() if path.is_file() else b"")
    _entry(archive, 0, "TRAILER!!!", 0, b"")


def _entry(
    archive: BinaryIO,
    inode: int,
    name: str,
    mode: int,
    data: bytes,
    owner: tuple[int, int] = (0, 0),
    device: tuple[int, int] = (0, 0),
) -> None:
    path = name.encode() + b"\0"
    numbers = (inode, mode, *owner, 1, 0, len(data), 0, 0, *device, len(path), 0)
    _padded(archive, b"070701" + b"".join(b"%08X" % number for number in numbers) + path)
    _padded(archive, data)


def _padded(archive: BinaryIO, data: bytes) -> None:
    archive.write(data + bytes(-len(data) % 4))
