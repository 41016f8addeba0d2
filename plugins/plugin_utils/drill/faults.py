# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of a failover drill: what is done to a load balancer, how it is healed, and what should come of it.

Each is a bash script for the load balancer itself. It heals the fault when its time is over or when it is told to
stop, so that a fault ends even if whoever injected it is cut off.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.problem import InputError, Problem

# The transient systemd unit that a fault runs as.
UNIT = "evenkeel-drill"
# Where a fault says when it began and when it ended, in seconds since 1970.
LOG = f"/run/{UNIT}"
# What makes a host that fails repeatedly come back later and later; a drill's faults are not to count.
FAILURES = "/run/vrrp/nginx.failures"
# Seconds after which a fault ends that should have been ended by hand.
HELD = 60
# Seconds in which the prober sees the VIPs at rest, and whoever has started the fault hears of it, before it is injected.
REST = 2


@dataclass(frozen=True)
class Fault:
    """One fault.

    inject, heal: bash; $interface is the interface that carries the VIPs.
    effect: what becomes of the VIPs of the host while it lasts: "away" (another host takes them), "gone" (no host has
    them), "both" (each host has them) or "any" (it is over too soon to look).
    everywhere: it is injected on all hosts at once.
    lossless: it is a planned move, in which requests are not to fail.
    seconds: how long it lasts unless it is ended sooner; cut: its host may be out of reach meanwhile.
    reboots: the host leaves by itself and comes back by itself.
    harsh: it interrupts service for certain, or costs what was not written to disk; only run when it is named.
    """

    name: str
    title: str
    expected: str
    inject: str
    heal: str = ""
    effect: Literal["away", "gone", "both", "any"] = "away"
    everywhere: bool = False
    lossless: bool = False
    reboots: bool = False
    harsh: bool = False
    cut: bool = False
    seconds: float = HELD

    @property
    def ends_by_itself(self) -> bool:
        return self.seconds < HELD


def _nft(family: str, *chains: tuple[str, str]) -> str:
    """A table of nftables, in place of one that an interrupted drill has left; chains with their type and their rule."""
    lines = [f"    chain {kind.split()[0]} {{ type filter hook {kind} priority 0; {rule}; }}" for kind, rule in chains]
    table = f"table {family} {UNIT}"
    return "\n".join(["nft -f - <<END", table, f"delete {table}", f"{table} {{", *lines, "}", "END"])


_DOWN = f'ip -4 route show dev "$interface" >/run/{UNIT}.routes; ip link set "$interface" down'
_UP = (
    'ip link set "$interface" up; '
    f'while read -r route; do ip route replace $route dev "$interface" || :; done </run/{UNIT}.routes'
)
# The hook 'egress' stops the ARP packets of keepalived too; kernels before 5.16 lack it.
_CUT = f"""
{_nft("netdev", ('ingress device "$interface"', "policy drop"), ('egress device "$interface"', "policy drop"))}
[ $? = 0 ] || {{ {_DOWN}; }}
""".strip()
_JOIN = f"nft delete table netdev {UNIT} || {{ {_UP}; }}"
_DEAF = _nft("inet", ("input", "meta l4proto 112 drop"))
_HARD_OF_HEARING = _nft("inet", ("input", "meta l4proto 112 numgen random mod 100 < 20 drop"))
_HEARING = f"nft delete table inet {UNIT}"
_ANSWER_500 = f"""
listen=$(nginx -T 2>/dev/null | awk '$1 == "listen" {{ sub(";", "", $2); print "listen " $2 ";" }}' | sort --unique)
cp --preserve /etc/nginx/nginx.conf /run/{UNIT}.nginx.conf
{{
    grep '^user ' /run/{UNIT}.nginx.conf
    echo "pid /run/nginx.pid; events {{}} http {{ access_log off; server {{ $listen return 500; }} }}"
}} >/etc/nginx/nginx.conf
nginx -s reload
""".strip()
_ANSWER_AGAIN = f"mv /run/{UNIT}.nginx.conf /etc/nginx/nginx.conf; nginx -s reload"
_BROKEN = "/etc/nginx/conf.d/evenkeel-drill.conf"

