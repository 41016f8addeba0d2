# SPDX-License-Identifier: GPL-3.0-or-later
"""What host_info makes of a host's keepalived: keepalived, ip, systemd and /proc are stand-ins, the module is real."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import keepalived_conf, keepalived_dump
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.configuration import masked
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import table
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.vrrp import HMAC
from support.hosts import Host
from support.modules import ends, needs_root, newest

PACKAGE = Path("ansible_collections", "evenkeel", "nginx_ha", "plugins", "module_utils")
MODULE_UTILS = Path(__file__).parents[2] / "plugins" / "module_utils"
ROLE = Path(__file__).parents[2] / "roles" / "keepalived"
DUMPS = {version: Path(__file__).parent / "dumps" / f"keepalived-{version}.data" for version in ("2.2.7", "2.3.3")}
VERSION = """Keepalived v2.2.7 (01/16,2022)
Copyright(C) 2001-2022 Alexandre Cassen
Config options:  LVS VRRP VRRP_AUTH OLD_CHKSUM_COMPAT SYSTEMD_NOTIFY
System options:  VSYSLOG
"""
CONFIGURATION = """
global_defs {
    vrrp_version 2
}
vrrp_script alive { script "/bin/true" }
vrrp_instance VI_1 {
    virtual_router_id 51 # the first
    priority 254
    advert_int 0.25
    authentication { auth_pass secret }
    virtual_ipaddress {
        192.168.200.200/24 dev ens33 label ens33:1
        192.168.200.201
    }
    virtual_ipaddress_excluded {
        192.168.200.202/24
    }
}
# vrrp_instance VI_0 { virtual_router_id 50 }
vrrp_instance VI_2 {
    virtual_router_id 52
}
"""
ADDRESSES = r"""3: ens33    inet 192.168.200.150/24 brd 192.168.200.255 scope global ens33\       valid_lft forever preferred_lft forever
3: ens33    inet 192.168.200.200/24 scope global secondary ens33\       valid_lft forever preferred_lft forever
3: ens33    inet6 fd00::150/64 scope global \       valid_lft forever preferred_lft forever
"""
NETWORKD = """* 3: ens33
                     Link File: n/a
                  Network File: /etc/systemd/network/10-front.network
                         State: routable (configured)
