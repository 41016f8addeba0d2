#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: config_files
short_description: Write a service's configuration only if its own checker accepts the whole of it
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Stages all files in a directory of its own, lets the service's checker test them there, and only then moves
    them to their places, each in one step. If the checker refuses, nothing is changed and its message is shown.
  - In check mode the files are staged and tested too, where the checker is installed; a refusal is then a warning,
    for what a real run would install before may be missing. A missing parent directory is no error in check mode.
options:
  root:
    description: The directory that paths are relative to, such as V(/etc/nginx).
    type: path
    required: true
  files:
    description: The files, complete.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Path relative to O(root).
        type: str
        required: true
      content:
        description: The content. An empty one is refused, for checkers such as keepalived's accept it.
        type: str
        required: true
      mode:
        description: Mode of the file.
        type: raw
        default: "0644"
  purge:
    description: Directories relative to O(root) that are ours alone; files in them that O(files) lacks are removed.
    type: list
    elements: str
    default: []
  absent:
    description: Further files relative to O(root) to remove, such as a package's default site.
    type: list
    elements: str
    default: []
  validate:
    description:
      - The checker as a list of words. C({staged}) becomes the directory in which the files lie, each at its
        relative path. Without it nothing is tested.
    type: list
    elements: str
    default: []
  secrets:
    description: Values that are never shown, in the difference least of all.
    type: list
    elements: str
    default: []
  mask:
    description:
      - Regular expressions (Python's) whose first group is hidden in the difference, so that a secret that was
        there before is not shown either.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Reports what would change and tests it where it can.
    support: full
  diff_mode:
    description: Shows each file's difference, secrets masked.
    support: full
"""

EXAMPLES = r"""
- name: Write keepalived's configuration
  evenkeel.nginx_ha.config_files:
    root: /etc/keepalived
    files:
      - path: keepalived.conf
        content: "{{ lookup('ansible.builtin.template', 'keepalived.conf.j2') }}"
        mode: "0640"
    validate: [/usr/sbin/keepalived, --config-test, --use-file, "{staged}/keepalived.conf"]
    mask: ['(?m)^\s*auth_pass\s+(.+)$']
"""

RETURN = r"""
changed_files:
  description: Paths of the files that were written or removed, or in check mode would be.
  returned: always
  type: list
  elements: str
"""

import errno
import os
import re
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_text

HIDDEN = "********"


def read(path):
    """The file's bytes, or None where there is no file."""
    try:
        with open(path, "rb") as source:
            return source.read()
    except (IOError, OSError) as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        raise


def masked(content, patterns):
    """The text with the first group of every match hidden."""
    text = to_text(content or b"", errors="surrogate_or_replace")

    def hide(match):
        start, end = match.start(1) - match.start(), match.end(1) - match.start()
        return match.group(0)[:start] + HIDDEN + match.group(0)[end:]

    for pattern in patterns:
        text = re.sub(pattern, hide, text)
    return text


def strays(root, directories, wanted):
    """Files in our own directories that are no longer wanted, as paths relative to root."""
    found = []
    for directory in directories:
        for place, dummy, names in os.walk(os.path.join(root, directory)):
            found.extend(os.path.relpath(os.path.join(place, name), root) for name in names)
    return sorted(set(found) - set(wanted))


class Configuration:
    def __init__(self, module):
        self.module = module
        self.root = module.params["root"]
        self.files = module.params["files"]
        self.changed_files = []
        self.diff = []
        for entry in self.files:
            if not entry["content"].strip():
                module.fail_json(
                    msg="%s would be empty. A service takes that for a valid configuration and does nothing."
                    % self.path(entry["path"])
                )

    def path(self, relative):
        return os.path.join(self.root, relative)

    def note(self, relative, before, after):
        self.changed_files.append(self.path(relative))
        patterns = self.module.params["mask"]
        self.diff.append(
            {
                "before_header": self.path(relative) if before is not None else "absent",
                "after_header": self.path(relative) if after is not None else "absent",
                "before": masked(before, patterns),
                "after": masked(after, patterns),
            }
        )

    def apply(self):
        staged = tempfile.mkdtemp(prefix="config_files-")
        try:
            pending = self.stage(staged)
            obsolete = self.obsolete()
            if pending:
                self.validate(staged)
            if not self.module.check_mode:
                for relative in pending:
                    self.place(staged, relative)
                for relative in obsolete:
                    os.unlink(self.path(relative))
        finally:
            shutil.rmtree(staged)
        for entry in self.files:
            self.set_attributes(entry)

    def stage(self, staged):
        """Write every file below the staging directory; the paths of those that differ from the live ones."""
        pending = []
        for entry in self.files:
            relative, content = entry["path"], to_bytes(entry["content"])
            target = os.path.join(staged, relative)
            if not os.path.isdir(os.path.dirname(target)):
                os.makedirs(os.path.dirname(target))
            with open(target, "wb") as sink:
                sink.write(content)
            before = read(self.path(relative))
            if before != content:
                pending.append(relative)
                self.note(relative, before, content)
        return pending

    def obsolete(self):
        params = self.module.params
        gone = strays(self.root, params["purge"], [entry["path"] for entry in self.files])
        gone += [name for name in params["absent"] if name not in gone and os.path.lexists(self.path(name))]
        for relative in gone:
            self.note(relative, read(self.path(relative)) or b"", None)
        return gone

    def validate(self, staged):
        words = [word.replace("{staged}", staged) for word in self.module.params["validate"]]
        if not words or (self.module.check_mode and not self.module.get_bin_path(words[0])):
            return
        code, out, err = self.module.run_command(words)
        if code == 0:
            return
        said = masked(to_bytes((out + err).replace(staged, self.root.rstrip("/")).strip()), self.module.params["mask"])
        message = "%s refuses the new configuration (exit code %d), nothing was changed:\n%s" % (words[0], code, said)
        if self.module.check_mode:
            self.module.warn(message)
        else:
            self.module.fail_json(msg=message, changed_files=[])

    def place(self, staged, relative):
        target = self.path(relative)
        parent = os.path.dirname(target)
        if not os.path.isdir(parent):
            os.makedirs(parent, 0o755)
        # A new file is root's alone until it has its mode: it may hold a password.
        umask = os.umask(0o077)
        try:
            self.module.atomic_move(os.path.join(staged, relative), target)
        finally:
            os.umask(umask)

    def set_attributes(self, entry):
        if not os.path.exists(self.path(entry["path"])):
            return
        arguments = self.module.load_file_common_arguments(
            {"path": self.path(entry["path"]), "owner": "root", "group": "root", "mode": entry["mode"]}
        )
        if self.module.set_fs_attributes_if_different(arguments, False) and arguments["path"] not in self.changed_files:
            self.changed_files.append(arguments["path"])


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            files=dict(
                type="list",
                elements="dict",
                required=True,
                options=dict(
                    path=dict(type="str", required=True),
                    content=dict(type="str", required=True),
                    mode=dict(type="raw", default="0644"),
                ),
            ),
            purge=dict(type="list", elements="str", default=[]),
            absent=dict(type="list", elements="str", default=[]),
            validate=dict(type="list", elements="str", default=[]),
            secrets=dict(type="list", elements="str", default=[], no_log=True),
            mask=dict(type="list", elements="str", default=[]),
        ),
        supports_check_mode=True,
    )
    configuration = Configuration(module)
    configuration.apply()
    module.exit_json(
        changed=bool(configuration.changed_files),
        changed_files=configuration.changed_files,
        diff=configuration.diff,
    )


if __name__ == "__main__":
    main()
