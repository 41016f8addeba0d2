# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as real processes, under every Python that a managed host may have."""

from __future__ import annotations

import grp
import hashlib
import io
import json
import os
import platform
import pwd
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.modules import (
    MASK,
    OLD_SECRET,
    SECRET,
    Python,
    Site,
    listing,
    mode,
    needs_make,
    needs_root,
    of_one_set,
    one_set,
)

# config_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "etc"
    path.mkdir()
    return path


def config_files(python: Python, arguments: Mapping[str, Any], **how: Any) -> dict[str, Any]:
    return of_one_set(python.run("config_files", one_set(arguments), **how))


def files(root: Path, **contents: str) -> dict[str, Any]:
    entries = [{"path": f"{name}.conf", "content": content} for name, content in contents.items()]
    return {"root": str(root), "files": entries}


@needs_root
def test_a_new_file_is_never_readable_by_others_before_it_has_its_mode(python: Python, root: Path) -> None:
    arguments = files(root, secret="password\n")
    arguments["files"][0]["mode"] = "0640"
    names = root.parent / "names"
    checks_mode_at_once = (
        "import os\n"
        "own, change, move = os.fchown, os.fchmod, os.rename\n"
        "def checked_own(descriptor, *owner):\n"
        "    assert os.fstat(descriptor).st_mode & 0o777 == 0o600\n"
        "    own(descriptor, *owner)\n"
        "def checked_change(descriptor, mode):\n"
        "    assert os.fstat(descriptor).st_mode & 0o777 == 0o600\n"
        "    change(descriptor, mode)\n"
        "def checked_move(source, target):\n"
        "    assert os.stat(source).st_mode & 0o777 == 0o640\n"
        "    move(source, target)\n"
        f"    open({str(names)!r}, 'a').write(target + '\\n')\n"
        "os.fchown, os.fchmod, os.rename = checked_own, checked_change, checked_move"
    )
    answer = config_files(python, arguments, umask=0, preload=checks_mode_at_once)
    assert answer["changed"] is True
    assert names.read_text() == f"{root}/secret.conf\n"
    assert mode(root / "secret.conf") == 0o640


@needs_root
def test_config_is_created_and_then_left_alone(python: Python, root: Path) -> None:
    arguments = {
        "root": str(root),
        "files": [
            {"path": "main.conf", "content": "größe 1\n"},
            {"path": "parts/deep/part.conf", "content": "part\n", "mode": "0640"},
        ],
    }
    names = [f"{root}/main.conf", f"{root}/parts/deep/part.conf"]
    created = config_files(python, arguments)
    assert (created["changed"], created["changed_files"]) == (True, names)
    assert created["diff"] == [
        {"before_header": "absent", "after_header": names[0], "before": "", "after": "größe 1\n"},
        {"before_header": "absent", "after_header": names[1], "before": "", "after": "part\n"},
    ]
    assert (root / "main.conf").read_bytes() == "größe 1\n".encode()
    assert [mode(Path(name)) for name in names] == [0o644, 0o640]
    assert [mode(root / "parts"), mode(root / "parts" / "deep")] == [0o755, 0o755]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in map(Path, names)} == {(0, 0)}

    inodes = [Path(name).stat().st_ino for name in names]
    again = config_files(python, arguments)
    assert (again["changed"], again["changed_files"], again["diff"]) == (False, [], [])
    assert [Path(name).stat().st_ino for name in names] == inodes


@needs_root
def test_config_shows_what_changed_and_only_that(python: Python, root: Path) -> None:
    (root / "same.conf").write_text("same\n")
    (root / "other.conf").write_text("before\n")
    answer = config_files(python, files(root, same="same\n", other="after\n"))
    name = f"{root}/other.conf"
    assert answer["changed_files"] == [name]
    assert answer["diff"] == [{"before_header": name, "after_header": name, "before": "before\n", "after": "after\n"}]
    assert listing(root) == {"other.conf": "after\n", "same.conf": "same\n"}


