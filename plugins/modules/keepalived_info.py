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

import os
import pwd
import re
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_text
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import keepalived_conf, keepalived_dump, processes

UNITS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system")


def take_secret(module, name):
    """An option's value, which Ansible forgets: it would blot out each VRID and time that happens to contain a password."""
    secret = module.params[name]
    if secret is not None:
        # All of them are taken, and of a dictionary Ansible has each value.
        module.no_log_values.clear()
        module.params[name] = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    return secret


def networkd_file(module, interface):
    """The .network file by which systemd-networkd manages the interface."""
    networkctl = module.get_bin_path("networkctl")
    if not networkctl or not interface:
        return ""
    dummy, out, dummy = module.run_command([networkctl, "status", "--no-pager", interface])
    found = re.search(r"^\s*Network File:\s*(/\S+)\s*$", out, re.M)
    return found.group(1) if found else ""


def addresses(module, interface):
    """The host's addresses: a VIP can be on another interface than the adverts are, such as one with VRRP's MAC."""
    if not interface:
        return []
    ip = module.get_bin_path("ip", True)
    dummy, out, dummy = module.run_command([ip, "-oneline", "address", "show"])
    return re.findall(r"^\d+: (?!lo\s).*?\sinet6? (?!fe80:)(\S+)", out, re.M)


def user_exists(name):
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def is_set(text):
    """Whether keepalived reads anything but 0 from a tracked file with this text."""
    return bool(re.match(r"\s*[+-]?0*[1-9]", text))


def drained(path):
    """Why the host is drained, and since when."""
    text = processes.text(path)
    if not is_set(text):
        return "", None
    return text.splitlines()[0].partition(" ")[2].strip() or "no reason given", os.stat(path).st_mtime


def main_pid(module):
    systemctl = module.get_bin_path("systemctl")
    out = module.run_command([systemctl, "show", "--property=MainPID", "keepalived.service"])[1] if systemctl else ""
    found = re.search(r"^MainPID=(\d+)$", out, re.M)
    return int(found.group(1)) if found and int(found.group(1)) else processes.of_pid_file("keepalived")


def version_of(said):
    found = re.search(r"Keepalived v([0-9.]+)", said)
    return found.group(1) if found else ""


def running(module, pid, version):
    """The path and the version of what runs; as a rule this is the binary that was asked already."""
    binary, path = module.params["binary"], processes.executable(pid)
    link = os.path.join(processes.PROC, str(pid), "exe")
    try:
        if os.path.exists(binary) and os.path.samefile(link, binary):
            path = binary
            if version:
                return path, version
        if not processes.is_named(pid, "keepalived"):
            return path, ""
        dummy, out, err = module.run_command([link, "--version"], handle_exceptions=False)
    except (IOError, OSError):
        return path, ""
    return path, version_of(out + err)


def daemon(module, version):
    pid = main_pid(module)
    path, runs = running(module, pid, version) if pid else ("", "")
    found = {
        "running": bool(pid),
        "pid": pid,
        "binary": path,
        "version": runs,
        "since": processes.started(pid) if pid else None,
    }
    if module.params["state"]:
        found["state_age"], found["instances"] = keepalived_dump.ask(pid) if pid else (None, [])
    return found


def synchronized(module):
    timedatectl = module.get_bin_path("timedatectl")
    if not timedatectl:
        return None
    dummy, out, dummy = module.run_command([timedatectl, "show", "--property=NTPSynchronized"])
    found = re.search(r"^NTPSynchronized=(yes|no)$", out, re.M)
    return found.group(1) == "yes" if found else None


def ask_binary(module):
    """What the binary says of its version and its build; nothing where it is not installed."""
    binary, marker = module.params["binary"], module.params["marker"]
    if not os.access(binary, os.X_OK) or (marker and not os.path.exists(marker)):
        return None
    code, out, err = module.run_command([binary, "--version"])
    if code:
        module.fail_json(msg="%s --version ended with %d:\n%s" % (binary, code, out + err))
    return out + err


def main():
    module = AnsibleModule(
        argument_spec=dict(
            binary=dict(type="path", default="/usr/sbin/keepalived"),
            marker=dict(type="path"),
            config=dict(type="path", default="/etc/keepalived/keepalived.conf"),
            interface=dict(type="str", default=""),
            user=dict(type="str", default=""),
            auth_pass=dict(type="str", no_log=True),
            auth_type=dict(type="str", choices=["PASS", "AH"], default="PASS"),
            auth_hmac=dict(type="dict", no_log=True),
            state_dir=dict(type="path", default="/run/vrrp"),
            drained_file=dict(type="path", default="/var/lib/keepalived/drained"),
            admitted_file=dict(type="path", default="/var/lib/keepalived/firewall"),
            state=dict(type="bool", default=False),
            asked_at=dict(type="float"),
        ),
        supports_check_mode=True,
    )
    params, now = module.params, time.time()
    password, hmac = take_secret(module, "auth_pass"), take_secret(module, "auth_hmac")
    said = ask_binary(module)
    version = version_of(said or "")
    options = re.search(r"^Config options:\s*(.*)$", said or "", re.M)
    configuration = keepalived_conf.statements(processes.text(params["config"]))
    reason, since = drained(params["drained_file"])
    found = dict(
        installed=said is not None,
        version=version,
        options=options.group(1).split() if options else [],
        addresses=addresses(module, params["interface"]),
        networkd_file=networkd_file(module, params["interface"]),
        nftables=any(os.path.exists(os.path.join(place, "nftables.service")) for place in UNITS),
        admitted=processes.text(params["admitted_file"]).split(),
        instances=keepalived_conf.instances(configuration),
        vrrp_version=keepalived_conf.vrrp_version(configuration),
        user_exists=user_exists(params["user"]),
        auth_differs=password is not None
        and keepalived_conf.has_other_password(configuration, to_text(password), params["auth_type"]),
        hmac_differs=hmac is not None and keepalived_conf.hmac_differs(configuration, hmac),
        drained=reason,
        drained_since=since,
        standby=is_set(processes.text(params["state_dir"], "standby")),
        nginx_down=is_set(processes.text(params["state_dir"], "nginx")),
        check_failed=is_set(processes.text(params["state_dir"], "check_nginx")),
        daemon=daemon(module, version),
        clock_offset=None if params["asked_at"] is None else now - params["asked_at"],
    )
    if params["state"]:
        found["ntp"] = synchronized(module)
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
