# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client loses while a running pair is changed, kind by kind, and what a run without a change costs."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import results
from failover import Plan, setup, words
from pair import HOMES, HOMEWARD, PLAYBOOK_LIMIT, PROJECT, Pair, holds, root, succeeds, until
from results import NOTHING, Sample

import hosts
import probe
from machine import LabError, run, say

BALANCERS = tuple(HOMES["ours"])
VIPS = tuple(HOMES["ours"].values())
# The client watches for so many seconds after the VIPs are where they belong, and for so many at most.
AFTER, LONGEST = 3.0, 600.0
REPEAT, MOST_BESIDE_OTHERS = 2, 3
IDLE_RUNS, MOST_TASKS, MOST_STARTED = 3, 12, 26
NGINX_CHANGED = "nginx's configuration changed"
FOOT = """\
Requests and failed ones are those of both VIPs, from a second before a change until 3 s after each VIP is where it
belongs. Medians, with the worst case of 'failed' in brackets, and the longest of all gaps; '>': a VIP did not serve in
the end. The seconds are those of the playbook or of systemctl; no keepalived is compiled meanwhile."""

VI_1 = {"name": "VI_1", "address": "192.168.200.200/24"}
VI_2 = {"name": "VI_2", "address": "192.168.200.210/24"}
VI_3 = {"name": "VI_3", "address": "192.168.200.220/24"}
WIDER = {"keepalived_vips": [VI_1 | {"extra_addresses": ["192.168.200.201/24"]}, VI_2]}
PINNED = {"keepalived_vips": [VI_1 | {"virtual_router_id": 61}, VI_2 | {"virtual_router_id": 62}]}
VRID_MAY_CHANGE = {"keepalived_allow_vrid_change": True}
VRRP_2 = {"keepalived_vrrp_version": 2, "keepalived_advert_int": 1, "keepalived_auth_pass": "abcd"}
NEWER = {"keepalived_version": "2.3.3"}
ONE_SERVER = {"nginx_upstreams": [{"name": "web", "servers": [{"address": "172.16.2.20", "port": 9091}]}]}


@dataclass(frozen=True)
class Step:
    """A playbook with variables beyond the inventory's, or a script of nginx1's root in its place.

    changes: the playbook is to change something. drained: nginx2 has every VIP afterwards.
    """

    name: str
    variables: Mapping[str, object] = field(default_factory=dict)
    playbook: str = "site.yml"
    script: str = ""
    changes: bool = True
    drained: bool = False


# The steps of a kind lead from what the inventory says to what it says.
KINDS = (
    (Step("no change", changes=False),),
    (Step("VIP added", {"keepalived_vips": [VI_1, VI_2, VI_3]}), Step("VIP removed")),
    (Step("address added to an instance, 2.2.7", WIDER), Step("address removed, 2.2.7")),
    (
        Step("keepalived 2.2.7 -> 2.3.3", NEWER),
        Step("address added to an instance, 2.3.3", NEWER | WIDER),
        Step("address removed, 2.3.3", NEWER),
        Step("keepalived 2.3.3 -> 2.2.7"),
    ),
    (Step("VRID changed", PINNED | VRID_MAY_CHANGE), Step("VRID changed back", VRID_MAY_CHANGE)),
    (Step("VRRP version and password changed", VRRP_2), Step("VRRP version and password changed back")),
    (Step("upstream changed", ONE_SERVER), Step("upstream changed back")),
    (Step("nginx restarted", script="systemctl restart nginx"),),
    (
        Step("nginx1 drained", {"drain_hosts": "nginx1"}, "playbooks/drain.yml", drained=True),
        Step("nginx1 undrained", {"drain_hosts": "nginx1"}, "playbooks/undrain.yml"),
    ),
)


@dataclass(frozen=True)
class Change(Sample):
    """One repetition of a step, as the client saw it on all VIPs together. seconds: how long the change took."""

    seconds: float = 0.0


@dataclass(frozen=True)
class Run:
    """A playbook's run; ok, changed and skipped: tasks by load balancer.

    processor: seconds of the control node's processors that ansible-playbook has had, with all that it has started and waited for;
    hosts: those of the load balancers' processors meanwhile.
    """

    seconds: float
    ok: Mapping[str, int]
    changed: Mapping[str, int]
    skipped: Mapping[str, int] = field(default_factory=dict)
    processor: float = 0.0
    hosts: float = 0.0

    def check(self, changes: bool) -> None:
        if any(self.changed.values()) != changes:
            counts = ", ".join(f"{count} on {host}" for host, count in self.changed.items())
            raise LabError(f"the run was to change {'something' if changes else 'nothing'}; tasks that did: {counts}")


