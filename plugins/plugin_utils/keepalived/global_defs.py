# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directives of global_defs, and those that stand outside of every block."""

# fmt: off
# Tables: a line for each directive.
from __future__ import annotations

from .table import Directive, block

MAXIMUM = 2**31 - 1
DAY = 86400
# Microseconds of realtime processing.
RTTIME = 1_000_000

EXTRA_INTERFACES = block(
    Directive("all", "flag", True, "On all interfaces of VIPs, not on those with a MAC of their own only."),
    Directive("seconds", "int", 100, "Seconds between two of them.", low=1, high=DAY),
    header=("seconds",), needed=("seconds",),
)


def _process(name: str, title: str, needs: str = "", own: tuple[str, ...] = ()) -> tuple[Directive, ...]:
    """What each of keepalived's processes has; own: what the role sets itself."""
    every = (
        Directive(f"{name}_process_name", "word", f"ka_{name}", f"Name of the {title} process.", needs=needs),
        Directive(f"{name}_priority", "int", -5, f"Nice value of the {title} process.", needs=needs, low=-20, high=19),
        Directive(f"{name}_no_swap", "flag", True, f"Keeps the {title} process in memory.", needs=needs),
        Directive(f"{name}_rt_priority", "int", 50, f"Realtime priority of the {title} process.", needs=needs, low=1, high=99),
        Directive(f"{name}_cpu_affinity", "list", ["0"], f"Processors that the {title} process may use.", needs=needs),
        Directive(
            f"{name}_rlimit_rttime", "int", 10_000, f"Microseconds that the {title} process may run in realtime without a pause.", needs=needs, low=1,
            high=RTTIME,
        ),
    )
    return tuple(one for one in every if one.name not in own)


def _buffers(name: str, title: str) -> tuple[Directive, ...]:
    return (
        Directive(f"{name}_rcv_bufs", "int", 212992, f"Receive buffer of the {title} socket in bytes.", low=4096, high=1 << 30),
        Directive(f"{name}_rcv_bufs_force", "on_off", True, "Lets it exceed the kernel's limit."),
    )


