# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's upstream tarballs where upstream cannot be reached.

Debian's keepalived_VERSION.orig.tar.gz is byte for byte the upstream file, so apt's own client is a mirror.
It runs with lists and caches of its own: the machine's apt is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import image
from machine import STATE, locked, run, say

DIRECTORY = STATE / "sources"
PACKAGES = {"2.2.7": "1:2.2.7-1", "2.3.3": "1:2.3.3-1"}


def ensure() -> None:
    with locked("sources"):
        missing = {v: p for v, p in PACKAGES.items() if not (DIRECTORY / f"keepalived-{v}.tar.gz").exists()}
        if missing:
            _fetch(missing)


def _fetch(missing: Mapping[str, str]) -> None:
    say(f"Fetching the sources of keepalived {' and '.join(missing)} from Debian's archive")
    apt = DIRECTORY / "apt"
    (apt / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (apt / "sources.list").write_text(image.sources("deb-src", ("bookworm", "trixie")))
    options = [
        f"-oDir::Etc::sourcelist={apt}/sources.list",
        "-oDir::Etc::sourceparts=/dev/null",
        f"-oDir::State::lists={apt}/lists",
        f"-oDir::Cache={apt}",
        "-oAPT::Sandbox::User=root",
        "-oAPT::Update::Post-Invoke-Success::=true",
    ]
    run("apt-get", *options, "-q", "update")
    for version, package in missing.items():
        run(
            "apt-get",
            *options,
            "-q",
            "source",
            "--download-only",
            "--tar-only",
            f"keepalived={package}",
            cwd=DIRECTORY,
        )
        (DIRECTORY / f"keepalived_{version}.orig.tar.gz").rename(DIRECTORY / f"keepalived-{version}.tar.gz")
