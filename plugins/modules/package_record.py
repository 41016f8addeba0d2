#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: package_record
short_description: Install packages, and keep a record of them, so that these and no others can be removed again
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Installs the given packages that the host lacks, and adds their names to a record before it does. What a host had before is never
    recorded.
  - On Debian and its like, what apt installs along with them is recorded as well. On hosts with RPM the given names alone are recorded.
  - The package manager's lists are updated first, unless this was done for a record of the same directory within ten minutes, after its
    sources were changed.
options:
  name:
    description: Names of packages, without versions.
    type: list
    elements: str
    default: []
  versions:
    description: The exact versions that packages are to have, by their names. These are installed too, also where that is a downgrade.
    type: dict
    default: {}
  update:
    description: Whether to update the package manager's lists also where nothing is missing, and however new they are.
    type: bool
    default: false
  record:
    description:
      - The file to keep the record in, one name a line, sorted. Without one nothing is recorded.
      - Required unless O(state=installed).
    type: path
  state:
    description:
      - V(installed) installs what is missing, V(read) only tells what is missing and what the record holds.
      - V(removed) removes the record's packages that nothing that is not in the record needs, with their configuration, and the record.
    type: str
    choices: [installed, read, removed]
    default: installed
attributes:
  check_mode:
    description: Tells what would be recorded, or removed, and does nothing. Package lists are not updated for it.
    support: full
  diff_mode:
    description: Shows the difference of the record.
    support: full
"""

EXAMPLES = r"""
- name: Install nginx
  evenkeel.nginx_ha.package_record:
    name: [nginx]
    record: /var/lib/evenkeel/packages

- name: Look at what was installed here
  evenkeel.nginx_ha.package_record:
    record: /var/lib/evenkeel/packages
    state: read
  register: packages

- name: Remove it
  evenkeel.nginx_ha.package_record:
    record: /var/lib/evenkeel/packages
    state: removed
"""

RETURN = r"""
missing:
  description: Those of O(name) and O(versions) that were not installed, or not in that version.
  returned: success
  type: list
  elements: str
recorded:
  description: All of the record, or in check mode what would be.
  returned: success
  type: list
  elements: str
removable:
  description: Packages of the record that were removed, because they were installed and nothing else needs them.
  returned: with O(state=removed)
  type: list
  elements: str
