# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's lock: its file under every Python, real processes that race for it, and real runs of ansible-playbook."""

from __future__ import annotations

import fcntl
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.action import cluster_lock as action
from ansible_collections.evenkeel.nginx_ha.plugins.modules import cluster_lock as module
from support.modules import LAB, Python, ends

ROOT = Path(__file__).parents[2]
FORK = multiprocessing.get_context("fork")
CORES = ("2.16", "2.17", "2.18", "2.20", "2.21")

needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False).returncode != 0,
    reason="needs root, and unshare: it makes namespaces",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "evenkeel" / "lock"


def run_of(name: str) -> dict[str, Any]:
    return {"user": name, "node": "control", "pid": 4711, "started": "1", "identity": f"run of {name}"}


def arguments(path: Path, name: str, **others: Any) -> dict[str, Any]:
    return {"path": str(path), "purpose": "site.yml", "owner": run_of(name), **others}


def written(path: Path, owner: Mapping[str, Any], *, age: float = 0, purpose: str = "site.yml") -> None:
    """A lock as another run would leave it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    taken = time.time() - age
    path.write_text(json.dumps({"owner": owner, "purpose": purpose, "taken": taken}))
    os.utime(path, (taken, taken))


def listing(path: Path) -> list[str]:
    return [entry.name for entry in path.parent.iterdir()]


# The file, under every Python


def test_a_lock_is_taken_kept_from_others_and_released(python: Python, path: Path) -> None:
    before = time.time()
    mine, theirs = arguments(path, "alice"), arguments(path, "bob", purpose="drill.yml")
    answer = python.run("cluster_lock", mine, umask=0o077)
    assert (answer["taken"], answer["released"], answer["found"], answer["changed"]) == (True, False, None, False)
    entry = json.loads(path.read_text())
    assert (entry["owner"], entry["purpose"]) == (run_of("alice"), "site.yml")
    assert before <= entry["taken"] <= time.time()
    assert listing(path) == ["lock"]

    answer = python.run("cluster_lock", theirs)
    assert answer["taken"] is False
    found = answer["found"]
    assert (found["owner"], found["purpose"], found["own"]) == (run_of("alice"), "site.yml", False)
    assert found["taken"] == entry["taken"]
    assert 0 <= found["renewed"] <= found["age"] + 0.1 < 60

    answer = python.run("cluster_lock", {**theirs, "state": "released"})
    assert (answer["released"], answer["taken"], answer["found"]["owner"]) == (False, False, run_of("alice"))
    assert json.loads(path.read_text()) == entry

    for released in (True, False):
        answer = python.run("cluster_lock", {**mine, "state": "released"})
        assert (answer["released"], answer["taken"]) == (released, False)
        assert (answer["found"], answer["changed"]) == (None, False)
        assert listing(path) == []
    assert python.run("cluster_lock", theirs)["taken"] is True


@ends
def test_its_own_run_renews_it(python: Python, path: Path) -> None:
    written(path, run_of("alice"), age=1000)
    taken = json.loads(path.read_text())["taken"]
    answer = python.run("cluster_lock", arguments(path, "alice", purpose="drill.yml"))
    assert (answer["taken"], answer["found"]) == (True, None)
    entry = json.loads(path.read_text())
    assert (entry["taken"], entry["purpose"]) == (taken, "drill.yml")
    found = python.run("cluster_lock", arguments(path, "bob"))["found"]
    assert 1000 <= found["age"] < 1060
    assert 0 <= found["renewed"] < 60


@ends
def test_only_the_lock_that_was_seen_is_taken_over(python: Python, path: Path) -> None:
    written(path, run_of("alice"), age=1000)
    theirs = arguments(path, "bob")
    token = python.run("cluster_lock", theirs)["found"]["token"]
    # Renewed, it is another lock.
    assert python.run("cluster_lock", arguments(path, "alice"))["taken"] is True
    answer = python.run("cluster_lock", {**theirs, "break_token": token})
    assert (answer["taken"], answer["found"]["owner"]) == (False, run_of("alice"))
    token = answer["found"]["token"]
    # So it is with another time, or with another content of the same time.
    os.utime(path, (1, 1))
    answer = python.run("cluster_lock", {**theirs, "break_token": token})
    assert answer["taken"] is False
    token = answer["found"]["token"]
    path.write_text(path.read_text().replace("site.yml", "upgrade.yml"))
    os.utime(path, (1, 1))
    answer = python.run("cluster_lock", {**theirs, "break_token": token})
    assert answer["taken"] is False
    token = answer["found"]["token"]
    answer = python.run("cluster_lock", {**theirs, "break_token": token})
    assert (answer["taken"], answer["found"]["owner"]) == (True, run_of("alice"))
    entry = json.loads(path.read_text())
    assert entry["owner"] == run_of("bob")
    assert time.time() - entry["taken"] < 60


@pytest.mark.parametrize("state", ["taken", "released"])
@ends
def test_check_mode_touches_nothing(python: Python, path: Path, state: str) -> None:
    arguments_ = arguments(path, "bob", state=state)
    answer = python.run("cluster_lock", arguments_, check=True)
    assert (answer["taken"], answer["released"], answer["found"]) == (False, False, None)
    assert not path.parent.exists()
    for owner, found in (("alice", True), ("bob", False)):
        written(path, run_of(owner), age=50)
        before = path.stat()
        answer = python.run("cluster_lock", arguments_, check=True)
        assert (answer["taken"], answer["released"], bool(answer["found"])) == (False, False, found)
        assert path.stat() == before or path.stat().st_mtime == before.st_mtime
        assert listing(path) == ["lock"]


STRANGE = [b"", b"\xff\xfe", b"[]", b'"x"', b'{"owner": "alice", "taken": "now"}', b'{"owner": {}, "taken": NaN}']


@pytest.mark.parametrize("content", STRANGE)
@ends
def test_a_file_that_says_nothing_is_somebodys_lock(python: Python, path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - 500,) * 2)
    answer = python.run("cluster_lock", arguments(path, "bob"))
    assert answer["taken"] is False
    assert not answer["found"]["owner"].get("identity")
    assert 500 <= answer["found"]["age"] < 560
    assert python.run("cluster_lock", arguments(path, "bob", state="released"))["released"] is False
    answer = python.run("cluster_lock", arguments(path, "bob", break_token=answer["found"]["token"]))
    assert answer["taken"] is True


@ends
def test_a_clock_that_was_set_back_makes_no_negative_age(python: Python, path: Path) -> None:
    written(path, run_of("alice"), age=-5000)
    found = python.run("cluster_lock", arguments(path, "bob"))["found"]
    assert (found["age"], found["renewed"]) == (0, 0)


@ends
def test_a_lock_that_cannot_be_written_says_so(python: Python, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "lock"
    answer = python.run("cluster_lock", arguments(path, "bob"))
    assert answer["msg"].startswith(f"The lock {path} can neither be taken nor released: ")
    assert answer["msg"].endswith("Mend that, or set another path.")
    assert str(tmp_path / "file") in answer["msg"]


@ends
def test_a_lock_that_cannot_be_read_is_not_free(python: Python, path: Path) -> None:
    path.mkdir(parents=True)
    for state in ("taken", "released"):
        for check in (False, True):
            answer = python.run("cluster_lock", arguments(path, "bob", state=state), check=check)
            assert "directory" in answer["msg"]
    assert listing(path) == ["lock"]


@ends
def test_giving_back_what_was_never_taken_makes_nothing(python: Python, path: Path) -> None:
    assert python.run("cluster_lock", arguments(path, "bob", state="released"))["released"] is False
    assert not path.parent.exists()


@ends
def test_who_takes_it_has_to_be_known(python: Python, path: Path) -> None:
    for owner in (None, {}, {"user": "alice"}):
        answer = python.run("cluster_lock", arguments(path, "bob", owner=owner))
        assert "owner has no identity" in answer["msg"]
    del (nothing := arguments(path, "bob"))["purpose"]
    assert "purpose" in python.run("cluster_lock", nothing)["msg"]
    assert not path.parent.exists()


@ends
def test_nobody_is_sent_elsewhere_by_what_lies_in_the_way(python: Python, path: Path) -> None:
    path.parent.mkdir(parents=True)
    (victim := path.parent.parent / "victim").write_text("precious\n")
    path.with_name("lock.new").symlink_to(victim)
    assert python.run("cluster_lock", arguments(path, "bob"))["taken"] is True
    assert victim.read_text() == "precious\n"
    assert listing(path) == ["lock"]
    assert not path.is_symlink()


# Races

# Wait until all are ready to go.
BARRIER = """
import ansible.module_utils.basic, json, hashlib, fcntl, os, time
open({ready!r} + str(os.getpid()), "w").close()
while not os.path.exists({go!r}):
    time.sleep(0.001)