@needs_root
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_config_hides_the_old_and_the_new_secret(python: Python, root: Path, check: bool) -> None:
    (root / "a.conf").write_text(f"x {{\n  auth_pass {OLD_SECRET}\n}}\n")
    arguments = files(root, a=f"x {{\n  auth_pass {SECRET}\n}}\ny\n")
    answer = config_files(python, {**arguments, "secrets": [SECRET], "mask": [MASK]}, check=check)
    assert answer["diff"][0]["before"] == "x {\n  auth_pass ********\n}\n"
    assert answer["diff"][0]["after"] == "x {\n  auth_pass ********\n}\ny\n"
    assert not [secret for secret in (OLD_SECRET, SECRET) if secret in json.dumps(answer)]
    assert (SECRET in (root / "a.conf").read_text()) is not check


@needs_root
def test_config_keeps_files_out_of_the_hosts_log(python: Python, root: Path) -> None:
    """As a controller calls it: what it says of no_log goes before what the module says."""
    log = root.parent / "log"
    preload = f"import syslog; syslog.syslog = lambda *words: open({str(log)!r}, 'a').write(words[-1])"
    secret = {"path": "key.pem", "content": f"first line\n{SECRET}\n", "secret": True}
    arguments = {"root": str(root), "files": [secret, {"path": "a.conf", "content": f"auth_pass {SECRET}\n"}]}
    answer = config_files(python, {**arguments, "_ansible_no_log": False}, preload=preload)
    assert answer["changed_files"] == [f"{root}/key.pem", f"{root}/a.conf"]
    assert "Invoked with" in log.read_text()
    assert SECRET not in log.read_text()


def test_config_hides_secrets_in_the_checkers_message(python: Python, root: Path) -> None:
    (root / "a.conf").write_text("old\n")
    arguments = files(root, a=f"auth_pass {SECRET}\n")
    validate = ["sh", "-c", f"cat {{staged}}/a.conf; echo {OLD_SECRET} is no better; exit 1"]
    secrets = {"secrets": [OLD_SECRET], "mask": [MASK]}
    answer = config_files(python, {**arguments, **secrets, "validate": validate})
    assert "auth_pass ********\n******** is no better" in answer["msg"]
    assert OLD_SECRET not in json.dumps(answer)


def test_config_that_the_checker_refuses_changes_nothing(python: Python, root: Path) -> None:
    before = {"a.conf": "old a\n", "parts/stray.conf": "stray\n", "unwanted": "unwanted\n"}
    (root / "parts").mkdir()
    for name, content in before.items():
        (root / name).write_text(content)
    (root / "a.conf").chmod(0o600)
    arguments = {
        **files(root, a="new a\n", b="new b\n"),
        "purge": ["parts"],
        "absent": ["unwanted"],
        "validate": ["sh", "-c", "echo line 1 of {staged}/a.conf is wrong; echo größer >&2; exit 3"],
    }
    answer = config_files(python, arguments)
    assert answer["failed"] is True
    assert answer["changed_files"] == []
    assert answer["msg"] == (
        "sh refuses the new configuration (exit code 3), nothing was changed:\n"
        f"line 1 of {root}/a.conf is wrong\ngrößer"
    )
    assert listing(root) == before
    assert mode(root / "a.conf") == 0o600


@needs_root
def test_checker_sees_the_whole_configuration(python: Python, root: Path) -> None:
    (root / "a.conf").write_text("same a\n")
    (root / "b.conf").write_text("old b\n")
    seen = root.parent / "seen"
    validate = ["sh", "-c", f"cat {{staged}}/a.conf {{staged}}/parts/c.conf {{staged}}/b.conf > {seen}"]
    arguments = files(root, a="same a\n", b="new b\n")
    arguments["files"].append({"path": "parts/c.conf", "content": "new c\n"})
    answer = config_files(python, {**arguments, "validate": validate})
    assert answer["changed_files"] == [f"{root}/b.conf", f"{root}/parts/c.conf"]
    assert seen.read_text() == "same a\nnew c\nnew b\n"