GLOBAL_DEFS = block(
    # Mail of keepalived's own.
    Directive("notification_email", "routes", ["admin@example.com"], "Addresses that keepalived's own mail goes to."),
    Directive("notification_email_from", "word", "keepalived@example.com", "Its sender."),
    Directive("smtp_server", "list", ["127.0.0.1", "25"], "Its server, and the port where it is not 25."),
    Directive("smtp_helo_name", "word", "lb.example.com", "Name in HELO."),
    Directive("smtp_connect_timeout", "int", 30, "Seconds to wait for the server.", low=1, high=3600),
    Directive("smtp_alert", "on_off", False, "Mail of all changes of state."),
    Directive("smtp_alert_vrrp", "on_off", False, "Mail of VRRP instances and groups."),
    Directive("smtp_alert_checker", "on_off", False, "Mail of real and virtual servers."),
    Directive("no_email_faults", "flag", True, "No mail of faults."),
    Directive("no_checker_emails", "flag", True, "Mail only of servers that come and go, not of each checker."),
    # VRRP on the wire.
    Directive("vrrp_mcast_group4", "address", "224.0.0.18", "IPv4 group of the adverts (RFC 5798, 5.1.1.2)."),
    Directive("vrrp_mcast_group6", "address", "ff02::12", "IPv6 group of the adverts (RFC 5798, 5.1.2.2)."),
    Directive("vrrp_garp_master_repeat", "int", 5, "Gratuitous ARPs of a takeover.", low=1, high=100),
    Directive("vrrp_garp_master_refresh_repeat", "int", 1, "Gratuitous ARPs of each refresh.", low=1, high=100),
    Directive("vrrp_garp_lower_prio_delay", "int", 5, "Seconds to those after an advert of lower priority.", low=0, high=4294),
    Directive("vrrp_garp_lower_prio_repeat", "int", 5, "How many those are.", low=0, high=100),
    Directive("vrrp_garp_interval", "seconds", 0.001, "Seconds between two gratuitous ARPs of an interface.", low=0.000001, high=1),
    Directive("vrrp_gna_interval", "seconds", 0.001, "As that, of neighbour advertisements.", low=0.000001, high=1),
    Directive("vrrp_min_garp", "on_off", False, "One gratuitous ARP for a takeover, and no second round."),
    Directive(
        "vrrp_garp_extra_if", "line", {"all": True, "seconds": 100}, "Gratuitous ARPs on interfaces of VIPs that are not the instance's.",
        since="2.2.3", within=EXTRA_INTERFACES,
    ),
    Directive("vrrp_down_timer_adverts", "int", 3, "Missing adverts that make a takeover; RFC 5798 has 3.", since="2.2.3", low=1, high=100),
    Directive("vrrp_lower_prio_no_advert", "on_off", True, "No advert in answer to one of lower priority."),
    Directive("vrrp_higher_prio_send_advert", "on_off", True, "An advert in answer to one of higher priority."),
    Directive("vrrp_check_unicast_src", "flag", True, "Drops unicast adverts of others than the peers."),
    Directive("vrrp_skip_check_adv_addr", "on_off", True, "Skips the addresses in adverts of the master heard before."),
    Directive("vrrp_strict", "flag", True, "Refuses what RFC 5798 does not have."),
    Directive("v3_checksum_as_v2", "on_off", True, "VRRPv3's IPv4 checksum without pseudo-header, as Cisco has it.", since="2.2.8"),
    Directive("vrrp_owner_ignore_adverts", "flag", True, "The owner of an address drops adverts (RFC 9568).", since="2.3.3"),
    Directive("vrrp_startup_delay", "seconds", 1.5, "Seconds before instances begin.", low=0.001, high=1200),
    Directive("log_unknown_vrids", "flag", True, "Logs adverts of VRIDs that are not configured."),
    Directive("vrrp_rx_bufs_policy", "word", "MTU", "Sizes of receive buffers: MTU, ADVERT or bytes."),
    Directive("vrrp_rx_bufs_multiplier", "int", 3, "Packets that fit into them.", low=1, high=1000),
    Directive("vmac_prefix", "word", "vm", "Begin of the names of interfaces with VRRP's MAC."),
    Directive("vmac_addr_prefix", "word", "vma", "Begin of the names of those for VIPs on other interfaces."),
    Directive("dynamic_interfaces", "flag", True, "Lets interfaces be missing at the start."),
    Directive("default_interface", "word", "eth0", "Interface of static addresses that name none."),
    Directive("disable_local_igmp", "flag", True, "Turns IGMP reports of local groups off in the kernel."),
    # What keepalived filters packets with.
    Directive("nftables", "word", "keepalived", "nftables table of keepalived's rules.", needs="nftables"),
    Directive("nftables_priority", "int", -1, "Priority of its chains.", needs="nftables", low=-400, high=400),
    Directive("nftables_counters", "flag", True, "Counters in its rules.", needs="nftables"),
    Directive("nftables_ifindex", "flag", True, "Interfaces by number.", needs="nftables"),
    Directive("nftables_ipvs", "word", "keepalived_ipvs", "Table that marks packets of server groups.", needs="nftables"),
    Directive("nftables_ipvs_priority", "int", -1, "Priority of its chains.", needs="nftables", low=-400, high=400),
    Directive("nftables_ipvs_start_fwmark", "int", 1000, "First mark.", needs="nftables", low=1, high=MAXIMUM),
    # Messages of state changes.
    Directive("notify_fifo", "path", "/run/keepalived.all", "FIFO of all changes of state."),
    Directive("notify_fifo_script", "command", "/bin/true", "Program that reads it."),
    Directive("vrrp_notify_fifo", "path", "/run/keepalived.vrrp", "FIFO of VRRP's changes of state."),
    Directive("vrrp_notify_fifo_script", "command", "/bin/true", "Program that reads it."),
    Directive("vrrp_notify_priority_changes", "on_off", True, "Changes of priority, too."),
    Directive("fifo_write_vrrp_states_on_reload", "flag", True, "All states again after a reload.", since="2.2.7"),
    Directive("lvs_notify_fifo", "path", "/run/keepalived.lvs", "FIFO of changes of servers."),
    Directive("lvs_notify_fifo_script", "command", "/bin/true", "Program that reads it."),
    Directive("startup_script", "command", "/bin/true", "Program to run before keepalived works."),
    Directive("startup_script_timeout", "int", 10, "Seconds that it may take.", low=1, high=1000),
    Directive("shutdown_script", "command", "/bin/true", "Program to run after keepalived's work."),
    Directive("shutdown_script_timeout", "int", 10, "Seconds that it may take.", low=1, high=1000),
    # LVS.
    Directive("lvs_sync_daemon", "line", {"interface": "eth0", "inst": "VI_1", "id": 5}, "Tells connections to other directors.", within=block(
        Directive("interface", "word", "eth0", "Interface that connections are told on."),
        Directive("inst", "word", "VI_1", "Instance whose state decides between telling and listening; both without one."),
        Directive("id", "int", 5, "Its number, that of all directors of a cluster.", low=0, high=255),
        Directive("maxlen", "int", 1400, "Longest packet in bytes.", low=1, high=65507),
        Directive("port", "int", 8848, "UDP port.", low=1, high=65535),
        Directive("ttl", "int", 1, "How many routers packets may pass.", low=1, high=255),
        Directive("group", "address", "224.0.0.81", "Multicast group."),
        header=("interface",), needed=("interface",),
    )),
    Directive("lvs_timeouts", "line", {"tcp": 900, "tcpfin": 120, "udp": 300}, "How long connections are remembered.", within=block(
        Directive("tcp", "int", 900, "Seconds that an idle TCP connection is kept.", low=0, high=MAXIMUM // 1000),
        Directive("tcpfin", "int", 120, "Seconds after its end.", low=0, high=MAXIMUM // 1000),
        Directive("udp", "int", 300, "Seconds for UDP.", low=0, high=MAXIMUM // 1000),
    )),
    Directive("lvs_flush", "flag", True, "Removes what IPVS has at the start."),
    Directive("lvs_flush_on_stop", "flag", True, "Removes all of it at the end."),
    Directive("rs_init_notifies", "flag", True, "Notifies of real servers at the start, too."),
    Directive("checker_log_all_failures", "on_off", True, "Logs each failed check."),
    # Processes.
    Directive("process_names", "flag", True, "keepalived_vrrp and others as names of the processes."),
    *_process("vrrp", "VRRP", own=("vrrp_priority",)),
    *_process("checker", "checker"),
    *_process("bfd", "BFD", needs="bfd"),
    Directive("max_auto_priority", "int", 50, "Highest realtime priority that keepalived takes where it runs late.", low=-1, high=99),
    Directive("min_auto_priority_delay", "int", 1_000_000, "Microseconds that it is late before it does.", low=1, high=10_000_000),
    *_buffers("vrrp_netlink_cmd", "VRRP netlink command"),
    *_buffers("vrrp_netlink_monitor", "VRRP netlink monitor"),
    *_buffers("lvs_netlink_cmd", "checker's netlink command"),
    *_buffers("lvs_netlink_monitor", "checker's netlink monitor"),
    *_buffers("process_monitor", "process monitor's"),
    Directive("umask", "word", "0077", "umask of files."),
    Directive("random_seed", "int", 1, "Seed of random numbers in configurations.", low=0, high=MAXIMUM),
    Directive("use_symlink_paths", "on_off", True, "Keeps symbolic links in paths of scripts.", since="2.3.0"),
    # Reloads and dumps.
    Directive("reload_time_file", "path", "/run/keepalived.reload-at", "File with the time of the next reload."),
    Directive("reload_repeat", "flag", True, "That time on each day."),
    Directive("reload_file", "path", "/run/keepalived.reloading", "File that is there while the configuration is read."),
    Directive("include_check", "list", ["match"], "What is an error in an include."),
    Directive("config_save_dir", "path", "/run/keepalived.saved", "Where configurations of each reload are kept.", since="2.2.3"),
    Directive("tmp_config_directory", "path", "/tmp", "Where the configuration is copied to while it is read."),
    Directive("data_use_instance", "on_off", False, "Names of instances in names of dumps.", since="2.2.3"),
    Directive("stats_dump_file", "path", "/run/keepalived.stats", "File of the statistics.", since="2.3.3"),
    Directive("json_dump_file", "path", "/run/keepalived.json", "File of the JSON dump.", since="2.3.3"),
    Directive("json_version", "int", 2, "Form of the JSON dump.", since="2.2.8", needs="json", low=1, high=2),
    Directive("iproute_usr_dir", "path", "/usr/share/iproute2", "Where iproute2 keeps names of tables.", since="2.3.3"),
    Directive("iproute_etc_dir", "path", "/etc/iproute2", "Where the host's own names are.", since="2.3.3"),
    # SNMP and D-Bus.
    Directive("snmp_socket", "word", "unix:/var/agentx/master", "Socket of the SNMP agent.", needs="snmp"),
    Directive("enable_traps", "flag", True, "SNMP traps.", needs="snmp"),
    Directive("enable_snmp_vrrp", "flag", True, "keepalived's own MIB of VRRP.", needs="snmp"),
    Directive("enable_snmp_checker", "flag", True, "keepalived's own MIB of LVS.", needs="snmp"),
    Directive("enable_snmp_rfc", "flag", True, "The MIBs of RFC 2787 and RFC 6527.", needs="snmp"),
    Directive("enable_snmp_rfcv2", "flag", True, "The MIB of RFC 2787.", needs="snmp"),
    Directive("enable_snmp_rfcv3", "flag", True, "The MIB of RFC 6527.", needs="snmp"),
    *(
        Directive(f"snmp_{name}_stats_update_interval", "seconds", 5, text, since="2.3.0", needs="snmp", low=0.001, high=30)
        for name, text in (
            ("vs", "Seconds that a virtual server's counters are good for."), ("rs", "Seconds that a real server's counters are good for."),
        )
    ),
    Directive("enable_dbus", "flag", True, "keepalived on D-Bus.", needs="dbus"),
    Directive("dbus_service_name", "word", "org.keepalived.Vrrp1", "Its name there.", needs="dbus"),
    Directive("dbus_no_interface_name", "word", "none", "Name of no interface there.", since="2.3.0", needs="dbus"),
)

# A program and the user that it runs as.
AS_USER = block(
    Directive("command", "command", "/bin/true", "Program to run."),
    Directive("user", "word", "root", "User to run as."),
    header=("command", "user"),
)

# What the role writes itself, before the user's own directives.
OWN = block(
    Directive("router_id", "text", "lb1", "The host's name in keepalived's messages."),
    Directive("vrrp_version", "int", 3, "VRRP's version.", low=2, high=3),
    Directive("enable_script_security", "flag", True, "Runs as root only what nobody else can change."),
    Directive("script_user", "user", "keepalived_script", "User of scripts."),
    Directive("reload_check_config", "flag", True, "Tests a configuration before it is read again."),
    Directive("vrrp_priority", "int", -20, "Nice value.", low=-20, high=19, comment="Before everything else on a busy host."),
    Directive(
        "vrrp_garp_master_delay", "int", 1, "Seconds to the second round of gratuitous ARPs.", low=0, high=3600,
        comment="Again after a second, and ever again: a neighbour that missed it, or heard a host that hangs, learns who has the VIP.",
    ),
    Directive("vrrp_garp_master_refresh", "int", 10, "Seconds between two refreshes.", low=0, high=DAY),
    Directive("notifier_fifo", "path", "/run/vrrp/notify.fifo", "What the notifier reads.", keyword="vrrp_notify_fifo"),
    Directive("notifier", "line", {"command": "/bin/true", "user": "root"}, "The notifier.", keyword="vrrp_notify_fifo_script", within=AS_USER),
    Directive("tells_on_reload", "flag", True, "All states again after a reload.", keyword="fifo_write_vrrp_states_on_reload"),
)
WHOLE = block(
    *OWN.directives,
    *GLOBAL_DEFS.directives,
)

PROCESS = block(
    Directive("child_wait_time", "int", 5, "Seconds that processes may take to end.", low=0, high=3600),
    Directive("linkbeat_use_polling", "flag", True, "Asks interfaces for their link by MII or ethtool."),
    Directive("net_namespace_ipvs", "word", "ipvs", "Network namespace of IPVS."),
    Directive("namespace_with_ipsets", "flag", True, "ipsets in network namespaces, on kernels before 3.13."),
)

# What this table does not have, and why.
LEFT_OUT = {
    "router_id": "keepalived_router_id",
    "vrrp_version": "keepalived_vrrp_version",
    "vrrp_garp_master_delay": "the role sets 1",
    "vrrp_garp_master_refresh": "keepalived_garp_refresh",
    "vrrp_priority": "the role sets -20",
    "enable_script_security": "the role sets it",
    "script_user": "keepalived_script_user",
    "reload_check_config": "the role sets it where the version can do it",
    "instance": "the role's modules know one keepalived of a host",
    "net_namespace": "the role's modules look for VIPs in the host's own namespace",
    "use_pid_dir": "the role's unit knows its process by systemd",
    "process_name": "the role's modules know keepalived by its name",
    "state_dump_file": "the role reads that file where keepalived writes it by itself",
    "vrrp_iptables": "keepalived with nftables refuses it",
    "vrrp_ipsets": "keepalived with nftables refuses it",
    "lvs_process_name": "another word for checker_process_name",
    "vrrp_vmac_garp_intvl": "another word for vrrp_garp_extra_if",
    "lvs_flush_onstop": "another word for lvs_flush_on_stop",
    "vrrp_rlimit_rtime": "another word for vrrp_rlimit_rttime",
    "checker_rlimit_rtime": "another word for checker_rlimit_rttime",
    "bfd_rlimit_rtime": "another word for bfd_rlimit_rttime",
    "enable_snmp_keepalived": "another word for enable_snmp_vrrp",
}
