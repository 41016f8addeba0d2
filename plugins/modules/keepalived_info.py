#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: keepalived_info
short_description: Which keepalived a host has, what it is configured to do, and what it does
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Reads the version and build options of a keepalived binary, the VRRP instances of its configuration, and what tells keepalived to
    leave a host's VIPs to others.
  - Looks at the daemon that runs, and with O(state) asks it which VIPs it is master of.
  - Passwords are not returned.
options:
  binary:
    description: The keepalived to ask.
    type: path
    default: /usr/sbin/keepalived
  marker:
    description: A file without which O(binary) counts as not installed, such as the last file of an unpacked artifact.
    type: path
  config:
    description: The configuration.
    type: path
    default: /etc/keepalived/keepalived.conf
  interface:
    description: The interface that carries the adverts, for RV(networkd_file); without one RV(addresses) is empty.
    type: str
    default: ""
  user:
    description: The account that scripts run as, for RV(user_exists).
    type: str
    default: ""
  auth_pass:
    description: The password that the instances shall have, for RV(auth_differs); empty if they shall have none.
    type: str
  auth_type:
    description: The kind of authentication that they shall have with it.
    type: str
    choices: [PASS, AH]
    default: PASS
  auth_hmac:
    description:
      - How the instances shall sign their adverts, for RV(hmac_differs), as the keepalived role's variable C(keepalived_auth_hmac) has it; empty
        if they shall not.
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
      - Whether to ask the daemon for its own state. It answers with the file C(keepalived.data) in its C(TMPDIR), within 3 s or not at
        all.
    type: bool
    default: false
  asked_at:
    description: The control node's time, in seconds since the epoch, for RV(clock_offset).
    type: float
extends_documentation_fragment: evenkeel.nginx_ha.looks
"""

EXAMPLES = r"""
- name: Look at keepalived
  evenkeel.nginx_ha.keepalived_info:
  register: keepalived

- name: Ask it which VIPs it is master of
  evenkeel.nginx_ha.keepalived_info:
    state: true
    asked_at: "{{ now().timestamp() }}"
  register: keepalived
"""

RETURN = r"""
installed:
  description: Whether the binary, and the marker if one was given, are there.
  returned: success
  type: bool
version:
  description: The binary's version, such as V(2.2.7), or empty.
  returned: success
  type: str
options:
  description: What it was built with, such as V(SYSTEMD_NOTIFY).
  returned: success
  type: list
  elements: str
addresses:
  description: The addresses that the host has now, with their prefixes, but those of lo and link-local ones; VIPs that it holds are among them.
  returned: success
  type: list
  elements: str
networkd_file:
  description: systemd-networkd's file for O(interface), or empty where networkd does not manage it.
  returned: success
  type: str
nftables:
  description: Whether the host has systemd's unit that loads the rules of nftables.
  returned: success
  type: bool
admitted:
  description: The addresses from which the role's own rule lets adverts in.
  returned: success
  type: list
  elements: str
instances:
  description: VRRP instances of the configuration.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    virtual_router_id:
      description: Its VRID.
      type: int
    priority:
      description: Its priority, or keepalived's own V(100).
      type: int
    drained_weight:
      description: What a drain adds to its priority, with 0 for a FAULT. Null where it does not know of drains.
      type: int
    advert_int:
      description: The seconds between its adverts, or keepalived's own V(1).
      type: float
    virtual_ipaddress:
      description: Its VIPs with their prefixes.
      type: list
      elements: str
    group:
      description: The multicast group of its adverts, where it sends them to one.
      type: str
    unicast_peers:
      description: Where it sends its adverts; empty for the multicast group.
      type: list
      elements: str
vrrp_version:
  description: The configuration's VRRP version, V(2) where it has instances and names none, and null where it has no instances either.
  returned: success
  type: int
user_exists:
  description: Whether there is an account O(user).
  returned: success
  type: bool
auth_differs:
  description: Whether an instance of the configuration has another password than O(auth_pass), or another kind than O(auth_type).
  returned: success
  type: bool
hmac_differs:
  description:
    - Whether an instance of the configuration and one with O(auth_hmac) would drop each other's adverts, by their modes and keys.
    - A key in a file is known by the file's name alone.
  returned: success
  type: bool
drained:
  description: Why the host is drained, or empty.
  returned: success
  type: str
drained_since:
  description: Since when, in seconds since the epoch, or null.
  returned: success
  type: float
standby:
  description: Whether the host hands its VIPs over.
  returned: success
  type: bool
nginx_down:
  description: Whether systemd has told keepalived that nginx is down.
  returned: success
  type: bool
check_failed:
  description: Whether the check of nginx has failed.
  returned: success
  type: bool
daemon:
  description: The daemon that runs.
  returned: success
  type: dict
  contains:
    running:
      description: Whether there is one.
      type: bool
    pid:
      description: Its main process, or V(0).
      type: int
    binary:
      description:
        - The path that it was started from, also where another file has taken its place, or empty. It is written as O(binary) where it
          is that file.
      type: str
    version:
      description: The version of what runs, which is not RV(version) before a restart, or empty.
      type: str
    since:
      description: When it was started, in seconds since the epoch, or null.
      type: float
    state_age:
      description: How many seconds it took to answer, or null if it did not. Only with O(state).
      type: float
    instances:
      description: What it says of its instances. Only with O(state).
      type: list
      elements: dict
      contains:
        name:
          description: Its name.
          type: str
        state:
          description: V(MASTER), V(BACKUP), V(FAULT) or V(INIT).
          type: str
        virtual_router_id:
          description: Its VRID.
          type: int
        priority:
          description: Its priority now, with what is tracked.
          type: int
        base_priority:
          description: Its configured priority.
          type: int
        virtual_ipaddress:
          description: Its VIPs with their prefixes.
          type: list
          elements: str
        master:
          description: As backup, the address of the master it has heard last. Empty if it has heard none, and in other states.
          type: str
        last_transition:
          description: When its state changed last, in seconds since the epoch.
          type: float
clock_offset:
  description:
    - How many seconds the host's clock is ahead of O(asked_at), or null without it. The time that it took to start this module counts as
      ahead.
  returned: success
  type: float
ntp:
  description: Whether the host's clock is synchronized, or null where systemd cannot tell.
  returned: with O(state)
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import keepalived_look


def main():
    module = AnsibleModule(argument_spec=keepalived_look.OPTIONS, supports_check_mode=True)
    module.exit_json(changed=False, **keepalived_look.look(module, module.params))


if __name__ == "__main__":
    main()
