# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is the documentation of an action plugin of the same name: it runs on the control node.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: cluster_plan
short_description: Plan all clusters of a play, and refuse what cannot work on any of its hosts
version_added: 0.2.0
author: The evenkeel developers (@evenkeel)
description:
  - Plans as P(evenkeel.nginx_ha.vrrp_fleet#filter) does, with what M(evenkeel.nginx_ha.host_check) has found, and fails with all problems of all
    hosts, one a line.
  - It is for C(run_once).
options:
  checked:
    description: The name of the variable in which each host has the registered result of M(evenkeel.nginx_ha.host_check).
    type: str
    required: true
  nginx_only:
    description: Plans no cluster, for a play without keepalived.
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
    refuse: false
  register: checked

- name: Plan all clusters, or refuse
  evenkeel.nginx_ha.cluster_plan:
    checked: checked
  run_once: true
  register: keepalived_fleet
"""

RETURN = r"""
plan:
  description: The VRRP instances of each host, as P(evenkeel.nginx_ha.vrrp_plan#filter) returns them.
  returned: without O(nginx_only)
  type: dict
table:
  description: The plan as lines to print.
  returned: without O(nginx_only)
  type: list
  elements: str
moves:
  description: What applying it would move, a line each.
  returned: without O(nginx_only)
  type: list
  elements: str
cautions:
  description: What is to be known and does not stop the run, a line each.
  returned: success
  type: list
  elements: str
lacking:
  description: Whether a host lacks the keepalived that it shall have.
  returned: success
  type: bool
"""