"""

import glob
import os
import re
import shutil
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

# A dash at its end would have apt remove it.
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9+._:-]*[A-Za-z0-9+])?\Z")
ENGLISH = {"LC_ALL": "C", "LANGUAGE": "C", "DEBIAN_FRONTEND": "noninteractive"}
# Another apt is waited for, and configuration that was changed on the host stays.
CHANGING = ["--quiet", "--yes", "-oDPkg::Lock::Timeout=60"]
CHANGING += ["-oDPkg::Options::=--force-confdef", "-oDPkg::Options::=--force-confold"]
# Seconds for which package lists count as new.
NEW = 600


class Failure(Exception):
    pass


class Manager(object):
    sources = []
    separator = ""

    def __init__(self, module):
        self.module = module

    def run(self, tool, options, verb, names):
        code, out, err = self.module.run_command([tool] + options + [verb] + names)
        if code:
            asked = " ".join([os.path.basename(tool), verb] + names)
            self.module.fail_json(msg="%s ended with %d: %s" % (asked, code, (err or out).strip()))
        return out

    def lacking(self, names, versions):
        """Those that are not installed, or not in their version."""
        installed = self.installed(names)
        return [
            name for name in names if name not in installed or versions.get(name, installed[name]) != installed[name]
        ]

    def words(self, names, versions):
        return [name + self.separator + versions[name] if name in versions else name for name in names]

    def are_new(self, stamp):
        """Whether the lists were updated a short time ago, and after their sources were changed."""
        changes = [os.stat(path).st_mtime for pattern in self.sources for path in glob.glob(pattern)]
        updated = os.stat(stamp).st_mtime if stamp and os.path.exists(stamp) else 0
        return max(changes + [time.time() - NEW]) < updated <= time.time()


class Dpkg(Manager):
    sources = ["/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/sources.list.d/*"]
    separator = "="

    def __init__(self, module):
        Manager.__init__(self, module)
        self.query = module.get_bin_path("dpkg-query", True)
        self.apt = module.get_bin_path("apt-get", True)

    def installed(self, dummy=None):
        """The versions of all installed packages by their names, with and without their architecture."""
        form = "${Package} ${Architecture} ${db:Status-Abbrev} ${Version}\n"
        code, out, err = self.module.run_command([self.query, "--show", "--showformat", form])
        if code:
            raise Failure("dpkg-query ended with %d: %s" % (code, err.strip()))
        versions = {}
        # The second letter of the status is the state; i, W and t are installed (W and t with triggers to run).
        for name, architecture, version in re.findall(r"^(\S+) (\S+) .[iWt]. ?(\S*)$", out, re.M):
            versions[name] = versions["%s:%s" % (name, architecture)] = version
        return versions

    def update(self):
        # This lock apt does not wait for.
        for pause in (1, 2, 4, 8, 16, 0):
            code, dummy, err = self.module.run_command([self.apt, "--quiet", "update"])
            if code == 0 or "lock" not in err:
                return code == 0
            time.sleep(pause)
        return False

    def coming(self, names, versions):
        """The names of all that would be installed for these. What is to be installed has been downloaded then."""
        options = ["-oAPT::Get::Show-Versions=0"]
        if self.module.check_mode:
            words = [self.apt, "--simulate"] + options + ["install"] + self.words(names, versions)
            code, out, dummy = self.module.run_command(words)
            # A bare host has no package lists yet.
            if code:
                return names
        else:
            out = self.install(names, versions, ["--download-only"] + options)
        listed = re.search(r"^The following NEW packages will be installed:\n((?: .*\n)*)", out, re.M)
        return listed.group(1).split() if listed else []

    def install(self, names, versions, options=()):
        downgrade = ["--allow-downgrades"] if versions else []
        return self.run(self.apt, CHANGING + downgrade + list(options), "install", self.words(names, versions))

    def remove(self, names):
        self.run(self.apt, CHANGING, "purge", names)

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
            mark = self.module.get_bin_path("apt-mark", True)
            self.module.run_command([mark] + options + ["auto"] + here, check_rc=True)
            options += ["-oAPT::AutoRemove::RecommendsImportant=0", "-oAPT::AutoRemove::SuggestsImportant=0"]
            words = [self.apt, "--simulate", "--quiet"] + options + ["autoremove"]
            dummy, out, dummy = self.module.run_command(words, check_rc=True)
        finally:
            os.unlink(copy)
        unneeded = set(re.findall(r"^Remv (\S+)", out, re.M))
        return [name for name in here if name in unneeded]


class Rpm(Manager):
    sources = ["/etc/yum.repos.d", "/etc/yum.repos.d/*"]
    separator = "-"

    def __init__(self, module):
        Manager.__init__(self, module)
        self.query = module.get_bin_path("rpm", True)
        self.tool = module.get_bin_path("dnf") or module.get_bin_path("yum")

    def installed(self, names):
        versions = [(name, self.version(name)) for name in names]
        return {name: version for name, version in versions if version is not None}

    def version(self, name):
        # By what packages provide, for dnf goes by that too: pkgconfig is pkgconf-pkg-config since RHEL 8.
        form = "%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE} "
        words = [self.query, "--query", "--queryformat", form, "--whatprovides", name]
        code, out, err = self.module.run_command(words)
        if code and "no package provides" not in out + err:
            raise Failure("rpm --query --whatprovides %s ended with %d: %s" % (name, code, (out + err).strip()))
        return None if code else out.split()[0]

    def update(self):
        code, dummy, dummy = self.module.run_command([self.tool, "clean", "expire-cache"])
        return code == 0

    def coming(self, names, dummy):
        return self.lacking(names, {})

    def install(self, names, versions):
        self.run(self.tool, ["--assumeyes"], "install", self.words(names, versions))
        older = self.lacking(sorted(versions), versions)
        # yum leaves a newer version as it is, dnf does not.
        if older:
            self.run(self.tool, ["--assumeyes"], "downgrade", self.words(older, versions))

    def remove(self, names):
        self.run(self.tool, ["--assumeyes", "--setopt=clean_requirements_on_remove=0"], "remove", names)

    def removable(self, names):
        return [name for name in names if self.version(name) is not None and not self.needed_by(name) - set(names)]

    def needed_by(self, name):
        words = [self.query, "--query", "--whatrequires", "--queryformat", "%{NAME}\\n", name]
        code, out, dummy = self.module.run_command(words)
        return set(out.split()) if code == 0 else set()


def manager(module):
    # Either family can have the other's query tool.
    if module.get_bin_path("dpkg-query") and module.get_bin_path("apt-get"):
        return Dpkg(module)
    if module.get_bin_path("rpm"):
        return Rpm(module)
    raise Failure("there is neither dpkg-query with apt-get nor rpm. Run this on a host that has one of them")


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, "rb") as source:
        return to_text(source.read(), errors="surrogate_or_replace")


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


def run(module):
    path, versions, real = module.params["record"], module.params["versions"], not module.check_mode
    names = sorted(set(module.params["name"]) | set(versions))
    for name in names:
        if not NAME.match(name):
            raise Failure("name has '%s', which is no package's name. Give plain names, without versions" % name)
    packages = manager(module)
    before, stamp = (read(path), os.path.join(os.path.dirname(path), "package-lists")) if path else ("", None)
    recorded, after = set(before.split()), before
    if module.params["state"] == "removed":
        answer = {"changed": os.path.exists(path), "missing": [], "removable": packages.removable(sorted(recorded))}
        after = ""
        if real and answer["removable"]:
            packages.remove(answer["removable"])
        for each in (path, stamp):
            if real and os.path.exists(each):
                os.unlink(each)
    else:
        missing = packages.lacking(names, versions)
        install = bool(missing) and module.params["state"] == "installed"
        answer = {"changed": install, "missing": missing}
        update = real and (module.params["update"] or (install and not packages.are_new(stamp)))
        if update and packages.update() and stamp:
            write(stamp, "")
        # A name that apt knows a package for is among them, the name of a virtual package is not.
        coming = packages.coming(missing, versions) if install and path else []
        # A record that is only sorted otherwise stays as it is.
        if set(coming) - recorded:
            recorded.update(coming)
            after = "".join("%s\n" % name for name in sorted(recorded))
            if real:
                write(path, after)
        if real and install:
            packages.install(missing, versions)
    diff = {"before_header": path, "after_header": path, "before": before, "after": after}
    return dict(answer, recorded=sorted(recorded), diff=diff)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="list", elements="str", default=[]),
            versions=dict(type="dict", default={}),
            update=dict(type="bool", default=False),
            record=dict(type="path"),
            state=dict(type="str", choices=["installed", "read", "removed"], default="installed"),
        ),
        required_if=[("state", "read", ["record"]), ("state", "removed", ["record"])],
        supports_check_mode=True,
    )
    module.run_command_environ_update = ENGLISH
    try:
        answer = run(module)
    except (Failure, EnvironmentError) as error:
        module.fail_json(msg="What is installed here cannot be recorded: %s." % to_native(error))
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
