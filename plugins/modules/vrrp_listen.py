#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: vrrp_listen
short_description: Tell which VRRP speakers are heard on an interface
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Listens for the adverts of VRRP version 2 (RFC 3768) and version 3 (RFC 5798), over IPv4 and IPv6, and returns who
    sent them and what they say. Passwords in them are not returned.
  - What this host sends itself is not heard, nor what is for another interface on top of this one, such as a VLAN's.
  - Nothing on the host changes. While it listens, the interface accepts the multicast addresses of VRRP,
    V(224.0.0.18) and V(ff02::12); it does not become promiscuous.
  - Needs root, or the capability C(CAP_NET_RAW).
options:
  interface:
    description: The interface, such as V(ens33). One that is down is warned of, and heard once it is up.
    type: str
    required: true
  seconds:
    description:
      - How long to listen, in seconds, more than 0 and at most 120. A master speaks once in its interval, and a backup
        not at all.
    type: float
    default: 3.0
extends_documentation_fragment: evenkeel.nginx_ha.looks
"""

EXAMPLES = r"""
- name: Hear who speaks VRRP beside us
  evenkeel.nginx_ha.vrrp_listen:
    interface: ens33
    seconds: 5
  register: heard

- name: Make sure that virtual router ID 51 is free
  ansible.builtin.assert:
    that: 51 not in heard.speakers | map(attribute='virtual_router_id')
"""

RETURN = r"""
speakers:
  description:
    - The senders of adverts, one entry for each address family, VRRP version, virtual router ID and source address,
      sorted by family, virtual router ID and source. Where adverts of one speaker differ, the last one counts.
  returned: success
  type: list
  elements: dict
  contains:
    version:
      description: Version of VRRP, V(2) or V(3).
      type: int
    family:
      description: V(ipv4) or V(ipv6). VRRP version 2 is V(ipv4) alone.
      type: str
    virtual_router_id:
      description: Virtual router ID, from 1 to 255.
      type: int
    priority:
      description: Priority, from 0 to 255; V(0) gives the virtual router up, V(255) owns its addresses.
      type: int
    source:
      description: The sender's IP address.
      type: str
      sample: 192.0.2.1
    addresses:
      description: The addresses of the virtual router, without prefix lengths, as the sender orders them.
      type: list
      elements: str
      sample: [192.0.2.200, 192.0.2.210]
    interval:
      description: Seconds between adverts, whole ones in version 2 and hundredths in version 3.
      type: float
      sample: 1.0
    auth_type:
      description:
        - How version 2 authenticates, V(none), V(pass) (a password in plain text), V(ah) (an authentication header) or
          the number of another type. Null in version 3, which has no authentication.
      type: str
      sample: none
    count:
      description: How many adverts were heard.
      type: int
    first_seen:
      description: When the first one was heard, in seconds since listening began.
      type: float
    last_seen:
      description: When the last one was heard, in seconds since listening began.
      type: float
malformed:
  description:
    - Number of VRRP packets that no host heeds, by reason of a length, a checksum, the version, the type, virtual
      router ID 0, fragmentation, or a TTL (hop limit) other than 255 where they are multicast.
  returned: success
  type: int
dropped:
  description: Number of adverts from further speakers, once there are 1024.
  returned: success
  type: int
seconds:
  description: How long it listened, in seconds, as in O(seconds).
  returned: success
  type: float
interface:
  description: The interface, as in O(interface).
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import vrrp_hearing


def main():
    module = AnsibleModule(argument_spec=vrrp_hearing.OPTIONS, supports_check_mode=True)
    module.exit_json(changed=False, **vrrp_hearing.Hearing(module, module.params).heard())


if __name__ == "__main__":
    main()
