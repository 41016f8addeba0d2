# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host's keepalived is, what it is configured to do, and what it does: the module host_info documents it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import pwd
import re
import time

from ansible.module_utils.common.text.converters import to_text

from . import keepalived_conf, keepalived_dump, processes
from .processes import first, said

# What host_info takes of keepalived.
OPTIONS = dict(
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
)
UNITS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system")


def take_secret(module, params, name):
    """An option's value, which Ansible forgets: it would blot out each VRID and time that happens to contain a password."""
    secret = params[name]
    if secret is not None:
        # All of them are taken, and of a dictionary Ansible has each value.
        module.no_log_values.clear()
        params[name] = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    return secret


def networkd_file(module, interface):
    """The .network file by which systemd-networkd manages the interface."""
    status = said(module, "networkctl", "status", "--no-pager", interface) if interface else ""
    return first(r"^\s*Network File:\s*(/\S+)\s*$", status)


def addresses(module, interface):
    """The host's addresses: a VIP can be on another interface than the adverts are, such as one with VRRP's MAC."""
    if not interface:
        return []
    listed = module.run_command([module.get_bin_path("ip", True), "-oneline", "address", "show"])[1]
    return re.findall(r"^\d+: (?!lo\s).*?\sinet6? (?!fe80:)(\S+)", listed, re.M)


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
    shown = said(module, "systemctl", "show", "--property=MainPID", "keepalived.service")
    return int(first(r"^MainPID=(\d+)$", shown) or 0) or processes.of_pid_file("keepalived")


def version_of(text):
    return first(r"Keepalived v([0-9.]+)", text)


def running(module, binary, pid, version):
    """The path and the version of what runs; as a rule this is the binary that was asked already."""
    path = processes.executable(pid)
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


def daemon(module, params, version):
    pid = main_pid(module)
    path, runs = running(module, params["binary"], pid, version) if pid else ("", "")
    found = {
        "running": bool(pid),
        "pid": pid,
        "binary": path,
        "version": runs,
        "since": processes.started(pid) if pid else None,
    }
    if params["state"]:
        found["state_age"], found["instances"] = keepalived_dump.ask(pid) if pid else (None, [])
    return found


def synchronized(module):
    shown = said(module, "timedatectl", "show", "--property=NTPSynchronized")
    return {"yes": True, "no": False}.get(first(r"^NTPSynchronized=(.*)$", shown))


def ask_binary(module, binary, marker):
    """What the binary says of its version and its build; nothing where it is not installed."""
    if not os.access(binary, os.X_OK) or (marker and not os.path.exists(marker)):
        return None
    code, out, err = module.run_command([binary, "--version"])
    if code:
        module.fail_json(msg="%s --version ended with %d:\n%s" % (binary, code, out + err))
    return out + err


def look(module, params):
    """params: values of OPTIONS; a password or key among them is taken out."""
    now = time.time()
    password, hmac = take_secret(module, params, "auth_pass"), take_secret(module, params, "auth_hmac")
    built = ask_binary(module, params["binary"], params["marker"])
    version = version_of(built or "")
    configuration = keepalived_conf.statements(processes.text(params["config"]))
    reason, since = drained(params["drained_file"])
    found = dict(
        installed=built is not None,
        version=version,
        options=first(r"^Config options:\s*(.*)$", built or "").split(),
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
        daemon=daemon(module, params, version),
        clock_offset=None if params["asked_at"] is None else now - params["asked_at"],
    )
    if params["state"]:
        found["ntp"] = synchronized(module)
    return found
