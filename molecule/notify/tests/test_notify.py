# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators are told of changes of state: by mail, by a webhook, by a program and by metrics."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from labtest import Cluster, site
from labtest.cluster import LOAD_BALANCERS

VIP, OTHER_VIP = "192.168.200.200", "192.168.200.210"
BOTH = {VIP: "nginx1", OTHER_VIP: "nginx2"}
VARIABLES = yaml.safe_load((Path(__file__).parents[1] / "vars" / "main.yml").read_text())
TEXTFILE = VARIABLES["keepalived_notify"]["textfile"]
INSTALLED = ("/etc/keepalived/evenkeel_notify.py", "/etc/keepalived/evenkeel_notify.json")
SECRETS = ("s3cret-path", "s3cret-token")


def mails(cluster: Cluster) -> list[str]:
    """The subjects of what has been delivered."""
    text = cluster.run("web1", "cat /var/mail/ops 2>/dev/null || true")
    return re.findall(r"^Subject: \[keepalived\] (.*)$", text, re.M)


def hooks(cluster: Cluster) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cluster.run("web1", "cat /var/lib/hooks.jsonl").splitlines()]


def heard(cluster: Cluster) -> list[str]:
    """What the webhook got, in the words of the mails."""
    return ["{host}: {instance} is {state}".format(**hook["body"]) for hook in hooks(cluster)]


def metrics(cluster: Cluster, host: str) -> dict[str, str]:
    """The state of each instance on a host, as node_exporter would read it."""
    pattern = r'^evenkeel_vrrp_state{instance="(\w+)",state="(\w+)"} 1$'
    return dict(re.findall(pattern, cluster.run(host, f"cat {TEXTFILE}"), re.M))


def notifiers(cluster: Cluster, host: str) -> str:
    """Their process ids; the pattern is no part of the words that look for it."""
    return cluster.run(host, "pgrep --full '[e]venkeel_notify.py listen' || true")


def pid(cluster: Cluster, host: str) -> str:
    return cluster.run(host, "systemctl show --property=MainPID --value keepalived").strip()


@pytest.fixture
def forgotten(cluster: Cluster) -> None:
    """Nothing has been told before."""
    cluster.run("web1", "truncate --size=0 /var/mail/ops /var/lib/hooks.jsonl")


def test_the_first_states_have_been_told(cluster: Cluster) -> None:
    cluster.settle(dict(BOTH))
    expected = {f"{host}: {vip} is MASTER" for host, vip in (("nginx1", "VI_1"), ("nginx2", "VI_2"))}
    cluster.wait(lambda: expected <= set(mails(cluster)), "mails of both masters", lambda: mails(cluster))
    assert expected <= set(heard(cluster))
    assert metrics(cluster, "nginx1") == {"VI_1": "MASTER", "VI_2": "BACKUP"}
    assert metrics(cluster, "nginx2") == {"VI_1": "BACKUP", "VI_2": "MASTER"}


def test_secrets_are_for_root_alone(cluster: Cluster) -> None:
    for host in LOAD_BALANCERS:
        assert cluster.run(host, f"stat --format='%a %U' {INSTALLED[1]}").strip() == "600 root"
        assert notifiers(cluster, host)
        seen = cluster.run(
            host, "cat /proc/[0-9]*/cmdline; journalctl --no-pager --quiet; cat /etc/keepalived/keepalived.conf"
        )
        assert "evenkeel_notify.py" in seen
        assert [secret for secret in SECRETS if secret in seen] == []


