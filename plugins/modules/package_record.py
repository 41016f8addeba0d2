#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: package_record
short_description: Note which packages are about to be installed, so that these and no others can be removed again
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Tells which of the given packages the host lacks, and adds their names to a record. Run it before they are
    installed. What a host had before is never recorded.
  - On Debian and its like, what apt would install along with them is recorded as well. Where apt cannot tell, its package lists are
    updated first. On hosts with RPM the given names alone are recorded.
  - Installs and removes nothing.
options:
  name:
    description: Names of packages, without versions.
    type: list
    elements: str
    default: []
  record:
    description: The file to keep the record in, one name a line, sorted.
    type: path
    required: true
  state:
    description:
      - V(recorded) adds to the record, V(read) only tells what it holds.
      - V(removable) tells which of the record's packages can be removed because nothing that is not in the record needs them.
    type: str
    choices: [recorded, read, removable]
    default: recorded
attributes:
  check_mode:
    description: Tells what would be recorded and writes nothing.
    support: full
  diff_mode:
    description: Shows the difference of the record.
    support: full
"""

EXAMPLES = r"""
- name: Note what nginx brings along
  evenkeel.nginx_ha.package_record:
    name: [nginx]
    record: /var/lib/evenkeel/packages

- name: Install nginx
  ansible.builtin.package:
    name: nginx
    state: present

- name: Look at what was installed here
  evenkeel.nginx_ha.package_record:
    record: /var/lib/evenkeel/packages
    state: read
  register: packages
"""

RETURN = r"""
missing:
  description: Those of O(name) that are not installed.
  returned: success
  type: list
  elements: str
recorded:
  description: All of the record, or in check mode what would be.
  returned: success
  type: list
  elements: str
removable:
  description: Packages of the record that are installed and that nothing else needs.
  returned: with O(state=removable)
  type: list
  elements: str
complete:
  description:
    - Whether what would be installed along is known and recorded too. False with RPM, and where apt could not tell, such as on a
      host that has no package lists yet; true where nothing is missing, and with any other O(state).
  returned: success
  type: bool
