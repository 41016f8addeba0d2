# SPDX-License-Identifier: GPL-3.0-or-later
"""signing_key with keys of a real gpg, and with files that are none."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import openpgp
from hypothesis import given
from hypothesis import strategies as st
from support.modules import Python, Site, ends, newest

NONE = "0" * 40


class Keys:
    """Two keys: one that only signs, and one with a subkey."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.home.chmod(0o700)
        for user, usage in (("one@example.com", ["ed25519", "sign"]), ("two@example.com", ["default", "default"])):
            self.gpg("--passphrase", "", "--quick-gen-key", user, *usage)
        listed = self.gpg("--list-keys", "--with-colons").decode().splitlines()
        primary = [after.split(":")[9] for before, after in pairwise(listed) if before.startswith("pub:")]
        self.one, self.two = primary

    def gpg(self, *words: str) -> bytes:
        return subprocess.run(
            ["gpg", "--homedir", str(self.home), "--batch", "--quiet", *words], check=True, capture_output=True
        ).stdout

    def shown(self, path: Path) -> list[str]:
        """The keys and subkeys of a file, as gpg sees them."""
        rows = self.gpg("--show-keys", "--with-colons", str(path)).decode().splitlines()
        return [row.split(":")[9] for row in rows if row.startswith("fpr:")]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    found = Keys(tmp_path_factory.mktemp("gnupg", numbered=True))
    yield found
    subprocess.run(["gpgconf", "--homedir", str(found.home), "--kill", "all"], check=True)


def ask(python: Python, site: Site, dest: Path, *paths: str, check: bool = False, **more: Any) -> dict[str, Any]:
    arguments = {"urls": [site.url(path) for path in paths], "dest": str(dest), "timeout": 5, **more}
    return python.run("signing_key", arguments, check=check, umask=0o077)


@ends
@pytest.mark.parametrize("armored", [False, True])
@pytest.mark.parametrize("offered", [[], ["--armor"]], ids=["binary", "armour"])
def test_only_the_trusted_key_is_kept(
    python: Python, site: Site, keys: Keys, tmp_path: Path, offered: list[str], armored: bool
) -> None:
    site.contents = {
        "/keys": keys.gpg(*offered, "--export"),
        "/page": b"<html>",
        "/one": keys.gpg("--export", keys.one),
    }
    dest = tmp_path / "keyrings" / "nginx"
    spaced = " ".join([keys.two[:20].lower(), keys.two[20:]])
    more = {"fingerprints": [spaced, NONE], "armored": armored}
    answer = ask(python, site, dest, "/missing", "/page", "/one", "/keys", **more)
    assert (answer["changed"], answer["url"], answer["fingerprints"]) == (True, site.url("/keys"), [keys.two])
    assert keys.shown(dest) == [keys.two]
    assert dest.read_bytes().startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n") == armored
    assert (dest.stat().st_mode & 0o777, dest.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    site.asked.clear()
    assert ask(python, site, dest, "/keys", **more)["changed"] is False
    assert site.asked == []
    assert ask(python, site, dest, "/keys", fingerprints=[keys.one])["changed"] is True
    assert keys.shown(dest) == [keys.one]


@ends
def test_a_wrong_key_is_refused(python: Python, site: Site, keys: Keys, tmp_path: Path) -> None:
    site.contents = {"/one": keys.gpg("--armor", "--export", keys.one), "/page": b"<html>"}
    dest = tmp_path / "nginx"
    answer = ask(python, site, dest, "/one", "/page", "/missing", fingerprints=[keys.two])
    assert answer["failed"] is True
    for part in (keys.two, f"/one: has {keys.one}", "/page: it is no OpenPGP key", "404", "correct the fingerprints"):
        assert part in answer["msg"]
    assert not dest.exists()


@newest
def test_check_mode_asks_no_source(python: Python, site: Site, tmp_path: Path) -> None:
    assert ask(python, site, tmp_path / "nginx", "/keys", check=True, fingerprints=[NONE])["changed"] is True
    assert site.asked == []


@newest
@pytest.mark.parametrize("fingerprints", [[], ["827BD9BF62"], ["Z" * 40]])
def test_odd_fingerprints_are_refused(python: Python, site: Site, tmp_path: Path, fingerprints: list[str]) -> None:
    answer = ask(python, site, tmp_path / "nginx", "/keys", fingerprints=fingerprints)
    assert "40 hexadecimal digits" in answer["msg"]


def test_blocks_after_each_other_are_all_read(keys: Keys) -> None:
    pairs = openpgp.keys(keys.gpg("--export"))
    together = b"They sign:\n" + b"".join(openpgp.armoured(packets) for dummy, packets in pairs)
    assert openpgp.keys(together) == pairs
    assert [name for name, dummy in pairs] == [keys.one, keys.two]


@given(st.binary(max_size=300))
def test_whatever_comes_is_keys_or_a_value_error(content: bytes) -> None:
    armour = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + content + b"\n-----END PGP PUBLIC KEY BLOCK-----\n"
    for each in (content, armour, openpgp.armoured(content), base64.b64encode(content)):
        with suppress(ValueError):
            openpgp.keys(each)


def test_armour_is_read_back(tmp_path: Path) -> None:
    for length in (1, 2, 3, 47, 48, 49, 500):
        content = os.urandom(length)
        assert openpgp.binary(openpgp.armoured(content)) == content
