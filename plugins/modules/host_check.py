# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is the documentation of an action plugin of the same name: it runs on the control node.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: host_check
short_description: Look at a load balancer, and check what its roles are given
version_added: 0.2.0
author: The evenkeel developers (@evenkeel)
description:
  - Reads the roles' variables itself, checks them against the roles' argument specs, and has M(evenkeel.nginx_ha.host_info) look at the host
    and listen for VRRP speakers.
  - What members of a cluster have to agree upon, and what nginx can do, is checked by M(evenkeel.nginx_ha.cluster_plan), which wants the
    registered result of this on all hosts.
options:
  roles:
    description: The roles whose variables count; the play has to have them, as C(import_role) gives them to it.
    type: list
    elements: str
    choices: [keepalived, nginx, check_nginx]
    default: [keepalived, nginx, check_nginx]
  refuse:
    description: Whether to fail with the problems, and not only return them.
    type: bool
    default: true
  status:
    description: Checks nothing, and asks keepalived and nginx how they are.
    type: bool
    default: false
attributes:
  check_mode:
    description: Changes nothing, and runs in check mode too.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
"""

EXAMPLES = r"""
- name: Check the input, and look at the host
  evenkeel.nginx_ha.host_check:
    roles: [nginx]
  register: checked

- name: Go on with what was found
  ansible.builtin.set_fact:
    nginx_found: "{{ checked.facts.nginx_found }}"
"""

RETURN = r"""
facts:
  description:
    - Values for variables of these names. Passwords are among C(keepalived_settings), so that the result is not shown.
    - These are C(keepalived_settings), C(keepalived_binary_desired), C(keepalived_unit_path), C(keepalived_found), C(keepalived_heard) and
      C(nginx_found), and with O(status) C(keepalived_now) and C(nginx_now). Empty where the argument specs refuse something.
  returned: success
  type: dict
problems:
  description: What cannot work, a line each.
  returned: success, without O(status)
  type: list
  elements: str
nginx_settings:
  description: The values of nginx's variables.
  returned: with V(nginx) in O(roles)
  type: dict
"""
