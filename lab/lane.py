# SPDX-License-Identifier: GPL-3.0-or-later
"""A command with a lab of its own, so that several labs run on one machine beside each other.

The lane has its own network and mount namespaces: the lab's bridges and addresses are in them, and so is what programs keep at
one fixed place. It reaches the package mirrors through slirp4netns, which needs nothing of the machine's own network, and ends
with the command. Images, sources and built artifacts are shared by all lanes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from machine import STATE, LabError
from podman import conmon

# What podman and Ansible keep at one place for all of the machine, where lanes would meet.
PLACES = ("/run/containers", "~/.ansible")
# slirp4netns answers for the machine's resolver here.
RESOLVER = "10.0.2.3"
ENTER = """
set -e
read -r _ <&3
exec 3<&-
ip link set lo up
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
lane=$1 resolver=$2 places=$3
shift 3
for place in $places; do
    mkdir -p "$place" "$lane$place"
    mount --bind "$lane$place" "$place"
done
echo "nameserver $resolver" >"$lane/resolv.conf"
mount --bind "$lane/resolv.conf" /etc/resolv.conf
exec "$@"
"""


def run(name: str, command: list[str]) -> int:
    """The command's exit code."""
    if not name.isalnum() or not command:
        raise LabError("usage: ./dev lane NAME COMMAND ..., with a name of letters and digits")
    place = STATE / "lanes" / name
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"the lane {name} is in use; take another name") from None
        _remove_hosts(place, name)
        for each in PLACES:
            shutil.rmtree(_within(place, each), ignore_errors=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return _enter(place, name, command)


def _remove_hosts(place: Path, name: str) -> None:
    """Those that a command left behind, in the namespaces that it had."""
    monitor = conmon(of=str(place / "containers"))
    if monitor:
        there = ["nsenter", f"--target={monitor}", "--mount", "--net", f"--wd={Path.cwd()}"]
        subprocess.run(
            [*there, sys.executable, "lab", "down"], env=os.environ | {"EVENKEEL_LAB_LANE": name}, check=False
        )


def _within(lane: Path, place: str) -> Path:
    return lane / str(Path(place).expanduser()).lstrip("/")


def _enter(place: Path, name: str, command: list[str]) -> int:
    ready, go = os.pipe()
    process = subprocess.Popen(
        [
            *("setpriv", "--pdeathsig", "TERM", "unshare", "--net", "--mount", "--propagation", "private"),
            *("sh", "-c", f"exec 3<&{ready}\n{ENTER}", "lane", str(place), RESOLVER),
            " ".join(str(Path(each).expanduser()) for each in PLACES),
            *command,
        ],
        pass_fds=(ready,),
        env=os.environ | {"EVENKEEL_LAB_LANE": name},
    )
    os.close(ready)
    with process:
        ending, kept = os.pipe()
        try:
            _wait_for_namespaces(process)
            with _network(process.pid, ending):
                try:
                    os.write(go, b"go\n")
                    return process.wait()
                finally:
                    os.close(kept)
        finally:
            process.terminate()


def _wait_for_namespaces(process: subprocess.Popen[bytes]) -> None:
    """Before it has some of its own, those of its process are the machine's."""
    for _ in range(500):
        if process.poll() is None and os.readlink(f"/proc/{process.pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt"):
            return
        time.sleep(0.02)
    raise LabError("this machine gives the lane no namespaces: is this root, with CAP_SYS_ADMIN?")


def _network(pid: int, ending: int) -> subprocess.Popen[bytes]:
    """The way out, for as long as the other end of the pipe is open."""
    heard, up = os.pipe()
    network = subprocess.Popen(
        [
            *("slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback"),
            *(f"--ready-fd={up}", f"--exit-fd={ending}", "--netns-type=path", f"/proc/{pid}/ns/net", "tap0"),
        ],
        pass_fds=(up, ending),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(up)
    os.close(ending)
    if os.read(heard, 1) != b"1":
        raise LabError("slirp4netns gives the lane no network")
    os.close(heard)
    return network
