# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was on a host before config_files changed it, to take back one change, or all that was ever written.

A store is a directory of root's own, for what is in it may be secret:
original/      what was at each path when it was first managed, kept once and for all
manifest.json  those paths, and the directories that were made for them, also by a store beside this one
previous/      what was at each path before the last change
journal.json   the paths of a change that was neither committed nor taken back yet, and the manifest before it
Copies are written before the list that names them, and lists before the host's files: a store tells the truth whenever
its writer is killed.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy
import errno
import json
import os
import shutil
import stat

from ansible.module_utils.common.text.converters import to_bytes, to_native

PARTIAL = ".evenkeel-partial"
# What rmdir says of a directory that holds something or is none.
NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY, errno.ENOENT, errno.ENOTDIR)


class StoreError(Exception):
    """What is in the way, as a text for the user."""


# Files


def look(path):
    """What is at the path, apart from its content; None is nothing."""
    try:
        found = os.lstat(path)
    except EnvironmentError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise
    if stat.S_ISLNK(found.st_mode):
        return {"link": os.readlink(path)}
    if not stat.S_ISREG(found.st_mode):
        raise StoreError(
            "%s is neither a file nor a symbolic link, nothing was changed. Move it out of the way." % path
        )
    return attributes(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def attributes(mode, uid, gid):
    return {"mode": "%04o" % mode, "uid": uid, "gid": gid}


def read(path):
    """The file's bytes, or None where there is no file."""
    try:
        with open(path, "rb") as source:
            return source.read()
    except EnvironmentError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise


def remove(path):
    if os.path.lexists(path):
        os.unlink(path)


def partial(path):
    """The name beside the path under which a file lies until it is complete."""
    return os.path.join(os.path.dirname(path), "." + os.path.basename(path) + PARTIAL)


def prepare(path, content, wanted=None, label=None):
    """Write a file under its partial name. It is its writer's alone until all of it is there: it may hold a password."""
    name = partial(path)
    remove(name)
    try:
        with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            sink.write(content)
            sink.flush()
            if wanted:
                os.fchown(sink.fileno(), wanted["uid"], wanted["gid"])
                os.fchmod(sink.fileno(), int(wanted["mode"], 8))
            os.fsync(sink.fileno())
        if label:
            label(name, path)
    except EnvironmentError:
        remove(name)
        raise


def finish(path):
    os.rename(partial(path), path)


def missing(directory):
    """The directories that have to be made for this one, the outermost first."""
    found = []
    while not os.path.isdir(directory):
        found.insert(0, directory)
        directory = os.path.dirname(directory)
    return found


def make(directory, mode=0o755):
    """Make a directory with those that it lies in."""
    for each in missing(directory):
        os.mkdir(each, mode)
        os.chmod(each, mode)


def remove_empty(directories):
    """Remove those in which nothing is left."""
    for directory in sorted(directories, reverse=True):
        try:
            os.rmdir(directory)
        except EnvironmentError as error:
            if error.errno not in NOT_EMPTY:
                raise


def put(path, wanted, content, label=None):
    """Make what is at the path what it was."""
    if wanted is None:
        remove(path)
        return
    make(os.path.dirname(path))
    if "link" in wanted:
        remove(partial(path))
        os.symlink(wanted["link"], partial(path))
    else:
        prepare(path, content, wanted, label)
    finish(path)


# Stores


def native(value):
    """What JSON holds with the strings that this Python has for paths."""
    if isinstance(value, dict):
        return {to_native(key): native(item) for key, item in value.items()}
    if isinstance(value, list):
        return [native(item) for item in value]
    return to_native(value, nonstring="passthru")


class Store:
    def __init__(self, directory, label=None):
        self.directory = os.path.abspath(directory)
        self.label = label
        self.manifest = self.load("manifest.json") or {"files": {}, "directories": [], "mask": []}
        self.journal = self.load("journal.json")
        self.interrupted = self.journal is not None

    def load(self, name):
        path = os.path.join(self.directory, name)
        content = read(path)
        if content is None:
            return None
        try:
            return native(json.loads(to_native(content)))
        except ValueError as error:
            raise StoreError(
                "%s is damaged (%s), nothing was changed. Copies of the former files are beside it; see to the files "
                "by hand, and remove it then." % (path, to_native(error))
            )

    def save(self, name, content):
        path = os.path.join(self.directory, name)
        prepare(path, to_bytes(json.dumps(content, indent=1, sort_keys=True) + "\n"))
        finish(path)
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def copy(self, kind, path):
        return os.path.join(self.directory, kind, path.lstrip("/"))

    def unfinished(self):
        """The paths of a change that was neither committed nor taken back."""
        return sorted(self.journal["files"]) if self.journal else []

    def mask(self):
        return self.manifest["mask"] + (self.journal["manifest"]["mask"] if self.journal else [])

    def begin(self, paths, directories, mask):
        """Keep what is at the paths before the first of them changes, or the first of the directories is made."""
        try:
            self.make_own_directory()
            self.manifest["mask"] = sorted(set(self.manifest["mask"] + mask))
            journal = self.journal or {"files": {}, "manifest": copy.deepcopy(self.manifest)}
            if not self.journal and os.path.isdir(os.path.join(self.directory, "previous")):
                shutil.rmtree(os.path.join(self.directory, "previous"))
            for path in paths:
                self.keep("original", path, self.manifest["files"])
                self.keep("previous", path, journal["files"])
            self.manifest["directories"] = sorted(set(self.manifest["directories"] + directories + self.shared(paths)))
            self.journal = journal
            self.save("journal.json", journal)
            self.save("manifest.json", self.manifest)
        except EnvironmentError as error:
            self.give_up()
            raise StoreError(
                "The present files cannot be kept in %s (%s), nothing was changed. Make room there, or make it writable."
                % (self.directory, to_native(error))
            )

    def shared(self, paths):
        """The directories of these paths that a store beside this one has made: the last of them removes them."""
        made = set()
        beside = os.path.dirname(self.directory)
        for name in os.listdir(beside):
            content = read(os.path.join(beside, name, "manifest.json"))
            try:
                made.update(native(json.loads(to_native(content or "{}"))).get("directories", []))
            except ValueError:
                pass  # What is damaged there is reported by who needs it.
        return [place for place in made if any(path.startswith(place + "/") for path in paths)]

    def give_up(self):
        try:
            if not self.interrupted:
                self.commit()
        except EnvironmentError:
            pass  # A journal of files that were not changed does no harm.

    def make_own_directory(self):
        make(os.path.dirname(self.directory))
        make(self.directory, 0o700)
        os.chmod(self.directory, 0o700)

    def keep(self, kind, path, files):
        """Copy what is at the path, unless there is a copy in the list of files."""
        if path in files:
            return
        was = look(path)
        if was and "link" not in was:
            name = self.copy(kind, path)
            make(os.path.dirname(name), 0o700)
            prepare(name, read(path))
            finish(name)
        files[path] = was

    def kept(self, kind):
        """What a kind of copies is of: a list of paths, what was there, and where the copy is."""
        files = (self.journal if kind == "previous" else self.manifest)["files"]
        return [(path, files[path], self.copy(kind, path)) for path in sorted(files)]

    def differs(self, path, was, name):
        return look(path) != was or (was is not None and "link" not in was and read(path) != read(name))

    def put_back(self, kind):
        """Make every file what it was when it was copied. What stands in the way is returned, a text for each path."""
        problems = {}
        for path, was, name in self.kept(kind):
            try:
                remove(partial(path))
                if was and "link" not in was and not os.path.exists(name):
                    raise StoreError("its copy %s is missing" % name)
                if self.differs(path, was, name):
                    put(path, was, read(name), self.label)
            except (EnvironmentError, StoreError) as error:
                problems[path] = to_native(error)
        return problems

    def remove_new_directories(self):
        remove_empty(set(self.manifest["directories"]) - set(self.journal["manifest"]["directories"]))

    def commit(self):
        for path in self.unfinished():
            remove(partial(path))
        remove(os.path.join(self.directory, "journal.json"))
        self.journal = None

    def forget_change(self):
        """What a change has added to the manifest is nobody's once its files are back."""
        try:
            self.save("manifest.json", self.journal["manifest"])
        except EnvironmentError:
            pass  # A manifest that lists more than was written does no harm.
        self.commit()

    def destroy(self):
        """Remove the store. Its lists go first, so that half a store is no store."""
        remove_empty(self.manifest["directories"])
        self.commit()
        remove(os.path.join(self.directory, "manifest.json"))
        shutil.rmtree(self.directory)
