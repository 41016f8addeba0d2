# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of TLS session tickets are rotated while clients ask."""

from __future__ import annotations

import re

from labtest import Run, site
from labtest.site import PROJECT
from labtest.traffic import OTHER_VIP, VIP, Traffic, request

INVENTORY = PROJECT / "molecule/proxy/inventory"
HOSTS = ("nginx1", "nginx2")
SESSION = "openssl s_client -servername www.example.com -connect {}:443 -tls1_2"


def begin(traffic: Traffic, name: str) -> None:
    traffic.cluster.run("client", f"sh -c '{SESSION.format(VIP)} -sess_out /tmp/{name} </dev/null'")


def goes_on(traffic: Traffic, name: str) -> list[bool]:
    """Whether the session does, at each VIP."""
    commands = [f"{SESSION.format(vip)} -sess_in /tmp/{name} </dev/null" for vip in (VIP, OTHER_VIP)]
    outputs = [traffic.cluster.run("client", f"sh -c '{command}'") for command in commands]
    return [re.search("^Reused, TLSv1.2", output, re.M) is not None for output in outputs]


def kept(traffic: Traffic) -> list[list[str]]:
    """The generation, and the digests of what else the hosts have made, on each of them."""
    command = "sh -c 'cd /etc/nginx/nginx_ha/tls && cat generation && sha256sum first-run.* ticket-*'"
    return [traffic.cluster.run(host, command).splitlines() for host in HOSTS]


def rotate(*arguments: str) -> Run:
    run = site("lab", INVENTORY, playbook="playbooks/rotate_tickets.yml", arguments=arguments)
    assert run.code == 0, run.output
    return run


def test_sessions_go_on_while_keys_are_rotated(traffic: Traffic) -> None:
    """One host is ahead for a while. The next run gets the other into step, and that is all there is to do."""
    (before, same) = kept(traffic)
    assert before == same
    begin(traffic, "before")
    with traffic.load(*(request("https://www.example.com/", to=vip) for vip in (VIP, OTHER_VIP))) as results:
        runs = [rotate("--limit", "nginx1,localhost")]
        begin(traffic, "ahead")
        assert goes_on(traffic, "before") == goes_on(traffic, "ahead") == [True, True]
        (ahead, behind) = kept(traffic)
        assert behind == before and int(ahead[0]) == int(before[0]) + 1
        runs.append(rotate())
    assert [seen["failed"] for seen in results] == [[], []]
    assert kept(traffic) == [ahead, ahead]
    assert goes_on(traffic, "before") == goes_on(traffic, "ahead") == [True, True]

    # What is used now was accepted already, what was used still is, and the certificate is the same.
    now, then = ([line.split()[0] for line in lines if "ticket" in line] for lines in (ahead, before))
    assert now[0] == then[1] and now[2] == then[0]
    own, former = ([line for line in lines if "first-run" in line] for lines in (ahead, before))
    assert own == former and len(own) == 2
    for host in HOSTS:
        keys = traffic.cluster.run(host, "sh -c 'cat /etc/nginx/nginx_ha/tls/ticket-*'").split()
        assert keys and not [key for key in keys if any(key in run.output for run in runs)]
    verified = site("lab", INVENTORY, playbook="playbooks/verify.yml")
    assert verified.code == 0, verified.output
