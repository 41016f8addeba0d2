# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hears who speaks VRRP on an interface: the module host_info documents it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import threading
import time

from ansible.module_utils.common.text.converters import to_bytes, to_native

from .vrrp_packet import AH, VRRP, Malformed, parse_ipv4, parse_ipv6

# What host_info takes of listening.
OPTIONS = dict(
    interface=dict(type="str", required=True),
    seconds=dict(type="float", default=3.0),
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


class Hearing:
    """Listens beside other work, from its making on. params: values of OPTIONS."""

    def __init__(self, module, params):
        self.module = module
        self.interface, self.seconds = params["interface"], params["seconds"]
        self.error = None
        if not 0 < self.seconds <= LONGEST:
            module.fail_json(msg="seconds is %s. Name more than 0 seconds and at most %d." % (self.seconds, LONGEST))
        names = interfaces()
        if self.interface not in names:
            module.fail_json(
                msg="There is no interface '%s' on this host; it has %s." % (self.interface, ", ".join(names))
            )
        try:
            self.listener = Listener(self.interface)
        except EnvironmentError as error:
            self.fail(error)
        self.thread = threading.Thread(target=self.listen)
        # A module that fails meanwhile ends at once.
        self.thread.daemon = True
        self.thread.start()

    def listen(self):
        try:
            self.listener.listen(self.seconds)
        except EnvironmentError as error:
            self.error = error

    def fail(self, error):
        if error.errno in (errno.EPERM, errno.EACCES):
            self.module.fail_json(
                msg="Listening on %s needs root (CAP_NET_RAW). Run the task with become." % self.interface
            )
        self.module.fail_json(msg="Listening on %s failed: %s" % (self.interface, to_native(error)))

    def heard(self):
        """What was heard, once the time is over."""
        self.thread.join()
        if self.error:
            self.fail(self.error)
        if self.listener.down:
            self.module.warn(
                "%s was down, at least at first; nothing is heard on an interface that is down." % self.interface
            )
        return dict(
            speakers=[self.listener.speakers[key] for key in sorted(self.listener.speakers)],
            malformed=self.listener.malformed,
            dropped=self.listener.dropped,
            seconds=self.seconds,
            interface=self.interface,
        )
