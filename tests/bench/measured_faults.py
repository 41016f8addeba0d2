# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults that are measured on both configurations. Where the drill has the same fault, its text is taken."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.drill import faults

DRILL = {fault.name: fault for fault in faults.FAULTS}
# When a measurement is over: the VIP is on the other host, is home again, or has had no reason to move.
MOVED, HOME, STAYED = "moved", "home", "stayed"
# What a user of the reference has to do by hand whenever its check has stopped keepalived.
BY_HAND = "systemctl start nginx keepalived"
FAST = "host cut off, fast setting"


@dataclass(frozen=True)
class Fault:
    """One fault, as bash that root runs on the host.

    before: not measured. reference: what takes the place of inject there, and BY_HAND that of heal.
    unplug: the host's front cable is pulled, and plugged in to heal.
    variables: settings of ours that are other than the defaults.
    """

    name: str
    inject: str = ""
    heal: str = ""
    before: str = ""
    reference: str = ""
    until: str = MOVED
    host: str = "nginx1"
    unplug: bool = False
    variables: dict[str, object] = field(default_factory=dict)

    def injection(self, side: str) -> str:
        if side == "ours":
            return self.inject
        text = self.reference or self.inject
        # Without a person the VIP may never come home.
        return f"{text}\nsleep 0.5\n{BY_HAND}" if self.until == HOME else text

    def healing(self, side: str) -> str:
        if side == "ours":
            return self.heal or ":"
        return BY_HAND if self.reference else f"{self.heal or ':'}\n{BY_HAND}"


def _drilled(name: str, drill: str, until: str = MOVED) -> Fault:
    return Fault(name, DRILL[drill].inject, DRILL[drill].heal, until=until)


# A new version of nginx comes in both packages. They are in apt's cache already.
_UPGRADE = """
export DEBIAN_FRONTEND=noninteractive
apt-get --quiet --quiet --yes --reinstall install nginx nginx-common
"""
_ON_THE_BACKUP = """
systemctl kill --signal=KILL nginx
sleep 2.2
systemctl start nginx keepalived
sleep 1
systemctl stop keepalived
sleep 1
systemctl start keepalived
sleep 1
"""

FAULTS = (
    _drilled("nginx stopped", "nginx_stop"),
    _drilled("nginx restarted", "nginx_restart", until=HOME),
    Fault("nginx upgraded", _UPGRADE, until=HOME),
    Fault(
        "keepalived drained",
        "/etc/keepalived/vips.sh leave",
        heal="/etc/keepalived/vips.sh return",
        # It has no other way.
        reference="systemctl stop keepalived",
    ),
    _drilled("orderly reboot", "reboot"),
    _drilled("nginx killed", "nginx_kill"),
    _drilled("keepalived stopped", "keepalived_stop"),
    _drilled("keepalived killed with -9", "keepalived_kill"),
    Fault("host cut off", unplug=True),
    _drilled("nginx hung", "nginx_hang"),
    Fault(
        "return of a host",
        "systemctl start nginx keepalived",
        before="systemctl stop keepalived\nsystemctl stop nginx",
        until=HOME,
    ),
    Fault("anything on the backup", _ON_THE_BACKUP, until=STAYED, host="nginx2"),
    Fault(FAST, unplug=True, variables={"keepalived_advert_int": 0.05}),
)
NAMES = tuple(fault.name for fault in FAULTS)
