# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is the documentation of an action plugin of the same name: it runs on the control node.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: role_files
short_description: Test or place the files of roles, or take them back
version_added: 0.2.0
author: The evenkeel developers (@evenkeel)
description:
  - Renders the files of the roles, as their variables C(keepalived_files), C(nginx_files) and C(check_nginx_files) name them, and has
    M(evenkeel.nginx_ha.config_sets) do the rest in one execution.
options:
  roles:
    description: The roles whose files these are; the play has to have them, as C(import_role) gives them to it.
    type: list
    elements: str
    choices: [nginx, check_nginx, keepalived]
    default: [nginx, check_nginx, keepalived]
  state:
    description: As O(evenkeel.nginx_ha.config_files#module:state).
    type: str
    choices: [tested, present, committed, restored, removed]
    default: tested
  unfinished:
    description: As O(evenkeel.nginx_ha.config_files#module:unfinished).
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports what would change and tests it where it can.
    support: full
  diff_mode:
    description: Shows each file's difference, secrets masked.
    support: full
"""

EXAMPLES = r"""
- name: Test what is to be changed, on all hosts
  evenkeel.nginx_ha.role_files:
  register: staged
"""

RETURN = r"""
facts:
  description:
    - What M(evenkeel.nginx_ha.config_files) returns for each role, as C(keepalived_staged), C(nginx_staged) and C(check_nginx_staged).
    - What it returns for the first of O(roles) is in the result itself, too.
  returned: success
  type: dict
"""
