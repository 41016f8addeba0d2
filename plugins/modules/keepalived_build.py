#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: keepalived_build
short_description: Compile keepalived into an artifact that other hosts unpack
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Configures, compiles and installs keepalived's sources into a staging directory as an unprivileged user, with the
    distribution's own hardening flags, and packs the result into a tar.gz to be unpacked at V(/).
  - The last member of the artifact is the empty file C(.complete) in O(prefix), so that a host can tell a complete
    unpacking from an interrupted one.
  - An artifact that is there already is left alone; its name must tell all that it is made of.
options:
  tarball: {description: 'The sources, a verified tar.gz on this host.', type: path, required: true}
  prefix: {description: The directory that keepalived will run from., type: path, required: true}
  configure_flags: {description: Further words for C(configure)., type: list, elements: str, default: []}
  cppflags: {description: Words for the preprocessor., type: str, default: ''}
  user: {description: The user to compile as. Not V(root)., type: str, default: nobody}
  platform:
    description:
      - The platform that the artifact is for, as distribution, major version and architecture, such as
        V(debian-12-x86_64). The module refuses to build on another one.
    type: str
    required: true
  artifact: {description: The artifact to make., type: path, required: true}
  log: {description: Where the output of the compilation goes., type: path, required: true}
attributes:
  check_mode: {description: Says whether it would compile., support: full}
  diff_mode: {description: A binary has no difference to show., support: none}
"""

EXAMPLES = r"""
- name: Compile keepalived
  evenkeel.nginx_ha.keepalived_build:
    tarball: /var/cache/keepalived-build/keepalived-2.2.7.tar.gz
    prefix: /opt/keepalived/2.2.7
    platform: debian-12-x86_64
    artifact: /var/cache/keepalived-build/keepalived-2.2.7-debian-12-x86_64.tar.gz
    log: /var/cache/keepalived-build/keepalived-2.2.7.log
