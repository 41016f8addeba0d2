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
    suboptions:
      binary:
        description: The keepalived to ask.
        type: path
        default: /usr/sbin/keepalived
      marker:
        description: A file without which O(keepalived.binary) counts as not installed, such as the last file of an unpacked artifact.
        type: path
      config:
        description: The configuration.
        type: path
        default: /etc/keepalived/keepalived.conf
      interface:
        description: The interface that carries the adverts, for C(networkd_file); without one C(addresses) is empty.
        type: str
        default: ''
      user:
        description: The account that scripts run as, for C(user_exists).
        type: str
        default: ''
      auth_pass:
        description: The password that the instances shall have, for C(auth_differs); empty if they shall have none.
        type: str
      auth_type:
        description: The kind of authentication that they shall have with it.
        type: str
        choices:
          - PASS
          - AH
        default: PASS
      auth_hmac:
        description:
          - How the instances shall sign their adverts, for C(hmac_differs), as the keepalived role's variable C(keepalived_auth_hmac)
            has it; empty if they shall not.
        type: dict
      state_dir:
        description: Where the files lie that keepalived tracks until the next boot.
        type: path
        default: /run/vrrp
      drained_file:
        description: The tracked file of a drained host.
        type: path
        default: /var/lib/keepalived/drained
      admitted_file:
        description: The file in which the role keeps from where its firewall rule lets adverts in.
        type: path
        default: /var/lib/keepalived/firewall
      state:
        description:
          - Whether to ask the daemon for its own state. It answers with the file C(keepalived.data) in its C(TMPDIR), within 3 s or not at all.
        type: bool
        default: false
      asked_at:
        description: The control node's time, in seconds since the epoch, for C(clock_offset).
        type: float
  nginx:
    description: Looks at nginx, with the options of M(evenkeel.nginx_ha.nginx_info).
    type: dict
    suboptions:
      binary:
        description: The nginx to ask. The one on C(PATH) if it is not given.
        type: path
      config:
        description: The configuration.
        type: path
        default: /etc/nginx/nginx.conf
      probes:
        description: HTTP requests to send, all at once.
        type: list
        elements: dict
        default: []
        suboptions:
          address:
            description: The IP address to connect to, IPv4 or IPv6.
            type: str
            required: true
          port:
            description: The TCP port to connect to.
            type: int
            default: 80
          host:
            description: The C(Host) header. The address if it is not given.
            type: str
          path:
            description: The path to ask for.
            type: str
            default: /
          tls:
            description: Asks by HTTPS, whatever the certificate says. O(nginx.probes[].host) is named to the server (SNI).
            type: bool
            default: false
      timeout:
        description: Within how many seconds the first line of an answer has to come.
        type: float
        default: 2.0
      packages:
        description:
          - Whether to ask the package manager, for C(packages) and C(candidates). It answers from its present lists, which this module
            does not refresh.
        type: bool
        default: false
      wanted:
        description:
          - With O(nginx.packages), the version of nginx that C(candidates) are to be of, up or down, in place of the newest. V(*) stands for
            any text, such as in V(1.22.1*); the newest that matches is taken. The epoch may be left out.
        type: str
  listen:
    description: Listens for VRRP speakers, with the options of M(evenkeel.nginx_ha.vrrp_listen).
    type: dict
    suboptions:
      interface:
        description: The interface, such as V(ens33). One that is down is warned of, and heard once it is up.
        type: str
        required: true
      seconds:
        description:
          - How long to listen, in seconds, more than 0 and at most 120. A master speaks once in its interval, and a backup not at all.
        type: float
        default: 3.0
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
