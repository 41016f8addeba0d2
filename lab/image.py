# SPDX-License-Identifier: GPL-3.0-or-later
"""The one image of all lab hosts: a minimal Debian with systemd and SSH, made from Debian's packages."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from machine import STATE, LabError, locked, run, say
from podman import images
from topology import SUITE

FILES = Path(__file__).parent / "image"
PACKAGES = (
    # What a bare server has ...
    "systemd,systemd-sysv,dbus,udev,python3,openssh-server,sudo,iproute2,nftables,ca-certificates,"
    # ... and what the client asks with.
    "curl,iputils-ping"
)


def ensure(suite: str = SUITE) -> str:
    """The name of the image, built if this recipe has none yet."""
    name = f"localhost/evenkeel-lab:{suite}-{recipe()}"
    with locked("image"):
        if images("image", "exists", name, check=False).returncode:
            _build(name, suite)
    return name


def _build(name: str, suite: str) -> None:
    say(f"Building the hosts' image from Debian's {suite} packages (about a minute)")
    archive = STATE / "image.tar"
    run(
        "mmdebstrap",
        "--variant=minbase",
        f"--include={PACKAGES}",
        *(f"--aptopt={option}" for option in apt_options()),
        f"--customize-hook=copy-in {FILES}/. /",
        "--customize-hook=chroot $1 sh /root/setup",
        suite,
        str(archive),
        "-",
        input=sources("deb", (suite,)),
    )
    images("import", str(archive), name)
    archive.unlink()


def sources(kind: str, suites: tuple[str, ...] = (SUITE,)) -> str:
    """A sources list of Debian's suites, from the mirrors that this machine itself uses."""
    targets = run(
        "apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(ORIGIN)", "Created-By: Packages"
    ).stdout.split("\n")
    found = re.compile(r"(\S+) (\w+)(-security|-updates)? Debian$")
    mirrors = {match[3] or "": match[1] for match in map(found.match, targets) if match}
    if "" not in mirrors:
        raise LabError("apt knows no Debian mirror on this machine: run 'apt-get update' and look at its answer")
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    return "".join(
        f"{kind} [signed-by={keyring}] {mirror} {suite}{pocket} main\n"
        for suite in suites
        for pocket, mirror in sorted(mirrors.items())
        if kind == "deb" or not pocket
    )


def apt_options() -> list[str]:
    """How this machine's apt reaches its mirrors: proxies and freshness checks."""
    wanted = re.compile(r"Acquire::(Check-|https?::|Retries)")
    lines = run("apt-config", "dump", "Acquire").stdout.splitlines()
    return [line.rstrip(";") for line in lines if wanted.match(line) and '""' not in line]


def recipe() -> str:
    """Of all that the image is made of."""
    made_of = hashlib.sha256(PACKAGES.encode())
    for path in sorted(p for p in FILES.rglob("*") if p.is_file()):
        made_of.update(str(path.relative_to(FILES)).encode() + path.read_bytes())
    return made_of.hexdigest()[:10]
