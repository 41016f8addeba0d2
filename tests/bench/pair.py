# SPDX-License-Identifier: GPL-3.0-or-later
"""A pair of load balancers on the lab, configured as ours or as the reference, that faults can be injected into."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measured_faults import Fault

import hosts
from machine import LabError, run

PROJECT = Path(__file__).parents[2]
VIP = "192.168.200.200"
HOMES = {
    "ours": {"nginx1": VIP, "nginx2": "192.168.200.210"},
    "reference": {"nginx1": VIP, "nginx2": None},
}
PLAYBOOKS = {"ours": "site.yml", "reference": "tests/bench/reference.yml"}
# Ours lets a host that has failed again and again return later and later: each repetition is to be the first.
FORGET = "rm --force /run/vrrp/nginx.failures"
# How long a fault is watched, and how long the way home may take.
PATIENCE, HOMEWARD = 20, 40
PLAYBOOK_LIMIT = 600
SETTLED = 10
KEEP_ALIVE = ("-oServerAliveInterval=1", "-oServerAliveCountMax=3")


class Pair:
    def __init__(self, side: str) -> None:
        self.side = side

    def build(self, **variables: object) -> None:
        """On hosts that are new."""
        hosts.up()
        self.configure(**variables)
        for host in HOMES[self.side]:
            root(host, "apt-get --quiet --quiet --yes --download-only --reinstall install nginx nginx-common", 120)
        self.go_home()

    def configure(self, **variables: object) -> None:
        playbook(PLAYBOOKS[self.side], **variables)

    def inject(self, fault: Fault) -> None:
        if fault.unplug:
            hosts.act(fault.host, "unplug")
            return
        # The host may be gone before it answers.
        root(fault.host, fault.injection(self.side), PATIENCE + 20, check=False)

    def heal(self, fault: Fault) -> None:
        if fault.unplug:
            hosts.act(fault.host, "plug")
        self.go_home(fault)

    def go_home(self, fault: Fault | None = None, limit: float = HOMEWARD) -> None:
        """Heal the fault, and wait until every VIP is where it belongs, and nginx and keepalived run."""
        deadline = time.monotonic() + limit
        for host in HOMES[self.side]:
            first = fault.healing(self.side) if fault and fault.host == host else ":"
            forget = FORGET if self.side == "ours" else ":"
            while not succeeds(host, f"{first}\n{forget}\n{until(self.is_well(host))}", deadline):
                if time.monotonic() > deadline:
                    raise LabError(f"{host} is not well after {limit:g} s: {self.state()}")
                time.sleep(0.2)

    def is_well(self, host: str) -> str:
        """A condition of the host's shell."""
        homes = HOMES[self.side]
        held = [holds(vip, of == host) for of, vip in homes.items() if vip]
        return " && ".join(["systemctl is-active --quiet nginx keepalived", *held])

    def repair(self) -> None:
        """Whatever state the pair is in."""
        for host in HOMES[self.side]:
            hosts.act(host, "power-on")
            hosts.act(host, "plug")
        for host in HOMES[self.side]:
            leave = "/etc/keepalived/vips.sh return" if self.side == "ours" else ":"
            root(host, f"systemctl kill --signal=CONT nginx keepalived; {leave}", 20, check=False)
            root(host, "systemctl restart nginx keepalived", 40, check=False)
        self.go_home()

    def state(self) -> str:
        """Of both hosts, in a few words each."""
        look = (
            "systemctl is-active nginx keepalived | xargs; ip -4 -o address show dev ens33 | awk '{print $4}' | xargs"
        )
        found = {host: root(host, look, 10, check=False).split("\n") for host in HOMES[self.side]}
        return "; ".join(f"{host}: {', '.join(filter(None, lines)) or 'no answer'}" for host, lines in found.items())


def playbook(name: str, **variables: object) -> None:
    words = ["ansible-playbook", "--inventory=inventories/lab", name]
    if variables:
        words.append(f"--extra-vars={json.dumps(variables)}")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # Connections that Ansible keeps are of hosts that may be gone by the next playbook.
    with tempfile.TemporaryDirectory(prefix="bench-") as connections:
        environment |= {"ANSIBLE_SSH_CONTROL_PATH_DIR": connections, "ANSIBLE_NOCOLOR": "1"}
        try:
            run(*words, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, timeout=PLAYBOOK_LIMIT)
        except subprocess.TimeoutExpired:
            raise LabError(f"{name} took more than {PLAYBOOK_LIMIT} s") from None


@contextmanager
def waiting(host: str, condition: str) -> Iterator[subprocess.Popen[bytes]]:
    """The host waits for the condition in the background, so that it misses none that does not last."""
    process = subprocess.Popen(
        command(host, until(condition), PATIENCE + 20),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def answered(limit: float) -> None:
    """Wait until the client has got an answer from the VIP ten times in a row, a tenth of a second between them."""
    ask = f"curl --silent --fail --output /dev/null --max-time 0.5 http://{VIP}/"
    loop = f"good=0; while (( good < {SETTLED} )); do if {ask}; then (( ++good )); else good=0; fi; sleep 0.1; done"
    succeeds("client", loop, time.monotonic() + limit)


def holds(vip: str, wanted: bool = True) -> str:
    return f"{'' if wanted else '! '}ip -4 -o address show dev ens33 | grep --quiet --fixed-strings ' {vip}/'"


def until(condition: str) -> str:
    return f"until {condition}; do sleep 0.05; done"


def root(host: str, script: str, limit: float, check: bool = True) -> str:
    """What the script of the host's root says; it ends after so many seconds."""
    try:
        result = subprocess.run(
            command(host, script, limit),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit + 10,
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"{host} does not answer: {script}") from None
    if check and result.returncode:
        raise LabError(f"{host}: {script}\nended with {result.returncode}:\n{result.stdout}{result.stderr}")
    return result.stdout


def succeeds(host: str, script: str, deadline: float) -> bool:
    limit = max(1.0, deadline - time.monotonic())
    try:
        root(host, script, limit)
    except LabError:
        return False
    return True


def command(host: str, script: str, limit: float) -> list[str]:
    words = ["sudo", "timeout", f"{limit:g}", "bash", "-c", script]
    ssh, *options = hosts.ssh_command(host)
    return [ssh, *KEEP_ALIVE, *options, shlex.join(words)]
