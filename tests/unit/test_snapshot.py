# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of converged load balancers: which tree they are of, and that they are made once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import pytest

PROJECT = Path(__file__).parents[2]
FILES = ("ansible.cfg", "site.yml")
FOLDERS = ("inventories", "lab", "playbooks", "plugins", "requirements", "roles")


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """lab/snapshot.py on a tree of its own and with an image store that knows when each was made."""
    monkeypatch.syspath_prepend(str(PROJECT / "lab"))
    monkeypatch.delitem(sys.modules, "snapshot", raising=False)
    import machine
    import snapshot as module

    for part in (*FILES, *(f"{folder}/deep/file.yml" for folder in FOLDERS)):
        path = tmp_path / "tree" / part
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(part)
    lab = SimpleNamespace(module=module, tree=tmp_path / "tree", store={}, made=[], up=[], monitor=None)

    def images(verb: str, *words: str, **_options: object) -> CompletedProcess[str]:
        if verb == "images":
            found = [{"Names": [name], "Created": created} for name, created in lab.store.items()]
            return CompletedProcess([], 0, json.dumps(found), "")
        if verb == "rmi":
            del lab.store[words[-1]]
        return CompletedProcess([], int(words[-1] not in lab.store), "", "")

    def make(names: Mapping[str, str]) -> None:
        lab.made.append(dict(names))
        lab.store.update(dict.fromkeys(names.values(), time.time()))

    monkeypatch.setattr(machine, "STATE", tmp_path)
    monkeypatch.setattr(module, "PROJECT", lab.tree)
    monkeypatch.setattr(module, "images", images)
    monkeypatch.setattr(module, "conmon", lambda of: lab.monitor)
    monkeypatch.setattr(module, "_make", make)
    monkeypatch.setattr(module.hosts, "up", lab.up.append)
    return lab


def test_it_is_made_once_for_a_tree(snapshot: SimpleNamespace) -> None:
    first = snapshot.module.ensure()
    assert set(first) == {"nginx1", "nginx2"} and first["nginx1"] != first["nginx2"]
    assert snapshot.module.ensure() == first
    assert snapshot.made == [first]


@pytest.mark.parametrize("gone", ["nginx1", "nginx2"])
def test_half_of_one_is_made_anew(snapshot: SimpleNamespace, gone: str) -> None:
    first = snapshot.module.ensure()
    del snapshot.store[first[gone]]
    assert snapshot.module.ensure() == first
    assert len(snapshot.made) == 2


CHANGES = [
    *((part, how) for part in FILES for how in ("edited", "removed")),
    *((part, how) for part in FOLDERS for how in ("edited", "removed", "added", "renamed")),
]


@pytest.mark.parametrize(("part", "how"), CHANGES, ids="-".join)
def test_whatever_changes_in_the_tree_makes_another(snapshot: SimpleNamespace, part: str, how: str) -> None:
    first = snapshot.module.ensure()
    file = snapshot.tree / part
    file = file / "deep" / "file.yml" if part in FOLDERS else file
    if how == "edited":
        file.write_text("other")
    elif how == "removed":
        file.unlink()
    elif how == "added":
        (file.parent / "another").touch()
    else:
        file.rename(file.with_name("renamed.yml"))
    assert not set(snapshot.module.ensure().values()) & set(first.values())


def test_bytecode_and_what_is_elsewhere_make_no_other(snapshot: SimpleNamespace) -> None:
    first = snapshot.module.ensure()
    (snapshot.tree / "plugins" / "deep" / "file.pyc").write_bytes(b"1")
    (snapshot.tree / "docs").mkdir()
    (snapshot.tree / "docs" / "page.md").touch()
    assert snapshot.module.ensure() == first


def test_those_of_this_tree_and_old_ones_are_forgotten(snapshot: SimpleNamespace) -> None:
    snapshot.module.ensure()
    others = {"localhost/evenkeel-lab-snapshot:nginx1-0123456789": time.time() - 3600}
    snapshot.store |= others | {"localhost/evenkeel-lab-snapshot:nginx1-9876543210": time.time() - 7 * 3600}
    snapshot.module.forget()
    assert snapshot.store == others


def test_none_is_forgotten_while_there_are_hosts(snapshot: SimpleNamespace) -> None:
    snapshot.module.ensure()
    before, snapshot.monitor = dict(snapshot.store), 4711
    snapshot.module.forget()
    assert snapshot.store == before


@pytest.mark.parametrize(("way", "hosts"), [(None, 0), ("bare", 0), ("snapshot", 2)])
def test_hosts_start_bare_unless_they_are_to_start_from_it(
    snapshot: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, way: str | None, hosts: int
) -> None:
    monkeypatch.delenv("EVENKEEL_LAB_FROM", raising=False)
    if way:
        monkeypatch.setenv("EVENKEEL_LAB_FROM", way)
    snapshot.module.up()
    assert [len(chosen) for chosen in snapshot.up] == [hosts]


def test_another_way_is_refused(snapshot: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENKEEL_LAB_FROM", "image")
    with pytest.raises(Exception, match="EVENKEEL_LAB_FROM is 'image'; there are bare and snapshot"):
        snapshot.module.up()
    assert snapshot.up == []
