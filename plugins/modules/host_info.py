#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: host_info
short_description: Look at a load balancer once, for all that is to be known of it
version_added: 0.2.0
author: The evenkeel developers (@evenkeel)
description:
  - Looks at keepalived, looks at nginx, and listens for VRRP speakers, what of these is asked for, in one execution. It listens while it looks.
options:
  keepalived:
    description: Looks at keepalived, with the options of M(evenkeel.nginx_ha.keepalived_info).
    type: dict
  nginx:
    description: Looks at nginx, with the options of M(evenkeel.nginx_ha.nginx_info).
    type: dict
  listen:
    description: Listens for VRRP speakers, with the options of M(evenkeel.nginx_ha.vrrp_listen).
    type: dict
extends_documentation_fragment: evenkeel.nginx_ha.looks
"""

EXAMPLES = r"""
- name: Look at keepalived and nginx, and hear who else speaks VRRP
  evenkeel.nginx_ha.host_info:
    keepalived: {interface: ens33}
    nginx: {}
    listen: {interface: ens33, seconds: 2}
  register: host
"""

RETURN = r"""
keepalived:
  description: What M(evenkeel.nginx_ha.keepalived_info) returns.
  returned: with O(keepalived)
  type: dict
nginx:
  description: What M(evenkeel.nginx_ha.nginx_info) returns.
  returned: with O(nginx)
  type: dict
heard:
  description: What M(evenkeel.nginx_ha.vrrp_listen) returns.
  returned: with O(listen)
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import keepalived_look, nginx_look, vrrp_hearing


def main():
    module = AnsibleModule(
        argument_spec=dict(
            keepalived=dict(type="dict", options=keepalived_look.OPTIONS),
            nginx=dict(type="dict", options=nginx_look.OPTIONS),
            listen=dict(type="dict", options=vrrp_hearing.OPTIONS),
        ),
        supports_check_mode=True,
    )
    params, found = module.params, {}
    hearing = vrrp_hearing.Hearing(module, params["listen"]) if params["listen"] is not None else None
    if params["keepalived"] is not None:
        found["keepalived"] = keepalived_look.look(module, params["keepalived"])
    if params["nginx"] is not None:
        found["nginx"] = nginx_look.look(module, params["nginx"])
    if hearing:
        found["heard"] = hearing.heard()
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
