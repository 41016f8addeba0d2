# SPDX-License-Identifier: GPL-3.0-or-later
"""What config_files keeps in its store, and what becomes of it when a run is killed or a file system is full."""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support.modules import (
    MASK,
    MODULES,
    OLD_SECRET,
    SECRET,
    VERSIONS,
    Python,
    ends,
    listing,
    mode,
    needs_root,
    newest,
    of_one_set,
    one_set,
)

pytestmark = needs_root

# What tries every step, and needs one Python alone; each is as good, and the oldest is the quickest.
oldest = pytest.mark.parametrize("python", VERSIONS[:1], indirect=True)

# Runs the module again and again, each time in a child of a process that has imported it. A trouble strikes at the
# at-th system call that changes something below a directory: the child is killed before it, or the call fails, or it
# and all further ones do.
RUNNER = r"""
import io, json, os, sys, traceback

CALLS = "open fdopen rename unlink remove rmdir mkdir chmod chown fchmod fchown symlink fsync".split()

seen = [0]

def strike(below, at, how, number):
    def watched(call):
        def instead(first, *rest, **named):
            if isinstance(first, int) or str(first).startswith(below):
                seen[0] += 1
                if how == "kill" and seen[0] == at:
                    os._exit(77)
                if (how == "fail" and seen[0] == at) or (how == "fail from" and seen[0] >= at):
                    raise OSError(number, os.strerror(number), first)
            return call(first, *rest, **named)
        return instead
    for name in CALLS:
        setattr(os, name, watched(getattr(os, name)))

def child(order):
    for descriptor, name in enumerate(order["streams"]):
        os.dup2(os.open(name, os.O_RDWR), descriptor)
    os.umask(order["umask"])
    try:
        exec(order["preload"], {})
        if order["trouble"]:
            strike(*order["trouble"])
        module["main"]()
    except SystemExit as error:
        return error.code or 0
    except BaseException:
        traceback.print_exc()
        return 1

module = {"__name__": "config_files"}
path = sys.argv.pop()
with io.open(path, encoding="utf-8") as source:
    exec(compile(source.read().encode("utf-8"), path, "exec"), module)
orders = os.fdopen(os.dup(0), "r")
answers = os.fdopen(os.dup(1), "w")
for line in iter(orders.readline, ""):
    pid = os.fork()
    if pid == 0:
        status = child(json.loads(line))
        sys.stdout.flush()
        sys.stderr.flush()
        answers.write("%d " % seen[0])
        answers.flush()
        os._exit(status)
    answers.write("%d\n" % (os.waitpid(pid, 0)[1] >> 8))
    answers.flush()
"""
KILLED = 77
MEMORY = Path("/dev/shm")
ENOSPC, EROFS = 28, 30


@dataclass(frozen=True)
class Trouble:
    at: int
    how: str = "kill"
    number: int = 0


class Runner:
    steps = 0  # how many system calls there were at which trouble could have struck, unless killed

    def __init__(self, python: Python, directory: Path) -> None:
        self.temporary = python.temporary
        self.streams = [directory / name for name in ("in", "out", "err")]
        self.process = subprocess.Popen(
            [python.path, "-c", RUNNER, MODULES / "config_files.py"],
            env=python.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        arguments: Mapping[str, Any],
        *,
        check: bool = False,
        trouble: Trouble | None = None,
        below: Path = Path("/"),
        umask: int = 0o022,
        preload: str = "pass",
    ) -> dict[str, Any] | None:
        """The module's answer; None if it was killed."""
        given, out, err = self.streams
        given.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {**one_set(arguments), "_ansible_check_mode": check}}))
        out.write_text("")
        err.write_text("")
        order = {
            "streams": list(map(str, self.streams)),
            "trouble": trouble and [str(below), trouble.at, trouble.how, trouble.number],
            "umask": umask,
            "preload": preload,
        }
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        *steps, status = map(int, self.process.stdout.readline().split())
        self.steps = sum(steps)
        assert err.read_text() == ""
        if trouble and status == KILLED:
            for path in self.temporary.iterdir():
                shutil.rmtree(path)
            return None
        assert list(self.temporary.iterdir()) == []
        answer: dict[str, Any] = json.loads(out.read_text())
        assert status == int(answer.get("failed", False))
        return of_one_set(answer)


@pytest.fixture(scope="session")
def runners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, Runner]]:
    found: dict[Path, Runner] = {}
    yield found
    for runner in found.values():
        runner.process.communicate()


@pytest.fixture
def runner(python: Python, runners: dict[Path, Runner], tmp_path_factory: pytest.TempPathFactory) -> Runner:
    if python.path not in runners:
        runners[python.path] = Runner(python, tmp_path_factory.mktemp("runner"))
    return runners[python.path]


@dataclass
class Host:
    """A root, and a store beside it."""

    runner: Runner
    top: Path
    wanted: dict[str, Any] = field(default_factory=dict)
    service: str = "nginx"

    def __post_init__(self) -> None:
        self.root.mkdir(exist_ok=True)

    @property
    def root(self) -> Path:
        return self.top / "etc"

    @property
    def store(self) -> Path:
        return self.top / "lib" / "evenkeel" / self.service

    def run(self, state: str, *, trouble: Trouble | None = None, unfinished: bool = False, **options: Any) -> Any:
        arguments: dict[str, Any] = {"state": state, "store": str(self.store), "unfinished": unfinished}
        if state in ("present", "tested"):
            arguments |= {"root": str(self.root), **self.wanted}
        return self.runner.run(arguments, trouble=trouble, below=self.top, **options)

    def want(self, *, purge: tuple[str, ...] = (), absent: tuple[str, ...] = (), **contents: str) -> None:
        """Contents by path, in which __ stands for a slash."""
        files = [{"path": f"{name.replace('__', '/')}.conf", "content": text} for name, text in contents.items()]
        self.wanted = {**self.wanted, "files": files, "purge": purge, "absent": absent}

    def paths(self, *names: str) -> list[str]:
        return [f"{self.root}/{name}" for name in names]

    def tree(self) -> dict[str, tuple[Any, ...]]:
        """All there is below the root, with modes and owners."""
        return {str(path.relative_to(self.root)): entry(path) for path in sorted(self.root.rglob("*"))}


