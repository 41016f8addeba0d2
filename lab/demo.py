# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: two bare hosts become a pair, one fails, and the client says what it saw of it."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import hosts
from machine import STARTED, LabError, say
from probe import watching

PROJECT = Path(__file__).parent.parent
VIPS = {"192.168.200.200": "nginx1", "192.168.200.210": "nginx2"}
PATIENCE = 30


def run() -> None:
    hosts.up()
    deploy()
    show("Both hosts serve, each its own VIP", VIPS)
    say("nginx is stopped on nginx1, while the client asks both VIPs 100 times a second")
    stopped = watched("sudo systemctl stop nginx")
    show("nginx2 had both VIPs before nginx1 stopped", dict.fromkeys(VIPS, "nginx2"))
    on("nginx1", "sudo systemctl start nginx")
    show("nginx runs again on nginx1, which has its VIP back", VIPS)
    say("nginx is killed on nginx1, all of its processes at once")
    killed = watched("sudo systemctl kill --signal=KILL nginx")
    show("systemd has started it again, and nginx1 has its VIP back", VIPS)
    summary(stopped, killed)


def deploy() -> None:
    say("Running: ansible-playbook -i inventories/lab site.yml")
    result = subprocess.run(["ansible-playbook", "-i", "inventories/lab", "site.yml"], cwd=PROJECT, check=False)
    if result.returncode:
        raise LabError("site.yml failed; its output is above")


def on(host: str, command: str) -> str:
    result = subprocess.run(
        hosts.ssh_command(host, command), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if result.returncode:
        raise LabError(f"{host}: {command}\n{result.stdout}{result.stderr}")
    return result.stdout


def holders() -> dict[str, list[str]]:
    addresses = {host: on(host, "ip -4 -o address show").split() for host in ("nginx1", "nginx2")}
    return {vip: [host for host, held in addresses.items() if f"{vip}/24" in held] for vip in VIPS}


def show(title: str, expected: dict[str, str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while (now := holders()) != {vip: [host] for vip, host in expected.items()}:
        if time.monotonic() > deadline:
            raise LabError(f"after {PATIENCE} s the VIPs are held by {now}, and should be by {expected}")
        time.sleep(0.2)
    say(f"{title}:")
    for vip, (host,) in now.items():
        pages = on("client", f"for i in 1 2 3 4; do curl --silent --fail --max-time 3 http://{vip}/; done").split()
        if set(pages) != {"web1", "web2"}:
            raise LabError(f"the client asked {vip} four times and got {pages}")
        print(f"    http://{vip}/  on {host}  answers the client: {' '.join(pages)}", flush=True)


def watched(fault: str) -> dict:
    """What the client saw of a fault of nginx1, until its VIP was on nginx2."""
    with watching(hosts.ssh_command("client"), list(VIPS), timeout=2) as result:
        on("nginx1", fault)
        deadline = time.monotonic() + PATIENCE
        while holders()["192.168.200.200"] != ["nginx2"] and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1)
    return result["targets"]


def summary(stopped: dict, killed: dict) -> None:
    lines = "\n".join(
        f"    nginx {what}: {seen[vip]['failed']} of {seen[vip]['sent']} requests to {vip} failed"
        f"{', for ' + format(seen[vip]['gap_ms'], '.0f') + ' ms' if seen[vip]['failed'] else ''}"
        for what, seen in (("stopped", stopped), ("killed", killed))
        for vip in VIPS
    )
    print(f"""
  Two bare Debian hosts became a pair in one run of site.yml, and nginx1 failed and returned twice.
{lines}
    All of it took {time.monotonic() - STARTED:.0f} s. The lab is still up.

  Try next:
    ./dev lab status
    ./dev lab ssh client curl -s http://192.168.200.200/
    ./dev lab ssh nginx1                        # then: sudo systemctl stop keepalived
    ./dev run ansible-playbook -i inventories/lab site.yml --check --diff
    ./dev down
""")