"""


def together(python: Python, each: Sequence[Mapping[str, Any]], directory: Path) -> list[dict[str, Any]]:
    """The answers of modules that begin at the same moment."""
    directory.mkdir()
    preload = BARRIER.format(ready=f"{directory}/ready-", go=f"{directory}/go")
    with ThreadPoolExecutor(len(each)) as pool:
        running = [pool.submit(python.run, "cluster_lock", one, preload=preload) for one in each]
        eventually(lambda: len(list(directory.iterdir())) == len(each))
        (directory / "go").touch()
        return [one.result() for one in running]


def eventually(reached: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "this took too long"
        time.sleep(0.02)


@ends
def test_one_of_many_modules_wins(python: Python, path: Path, tmp_path: Path) -> None:
    names = [f"run{number}" for number in range(6)]
    answers = together(python, [arguments(path, name) for name in names], tmp_path / "taking")
    (winner,) = [name for name, answer in zip(names, answers, strict=True) if answer["taken"]]
    assert json.loads(path.read_text())["owner"] == run_of(winner)
    losers = [answer for answer in answers if not answer["taken"]]
    assert {answer["found"]["owner"]["user"] for answer in losers} == {winner}

    (token,) = {answer["found"]["token"] for answer in losers}
    rivals = [arguments(path, name, break_token=token) for name in names if name != winner]
    answers = together(python, rivals, tmp_path / "breaking")
    (breaker,) = [answer for answer in answers if answer["taken"]]
    assert breaker["found"]["owner"] == run_of(winner)
    assert json.loads(path.read_text())["owner"] != run_of(winner)


ROUNDS, RACERS = 60, 6


def racer(path: Path, name: str, barrier: Any, wins: Any) -> None:
    for number in range(ROUNDS):
        lock = module.Lock(str(path / str(number) / "lock"), run_of(name))
        barrier.wait(60)
        done, found = lock.take("racing")
        if done:
            wins[number] += 1
        barrier.wait(60)
        # Now all of them know one and the same lock, and want it.
        seen = lock.seen()
        barrier.wait(60)
        if lock.take("racing", seen["token"])[0] and not seen["own"]:
            wins[ROUNDS + number] += 1


def everyone(target: Callable[..., None], *words: Any) -> None:
    racers = [FORK.Process(target=target, args=(words[0], f"run{number}", *words[1:])) for number in range(RACERS)]
    for one in racers:
        one.start()
    for one in racers:
        one.join(120)
        assert one.exitcode == 0


def test_one_of_many_processes_wins_each_of_many_races(tmp_path: Path) -> None:
    wins = FORK.Array("i", 2 * ROUNDS)
    everyone(racer, tmp_path, FORK.Barrier(RACERS), wins)
    assert wins[:ROUNDS] == [1] * ROUNDS
    # The holder renews it before anybody takes it over, or somebody takes it over; never two do.
    assert set(wins[ROUNDS:]) <= {0, 1}
    assert sum(wins[ROUNDS:]) > 0


def turn_taker(path: Path, name: str, inside: Any, turns: Any) -> None:
    lock = module.Lock(str(path), run_of(name))
    done = 0
    while done < 25:
        if lock.take("taking turns")[0]:
            # Nobody else comes in until it goes out.
            assert inside.value == ""
            inside.value = name
            time.sleep(0.0005)
            assert inside.value == name
            inside.value = ""
            assert lock.release()[0]
            done += 1
            with turns.get_lock():
                turns.value += 1


def test_nobody_is_inside_with_another(path: Path) -> None:
    with multiprocessing.Manager() as manager:
        turns = FORK.Value("i", 0)
        everyone(turn_taker, path, manager.Value("u", ""), turns)
    assert turns.value == 25 * RACERS
    assert listing(path) == []


def killed_before_the_rename(path: Path) -> None:
    os.rename = lambda *names: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    module.Lock(str(path), run_of("alice")).take("site.yml")


def test_a_process_that_is_killed_meanwhile_leaves_no_lock(path: Path) -> None:
    victim = FORK.Process(target=killed_before_the_rename, args=(path,))
    victim.start()
    victim.join(60)
    assert victim.exitcode == -signal.SIGKILL
    assert listing(path) == ["lock.new"]
    assert module.Lock(str(path), run_of("bob")).take("site.yml") == (True, None)
    assert listing(path) == ["lock"]


@contextmanager
def flocked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def test_patience_with_a_process_that_hangs_ends(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir(parents=True)
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    lock = module.Lock(str(path), run_of("bob"))
    for go in (lambda: lock.take("site.yml"), lock.release):
        began = time.monotonic()
        with flocked(path.parent), pytest.raises(module.Busy, match=re.escape(f"have had {path.parent} locked")):
            go()
        assert 0.3 <= time.monotonic() - began < 5
    assert lock.take("site.yml") == (True, None)


def test_who_waited_for_a_directory_that_is_gone_is_alone_in_the_new_one(path: Path) -> None:
    path.parent.mkdir(parents=True)
    lock = module.Lock(str(path), run_of("bob"))
    successor = path.parent.with_name("new")
    successor.mkdir()
    # Locked before it takes the place: the thread may come late.
    with flocked(path.parent), flocked(successor):
        waiting = threading.Thread(target=lock.take, args=("site.yml",))
        waiting.start()
        time.sleep(0.1)
        path.parent.rename(path.parent.with_name("old"))
        successor.rename(path.parent)
        time.sleep(0.2)
        assert waiting.is_alive()
        assert listing(path) == []
    waiting.join(10)
    assert listing(path) == ["lock"]


def test_only_the_directory_itself_counts_as_locked(path: Path) -> None:
    """The directory that was opened is another one by the time it is locked."""
    lock = module.Lock(str(path), run_of("bob"))
    descriptor = lock.opened()
    assert lock.flocked(descriptor) is True
    path.parent.rename(path.parent.with_name("old"))
    assert lock.flocked(descriptor) is False
    path.parent.mkdir()
    assert lock.flocked(descriptor) is False
    os.close(descriptor)


# Who this run is, and who is alive


def worker(answers: Any) -> None:
    answers.put(action.this_run())


def of_workers() -> list[action.Owner]:
    answers = FORK.Queue()
    workers = [FORK.Process(target=worker, args=(answers,)) for dummy in range(2)]
    for one in workers:
        one.start()
    found = [answers.get(timeout=60) for dummy in workers]
    for one in workers:
        one.join()
    return found


@pytest.fixture
def no_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(action, "PROC", tmp_path / "no-proc")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_a_run_is_the_same_in_all_its_workers() -> None:
    me = action.this_run()
    assert of_workers() == [me, me]
    assert (me.pid, me.boot_id) == (os.getpid(), Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    assert me.pid_namespace == os.readlink("/proc/self/ns/pid")
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    assert me.started == fields[22 - 3]
    assert me.identity.split() == [me.boot_id, me.pid_namespace, str(me.pid), me.started]
    assert me.user
    assert me.node == os.uname().nodename


def test_another_process_is_another_run() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'collections')!r})\n"
        "from ansible_collections.evenkeel.nginx_ha.plugins.action import cluster_lock\n"
        "print(cluster_lock.this_run().identity)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert said.split()[:2] == action.this_run().identity.split()[:2]
    assert said != action.this_run().identity


@pytest.mark.usefixtures("no_proc")
def test_without_proc_a_run_is_known_by_what_only_its_workers_have() -> None:
    me = action.this_run()
    assert of_workers() == [me, me]
    assert (me.boot_id, me.pid_namespace, me.started) == ("", "", "")
    node, pid, key = me.identity.split()
    assert (node, pid, len(key)) == (me.node, str(os.getpid()), 64)
    secret = bytes(multiprocessing.current_process().authkey)
    assert key == hashlib.sha256(secret).hexdigest()


@pytest.mark.parametrize("own", [True, False])
def test_a_proc_of_another_namespace_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool) -> None:
    number = os.getpid() if own else 1
    (tmp_path / str(number) / "ns").mkdir(parents=True)
    (tmp_path / str(number) / "ns" / "pid").symlink_to("pid:[7]")
    (tmp_path / "self").symlink_to(str(number))
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("b1\n")
    monkeypatch.setattr(action, "PROC", tmp_path)
    assert action.machine() == (("b1", "pid:[7]") if own else ("", ""))


def test_a_run_that_has_ended_locks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "process", lambda pid: None)
    with pytest.raises(action.AnsibleActionFail, match=f"The process {os.getpid()} that started this run has ended"):
        action.this_run()


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr(action.getpass, "getuser", nobody)
    assert action.this_run().user == f"uid {os.getuid()}"


def test_alive_is_what_has_that_number_and_began_then(sleeper: subprocess.Popen[bytes]) -> None:
    status = action.process(sleeper.pid)
    assert status is not None
    assert action.alive(sleeper.pid, status[1]) is True
    assert action.alive(sleeper.pid, str(int(status[1]) - 1)) is False
    sleeper.kill()
    # Nobody has waited for it: it has its number still.
    eventually(lambda: (action.process(sleeper.pid) or "?")[0] == "Z")
    assert action.alive(sleeper.pid, status[1]) is False
    sleeper.wait()
    assert action.process(sleeper.pid) is None
    assert action.alive(sleeper.pid, status[1]) is False
    assert action.alive(10**30, "1") is False


def test_a_process_whose_name_is_confusing_is_read_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "7").mkdir()
    fields = " ".join(str(number) for number in range(4, 53))
    (tmp_path / "7" / "stat").write_bytes(b"7 (a) R 1 \xff) S " + fields.encode() + b"\n")
    monkeypatch.setattr(action, "PROC", tmp_path)
    assert action.process(7) == ("S", "22")


@pytest.mark.usefixtures("no_proc")
@pytest.mark.parametrize(
    ("error", "alive"), [(None, True), (PermissionError(), True), (ProcessLookupError(), False)], ids=repr
)
def test_a_process_that_is_hidden_counts_as_alive(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None, alive: bool
) -> None:
    def kill(pid: int, number: int) -> None:
        assert (pid, number) == (4711, 0)
        if error:
            raise error

    monkeypatch.setattr(action.os, "kill", kill)
    assert action.alive(4711, "5") is alive


LINUX = {"boot_id": "b1", "pid_namespace": "pid:[1]", "node": "control", "pid": 1}
OTHER = {"boot_id": "", "pid_namespace": "", "node": "laptop", "pid": 1}


@pytest.mark.parametrize(
    ("me", "owner", "verifiable"),
    [
        (LINUX, LINUX, True),
        (LINUX, {**LINUX, "node": "renamed"}, True),
        (LINUX, {**LINUX, "boot_id": "b2"}, False),
        (LINUX, {**LINUX, "pid_namespace": "pid:[2]"}, False),
        (LINUX, {**OTHER, "node": "control"}, False),
        (LINUX, {**LINUX, "pid": 0}, False),
        (LINUX, {**LINUX, "pid": -1}, False),
        (LINUX, {**LINUX, "pid": "1"}, False),
        (LINUX, {}, False),
        (OTHER, OTHER, True),
        (OTHER, {**OTHER, "node": "desktop"}, False),
        (OTHER, {**LINUX, "node": "laptop"}, False),
    ],
)
def test_a_process_can_be_looked_for_on_its_own_machine_only(
    me: dict[str, Any], owner: dict[str, Any], verifiable: bool
) -> None:
    assert action.verifiable(action.Owner.from_fact(owner), action.Owner.from_fact(me)) is verifiable


def held(owner: action.Owner, *, age: float = 5, renewed: float = 5, purpose: str = "site.yml") -> action.Held:
    return action.Held(owner, purpose, 1763892000.4, age, renewed)


def test_stale_is_the_lock_of_a_process_that_ended(sleeper: subprocess.Popen[bytes]) -> None:
    me = action.this_run()
    status = action.process(sleeper.pid)
    assert status is not None
    owner = replace(me, pid=sleeper.pid, started=status[1])
    # However old it is.
    assert action.stale_because(held(owner, renewed=10**6), me, 1800) == ""
    assert action.stale_because(held(replace(owner, started="1")), me, 1800) == "that process has ended"
    sleeper.kill()
    sleeper.wait()
    assert action.stale_because(held(owner), me, 1800) == "that process has ended"
    # Of another machine's processes nothing is known.
    assert action.stale_because(held(replace(owner, boot_id="another")), me, 1800) == ""


def test_stale_is_what_another_machine_did_not_renew() -> None:
    fact = {**run_of("alice"), "boot_id": "another", "pid_namespace": "pid:[1]"}
    me, owner = action.this_run(), action.Owner.from_fact(fact)
    assert action.stale_because(held(owner, age=9999, renewed=1800), me, 1800) == ""
    assert action.stale_because(held(owner, age=9999, renewed=1801), me, 1800) == "it has not been renewed for 30 min"
    assert action.stale_because(held(action.Owner(), renewed=1801), me, 1800) == "it has not been renewed for 30 min"


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as context:
        context.setenv("TZ", "UTC-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_a_refusal_says_who_what_since_when_and_what_to_do(sleeper: subprocess.Popen[bytes]) -> None:
    me = action.this_run()
    owner = replace(me, user="alice", node="control", pid=sleeper.pid)
    assert action.refused(held(owner, age=130), me, 1800, "nginx1") == (
        f"nginx1 is locked by alice@control (process {sleeper.pid}) for site.yml since 2025-11-23T10:00:00Z (2 min ago). "
        "Wait until that run has ended; if it is known to be dead, break its lock with -e site_break_lock=true."
    )
    owner = replace(owner, boot_id="another")
    assert action.refused(held(owner, age=7300, renewed=900), me, 1800, "nginx1") == (
        f"nginx1 is locked by alice@control (process {sleeper.pid}) for site.yml since 2025-11-23T10:00:00Z (2 h ago). "
        "Wait until that run has ended, or until it has not renewed the lock for another 15 min; "
        "if it is known to be dead, break its lock with -e site_break_lock=true."
    )
    assert action.refused(held(action.Owner(), purpose=""), me, 1800, "nginx1").startswith(
        "nginx1 is locked by somebody whose name it does not hold for an unknown purpose since "
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (99999, "27 h")]
)
def test_spans_are_short(seconds: float, text: str) -> None:
    assert action.duration(seconds) == text


# Runs of ansible-playbook

# Prints each result as a line of JSON.
CALLBACK = """
import json
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "stdout", "lines"
    def told(self, result, **others):
        answer = {**result._result, **others}
        print("RESULT " + json.dumps([result._task.get_name(), result._host.get_name(), answer], default=str), flush=True)
    def v2_runner_on_ok(self, result):
        self.told(result, failed=False)
    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.told(result, failed=True)