class Bench:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.pair = Pair("ours")
        self.measured: dict[str, list[Change]] = {step.name: [] for kind in KINDS for step in kind}
        self.idle: list[Run] = []
        self.busy: list[Run] = []
        self.setup: dict[str, Any] = {}
        self.troubles: list[str] = []

    def run(self) -> None:
        try:
            say("change: having both versions of keepalived compiled")
            self.pair.build(**NEWER)
            say("change: starting new hosts and configuring them")
            self.pair.build()
            self.setup = setup(self.plan)
            del self.setup["reference"]
            self.measure_idle()
            self.measure_busy()
            for kind in KINDS:
                self.repeat(kind)
        except (LabError, subprocess.SubprocessError) as error:
            self.note(f"change given up: {error}")

    def measure_idle(self) -> None:
        try:
            for number in range(IDLE_RUNS):
                idle = play("site.yml")
                say(f"change, site.yml without a change, {number + 1} of {IDLE_RUNS}: {idle.seconds:.1f} s")
                idle.check(changes=False)
                self.idle.append(idle)
        except LabError as error:
            self.note(f"a run without a change: {error}")
            self.recover()

    def measure_busy(self) -> None:
        """nginx's configuration changed, and changed back."""
        try:
            for variables in (ONE_SERVER, {}):
                busy = play("site.yml", **variables)
                say(f"change, {NGINX_CHANGED}: {busy.seconds:.1f} s")
                busy.check(changes=True)
                self.busy.append(busy)
        except LabError as error:
            self.note(f"a run with {NGINX_CHANGED}: {error}")
            self.recover()

    def repeat(self, kind: Sequence[Step]) -> None:
        for number in range(self.plan.repeat):
            for step in kind:
                try:
                    change = self.measure(step)
                except (LabError, subprocess.SubprocessError) as error:
                    self.note(f"{step.name}: {error}")
                    self.recover()
                    return
                self.measured[step.name].append(change)
                say(f"{step.name}, {number + 1} of {self.plan.repeat}: {change.seconds:.1f} s, {words(change)}")

    def measure(self, step: Step) -> Change:
        options = {"rate": self.plan.rate, "timeout": self.plan.timeouts[0], "duration": LONGEST}
        with probe.watching(hosts.ssh_command("client"), VIPS, **options) as seen:
            seconds = take(step)
            self.settle(step)
            time.sleep(AFTER - probe.CALM)
        return together(seen["targets"], seconds)

    def settle(self, step: Step) -> None:
        if not step.drained:
            self.pair.go_home()
        elif not succeeds("nginx2", until(" && ".join(map(holds, VIPS))), time.monotonic() + HOMEWARD):
            raise LabError(f"nginx2 has not got every VIP after {HOMEWARD} s: {self.pair.state()}")

    def recover(self) -> None:
        """Back to what the inventory says, from whatever state the pair is in; on new hosts if need be."""
        try:
            for host in BALANCERS:
                root(host, "/etc/keepalived/vips.sh undrain", 20, check=False)
            play("site.yml", **VRID_MAY_CHANGE, site_break_lock=True)
            self.pair.go_home()
        except LabError as error:
            say(f"Starting new hosts: {error}")
            self.pair.build()

    def note(self, trouble: str) -> None:
        say(f"TROUBLE: {trouble}")
        self.troubles.append(trouble)


def repetitions(asked: int | None, alone: bool) -> int:
    """alone: nothing else is measured; otherwise this part, the longest, is kept short."""
    wanted = asked or REPEAT
    return wanted if alone else min(wanted, MOST_BESIDE_OTHERS)


def take(step: Step) -> float:
    """Make the change; the seconds that it took."""
    if step.script:
        begun = time.monotonic()
        root("nginx1", step.script, HOMEWARD)
        return time.monotonic() - begun
    done = play(step.playbook, **step.variables)
    done.check(step.changes)
    return done.seconds


