# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair as seen from outside: addresses on the hosts, answers at the client."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import testinfra

import hosts
from labtest.site import PROJECT, plain_environment
from probe import watching

INVENTORY = PROJECT / "inventories" / "lab"
LOAD_BALANCERS = tuple(os.environ.get("LAB_BALANCERS", "nginx1 nginx2").split())
BACKENDS = {"web1", "web2"}
# Long enough for the slowest set-up (adverts of 1 s, checks every 2 s, three failures) on a busy machine.
PATIENCE = 30.0
# All commands of a scenario to a host share a connection, for one of its own takes half a second. One to a host whose power was cut is to end
# soon.
SHARED = (
    "-oControlMaster=auto",
    "-oControlPersist=60s",
    f"-oControlPath=~/.ansible/tests-{os.getpid()}-%h",
    "-oServerAliveInterval=3",
)


class Cluster:
    def __init__(self, vips: dict[str, str]) -> None:
        self.vips = vips
        self.hosts = {
            name: testinfra.get_host(
                f"ssh://ops@{hosts.host(name).management_address}",
                ssh_identity_file=str(hosts.SSH_KEY),
                ssh_extra_args=" ".join([*hosts.SSH_OPTIONS, *SHARED]),
            )
            for name in (*LOAD_BALANCERS, "web1", "web2", "client")
        }

    def run(self, host: str, command: str) -> str:
        """The command's output, as root; a command that fails fails the test."""
        with self.hosts[host].sudo():
            return self.hosts[host].check_output(command)

    def succeeds(self, host: str, command: str) -> bool:
        with self.hosts[host].sudo():
            return self.hosts[host].run(command).rc == 0

    def boots(self, host: str) -> None:
        """Wait until the host can be reached again."""
        self.wait(lambda: self.succeeds(host, "true"), f"{host} to boot", str)

    def net(self, host: str, command: str) -> None:
        """Run a program of this machine, such as nft, in the host's network namespace."""
        subprocess.run(["python3", "lab", "net", host, *command.split()], cwd=PROJECT, check=True)

    def act(self, host: str, action: str) -> None:
        """What happens to the host from outside, such as power-off; see lab/hosts.py."""
        subprocess.run(["python3", "lab", "act", host, action], cwd=PROJECT, check=True)
        if action == "power-off":
            leave = ["ssh", *SHARED, "-O", "exit", hosts.host(host).management_address]
            subprocess.run(leave, stderr=subprocess.DEVNULL, check=False)

    @contextmanager
    def without_vrrp(self) -> Iterator[None]:
        """No load balancer hears another meanwhile; clients reach all of them."""
        rules = ("add table inet deaf", "add chain inet deaf in { type filter hook input priority 0 ; }")
        try:
            for host in LOAD_BALANCERS:
                for rule in (*rules, "add rule inet deaf in meta l4proto 112 drop"):
                    self.net(host, f"nft {rule}")
            yield
        finally:
            for host in LOAD_BALANCERS:
                self.net(host, "nft add table inet deaf")
                self.net(host, "nft delete table inet deaf")

    def holders(self) -> dict[str, list[str]]:
        """The load balancers that have each VIP now."""
        found: dict[str, list[str]] = {vip: [] for vip in self.vips}
        for name in LOAD_BALANCERS:
            for vip in self.held(name):
                found[vip].append(name)
        return found

    def held(self, host: str) -> set[str]:
        """The VIPs that the host has now."""
        present = {word.split("/")[0] for word in self.run(host, "ip -o address show").split() if "/" in word}
        return present & set(self.vips)

    def verdict(self, host: str) -> int:
        """What the host's check thinks of its nginx: 0 is well."""
        return int(self.run(host, "cat /run/vrrp/check_nginx"))

    @contextmanager
    def holders_watched(self) -> Iterator[dict[str, float]]:
        """For how many seconds each VIP is on two hosts meanwhile."""
        twice: dict[str, float] = {}
        watches = {
            host: subprocess.Popen(
                ["python3", "lab", "net", host, "ip", "-ts", "-oneline", "monitor", "address"],
                cwd=PROJECT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for host in LOAD_BALANCERS
        }
        time.sleep(1)
        before = self.holders()
        try:
            yield twice
        finally:
            for watch in watches.values():
                watch.terminate()
            events = {host: watch.communicate(timeout=10)[0] for host, watch in watches.items()}
        for vip in self.vips:
            twice[vip] = seconds_on_two(vip, before[vip], events)

    def speakers(self) -> list[dict[str, Any]]:
        """Who speaks VRRP at the front, as the client hears it."""
        words = ["ansible", "client", "--inventory", str(INVENTORY), "--become"]
        asked = {"listen": {"interface": "ens33", "seconds": 1.2}}
        result = subprocess.run(
            [*words, "--module-name", "evenkeel.nginx_ha.host_info", "--args", json.dumps(asked)],
            cwd=PROJECT,
            env=plain_environment() | {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(result.stdout.split("=>", 1)[1])["heard"]["speakers"]

    def settle(self, expected: dict[str, str | None], within: float = PATIENCE) -> None:
        """Wait until each VIP is on the one expected host and nowhere else (None: on no host), and see it stay there."""
        wanted = {vip: [host] if host else [] for vip, host in expected.items()}
        # What was done just now may not have moved them yet.
        time.sleep(1)
        self.wait(lambda: self.holders() == wanted, f"the holders {wanted}", self.holders, within)
        time.sleep(2)
        assert self.holders() == wanted, "the VIPs moved again after they had settled"

    def wait(
        self, condition: Callable[[], bool], wanted: str, state: Callable[[], object], within: float = PATIENCE
    ) -> None:
        """Until the condition holds. A host that does not answer meanwhile does not fulfil it."""

        def holds() -> bool:
            try:
                return condition()
            except RuntimeError:
                return False

        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline, f"after {within:g} s: wanted {wanted}, and there is {state()}"
            time.sleep(0.2)

    def pages(self, vip: str, count: int = 6) -> list[str]:
        """What the client gets from a VIP, each request on a connection of its own."""
        command = f"for i in $(seq {count}); do curl --silent --show-error --fail --max-time 3 {url(vip)}; done"
        return self.hosts["client"].check_output(command).split()

    def answers(self, vip: str) -> bool:
        """Whether the client gets a page from the VIP."""
        return self.hosts["client"].run(f"curl --silent --fail --max-time 3 {url(vip)}").rc == 0

    def answers_everywhere(self) -> None:
        """Every VIP answers; which web server does is not asked, for those that nginx found failing have to wait."""
        for vip in self.vips:
            assert set(self.pages(vip)) <= BACKENDS

    def serves(self) -> None:
        """Every VIP answers, and both web servers take their turns."""
        for vip in self.vips:
            pages = self.pages(vip)
            assert len(pages) == 6
            assert {page: pages.count(page) for page in BACKENDS} == dict.fromkeys(BACKENDS, 3), f"{vip} gave {pages}"

    @contextmanager
    def client_watching(self, targets: Sequence[str] = (), **options: Any) -> Iterator[dict[str, dict]]:
        """The client asks every VIP 100 times a second meanwhile; what it saw of each is in the result afterwards.

        targets are some of the VIPs; options are those of lab/probe.py, such as rate, timeout, names and identity.
        """
        result: dict[str, dict] = {}
        with watching(["python3", PROJECT / "lab", "ssh", "client"], list(targets or self.vips), **options) as seen:
            yield result
        result.update(seen["targets"])
        for vip, target in result.items():
            print(f"{vip}: {target['failed']} of {target['sent']} requests failed, longest gap {target['gap_ms']} ms")


def url(vip: str) -> str:
    return f"'http://[{vip}]/'" if ":" in vip else f"http://{vip}/"


def seconds_on_two(vip: str, holders: list[str], events: dict[str, str]) -> float:
    """How long the VIP was on more than one host, by the lines that 'ip monitor' printed for each host."""
    pattern = re.compile(rf"^\[(\S+)\] (Deleted )?.*\binet {re.escape(vip)}/", re.M)
    changes = sorted(
        (datetime.fromisoformat(match[1]), host, not match[2])
        for host, lines in events.items()
        for match in pattern.finditer(lines)
    )
    holding, since, total = set(holders), None, 0.0
    for moment, host, gained in changes:
        (holding.add if gained else holding.discard)(host)
        if since is None and len(holding) > 1:
            since = moment
        elif since is not None and len(holding) <= 1:
            total, since = total + (moment - since).total_seconds(), None
    assert since is None, f"{vip} is still on {holding}"
    return total