"""
HEAD = """
- hosts: all
  gather_facts: false
  module_defaults:
    evenkeel.nginx_ha.cluster_lock: {path: "{{ locks }}/{{ inventory_hostname }}/lock"}
  tasks:
"""
TAKE = """
    - name: take
      evenkeel.nginx_ha.cluster_lock: {purpose: site.yml, break_lock: "{{ site_break_lock | default(false) }}"}
"""
HOLD = """
    - name: hold
      ansible.builtin.shell: "touch {{ locks }}/held; until [ -e {{ locks }}/go ]; do sleep 0.05; done"
      run_once: true
"""
RELEASE = """
    - name: release
      evenkeel.nginx_ha.cluster_lock: {state: released}
"""


@dataclass
class Control:
    """A control node: an ansible-core, and hosts that are this machine."""

    directory: Path
    python: Path
    before: Sequence[str] = ()
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def locks(self) -> Path:
        return self.directory / "locks"

    def start(self, playbook: str, *words: str, hosts: str = "nginx1", before: Sequence[str] = ()) -> Any:
        name = f"{len(self.started)}.yml"
        (self.directory / name).write_text(playbook)
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
            "HOME": str(self.directory),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(self.directory / "callback"),
            "ANSIBLE_STDOUT_CALLBACK": "lines",
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
            "ANSIBLE_FORKS": "5",
            "ANSIBLE_PIPELINING": "1",
        }
        environment.pop("PYTHONPATH", None)
        inventory = ["--inventory", "".join(f"{host}," for host in hosts.split())]
        local = {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(self.python),
            "locks": str(self.locks),
        }
        command = [self.python, "-m", "ansible", "playbook", *inventory, "-e", json.dumps(local), *words, name]
        process = subprocess.Popen(
            [*before, *command],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, playbook: str, *words: str, code: int = 0, **others: Any) -> dict[tuple[str, str], dict[str, Any]]:
        return self.end(self.start(playbook, *words, **others), code)

    def end(self, process: subprocess.Popen[str], code: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
        said, dummy = process.communicate(timeout=120)
        assert process.returncode == code, said
        lines = [json.loads(line[7:]) for line in said.splitlines() if line.startswith("RESULT ")]
        return {(task, host): result for task, host, result in lines}

    def holding(self, playbook: str = HEAD + TAKE + HOLD + RELEASE, **others: Any) -> subprocess.Popen[str]:
        """A run that has the lock, and keeps it until it is told to go on."""
        process = self.start(playbook, **others)
        eventually(lambda: (self.locks / "held").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()[0]
        return process

    def go(self) -> None:
        (self.locks / "go").touch()


def control_with(python: Path, directory: Path) -> Control:
    (directory / "callback").mkdir()
    (directory / "callback" / "lines.py").write_text(CALLBACK)
    (directory / "locks").mkdir()
    return Control(directory, python)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    control = control_with(Path(sys.executable), tmp_path)
    yield control
    control.go()
    for process in control.started:
        process.kill()
        process.communicate()


def texts(result: Mapping[str, Any]) -> list[str]:
    """The warnings of a result; ansible-core 2.19 wraps them."""
    return [one["event"]["msg"] if isinstance(one, dict) else str(one) for one in result.get("warnings", [])]


def core(version: str) -> Path:
    return LAB / "venvs" / f"ansible-core-{version}" / "bin" / "python"


@pytest.mark.parametrize("version", [*CORES, "own"])
def test_locks_with_every_ansible_core(version: str, tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    interpreter = Path(sys.executable) if version == "own" else core(version)
    if not interpreter.exists():
        pytest.skip(f"there is no {interpreter}; tests/lint/run makes it")
    control = control_with(interpreter, tmp_path)
    status = action.process(sleeper.pid)
    assert status is not None
    alive = {
        **asdict(action.this_run()),
        "user": "alice",
        "pid": sleeper.pid,
        "started": status[1],
        "identity": "alice's",
    }
    written(control.locks / "live" / "lock", alive, age=300)
    written(control.locks / "dead" / "lock", {**alive, "started": "1"}, age=300, purpose="drill.yml")
    playbook = (
        HEAD
        + TAKE
        + "      ignore_errors: true\n"
        + TAKE.replace("name: take", "name: take again")
        + "      when: inventory_hostname != 'live'\n"
        + TAKE.replace("name: take", "name: take for another").replace(
            "site.yml,", "site.yml, path: '{{ locks }}/live/lock',"
        )
        + "      delegate_to: live\n      when: inventory_hostname == 'free'\n      ignore_errors: true\n"
        + RELEASE
    )
    results = control.run(playbook, hosts="free dead live")
    assert {result["changed"] for result in results.values()} == {False}

    taken = results["take", "free"]
    assert (taken["taken"], taken["broke"], taken["held_by"], texts(taken)) == (True, "", None, [])
    broken = results["take", "dead"]
    assert (broken["taken"], broken["held_by"]) == (True, None)
    node = os.uname().nodename
    assert broken["broke"] == (
        f"The lock that alice@{node} (process {sleeper.pid}) took for drill.yml 5 min ago is broken, as that process has ended."
    )
    assert texts(broken) == [f"dead: {broken['broke']}"]
    for host in ("free", "dead"):
        again = results["take again", host]
        assert (again["taken"], again["broke"], again["held_by"]) == (True, "", None)
        assert results["release", host]["released"] is True
        assert listing(control.locks / host / "lock") == []

    refused = results["take", "live"]
    assert (refused["failed"], refused["taken"]) == (True, False)
    assert refused["msg"].startswith(f"live is locked by alice@{node} (process {sleeper.pid}) for site.yml since 20")
    assert refused["msg"].endswith(
        "Z (5 min ago). Wait until that run has ended; "
        "if it is known to be dead, break its lock with -e site_break_lock=true."
    )
    told = refused["held_by"]
    assert {key: told[key] for key in ("user", "node", "pid", "purpose", "stale")} == {
        "user": "alice",
        "node": node,
        "pid": sleeper.pid,
        "purpose": "site.yml",
        "stale": "",
    }
    assert results["take for another", "free"]["msg"].startswith("live is locked by alice@")
    released = results["release", "live"]
    assert (released["released"], released["held_by"]["user"], released["failed"]) == (False, "alice", False)
    assert json.loads((control.locks / "live" / "lock").read_text())["owner"]["user"] == "alice"


def test_the_second_of_two_runs_stops(control: Control) -> None:
    first = control.holding()
    second = control.run(HEAD + TAKE + RELEASE, code=2)
    message = second["take", "nginx1"]["msg"]
    assert f"(process {first.pid}) for site.yml since " in message
    assert ("release", "nginx1") not in second
    assert control.run(HEAD + RELEASE)["release", "nginx1"]["released"] is False
    control.go()
    assert control.end(first)["release", "nginx1"]["released"] is True
    assert control.run(HEAD + TAKE + RELEASE)["take", "nginx1"]["broke"] == ""


def test_of_runs_that_start_at_once_one_gets_all_hosts(control: Control) -> None:
    """The first host decides; else each run could get some of the hosts, and both would stop."""
    first = TAKE.replace("name: take", "name: take first") + "      run_once: true\n"
    playbook = HEAD.replace("  tasks:", "  any_errors_fatal: true\n  tasks:") + first + TAKE + HOLD + RELEASE
    rivals = [control.start(playbook, hosts="nginx1 nginx2") for dummy in range(2)]
    eventually(lambda: 2 in [rival.poll() for rival in rivals] and (control.locks / "held").exists())
    control.go()
    winner, loser = sorted(rivals, key=lambda rival: rival.wait(60))
    message = control.end(loser, 2)["take first", "nginx1"]["msg"]
    assert f"nginx1 is locked by {action.user()}@{os.uname().nodename} (process {winner.pid}) for site.yml" in message
    results = control.end(winner)
    assert [results["release", host]["released"] for host in ("nginx1", "nginx2")] == [True, True]


def test_the_lock_of_a_run_that_was_killed_is_taken_over_at_once(control: Control) -> None:
    first = control.holding()
    os.kill(first.pid, signal.SIGKILL)
    first.wait(60)
    results = control.run(HEAD + TAKE + RELEASE)
    taken = results["take", "nginx1"]
    assert f"(process {first.pid}) took for site.yml" in taken["broke"]
    assert taken["broke"].endswith("is broken, as that process has ended.")
    assert results["release", "nginx1"]["released"] is True


def test_a_lock_is_broken_on_demand(control: Control) -> None:
    first = control.holding()
    results = control.run(HEAD + TAKE, "-e", "site_break_lock=true")
    broke = results["take", "nginx1"]["broke"]
    assert f"(process {first.pid}) took for site.yml" in broke
    assert broke.endswith("is broken, as break_lock is set.")
    assert texts(results["take", "nginx1"]) == [f"nginx1: {broke}"]
    # It is the second's now, and the first leaves it alone.
    control.go()
    assert control.end(first)["release", "nginx1"]["released"] is False
    assert (control.locks / "nginx1" / "lock").exists()


def test_check_mode_tells_of_a_lock_and_goes_on(control: Control, sleeper: subprocess.Popen[bytes]) -> None:
    status = action.process(sleeper.pid)
    assert status is not None
    alive = {
        **asdict(action.this_run()),
        "user": "alice",
        "pid": sleeper.pid,
        "started": status[1],
        "identity": "alice's",
    }
    written(control.locks / "live" / "lock", alive)
    written(control.locks / "dead" / "lock", {**alive, "started": "1"})
    before = {path: path.stat().st_mtime_ns for path in control.locks.rglob("*")}
    results = control.run(HEAD + TAKE + RELEASE, "--check", hosts="free dead live")
    assert {path: path.stat().st_mtime_ns for path in control.locks.rglob("*")} == before
    assert {(result["taken"], result["released"], result["broke"]) for result in results.values()} == {
        (False, False, "")
    }
    assert results["take", "free"]["held_by"] is None
    live, dead = results["take", "live"], results["take", "dead"]
    assert (live["held_by"]["user"], live["held_by"]["stale"]) == ("alice", "")
    (warning,) = texts(live)
    assert warning.startswith("A real run would stop here. live is locked by alice@")
    assert (dead["held_by"]["stale"], texts(dead)) == ("that process has ended", [])
    assert texts(control.run(HEAD + TAKE, "--check", "-e", "site_break_lock=true", hosts="live")["take", "live"]) == []


def test_another_control_nodes_lock_is_stale_by_its_age(control: Control) -> None:
    elsewhere = {**asdict(action.this_run()), "boot_id": "another", "identity": "another's"}
    for host, age in (("old", 700), ("new", 500)):
        written(control.locks / host / "lock", elsewhere, age=age)
    playbook = HEAD + TAKE.replace("site.yml,", "site.yml, stale_after: 600,")
    results = control.run(playbook, hosts="old new", code=2)
    assert results["take", "old"]["broke"].endswith("11 min ago is broken, as it has not been renewed for 11 min.")
    assert re.search(r"until it has not renewed the lock for another \d\d s;", results["take", "new"]["msg"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{purpose: x, stale_after: -1}", "stale_after is -1. Set it to 0 seconds or more."),
        ("{state: taken}", "purpose"),
        ("{purpose: x, owner: {identity: mine}}", "owner"),
        ("{purpose: x, path: /dev/null/lock}", "The lock /dev/null/lock can neither be taken nor released: "),
    ],
)
def test_options_that_make_no_sense_are_refused(control: Control, options: str, message: str) -> None:
    results = control.run(HEAD + f"    - name: take\n      evenkeel.nginx_ha.cluster_lock: {options}\n", code=2)
    assert message in results["take", "nginx1"]["msg"]
    assert list(control.locks.iterdir()) == []


@needs_namespaces
def test_a_run_in_another_pid_namespace_is_another_control_node(control: Control) -> None:
    container = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    control.holding(before=container)
    message = control.run(HEAD + TAKE, code=2)["take", "nginx1"]["msg"]
    assert "(process 1) for site.yml since " in message
    assert "or until it has not renewed the lock for another " in message
    control.go()
    control.started[0].wait(60)
    # In it, a run of outside is another's, too.
    written(control.locks / "nginx1" / "lock", {**asdict(action.this_run()), "started": "1"})
    message = control.run(HEAD + TAKE, code=2, before=container)["take", "nginx1"]["msg"]
    assert "or until it has not renewed the lock for another " in message


@needs_namespaces
def test_a_control_node_without_proc_has_locks_too(control: Control) -> None:
    no_proc = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    first = control.holding(HEAD + TAKE + HOLD + TAKE.replace("take", "take again") + RELEASE, before=no_proc)
    message = control.run(HEAD + TAKE, code=2, before=no_proc)["take", "nginx1"]["msg"]
    assert f"(process {first.pid}) for site.yml since " in message
    assert "or until" not in message
    control.go()
    results = control.end(first)
    assert [results[task, "nginx1"]["broke"] for task in ("take", "take again")] == ["", ""]
    assert results["release", "nginx1"]["released"] is True

    for name in ("held", "go"):
        (control.locks / name).unlink()
    second = control.holding(before=no_proc)
    os.kill(second.pid, signal.SIGKILL)
    second.wait(60)
    results = control.run(HEAD + TAKE, before=no_proc)
    assert results["take", "nginx1"]["broke"].endswith("is broken, as that process has ended.")


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("su"), reason="needs root, who may become root without a password"
)
def test_locks_with_become(control: Control) -> None:
    become = ["--become", "--become-method", "su"]
    results = control.run(HEAD + TAKE + TAKE.replace("take", "take again") + RELEASE, *become, hosts="nginx1 nginx2")
    assert {(task, result["taken"]) for (task, dummy), result in results.items()} == {
        ("take", True),
        ("take again", True),
        ("release", False),
    }
    assert {results["release", host]["released"] for host in ("nginx1", "nginx2")} == {True}