@needs_root
def test_checker_is_not_asked_when_nothing_changes(python: Python, root: Path) -> None:
    (root / "a.conf").write_text("same\n")
    assert config_files(python, {**files(root, a="same\n"), "validate": ["false"]})["changed"] is False


def test_check_mode_needs_neither_parent_nor_checker(python: Python, root: Path) -> None:
    missing = root / "not" / "there"
    arguments = {**files(missing, a="new\n"), "purge": ["parts"], "validate": ["no-such-checker", "{staged}"]}
    answer = config_files(python, arguments, check=True)
    assert (answer["changed"], answer["changed_files"]) == (True, [f"{missing}/a.conf"])
    assert "warnings" not in answer
    assert listing(root) == {}
    assert not (root / "not").exists()


def test_check_mode_warns_of_a_refusal(python: Python, root: Path) -> None:
    arguments = {**files(root, a="new\n"), "validate": ["sh", "-c", "echo a.conf is wrong; exit 3"]}
    answer = config_files(python, arguments, check=True)
    assert answer["changed"] is True
    (warning,) = answer["warnings"]
    # ansible-core 2.19 wraps the text.
    text = warning["event"]["msg"] if isinstance(warning, dict) else warning
    assert text == "sh refuses the new configuration (exit code 3), nothing was changed:\na.conf is wrong"
    assert listing(root) == {}


@needs_root
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_config_removes_strays_and_unwanted_files(python: Python, root: Path, check: bool) -> None:
    before = {
        "kept": "not ours\n",
        "other/kept": "not ours\n",
        "parts/deep/stray": "deep\n",
        "parts/mine.conf": "mine\n",
        "parts/stray": "stray\n",
        "sites/default": "default\n",
    }
    for name, content in before.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (root / "sites" / "dangling").symlink_to("nowhere")
    arguments = {
        "root": str(root),
        "files": [{"path": "parts/mine.conf", "content": "mine\n"}],
        "purge": ["parts", "no-such-directory"],
        # One of them lies in a directory of ours, too.
        "absent": ["sites/default", "sites/dangling", "sites/missing", "parts/stray"],
    }
    gone = ["parts/deep/stray", "parts/stray", "sites/default", "sites/dangling"]
    answer = config_files(python, arguments, check=check)
    assert answer["changed_files"] == [f"{root}/{name}" for name in gone]
    assert answer["diff"][1] == {
        "before_header": f"{root}/parts/stray",
        "after_header": "absent",
        "before": "stray\n",
        "after": "",
    }
    assert listing(root) == {name: content for name, content in before.items() if check or name not in gone}
    assert (root / "sites" / "dangling").is_symlink() is check
    assert config_files(python, arguments, check=check)["changed"] is check


@pytest.mark.parametrize("content", ["", " \n\t\n"], ids=["empty", "blank"])
def test_empty_config_is_refused(python: Python, root: Path, content: str) -> None:
    (root / "a.conf").write_text("old\n")
    answer = config_files(python, files(root, b="new\n", a=content))
    assert answer["msg"] == (
        f"{root}/a.conf would be empty. A service takes that for a valid configuration and does nothing."
    )
    assert listing(root) == {"a.conf": "old\n"}


@needs_root
def test_mode_and_owner_are_corrected(python: Python, root: Path) -> None:
    path = root / "a.conf"
    path.write_text("same\n")
    path.chmod(0o600)
    arguments = files(root, a="same\n")
    checked = config_files(python, arguments, check=True)
    assert (checked["changed"], checked["changed_files"], mode(path)) == (True, [str(path)], 0o600)
    corrected = config_files(python, arguments)
    assert (corrected["changed"], corrected["changed_files"], mode(path)) == (True, [str(path)], 0o644)
    os.chown(path, 65534, 0)
    assert config_files(python, arguments)["changed_files"] == [str(path)]
    assert path.stat().st_uid == 0
    assert config_files(python, arguments)["changed"] is False


# fetch_verified


CONTENT = b"keepalived" * 20_000
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()
OTHER_CHECKSUM = hashlib.sha256(b"other").hexdigest()


