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
attributes:
  check_mode:
    description: Listens in check mode too.
    support: full
  diff_mode:
    description: There is nothing that could differ.
    support: none
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

import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes, to_native
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.vrrp_packet import (
    AH,
    VRRP,
    Malformed,
    parse_ipv4,
    parse_ipv6,
)

LONGEST = 120
MOST_SPEAKERS = 1024
LARGEST_PACKET = 65535

# From Linux's headers; Python has few of them, and 2.7 fewer.
ETH_P_IP = 0x0800
ETH_P_IPV6 = 0x86DD
SIOCGIFINDEX = 0x8933
SO_ATTACH_FILTER = 26
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_MR_MULTICAST = 0
TO_US = (0, 1, 2)  # PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST; not others' packets, nor our own
LOAD_BYTE = 0x30
JUMP_IF_EQUAL = 0x15
RETURN_NUMBER = 0x06

# Ethernet protocol: parser, where the IP header has the protocol, the protocols to hear, the group's MAC address
PROTOCOLS = {
    ETH_P_IP: (parse_ipv4, 9, (VRRP, AH), (0x01, 0x00, 0x5E, 0x00, 0x00, 0x12)),
    ETH_P_IPV6: (parse_ipv6, 6, (VRRP,), (0x33, 0x33, 0x00, 0x00, 0x00, 0x12)),
}


def clock():
    """Seconds that no change of the host's time disturbs; Python 2.7 has no time.monotonic."""
    return time.monotonic() if hasattr(time, "monotonic") else os.times()[4]


def interfaces():
    """The names of the interfaces; unlike /sys/class/net, always those of our own network namespace."""
    with open("/proc/net/dev", "rb") as source:
        lines = source.read().splitlines()[2:]
    return sorted(to_native(line.rsplit(b":", 1)[0].strip(), errors="surrogate_or_replace") for line in lines)


def attach_filter(sock, offset, protocols):
    """Have the kernel pass only those IP protocols: the rest of a busy interface's packets would crowd them out."""
    program = [(LOAD_BYTE, 0, 0, offset)]
    for number, protocol in enumerate(protocols):
        program.append((JUMP_IF_EQUAL, len(protocols) - number, 0, protocol))
    program += [(RETURN_NUMBER, 0, 0, 0), (RETURN_NUMBER, 0, 0, LARGEST_PACKET)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))


def join(sock, interface, mac):
    """Have the interface accept the packets to a group until the socket is closed."""
    request = fcntl.ioctl(sock.fileno(), SIOCGIFINDEX, struct.pack("16si20x", to_bytes(interface), 0))
    index = struct.unpack_from("i", request, 16)[0]
    membership = struct.pack("iHH8s", index, PACKET_MR_MULTICAST, len(mac), bytes(bytearray(mac)))
    try:
        sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)
    except EnvironmentError as error:
        # A tunnel without MAC addresses has nothing to join.
        if error.errno != errno.EINVAL:
            raise


def listening(interface, protocol):
    """A socket that hears that protocol on that interface alone, from the first packet on."""
    dummy, offset, protocols, mac = PROTOCOLS[protocol]
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    sock.setblocking(False)
    attach_filter(sock, offset, protocols)
    sock.bind((interface, protocol))
    join(sock, interface, mac)
    return sock


class Listener:
    def __init__(self, interface):
        self.interface = interface
        self.speakers = {}
        self.malformed = 0
        self.dropped = 0
        self.down = False
        self.sockets = [listening(interface, protocol) for protocol in PROTOCOLS]

    def listen(self, seconds):
        start = clock()
        while True:
            left = start + seconds - clock()
            if left <= 0:
                return
            for sock in select.select(self.sockets, [], [], left)[0]:
                self.receive(sock, start)

    def receive(self, sock, start):
        try:
            packet, address = sock.recvfrom(LARGEST_PACKET)
        except EnvironmentError as error:
            if error.errno not in (errno.ENETDOWN, errno.EAGAIN):
                raise
            self.down = self.down or error.errno == errno.ENETDOWN
            return
        # Packets of a VLAN on this interface come with the name of the VLAN's.
        if address[0] == self.interface and address[2] in TO_US:
            self.hear(packet, address[1], clock() - start)

    def hear(self, packet, protocol, moment):
        try:
            advert = PROTOCOLS[protocol][0](packet)
        except Malformed:
            self.malformed += 1
            return
        if advert is None:
            return
        key = tuple(advert[name] for name in ("family", "virtual_router_id", "source", "version"))
        if key not in self.speakers and len(self.speakers) >= MOST_SPEAKERS:
            self.dropped += 1
            return
        moment = round(moment, 3)
        known = self.speakers.get(key, {"count": 0, "first_seen": moment})
        advert.update(count=known["count"] + 1, first_seen=known["first_seen"], last_seen=moment)
        self.speakers[key] = advert


def main():
    module = AnsibleModule(
        argument_spec=dict(
            interface=dict(type="str", required=True),
            seconds=dict(type="float", default=3.0),
        ),
        supports_check_mode=True,
    )
    interface, seconds = module.params["interface"], module.params["seconds"]
    if not 0 < seconds <= LONGEST:
        module.fail_json(msg="seconds is %s. Name more than 0 seconds and at most %d." % (seconds, LONGEST))
    names = interfaces()
    if interface not in names:
        module.fail_json(msg="There is no interface '%s' on this host; it has %s." % (interface, ", ".join(names)))
    try:
        listener = Listener(interface)
        listener.listen(seconds)
    except EnvironmentError as error:
        if error.errno in (errno.EPERM, errno.EACCES):
            module.fail_json(msg="Listening on %s needs root (CAP_NET_RAW). Run the task with become." % interface)
        module.fail_json(msg="Listening on %s failed: %s" % (interface, to_native(error)))
    if listener.down:
        module.warn("%s was down, at least at first; nothing is heard on an interface that is down." % interface)
    module.exit_json(
        changed=False,
        speakers=[listener.speakers[key] for key in sorted(listener.speakers)],
        malformed=listener.malformed,
        dropped=listener.dropped,
        seconds=seconds,
        interface=interface,
    )


if __name__ == "__main__":
    main()
