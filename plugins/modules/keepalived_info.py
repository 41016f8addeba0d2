#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: keepalived_info
short_description: Which keepalived a host has, and what it is configured to do
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Reads the version and build options of a keepalived binary and the VRRP instances of its configuration.
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
    description: The interface that carries the VIPs, for RV(addresses) and RV(networkd_file).
    type: str
    default: ""
attributes:
  check_mode:
    description: Changes nothing, and runs in check mode too.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
"""

EXAMPLES = r"""
- name: Look at keepalived
  evenkeel.nginx_ha.keepalived_info:
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
  description: The addresses that O(interface) has now, with their prefixes; VIPs that the host holds are among them.
  returned: success
  type: list
  elements: str
networkd_file:
  description: systemd-networkd's file for O(interface), or empty where networkd does not manage it.
  returned: success
  type: str
instances:
  description: VRRP instances of the configuration, with C(name) and C(virtual_router_id) (an integer).
  returned: success
  type: list
  elements: dict
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule


def configured_instances(text):
    """Name and VRID of each vrrp_instance block."""
    text = re.sub(r"[#!].*", "", text)
    instances = []
    for name, body in re.findall(r"^\s*vrrp_instance\s+(\S+)\s*\{(.*?)(?=^\s*vrrp_|\Z)", text, re.M | re.S):
        vrid = re.search(r"^\s*virtual_router_id\s+(\d+)\s*$", body, re.M)
        if vrid:
            instances.append({"name": name, "virtual_router_id": int(vrid.group(1))})
    return instances


def read(path):
    try:
        with open(path) as source:
            return source.read()
    except (IOError, OSError):
        return ""


def networkd_file(module, interface):
    """The .network file by which systemd-networkd manages the interface."""
    networkctl = module.get_bin_path("networkctl")
    if not networkctl or not interface:
        return ""
    dummy, out, dummy = module.run_command([networkctl, "status", "--no-pager", interface])
    found = re.search(r"^\s*Network File:\s*(/\S+)\s*$", out, re.M)
    return found.group(1) if found else ""


def addresses(module, interface):
    """The interface's addresses, global ones only."""
    if not interface:
        return []
    ip = module.get_bin_path("ip", True)
    dummy, out, dummy = module.run_command([ip, "-oneline", "address", "show", "dev", interface, "scope", "global"])
    return re.findall(r"\sinet6? (\S+)", out)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            binary=dict(type="path", default="/usr/sbin/keepalived"),
            marker=dict(type="path"),
            config=dict(type="path", default="/etc/keepalived/keepalived.conf"),
            interface=dict(type="str", default=""),
        ),
        supports_check_mode=True,
    )
    binary, marker = module.params["binary"], module.params["marker"]
    installed = os.access(binary, os.X_OK) and (not marker or os.path.exists(marker))
    said = ""
    if installed:
        code, out, err = module.run_command([binary, "--version"])
        said = out + err
        if code:
            module.fail_json(msg="%s --version ended with %d:\n%s" % (binary, code, said))
    version = re.search(r"Keepalived v([0-9.]+)", said)
    options = re.search(r"^Config options:\s*(.*)$", said, re.M)
    module.exit_json(
        changed=False,
        installed=installed,
        version=version.group(1) if version else "",
        options=options.group(1).split() if options else [],
        addresses=addresses(module, module.params["interface"]),
        networkd_file=networkd_file(module, module.params["interface"]),
        instances=configured_instances(read(module.params["config"])),
    )


if __name__ == "__main__":
    main()
