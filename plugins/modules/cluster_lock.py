#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: cluster_lock
short_description: Keep two runs from changing one host at the same time
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Takes a lock on the host for this run of C(ansible-playbook), or releases it. While another run holds it, taking it
    fails with a message that says who holds it, what for, and since when.
  - The lock is the run's, not the task's. The same run may take it again, from any play, and so renews it.
  - A run that was killed leaves its lock behind. Such a stale lock is taken over with a warning. On the control node
    that the other run was started on, it is stale as soon as that run's process has ended. Anywhere else, and in
    another container of the same control node, it is stale once it has not been renewed for O(stale_after) seconds.
  - Of runs that start at the same moment only one gets a host's lock. So that each of them does not get some of the
    hosts, take the lock on one host first, and on the others after that.
options:
  state:
    description:
      - V(taken) takes the lock, or renews it where this run holds it already.
      - V(released) gives it back. Somebody else's lock is left alone, which is no error.
    type: str
    choices: [taken, released]
    default: taken
  purpose: {description: 'What the lock is for, such as the playbook''s name. Others are told. Required to take it.', type: str}
  stale_after:
    description:
      - After how many seconds without renewal the lock of another control node's run is stale, by the host's clock.
        A run that takes longer has to take its lock again in between.
    type: int
    default: 1800
  break_lock: {description: Take the lock over whoever holds it. For when the other run is known to be dead., type: bool, default: false}
  path:
    description: The file that is the lock. The default is gone after a reboot of the host, as its directory is.
    type: path
    default: /run/evenkeel/lock
  owner: {description: Who takes the lock. The action plugin sets it., type: dict}
  break_token:
    description: The one lock that may be taken over, as it was seen before. The action plugin sets it.
    type: str
    default: ""
attributes:
  check_mode:
    description: Takes and releases nothing. Another run's lock is no failure then; RV(held_by) tells of it, and a warning.
    support: full
  diff_mode: {description: A lock is no change of the host., support: none}
"""

EXAMPLES = r"""
- name: Change a cluster that nobody else changes meanwhile
  hosts: load_balancers
  tasks:
    - name: Change it
      block:
        - name: Lock the first host, so that of two runs that start at once one gets all
          evenkeel.nginx_ha.cluster_lock: {purpose: site.yml}
          run_once: true

        - name: Lock every host
          evenkeel.nginx_ha.cluster_lock:
            purpose: site.yml
            break_lock: "{{ site_break_lock | default(false) }}"
          any_errors_fatal: true

        - name: Change something
          ansible.builtin.import_role: {name: evenkeel.nginx_ha.nginx}
      always:
        - name: Unlock every host
          evenkeel.nginx_ha.cluster_lock: {state: released}
"""

RETURN = r"""
taken: {description: Whether this run holds the lock now., returned: success, type: bool}
released: {description: Whether this run held the lock and gave it back now., returned: success, type: bool}
broke:
  description: What lock was taken over, from whom and why. Empty if none was.
  returned: success
  type: str
  sample: The lock that alice@control (process 4711) took for site.yml 25 min ago is broken, as that process has ended.
held_by:
  description: Who else holds the lock, null if nobody does.
  returned: always, unless the host could not be asked
  type: dict
  contains:
    user: {description: The user who started that run., type: str}
    node: {description: The control node that it was started on., type: str}
    pid: {description: The process of C(ansible-playbook) there., type: int}
    purpose: {description: What the lock is for., type: str}
    since: {description: 'When it was taken, in UTC.', type: str, sample: "2026-11-23T10:00:00Z"}
    age: {description: How many seconds ago that was., type: float}
    renewed: {description: How many seconds ago it was renewed., type: float}
    stale: {description: 'Why it would be taken over, empty if it would not.', type: str, sample: that process has ended}