def test_a_failover_is_told_by_both_hosts(cluster: Cluster, forgotten: None) -> None:
    cluster.run("nginx1", "systemctl stop keepalived")
    cluster.settle(dict.fromkeys(BOTH, "nginx2"))
    expected = {"nginx2: VI_1 is MASTER", "nginx1: VI_1 is STOP", "nginx1: VI_2 is STOP"}
    cluster.wait(lambda: expected <= set(mails(cluster)), "mails of both hosts", lambda: mails(cluster))
    assert expected <= set(heard(cluster))
    (hook,) = (hook for hook in hooks(cluster) if hook["body"]["host"] == "nginx2")
    assert (hook["path"], hook["authorization"]) == ("/s3cret-path", "Bearer s3cret-token")
    assert hook["body"].pop("id") and hook["body"].pop("time")
    assert hook["body"] == {
        "host": "nginx2",
        "instance": "VI_1",
        "state": "MASTER",
        "previous": "BACKUP",
        "priority": 243,
        "addresses": [f"{VIP}/24"],
    }
    assert metrics(cluster, "nginx1") == {"VI_1": "STOP", "VI_2": "STOP"}
    assert metrics(cluster, "nginx2") == {"VI_1": "MASTER", "VI_2": "MASTER"}
    logged = cluster.run("nginx2", "journalctl --no-pager --identifier=told --output=cat")
    assert "VI_1 MASTER 243 as keepalived_script" in logged
    cluster.run("nginx1", "systemctl start keepalived")
    cluster.settle(dict(BOTH))


def test_what_a_mail_server_that_is_down_misses_comes_later(cluster: Cluster, forgotten: None) -> None:
    cluster.run("web1", "systemctl stop postfix")
    cluster.run("nginx1", "systemctl stop keepalived")
    cluster.wait(lambda: "nginx2: VI_1 is MASTER" in heard(cluster), "webhook", lambda: heard(cluster))
    assert mails(cluster) == []
    cluster.run("web1", "systemctl start postfix")
    cluster.wait(lambda: mails(cluster) == ["nginx2: VI_1 is MASTER"], "mail of nginx2", lambda: mails(cluster))
    # What this host could not tell any more it tells when keepalived starts.
    cluster.run("nginx1", "systemctl start keepalived")
    expected = [f"nginx1: VI_1 is {state}" for state in ("STOP", "BACKUP", "MASTER")]
    own = lambda: [subject for subject in mails(cluster) if subject.startswith("nginx1: VI_1")]  # noqa: E731
    cluster.wait(lambda: [one for one in own() if one in expected][-3:] == expected, "mails of nginx1", own)
    cluster.settle(dict(BOTH))


def test_a_reload_is_no_news(cluster: Cluster, forgotten: None) -> None:
    before = notifiers(cluster, "nginx1")
    cluster.run("nginx1", "systemctl reload keepalived")
    cluster.wait(lambda: notifiers(cluster, "nginx1") not in ("", before), "another notifier", lambda: before)
    cluster.settle(dict(BOTH))
    assert heard(cluster) == mails(cluster) == []
    assert metrics(cluster, "nginx1") == {"VI_1": "MASTER", "VI_2": "BACKUP"}


def test_without_receivers_nothing_is_left(cluster: Cluster) -> None:
    pids = {host: pid(cluster, host) for host in LOAD_BALANCERS}
    run = site("lab", arguments=("--diff",), **{**VARIABLES, "keepalived_notify": {}})
    assert run.code == 0, run.output
    assert [secret for secret in SECRETS if secret in run.output] == []
    assert {host: pid(cluster, host) for host in LOAD_BALANCERS} == pids
    left = [*INSTALLED, TEXTFILE, "/var/lib/keepalived/notify.json", "/var/lib/keepalived/notify.json.lock"]
    for host in LOAD_BALANCERS:
        assert [path for path in left if cluster.succeeds(host, f"test -e {path}")] == []
        assert not notifiers(cluster, host)
    cluster.settle(dict(BOTH))


def test_they_come_back_by_a_reload(cluster: Cluster) -> None:
    """And learn at once in which state everything is."""
    pids = {host: pid(cluster, host) for host in LOAD_BALANCERS}
    run = site("lab", arguments=("--diff",), **VARIABLES)
    assert run.code == 0, run.output
    assert [secret for secret in SECRETS if secret in run.output] == []
    assert {host: pid(cluster, host) for host in LOAD_BALANCERS} == pids
    expected = {"VI_1": "MASTER", "VI_2": "BACKUP"}
    cluster.wait(lambda: metrics(cluster, "nginx1") == expected, "metrics", lambda: metrics(cluster, "nginx1"))
