# SPDX-License-Identifier: GPL-3.0-or-later
"""How the time and the memory of a run grow with the number of load balancers, on the control node alone.

The hosts are simulated: callback_plugins/made_up.py answers each module in their place, with facts that are made up. All else is the product's
own, with the tasks that site.yml has. So this is what checking, planning and rendering cost, and not what hosts need to answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

PROJECT = Path(__file__).parents[2]
SIZES = (10, 100, 1000)
FORKS = (5, 20)


def inventory(count: int) -> dict[str, Any]:
    """Clusters of two, each with two VIPs in a network of its own."""
    hosts = {}
    for number in range(count):
        cluster, place = divmod(number, 2)
        network = f"10.{cluster // 256}.{cluster % 256}"
        hosts[f"lb{number}"] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "keepalived_hosts": [f"lb{2 * cluster}", f"lb{2 * cluster + 1}"],
            "keepalived_interface": "ens33",
            "keepalived_vips": [{"name": f"VI_{vip}", "address": f"{network}.{200 + vip}/24"} for vip in (1, 2)],
            "nginx_upstreams": [{"name": "web", "servers": [{"address": f"{network}.20"}]}],
            "__address": f"{network}.{place + 1}",
            "__network": f"{network}.0",
        }
    return {"load_balancers": {"hosts": list(hosts)}, "_meta": {"hostvars": hosts}}


def facts(host: dict[str, Any]) -> dict[str, Any]:
    """As the setup module gives them, of a Debian host with one interface."""
    own = {"address": host["__address"], "network": host["__network"], "netmask": "255.255.255.0"}
    return {
        "distribution": "Debian",
        "distribution_version": "12.5",
        "distribution_major_version": "12",
        "os_family": "Debian",
        "architecture": "x86_64",
        "interfaces": ["lo", "ens33"],
        "ens33": {"ipv4": own},
        "default_ipv4": {**own, "interface": "ens33"},
        "all_ipv4_addresses": [host["__address"]],
        "all_ipv6_addresses": [],
        "selinux": {"status": "disabled"},
        "python": {"executable": "/usr/bin/python3"},
        "processor_vcpus": 2,
        "memtotal_mb": 2000,
    }


def measured(count: int, forks: int) -> dict[str, Any]:
    """The seconds of a run and of the processors that it has had, and the most memory that one of its processes has had, in MB."""
    with tempfile.TemporaryDirectory() as place:
        hosts = inventory(count)
        for host in hosts["_meta"]["hostvars"].values():
            host["simulated_facts"] = facts(host)
        script = Path(place, "hosts")
        Path(place, "hosts.json").write_text(json.dumps(hosts))
        script.write_text(f"#!/bin/sh\ncat {place}/hosts.json\n")
        script.chmod(0o700)
        environment = {
            "ANSIBLE_STDOUT_CALLBACK": "minimal",
            "ANSIBLE_CALLBACK_PLUGINS": "tests/bench/callback_plugins",
            "ANSIBLE_CALLBACKS_ENABLED": "made_up",
        }
        words = ["ansible-playbook", "--inventory", str(script), f"--forks={forks}", "tests/bench/fleet.yml"]
        start = perf_counter()
        with Path(place, "output").open("w+") as output:
            process = subprocess.Popen(
                words, cwd=PROJECT, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT
            )
            _pid, status, usage = os.wait4(process.pid, 0)
            seconds = perf_counter() - start
            if status:
                output.seek(0)
                sys.exit(f"bench: the run on {count} hosts failed:\n{output.read()[-3000:]}")
    processor, mb = round(usage.ru_utime + usage.ru_stime, 1), round(usage.ru_maxrss / 1024)
    return {"hosts": count, "forks": forks, "seconds": round(seconds, 1), "processor": processor, "mb": mb}


def run() -> list[dict[str, Any]]:
    """Print the figures as they come, and return them."""
    rows = []
    print("hosts  forks  seconds  of processors  these a host  MB")
    for count in SIZES:
        for forks in FORKS:
            row = measured(count, forks)
            rows.append(row)
            each = row["processor"] / count
            figures = f"{row['seconds']:7.1f}  {row['processor']:13.1f}  {each:12.3f}  {row['mb']:4}"
            print(f"{count:5}  {forks:5}  {figures}", flush=True)
    return rows