"""

import errno
import fcntl
import hashlib
import json
import os
import time
from contextlib import contextmanager

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

# How long other processes may look at the lock. Each needs milliseconds.
PATIENCE = 10


class Busy(Exception):
    pass


class Lock:
    """A file that is the lock. Whoever writes or removes it has its directory flocked meanwhile."""

    def __init__(self, path, owner):
        self.path = path
        self.directory = os.path.dirname(os.path.abspath(path))
        self.owner = owner

    def seen(self):
        """What the file says, or None where there is none."""
        try:
            with open(self.path, "rb") as source:
                content, touched = source.read(), os.fstat(source.fileno()).st_mtime
        except (IOError, OSError) as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return None
            raise
        entry = parsed(content)
        owner = entry.get("owner")
        owner = owner if isinstance(owner, dict) else {}
        taken = entry.get("taken")
        # What is no time, such as NaN, is in no range.
        taken = taken if isinstance(taken, (int, float)) and 0 <= taken < 1e11 else touched
        now = time.time()
        return {
            "owner": owner,
            "own": bool(owner) and owner.get("identity") == self.owner["identity"],
            "purpose": to_text(entry.get("purpose") or ""),
            "taken": taken,
            # A clock may have been set back.
            "age": max(0, now - taken),
            "renewed": max(0, now - touched),
            # Differs once the lock is renewed or another's.
            "token": hashlib.sha256(content + to_bytes("%.9f" % touched)).hexdigest(),
        }

    def take(self, purpose, break_token=""):
        """Whether it is ours now, and what was seen before."""
        with self.guarded():
            found = self.seen()
            if found and not found["own"] and found["token"] != break_token:
                return False, found
            taken = found["taken"] if found and found["own"] else time.time()
            self.write({"owner": self.owner, "purpose": purpose, "taken": taken})
        return True, found

    def release(self):
        """Whether it was ours, and what was seen before."""
        if not os.path.isdir(self.directory):
            return False, None
        with self.guarded():
            found = self.seen()
            if not found or not found["own"]:
                return False, found
            os.unlink(self.path)
        return True, found

    def write(self, entry):
        new = self.path + ".new"
        # Nobody else is here: what has this name was left behind by a process that was killed.
        if os.path.lexists(new):
            os.unlink(new)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as sink:
            sink.write(to_bytes(json.dumps(entry, sort_keys=True) + "\n"))
        os.rename(new, self.path)

    @contextmanager
    def guarded(self):
        """Alone in the directory; the kernel ends this when the process ends, however it does."""
        deadline = time.time() + PATIENCE
        while True:
            descriptor = self.opened()
            try:
                if self.flocked(descriptor):
                    yield
                    return
            finally:
                os.close(descriptor)
            if not 0 <= deadline - time.time() <= PATIENCE:
                raise Busy("for %d s other processes have had %s locked" % (PATIENCE, self.directory))
            time.sleep(0.01)

    def opened(self):
        try:
            os.makedirs(self.directory, 0o755)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise
        return os.open(self.directory, os.O_RDONLY)

    def flocked(self, descriptor):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The directory may have been removed and made anew since it was opened.
            return os.path.samestat(os.fstat(descriptor), os.stat(self.directory))
        except (IOError, OSError) as error:
            if error.errno in (errno.EAGAIN, errno.EACCES, errno.ENOENT):
                return False
            raise


def parsed(content):
    """The lock's fields; none if somebody wrote something else into the file."""
    try:
        entry = json.loads(to_text(content, errors="surrogate_or_replace"))
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def result(lock, params, check):
    """What became of the lock; the action plugin makes sentences of it."""
    if check:
        done, found = False, lock.seen()
    elif params["state"] == "taken":
        done, found = lock.take(params["purpose"], params["break_token"])
    else:
        done, found = lock.release()
    return {
        "taken": done and params["state"] == "taken",
        "released": done and params["state"] == "released",
        "found": found if found and not found["own"] else None,
    }


def main():
    module = AnsibleModule(
        argument_spec=dict(
            state=dict(type="str", choices=["taken", "released"], default="taken"),
            purpose=dict(type="str"),
            stale_after=dict(type="int", default=1800),
            break_lock=dict(type="bool", default=False),
            path=dict(type="path", default="/run/evenkeel/lock"),
            owner=dict(type="dict"),
            break_token=dict(type="str", default="", no_log=False),
        ),
        required_if=[("state", "taken", ["purpose"])],
        supports_check_mode=True,
    )
    path, owner = module.params["path"], module.params["owner"]
    if not (owner or {}).get("identity"):
        module.fail_json(msg="owner has no identity. Leave owner out and run this as a task; its action plugin knows.")
    try:
        answer = result(Lock(path, owner), module.params, module.check_mode)
    except (EnvironmentError, Busy) as error:
        module.fail_json(
            msg="The lock %s can neither be taken nor released: %s. Mend that, or set another path."
            % (path, to_native(error))
        )
    module.exit_json(changed=False, **answer)


if __name__ == "__main__":
    main()