def fetch(site: Site, dest: Path, *paths: str) -> dict[str, Any]:
    return {"urls": [site.url(path) for path in paths], "dest": str(dest), "sha256": CHECKSUM, "timeout": 5}


def test_fetch_takes_the_first_source_that_has_the_file(python: Python, site: Site, tmp_path: Path) -> None:
    site.contents = {"/other": b"other", "/right": CONTENT, "/spare": CONTENT}
    dest = tmp_path / "file"
    answer = python.run("fetch_verified", fetch(site, dest, "/missing", "/other", "/right", "/spare"), umask=0o077)
    assert (answer["changed"], answer["url"]) == (True, site.url("/right"))
    assert site.asked == ["/missing", "/other", "/right"]
    assert dest.read_bytes() == CONTENT
    assert mode(dest) == 0o644


def test_fetch_leaves_the_right_file_alone(python: Python, site: Site, tmp_path: Path) -> None:
    dest = tmp_path / "file"
    dest.write_bytes(CONTENT)
    answer = python.run("fetch_verified", fetch(site, dest, "/right"))
    assert (answer["changed"], site.asked) == (False, [])


def test_fetch_replaces_a_wrong_file(python: Python, site: Site, tmp_path: Path) -> None:
    site.contents = {"/right": CONTENT}
    dest = tmp_path / "file"
    dest.write_bytes(b"other")
    assert python.run("fetch_verified", fetch(site, dest, "/right"))["changed"] is True
    assert dest.read_bytes() == CONTENT


def test_fetch_names_what_each_source_answered(python: Python, site: Site, tmp_path: Path) -> None:
    site.contents = {"/other": b"other"}
    dest = tmp_path / "file"
    dest.write_bytes(b"before")
    arguments = fetch(site, dest, "/missing", "/other")
    arguments["urls"].append("http://127.0.0.1:1/closed")
    answer = python.run("fetch_verified", arguments)
    first, missing, other, closed, last = answer["msg"].splitlines()
    assert first == f"No source has the file with the sha256 {CHECKSUM}:"
    assert missing == f"{site.url('/missing')}: HTTP Error 404: Not Found"
    assert other == f"{site.url('/other')}: sha256 is {OTHER_CHECKSUM}"
    assert closed.startswith("http://127.0.0.1:1/closed: ")
    assert "refused" in closed
    assert last == "Name another source, or correct the checksum."
    assert dest.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [dest]


def test_fetch_asks_nobody_in_check_mode(python: Python, site: Site, tmp_path: Path) -> None:
    site.contents = {"/right": CONTENT}
    dest = tmp_path / "file"
    answer = python.run("fetch_verified", fetch(site, dest, "/right"), check=True)
    assert (answer["changed"], site.asked, dest.exists()) == (True, [], False)
    dest.write_bytes(CONTENT)
    assert python.run("fetch_verified", fetch(site, dest, "/right"), check=True)["changed"] is False


# keepalived_build

PREFIX = "/opt/keepalived/9.9.9-0"
CONFIGURE = """#!/bin/sh
printf '%s\\n' "$@" >words
printf '%s\\n' "CFLAGS=$CFLAGS" "CPPFLAGS=$CPPFLAGS" "LDFLAGS=$LDFLAGS" >flags
echo "configured in $PWD by $(id -un)"
"""
MAKEFILE = f"""
all:
	{{ id -un; id -gn; id -G; }} >compiled-by
install: all
	mkdir -p $(DESTDIR){PREFIX}/sbin $(DESTDIR)/etc/keepalived
	cp words flags compiled-by $(DESTDIR){PREFIX}/
	printf 'binary' >$(DESTDIR){PREFIX}/sbin/keepalived
	chmod 755 $(DESTDIR){PREFIX}/sbin/keepalived
	printf 'sample' >$(DESTDIR)/etc/keepalived/keepalived.conf
"""


def here() -> str:
    release = platform.freedesktop_os_release()
    return f"{release['ID']}-{release.get('VERSION_ID', '').split('.')[0]}-{platform.machine()}"


