# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman with its own storage, inside a private mount namespace where the machine needs one.

crun wants a pure cgroup2 tree. On a machine that mounts cgroups in hybrid mode the lab keeps a mount
namespace of its own with /sys/fs/cgroup as cgroup2, and every podman call enters it. The machine's own
mounts, images and containers are not touched.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

from machine import LANE, OUTSIDE, RUN, STATE, LabError, run

STORAGE = (STATE / "lanes" / LANE if LANE else STATE) / "containers"
VOLATILE = (RUN / "storage", RUN / "libpod")
# All lanes take their images from the storage of the lab outside of lanes.
IMAGES = STATE / "containers"
IMAGES_VOLATILE = (OUTSIDE / "storage", OUTSIDE / "libpod")
# Podman records which addresses are taken in this one file, for all containers of the machine.
ADDRESSES = Path("/run/containers/networks/ipam.db")
PIDFILE = RUN / "namespace.pid"
MARK = "evenkeel-lab-namespace"
HOLD = "umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1; while :; do sleep 3600; done"


def podman(*arguments: str, check: bool = True, **options) -> subprocess.CompletedProcess[str]:
    return run(*_prefix(), *_podman(), *arguments, check=check, **options)


def images(*arguments: str, check: bool = True, **options) -> subprocess.CompletedProcess[str]:
    """A podman call that makes or looks up an image, for this lane and all others."""
    return run(*_prefix(), *_of(IMAGES, IMAGES_VOLATILE), *arguments, check=check, **options)


def command(*arguments: str) -> list[str]:
    """The argument vector of a podman call, for exec."""
    return [*_prefix(), *_podman(), *arguments]


def limits() -> list[str]:
    """Limits no higher than this machine's own: its root may lack CAP_SYS_RESOURCE."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = 1048576 if hard == resource.RLIM_INFINITY else min(hard, 1048576)
    return ["--pids-limit=0", f"--ulimit=nofile={most}:{most}", f"--ulimit=nproc={most}:{most}"]


def release() -> None:
    """End the process that holds the mount namespace, if there is one."""
    pid = _holder()
    if pid:
        os.killpg(pid, signal.SIGKILL)
    PIDFILE.unlink(missing_ok=True)


def forget_former_life() -> None:
    """Remove what podman remembers of hosts that are gone, where /run has outlived the machine's processes."""
    if podman("ps", "--all", check=False).returncode == 0 or conmon():
        return
    for volatile in VOLATILE:
        shutil.rmtree(volatile, ignore_errors=True)
    if not conmon(of=""):
        ADDRESSES.unlink(missing_ok=True)


def _podman() -> list[str]:
    return _of(STORAGE, VOLATILE) + ([f"--storage-opt=additionalimagestore={IMAGES}"] if LANE else [])


def _of(storage: Path, volatile: tuple[Path, Path]) -> list[str]:
    return [
        "podman",
        f"--root={storage}",
        f"--runroot={volatile[0]}",
        f"--tmpdir={volatile[1]}",
        f"--network-config-dir={storage.parent}/networks",
        "--runtime=crun",
        "--cgroup-manager=cgroupfs",
        "--events-backend=none",
    ]


def _prefix() -> list[str]:
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return []
    pid = _holder() or conmon() or _hold()
    return ["nsenter", f"--mount=/proc/{pid}/ns/mnt", "--"]


def _hold() -> int:
    RUN.mkdir(parents=True, exist_ok=True)
    holder = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", HOLD, MARK],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    PIDFILE.write_text(str(holder.pid))
    for _ in range(100):
        if holder.poll() is not None:
            raise LabError("this machine allows no private cgroup2 mount: is this root, with CAP_SYS_ADMIN?")
        if Path(f"/proc/{holder.pid}/root/sys/fs/cgroup/cgroup.controllers").exists():
            return holder.pid
        time.sleep(0.05)
    raise LabError("the lab's mount namespace did not come up within 5 s")


def _holder() -> int | None:
    try:
        pid = int(PIDFILE.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if MARK.encode() in words else None


def conmon(of: str = str(STORAGE)) -> int | None:
    """A container monitor of this storage (ours keeps the namespace alive when its holder was killed), or any."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"conmon") and (not of or of.encode() in words):
            return int(entry.parent.name)
    return None
