#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: read_files
short_description: Read those of some files that there are
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Returns the text of several files at once. One that is missing is no error.
  - What is in them is returned as it is; a task that reads secrets needs C(no_log).
options:
  root: {description: The directory that paths are relative to., type: path, required: true}
  paths: {description: 'The files, relative to O(root).', type: list, elements: str, required: true}
attributes:
  check_mode: {description: 'Changes nothing, and runs in check mode too.', support: full}
  diff_mode: {description: There is nothing to differ., support: none}
"""

EXAMPLES = r"""
- name: Read a certificate and its key
  evenkeel.nginx_ha.read_files:
    root: /etc/nginx
    paths: [www.crt, www.key]
  register: read
  no_log: true
"""

RETURN = r"""
contents:
  description: The text of each file that there is, by its path in O(paths). Bytes that are no UTF-8 are replaced.
  returned: success
  type: dict
"""

import errno
import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native, to_text


def main():
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", required=True),
            paths=dict(type="list", elements="str", required=True),
        ),
        supports_check_mode=True,
    )
    contents = {}
    for path in module.params["paths"]:
        try:
            with open(os.path.join(module.params["root"], path), "rb") as source:
                contents[path] = to_text(source.read(), errors="replace")
        except EnvironmentError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                module.fail_json(msg=to_native(error))
    module.exit_json(changed=False, contents=contents)


if __name__ == "__main__":
    main()