@dataclass(frozen=True)
class Build:
    directory: Path
    arguments: Mapping[str, Any]

    @property
    def artifact(self) -> Path:
        return Path(self.arguments["artifact"])

    @property
    def log(self) -> Path:
        return Path(self.arguments["log"])

    def pack(self, *, top: str = "keepalived-9.9.9", configure: str = CONFIGURE, makefile: str = MAKEFILE) -> None:
        with tarfile.open(self.arguments["tarball"], "w:gz") as archive:
            for name, content in (("configure", configure), ("Makefile", makefile)):
                data = content.encode()
                member = tarfile.TarInfo(f"{top}/{name}")
                member.size, member.mode = len(data), 0o755
                archive.addfile(member, io.BytesIO(data))

    def contents(self) -> dict[str, str]:
        with tarfile.open(self.artifact) as archive:
            found = {member.name: archive.extractfile(member) for member in archive}
            return {name: content.read().decode() for name, content in found.items() if content}


@pytest.fixture
def build(reachable: Path) -> Iterator[Build]:
    with tempfile.TemporaryDirectory(prefix="build-", dir=reachable) as name:
        directory = Path(name)
        directory.chmod(0o755)
        arguments = {
            "tarball": str(directory / "keepalived-9.9.9.tar.gz"),
            "prefix": PREFIX,
            "platform": here(),
            "artifact": str(directory / "artifact.tar.gz"),
            "log": str(directory / "build.log"),
        }
        yield Build(directory, arguments)


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ("root", "keepalived is not compiled as root. Name an unprivileged user."),
        ("nosuchuser", "The user nosuchuser to compile as does not exist on this host. Create it, or name another."),
    ],
)
def test_build_refuses_users_it_cannot_compile_as(python: Python, build: Build, user: str, text: str) -> None:
    answer = python.run("keepalived_build", {**build.arguments, "user": user})
    assert answer["msg"] == text
    assert list(build.directory.iterdir()) == []


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_build_refuses_another_platform(python: Python, build: Build, check: bool) -> None:
    answer = python.run("keepalived_build", {**build.arguments, "platform": "debian-1-vax"}, check=check)
    assert answer["msg"] == (
        f"This host is {here()}; an artifact for debian-1-vax has to be compiled on such a host. "
        "Name another build host."
    )
    assert list(build.directory.iterdir()) == []


def test_build_leaves_an_artifact_alone(python: Python, build: Build) -> None:
    build.artifact.write_text("made before")
    answer = python.run("keepalived_build", build.arguments)
    assert (answer["changed"], answer["artifact"]) == (False, str(build.artifact))
    assert list(build.directory.iterdir()) == [build.artifact]
    assert build.artifact.read_text() == "made before"


def test_build_does_nothing_in_check_mode(python: Python, build: Build) -> None:
    answer = python.run("keepalived_build", build.arguments, check=True)
    assert (answer["changed"], answer["artifact"]) == (True, str(build.artifact))
    assert list(build.directory.iterdir()) == []