"""
INSTANCES = [
    {
        "name": "VI_1",
        "virtual_router_id": 51,
        "priority": 254,
        "drained_weight": None,
        "advert_int": 0.25,
        "virtual_ipaddress": ["192.168.200.200/24", "192.168.200.201/32"],
        "group": "224.0.0.18",
        "unicast_peers": [],
    },
    {
        "name": "VI_2",
        "virtual_router_id": 52,
        "priority": 100,
        "drained_weight": None,
        "advert_int": 1.0,
        "virtual_ipaddress": [],
        "group": "224.0.0.18",
        "unicast_peers": [],
    },
]
STOPPED = {"running": False, "pid": 0, "binary": "", "version": "", "since": None}


@pytest.fixture
def host(bare: Host) -> Host:
    said = {"keepalived": VERSION, "ip": ADDRESSES, "networkctl": NETWORKD, "systemctl": "MainPID=0\n"}
    for name, text in said.items():
        bare.tool(name, text)
    bare.put("keepalived.conf", CONFIGURATION)
    return bare


# The binary, the interface and the configuration


def test_version_options_and_instances(host: Host) -> None:
    answer = host.look()
    assert (answer["installed"], answer["version"], answer["changed"]) == (True, "2.2.7", False)
    assert answer["options"] == ["LVS", "VRRP", "VRRP_AUTH", "OLD_CHKSUM_COMPAT", "SYSTEMD_NOTIFY"]
    assert (answer["instances"], answer["vrrp_version"]) == (INSTANCES, 2)
    assert (answer["daemon"], answer["user_exists"], answer["auth_differs"]) == (STOPPED, False, False)
    assert "ntp" not in answer and answer["clock_offset"] is None
    assert "secret" not in json.dumps(answer)


@newest
def test_a_look_asks_nobody_twice_and_nobody_without_need(host: Host) -> None:
    host.tool("timedatectl", "NTPSynchronized=yes\n")
    host.look()
    asked = {name: host.asked(name) for name in ("keepalived", "systemctl", "ip", "networkctl", "timedatectl")}
    assert asked == {
        "keepalived": ["--version"],
        "systemctl": ["show --property=MainPID keepalived.service"],
        "ip": [],
        "networkctl": [],
        "timedatectl": [],
    }


@newest
def test_without_an_interface_nobody_is_asked_about_it(host: Host) -> None:
    answer = host.look()
    assert (answer["addresses"], answer["networkd_file"]) == ([], "")


@ends
def test_addresses_and_networkd_of_the_interface(host: Host) -> None:
    answer = host.look(interface="ens33")
    assert answer["addresses"] == ["192.168.200.150/24", "192.168.200.200/24", "fd00::150/64"]
    assert answer["networkd_file"] == "/etc/systemd/network/10-front.network"
    assert host.asked("ip") == ["-oneline address show"]
    assert "ens33" in host.asked("networkctl")[0]


@newest
@pytest.mark.parametrize("said", ["", "                  Network File: n/a\n"], ids=["networkd is down", "not its own"])
def test_an_interface_that_networkd_does_not_have(host: Host, said: str) -> None:
    host.tool("networkctl", said)
    assert host.look(interface="ens33")["networkd_file"] == ""


@ends
def test_nothing_installed(bare: Host) -> None:
    answer = bare.look()
    assert (answer["installed"], answer["version"], answer["options"], answer["instances"]) == (False, "", [], [])
    assert (answer["vrrp_version"], answer["daemon"]) == (None, STOPPED)
    assert bare.look(state=True)["daemon"] == {**STOPPED, "state_age": None, "instances": []}


@newest
def test_without_its_marker_it_is_not_installed(host: Host) -> None:
    answer = host.look(marker=str(host.directory / "absent"))
    assert (answer["installed"], answer["version"], host.asked("keepalived")) == (False, "", [])
    assert host.look(marker=str(host.directory / "keepalived.conf"))["installed"] is True


@newest
def test_a_binary_that_does_not_run_is_an_error(host: Host) -> None:
    host.tool("keepalived", "libnl is missing\n", code=3)
    answer = host.look()
    assert answer["failed"] and "--version ended with 3:\nlibnl is missing" in answer["msg"]


def configured(text: str) -> list[dict[str, Any]]:
    return keepalived_conf.instances(keepalived_conf.statements(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('vrrp_instance "VI 1"\n{\n virtual_router_id 7\n}\n', {"name": "VI 1", "virtual_router_id": 7}),
        ("vrrp_instance a { virtual_router_id 7 }", {"name": "a", "virtual_router_id": 7}),
        ("vrrp_instance a {\n virtual_router_id 7\n priority 20!no\n}\n", {"priority": 20}),
        ("vrrp_instance a {\n virtual_router_id 7\n#priority 20\n}\n", {"priority": 100}),
        ("vrrp_instance a { # {\n virtual_router_id 7 ! }\n priority 20\n}\n", {"priority": 20}),
        ("vrrp_instance a {\n virtual_router_id 7\n track_file {\n  priority weight 9\n }\n}\n", {"priority": 100}),
        (
            "vrrp_instance a {\n virtual_router_id 7\n track_file {\n  b weight 9\n  drained weight -12\n }\n}\n",
            {"drained_weight": -12},
        ),
        ("vrrp_instance a {\n virtual_router_id 7\n track_file {\n  drained\n }\n}\n", {"drained_weight": 0}),
        ("vrrp_instance a {\n virtual_router_id 7\n advert_int 2\n}\n", {"advert_int": 2.0}),
        ("vrrp_instance a {\n virtual_router_id 7\n priority 1\n priority 2\n}\n", {"priority": 2}),
        (
            'vrrp_instance a {\n virtual_router_id 7\n notify "/x { # }" root\n virtual_ipaddress {\n  fd00::2/64\n  fd00::3 # own\n }\n}',
            {"virtual_ipaddress": ["fd00::2/64", "fd00::3/128"]},
        ),
        (
            "}\nvrrp_instance a {\n virtual_router_id 7\n virtual_ipaddress { 10.0.0.1/8 }\n}\n",
            {"virtual_ipaddress": ["10.0.0.1/8"]},
        ),
    ],
)
def test_configurations_as_keepalived_reads_them(text: str, expected: dict[str, Any]) -> None:
    (found,) = configured(text)
    assert found | expected == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "vrrp_instance a {\n virtual_router_id x\n}\n",
        "vrrp_instance a {\n}\n",
        "vrrp_instance {\n virtual_router_id 7\n}\n",
        "vrrp_sync_group a {\n group {\n  vrrp_instance b {\n   virtual_router_id 7\n  }\n }\n}\n",
    ],
)
def test_what_is_no_instance(text: str) -> None:
    assert configured(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("vrrp_instance a {\n virtual_router_id 7\n}\n", 2),
        ("global_defs {\n vrrp_version 3\n}\n", 3),
        ("global_defs {\n router_id x\n}\nglobal_defs {\n vrrp_version 3\n}\n", 3),
        ("vrrp_version 3\n", None),
    ],
)
def test_the_vrrp_version_of_a_configuration(text: str, expected: int | None) -> None:
    assert keepalived_conf.vrrp_version(keepalived_conf.statements(text)) == expected


@ends
def test_whether_there_is_the_account(host: Host) -> None:
    assert host.look(user=pwd.getpwuid(os.geteuid()).pw_name)["user_exists"] is True
    assert host.look(user="nosuchuser")["user_exists"] is False


# Passwords


def with_password(*passwords: str) -> str:
    return "".join(
        f"vrrp_instance VI_{number} {{\n virtual_router_id {number}\n"
        + (f" authentication {{\n  auth_type PASS\n  auth_pass {password}\n }}\n" if password else "")
        + "}\n"
        for number, password in enumerate(passwords, 1)
    )


@pytest.mark.parametrize(
    ("passwords", "wanted", "expected"),
    [
        (("s3cret", "s3cret"), "s3cret", False),
        (("s3cret", "0ther"), "s3cret", True),
        (("s3cret", ""), "s3cret", True),
        (("", ""), "s3cret", True),
        (("s3cret",), "", True),
        (("", ""), "", False),
        ((), "s3cret", False),
    ],
)
def test_passwords_of_all_instances_are_compared(passwords: tuple[str, ...], wanted: str, expected: bool) -> None:
    configuration = keepalived_conf.statements(with_password(*passwords))
    assert keepalived_conf.has_other_password(configuration, wanted) is expected
    # Another kind of authentication is another password, where there is one.
    other = with_password(*passwords).replace("PASS", "AH")
    assert keepalived_conf.has_other_password(keepalived_conf.statements(other), wanted, "AH") is expected
    assert keepalived_conf.has_other_password(configuration, wanted, "AH") is bool(wanted and passwords) or expected


@ends
@pytest.mark.parametrize(("wanted", "expected"), [("grün", False), ("s3cret", True), ("", True)])
def test_passwords_are_not_told(host: Host, wanted: str, expected: bool) -> None:
    host.put("keepalived.conf", with_password("grün", "grün"))
    answer = host.look(auth_pass=wanted)
    assert answer["auth_differs"] is expected
    assert not [password for password in ("grün", wanted) if password and password in str(answer)]


@pytest.mark.parametrize(
    ("general", "own", "address", "group"),
    [
        ("", "", "192.0.2.1", "224.0.0.18"),
        ("", "", "fd00::1", "ff02::12"),
        ("vrrp_mcast_group4 224.0.0.19", "", "192.0.2.1", "224.0.0.19"),
        ("vrrp_mcast_group4 224.0.0.19", "", "fd00::1", "ff02::12"),
        ("vrrp_mcast_group6 ff02::13", "mcast_dst_ip ff02::14", "fd00::1", "ff02::14"),
    ],
)
def test_the_multicast_group_of_an_instance(general: str, own: str, address: str, group: str) -> None:
    text = f"global_defs {{\n {general}\n}}\nvrrp_instance A {{\n virtual_router_id 1\n {own}\n virtual_ipaddress {{\n  {address}\n }}\n}}\n"
    (found,) = keepalived_conf.instances(keepalived_conf.statements(text))
    assert found["group"] == group


def test_an_instance_of_ipv6_has_no_password() -> None:
    ipv6 = "vrrp_instance VI_1_6 {\n virtual_router_id 51\n virtual_ipaddress {\n  fd00:200::200/64\n }\n}\n"
    assert not keepalived_conf.has_other_password(keepalived_conf.statements(with_password("a") + ipv6), "a")


@newest
def test_without_a_configuration_no_password_differs(bare: Host) -> None:
    assert bare.look(auth_pass="s3cret")["auth_differs"] is False


@ends
def test_a_password_that_is_a_number_blots_out_no_other_number(host: Host) -> None:
    host.put("keepalived.conf", with_password("1", "1"))
    answer = host.look(auth_pass="1", asked_at=time.time() - 111)
    assert [instance["virtual_router_id"] for instance in answer["instances"]] == [1, 2]
    assert [instance["name"] for instance in answer["instances"]] == ["VI_1", "VI_2"]
    assert answer["clock_offset"] > 111
    assert answer["invocation"]["module_args"]["keepalived"]["auth_pass"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


# Signed adverts

A, B = "hex:" + "0a" * 32, "hex:" + "0b" * 32
RECEIVING, BOTH, ONLY = "receive-only", "permissive", "enforce"


def hmac(mode: str = ONLY, active: int = 1, **keys: str) -> dict[str, Any]:
    """The variable, with keys of the ids 1 and 2 as a and b."""
    entries = [{"id": {"a": 1, "b": 2}[name], "key": key} for name, key in keys.items()]
    return {"keys": entries, "active_key": active, "mode": mode}


def signing(*wanted: dict[str, Any]) -> str:
    """The role's configuration, an instance for each."""
    return "".join(
        f"vrrp_instance VI_{number} {{\n    virtual_router_id {number}\n"
        + table.render(table.Block((HMAC,)), {"auth_hmac": one} if one else {}, 1)
        + "}\n"
        for number, one in enumerate(wanted, 1)
    )


