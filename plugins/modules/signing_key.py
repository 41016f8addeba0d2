#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: signing_key
short_description: Get the key that a repository is signed with, if it is the right one
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Asks the sources in their order for OpenPGP keys, in ASCII armour or without, and keeps those whose fingerprints are given. Others in
    the same file are left out, and subkeys are, for a fingerprint vouches for the primary key alone.
  - A source that does not answer, or has none of the keys, is passed over; if none has one, the error says what each answered.
  - A file that is there already and has nothing but such keys is left alone, and no source is asked.
options:
  urls: {description: 'The sources, in the order to ask them.', type: list, elements: str, required: true}
  fingerprints:
    description: The keys that are trusted, by fingerprints of 40 hexadecimal digits; blanks in them are allowed.
    type: list
    elements: str
    required: true
  dest: {description: Where the keys go. Its directory is made once a source had a key., type: path, required: true}
  armored:
    description: Whether to write each key in ASCII armour, as C(rpm) takes them, or all of them without, as apt does.
    type: bool
    default: false
  timeout: {description: Seconds to wait for a source's answer., type: int, default: 30}
attributes:
  check_mode: {description: 'Says whether it would download, and asks no source.', support: full}
  diff_mode: {description: A key has no difference to show., support: none}
"""

EXAMPLES = r"""
- name: Get the key of nginx.org's packages
  evenkeel.nginx_ha.signing_key:
    urls: [https://nginx.org/keys/nginx_signing.key]
    fingerprints: [573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62]
    dest: /etc/apt/keyrings/nginx.gpg
"""

RETURN = r"""
url: {description: The source that had the keys., returned: when they were downloaded, type: str}
fingerprints:
  description: The keys that are in the file.
  returned: success, but for check mode with O(dest) missing
  type: list
  elements: str
"""

import os
import re
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native
from ansible.module_utils.urls import open_url
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import openpgp

# Much more than any key has.
MOST = 1 << 20


def normal(fingerprint):
    return re.sub(r"\s", "", fingerprint).upper()


def present(path, wanted):
    """What is in the file, if it is nothing but what is wanted."""
    try:
        with open(path, "rb") as source:
            content = source.read(MOST)
        names = [name for name, dummy in openpgp.keys(content)]
    except (IOError, OSError, ValueError):
        return []
    return names if set(names) <= set(wanted) else []


def main():
    module = AnsibleModule(
        argument_spec=dict(
            urls=dict(type="list", elements="str", required=True),
            fingerprints=dict(type="list", elements="str", required=True, no_log=False),
            dest=dict(type="path", required=True),
            armored=dict(type="bool", default=False),
            timeout=dict(type="int", default=30),
        ),
        supports_check_mode=True,
    )
    params = module.params
    wanted = [normal(each) for each in params["fingerprints"]]
    odd = [each for each in wanted if not re.match(r"[0-9A-F]{40}\Z", each)]
    if odd or not wanted:
        module.fail_json(
            msg="A fingerprint has 40 hexadecimal digits, and %s has not." % (", ".join(odd) or "an empty list")
        )
    here = present(params["dest"], wanted)
    if here:
        module.exit_json(changed=False, fingerprints=here)
    if module.check_mode:
        module.exit_json(changed=True)
    answers = []
    for url in params["urls"]:
        try:
            content = open_url(url, timeout=params["timeout"], http_agent="evenkeel.nginx_ha").read(MOST)
            keys = openpgp.keys(content)
        except Exception as error:  # every library below raises its own kind, and the next source may do
            answers.append("%s: %s" % (url, to_native(error)))
            continue
        trusted = [(name, packets) for name, packets in keys if name in wanted]
        if trusted:
            write(module, params["dest"], [packets for dummy, packets in trusted])
            module.exit_json(changed=True, url=url, fingerprints=[name for name, dummy in trusted])
        answers.append("%s: has %s" % (url, ", ".join(name for name, dummy in keys) or "no key"))
    module.fail_json(
        msg="No source has a key that is trusted (%s):\n%s\nName another source, or correct the fingerprints."
        % (", ".join(wanted), "\n".join(answers))
    )


def write(module, dest, keys):
    directory = os.path.dirname(dest)
    if not os.path.isdir(directory):
        os.makedirs(directory, 0o755)
        os.chmod(directory, 0o755)
    handle, partial = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "wb") as sink:
        sink.write(b"".join(openpgp.armoured(each) if module.params["armored"] else each for each in keys))
    module.atomic_move(partial, dest)
    module.set_mode_if_different(dest, "0644", False)


if __name__ == "__main__":
    main()