def play(playbook: str, **variables: object) -> Run:
    command = ["ansible-playbook", "--inventory=inventories/lab", playbook, f"--extra-vars={json.dumps(variables)}"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # New connections every time: kept ones may be those of hosts that are gone, and would make a run look shorter.
    with tempfile.TemporaryDirectory(prefix="bench-") as connections:
        environment |= {"ANSIBLE_SSH_CONTROL_PATH_DIR": connections, "ANSIBLE_NOCOLOR": "1"}
        hosts_before, before, begun = hosts_processor(), children_processor(), time.monotonic()
        try:
            done = run(*command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, timeout=PLAYBOOK_LIMIT)
        except subprocess.TimeoutExpired:
            raise LabError(f"{playbook} took more than {PLAYBOOK_LIMIT} s") from None
        seconds, processor = time.monotonic() - begun, children_processor() - before
        return recap(done.stdout, round(seconds, 2), round(processor, 2), round(hosts_processor() - hosts_before, 2))


def children_processor() -> float:
    """Seconds of the processors, user and system, of all processes that this one has started and waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def hosts_processor() -> float:
    """Seconds of the processors that the load balancers have had since they were started."""
    told = [root(host, "cat /sys/fs/cgroup/cpu.stat", HOMEWARD) for host in BALANCERS]
    return sum(int(text.split("usage_usec ", 1)[1].split()[0]) for text in told) / 1e6


def recap(output: str, seconds: float, processor: float = 0.0, hosts: float = 0.0) -> Run:
    lines = re.findall(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s.*?\bskipped=(\d+)", output, re.M)
    counts = {host: tuple(map(int, numbers)) for host, *numbers in lines if host in BALANCERS}
    if len(counts) < len(BALANCERS):
        raise LabError(f"the run has not reached every load balancer:\n{output[-2000:]}")
    ok, changed, skipped = ({host: numbers[place] for host, numbers in counts.items()} for place in range(3))
    return Run(seconds, ok, changed, skipped, processor, hosts)


def together(targets: Mapping[str, Mapping[str, Any]], seconds: float) -> Change:
    """From what the prober tells of each VIP."""
    seen = [results.sample(targets[vip]) for vip in VIPS]
    return Change(
        gap_ms=max(each.gap_ms for each in seen),
        failed=sum(each.failed for each in seen),
        sent=sum(each.sent for each in seen),
        over=results.worst_over(seen),
        reasons=dict(sum((Counter(each.reasons) for each in seen), Counter())),
        seconds=round(seconds, 2),
    )


def row(changes: Sequence[Change]) -> list[str]:
    if not changes:
        return [NOTHING] * 4
    sent, seconds = (median(getattr(each, name) for each in changes) for name in ("sent", "seconds"))
    longest = f"{'' if results.worst_over(changes) else '>'}{max(each.gap_ms for each in changes):,}"
    return [f"{sent:,.0f}", results.failed(changes), longest, f"{seconds:.1f}"]


def table(measured: Mapping[str, Sequence[Change]]) -> str:
    head = ["change", "requests", "failed", "longest gap in ms", "seconds"]
    rows = [[name, *row(changes)] for name, changes in measured.items()]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in [head, *rows]]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def cost_words(name: str, runs: Sequence[Run]) -> str:
    if not runs:
        return f"{name}: not measured."
    seconds, processor, on_hosts = (
        median(getattr(each, figure) for each in runs) for figure in ("seconds", "processor", "hosts")
    )
    tasks = ", ".join(
        f"{max(each.ok[host] for each in runs)} and {max(each.skipped.get(host, 0) for each in runs)} on {host}"
        for host in BALANCERS
    )
    return (
        f"{name}: {seconds:.1f} s (median of {len(runs)}) for {len(BALANCERS)} load balancers, {processor:.1f} s of the control node's "
        f"processors,\n{on_hosts:.1f} s of the load balancers'. Tasks executed and skipped: {tasks}."
    )


def idle_words(idle: Sequence[Run]) -> str:
    if not idle:
        return "A run without a change: not measured."
    limits = f"The limits are {MOST_TASKS} executed and {MOST_STARTED} in all on a host."
    return f"{cost_words('A run without a change', idle)} {limits}"


def report(bench: Bench) -> str:
    plan = bench.plan
    head = (
        f"Requests lost per kind of change: {plan.repeat} repetition{'s' * (plan.repeat > 1)}; a client asks {' and '.join(VIPS)} "
        f"{plan.rate:g} times a second each,\nand waits {plan.timeouts[0]:g} s for an answer."
    )
    return "\n\n".join(
        [
            head,
            table(bench.measured),
            FOOT,
            idle_words(bench.idle),
            cost_words(f"A run with {NGINX_CHANGED}", bench.busy),
        ]
    )


def document(bench: Bench) -> dict[str, Any]:
    """For JSON: one number a repetition."""
    names = ("sent", "failed", "gap_ms", "over", "reasons", "seconds")
    return {
        "setup": bench.setup,
        "kinds": [
            {"kind": kind} | {name: [getattr(each, name) for each in changes] for name in names}
            for kind, changes in bench.measured.items()
        ],
        "run_without_a_change": {**figures(bench.idle), "most_tasks": MOST_TASKS, "most_started": MOST_STARTED},
        "run_with_nginx_changed": figures(bench.busy),
        "troubles": bench.troubles,
    }


def figures(runs: Sequence[Run]) -> dict[str, Any]:
    """Of some runs, one number a run."""
    return {
        **{name: [getattr(each, name) for each in runs] for name in ("seconds", "processor", "hosts")},
        "tasks": {host: [each.ok[host] for each in runs] for host in BALANCERS},
        "skipped": {host: [each.skipped.get(host, 0) for each in runs] for host in BALANCERS},
    }