NONE: dict[str, Any] = {}
# Whether hosts with the one and hosts with the other understand each other.
STAGES = [
    (NONE, hmac(RECEIVING, a=A), True),
    (NONE, hmac(BOTH, a=A), False),
    (NONE, hmac(ONLY, a=A), False),
    (hmac(RECEIVING, a=A), hmac(BOTH, a=A), True),
    (hmac(RECEIVING, a=A), hmac(ONLY, a=A), False),
    (hmac(RECEIVING, a=A), hmac(RECEIVING, a=B), True),
    (hmac(RECEIVING, a=A), hmac(BOTH, a=B), False),
    (hmac(BOTH, a=A), hmac(ONLY, a=A), True),
    (hmac(BOTH, a=A), hmac(BOTH, a=B), False),
    (hmac(ONLY, a=A), hmac(ONLY, a=A, b=B), True),
    (hmac(ONLY, a=A, b=B), hmac(ONLY, 2, a=A, b=B), True),
    (hmac(ONLY, 2, a=A, b=B), hmac(ONLY, 2, b=B), True),
    (hmac(ONLY, a=A), hmac(ONLY, 2, a=A, b=B), False),
    (hmac(ONLY, a=A, b=B), hmac(ONLY, 2, b=B), False),
    (hmac(ONLY, a=A), hmac(ONLY, 2, b=A), False),
    (hmac(ONLY, a="file:/k"), hmac(ONLY, a=A), False),
    (hmac(ONLY, a=A), hmac(ONLY, a="hex:" + "0A" * 32), True),
    (hmac(ONLY, a="k" * 32), hmac(ONLY, a="K" * 32), False),
    (hmac(ONLY, a=A), {**hmac(ONLY, a=A), "anti_replay": "monotonic"}, True),
    (hmac(ONLY, a=A), {"keys": [{"id": "1", "key": A}], "active_key": "1"}, True),
]


