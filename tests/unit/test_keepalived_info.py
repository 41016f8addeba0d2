# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived_info makes of the answers of keepalived, ip and networkctl; these are stand-ins, the module is real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MODULE = Path(__file__).parents[2] / "plugins" / "modules" / "keepalived_info.py"
VERSION = """Keepalived v2.2.7 (01/16,2022)
Copyright(C) 2001-2022 Alexandre Cassen
Config options:  LVS VRRP VRRP_AUTH OLD_CHKSUM_COMPAT SYSTEMD_NOTIFY
System options:  VSYSLOG
"""
CONFIGURATION = """
vrrp_script alive { script "/bin/true" }
vrrp_instance VI_1 {
    virtual_router_id 51 # the first
    authentication { auth_pass secret }
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


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A directory of stand-ins that comes first in the module's PATH."""
    for name, said in {"keepalived": VERSION, "ip": ADDRESSES, "networkctl": NETWORKD}.items():
        (tmp_path / f"{name}.said").write_text(said)
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/{name}.asked\ncat {tmp_path}/{name}.said\n')
        (tmp_path / name).chmod(0o755)
    (tmp_path / "keepalived.conf").write_text(CONFIGURATION)
    return tmp_path


def ask(host: Path, **arguments: Any) -> dict[str, Any]:
    arguments = {"binary": str(host / "keepalived"), "config": str(host / "keepalived.conf"), **arguments}
    process = subprocess.run(
        [sys.executable, str(MODULE)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode(),
        env={**os.environ, "PATH": f"{host}:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )
    return json.loads(process.stdout)


def test_version_options_and_instances(host: Path) -> None:
    answer = ask(host)
    assert (answer["installed"], answer["version"], answer["changed"]) == (True, "2.2.7", False)
    assert answer["options"] == ["LVS", "VRRP", "VRRP_AUTH", "OLD_CHKSUM_COMPAT", "SYSTEMD_NOTIFY"]
    assert answer["instances"] == [
        {"name": "VI_1", "virtual_router_id": 51},
        {"name": "VI_2", "virtual_router_id": 52},
    ]
    assert "secret" not in json.dumps(answer)


def test_without_an_interface_nobody_is_asked_about_it(host: Path) -> None:
    answer = ask(host)
    assert (answer["addresses"], answer["networkd_file"]) == ([], "")
    assert not (host / "ip.asked").exists()


def test_addresses_and_networkd_of_the_interface(host: Path) -> None:
    answer = ask(host, interface="ens33")
    assert answer["addresses"] == ["192.168.200.150/24", "192.168.200.200/24", "fd00::150/64"]
    assert answer["networkd_file"] == "/etc/systemd/network/10-front.network"
    assert "dev ens33 scope global" in (host / "ip.asked").read_text()
    assert "ens33" in (host / "networkctl.asked").read_text()


@pytest.mark.parametrize("said", ["", "                  Network File: n/a\n"], ids=["networkd is down", "not its own"])
def test_an_interface_that_networkd_does_not_have(host: Path, said: str) -> None:
    (host / "networkctl.said").write_text(said)
    assert ask(host, interface="ens33")["networkd_file"] == ""


def test_nothing_installed(host: Path) -> None:
    answer = ask(host, binary=str(host / "absent"), config=str(host / "absent.conf"))
    assert (answer["installed"], answer["version"], answer["instances"]) == (False, "", [])
    assert ask(host, marker=str(host / "absent"))["installed"] is False


def test_a_binary_that_does_not_run_is_an_error(host: Path) -> None:
    (host / "keepalived").write_text("#!/bin/sh\necho libnl is missing\nexit 3\n")
    answer = ask(host)
    assert answer["failed"] and "--version ended with 3:\nlibnl is missing" in answer["msg"]
