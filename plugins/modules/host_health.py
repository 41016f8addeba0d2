# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is the documentation of an action plugin of the same name: it runs on the control node.

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: host_health
short_description: Wait until keepalived and nginx are healthy
version_added: 0.2.0
author: The evenkeel developers (@evenkeel)
description:
  - Asks once a second, for as many seconds as the roles' C(keepalived_patience) and C(nginx_patience) say, and fails with what is still
    wrong then.
options:
  roles:
    description: What is asked.
    type: list
    elements: str
    choices: [nginx, keepalived]
    default: [nginx, keepalived]
  expected:
    description: The addresses of VIPs, with prefixes, that the host has to hold. Without it any will do.
    type: list
    elements: str
attributes:
  check_mode:
    description: Changes nothing, and runs in check mode too.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
"""

EXAMPLES = r"""
- name: Wait until keepalived has its VIP
  evenkeel.nginx_ha.host_health:
    roles: [keepalived]
    expected: [192.168.200.200/24]
"""

RETURN = r"""
daemon:
  description: What M(evenkeel.nginx_ha.keepalived_info) or M(evenkeel.nginx_ha.nginx_info) returned at last for the first of O(roles), besides this.
  returned: with V(keepalived) as the first of O(roles)
  type: dict
"""