@pytest.mark.parametrize(("one", "other", "understood"), STAGES)
def test_who_understands_whose_signed_adverts(one: dict[str, Any], other: dict[str, Any], understood: bool) -> None:
    for former, wanted in ((one, other), (other, one)):
        assert keepalived_conf.hmac_differs(keepalived_conf.statements(signing(former)), wanted) is not understood
        assert keepalived_conf.hmac_differs(keepalived_conf.statements(signing(former)), former) is False
        both = keepalived_conf.statements(signing(wanted, former))
        assert keepalived_conf.hmac_differs(both, wanted) is not understood


def test_keys_are_masked_in_differences() -> None:
    patterns = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["__keepalived_mask"]
    said = masked(signing(hmac(a=A, b="file:/etc/keepalived/hmac.key")), patterns)
    assert re.findall(r"^ *(key .*|active_key .*)$", said, re.M) == [
        "key 1 ********",
        "key 2 file:/etc/keepalived/hmac.key",
        "active_key 1",
    ]


def test_a_configuration_that_signs_with_no_key_is_understood_by_nobody() -> None:
    text = "vrrp_instance A {\n virtual_router_id 1\n auth_hmac {\n  key 1\n active_key 2\n }\n}\n"
    assert keepalived_conf.hmac_differs(keepalived_conf.statements(text), hmac(BOTH, a=A)) is True