FAULTS: tuple[Fault, ...] = (
    Fault(
        "nginx_stop",
        "nginx stopped",
        "The VIPs move first, then nginx stops.",
        inject="systemctl stop nginx",
        heal="systemctl start nginx",
        lossless=True,
    ),
    Fault(
        "nginx_restart",
        "nginx restarted",
        "The VIPs move, nginx restarts, the VIPs come back.",
        inject="systemctl restart nginx",
        effect="any",
        lossless=True,
        seconds=1,
    ),
    Fault(
        "nginx_kill",
        "nginx killed",
        "systemd tells keepalived at once; the VIPs move, and come back after nginx.",
        inject="systemctl kill --signal=KILL nginx",
        effect="any",
        seconds=1,
    ),
    Fault(
        "nginx_crash_loop",
        "nginx crashed in a loop",
        "The VIPs move once and stay away until nginx has been healthy for longer and longer.",
        inject="for i in 1 2 3 4; do systemctl kill --signal=KILL nginx; sleep 3; done",
        seconds=1,
    ),
    Fault(
        "nginx_hang",
        "nginx hung",
        "The check gets no answer; the VIPs move.",
        inject="systemctl kill --signal=STOP nginx",
        heal="systemctl kill --signal=CONT nginx",
    ),
    Fault(
        "nginx_500",
        "nginx answering 500",
        "The check gets the wrong answer; the VIPs move.",
        inject=_ANSWER_500,
        heal=_ANSWER_AGAIN,
    ),
    Fault(
        "nginx_config",
        "nginx restarted with a broken configuration",
        "The VIPs move first; nginx cannot start, and they stay away until it can.",
        inject=f"echo broken >{_BROKEN}; systemctl restart nginx",
        heal=f"rm --force {_BROKEN}; systemctl restart nginx",
        lossless=True,
    ),
    Fault(
        "keepalived_stop",
        "keepalived stopped",
        "The VIPs move first, then keepalived stops.",
        inject="systemctl stop keepalived",
        heal="systemctl start keepalived",
    ),
    Fault(
        "keepalived_kill",
        "keepalived killed with -9",
        "systemd releases the VIPs and starts keepalived again.",
        inject="systemctl kill --signal=KILL keepalived",
        effect="any",
        seconds=1,
    ),
    Fault(
        "keepalived_hang",
        "keepalived hung",
        "Another host takes the VIPs; systemd ends the keepalived that hangs, releases them here and starts it again.",
        inject="systemctl kill --signal=STOP keepalived",
        heal="systemctl kill --signal=CONT keepalived",
        effect="any",
        seconds=4,
    ),
    Fault(
        "interface_down",
        "interface down",
        "The VIPs move after three adverts are missing.",
        inject=_DOWN,
        heal=_UP,
        seconds=6,
        cut=True,
    ),
    Fault(
        "host_cut_off",
        "host cut off",
        "Another host takes the VIPs after three adverts are missing; this one believes itself alone, and nobody reaches it.",
        inject=_CUT,
        heal=_JOIN,
        effect="both",
        seconds=6,
        cut=True,
    ),
    Fault(
        "partition",
        "partition between the load balancers",
        "Each host has the VIPs while they cannot hear each other; then the preferred one has them again.",
        inject=_DEAF,
        heal=_HEARING,
        effect="both",
        everywhere=True,
        seconds=6,
    ),
    Fault(
        "vrrp_loss",
        "20 % packet loss on the VRRP segment for 30 s",
        "Three adverts in a row may be lost now and then; whoever takes a VIP then gives it back at the next one.",
        inject=f"{_HARD_OF_HEARING}\nsleep 30",
        heal=_HEARING,
        effect="any",
        everywhere=True,
        seconds=1,
    ),
    Fault(
        "all_nginx_stop",
        "nginx stopped on all hosts",
        "No host has the VIPs, for none can serve; the first nginx to return takes all of them.",
        inject="systemctl stop nginx",
        heal="systemctl start nginx",
        effect="gone",
        everywhere=True,
        harsh=True,
    ),
    Fault(
        "reboot",
        "orderly reboot",
        "The VIPs move first, then the host goes down.",
        inject="systemctl --no-block reboot",
        effect="any",
        lossless=True,
        reboots=True,
    ),
    Fault(
        "power_off",
        "power lost, and back",
        "Another host takes the VIPs after three adverts are missing.",
        inject="systemctl reboot --force --force",
        effect="any",
        reboots=True,
        harsh=True,
    ),
    Fault(
        "all_power_off",
        "power lost on all hosts, and back",
        "All hosts boot together, and each VIP goes to its preferred host.",
        inject="systemctl reboot --force --force",
        effect="any",
        everywhere=True,
        reboots=True,
        harsh=True,
    ),
)


BY_NAME = {fault.name: fault for fault in FAULTS}


def select(names: Sequence[str]) -> list[Fault]:
    """The faults of these names, in their order; no name means all that are not harsh, and "all" means all. Raises InputError."""
    if list(names) == ["all"]:
        return list(FAULTS)
    for name in names:
        if name not in BY_NAME:
            there_are = f"There are {', '.join(BY_NAME)}."
            raise InputError(Problem("drill_faults", f"names {name!r}, which is no fault", there_are))
    return [BY_NAME[name] for name in names] or [fault for fault in FAULTS if not fault.harsh]


def script(fault: Fault, interface: str) -> str:
    """The bash script of one fault: it says when it began, and heals when its time is over or when it is stopped."""
    return f"""
interface={shlex.quote(interface)}
heal() {{
    trap - EXIT TERM
    {fault.heal or ":"}
    rm --force {FAILURES}
    date +%s.%N >{LOG}.healed
    exit 0
}}
trap heal EXIT TERM
rm --force {LOG}.healed
sleep {REST}
date +%s.%N >{LOG}.injected
{fault.inject}
sleep {fault.seconds:g} & wait $!
""".strip()


def command(fault: Fault, interface: str) -> list[str]:
    """How the fault is started on the host; it returns at once, and the fault goes on without its caller."""
    return [
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={UNIT}",
        "--service-type=exec",
        # Only the script is told to stop: a program that heals must not be ended with it.
        "--property=KillMode=mixed",
        "bash",
        "-c",
        script(fault, interface),
    ]


def ending(fault: Fault) -> list[str]:
    """How the fault is ended on the host, or how its end is waited for; prints when it began and when it ended."""
    end = f"systemctl stop {UNIT}"
    if fault.ends_by_itself:
        end = f"for second in {{1..90}}; do systemctl --quiet is-active {UNIT} || break; sleep 1; done"
    return ["bash", "-c", f"{end}; cat {LOG}.injected {LOG}.healed"]
