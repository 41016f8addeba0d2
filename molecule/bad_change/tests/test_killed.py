# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml killed at random tasks of a change that drains, restarts and reloads: service goes on, the next run converges."""

from __future__ import annotations

import os
import random
import time

import pytest
from labtest import Cluster, site
from labtest.site import killed_at

BOTH = {"192.168.200.200": "nginx1", "192.168.200.210": "nginx2"}
HOSTS = ("nginx1", "nginx2")
SEED = int(os.environ.get("EVENKEEL_SEED") or time.time())
# From the first task after the lock to the last one of the change, as a share of the tasks of one together, which has more.
MOMENTS = [random.Random(SEED + number).uniform(0.25, 1 if number > 3 else 0.85) for number in range(1, 6)]


def change(number: int, together: bool = False) -> dict[str, object]:
    """Another one each time: keepalived's unit and settings, nginx's settings, the check's."""
    return {
        "keepalived_handover_seconds": 6 + number,
        "keepalived_priority_base": 200 + number * together,
        "nginx_upstream_keepalive": 40 + number,
        "check_nginx_timeout": 0.4 + number / 100,
    }


@pytest.fixture(scope="module")
def tasks(cluster: Cluster) -> int:
    """How many tasks a change has that happens on all members together."""
    run = site(**change(0))
    assert run.did("Silence the other members")
    return run.output.count("\nTASK [")


@pytest.mark.parametrize("number", range(1, 6), ids=[f"{moment:.2f}" for moment in MOMENTS])
def test_killed(cluster: Cluster, tasks: int, number: int) -> None:
    """The first three are changes host by host, the others together."""
    cluster.settle(dict(BOTH))
    together = number > 3
    last = int(tasks * MOMENTS[number - 1])
    with cluster.client_watching(timeout=2, duration=400) as seen:
        task = killed_at(last, **change(number, together))
        print(f"seed {SEED}: killed at task {last}, '{task}'")
        run = site(**change(number, together))
        assert run.code == 0, run.output
        cluster.settle(dict(BOTH))
    assert {vip: target["failed"] for vip, target in seen.items()} == dict.fromkeys(BOTH, 0)
    for host in HOSTS:
        # No change is under way, no host is drained by a run, and nobody holds the lock.
        assert cluster.run(host, "find /var/lib/evenkeel -name journal.json") == ""
        assert cluster.run(host, "cat /var/lib/keepalived/drained").strip() == "0"
        assert f"keepalive {40 + number};" in cluster.run(host, "cat /etc/nginx/nginx_ha/upstreams/web.conf")
        assert not cluster.succeeds(host, "test -e /run/evenkeel/lock")
    assert {speaker["priority"] for speaker in cluster.speakers()} == {200 + number * together}
    if number in (3, 5):
        run = site(**change(number, together))
        assert [run.count(host, "changed") for host in HOSTS] == [0, 0]
