# SPDX-License-Identifier: GPL-3.0-or-later
"""What verify.yml says of a cluster: one that is well, and what each single change makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.playbooks import cluster_verify
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import observed
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.cluster import Cluster as Planned
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.host import Host, Speaker, network_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout import hostvars, verification
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.vip_status import vips_of
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse
from cluster_hostvars import (
    BINARY,
    CONDITIONS,
    CONF,
    DAY,
    DRAINED,
    KEY,
    NOW,
    ONE,
    PAIR,
    PEM,
    SERVERS,
    SOME,
    TRIO,
    TWO,
    VIPS,
    WHY,
    Change,
    Cluster,
    answer,
    away,
    fault,
    stopped,
    target,
    verified,
    when,
)

EXTRA = "/etc/nginx/conf.d/extra.conf"
DEAF = "Look whether these hosts hear each other's VRRP packets."


def test_a_cluster_that_is_well_has_no_problem() -> None:
    found = Cluster(*TRIO).verify({"problems": [], "warnings": []})
    assert (found["ok"], found["problems"], found["notes"]) == (True, [], [])
    assert all(check["ok"] for check in found["checks"])
    assert {check["check"] for check in found["checks"]} == {
        "reachable",
        "one holder",
        "right holder",
        "one master",
        "keepalived",
        "keepalived's version",
        "keepalived's versions",
        "nginx",
        "nginx's versions",
        "configuration",
        "certificates",
        "expiry",
        "answers",
        "drift",
        "drain",
        "clocks",
        "wire",
    }
    assert len([check for check in found["checks"] if check["check"] == "answers"]) == 3 * len(VIPS)
    assert len([check for check in found["checks"] if check["check"] == "drift"]) == 3 * len(hostvars.STAGED)


def test_the_table_of_a_verification() -> None:
    cluster = Cluster("nginx1", vips=VIPS[:1])
    cluster.drain("nginx1")
    cluster.hostvars["nginx1"]["nginx_staged"]["pending_files"] = [CONF]
    assert cluster.verify()["table"] == [
        "check                 subject",
        "reachable             nginx1                       ok       it has answered",
        "one holder            192.168.200.200              ok       on nginx1",
        "right holder          192.168.200.200              note     192.168.200.200 (VI_1) is on nginx1, though nginx1 is drained "
        "(by ops on 2027-01-15 06:00 UTC, since 2 h): no other host could take it.",
        "one master            VI_1 (nginx1)                ok       nginx1 says so itself",
        "keepalived            nginx1                       ok       it runs and answers, with 1 VRRP instance",
        "nginx                 nginx1                       ok       it runs and answers",
        "keepalived's version  nginx1                       ok       2.2.7",
        "answers               192.168.200.200 from nginx1  ok       10 of 10 requests were answered",
        "expiry                /etc/ssl/site.pem on nginx1  ok       in 90 d",
        "drift                 nginx on nginx1              PROBLEM  nginx1: /etc/nginx/nginx.conf differs from the inventory. "
        "Run site.yml.",
        "drift                 check_nginx on nginx1        ok       as the inventory wants it",
        "drift                 keepalived on nginx1         ok       as the inventory wants it",
        "drain                 nginx1                       note     nginx1 is drained (by ops on 2027-01-15 06:00 UTC, since 2 h).",
    ]


def staged(name: str = "nginx1", role: str = "nginx", **changes: Any) -> Change:
    return lambda cluster: cluster.hostvars[name][f"{role}_staged"].update(changes)


def differ(path: str = CONF, **registered: Any) -> Change:
    """A file of nginx is another one on nginx2; registered: what both hosts have registered besides."""

    def change(cluster: Cluster) -> None:
        cluster.nginx("nginx2")["files"][path] = "other"
        for variables in cluster.hostvars.values():
            variables.update(registered)

    return change


def both(*changes: Change) -> Change:
    return lambda cluster: [change(cluster) for change in changes]


def nopreempt(cluster: Cluster) -> None:
    for variables in cluster.hostvars.values():
        variables["keepalived_instances"][0].update(nopreempt=True, weight=0)


def trixie(cluster: Cluster) -> None:
    cluster.hostvars["nginx2"]["ansible_facts"]["distribution_major_version"] = "13"


def preempt_delay(cluster: Cluster) -> None:
    for variables in cluster.hostvars.values():
        variables["keepalived_settings"]["preempt_delay"] = 60


def expiring(seconds: float) -> Change:
    return lambda cluster: cluster.nginx("nginx1")["certificates"][PEM].update(not_after=when(NOW + seconds))


# Each changes a pair that is well; then come all problems and all notes.
VERDICTS: dict[str, tuple[Change, list[str], list[str]]] = {
    "unreachable": (
        lambda cluster: cluster.lose("nginx1"),
        [
            "nginx1 is unreachable, or a task failed there. Read what Ansible says of it above.",
            f"{ONE} (VI_1) is on nobody that was reached. {WHY} on each host.",
            f"VI_1 has no MASTER: it is BACKUP on nginx2. {WHY} on each host.",
        ],
        [],
    ),
    "unreachable, and the other host has all VIPs": (
        lambda cluster: (away(cluster), cluster.lose("nginx1")),
        [
            "nginx1 is unreachable, or a task failed there. Read what Ansible says of it above.",
            f"{ONE} (VI_1) is on nginx2, for nginx1 is unreachable. Make nginx1 reachable.",
        ],
        [],
    ),
    "on nobody": (
        lambda cluster: cluster.move(ONE),
        [
            f"{ONE} (VI_1) is on nobody. {WHY} on each host.",
            f"VI_1 has no MASTER: it is BACKUP on nginx1 and BACKUP on nginx2. {WHY} on each host.",
        ],
        [],
    ),
    "split brain": (
        lambda cluster: cluster.move(ONE, "nginx1", "nginx2"),
        [
            f"{ONE} (VI_1) is on nginx1 and nginx2: split brain. {DEAF}",
            f"nginx1 and nginx2 are both MASTER of VI_1. {DEAF}",
        ],
        [],
    ),
    "elsewhere for no reason": (
        away,
        [
            f"{ONE} (VI_1) is on nginx2, though nginx1 is healthy: it may return later. Look again in a minute, then read why with "
            "'journalctl -u keepalived' on nginx1.",
        ],
        [],
    ),
    "elsewhere for no reason, and just started": (
        both(away, lambda cluster: cluster.daemon("nginx1").update(since=NOW)),
        [
            f"{ONE} (VI_1) is on nginx2, though nginx1 is healthy: it may return later. Look again in a minute, then read why with "
            "'journalctl -u keepalived' on nginx1.",
        ],
        [],
    ),
    "elsewhere though another VIP has nopreempt": (
        both(nopreempt, lambda cluster: cluster.move(TWO, "nginx1")),
        [
            f"{TWO} (VI_2) is on nginx1, though nginx2 is healthy: it may return later. Look again in a minute, then read why with "
            "'journalctl -u keepalived' on nginx2.",
        ],
        [],
    ),
    "elsewhere with nopreempt": (
        both(nopreempt, away),
        [],
        [f"{ONE} (VI_1) is on nginx2, for VI_1 has nopreempt: it stays there while nginx2 is healthy."],
    ),
    "elsewhere with preempt_delay, and just started": (
        both(preempt_delay, away, lambda cluster: cluster.daemon("nginx1").update(since=NOW - 59)),
        [],
        [
            f"{ONE} (VI_1) is on nginx2, though nginx1 is healthy: it returns when keepalived_preempt_delay (60 s) is over."
        ],
    ),
    "elsewhere with preempt_delay, and just moved": (
        both(preempt_delay, away, lambda cluster: cluster.speaker("nginx1", ONE).update(last_transition=NOW - 59)),
        [],
        [
            f"{ONE} (VI_1) is on nginx2, though nginx1 is healthy: it returns when keepalived_preempt_delay (60 s) is over."
        ],
    ),
    "elsewhere though preempt_delay is over": (
        both(preempt_delay, away, lambda cluster: cluster.daemon("nginx1").update(since=NOW - 61)),
        [
            f"{ONE} (VI_1) is on nginx2, though nginx1 is healthy: it may return later. Look again in a minute, then read why with "
            "'journalctl -u keepalived' on nginx1.",
        ],
        [],
    ),
    "drained": (
        both(away, lambda cluster: cluster.drain("nginx1")),
        [],
        [f"{ONE} (VI_1) is on nginx2, for {DRAINED}.", f"{DRAINED}."],
    ),
    "drained in vain": (
        lambda cluster: cluster.drain("nginx1"),
        [
            f"{ONE} (VI_1) is on nginx1, though {DRAINED}, and nginx2 could take it. "
            "Read why with 'journalctl -u keepalived' on nginx2.",
        ],
        [f"{DRAINED}."],
    ),
    "drained where nopreempt makes that a fault": (
        both(
            nopreempt,
            away,
            lambda cluster: cluster.drain("nginx1"),
            lambda cluster: cluster.speaker("nginx1", ONE).update(state="FAULT", priority=254),
        ),
        [],
        [f"{ONE} (VI_1) is on nginx2, for {DRAINED}.", f"{DRAINED}."],
    ),
    "drained by a run": (
        both(away, lambda cluster: cluster.drain("nginx1", "run of site.yml")),
        [
            f"{ONE} (VI_1) is on nginx2, for nginx1 is drained (run of site.yml, since 2 h). Undrain nginx1.",
            "nginx1 is still drained by a run that did not end (run of site.yml, since 2 h). Undrain it with undrain.yml.",
        ],
        [],
    ),
    "a failed check": (
        both(away, lambda cluster: cluster.now("nginx1").update(check_failed=True)),
        [
            f"{ONE} (VI_1) is on nginx2, for nginx1 has failed its check of nginx and has not been healthy for long enough since. "
            "Repair nginx on nginx1, or wait until its check has succeeded for long enough.",
            "nginx1: its check of nginx has failed, and nginx has not been healthy for long enough since. "
            "Read why with 'journalctl -u check_nginx'.",
        ],
        [],
    ),
    "nginx does not run": (
        both(
            away,
            fault,
            lambda cluster: (
                cluster.nginx("nginx1").update(running=False),
                CONDITIONS["nginx down"](cluster, "nginx1"),
            ),
        ),
        [
            f"{ONE} (VI_1) is on nginx2, for nginx does not run on nginx1. Repair nginx on nginx1.",
            "nginx1: VI_1 is in FAULT, for nginx does not run. Repair nginx.",
            "nginx1: VI_2 is in FAULT, for nginx does not run. Repair nginx.",
            "nginx1: nginx does not run. Read why with 'journalctl -u nginx', then 'systemctl start nginx'.",
        ],
        [],
    ),
    "keepalived takes nginx for down": (
        both(away, lambda cluster: cluster.now("nginx1").update(nginx_down=True)),
        [
            f"{ONE} (VI_1) is on nginx2, for nginx does not run on nginx1. Repair nginx on nginx1.",
            "nginx1: systemd has told keepalived that nginx is down. Read why with 'journalctl -u nginx'.",
        ],
        [],
    ),
    "keepalived does not run": (
        both(away, stopped),
        [
            f"{ONE} (VI_1) is on nginx2, for keepalived does not run on nginx1. Start keepalived on nginx1.",
            f"nginx1: keepalived does not run. {WHY}, then 'systemctl start keepalived'.",
        ],
        [],
    ),
    "keepalived does not answer": (
        lambda cluster: cluster.daemon("nginx2").update(state_age=None, instances=[]),
        [
            f"{TWO} (VI_2) is on nginx2, though keepalived does not answer on nginx2, and nginx1 could take it. "
            "Read why with 'journalctl -u keepalived' on nginx1.",
            f"VI_2 has no MASTER: it is BACKUP on nginx1. {WHY} on each host.",
            f"nginx2: keepalived (pid 77) does not answer. {WHY}, then 'systemctl restart keepalived'.",
        ],
        [],
    ),
    "keepalived could not be looked at": (
        lambda cluster: cluster.hostvars["nginx2"].update(
            keepalived_now={"msg": "keepalived --version ended with 127:\nno"}
        ),
        [
            f"{TWO} (VI_2) is on nobody. {WHY} on each host.",
            f"VI_2 has no MASTER: it is BACKUP on nginx1. {WHY} on each host.",
            "nginx2: keepalived could not be looked at: keepalived --version ended with 127: no.",
        ],
        [],
    ),
    "a fault": (
        both(away, fault),
        [
            f"{ONE} (VI_1) is on nginx2, for VI_1 is in FAULT on nginx1. Repair nginx1 (read why with 'journalctl -u keepalived').",
            f"nginx1: VI_1 is in FAULT. {WHY}.",
            f"nginx1: VI_2 is in FAULT. {WHY}.",
        ],
        [],
    ),
    "a planned instance does not run": (
        lambda cluster: cluster.daemon("nginx1")["instances"].pop(),
        ["nginx1: keepalived does not run VI_2, though planned. Run site.yml, or 'systemctl reload keepalived'."],
        [],
    ),
    "standby": (
        both(away, lambda cluster: cluster.now("nginx1").update(standby=True)),
        [
            f"{ONE} (VI_1) is on nginx2, for nginx1 is on standby. End it with '/etc/keepalived/vips.sh return' on nginx1.",
            "nginx1 is on standby: it has handed its VIPs over and not taken that back. Start nginx if it does not run, else "
            "'/etc/keepalived/vips.sh return'.",
        ],
        [],
    ),
    "standby while keepalived is stopped": (
        both(away, stopped, lambda cluster: cluster.now("nginx1").update(standby=True)),
        [
            f"{ONE} (VI_1) is on nginx2, for keepalived does not run on nginx1. Start keepalived on nginx1.",
            f"nginx1: keepalived does not run. {WHY}, then 'systemctl start keepalived'.",
        ],
        [],
    ),
    "two masters, and one address": (
        lambda cluster: cluster.speaker("nginx2", ONE).update(state="MASTER"),
        [f"nginx1 and nginx2 are both MASTER of VI_1. {DEAF}"],
        [],
    ),
    "a master without its address": (
        lambda cluster: cluster.now("nginx1")["addresses"].pop(),
        [
            f"{ONE} (VI_1) is on nobody. {WHY} on each host.",
            f"nginx1 is MASTER of VI_1 and lacks {ONE}. Find what else manages the interface's addresses, then 'systemctl "
            "restart keepalived'.",
        ],
        [],
    ),
    "another binary": (
        lambda cluster: cluster.daemon("nginx1").update(binary="/usr/sbin/keepalived"),
        [f"nginx1 runs /usr/sbin/keepalived, and the inventory wants {BINARY}. Run site.yml."],
        [],
    ),
    "the wanted binary is not there": (
        lambda cluster: cluster.now("nginx1").update(installed=False, version=""),
        [f"nginx1 lacks the keepalived that the inventory wants, {BINARY}. Run site.yml."],
        [],
    ),
    "older than its binary": (
        lambda cluster: [cluster.now(name).update(version="2.2.8") for name in PAIR],
        [
            f"{name} runs {BINARY} as keepalived 2.2.7, and the file is 2.2.8 by now. Drain the host, then 'systemctl "
            "restart keepalived'."
            for name in PAIR
        ],
        [],
    ),
    "two versions of keepalived": (
        lambda cluster: (
            cluster.now("nginx2").update(version="2.3.3"),
            cluster.daemon("nginx2").update(version="2.3.3"),
        ),
        ["keepalived is 2.2.7 on nginx1 and 2.3.3 on nginx2. Bring all to one version."],
        [],
    ),
    "two versions of nginx": (
        lambda cluster: cluster.nginx("nginx2").update(version="1.18.0"),
        ["nginx is 1.22.1 on nginx1 and 1.18.0 on nginx2. Bring all to one version."],
        [],
    ),
    "two versions of nginx on two releases of the distribution": (
        both(trixie, lambda cluster: cluster.nginx("nginx2").update(version="1.26.3")),
        [],
        ["nginx is 1.22.1 on nginx1 and 1.26.3 on nginx2, and nginx1 is Debian 12 and nginx2 is Debian 13."],
    ),
    "a managed file differs": (
        differ(nginx_staged={"pending_files": [], "managed_files": [CONF]}),
        [],
        [f"{CONF} differs between nginx1 and nginx2, as the inventory wants it."],
    ),
    "a file differs, and which are managed is not known": (
        differ(),
        [],
        [f"{CONF} differs between nginx1 and nginx2, as the inventory wants it."],
    ),
    "a file differs that is not managed": (
        differ(nginx_staged={"pending_files": [], "managed_files": [SERVERS]}),
        [f"{CONF} differs between nginx1 and nginx2. Make it the same on each host."],
        [],
    ),
    "a file differs, and nothing was compared with the inventory": (
        differ(nginx_staged=None),
        [f"{CONF} differs between nginx1 and nginx2. Make it the same on each host."],
        [],
    ),
    "a file differs that somebody has edited on one host": (
        both(differ(), staged(pending_files=[CONF])),
        [
            f"{CONF} differs between nginx1 and nginx2. Run site.yml.",
            f"nginx1: {CONF} differs from the inventory. Run site.yml.",
        ],
        [],
    ),
    "a file differs that two distributions may have brought": (
        both(trixie, differ(nginx_staged={"pending_files": [], "managed_files": []})),
        [],
        [f"{CONF} differs between nginx1 and nginx2, and nginx1 is Debian 12 and nginx2 is Debian 13."],
    ),
    "a file that one host lacks": (
        lambda cluster: cluster.nginx("nginx1")["files"].update({EXTRA: "c9"}),
        [f"{EXTRA} is in use by nginx on nginx1, and missing on nginx2. Make it the same on each host."],
        [],
    ),
    "a certificate differs": (
        lambda cluster: cluster.nginx("nginx2")["certificates"][KEY].update(sha256="other"),
        [f"{KEY} differs between nginx1 and nginx2. Make it the same on each host."],
        [],
    ),
    "a certificate is missing on all hosts": (
        lambda cluster: [cluster.nginx(name)["certificates"][KEY].update(sha256=None) for name in PAIR],
        [
            f"{KEY} is missing on nginx1 and nginx2, though nginx's configuration names it. Make it the same on each host.",
        ],
        [],
    ),
    "a certificate differs on two releases of the distribution": (
        both(trixie, lambda cluster: cluster.nginx("nginx2")["certificates"][KEY].update(sha256="other")),
        [f"{KEY} differs between nginx1 and nginx2. Make it the same on each host."],
        [],
    ),
    "a certificate has expired": (
        expiring(-3 * DAY),
        [
            f"nginx1: the certificate {PEM} expired 3 d ago, on {when(NOW - 3 * DAY)}. Renew it, then 'systemctl reload nginx'.",
        ],
        [],
    ),
    "a certificate expires this second": (
        expiring(0),
        [f"nginx1: the certificate {PEM} expired 0 s ago, on {when(NOW)}. Renew it, then 'systemctl reload nginx'."],
        [],
    ),
    "a certificate expires in a second": (
        expiring(1),
        [],
        [f"nginx1: the certificate {PEM} expires in 1 s, on {when(NOW + 1)}. Renew it, then 'systemctl reload nginx'."],
    ),
    "a certificate expires soon": (
        expiring(14 * DAY - 1),
        [],
        [
            f"nginx1: the certificate {PEM} expires in 13 d, on {when(NOW + 14 * DAY - 1)}. Renew it, then 'systemctl reload nginx'.",
        ],
    ),
    "a certificate expires later": (expiring(14 * DAY), [], []),
    "a certificate that openssl cannot read": (
        lambda cluster: cluster.nginx("nginx1")["certificates"][PEM].update(not_after=None),
        [],
        [f"nginx1: when the certificate {PEM} expires could not be read."],
    ),
    "drift in one role": (
        staged(role="keepalived", pending_files=["/etc/keepalived/keepalived.conf", "/etc/keepalived/vips.sh"]),
        [
            "nginx1: /etc/keepalived/keepalived.conf and /etc/keepalived/vips.sh differ from the inventory. Run site.yml."
        ],
        [],
    ),
    "an interrupted run": (
        staged("nginx2", "check_nginx", interrupted=True),
        ["nginx2: an interrupted run left changes of check_nginx that are neither kept nor taken back. Run site.yml."],
        [],
    ),
    "an interrupted run with changes": (
        staged("nginx2", "check_nginx", interrupted=True, pending_files=["/etc/x"]),
        [
            "nginx2: an interrupted run left changes of check_nginx that are neither kept nor taken back. Run site.yml.",
            "nginx2: /etc/x differs from the inventory. Run site.yml.",
        ],
        [],
    ),
    "the comparison failed": (
        lambda cluster: cluster.hostvars["nginx1"].update(keepalived_staged={"msg": "The checker refuses it"}),
        ["nginx1: the files of keepalived could not be compared with the inventory: The checker refuses it."],
        [],
    ),
    "the comparison was left out": (
        lambda cluster: cluster.hostvars["nginx1"].update(keepalived_staged={"skipped": True}),
        [],
        [],
    ),
    "requests failed": (
        lambda cluster: cluster.hostvars["nginx2"]["vips_seen"]["targets"].update(
            {ONE: target(3, timeout=2, refused=1)}
        ),
        [f"nginx2: 3 of 10 requests to {ONE} (VI_1) failed (2 timeout, 1 refused). Read nginx's logs on nginx1."],
        [],
    ),
    "no requests": (
        lambda cluster: cluster.hostvars["nginx2"].update(vips_seen={"msg": "Probing failed: no more files"}),
        [f"nginx2 has not asked {vip['address'][:-3]} ({vip['name']}): Probing failed: no more files." for vip in VIPS],
        [],
    ),
    "no request was sent": (
        lambda cluster: cluster.hostvars["nginx2"]["vips_seen"]["targets"][ONE].update(sent=0),
        [f"nginx2 has not asked {ONE} (VI_1): there is no answer."],
        [],
    ),
    "nginx does not answer its probe": (
        lambda cluster: cluster.nginx("nginx1").update(answers=[answer(0, error="Connection refused")]),
        ["nginx1: nginx does not answer on 127.0.0.1:8081 for localhost: Connection refused. Read nginx's error log."],
        [],
    ),
    "clocks at the limit": (lambda cluster: cluster.now("nginx2").update(clock_offset=5.4), [], []),
    "clocks too far apart": (
        lambda cluster: cluster.now("nginx2").update(clock_offset=-4.7),
        ["The clocks of nginx2 and nginx1 are 5.1 s apart, and 5 s are allowed. Synchronize them, e.g. with chrony."],
        [],
    ),
    "clocks not known": (lambda cluster: cluster.now("nginx2").update(clock_offset=None), [], []),
    "clock not synchronized": (
        lambda cluster: cluster.now("nginx2").update(ntp=False),
        [],
        ["nginx2: its clock is not synchronized. Set up NTP, e.g. with chrony."],
    ),
    "nobody knows whether it is": (lambda cluster: cluster.now("nginx2").update(ntp=None), [], []),
}


@pytest.mark.parametrize(("change", "problems", "notes"), VERDICTS.values(), ids=VERDICTS)
def test_what_a_change_makes_of_a_sound_pair(change: Change, problems: list[str], notes: list[str]) -> None:
    cluster = Cluster(*PAIR)
    change(cluster)
    found = cluster.verify()
    assert (found["problems"], found["notes"]) == (problems, notes)
    assert found["ok"] is (not problems)
    assert [check["detail"] for check in found["checks"] if not check["ok"]] == problems
    assert len([line for line in found["table"] if "  PROBLEM  " in line]) == len(problems)
    assert len(found["table"]) == len(found["checks"]) + 1
    failed = {(check["check"], check["subject"]) for check in found["checks"] if not check["ok"]}
    assert failed.isdisjoint((check["check"], check["subject"]) for check in found["checks"] if check["ok"])


@pytest.mark.parametrize("verdict", VERDICTS.values(), ids=VERDICTS)
def test_sentences_and_tables_are_clean(verdict: tuple[Change, list[str], list[str]]) -> None:
    cluster = Cluster(*PAIR)
    verdict[0](cluster)
    found = cluster.verify()
    for text in [*found["problems"], *found["notes"]]:
        assert text.endswith(".") and not text.endswith("..")
        assert "  " not in text and "None" not in text and "\n" not in text
        assert any(name in text for name in (*PAIR, "VI_1", "VI_2"))
    for line in [*found["table"], *cluster.status()["table"]]:
        assert line.isascii() and line == line.rstrip()


def test_backups_that_hear_different_masters() -> None:
    cluster = Cluster(*TRIO)
    backup = cluster.order(ONE)[1]
    cluster.speaker(backup, ONE)["master"] = "192.168.200.99"
    other = cluster.order(ONE)[2]
    views = {backup: "192.168.200.99", other: "192.168.200.150"}
    expected = " and ".join(f"{name} hears {views[name]}" for name in TRIO if name in views)
    assert cluster.verify()["problems"] == [f"Backups of VI_1 hear different masters: {expected}. {DEAF}"]


def test_a_backup_that_has_heard_no_master_yet() -> None:
    cluster = Cluster(*TRIO)
    cluster.speaker(cluster.order(ONE)[1], ONE)["master"] = ""
    assert cluster.verify()["problems"] == []


def test_a_master_needs_no_address_that_only_a_backup_has() -> None:
    cluster = Cluster(*PAIR)
    cluster.speaker("nginx2", ONE)["virtual_ipaddress"].append("192.168.200.220/24")
    assert not [text for text in cluster.verify()["problems"] if "lacks" in text]


def test_a_keepalived_that_does_not_run_has_no_version_to_check() -> None:
    cluster = Cluster(*PAIR)
    stopped(cluster)
    found = [
        check["subject"] for check in cluster.verify()["checks"] if check["check"].startswith("keepalived's version")
    ]
    assert found == ["nginx2"]


@pytest.mark.parametrize(
    ("change", "alike"), [(differ(), ["certificates"]), (nopreempt, ["configuration", "certificates"])]
)
def test_files_are_alike_only_if_all_are(change: Change, alike: list[str]) -> None:
    cluster = Cluster(*PAIR)
    change(cluster)
    assert [check["check"] for check in cluster.verify()["checks"] if check["detail"] == "2 files alike"] == alike


def test_hosts_without_certificates_have_none_to_compare() -> None:
    cluster = Cluster(*PAIR)
    for name in PAIR:
        cluster.nginx(name)["certificates"] = {}
    assert not [check for check in cluster.verify()["checks"] if check["check"] in ("certificates", "expiry")]


def test_the_clocks_that_are_furthest_apart() -> None:
    cluster = Cluster(*TRIO)
    for name, offset in (("nginx1", 9.0), ("nginx2", -9.0), ("nginx3", 1.0)):
        cluster.now(name)["clock_offset"] = offset
    (text,) = cluster.verify()["problems"]
    assert text.startswith("The clocks of nginx2 and nginx1 are 18.0 s apart")


def test_what_was_heard_on_the_wire() -> None:
    both_speak = "split brain: nginx1 and nginx2 both speak as master of VI_1."
    unheard = "nginx3: not in this run, so foreign VRRP speakers cannot be told from members and were not refused."
    found = Cluster(*PAIR).verify({"problems": ["VIP VI_1: no."], "warnings": [both_speak, unheard]})
    assert found["problems"] == [
        "VIP VI_1: no.",
        f"Split brain: nginx1 and nginx2 both speak as master of VI_1. {DEAF}",
    ]
    assert found["notes"] == [unheard]


def test_the_split_brain_that_the_plan_warns_of_is_recognized() -> None:
    members = [
        Host(
            name,
            parse({"hosts": PAIR, "interface": "ens33"})[0],
            network_of({"all_ipv4_addresses": [address]}),
            (),
            [Speaker(**each) for each in heard],
        )
        for name, address, heard in (
            ("nginx1", "192.168.200.150", ()),
            (
                "nginx2",
                "192.168.200.151",
                [
                    {"family": "ipv4", "version": 3, "virtual_router_id": 200, "source": f"192.168.200.{host}"}
                    for host in (150, 151)
                ],
            ),
        )
    ]
    plan = {name: [Instance.from_fact(each) for each in own] for name, own in Cluster(*PAIR).plan.items()}
    warnings = list(observed.warnings_of(Planned(PAIR, tuple(members), plan)))
    assert len(warnings) == 1
    found = Cluster(*PAIR).verify({"warnings": warnings})
    assert (len(found["problems"]), found["notes"]) == (1, [])


def test_two_clusters_are_not_compared_with_each_other() -> None:
    others = Cluster("nginx3", "nginx4", vips=[{"name": "VI_1", "address": "192.168.200.220/24"}], first=160)
    for name in ("nginx3", "nginx4"):
        others.now(name)["version"] = others.daemon(name)["version"] = "2.3.3"
        others.nginx(name).update(version="1.18.0", files={CONF: "other"}, certificates={})
    known = {**Cluster(*PAIR).hostvars, **others.hostvars}
    found = verified(hostvars.at_present(known, list(known), NOW))
    assert (found["problems"], found["notes"]) == ([], [])


def test_hosts_that_share_vips_only_by_a_third_are_one_cluster() -> None:
    chain = {
        "a": Cluster("a", vips=VIPS[:1]),
        "c": Cluster("c", vips=VIPS[1:], first=152),
        "b": Cluster("b", first=151),
    }
    known = {name: cluster.hostvars[name] for name, cluster in chain.items()}
    known["c"]["nginx_now"]["version"] = "1.18.0"
    found = verified(hostvars.at_present(known, list(known), NOW))
    assert "nginx is 1.22.1 on a, 1.22.1 on b and 1.18.0 on c. Bring all to one version." in found["problems"]


def test_a_vip_on_a_host_that_has_no_instance_of_it() -> None:
    cluster = Cluster(*PAIR)
    stray = Cluster("nginx3", vips=VIPS[1:], first=152).hostvars["nginx3"]
    stray["keepalived_now"]["addresses"] = ["192.168.200.152/24", f"{ONE}/24"]
    cluster.move(ONE)
    cluster.move(TWO)
    known = {**cluster.hostvars, "nginx3": stray}
    found = verified(hostvars.at_present(known, list(known), NOW))
    assert (
        f"{ONE} (VI_1) is on nginx3, whose keepalived does not know it. Remove it there with 'ip address delete', and run "
        "site.yml on nginx3." in found["problems"]
    )


def expected_place(conditions: Mapping[str, str], order: Sequence[str], holder: str) -> str:
    """Whether a VIP may be where it is, from the rules alone."""
    well = [name for name in order if conditions[name] == "well"]
    above = order[: order.index(holder)]
    if conditions[holder] != "well" and well:
        return "problem"
    if not above:
        return "ok" if well else "note"
    return "note" if all(conditions[name] == "drained" for name in above) else "problem"


def test_every_condition_of_three_hosts_and_every_holder() -> None:
    seen = set()
    for states in product(CONDITIONS, CONDITIONS, SOME):
        conditions = dict(zip(TRIO, states, strict=True))
        holders = [name for name in TRIO if conditions[name] != "unreachable"]
        for holder in holders:
            cluster = Cluster(*TRIO, vips=VIPS[:1])
            cluster.move(ONE, holder)
            for name, condition in conditions.items():
                CONDITIONS[condition](cluster, name)
            (finding,) = [
                each for each in verification.holding(vips_of(cluster.hosts())[0]) if each.check == "right holder"
            ]
            verdict = "problem" if not finding.ok else "note" if finding.note else "ok"
            assert verdict == expected_place(conditions, cluster.order(ONE), holder), (conditions, holder, finding)
            seen.add(verdict)
    assert seen == {"ok", "note", "problem"}


@pytest.mark.parametrize(
    ("options", "ok"), [({}, True), (None, True), ({"clock_seconds": "0.5"}, False), ({"fleet": None}, True)]
)
def test_the_options_of_a_verification(options: dict[str, Any] | None, ok: bool) -> None:
    cluster = Cluster(*PAIR)
    for name in PAIR:
        cluster.nginx(name)["certificates"] = {}
    cluster.now("nginx2")["clock_offset"] = 1.0
    assert cluster_verify(cluster.hostvars, PAIR, options)["ok"] is ok
    assert not cluster_verify(cluster.hostvars, PAIR, {"fleet": {"problems": ["No."]}})["ok"]
