# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: five systemd hosts on two networks of this machine.

up       start fresh hosts with nothing installed on them, or, with EVENKEEL_LAB_FROM=snapshot, load balancers that are converged already
forget   remove the images of such load balancers
down     remove every host, network and process of the lab
status   show what runs, and which host holds which address
ssh      a shell or a command on a host
net      a program of this machine in a host's network, e.g. net nginx1 nft list ruleset
sources  keepalived's tarballs, from Debian's source packages
act      power-off, power-on, freeze, thaw, unplug or plug a host
demo     what './dev demo' shows
claim    make the process that EVENKEEL_LAB_OWNER names the owner of the lab
lane     a command with a lab of its own beside others; its arguments are a name and the command
guard    wait for a process to end, then down (for tests that are killed)
"""

from __future__ import annotations

import argparse
import sys

import demo
import hosts
import lane
import snapshot
import sources
from machine import LabError


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("up")
    verbs.add_parser("down")
    verbs.add_parser("forget")
    verbs.add_parser("status")
    verbs.add_parser("sources")
    verbs.add_parser("demo")
    verbs.add_parser("claim")
    verbs.add_parser("guard").add_argument("pid", type=int)
    beside = verbs.add_parser("lane")
    beside.add_argument("name")
    beside.add_argument("command", nargs=argparse.REMAINDER)
    act = verbs.add_parser("act")
    act.add_argument("host")
    act.add_argument("action")
    for verb in ("ssh", "net"):
        on_host = verbs.add_parser(verb)
        on_host.add_argument("host")
        on_host.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    try:
        if arguments.verb == "ssh":
            hosts.ssh(arguments.host, arguments.command)
        elif arguments.verb == "net":
            hosts.net(arguments.host, arguments.command)
        elif arguments.verb == "act":
            hosts.act(arguments.host, arguments.action)
        elif arguments.verb == "lane":
            return lane.run(arguments.name, arguments.command)
        elif arguments.verb == "guard":
            hosts.guard(arguments.pid)
        elif arguments.verb == "sources":
            sources.ensure()
        elif arguments.verb == "up":
            snapshot.up()
        elif arguments.verb == "forget":
            snapshot.forget()
        elif arguments.verb == "demo":
            demo.run()
        else:
            getattr(hosts, arguments.verb)()
    except (LabError, KeyError) as error:
        print(f"lab: {error.args[0]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