@needs_make
def test_build_makes_an_artifact_owned_by_root(python: Python, build: Build) -> None:
    build.pack()
    arguments = {**build.arguments, "configure_flags": ["--disable-x", "--with y"], "cppflags": "-include net/if.h"}
    answer = python.run("keepalived_build", arguments)
    assert (answer["changed"], answer["artifact"]) == (True, str(build.artifact))
    assert answer["seconds"] > 0

    prefix = PREFIX.lstrip("/")
    with tarfile.open(build.artifact) as archive:
        members = archive.getmembers()
    assert members[-1].name == f"{prefix}/.complete"
    assert sorted(member.name for member in members) == sorted(
        [
            prefix,
            *(f"{prefix}/{name}" for name in (".complete", "compiled-by", "flags", "sbin", "sbin/keepalived", "words")),
        ]
    )
    assert {(member.uid, member.gid) for member in members} == {(0, 0)}
    assert {member.uname for member in members[:-1]} == {"root"}
    assert {member.name: member.mode for member in members}[f"{prefix}/sbin/keepalived"] == 0o755

    contents = build.contents()
    assert contents[f"{prefix}/compiled-by"].split() == ["nobody", *group_of_nobody()]
    assert contents[f"{prefix}/words"].splitlines() == [
        f"--prefix={PREFIX}",
        "--sysconfdir=/etc",
        "--with-default-config-file=/etc/keepalived/keepalived.conf",
        f"--with-systemdsystemunitdir={PREFIX}/share",
        "--disable-x",
        "--with y",
    ]
    flags = dict(line.split("=", 1) for line in contents[f"{prefix}/flags"].splitlines())
    assert "-O2" in flags["CFLAGS"]
    assert flags["CPPFLAGS"].endswith("-include net/if.h")
    # A directory's name would make each build another one.
    assert [value for value in flags.values() if "prefix-map" in value] == []

    log = build.log.read_text()
    (work,) = [line.split()[2] for line in log.splitlines() if line.startswith("configured in ")]
    assert work.startswith("/var/tmp/keepalived-build-")
    assert not Path(work).parent.exists()
    assert {path.name for path in build.directory.iterdir()} == {
        "keepalived-9.9.9.tar.gz",
        "artifact.tar.gz",
        "build.log",
    }


def group_of_nobody() -> list[str]:
    number = pwd.getpwnam("nobody").pw_gid
    return [grp.getgrgid(number).gr_name, str(number)]


FAILURES: dict[str, tuple[dict[str, str], str, list[str]]] = {
    "configure": (
        {"configure": "#!/bin/sh\nfor n in $(seq 30); do echo line $n; done\necho größer >&2\nexit 77\n"},
        "./configure --prefix=" + PREFIX + " --sysconfdir=/etc "
        "--with-default-config-file=/etc/keepalived/keepalived.conf "
        "--with-systemdsystemunitdir=" + PREFIX + "/share ended with 77",
        [*(f"line {number}" for number in range(12, 31)), "größer"],
    ),
    "tarball of something else": (
        {"top": "nginx-9.9.9"},
        "the tarball holds no directory keepalived-VERSION",
        ["+ tar --no-same-owner -xzf {tarball}"],
    ),
}


@needs_make
@pytest.mark.parametrize(("contents", "reason", "tail"), FAILURES.values(), ids=FAILURES)
def test_failed_build_shows_the_end_of_its_log(
    python: Python, build: Build, contents: dict[str, str], reason: str, tail: list[str]
) -> None:
    build.pack(**contents)
    answer = python.run("keepalived_build", build.arguments)
    assert answer["failed"] is True
    shown = "".join(f"{line}\n" for line in tail).format(**build.arguments)
    assert answer["msg"] == (
        f"The compilation of keepalived failed: {reason}. The log is {build.log}; its last lines:\n{shown}"
    )
    assert {path.name for path in build.directory.iterdir()} == {"keepalived-9.9.9.tar.gz", "build.log"}


@needs_make
def test_failed_make_leaves_no_artifact(python: Python, build: Build) -> None:
    build.pack(makefile="all:\n\t@echo layer4.c:31: error; false\n")
    answer = python.run("keepalived_build", build.arguments)
    assert f"The compilation of keepalived failed: make -j{os.cpu_count()} ended with 2." in answer["msg"]
    assert "\nlayer4.c:31: error\n" in answer["msg"]
    assert {path.name for path in build.directory.iterdir()} == {"keepalived-9.9.9.tar.gz", "build.log"}


def test_files_are_read_and_missing_ones_are_left_out(python: Python, root: Path) -> None:
    root.mkdir(exist_ok=True)
    (root / "a").write_text("größe\n", encoding="utf-8")
    answer = python.run("read_files", {"root": str(root), "paths": ["a", "b", "a/c"]}, check=True)
    assert answer["changed"] is False and answer["contents"] == {"a": "größe\n"}
    assert "Is a directory" in python.run("read_files", {"root": str(root), "paths": ["."]})["msg"]
