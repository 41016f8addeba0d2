#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: fetch_verified
short_description: Download a file from the first source that has the right one
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Asks the sources in their order. One that does not answer, or whose file has another checksum, is passed over; if
    none has the file, the error says what each answered.
  - A file that is there already with the right checksum is left alone.
options:
  urls: {description: 'The sources, in the order to ask them.', type: list, elements: str, required: true}
  dest: {description: Where the file goes. Its directory is made once a source had the file., type: path, required: true}
  sha256: {description: 'The file''s sha256, 64 hexadecimal digits.', type: str, required: true}
  timeout: {description: Seconds to wait for a source's answer., type: int, default: 30}
attributes:
  check_mode: {description: 'Says whether it would download, and asks no source.', support: full}
  diff_mode: {description: A tarball has no difference to show., support: none}
"""

EXAMPLES = r"""
- name: Get keepalived's source
  evenkeel.nginx_ha.fetch_verified:
    urls:
      - https://www.keepalived.org/software/keepalived-2.2.7.tar.gz
      - https://mirror.example.com/keepalived-2.2.7.tar.gz
    dest: /var/cache/keepalived-build/keepalived-2.2.7.tar.gz
    sha256: c61940d874154a560a54627ecf7ef47adebdf832164368d10bf242a4d9b7d49d
"""

RETURN = r"""
url: {description: The source that had the file., returned: when the file was downloaded, type: str}
"""

import hashlib
import os
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native
from ansible.module_utils.urls import open_url

CHUNK = 65536


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        for chunk in iter(lambda: source.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def download(url, path, timeout):
    response = open_url(url, timeout=timeout, http_agent="evenkeel.nginx_ha")
    with open(path, "wb") as sink:
        for chunk in iter(lambda: response.read(CHUNK), b""):
            sink.write(chunk)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            urls=dict(type="list", elements="str", required=True),
            dest=dict(type="path", required=True),
            sha256=dict(type="str", required=True),
            timeout=dict(type="int", default=30),
        ),
        supports_check_mode=True,
    )
    dest, wanted = module.params["dest"], module.params["sha256"]
    if os.path.exists(dest) and sha256_of(dest) == wanted:
        module.exit_json(changed=False)
    if module.check_mode:
        module.exit_json(changed=True)
    handle, partial = tempfile.mkstemp(dir=module.tmpdir)
    os.close(handle)
    answers = []
    for url in module.params["urls"]:
        try:
            download(url, partial, module.params["timeout"])
        except Exception as error:  # every library below raises its own kind, and the next source may do
            answers.append("%s: %s" % (url, to_native(error)))
            continue
        found = sha256_of(partial)
        if found == wanted:
            if not os.path.isdir(os.path.dirname(dest)):
                os.makedirs(os.path.dirname(dest), 0o755)
            module.atomic_move(partial, dest)
            module.set_mode_if_different(dest, "0644", False)
            module.exit_json(changed=True, url=url)
        answers.append("%s: sha256 is %s" % (url, found))
    os.unlink(partial)
    module.fail_json(
        msg="No source has the file with the sha256 %s:\n%s\nName another source, or correct the checksum."
        % (wanted, "\n".join(answers))
    )


if __name__ == "__main__":
    main()