"""

import errno
import os
import re
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

# A dash at its end would have apt remove it.
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9+._:-]*[A-Za-z0-9+])?\Z")
ENGLISH = {"LC_ALL": "C", "LANGUAGE": "C"}


class Failure(Exception):
    pass


class Dpkg:
    def __init__(self, module):
        self.module = module
        self.query = module.get_bin_path("dpkg-query", True)
        self.apt = module.get_bin_path("apt-get", True)

    def installed(self):
        """The names of all installed packages, with and without their architecture."""
        words = [self.query, "--show", "--showformat", "${Package} ${Architecture} ${db:Status-Abbrev}\n"]
        code, out, err = self.module.run_command(words, environ_update=ENGLISH)
        if code:
            raise Failure("dpkg-query ended with %d: %s" % (code, err.strip()))
        names = set()
        # The second letter of the status is the state; i, W and t are installed (W and t with triggers to run).
        for name, architecture in re.findall(r"^(\S+) (\S+) .[iWt]", out, re.M):
            names.update([name, "%s:%s" % (name, architecture)])
        return names

    def missing(self, names):
        installed = self.installed()
        return [name for name in names if name not in installed]

    def additions(self, names):
        """All that apt would install for these names, or None where it cannot tell."""
        words = [self.apt, "--simulate", "--quiet", "install"] + names
        code, out, dummy = self.module.run_command(words, environ_update=ENGLISH)
        if code and not self.module.check_mode:
            # A bare host has no package lists yet.
            self.module.run_command([self.apt, "--quiet", "update"], environ_update=ENGLISH)
            code, out, dummy = self.module.run_command(words, environ_update=ENGLISH)
        if code:
            return None
        # Upgrades of what is there are announced as Inst, too.
        return self.missing(re.findall(r"^Inst (\S+)", out, re.M))

    def removable(self, names):
        """Those that apt would remove as no longer needed, were none of them wanted for its own sake."""
        installed = self.installed()
        here = [name for name in names if name in installed]
        if not here:
            return []
        known = "/var/lib/apt/extended_states"
        handle, copy = tempfile.mkstemp(prefix="package_record-")
        os.close(handle)
        try:
            if os.path.exists(known):
                shutil.copyfile(known, copy)
            options = ["-oDir::State::extended_states=%s" % copy]
            self.module.run_command(
                [self.module.get_bin_path("apt-mark", True)] + options + ["auto"] + here, check_rc=True
            )
            options += ["-oAPT::AutoRemove::RecommendsImportant=0", "-oAPT::AutoRemove::SuggestsImportant=0"]
            words = [self.apt, "--simulate", "--quiet"] + options + ["autoremove"]
            dummy, out, dummy = self.module.run_command(words, environ_update=ENGLISH, check_rc=True)
        finally:
            os.unlink(copy)
        unneeded = set(re.findall(r"^Remv (\S+)", out, re.M))
        return [name for name in here if name in unneeded]


class Rpm:
    def __init__(self, module):
        self.module = module
        self.query = module.get_bin_path("rpm", True)

    def missing(self, names):
        return [name for name in names if not self.has(name)]

    def has(self, name):
        # By what packages provide, for dnf goes by that too: pkgconfig is pkgconf-pkg-config since RHEL 8.
        words = [self.query, "--query", "--whatprovides", name]
        code, out, err = self.module.run_command(words, environ_update=ENGLISH)
        if code and "no package provides" not in out + err:
            raise Failure("rpm --query --whatprovides %s ended with %d: %s" % (name, code, (out + err).strip()))
        return code == 0

    def additions(self, names):
        return None

    def removable(self, names):
        return [name for name in names if self.has(name) and not self.needed_by(name) - set(names)]

    def needed_by(self, name):
        words = [self.query, "--query", "--whatrequires", "--queryformat", "%{NAME}\\n", name]
        code, out, dummy = self.module.run_command(words, environ_update=ENGLISH)
        return set(out.split()) if code == 0 else set()


def manager(module):
    # Either family can have the other's query tool.
    if module.get_bin_path("dpkg-query") and module.get_bin_path("apt-get"):
        return Dpkg(module)
    if module.get_bin_path("rpm"):
        return Rpm(module)
    raise Failure("there is neither dpkg-query with apt-get nor rpm. Run this on a host that has one of them")


def read(path):
    try:
        with open(path, "rb") as source:
            return to_text(source.read(), errors="surrogate_or_replace")
    except (IOError, OSError) as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return ""
        raise


def write(path, content):
    """In one step, and on the disk before anything is installed."""
    directory = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(directory):
        os.makedirs(directory, 0o755)
    descriptor, new = tempfile.mkstemp(prefix=".%s-" % os.path.basename(path), dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            sink.write(to_bytes(content))
            sink.flush()
            os.fchmod(sink.fileno(), 0o644)
            os.fsync(sink.fileno())
        os.rename(new, path)
    except Exception:
        os.unlink(new)
        raise


def record(module):
    names, path = sorted(set(module.params["name"])), module.params["record"]
    for name in names:
        if not NAME.match(name):
            raise Failure("name has '%s', which is no package's name. Give plain names, without versions" % name)
    packages = manager(module)
    missing = packages.missing(names)
    before = read(path)
    wanted, complete = set(before.split()), True
    if missing and module.params["state"] == "recorded":
        additions = packages.additions(missing)
        complete = additions is not None
        # A name that apt knows a package for is among them, the name of a virtual package is not.
        wanted.update(additions if complete else missing)
    after = "".join("%s\n" % name for name in sorted(wanted))
    # A record that is only sorted otherwise, or does not exist and has nothing to say, stays as it is.
    changed = wanted != set(before.split())
    if changed and not module.check_mode:
        write(path, after)
    answer = {
        "changed": changed,
        "missing": missing,
        "recorded": sorted(wanted),
        "complete": complete,
        "diff": {"before_header": path, "after_header": path, "before": before, "after": after if changed else before},
    }
    if module.params["state"] == "removable":
        answer["removable"] = packages.removable(sorted(wanted))
    return answer


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="list", elements="str", default=[]),
            record=dict(type="path", required=True),
            state=dict(type="str", choices=["recorded", "read", "removable"], default="recorded"),
        ),
        supports_check_mode=True,
    )
    try:
        answer = record(module)
    except (Failure, EnvironmentError) as error:
        module.fail_json(msg="What is installed here cannot be recorded: %s." % to_native(error))
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
