# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine for what this machine's kernel lacks, such as IPVS: Debian's cloud kernel and a root file system in memory.

It has no systemd, which would take longer to boot under emulation than the tests take: the caller adds an /init.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
from pathlib import Path

import cpio
import image
from machine import STATE, LabError, run, say

DIRECTORY = STATE / "lvs"
KERNEL = "linux-image-cloud-amd64"
PACKAGES = "keepalived,ipvsadm,nftables,iproute2,kmod,mount,procps,python3"
# The kernel's modules for networks.
MODULES = ("net", "lib", "crypto", "arch/x86/crypto", "drivers/net/veth.ko")
# Files of the packages that nothing here reads.
LEFT_OUT = (
    r"\./(usr/share/(doc|man|locale|zoneinfo|perl|info|mime|misc)/|usr/lib/python3/dist-packages/|usr/bin/perl"
    r"|usr/lib/x86_64-linux-gnu/(perl|gconv)|var/lib/(apt|dpkg)/|var/cache/|boot/|dev/.)"
)
# A new version of one of these makes a new guest.
ASKED = (KERNEL, "keepalived", "ipvsadm")


class Unavailable(LabError):
    """The guest cannot be built on this machine; its tests are skipped."""


def ensure() -> Path:
    """The directory with the guest's vmlinuz and root.cpio, built if this recipe has not been yet."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with (DIRECTORY / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = DIRECTORY / _recipe()
        if not wanted.exists():
            for old in DIRECTORY.glob("guest-*"):
                shutil.rmtree(old)
            work = DIRECTORY / "work"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            _build(work)
            (work / "done").rename(wanted)
            shutil.rmtree(work)
    return wanted


def _build(work: Path) -> None:
    say("Building the guest from Debian's packages (about a minute)")
    kernel = _kernel(work)
    version = next((kernel / "lib/modules").iterdir()).name
    modules = work / "modules" / version
    for name in MODULES:
        source, target = kernel / "lib/modules" / version / "kernel" / name, modules / "kernel" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(kernel / "lib/modules" / version / name, modules)
    run(
        "mmdebstrap",
        "--variant=minbase",
        f"--include={PACKAGES}",
        *(f"--aptopt={option}" for option in image.apt_options()),
        f"--customize-hook=copy-in {work / 'modules'} /usr/lib",
        f"--customize-hook=chroot $1 depmod {version}",
        image.SUITE,
        str(work / "root.tar"),
        "-",
        input=image.sources("deb"),
    )
    done = work / "done"
    done.mkdir()
    shutil.copy(kernel / "boot" / f"vmlinuz-{version}", done / "vmlinuz")
    with (done / "root.cpio").open("wb") as archive:
        cpio.from_tar(work / "root.tar", archive, re.compile(LEFT_OUT))


def _kernel(work: Path) -> Path:
    """The files of the kernel's package, which is not installed."""
    found = re.search(r"Depends: (linux-image-\S+)", run("apt-cache", "depends", KERNEL, check=False).stdout)
    if not found:
        raise Unavailable(f"apt knows no {KERNEL} on this machine")
    download = run("apt-get", "-oAPT::Sandbox::User=root", "download", found[1], cwd=work, check=False)
    if download.returncode:
        raise Unavailable(f"{found[1]} cannot be downloaded: {download.stderr.strip()}")
    run("dpkg-deb", "--extract", str(next(work.glob("*.deb"))), str(work / "kernel"))
    return work / "kernel"


def _recipe() -> str:
    versions = re.findall(r"Candidate: (\S+)", run("apt-cache", "policy", *ASKED).stdout)
    sources = [Path(__file__).read_text(), Path(cpio.__file__).read_text(), image.SUITE, *versions]
    return "guest-" + hashlib.sha256("\n".join(sources).encode()).hexdigest()[:10]
