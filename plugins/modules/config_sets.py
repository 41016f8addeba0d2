#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: config_sets
short_description: Write the configurations of several services, each only if its own checker accepts it
version_added: 0.2.0
author: The evenkeel developers (@evenkeel)
description:
  - Does what M(evenkeel.nginx_ha.config_files) does, for several services in one execution, one after the other.
  - The first one that is refused or fails ends it.
options:
  sets:
    description:
      - The services' files, each set with a C(name) and the options of M(evenkeel.nginx_ha.config_files).
      - C(needed) of a set names those of its files that a later set's checker looks for. One that is not there yet is placed as soon as it
        is tested, but not in check mode.
    type: list
    elements: dict
    required: true
attributes:
  check_mode:
    description: Reports what would change and tests it where it can.
    support: full
  diff_mode:
    description: Shows each file's difference, secrets masked.
    support: full
"""

EXAMPLES = r"""
- name: Test what nginx and keepalived are to get
  evenkeel.nginx_ha.config_sets:
    sets:
      - name: nginx
        state: tested
        root: /etc/nginx
        files: [{path: nginx.conf, content: "events {}"}]
        validate: [nginx, -t, -c, "{staged}/nginx.conf"]
      - name: keepalived
        state: tested
        root: /etc/keepalived
        files: [{path: keepalived.conf, content: "global_defs {}"}]
        validate: [keepalived, --config-test, --use-file, "{staged}/keepalived.conf"]
"""

RETURN = r"""
sets:
  description: What M(evenkeel.nginx_ha.config_files) returns for each set, by its name.
  returned: success
  type: dict
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import configuration
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.config_store import StoreError

OPTIONS = dict(
    configuration.OPTIONS,
    name=dict(type="str", required=True),
    needed=dict(type="list", elements="str", default=[]),
)


def needed(params):
    """What another set's checker will look for and not find, as a set of its own; None where there is nothing of that."""
    missing = [
        entry
        for entry in params["files"] or []
        if entry["path"] in params["needed"] and not os.path.exists(os.path.join(params["root"], entry["path"]))
    ]
    return dict(params, state="present", files=missing, purge=[], absent=[]) if missing else None


def main():
    options = dict(
        sets=dict(type="list", elements="dict", required=True, options=OPTIONS, required_if=configuration.REQUIRED_IF)
    )
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    sets = module.params["sets"]
    configuration.show_what_is_no_secret(module, sets)
    changed, diff, answers = False, [], {}
    try:
        for params in sets:
            answer = configuration.result(module, params)
            early = needed(params) if params["state"] == "tested" and not module.check_mode else None
            changed = answer.pop("changed") or bool(early and configuration.result(module, early)["changed"]) or changed
            diff += answer.pop("diff")
            answers[params["name"]] = answer
    except (EnvironmentError, StoreError) as error:
        module.fail_json(msg=to_native(error))
    module.exit_json(changed=changed, diff=diff, sets=answers)


if __name__ == "__main__":
    main()