@ends
@pytest.mark.parametrize(("wanted", "expected"), [(hmac(a=A), False), (hmac(a=B), True), (NONE, True), (None, False)])
def test_keys_are_not_told_and_blot_out_nothing(host: Host, wanted: dict[str, Any] | None, expected: bool) -> None:
    host.put("keepalived.conf", signing(hmac(a=A), hmac(a=A)))
    answer = host.look(auth_hmac=wanted, auth_pass="", asked_at=time.time() - 111)
    assert answer["hmac_differs"] is expected
    assert [instance["virtual_router_id"] for instance in answer["instances"]] == [1, 2]
    assert answer["clock_offset"] > 111
    assert not [key for key in (A, B) if key[4:] in str(answer)]


# The tracked files


@newest
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "1 by ops@control 2026-11-23T10:00:00Z for maintenance\n",
            "by ops@control 2026-11-23T10:00:00Z for maintenance",
        ),
        ("1\n", "no reason given"),
        ("0\n", ""),
        ("1 for one thing\nand another\n", "for one thing"),
        # Not yet truncated
        ("0\nby ops\n", ""),
        ("", ""),
        ("by ops\n", ""),
    ],
)
def test_drained_hosts(host: Host, content: str, reason: str) -> None:
    os.utime(host.put("drained", content), (1, 1763900000.5))
    answer = host.look()
    assert (answer["drained"], answer["drained_since"]) == (reason, 1763900000.5 if reason else None)


@ends
def test_a_reason_may_have_any_letters(host: Host) -> None:
    host.put("drained", "1 größer\n")
    assert host.look()["drained"] == "größer"


@newest
@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ({}, (False, False, False)),
        ({"standby": "1\n", "nginx": "0\n", "check_nginx": "00\n"}, (True, False, False)),
        ({"standby": "0\n", "nginx": "10 x", "check_nginx": "x"}, (False, True, False)),
        ({"nginx": "", "check_nginx": "-2"}, (False, False, True)),
    ],
)
def test_tracked_files(host: Host, contents: dict[str, str], expected: tuple[bool, ...]) -> None:
    for name, content in contents.items():
        host.put(f"vrrp/{name}", content)
    answer = host.look()
    assert (answer["standby"], answer["nginx_down"], answer["check_failed"]) == expected
    assert (answer["drained"], answer["drained_since"]) == ("", None)


# The daemon


def test_a_daemon_that_is_the_binary_asked_is_not_asked_again(host: Host) -> None:
    host.tool("systemctl", "MainPID=4711\n")
    host.process(4711, host.directory / "bin" / "keepalived")
    before = time.time()
    daemon = host.look()["daemon"]
    assert before - 90.1 <= daemon.pop("since") <= time.time() - 89.9
    binary = str(host.directory / "bin" / "keepalived")
    assert daemon == {"running": True, "pid": 4711, "binary": binary, "version": "2.2.7"}
    assert host.asked("keepalived") == ["--version"]


