# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role writes arrives: a running daemon's own dump has the values. LVS takes a kernel with IPVS; tests/lvs shows that."""

from __future__ import annotations

from pathlib import Path

from compiled import Daemon, configuration, settings_of

SETTINGS = settings_of(
    global_defs={
        "notification_email": ["admin@example.com"],
        "notification_email_from": "ka@example.com",
        "smtp_server": ["192.0.2.25", "2525"],
        "smtp_helo_name": "lb.example.com",
        "smtp_connect_timeout": 17,
        "smtp_alert": False,
        "vrrp_mcast_group4": "224.0.0.19",
        "vrrp_mcast_group6": "ff02::13",
        "vrrp_garp_master_repeat": 7,
        "vrrp_garp_interval": 0.003,
        "vrrp_gna_interval": 0.004,
        "vrrp_startup_delay": 0.1,
        "vrrp_notify_fifo": "/run/vrrp/fifo",
        "vrrp_rx_bufs_policy": "MTU",
        "vrrp_rx_bufs_multiplier": 4,
        "max_auto_priority": 50,
        "checker_priority": -3,
        "dynamic_interfaces": True,
    },
    instance_options={
        "use_vmac": {},
        "track_interface": [{"name": "eth2", "weight": 11, "reverse": True}],
        "track_bfd": [{"name": "BFD_1", "weight": 12}],
        "garp_master_delay": 3,
        "garp_master_repeat": 4,
        "garp_master_refresh": 31,
        "garp_master_refresh_repeat": 2,
        "garp_lower_prio_delay": 6,
        "garp_lower_prio_repeat": 8,
        "down_timer_adverts": 4,
        "lower_prio_no_advert": True,
        "higher_prio_send_advert": True,
        "skip_check_adv_addr": True,
        "virtual_ipaddress_excluded": [{"address": "192.0.2.199/32", "dev": "eth2", "label": "eth2:9"}],
        "virtual_routes": ["198.51.100.128/25 via 192.0.2.254 dev eth0 metric 77"],
        "virtual_rules": ["from 198.51.100.0/24 table 100 preference 1234"],
        "notify": "/usr/bin/env notify",
        "notify_stop": "/usr/bin/env stop",
        "kernel_rx_buf_size": 300000,
    },
    bfd_instances=[
        {
            "name": "BFD_1",
            "neighbor_ip": "192.0.2.3",
            "source_ip": "192.0.2.2",
            "min_rx": 51,
            "min_tx": 52,
            "idle_tx": 1500,
            "multiplier": 6,
            "max_hops": 9,
            "passive": True,
        }
    ],
    static_ipaddresses=[{"address": "192.0.2.20/32", "dev": "eth0"}],
    static_routes=["203.0.113.0/24 via 192.0.2.253 dev eth0"],
    static_rules=["from 203.0.113.0/24 table 101 preference 1235"],
    garp_groups=[{"garp_interval": 0.002, "interface": "eth2"}],
    sync_groups=[
        {
            "name": "VG_1",
            "vips": ["VI_1", "VI_2"],
            "notify_master": "/usr/bin/env master",
            "notify_backup": "/usr/bin/env backup",
        }
    ],
)
PROCESS = {
    "name": "process",
    "process": "nginx",
    "quorum": 2,
    "quorum_max": 9,
    "fork_delay": 1,
    "terminate_delay": 2,
    "full_command": True,
    "weight": 21,
}
SCRIPT = {
    "name": "check",
    "script": "/usr/bin/env true",
    "interval": 3,
    "timeout": 2,
    "fall": 4,
    "rise": 5,
    "weight": -33,
    "reverse": True,
}
OTHERS = {"track_processes": [PROCESS], "vrrp_scripts": [SCRIPT]}
# Lines of the dump, or their beginnings.
GLOBAL = """
 Router ID = lb1
 Smtp server = 192.0.2.25
 Smtp server port = 2525
 Smtp HELO name = lb.example.com
 Smtp server connection timeout = 17
 Email notification from = ka@example.com
   admin@example.com
 Default smtp_alert = off
 Dynamic interfaces = true
 VRRP notify fifo = /run/vrrp/fifo,
 VRRP IPv4 mcast group = 224.0.0.19
 VRRP IPv6 mcast group = ff02::13
 Gratuitous ARP repeat = 7
 Gratuitous ARP interval = 0.003
 Gratuitous NA interval = 0.004
 Max auto priority = 50
 VRRP process priority = -20
 Checker process priority = -3
 rx_bufs_policy = MTU
 rx_bufs_multiples = 4
 vrrp_startup_delay = 0.1
 GARP interval = 0.002
     192.0.2.20 dev eth0 scope global
     prepend 203.0.113.0/24 via inet 192.0.2.253 dev eth0
     from 203.0.113.0/24 priority 1235
"""
INSTANCE = """
   Sync group = VG_1
   Use VMAC, i/f name vrrp.51,
   Multicast address 224.0.0.19
   Skip checking advert IP addresses
   Gratuitous ARP delay = 3
   Gratuitous ARP repeat = 4
   Gratuitous ARP refresh = 31
   Gratuitous ARP refresh repeat = 2
   Gratuitous ARP lower priority delay = 6
   Gratuitous ARP lower priority repeat = 8
   Down timer adverts = 4
   Send advert after receive lower priority advert = false
   Send advert after receive higher priority advert = true
   Virtual Router ID = 51
   Priority = 100
   Advert interval = 250 milli-sec
   Kernel rx buffer size = 300000
     192.0.2.101 dev vrrp.51@eth0 scope global
     192.0.2.199 dev eth2 scope global label eth2:9
     prepend 198.51.100.128/25 via inet 192.0.2.254 dev eth0
     from 198.51.100.0/24 priority 1234
     eth2 weight 11 reverse
     check weight -33 reverse
     standby, weight -10
     process, weight 21
     BFD_1: weight 12
   Stop state transition script = '/usr/bin/env' 'stop'
   Generic state transition script = '/usr/bin/env' 'notify'
"""
OTHER = """
   sync group tracking weight set
   Backup state transition script = '/usr/bin/env' 'backup'
   Master state transition script = '/usr/bin/env' 'master'
   Interval = 3 sec
   Timeout = 2 sec
   Rise = 5
   Fall = 4
   Min processes = 2
   Max processes = 9
   Terminate delay = 2.0
   Fork delay = 1.0
   Full command = true
"""
BFD = """
   Neighbor IP = 192.0.2.3
   Source IP = 192.0.2.2
   Required min RX interval = 51000 us
   Desired min TX interval = 52000 us
   Desired idle TX interval = 1500000 us
   Detection multiplier = 6
   max_hops = 9
   passive = true
"""


def missing(expected: str, dump: str) -> list[str]:
    lines = dump.splitlines()
    return [line for line in expected.strip("\n").splitlines() if not any(each.startswith(line) for each in lines)]


def test_values_arrive(daemon: Daemon, tmp_path: Path) -> None:
    dumps = daemon.dumps(configuration({**SETTINGS, **OTHERS}), tmp_path)
    assert "keepalived.data" in dumps, dumps["said"]
    assert missing(GLOBAL + INSTANCE + OTHER, dumps["keepalived.data"]) == []
    assert missing(BFD, dumps["keepalived_bfd.data"]) == []


def test_without_them_the_dump_is_another(daemon: Daemon, tmp_path: Path) -> None:
    dump = daemon.dumps(configuration(settings_of()), tmp_path)["keepalived.data"]
    lacking = missing(GLOBAL + INSTANCE + OTHER, dump)
    # What the role sets by itself is there.
    there = (
        {line.strip() for line in (GLOBAL + INSTANCE + OTHER).splitlines()} - {line.strip() for line in lacking} - {""}
    )
    assert there >= {"Router ID = lb1", "Virtual Router ID = 51", "standby, weight -10"}
    assert len(lacking) > 55
