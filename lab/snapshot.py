# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers that site.yml has converged already, as images: for tests of what happens after the installation.

Each is made of bare hosts, which are shut down and copied. A host that starts from it boots like one that was off meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hosts
import image
from machine import LabError, locked, run, say
from podman import command, conmon, images, podman

PROJECT = Path(__file__).parent.parent
HOSTS = ("nginx1", "nginx2")
# Whatever a converged host follows from.
PARTS = ("ansible.cfg", "inventories", "lab", "playbooks", "plugins", "requirements", "roles", "site.yml")
LABEL = "evenkeel-lab-snapshot"
# Seconds, longer than a run of all tests: what is older is nobody's.
KEPT = 6 * 3600


def up() -> None:
    """Fresh hosts: bare ones, unless EVENKEEL_LAB_FROM asks for a snapshot of the load balancers."""
    ways = {"bare": dict, "snapshot": ensure}
    way = os.environ.get("EVENKEEL_LAB_FROM", "bare")
    if way not in ways:
        raise LabError(f"EVENKEEL_LAB_FROM is {way!r}; there are {' and '.join(ways)}")
    hosts.up(ways[way]())


def ensure() -> dict[str, str]:
    """The image of each load balancer, made if there is none of this tree yet."""
    names = {name: f"localhost/{LABEL}:{name}-{_key()}" for name in HOSTS}
    with locked("snapshot"):
        if any(images("image", "exists", name, check=False).returncode for name in names.values()):
            _make(names)
    return names


def forget() -> None:
    """Remove those of this tree, and those that are nobody's, unless there is a host: its files may be in one of them."""
    if conmon(of=""):
        return
    with locked("snapshot"):
        for each in json.loads(images("images", "--format=json", f"--filter=label={LABEL}").stdout):
            for name in each["Names"]:
                if name.endswith(f"-{_key()}") or time.time() - each["Created"] > KEPT:
                    images("rmi", "--force", name)


def _make(names: Mapping[str, str]) -> None:
    say("Converging hosts for a snapshot")
    hosts.up()
    try:
        _converge()
        podman("stop", "--time=60", *HOSTS)
        with ThreadPoolExecutor() as copying:
            list(copying.map(_copy, names.keys(), names.values()))
    finally:
        hosts.down()


def _converge() -> None:
    # Without what Molecule sets for its own Ansible.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    run("ansible-playbook", "-i", "inventories/lab", "site.yml", cwd=PROJECT, env=plain)


def _copy(name: str, snapshot: str) -> None:
    """One layer with all of the host's files, where every lane finds it."""
    with subprocess.Popen(command("export", name), stdout=subprocess.PIPE) as export:
        images("import", f"--change=LABEL {LABEL}={name}", "-", snapshot, stdin=export.stdout)
    if export.returncode:
        raise LabError(f"podman could not read the files of {name}")


def _key() -> str:
    """Of the content of all that the hosts follow from."""
    key = hashlib.sha256(image.recipe().encode())
    for path in sorted(each for part in PARTS for each in _files(PROJECT / part)):
        key.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    return key.hexdigest()[:10]


def _files(part: Path) -> list[Path]:
    found = [part] if part.is_file() else part.rglob("*")
    return [path for path in found if path.is_file() and path.suffix != ".pyc"]