@ends
def test_a_daemon_that_is_another_binary(host: Host) -> None:
    host.tool("systemctl", "MainPID=4711\n")
    host.tool("old", VERSION.replace("2.2.7", "2.2.2"))
    (host.directory / "opt").mkdir()
    old = host.directory / "opt" / "keepalived"
    (host.directory / "bin" / "old").rename(old)
    host.process(4711, old)
    answer = host.look()
    assert (answer["version"], answer["daemon"]["version"], answer["daemon"]["binary"]) == ("2.2.7", "2.2.2", str(old))
    assert host.asked("old") == ["--version"]
    missing = host.look(marker=str(host.directory / "absent"))
    assert (missing["installed"], missing["daemon"]["version"]) == (False, "2.2.2")


@newest
def test_a_daemon_whose_path_is_a_link_has_the_path_that_was_asked(host: Host) -> None:
    host.tool("systemctl", "MainPID=4711\n")
    host.process(4711, host.directory / "bin" / "keepalived")
    (host.directory / "sbin").symlink_to("bin")
    binary = str(host.directory / "sbin" / "keepalived")
    assert host.look(binary=binary)["daemon"]["binary"] == binary


@ends
def test_a_daemon_whose_file_is_gone(host: Host) -> None:
    host.tool("systemctl", "MainPID=4711\n")
    host.process(4711, "/usr/sbin/keepalived (deleted)")
    daemon = host.look()["daemon"]
    assert (daemon["running"], daemon["binary"], daemon["version"]) == (True, "/usr/sbin/keepalived", "")


@newest
def test_a_main_process_of_another_program_is_not_run(host: Host) -> None:
    host.tool("systemctl", "MainPID=4711\n")
    host.tool("wrapper", VERSION)
    host.process(4711, host.directory / "bin" / "wrapper", comm="wrapper")
    assert host.look()["daemon"]["version"] == ""
    assert host.asked("wrapper") == []


@newest
@pytest.mark.parametrize("systemctl", ["missing", "no systemd", "not its own"])
def test_without_systemd_the_pid_file_counts(host: Host, systemctl: str) -> None:
    if systemctl == "missing":
        (host.directory / "bin" / "systemctl").unlink()
    elif systemctl == "no systemd":
        host.tool("systemctl", "System has not been booted with systemd\n", code=1)
    host.process(4711, host.directory / "bin" / "keepalived")
    host.put("run/keepalived.pid", "4711\n")
    assert host.look()["daemon"]["pid"] == 4711


@newest
@pytest.mark.parametrize(("content", "comm"), [("4711\n", "bash"), ("4712\n", "keepalived"), ("\n", "keepalived")])
def test_a_pid_file_that_was_left_over(host: Host, content: str, comm: str) -> None:
    host.process(4711, "/usr/bin/bash", comm)
    host.put("run/keepalived.pid", content)
    assert host.look()["daemon"] == STOPPED


@newest
@pytest.mark.parametrize(
    ("said", "code", "expected"),
    [("NTPSynchronized=yes\n", 0, True), ("NTPSynchronized=no\n", 0, False), ("Failed to connect to bus\n", 1, None)],
)
def test_whether_the_clock_is_synchronized(host: Host, said: str, code: int, expected: bool | None) -> None:
    host.tool("timedatectl", said, code)
    assert host.look(state=True)["ntp"] is expected
    assert host.asked("timedatectl") == ["show --property=NTPSynchronized"]


@newest
def test_without_timedatectl_nobody_knows_whether_the_clock_is_synchronized(host: Host) -> None:
    assert host.look(state=True)["ntp"] is None


@ends
def test_the_clocks_offset(host: Host) -> None:
    now = time.time()
    assert 0 <= host.look(asked_at=now)["clock_offset"] < 60
    assert 3600 <= host.look(asked_at=now - 3600)["clock_offset"] < 3660
    assert -3600 <= host.look(asked_at=now + 3600)["clock_offset"] < -3540


# The daemon's own state


def instance(name: str, state: str, vrid: int, priority: int, **others: Any) -> dict[str, Any]:
    return {
        "name": name,
        "state": state,
        "virtual_router_id": vrid,
        "priority": priority,
        "base_priority": priority,
        "virtual_ipaddress": [],
        "master": "",
        **others,
    }


