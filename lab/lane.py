# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command with a lab of its own, a lane, so that several labs can run on one machine.

A lane has its own network and mount namespaces. The lab's bridges and addresses are in them, and so are the files that programs
keep under a fixed path. The lane reaches the package mirrors through slirp4netns, which needs nothing of the machine's own network,
and ends with the command. All lanes share images, sources and built artifacts.
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

# Paths that podman and Ansible use once for the whole machine: each lane gets its own.
PLACES = ("/run/containers", "/run/netns", "~/.ansible")
# The address at which slirp4netns answers for the machine's resolver.
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
    """Run the command in the lane of that name; returns its exit code."""
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
    """Remove the hosts that an earlier command left behind, from within the namespaces that it had."""
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
    """Wait until the process has left the machine's namespaces for its own."""
    for _ in range(500):
        if process.poll() is None and os.readlink(f"/proc/{process.pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt"):
            return
        time.sleep(0.02)
    raise LabError("this machine gives the lane no namespaces: is this root, with CAP_SYS_ADMIN?")


def _network(pid: int, ending: int) -> subprocess.Popen[bytes]:
    """Connect the lane to the outside, for as long as the other end of the pipe is open."""
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
