# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a keepalived.conf configures."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}])|((?:\\.|[^\s{}"#!\\])+)|([#!])')
# keepalived's own, where the configuration names none.
PRIORITY, ADVERT_INT, VRRP_VERSION = 100, 1.0, 2
# RFC 5798, 5.1.1.2 and 5.1.2.2.
GROUPS = {4: "224.0.0.18", 6: "ff02::12"}
# The tracked file with which the role keepalived drains a host.
DRAINED = "drained"


def statements(text):
    """A configuration as pairs of a line's words and the statements of its block."""
    root = []
    stack = [root]
    for line in text.splitlines():
        words = []
        for quoted, brace, word, comment in TOKEN.findall(line):
            if comment:
                break
            if not brace:
                words.append(quoted or word)
                continue
            if words:
                stack[-1].append((words, []))
                words = []
            if brace == "{":
                # On a line of its own it opens the block of the line before.
                stack.append(stack[-1][-1][1] if stack[-1] else [])
            elif len(stack) > 1:
                stack.pop()
        if words:
            stack[-1].append((words, []))
    return root


def instances(configuration):
    """What each vrrp_instance block with a VRID says."""
    found = []
    for words, inner in _blocks(configuration, "vrrp_instance"):
        vrid = _number(inner, "virtual_router_id", int, None)
        if words and vrid is not None:
            listed = [line[0] for line, dummy in _inside(inner, "virtual_ipaddress")]
            found.append(
                {
                    "name": words[0],
                    "virtual_router_id": vrid,
                    "priority": _number(inner, "priority", int, PRIORITY),
                    "drained_weight": _drained_weight(inner),
                    "advert_int": _number(inner, "advert_int", float, ADVERT_INT),
                    "virtual_ipaddress": [with_prefix(address) for address in listed],
                    "group": _group(configuration, inner, listed),
                    "unicast_peers": [line[0] for line, dummy in _inside(inner, "unicast_peer")],
                }
            )
    return found


def _group(configuration, inner, listed):
    """The multicast group of an instance's adverts, as far as it is configured."""
    family = 6 if any(":" in address for address in listed) else 4
    own = _value(inner, "mcast_dst_ip")
    return own or _value(_inside(configuration, "global_defs"), "vrrp_mcast_group%d" % family) or GROUPS[family]


def vrrp_version(configuration):
    default = VRRP_VERSION if instances(configuration) else None
    return _number(_inside(configuration, "global_defs"), "vrrp_version", int, default)


def has_other_password(configuration, password, kind="PASS"):
    """Whether any instance of IPv4 has another password than this one, or none, or another kind of authentication.

    IPv6 is VRRPv3's, which has no password (RFC 5798).
    """
    blocks = [inner for dummy, inner in _blocks(configuration, "vrrp_instance") if not _is_of_ipv6(inner)]
    found = [_inside(inner, "authentication") for inner in blocks]
    wanted = (kind if password else "", password)
    return any((_value(each, "auth_type"), _value(each, "auth_pass")) != wanted for each in found)


def hmac_differs(configuration, wanted):
    """Whether any instance and one with the wanted auth_hmac, which may be empty, would drop each other's adverts."""
    keys = {"%s" % each.get("id"): _key("%s" % each.get("key")) for each in wanted.get("keys") or []}
    new = (wanted.get("mode") or "enforce") if wanted else "", "%s" % wanted.get("active_key"), keys
    blocks = [_blocks(inner, "auth_hmac") for dummy, inner in _blocks(configuration, "vrrp_instance")]
    former = [_signing(found[-1][1]) if found else ("", "", {}) for found in blocks]
    return any(not (_hears(old, new) and _hears(new, old)) for old in former)


def _signing(block):
    """The mode of an auth_hmac block, the id of the key that it signs with, and its keys."""
    keys = {words[0]: _key(words[1]) for words, dummy in _blocks(block, "key") if len(words) > 1}
    return _value(block, "mode") or "enforce", _value(block, "active_key"), keys


def _key(text):
    return text.lower() if text.startswith("hex:") else text


def _hears(receiver, sender):
    """Whether the receiver takes the sender's adverts; each is a mode, which is empty without auth_hmac, an active key and keys."""
    mode, dummy, known = receiver
    if sender[0] not in ("enforce", "permissive"):
        return mode != "enforce"
    key = sender[2].get(sender[1])
    return bool(mode) and key is not None and known.get(sender[1]) == key


def _is_of_ipv6(instance):
    return any(":" in words[0] for words, dummy in _inside(instance, "virtual_ipaddress"))


def _drained_weight(instance):
    """What a drain adds to the priority, and None where the instance does not track it."""
    for words, dummy in _inside(instance, "track_file"):
        if words[0] == DRAINED:
            return _number([(["weight", words[-1]], [])], "weight", int, 0)
    return None


def with_prefix(address):
    """An address without a prefix stands for itself alone."""
    if "/" in address:
        return address
    return address + ("/128" if ":" in address else "/32")


def _blocks(among, keyword):
    return [(words[1:], inner) for words, inner in among if words[0] == keyword]


def _inside(among, keyword):
    return [statement for dummy, inner in _blocks(among, keyword) for statement in inner]


def _value(among, keyword):
    """The last value of a keyword, or empty."""
    found = [words[0] for words, dummy in _blocks(among, keyword) if words]
    return found[-1] if found else ""


def _number(among, keyword, kind, default):
    try:
        return kind(_value(among, keyword))
    except ValueError:
        return default
