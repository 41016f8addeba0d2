#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: config_files
short_description: Write services' configurations, each only if its own checker accepts it, and take them back
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Stages all files of a service in a directory of its own, lets the service's checker test them there, and only then moves
    them to their places, each in one step. If the checker refuses, nothing is changed and its message is shown.
  - In check mode the files are staged and tested too, where the checker is installed; a refusal is then a warning,
    for what a real run would install before may be missing. A missing parent directory is no error in check mode.
  - With O(sets[].store) a change can be taken back. It is under way from V(present) on, while the service takes it up, until
    V(committed) or V(restored); a run that was killed in between is recognized by the next one.
options:
  sets:
    description:
      - The services' files, a set for each. They are taken one after the other, and the first one that is refused or fails ends it.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: The name of the set in RV(sets)., type: str, required: true}
      needed:
        description:
          - Paths of those of O(sets[].files) that a later set's checker looks for. With O(sets[].state=tested) one that is not there yet is
            placed as soon as it is tested, but not in check mode.
        type: list
        elements: str
        default: []
      state:
        description:
          - V(tested) stages the files and tests them. Nothing is placed and nothing kept.
          - V(present) places them. With O(sets[].store), what was there is kept before the first file changes, and put back if one
            of them cannot be placed.
          - V(committed) ends the change under way; its files stay.
          - V(restored) takes the change under way back. Files and directories that it created are removed.
          - V(removed) takes everything back that was ever written with this O(sets[].store), and removes the store. Each file becomes
            what it was when it was first written or removed, with its mode, and directories that were made for files are
            removed if nothing is left in them.
          - V(committed) and V(restored) do nothing where no change is under way, V(removed) nothing where there is no store.
        type: str
        choices: [present, tested, committed, restored, removed]
        default: present
      store:
        description:
          - Directory on the host, such as V(/var/lib/evenkeel/nginx), for what was there before and for the change under way.
            It is created for root alone. Every service needs one of its own.
          - Required for the states V(committed), V(restored) and V(removed). For V(tested) it tells whether a change is under
            way.
        type: path
      unfinished:
        description:
          - With O(sets[].state=restored) the change stays under way until V(restored) is asked for once more, without this. A run that is killed
            before the service has taken up its former files is recognized by the next one then.
        type: bool
        default: false
      root:
        description: The directory that paths are relative to, such as V(/etc/nginx). Required for V(present) and V(tested).
        type: path
      files:
        description: The files, complete. Required for V(present) and V(tested).
        type: list
        elements: dict
        suboptions:
          path: {description: 'Path relative to O(sets[].root).', type: str, required: true}
          content:
            description: The content. An empty one is refused, for checkers such as keepalived's accept it.
            type: str
            required: true
          mode: {description: Mode of the file., type: raw, default: "0644"}
          group:
            description: Name of the group that has the file, with root as its owner. In check mode one that is not there yet is no error.
            type: str
            default: root
          secret:
            description: Whether the content is never shown. For what was there before, in the difference, there is O(sets[].mask).
            type: bool
            default: false
      purge:
        description: Directories relative to O(sets[].root) that are ours alone; files in them that O(sets[].files) lacks are removed.
        type: list
        elements: str
        default: []
      absent:
        description: Further files relative to O(sets[].root) to remove, such as a package's default site.
        type: list
        elements: str
        default: []
      validate:
        description:
          - The checker as a list of words. C({staged}) becomes the directory in which the files lie, each at its
            relative path. Without it nothing is tested.
          - It is asked if a file's content would change, or if a change is under way.
        type: list
        elements: str
        default: []
      secrets: {description: 'Values that are never shown, in the difference least of all.', type: list, elements: str, default: []}
      mask:
        description:
          - Regular expressions (Python's) whose first group is hidden in the difference, so that a secret that was
            there before is not shown either. The store keeps them for V(restored) and V(removed).
        type: list
        elements: str
        default: []
attributes:
  check_mode: {description: Reports what would change and tests it where it can., support: full}
  diff_mode: {description: 'Shows each file''s difference, secrets masked.', support: full}
"""

EXAMPLES = r"""
- name: Write nginx's configuration, and keep it only if nginx takes it up
  block:
    - name: Write it
      evenkeel.nginx_ha.config_files:
        sets:
          - name: nginx
            root: /etc/nginx
            files:
              - {path: nginx.conf, content: "{{ lookup('ansible.builtin.template', 'nginx.conf.j2') }}", mode: "0640"}
            validate: [nginx, -t, -c, "{staged}/nginx.conf"]
            mask: ['(?m)^\s*proxy_set_header\s+Authorization\s+(.+)$']
            store: /var/lib/evenkeel/nginx
      register: written
    - name: Reload nginx
      ansible.builtin.systemd_service: {name: nginx, state: reloaded}
      when: written.sets.nginx.pending_files | length > 0
    - name: Keep it
      evenkeel.nginx_ha.config_files:
        sets: [{name: nginx, state: committed, store: /var/lib/evenkeel/nginx}]
  rescue:
    - name: Put the former configuration back
      evenkeel.nginx_ha.config_files:
        sets: [{name: nginx, state: restored, store: /var/lib/evenkeel/nginx}]
    - name: Reload nginx
      ansible.builtin.systemd_service: {name: nginx, state: reloaded}

- name: Remove nginx's configuration, and put the package's back
  evenkeel.nginx_ha.config_files:
    sets: [{name: nginx, state: removed, store: /var/lib/evenkeel/nginx}]
"""

RETURN = r"""
sets:
  description: What became of each set, by its name. Where one is refused or fails, what it has of this stands beside C(msg).
  returned: success
  type: dict
  contains:
    changed_files:
      description:
        - Paths of the files that were written or removed, or in check mode would be. For O(sets[].state=restored) these are all files
          of the change that was taken back. Empty for O(sets[].state=tested) and O(sets[].state=committed).
      returned: success, and when a change is refused or fails
      type: list
      elements: str
    pending_files:
      description:
        - Paths of the files that the service has to take up. These are all that were not as they should be when the module
          began, and those of a change that was under way then. Empty for O(sets[].state=committed).
      returned: success, and when a change is refused or fails
      type: list
      elements: str
    managed_files:
      description: Paths of O(sets[].files). Empty for a O(sets[].state) that takes none.
      returned: success
      type: list
      elements: str
    interrupted:
      description:
        - Whether a change was under way in O(sets[].store) when the module began. Before O(sets[].state=tested) and O(sets[].state=present) that is
          one whose run was killed.
      returned: success, and when a change is refused or fails
      type: bool
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native
from ansible.module_utils.common.validation import check_required_if
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import configuration
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.config_store import StoreError

# The options of a set of config_files.
OPTIONS = dict(
    name=dict(type="str", required=True),
    needed=dict(type="list", elements="str", default=[]),
    state=dict(type="str", choices=["present", "tested", "committed", "restored", "removed"], default="present"),
    store=dict(type="path"),
    unfinished=dict(type="bool", default=False),
    root=dict(type="path"),
    files=dict(
        type="list",
        elements="dict",
        options=dict(
            path=dict(type="str", required=True),
            content=dict(type="str", required=True),
            mode=dict(type="raw", default="0644"),
            group=dict(type="str", default="root"),
            secret=dict(type="bool", default=False),
        ),
    ),
    purge=dict(type="list", elements="str", default=[]),
    absent=dict(type="list", elements="str", default=[]),
    validate=dict(type="list", elements="str", default=[]),
    secrets=dict(type="list", elements="str", default=[], no_log=True),
    mask=dict(type="list", elements="str", default=[]),
)
REQUIRED_IF = [
    ("state", "present", ("root", "files")),
    ("state", "tested", ("root", "files")),
    ("state", "committed", ("store",)),
    ("state", "restored", ("store",)),
    ("state", "removed", ("store",)),
]


def needed(params):
    """What another set's checker will look for and not find, as a set of its own; None where there is nothing of that."""
    missing = [
        entry
        for entry in params["files"] or []
        if entry["path"] in params["needed"] and not os.path.exists(os.path.join(params["root"], entry["path"]))
    ]
    return dict(params, state="present", files=missing, purge=[], absent=[]) if missing else None


def main():
    # Kept out of the host's log, where a secret of several lines would not be recognized.
    option = dict(type="list", elements="dict", required=True, no_log=True, options=OPTIONS)
    module = AnsibleModule(argument_spec=dict(sets=option), supports_check_mode=True)
    sets = module.params["sets"]
    configuration.show_what_is_no_secret(module, sets)
    changed, diff, answers = False, [], {}
    try:
        for params in sets:
            given = {name: value for name, value in params.items() if value is not None}
            check_required_if(REQUIRED_IF, given)
    except TypeError as error:
        module.fail_json(msg=to_native(error))
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
