# SPDX-License-Identifier: GPL-3.0-or-later
"""Real keepalived daemons, compiled with everything from the lab's sources, and the role's configuration for them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.keepalived import keepalived_conf
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives as keepalived_settings

STATE = Path("/var/lib/evenkeel-lab")
TEMPLATE = Path(__file__).parents[2] / "roles/keepalived/templates/keepalived.conf.j2"
VERSIONS = ("2.2.7", "2.3.3")
# Quick to compile; the features are those that the role can ask for.
FLAGS = (
    "CFLAGS=-O0",
    "--disable-dynamic-linking",
    "--disable-hardening",
    "--enable-bfd",
    "--enable-dbus",
    "--enable-json",
    "--enable-nftables",
    "--enable-regex",
    "--enable-snmp",
    "--enable-snmp-rfc",
    "--enable-dump-keywords",
)
# A network of the test's own, with what the examples name.
NETWORK = """
set -e
ip link set lo up
ip link add eth0 type veth peer name eth1
ip link add eth2 type veth peer name eth3
for each in eth0 eth1 eth2 eth3; do ip link set $each up; done
ip address add 192.0.2.2/24 dev eth0
ip address add 198.51.100.2/24 dev eth2
mount -t tmpfs none /run
mkdir -p /run/vrrp /run/netns /run/upper/keepalived/conf.d /run/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc
touch /run/netns/ipvs
mount --bind /proc/self/ns/net /run/netns/ipvs
"""
UNICAST = {"unicast_src_ip": "192.0.2.2", "unicast_peers": ["192.0.2.3"]}


def instance(number: int, **others: Any) -> dict[str, Any]:
    """An instance as the plan has it."""
    return {
        "name": f"VI_{number}",
        "state": "BACKUP",
        "virtual_router_id": 50 + number,
        "priority": 100,
        "weight": -10,
        "nopreempt": False,
        "virtual_ipaddress": [f"192.0.2.{100 + number}/32"],
        **others,
    }


@dataclass(frozen=True)
class Daemon:
    version: str
    binary: Path

    def complaints(self, texts: Mapping[str, str], where: Path, *options: str) -> dict[str, str]:
        """What its config test says of each configuration that it does not take without a word, in a namespace of its own."""
        names = list(texts)
        for number, name in enumerate(names):
            (where / f"{number}.conf").write_text(texts[name])
        # As the first process of a PID namespace, for 2.2.7 ends itself otherwise where a script runs as another user.
        script = (
            f"{NETWORK}\ncd {where}\nfor each in *.conf; do "
            f'unshare --pid --fork --mount-proc {self.binary} --config-test --log-console --dont-fork {" ".join(options)} -f "$PWD/$each" '
            '>"$each.said" 2>&1 || echo "exit code $?" >>"$each.said"; done'
        )
        environment = {**os.environ, "TMPDIR": str(where)}
        subprocess.run(["unshare", "--net", "--mount", "sh", "-c", script], check=True, timeout=900, env=environment)
        said = {name: (where / f"{number}.conf.said").read_text().strip() for number, name in enumerate(names)}
        return {name: text for name, text in said.items() if text}

    def parser(self, path: str) -> str:
        """A file of its source."""
        with tarfile.open(STATE / "sources" / f"keepalived-{self.version}.tar.gz") as archive:
            found = archive.extractfile(f"keepalived-{self.version}/keepalived/{path}")
            assert found is not None
            return found.read().decode()

    def dumps(self, text: str, where: Path) -> dict[str, str]:
        """The files in which it says what it knows and has, by their names; it runs for two seconds, in a namespace of its own."""
        (where / "run.conf").write_text(text)
        # What its children know they write when they begin; what they have on SIGUSR1.
        script = (
            f"{NETWORK}\ncd {where}\n"
            f'{self.binary} --log-console --dont-fork --debug=K -f "$PWD/run.conf" >said 2>&1 &\n'
            "sleep 1; kill -USR1 $! || :; sleep 1; kill $! || :; wait $! || :"
        )
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script]
        subprocess.run(command, check=True, timeout=60, env={**os.environ, "TMPDIR": str(where)})
        return {path.name: path.read_text() for path in where.iterdir() if path.name != "run.conf"}


@pytest.fixture(scope="session", params=VERSIONS)
def daemon(request: pytest.FixtureRequest) -> Daemon:
    """A keepalived of a version. It is kept for the next run."""
    version = request.param
    source = STATE / "sources" / f"keepalived-{version}.tar.gz"
    if os.geteuid() or not source.exists() or not shutil.which("gcc"):
        pytest.fail(f"keepalived {version} cannot be compiled: './dev daemons' as root gets {source} and what it takes")
    key = hashlib.sha256(" ".join((version, *FLAGS)).encode()).hexdigest()[:8]
    kept = STATE / "daemons" / f"keepalived-{version}-{key}"
    if not kept.exists():
        build(source, version, kept)
    return Daemon(version, kept)


def build(source: Path, version: str, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    work = kept.with_suffix(".build")
    shutil.rmtree(work, ignore_errors=True)
    with tarfile.open(source) as archive:
        archive.extractall(work, filter="data")
    top = work / f"keepalived-{version}"
    for command in (["./configure", *FLAGS], ["make", "--jobs=2"]):
        done = subprocess.run(command, cwd=top, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    (top / "bin" / "keepalived").rename(kept)
    shutil.rmtree(work)


# The role's other variables, as a bare host has them.
DEFAULTS: dict[str, Any] = {
    "router_id": "lb1",
    "vrrp_version": 3,
    "script_user": "nobody",
    "garp_refresh": 10,
    "interface": "eth0",
    "advert_int": 0.25,
    "preempt_delay": 0,
    "auth_pass": "",
    "auth_type": "PASS",
    "notify": {},
    "state_dir": "/run/vrrp",
    "vrrp_scripts": [],
    "track_files": [],
    "track_processes": [],
}
RUNTIME: dict[str, Any] = {
    "watchdog": 0,
    "tests_reloads": False,
    "tells_on_reload": False,
    "vips_script": "/bin/true",
    "notifier": "/bin/true",
    "drained_file": "/run/vrrp/drained",
    "most_listed": 800,
}


def settings_of(**settings: Any) -> dict[str, Any]:
    """The role's variables without their prefix, all at their defaults but for these."""
    whole: dict[str, Any] = {name: {} for name in keepalived_settings.WHOLE}
    single: dict[str, Any] = {name: [] for name in keepalived_settings.SINGLE}
    return {**whole, **single, **DEFAULTS, **settings}


def configuration(
    settings: Mapping[str, Any], instances: Sequence[Mapping[str, Any]] = (instance(1), instance(2)), **runtime: Any
) -> str:
    """The role's keepalived.conf with these variables."""
    text = keepalived_conf(settings, instances, {**RUNTIME, **runtime})
    return TEMPLATE.read_text().splitlines()[0] + "\n\n" + text
