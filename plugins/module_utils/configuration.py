# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes a service's files only if its own checker accepts them, and takes them back: the module config_files documents it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import grp
import os
import re
import shutil
import stat
import tempfile
from collections import namedtuple

from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

from . import config_store

HIDDEN = "********"

# attributes: mode and owner, as config_store.look() has them
Wanted = namedtuple("Wanted", "path content attributes")


def masked(content, patterns):
    """The text with the first group of every match hidden."""
    text = to_text(content or b"", errors="surrogate_or_replace")

    def hide(match):
        start, end = match.start(1) - match.start(), match.end(1) - match.start()
        return match.group(0)[:start] + HIDDEN + match.group(0)[end:]

    for pattern in patterns:
        text = re.sub(pattern, hide, text)
    return text


def strays(directories, expected):
    """Files in our own directories that do not belong there."""
    walks = [walk for directory in directories for walk in os.walk(directory)]
    return sorted({os.path.join(place, name) for place, dummy, names in walks for name in names} - set(expected))


def listed(problems):
    return "\n".join("%s: %s" % (path, problems[path]) for path in sorted(problems))


class Configuration:
    def __init__(self, module, params):
        self.module = module
        self.params = params
        self.store = config_store.Store(params["store"], self.label) if params["store"] else None
        self.unfinished = self.store.unfinished() if self.store else []
        self.interrupted = bool(self.store and self.store.interrupted)
        self.mask = params["mask"] + (self.store.mask() if self.store else [])
        self.managed = []
        self.differing = []
        self.diff = []

    def answer(self, changed, changed_files, pending_files):
        return {
            "changed": changed,
            "changed_files": changed_files,
            "pending_files": pending_files,
            "managed_files": self.managed,
            "interrupted": self.interrupted,
            "diff": self.diff,
        }

    def note(self, path, before, after):
        self.differing.append(path)
        self.diff.append(
            {
                "before_header": path if before is not None else "absent",
                "after_header": path if after is not None else "absent",
                "before": masked(before, self.mask),
                "after": masked(after, self.mask),
            }
        )

    def label(self, path, target):
        """Give a file the SELinux context of the place that it is for."""
        if not self.module.selinux_enabled():
            return
        there = os.path.exists(target) and not os.path.islink(target)
        context = self.module.selinux_context(target) if there else self.module.selinux_default_context(target)
        self.module.set_context_if_different(path, context, False)


class Kept(Configuration):
    """What is done with what a store holds."""

    def committed(self):
        if not self.module.check_mode:
            self.store.commit()
        return self.answer(False, [], [])

    def restored(self):
        if not self.interrupted:
            return self.answer(False, [], [])
        self.compare_kept("previous")
        if not self.module.check_mode:
            self.put_back("previous")
            self.store.remove_new_directories()
            if not self.params["unfinished"]:
                self.store.forget_change()
        return self.answer(True, self.unfinished, self.unfinished)

    def removed(self):
        if not os.path.isdir(self.store.directory):
            return self.answer(False, [], [])
        self.compare_kept("original")
        if not self.module.check_mode:
            self.put_back("original")
            self.store.destroy()
        return self.answer(True, self.differing, self.differing)

    def compare_kept(self, kind):
        for path, was, copy in self.store.kept(kind):
            if self.store.differs(path, was, copy):
                after = None if was is None else config_store.read(copy) or b""
                self.note(path, config_store.read(path) if os.path.lexists(path) else None, after)

    def put_back(self, kind):
        problems = self.store.put_back(kind)
        if problems:
            self.module.fail_json(
                msg="Not every file could be put back:\n%s\nThe copies stay in %s. Clear that up and run again."
                % (listed(problems), os.path.join(self.store.directory, kind)),
                changed_files=[path for path in self.differing if path not in problems],
            )