STATES = {
    "2.2.7": [
        instance(
            "VI_1",
            "MASTER",
            200,
            242,
            base_priority=254,
            virtual_ipaddress=["192.168.200.200/24", "192.168.200.201/32", "192.168.200.202/25"],
            last_transition=1763900000.25,
        ),
        instance(
            "VI_2",
            "BACKUP",
            210,
            231,
            base_priority=243,
            virtual_ipaddress=["192.168.200.210/24"],
            master="192.168.200.151",
            last_transition=1763900001.5,
        ),
        instance(
            "VI_6",
            "BACKUP",
            66,
            100,
            virtual_ipaddress=["fd00::200/64", "fd00::201/128"],
            last_transition=1763900002.0,
        ),
        instance("VI F", "FAULT", 53, 90, last_transition=1763900003.000001),
    ],
    "2.3.3": [
        instance("VI_1", "MASTER", 200, 255, last_transition=1763900000.0),
        instance(
            "VI_6",
            "BACKUP",
            66,
            1,
            base_priority=243,
            virtual_ipaddress=["fd00::200/64"],
            master="fe80::ec1a:a8ff:fef7:2a2a",
            last_transition=1763900004.125,
        ),
        instance("VI_3", "BACKUP", 3, 100, virtual_ipaddress=["192.168.200.203/24"], last_transition=1763900005.0),
        instance("VI_F", "FAULT", 53, 100, virtual_ipaddress=["10.9.1.200/24"], last_transition=0.0),
    ],
}


@pytest.mark.parametrize("version", STATES)
def test_dumps(version: str) -> None:
    assert keepalived_dump.instances(DUMPS[version].read_text()) == STATES[version]


@pytest.mark.parametrize(
    ("router", "priority", "expected"),
    [
        ("192.168.200.151", 0, ""),
        ("224.0.0.18", 243, ""),
        ("239.255.0.1", 243, ""),
        ("ff02::12", 243, ""),
        ("ff05::12", 243, ""),
        ("(none)", 243, ""),
        ("223.0.0.1", 243, "223.0.0.1"),
        ("fe80::12", 1, "fe80::12"),
        ("fd00::ff02", 243, "fd00::ff02"),
    ],
)
def test_masters_that_were_heard_and_others(router: str, priority: int, expected: str) -> None:
    dump = (
        "------< VRRP Topology >------\n VRRP Instance = a\n   State = BACKUP\n"
        f"   Master router = {router}\n   Master priority = {priority}\n   Virtual Router ID = 7\n"
    )
    (found,) = keepalived_dump.instances(dump)
    assert (found["master"], found["virtual_router_id"]) == (expected, 7)


@pytest.mark.parametrize("dump", ["", "------< Interfaces >------\n", " VRRP Instance = a\n   State = BACKUP\n"])
def test_dumps_without_instances(dump: str) -> None:
    assert keepalived_dump.instances(dump) == []


HEEDS = "trap '{answer}' USR1\n"
RUNS = ": >{ready}\nwhile :; do sleep 0.02; done\n"
WHOLE = "cat {dump} >$TMPDIR/new; mv $TMPDIR/new $TMPDIR/keepalived.data"


@dataclass(frozen=True)
class Daemon:
    host: Host
    process: subprocess.Popen[bytes]

    def look(self, patience: float = 20) -> dict[str, Any]:
        self.host.tool("systemctl", f"MainPID={self.process.pid}\n")
        answer = self.host.look(proc=Path("/proc"), patience=patience, state=True)
        assert "s3cret" not in json.dumps(answer)
        return answer["daemon"]

    @property
    def lives(self) -> bool:
        return self.process.poll() is None


@contextmanager
def running(
    host: Host, answer: str, script: str = HEEDS, name: str = "keepalived", environment: Mapping[str, str] | None = None
) -> Iterator[Daemon]:
    """A real process of this name; answer: what it runs when it is asked for its state."""
    state = host.directory / "state"
    state.mkdir(exist_ok=True)
    binary = host.directory / "state" / name
    shutil.copy("/bin/bash", binary)
    ready = state / "ready"
    text = (script + RUNS).format(answer=answer.format(dump=DUMPS["2.2.7"]), ready=ready)
    variables = {"TMPDIR": str(state)} if environment is None else environment
    words = [binary, host.put("state/script", text)]
    process = subprocess.Popen(words, env={"PATH": os.environ["PATH"], **variables})
    try:
        while not ready.exists():
            assert process.poll() is None
            time.sleep(0.02)
        yield Daemon(host, process)
    finally:
        process.kill()
        process.wait()