"""

RETURN = r"""
artifact: {description: Path of the artifact., returned: success, type: str}
seconds: {description: How long the compilation took., returned: when it compiled, type: float}
"""

import glob
import multiprocessing
import os
import pwd
import re
import shutil
import subprocess
import tarfile
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_text

TAIL = 20


class Failure(Exception):
    pass


def unprivileged(module):
    """The ids of the user to compile as."""
    name = module.params["user"]
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        module.fail_json(
            msg="The user %s to compile as does not exist on this host. Create it, or name another." % name
        )
    if account.pw_uid == 0:
        module.fail_json(msg="keepalived is not compiled as root. Name an unprivileged user.")
    return account.pw_uid, account.pw_gid


class Builder:
    DPKG = {
        "DEB_BUILD_MAINT_OPTIONS": "hardening=+bindnow",
        # Either feature names the directory that we happen to be in.
        "DEB_BUILD_OPTIONS": "reproducible=-fixfilepath,-fixdebugpath",
    }

    def __init__(self, module, work, account):
        self.module = module
        self.work = work
        self.uid, self.gid = account
        os.chown(work, self.uid, self.gid)
        self.log = open(module.params["log"], "wb")

    def demote(self):
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)

    def run(self, words, cwd, environment=None):
        self.log.write(("+ %s\n" % " ".join(words)).encode())
        self.log.flush()
        variables = dict(os.environ, HOME=self.work, LC_ALL="C", **(environment or {}))
        code = subprocess.call(
            words, cwd=cwd, env=variables, stdout=self.log, stderr=subprocess.STDOUT, preexec_fn=self.demote
        )
        if code:
            raise Failure("%s ended with %d" % (" ".join(words), code))

    def build(self):
        params = self.module.params
        self.run(["tar", "--no-same-owner", "-xzf", params["tarball"]], self.work)
        sources = glob.glob(os.path.join(self.work, "keepalived-*"))
        if len(sources) != 1:
            raise Failure("the tarball holds no directory keepalived-VERSION")
        stage = os.path.join(self.work, "stage")
        configure = [
            "./configure",
            "--prefix=%s" % params["prefix"],
            "--sysconfdir=/etc",
            "--with-default-config-file=/etc/keepalived/keepalived.conf",
            "--with-systemdsystemunitdir=%s/share" % params["prefix"],
        ]
        self.run(configure + params["configure_flags"], sources[0], self.flags())
        self.run(["make", "-j%d" % multiprocessing.cpu_count()], sources[0])
        self.run(["make", "install", "DESTDIR=%s" % stage], sources[0])
        self.pack(stage)

    def flags(self):
        """The flags that the distribution builds its own packages with, and ours."""
        flags = {"CFLAGS": "-O2 -g0", "CPPFLAGS": "", "LDFLAGS": ""}
        if self.module.get_bin_path("dpkg-buildflags"):
            for name in flags:
                flags[name] = self.output(["dpkg-buildflags", "--get", name], self.DPKG)
        elif self.module.get_bin_path("rpm"):
            flags["CFLAGS"] = self.output(["rpm", "--eval", "%{optflags}"], {})
            flags["LDFLAGS"] = self.output(["rpm", "--eval", "%{?build_ldflags}"], {})
        flags["CPPFLAGS"] = ("%s %s" % (flags["CPPFLAGS"], self.module.params["cppflags"])).strip()
        return flags

    def output(self, words, environment):
        return self.module.run_command(words, environ_update=environment, check_rc=True)[1].strip()

    def pack(self, stage):
        """Owned by root whoever compiled; only what lies below the prefix."""
        prefix = self.module.params["prefix"].lstrip("/")
        partial = self.module.params["artifact"] + ".partial"

        def root(member):
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            return None if member.name.endswith("/.complete") else member

        with tarfile.open(partial, "w:gz") as archive:
            archive.add(os.path.join(stage, prefix), arcname=prefix, filter=root)
            archive.addfile(tarfile.TarInfo(prefix + "/.complete"))
        os.rename(partial, self.module.params["artifact"])


def platform():
    """This host's platform, such as debian-12-x86_64."""
    with open("/etc/os-release") as source:
        fields = dict(re.findall(r"^(\w+)=\"?([^\"\n]*)\"?$", source.read(), re.M))
    return "-".join([fields.get("ID", ""), fields.get("VERSION_ID", "").split(".")[0], os.uname()[4]])


def main():
    module = AnsibleModule(
        argument_spec=dict(
            tarball=dict(type="path", required=True),
            prefix=dict(type="path", required=True),
            configure_flags=dict(type="list", elements="str", default=[]),
            cppflags=dict(type="str", default=""),
            user=dict(type="str", default="nobody"),
            platform=dict(type="str", required=True),
            artifact=dict(type="path", required=True),
            log=dict(type="path", required=True),
        ),
        supports_check_mode=True,
    )
    artifact, log = module.params["artifact"], module.params["log"]
    if os.path.exists(artifact):
        module.exit_json(changed=False, artifact=artifact)
    account = unprivileged(module)
    here, wanted = platform(), module.params["platform"]
    # Distribution names are spelt differently (rhel, RedHat); version and architecture decide.
    if here.split("-")[-2:] != wanted.split("-")[-2:]:
        module.fail_json(
            msg="This host is %s; an artifact for %s has to be compiled on such a host. Name another build host."
            % (here, wanted)
        )
    if module.check_mode:
        module.exit_json(changed=True, artifact=artifact)
    started = time.time()
    work = tempfile.mkdtemp(prefix="keepalived-build-", dir="/var/tmp")
    try:
        Builder(module, work, account).build()
    except Failure as failure:
        with open(log, "rb") as source:
            tail = to_text(b"".join(source.readlines()[-TAIL:]), errors="surrogate_or_replace")
        module.fail_json(
            msg="The compilation of keepalived failed: %s. The log is %s; its last lines:\n%s" % (failure, log, tail)
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)
    module.exit_json(changed=True, artifact=artifact, seconds=round(time.time() - started, 1))


if __name__ == "__main__":
    main()