class Change(Configuration):
    """What state present does and state tested rehearses."""

    def __init__(self, module, params):
        Configuration.__init__(self, module, params)
        self.root = os.path.abspath(params["root"])
        self.files = params["files"]
        self.written = []
        self.adjusted = []
        self.gone = []
        self.made = []
        self.placed = []
        self.managed = [self.path(entry["path"]) for entry in self.files]
        self.check()

    def path(self, relative):
        return os.path.normpath(os.path.join(self.root, relative))

    def check(self):
        for relative in [entry["path"] for entry in self.files] + self.params["purge"] + self.params["absent"]:
            if os.path.isabs(relative) or os.path.normpath(relative).split("/")[0] == "..":
                self.module.fail_json(msg="%s is not below %s. Write the path relative to it." % (relative, self.root))
        for path, entry in zip(self.managed, self.files):
            if not entry["content"].strip():
                self.module.fail_json(
                    msg="%s would be empty. A service takes that for a valid configuration and does nothing." % path
                )

    def tested(self):
        self.stage()
        return self.answer(self.module.check_mode and bool(self.pending()), [], self.pending())

    def present(self):
        self.stage()
        if not self.module.check_mode:
            self.place()
        return self.answer(bool(self.differing), self.differing, self.pending())

    def pending(self):
        return self.differing + [path for path in self.unfinished if path not in self.differing]

    def stage(self):
        try:
            staged = tempfile.mkdtemp(prefix="config_files-")
            try:
                self.compare(staged)
                if self.written or self.unfinished:
                    self.validate(staged)
            finally:
                shutil.rmtree(staged)
        except EnvironmentError as error:
            self.module.fail_json(msg="The files cannot be staged (%s), nothing was changed." % to_native(error))

    def compare(self, staged):
        """Write every file below the staging directory, and find out how the live ones differ."""
        for path, entry in zip(self.managed, self.files):
            content = to_bytes(entry["content"])
            live, before = config_store.look(path), config_store.read(path)
            wanted = Wanted(path, content, self.stage_file(os.path.join(staged, entry["path"]), entry, live))
            if before != content:
                self.written.append(wanted)
                self.note(path, before, content)
            elif "link" not in live and live != wanted.attributes:
                self.adjusted.append(wanted)
        self.gone = [Wanted(path, None, None) for path in self.obsolete()]
        self.differing.extend(wanted.path for wanted in self.adjusted)

    def stage_file(self, name, entry, live):
        """The attributes that the live file has to have."""
        config_store.make(os.path.dirname(name))
        with open(name, "wb") as sink:
            sink.write(to_bytes(entry["content"]))
        # A symbolic mode changes the one that there is.
        os.chmod(name, int((live or {}).get("mode", "0600"), 8))
        checking, self.module.check_mode = self.module.check_mode, False
        try:
            self.module.set_mode_if_different(name, entry["mode"], False)
        finally:
            self.module.check_mode = checking
        return config_store.attributes(stat.S_IMODE(os.stat(name).st_mode), 0, self.group(entry["group"]))

    def group(self, name):
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            if self.module.check_mode:
                return 0
        return self.fail(
            "There is no group %s on this host, nothing was changed. Create it, or name another one." % name
        )

    def obsolete(self):
        # What a killed run has left beside its files is cleared away, and no part of the configuration.
        expected = self.managed + [config_store.partial(path) for path in self.managed + self.unfinished]
        gone = strays(map(self.path, self.params["purge"]), expected)
        gone += [path for path in map(self.path, self.params["absent"]) if path not in gone and os.path.lexists(path)]
        for path in gone:
            config_store.look(path)
            self.note(path, config_store.read(path) or b"", None)
        return gone

    def validate(self, staged):
        words = [word.replace("{staged}", staged) for word in self.params["validate"]]
        if not words or (self.module.check_mode and not self.module.get_bin_path(words[0])):
            return
        code, out, err = self.module.run_command(words)
        if not code:
            return
        said = masked(to_bytes((out + err).replace(staged, self.root.rstrip("/")).strip()), self.mask)
        # The program itself comes after those that only start it, such as unshare.
        programs = [word for word in self.params["validate"] if word[:1] == "/" and "{staged}" not in word]
        message = "%s refuses the new configuration (exit code %d), nothing was changed:\n%s" % (
            (programs or words[:1])[-1],
            code,
            said,
        )
        if self.module.check_mode:
            self.module.warn(message)
        else:
            self.fail(message)

    def fail(self, message, changed_files=()):
        self.module.fail_json(
            msg=message,
            changed_files=list(changed_files),
            pending_files=self.pending(),
            interrupted=self.interrupted,
        )

    def place(self):
        for path in self.managed + self.unfinished:
            config_store.remove(config_store.partial(path))
        if not self.differing:
            return
        places = [os.path.dirname(wanted.path) for wanted in self.written]
        self.made = [directory for place in places for directory in config_store.missing(place)]
        if self.store:
            try:
                self.store.begin(self.differing, self.made, self.params["mask"])
            except config_store.StoreError as error:
                self.fail(to_native(error))
        # All files lie beside their places before the first one takes its own: a full file system stops it here.
        steps = [(self.write, wanted) for wanted in self.written]
        steps += [(self.move, wanted) for wanted in self.written]
        steps += [(self.unlink, wanted) for wanted in self.gone]
        steps += [(self.adjust, wanted) for wanted in self.adjusted]
        for step, wanted in steps:
            try:
                step(wanted)
            except (Exception, SystemExit) as error:
                self.take_back(wanted.path, error)

    def write(self, wanted):
        config_store.make(os.path.dirname(wanted.path))
        config_store.prepare(wanted.path, wanted.content, wanted.attributes, self.label)

    def move(self, wanted):
        config_store.finish(wanted.path)
        self.placed.append(wanted.path)

    def unlink(self, wanted):
        os.unlink(wanted.path)
        self.placed.append(wanted.path)

    def adjust(self, wanted):
        self.placed.append(wanted.path)
        os.chown(wanted.path, wanted.attributes["uid"], wanted.attributes["gid"])
        os.chmod(wanted.path, int(wanted.attributes["mode"], 8))

    def take_back(self, path, error):
        try:
            problems = self.clear_away()
        except EnvironmentError as another:
            problems = {path: to_native(another)}
        if isinstance(error, SystemExit):
            raise error  # AnsibleModule has told why.
        message = "%s cannot be changed (%s)" % (path, to_native(error))
        if problems:
            self.fail("%s, and the former state is not back:\n%s" % (message, listed(problems)), self.placed)
        if self.store:
            self.fail("%s. The former files are back." % message)
        if self.placed:
            self.fail("%s. Without a store these stay changed: %s" % (message, ", ".join(self.placed)), self.placed)
        self.fail("%s, nothing was changed." % message)

    def clear_away(self):
        """Take back what was done so far; what stands in the way, a text for each path."""
        problems = self.store.put_back("previous") if self.store else {}
        for wanted in self.written:
            config_store.remove(config_store.partial(wanted.path))
        if not self.store:
            config_store.remove_empty(self.made)
        elif not problems:
            self.store.remove_new_directories()
            if not self.interrupted:
                self.store.forget_change()
        return problems


def result(module, params):
    """What became of one service's files. params: values of OPTIONS."""
    state = params["state"]
    configuration = (Change if state in ("present", "tested") else Kept)(module, params)
    return getattr(configuration, state)()


def show_what_is_no_secret(module, sets):
    """The answer, unlike the log, may show it. sets: values of OPTIONS, one for each service."""
    module.no_log_values.clear()
    for params in sets:
        secret = [entry["content"].strip() for entry in params["files"] or [] if entry["secret"]]
        module.no_log_values.update(filter(None, params["secrets"] + secret))