@ends
def test_the_daemon_tells_its_state(host: Host) -> None:
    with running(host, WHOLE) as daemon:
        (host.directory / "state" / "keepalived.data").write_text("of another time\n------< Interfaces >------\n")
        found = daemon.look()
        assert daemon.lives
    assert (found["running"], found["pid"]) == (True, daemon.process.pid)
    assert abs(found["since"] - time.time()) < 60
    assert 0 <= found["state_age"] < 20
    assert found["instances"] == STATES["2.2.7"]


@newest
def test_a_state_that_comes_in_pieces_is_waited_for(host: Host) -> None:
    end = DUMPS["2.2.7"].read_bytes().index(b"Router ID = 210")
    pieces = f"head -c {end} {{dump}} >$TMPDIR/keepalived.data; sleep 1.2; tail -c +{end + 1} {{dump}} >>$TMPDIR/keepalived.data"
    with running(host, pieces) as daemon:
        found = daemon.look()
    assert found["instances"] == STATES["2.2.7"]
    assert 1.2 <= found["state_age"] < 20


@newest
def test_a_state_without_its_usual_end_is_taken_when_it_has_settled(host: Host) -> None:
    with running(host, "sed /Interfaces/,\\$d {dump} >$TMPDIR/keepalived.data") as daemon:
        found = daemon.look()
    assert found["instances"] == STATES["2.2.7"]
    assert 1 <= found["state_age"] < 20


@newest
@pytest.mark.parametrize("environment", [{}, {"TMPDIR": "relative"}], ids=["no TMPDIR", "a relative one"])
def test_a_state_where_keepalived_puts_it_without_tmpdir(host: Host, environment: dict[str, str]) -> None:
    answer = f"cat {{dump}} >{host.directory}/tmp/keepalived.data"
    with running(host, answer, environment=environment) as daemon:
        assert daemon.look()["instances"] == STATES["2.2.7"]


@newest
def test_a_state_where_an_old_keepalived_puts_it_in_spite_of_tmpdir(host: Host) -> None:
    with running(host, f"cat {{dump}} >{host.directory}/tmp/keepalived.data") as daemon:
        assert daemon.look()["instances"] == STATES["2.2.7"]


SILENT = {
    "nothing": ":",
    "an empty file": ": >$TMPDIR/keepalived.data",
    "half a line": "printf half >$TMPDIR/keepalived.data",
    "another file": "cat {dump} >$TMPDIR/keepalived_parent.data",
    "a link": "cat {dump} >$TMPDIR/new; ln -sf new $TMPDIR/keepalived.data",
}


@newest
@pytest.mark.parametrize("answer", SILENT.values(), ids=SILENT)
def test_a_daemon_that_does_not_answer(host: Host, answer: str) -> None:
    with running(host, answer) as daemon:
        if answer == ":":
            shutil.copy(DUMPS["2.2.7"], host.directory / "state" / "keepalived.data")
        os.mkfifo(host.directory / "tmp" / "keepalived.data")
        found = daemon.look(patience=1.5)
        assert daemon.lives
    assert (found["running"], found["state_age"], found["instances"]) == (True, None, [])


@newest
@needs_root
def test_a_state_that_another_user_has_written_does_not_count(host: Host) -> None:
    with running(host, WHOLE.replace("; mv", "; chown nobody $TMPDIR/new; mv")) as daemon:
        assert daemon.look(patience=1)["state_age"] is None


@ends
def test_a_daemon_that_would_end_on_the_signal_is_not_asked(host: Host) -> None:
    with running(host, "", script="") as daemon:
        found = daemon.look()
        time.sleep(0.2)
        assert daemon.lives
    assert (found["running"], found["state_age"], found["instances"]) == (True, None, [])


@newest
def test_a_process_of_another_name_is_not_asked(host: Host) -> None:
    with running(host, WHOLE, name="other") as daemon:
        found = daemon.look()
    assert found["state_age"] is None
    assert not (host.directory / "state" / "keepalived.data").exists()