def entry(path: Path) -> tuple[Any, ...]:
    found = path.lstat()
    if path.is_symlink():
        return ("link", os.readlink(path))
    content = path.read_bytes() if path.is_file() else "directory"
    return (content, oct(stat.S_IMODE(found.st_mode)), found.st_uid, found.st_gid)


@pytest.fixture
def host(runner: Runner, tmp_path: Path) -> Host:
    return Host(runner, tmp_path)


def write(path: Path, content: str, permissions: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(permissions)


def mixed(runner: Runner, top: Path) -> Host:
    """A host on which a change writes, creates, adjusts, replaces a link, and removes a file and a link."""
    host = Host(runner, top)
    write(host.root / "a.conf", "old a\n", 0o600)
    os.chown(host.root / "a.conf", 65534, 65534)
    write(host.root / "same.conf", "same\n", 0o640)
    write(host.root / "own" / "stray", "größer\n", 0o604)
    write(host.root / "linked" / "target", "target\n")
    (host.root / "link.conf").symlink_to("linked/target")
    (host.root / "default").symlink_to("nowhere")
    host.want(
        a="new a\n", same="same\n", link="new link\n", parts__deep__b="new b\n", purge=("own",), absent=("default",)
    )
    return host


def mixed_paths(host: Host) -> list[str]:
    return host.paths("a.conf", "link.conf", "parts/deep/b.conf", "own/stray", "default", "same.conf")


# The states


def test_a_change_is_kept_committed_and_removed(runner: Runner, tmp_path: Path) -> None:
    host = mixed(runner, tmp_path)
    before = host.tree()
    written = host.run("present")
    assert (written["changed"], written["changed_files"]) == (True, mixed_paths(host))
    assert (written["pending_files"], written["interrupted"]) == (mixed_paths(host), False)
    after = host.tree()
    assert after["a.conf"] == (b"new a\n", "0o644", 0, 0)
    assert after["same.conf"] == (b"same\n", "0o644", 0, 0)
    assert after["link.conf"] == (b"new link\n", "0o644", 0, 0)
    assert {"own/stray", "default"} & set(after) == set()
    assert (host.store / "journal.json").exists()

    committed = host.run("committed")
    assert (committed["changed"], committed["changed_files"], committed["pending_files"]) == (False, [], [])
    assert committed["interrupted"] is True
    assert not (host.store / "journal.json").exists()
    again = host.run("present")
    assert (again["changed"], again["pending_files"], again["interrupted"]) == (False, [], False)
    assert host.tree() == after

    removed = host.run("removed")
    assert (removed["changed"], removed["changed_files"]) == (True, sorted(mixed_paths(host)))
    assert host.tree() == before
    assert not host.store.exists()
    assert host.run("removed")["changed"] is False


def test_a_change_is_restored(runner: Runner, tmp_path: Path) -> None:
    host = mixed(runner, tmp_path)
    before = host.tree()
    host.run("present")
    restored = host.run("restored")
    assert (restored["changed"], restored["interrupted"]) == (True, True)
    assert restored["changed_files"] == restored["pending_files"] == sorted(mixed_paths(host))
    assert host.tree() == before
    again = host.run("restored")
    assert (again["changed"], again["changed_files"], again["interrupted"]) == (False, [], False)
    # Nothing of it was ever ours.
    (host.root / "a.conf").write_text("edited since\n")
    assert host.run("removed")["changed_files"] == []
    assert (host.root / "a.conf").read_text() == "edited since\n"


def test_a_change_that_is_taken_back_can_stay_under_way(runner: Runner, tmp_path: Path) -> None:
    host = mixed(runner, tmp_path)
    before = host.tree()
    host.run("present")
    host.run("restored", unfinished=True)
    assert host.tree() == before
    # What the inventory says may be what is there by now; the service does not know that yet.
    host.want(a="old a\n")
    assert host.run("tested")["interrupted"] is True
    assert host.run("restored")["changed_files"] == sorted(mixed_paths(host))
    assert host.tree() == before
    assert host.run("restored")["interrupted"] is False
    assert not (host.store / "journal.json").exists()


def test_restored_names_the_files_that_were_back_already(host: Host) -> None:
    write(host.root / "a.conf", "old\n")
    host.want(a="new\n", b="new\n")
    host.run("present")
    # As by a run that was killed before it told the service.
    (host.root / "a.conf").write_text("old\n")
    restored = host.run("restored")
    assert restored["changed_files"] == restored["pending_files"] == host.paths("a.conf", "b.conf")
    assert [step["before_header"] for step in restored["diff"]] == host.paths("b.conf")


def test_a_link_to_the_right_content_is_left_alone(host: Host) -> None:
    write(host.root / "target", "a\n", 0o600)
    (host.root / "a.conf").symlink_to("target")
    before = host.tree()
    host.want(a="a\n")
    assert host.run("tested")["pending_files"] == []
    assert host.run("present")["changed"] is False
    assert host.tree() == before


def test_the_original_is_kept_once_and_the_previous_anew(host: Host) -> None:
    write(host.root / "a.conf", "original\n", 0o604)
    for text in ("first\n", "second\n", "third\n"):
        host.want(a=text)
        host.run("present")
        if text != "third\n":
            host.run("committed")
    assert [path.read_text() for path in (host.store / "previous").rglob("*.conf")] == ["second\n"]
    host.run("restored")
    assert listing(host.root) == {"a.conf": "second\n"}
    assert mode(host.root / "a.conf") == 0o644
    host.run("removed")
    assert listing(host.root) == {"a.conf": "original\n"}
    assert mode(host.root / "a.conf") == 0o604


def test_removed_leaves_the_files_of_others_and_their_directories(host: Host) -> None:
    host.want(ours__deep__a="a\n", theirs__deep__a="a\n")
    (host.root / "there").mkdir()
    host.wanted["files"].append({"path": "there/b.conf", "content": "b\n"})
    host.run("present")
    host.run("committed")
    write(host.root / "theirs" / "mine", "a user's\n")
    host.run("removed")
    assert set(host.tree()) == {"there", "theirs", "theirs/mine"}


@pytest.mark.parametrize("damaged", [False, True])
def test_a_directory_of_two_stores_goes_with_the_last_of_them(host: Host, damaged: bool) -> None:
    other = Host(host.runner, host.top, service="keepalived")
    if damaged:
        write(host.store.with_name("third") / "manifest.json", "{")
    for number, each in enumerate((host, other)):
        each.want(**{f"ours__file{number}": "text\n"})
        each.run("present")
        each.run("committed")
    host.run("removed")
    assert set(host.tree()) == {"ours", "ours/file1.conf"}
    other.run("removed")
    assert host.tree() == {}


def test_what_was_ours_once_is_removed_too(host: Host) -> None:
    host.want(a="a\n", b="b\n")
    host.run("present")
    host.run("committed")
    host.want(a="a\n")
    host.run("present")
    host.run("committed")
    assert host.run("removed")["changed_files"] == host.paths("a.conf", "b.conf")
    assert host.tree() == {}


def test_everything_is_taken_back_after_a_move_to_another_root(host: Host) -> None:
    write(host.root / "a.conf", "original\n")
    before = host.tree()
    host.want(a="ours\n")
    host.run("present")
    host.run("committed")
    host.runner.run({"root": str(host.root / "new"), "store": str(host.store), **host.wanted})
    assert listing(host.root) == {"a.conf": "ours\n", "new/a.conf": "ours\n"}
    host.run("removed")
    assert host.tree() == before


def test_removed_does_not_touch_what_is_as_it_was(host: Host) -> None:
    write(host.root / "a.conf", "original\n")
    host.want(a="ours\n", b="ours\n")
    host.run("present")
    (host.root / "a.conf").write_text("original\n")
    (host.root / "b.conf").unlink()
    inode = (host.root / "a.conf").stat().st_ino
    removed = host.run("removed")
    assert (removed["changed"], removed["changed_files"]) == (True, [])
    assert (host.root / "a.conf").stat().st_ino == inode
    assert not host.store.exists()


def test_a_directory_that_is_gone_is_made_again_for_its_file(host: Host) -> None:
    write(host.root / "sites" / "default", "default\n")
    host.want(a="a\n", absent=("sites/default",))
    host.run("present")
    (host.root / "sites").rmdir()
    host.run("restored")
    assert listing(host.root) == {"sites/default": "default\n"}


def test_the_copies_are_those_of_the_last_change(host: Host) -> None:
    write(host.root / "a.conf", OLD_SECRET)
    host.want(a="new\n")
    host.run("present")
    host.run("committed")
    host.want(a="new\n", b="new\n")
    host.run("present")
    assert list((host.store / "previous").rglob("*.conf")) == []


def test_store_is_roots_alone_whatever_the_umask(host: Host) -> None:
    write(host.root / "parts" / "a.conf", OLD_SECRET)
    host.want(parts__a="new\n", parts__more__b="new\n")
    host.run("present", umask=0)
    places = [host.store, *host.store.rglob("*")]
    assert {path.name for path in places} >= {"journal.json", "manifest.json", "original", "previous", "a.conf"}
    assert {mode(path) for path in places if path.is_dir()} == {0o700}
    assert {mode(path) for path in places if path.is_file()} == {0o600}
    assert [mode(host.store.parent), mode(host.root / "parts" / "more")] == [0o755, 0o755]
    host.store.chmod(0o755)
    host.want(parts__a="newer\n")
    host.run("present", umask=0o077)
    assert mode(host.store) == 0o700


def test_directories_are_open_whatever_the_umask(host: Host) -> None:
    host.want(parts__deep__a="a\n")
    host.run("present", umask=0o077)
    assert [mode(path) for path in (host.root / "parts", host.root / "parts/deep")] == [0o755, 0o755]
    assert mode(host.root / "parts/deep/a.conf") == 0o644


@pytest.mark.parametrize(
    ("wanted", "before", "after"),
    [("u=rw,g=r,o=", None, 0o640), ("o+w", 0o640, 0o642), (0o604, None, 0o604), ("755", 0o644, 0o755)],
)
def test_every_way_to_write_a_mode(host: Host, wanted: Any, before: int | None, after: int) -> None:
    if before:
        write(host.root / "a.conf", "old\n", before)
    host.want(a="new\n")
    host.wanted["files"][0]["mode"] = wanted
    host.run("present")
    assert mode(host.root / "a.conf") == after
    assert host.run("present")["changed_files"] == []
    assert host.run("present", check=True)["changed_files"] == []


@pytest.mark.parametrize("state", ["committed", "restored", "removed"])
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_nothing_is_done_without_a_store(host: Host, state: str, check: bool) -> None:
    answer = host.run(state, check=check)
    assert (answer["changed"], answer["changed_files"], answer["pending_files"]) == (False, [], [])
    assert list(host.top.iterdir()) == [host.root]


@pytest.mark.parametrize("state", ["committed", "restored"])
def test_nothing_is_done_without_a_change_under_way(host: Host, state: str) -> None:
    host.want(a="a\n")
    host.run("present")
    host.run("committed")
    before = host.tree()
    answer = host.run(state)
    assert (answer["changed"], answer["changed_files"], answer["interrupted"]) == (False, [], False)
    assert host.tree() == before
    assert (host.store / "manifest.json").exists()


@needs_root
def test_a_file_can_belong_to_a_group(host: Host) -> None:
    host.want(a="a\n", b="b\n")
    host.run("present")
    host.run("committed")
    host.wanted["files"][0]["group"] = "daemon"
    assert host.run("present")["changed_files"] == host.paths("a.conf")
    assert (host.root / "a.conf").group() == "daemon" and (host.root / "b.conf").group() == "root"
    assert not host.run("present")["changed_files"]
    host.run("restored")
    assert (host.root / "a.conf").group() == "root"


def test_a_secret_file_is_not_in_the_answer(host: Host) -> None:
    """Where the module's arguments are, too, which -vvv shows."""
    host.want(a="----\nfirst line\nsecond line\n----\n", b="b\n")
    host.wanted["files"][0]["secret"] = True
    answer = host.run("present")
    assert "first line" not in json.dumps(answer) and "second line" not in json.dumps(answer)
    assert (host.root / "a.conf").read_text() == "----\nfirst line\nsecond line\n----\n"


def test_a_group_that_is_not_there(host: Host) -> None:
    host.want(a="a\n")
    host.wanted["files"][0]["group"] = "no such group"
    assert host.run("present", check=True)["changed"]
    answer = host.run("present")
    assert answer["msg"] == (
        "There is no group no such group on this host, nothing was changed. Create it, or name another one."
    )
    assert not (host.root / "a.conf").exists()


@pytest.mark.parametrize("state", ["present", "tested", "committed", "restored", "removed"])
def test_check_mode_writes_nothing(runner: Runner, tmp_path: Path, state: str) -> None:
    host = mixed(runner, tmp_path)
    host.run("present")
    host.want(a="newer\n")
    before = snapshot(host.top)
    answer = host.run(state, check=True)
    assert answer["changed"] is (state != "committed")
    assert snapshot(host.top) == before


def snapshot(top: Path) -> dict[str, tuple[Any, ...]]:
    return {str(path): (*entry(path), path.lstat().st_mtime_ns) for path in top.rglob("*")}


def test_check_mode_creates_no_store(host: Host) -> None:
    host.want(a="a\n")
    assert host.run("present", check=True)["pending_files"] == host.paths("a.conf")
    assert list(host.top.iterdir()) == [host.root]


# In the difference, and in the checker's message


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize("state", ["restored", "removed"])
def test_what_is_put_back_is_shown_without_secrets(host: Host, state: str, check: bool) -> None:
    write(host.root / "a.conf", f"auth_pass {OLD_SECRET}\n")
    (host.root / "c.conf").symlink_to("a.conf")
    host.want(a=f"auth_pass {SECRET}\n", b=f"auth_pass {SECRET}\n", c="c\n")
    host.wanted["mask"] = [MASK]
    host.run("present")
    # Neither mask nor secrets are given: the store knows.
    answer = host.run(state, check=check)
    a, b, c = host.paths("a.conf", "b.conf", "c.conf")
    hidden = "auth_pass ********\n"
    assert answer["diff"] == [
        {"before_header": a, "after_header": a, "before": hidden, "after": hidden},
        {"before_header": b, "after_header": "absent", "before": hidden, "after": ""},
        {"before_header": c, "after_header": c, "before": "c\n", "after": ""},
    ]
    assert not [secret for secret in (OLD_SECRET, SECRET) if secret in json.dumps(answer)]


@pytest.mark.parametrize("state", ["present", "tested"])
def test_a_refused_change_is_no_change(runner: Runner, tmp_path: Path, state: str) -> None:
    host = mixed(runner, tmp_path)
    host.wanted["validate"] = ["env", "/bin/sh", "-c", "echo {staged}/a.conf is wrong; exit 3"]
    before = snapshot(host.top)
    answer = host.run(state)
    assert answer["msg"] == (
        f"/bin/sh refuses the new configuration (exit code 3), nothing was changed:\n{host.root}/a.conf is wrong"
    )
    assert (answer["changed_files"], answer["pending_files"]) == ([], mixed_paths(host))
    assert snapshot(host.top) == before


# Rehearsals


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_tested_tells_what_differs_and_touches_nothing(runner: Runner, tmp_path: Path, check: bool) -> None:
    host = mixed(runner, tmp_path)
    seen = tmp_path / "seen"
    host.wanted["validate"] = ["sh", "-c", f"cat {{staged}}/same.conf {{staged}}/parts/deep/b.conf >{seen}"]
    before = host.tree()
    answer = host.run("tested", check=check)
    assert (answer["changed"], answer["changed_files"], answer["interrupted"]) == (check, [], False)
    assert answer["pending_files"] == mixed_paths(host)
    assert [step["after_header"] for step in answer["diff"]][:2] == host.paths("a.conf", "link.conf")
    assert seen.read_text() == "same\nnew b\n"
    assert (host.tree(), host.store.exists()) == (before, False)
    host.run("present")
    host.run("committed")
    again = host.run("tested", check=check)
    assert (again["changed"], again["pending_files"], again["diff"]) == (False, [], [])


def test_tested_warns_of_a_refusal_in_check_mode(host: Host) -> None:
    host.want(a="new\n")
    host.wanted["validate"] = ["sh", "-c", "exit 3"]
    answer = host.run("tested", check=True)
    assert (answer["changed"], len(answer["warnings"])) == (True, 1)


@pytest.mark.parametrize("missing", [("root",), ("files",), ("root", "files")])
@pytest.mark.parametrize("state", ["present", "tested"])
def test_root_and_files_are_needed_to_write(host: Host, state: str, missing: tuple[str, ...]) -> None:
    host.want(a="a\n")
    arguments = {"state": state, "root": str(host.root), **host.wanted}
    answer = host.runner.run({name: value for name, value in arguments.items() if name not in missing})
    assert answer
    assert all(name in answer["msg"] for name in missing)


@pytest.mark.parametrize("state", ["committed", "restored", "removed"])
def test_a_store_is_needed_to_take_back(runner: Runner, state: str) -> None:
    answer = runner.run({"state": state})
    assert answer
    assert answer["msg"] == f"state is {state} but all of the following are missing: store"


@ends
@pytest.mark.parametrize("option", ["files", "purge", "absent"])
@pytest.mark.parametrize("path", ["/etc/passwd", "../a.conf", "parts/../../a.conf"])
def test_paths_stay_below_the_root(host: Host, option: str, path: str) -> None:
    write(host.top / "a.conf", "not ours\n")
    host.want(b="b\n")
    host.wanted[option] = [{"path": path, "content": "evil\n"}] if option == "files" else [path]
    answer = host.run("present")
    assert answer["msg"] == f"{path} is not below {host.root}. Write the path relative to it."
    assert listing(host.top) == {"a.conf": "not ours\n"}


# Changes that were cut short


def test_an_interrupted_change_stays_pending_until_it_is_committed(host: Host) -> None:
    write(host.root / "a.conf", "old\n")
    host.want(a="new\n", b="new\n")
    host.run("present")
    both = host.paths("a.conf", "b.conf")
    for state in ("tested", "present", "tested"):
        answer = host.run(state)
        assert (answer["changed"], answer["changed_files"], answer["diff"]) == (False, [], [])
        assert (answer["pending_files"], answer["interrupted"]) == (both, True)
    assert host.run("tested", check=True)["changed"] is True
    host.run("committed")
    answer = host.run("tested")
    assert (answer["pending_files"], answer["interrupted"]) == ([], False)


def test_an_interrupted_change_is_tested_although_nothing_differs(host: Host) -> None:
    host.want(a="new\n")
    host.run("present")
    host.wanted["validate"] = ["false"]
    for state in ("tested", "present"):
        answer = host.run(state)
        assert answer["msg"].startswith("false refuses the new configuration (exit code 1), nothing was changed:")
        assert (answer["pending_files"], answer["interrupted"]) == (host.paths("a.conf"), True)
    host.run("committed")
    assert host.run("tested")["pending_files"] == []


def test_the_last_good_state_outlives_further_changes(host: Host) -> None:
    for name in ("a", "b", "c"):
        write(host.root / f"{name}.conf", f"good {name}\n")
    good = host.tree()
    host.want(a="bad\n", b="good b\n", c="good c\n")
    host.run("present")
    host.want(a="worse\n", b="worse\n", c="good c\n")
    answer = host.run("present")
    assert answer["changed_files"] == answer["pending_files"] == host.paths("a.conf", "b.conf")
    host.want(a="worse\n", b="worse\n", c="worst\n")
    answer = host.run("present")
    assert answer["changed_files"] == host.paths("c.conf")
    assert answer["pending_files"] == host.paths("c.conf", "a.conf", "b.conf")
    assert host.run("restored")["changed_files"] == host.paths("a.conf", "b.conf", "c.conf")
    assert host.tree() == good


def leftovers(host: Host) -> list[str]:
    """What lies beside its place until it is complete."""
    return [str(path) for path in host.root.rglob("*partial*")]


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory in memory, with few above it: each is one step more in a store."""
    with tempfile.TemporaryDirectory(prefix="evenkeel-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


def before(runner: Runner, top: Path, state: str) -> tuple[Host, dict[str, Any]]:
    """A host on which that state has everything to do, and the tree before the change."""
    top.mkdir()
    host = mixed(runner, top)
    good = host.tree()
    if state != "present":
        host.run("present")
    if state == "removed":
        host.run("committed")
    return host, good


def each_step(
    runner: Runner, directory: Path, state: str, how: str, number: int = 0
) -> Iterator[tuple[Host, dict[str, Any], Any]]:
    """For each step of a state the host and its tree before the change, and the answer when trouble strikes there."""
    host, _good = before(runner, directory / "0", state)
    host.run(state, trouble=Trouble(0))
    steps = runner.steps
    assert steps > (0 if state == "committed" else 25)
    for at in range(1, steps + 1):
        host, good = before(runner, directory / str(at), state)
        yield host, good, host.run(state, trouble=Trouble(at, how, number))
        shutil.rmtree(host.top)


@pytest.fixture
def new(runner: Runner, short: Path) -> dict[str, Any]:
    """The tree of a mixed host after the change."""
    return before(runner, short / "new", "restored")[0].tree()


@dataclass
class Ends:
    """How a change that was killed ends, by what is done next."""

    host: Host
    good: dict[str, Any]
    new: dict[str, Any]

    def again(self) -> None:
        tested = self.host.run("tested")
        if self.host.tree() != self.good:
            assert tested["interrupted"] is True
            assert sorted(tested["pending_files"]) == sorted(mixed_paths(self.host))
        written = self.host.run("present")
        assert sorted(written["pending_files"]) == sorted(mixed_paths(self.host))
        assert self.host.tree() == self.new
        self.host.run("committed")
        assert self.host.run("tested")["pending_files"] == []
        self.host.run("removed")
        assert self.host.tree() == self.good

    def restored(self) -> None:
        self.host.run("restored")
        assert self.host.tree() == self.good
        assert self.host.run("tested")["interrupted"] is False
        self.host.run("removed")
        assert self.host.tree() == self.good

    def otherwise(self) -> None:
        self.host.want(a="another a\n", parts__c="another c\n")
        self.host.run("present")
        assert self.host.run("tested")["interrupted"] is True
        self.host.run("restored")
        assert self.host.tree() == self.good

    def removed(self) -> None:
        self.host.run("removed")
        assert self.host.tree() == self.good
        assert not self.host.store.exists()


ENDS = [(VERSIONS[-1], "again"), (VERSIONS[0], "restored"), (VERSIONS[0], "otherwise"), (VERSIONS[0], "removed")]


@pytest.mark.parametrize(("python", "end"), ENDS, indirect=["python"])
def test_a_killed_change_ends_well(runner: Runner, short: Path, new: dict[str, Any], end: str) -> None:
    partly = 0
    for host, good, answer in each_step(runner, short, "present", "kill"):
        assert answer is None
        partly += host.tree() not in (good, new)
        getattr(Ends(host, good, new), end)()
        assert leftovers(host) == []
    assert partly > 10


@oldest
def test_what_is_killed_while_it_puts_back_goes_on(runner: Runner, short: Path) -> None:
    for host, good, answer in each_step(runner, short, "restored", "kill"):
        assert answer is None
        host.run("restored")
        assert (host.tree(), host.run("tested")["interrupted"]) == (good, False)


@oldest
def test_what_is_killed_while_it_removes_goes_on(runner: Runner, short: Path) -> None:
    for host, good, answer in each_step(runner, short, "removed", "kill"):
        assert answer is None
        host.run("removed")
        assert (host.tree(), host.store.exists()) == (good, False)


def test_the_lists_of_a_store_go_before_its_copies(host: Host) -> None:
    write(host.root / "a.conf", "old\n")
    host.want(a="new\n")
    host.run("present")
    checked = (
        "import os, shutil\n"
        "remove = shutil.rmtree\n"
        "def checked(path, *rest):\n"
        "    left = sorted(os.listdir(path))\n"
        "    assert left == ['original', 'previous'] or not path.endswith('/nginx'), left\n"
        "    remove(path, *rest)\n"
        "shutil.rmtree = checked"
    )
    assert host.run("removed", preload=checked)["changed"] is True
    assert not host.store.exists()


def test_what_a_killed_run_has_left_is_no_part_of_the_configuration(host: Host) -> None:
    write(host.root / "own" / "a.conf", "old\n")
    good = host.tree()
    for at in count(1):
        host.want(own__a="new\n", own__b="new\n", purge=("own",))
        host.run("present", trouble=Trouble(at))
        if len(leftovers(host)) == 2:
            break
        host.run("restored")
    a, b = host.paths("own/a.conf", "own/b.conf")
    host.want(own__a="old\n", purge=("own",))
    tested = host.run("tested")
    assert (tested["pending_files"], tested["diff"]) == ([a, b], [])
    host.run("present")
    assert host.tree() == good


@oldest
def test_a_killed_commit_changes_nothing(runner: Runner, short: Path, new: dict[str, Any]) -> None:
    for host, _good, answer in each_step(runner, short, "committed", "kill"):
        assert (answer, host.tree()) == (None, new)
        host.run("committed")
        tested = host.run("tested")
        assert (tested["interrupted"], tested["pending_files"]) == (False, [])


@ends
def test_a_change_that_fails_at_any_step_leaves_everything_as_it_was(
    runner: Runner, short: Path, new: dict[str, Any]
) -> None:
    told = set()
    for host, good, answer in each_step(runner, short, "present", "fail", ENOSPC):
        assert answer["failed"] is True
        assert "No space left on device" in answer["msg"]
        told.add(answer["msg"].endswith("The former files are back."))
        if answer["msg"].startswith("The present files cannot be kept"):
            assert f"{host.store} (" in answer["msg"]
            assert ", nothing was changed." in answer["msg"]
        else:
            assert answer["msg"].endswith("The former files are back.")
        assert (answer["changed_files"], answer["pending_files"]) == ([], mixed_paths(host))
        assert host.tree() == good
        assert host.run("tested")["interrupted"] is False
        host.run("present")
        assert host.tree() == new
    assert told == {True, False}


@oldest
def test_a_change_on_a_file_system_that_becomes_read_only_is_taken_back_later(runner: Runner, short: Path) -> None:
    changed = 0
    for host, good, answer in each_step(runner, short, "present", "fail from", EROFS):
        assert answer["failed"] is True
        if host.tree() != good:
            changed += 1
            assert "and the former state is not back:\n" in answer["msg"]
            assert host.run("tested")["interrupted"] is True
        host.run("restored")
        assert (host.tree(), leftovers(host)) == (good, [])
    assert changed > 10


@oldest
@pytest.mark.parametrize("state", ["restored", "removed"])
def test_what_cannot_be_put_back_is_tried_again(runner: Runner, short: Path, state: str) -> None:
    failed = 0
    for host, good, answer in each_step(runner, short, state, "fail", ENOSPC):
        failed += answer.get("failed", False)
        host.run(state)
        assert (host.tree(), leftovers(host)) == (good, [])
    assert failed > 20


@oldest
def test_an_interrupted_change_that_fails_goes_back_to_the_last_good_state(runner: Runner, short: Path) -> None:
    for at in count(1):
        host, good = before(runner, short / str(at), "restored")
        host.want(a="newer\n", c="newer\n", purge=("parts",))
        answer = host.run("present", trouble=Trouble(at, "fail", ENOSPC))
        tested = host.run("tested")
        assert tested["interrupted"] is True
        if "failed" not in answer:
            break
        assert set(mixed_paths(host)) <= set(tested["pending_files"])
        if answer["msg"].endswith("The former files are back."):
            assert host.tree() == good
        host.run("restored")
        assert host.tree() == good
    assert at > 20


def expected(wanted: Mapping[str, str]) -> dict[str, Any]:
    return {name: (text.encode(), "0o644", 0, 0) for name, text in wanted.items()}


@newest
@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_states_killed_anywhere(runner: Runner, short: Path, seed: int) -> None:
    """Unless a change is under way, the tree is that of the last commit; in the end it is the original."""
    chance = random.Random(seed)
    host = Host(runner, short)
    write(host.root / "a.conf", "original\n", 0o600)
    write(host.root / "own" / "stray", "stray\n")
    (host.root / "default").symlink_to("a.conf")
    original = good = host.tree()
    for dummy in range(20):
        state = chance.choice(["present"] * 4 + ["committed", "restored"] * 2 + ["tested", "removed"])
        names = [name for name in ("a", "own__b", "own__deep__c", "d__e") if chance.random() < 0.6] or ["a"]
        host.want(**{name: chance.choice(["1\n", "2\n"]) for name in names}, purge=("own",), absent=("default",))
        trouble = Trouble(chance.randrange(1, 70)) if chance.random() < 0.5 else None
        answer = host.run(state, trouble=trouble)
        if state == "removed":
            host.run("removed")
            good = original
        tested = host.run("tested")
        found = host.tree()
        if state == "committed" and not tested["interrupted"]:
            good = found
        if not tested["interrupted"]:
            assert found == good
        if answer and state == "present":
            wanted = expected({entry["path"]: entry["content"] for entry in host.wanted["files"]})
            assert {name: found.get(name) for name in wanted} == wanted
            assert {name for name in found if name.startswith("own/") and found[name][0] != "directory"} <= set(wanted)
            assert leftovers(host) == []
        if answer and state in ("committed", "restored"):
            assert tested["interrupted"] is False
        changed = {name for name, _ in found.items() ^ good.items() if f"{host.root}/{name}" not in leftovers(host)}
        files = {name for name in changed if "directory" not in {*found.get(name, ()), *good.get(name, ())}}
        assert set(host.paths(*files)) <= set(tested["pending_files"])
    host.run("removed")
    assert host.tree() == original
    assert not host.store.exists()


# File systems


def mount(*words: str | Path) -> None:
    if subprocess.run(["mount", *words], capture_output=True, check=False).returncode:
        pytest.skip("this host lets nobody mount")


@pytest.fixture
def mounts() -> Iterator[list[Path]]:
    """Directories to unmount in the end."""
    found: list[Path] = []
    yield found
    for path in reversed(found):
        subprocess.run(["umount", path], check=False)


@pytest.fixture
def tight(host: Host, mounts: list[Path]) -> Host:
    """The root has room for 16 pages."""
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", host.root)
    mounts.append(host.root)
    return host


def test_a_full_file_system_stops_a_change_before_it_begins(tight: Host) -> None:
    write(tight.root / "a.conf", "old\n")
    tight.want(a="new\n", b="b" * 30_000, parts__c="c" * 40_000)
    before = tight.tree()
    answer = tight.run("present")
    path = f"{tight.root}/parts/c.conf"
    assert answer["msg"].startswith(f"{path} cannot be changed (")
    assert "No space left on device" in answer["msg"]
    assert answer["msg"].endswith("). The former files are back.")
    assert tight.tree() == before
    assert tight.run("tested")["interrupted"] is False
    tight.want(a="new\n", b="b" * 30_000)
    assert tight.run("present")["changed"] is True


def test_a_full_file_system_without_a_store(tight: Host) -> None:
    write(tight.root / "a.conf", "old\n")
    tight.want(a="new\n", parts__c="c" * 70_000)
    before = tight.tree()
    answer = tight.runner.run({"root": str(tight.root), **tight.wanted})
    assert answer
    assert "No space left on device" in answer["msg"]
    assert answer["msg"].endswith("), nothing was changed.")
    assert tight.tree() == before


def test_a_full_store_stops_a_change_before_it_begins(host: Host, mounts: list[Path]) -> None:
    write(host.root / "a.conf", "o" * 70_000)
    host.want(a="new\n")
    host.store.mkdir(parents=True)
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", host.store)
    mounts.append(host.store)
    before = host.tree()
    answer = host.run("present")
    assert answer["msg"].startswith(f"The present files cannot be kept in {host.store} (")
    assert "No space left on device" in answer["msg"]
    assert answer["msg"].endswith("), nothing was changed. Make room there, or make it writable.")
    assert answer["changed_files"] == []
    assert host.tree() == before
    assert host.run("tested")["interrupted"] is False


def test_a_read_only_file_system(tight: Host) -> None:
    write(tight.root / "a.conf", "old\n")
    mount("-o", "remount,ro", tight.root)
    tight.want(a="new\n")
    answer = tight.run("present")
    assert "Read-only file system" in answer["msg"]
    assert answer["msg"].endswith(". The former files are back.")
    assert tight.run("tested")["interrupted"] is False


@pytest.fixture
def blocked(host: Host, mounts: list[Path]) -> Host:
    """c.conf cannot be replaced, for something is mounted on it; a.conf and b.conf come before it."""
    for name in ("a", "c"):
        write(host.root / f"{name}.conf", "old\n", 0o640)
    host.want(a="new\n", parts__b="new\n", c="new\n")
    mount("--bind", host.root / "c.conf", host.root / "c.conf")
    mounts.append(host.root / "c.conf")
    return host


def test_files_that_were_placed_are_put_back(blocked: Host) -> None:
    before = blocked.tree()
    answer = blocked.run("present")
    assert answer["msg"].startswith(f"{blocked.root}/c.conf cannot be changed (")
    assert answer["msg"].endswith("). The former files are back.")
    assert (answer["changed_files"], answer["interrupted"]) == ([], False)
    assert blocked.tree() == before
    assert blocked.run("restored")["changed"] is False


def test_files_that_were_placed_without_a_store_are_named(blocked: Host) -> None:
    answer = blocked.runner.run({"root": str(blocked.root), **blocked.wanted})
    assert answer
    placed = blocked.paths("a.conf", "parts/b.conf")
    assert answer["msg"].endswith(f"). Without a store these stay changed: {', '.join(placed)}")
    assert answer["changed_files"] == placed
    assert leftovers(blocked) == []


def test_what_is_no_file_is_left_alone(host: Host) -> None:
    (host.root / "a.conf").mkdir()
    host.want(a="a\n", b="b\n")
    answer = host.run("present")
    assert answer["msg"] == (
        f"{host.root}/a.conf is neither a file nor a symbolic link, nothing was changed. Move it out of the way."
    )
    assert set(host.tree()) == {"a.conf"}
    (host.root / "a.conf").rmdir()
    os.mkfifo(host.root / "a.conf")
    assert "is neither a file nor a symbolic link" in host.run("present")["msg"]
    host.want(b="b\n", absent=("a.conf",))
    assert "is neither a file nor a symbolic link" in host.run("present")["msg"]
    assert not host.store.exists()


def test_files_that_cannot_be_staged(host: Host) -> None:
    host.want(a="a\n")
    answer = host.runner.run({"root": str(host.root), **host.wanted}, trouble=Trouble(1, "fail from", ENOSPC))
    assert answer
    assert answer["msg"].startswith("The files cannot be staged (")
    assert answer["msg"].endswith("), nothing was changed.")


# Stores that were tampered with


@pytest.mark.parametrize("name", ["journal.json", "manifest.json"])
@pytest.mark.parametrize("state", ["tested", "restored", "removed"])
def test_a_damaged_store_is_left_to_its_owner(host: Host, name: str, state: str) -> None:
    write(host.root / "a.conf", "old\n")
    host.want(a="new\n")
    host.run("present")
    (host.store / name).write_text('{"files": ')
    before = snapshot(host.top)
    answer = host.run(state)
    assert answer["msg"].startswith(f"{host.store / name} is damaged (")
    assert snapshot(host.top) == before


def test_a_copy_that_is_missing_is_named_and_the_others_are_put_back(host: Host) -> None:
    for name in ("a", "b", "c"):
        write(host.root / f"{name}.conf", "old\n")
    host.want(a="new\n", b="new\n", c="new\n")
    host.run("present")
    copy = Path(f"{host.store}/previous{host.root}/b.conf")
    copy.unlink()
    answer = host.run("restored")
    assert answer["msg"] == (
        f"Not every file could be put back:\n{host.root}/b.conf: its copy {copy} is missing\n"
        f"The copies stay in {host.store}/previous. Clear that up and run again."
    )
    assert answer["changed_files"] == host.paths("a.conf", "c.conf")
    assert listing(host.root) == {"a.conf": "old\n", "b.conf": "new\n", "c.conf": "old\n"}
    copy.write_text("old\n")
    host.run("restored")
    assert set(listing(host.root).values()) == {"old\n"}


# SELinux, which no test host has

SELINUX = """
import ansible.module_utils.basic as basic
module = basic.AnsibleModule
def set_context(self, path, context, changed):
    with open(%r, "a") as log:
        log.write("%%s %%s\\n" %% (path, context))
module.selinux_enabled = lambda self: True
module.selinux_context = lambda self, path: "as " + path
module.selinux_default_context = lambda self, path, mode=0: "default of " + path
module.set_context_if_different = set_context
"""


def test_files_get_the_context_of_their_place(host: Host) -> None:
    write(host.root / "a.conf", "old\n")
    (host.root / "c.conf").symlink_to("a.conf")
    host.want(a="new\n", b="new\n", c="new\n")
    log = host.top / "log"
    host.run("present", preload=SELINUX % str(log))
    a, b, c = host.paths("a.conf", "b.conf", "c.conf")
    names = host.paths(".a.conf.evenkeel-partial", ".b.conf.evenkeel-partial", ".c.conf.evenkeel-partial")
    assert log.read_text().splitlines() == [
        f"{names[0]} as {a}",
        f"{names[1]} default of {b}",
        f"{names[2]} default of {c}",
    ]
    log.unlink()
    host.run("restored", preload=SELINUX % str(log))
    assert log.read_text() == f"{names[0]} as {a}\n"


def test_a_change_is_taken_back_when_ansible_itself_fails(host: Host) -> None:
    write(host.root / "a.conf", "old\n")
    host.want(a="new\n", parts__b="new\n")
    before = host.tree()
    failing = "\nmodule.set_context_if_different = lambda self, *rest: self.fail_json(msg='context failed')"
    answer = host.run("present", preload=SELINUX % "" + failing)
    assert answer["msg"] == "context failed"
    assert host.tree() == before
    assert host.run("tested")["interrupted"] is False
