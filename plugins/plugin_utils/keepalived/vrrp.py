# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directives of VRRP: instances, groups, what they track, and what stands beside them."""

# fmt: off
# Tables: a line for each directive.
from __future__ import annotations

from dataclasses import replace

from .global_defs import AS_USER, DAY, EXTRA_INTERFACES, MAXIMUM
from .table import Block, Directive, block


def _tracked(kind: str, example: str, weight: int = 253) -> Block:
    """One thing that is tracked: its name, and what its state does to the priority."""
    return block(
        Directive("name", "word", example, f"Name of the {kind}."),
        Directive("weight", "int", 10, "What is added to the priority; 0 makes a failure a fault.", low=-weight, high=weight),
        Directive("reverse", "flag", True, "Turns the weight's direction around."),
        header=("name",), needed=("name",),
    )


ADDRESS = block(
    Directive("address", "network", "192.0.2.9/24", "The address with its prefix."),
    Directive("brd", "word", "+", "Broadcast address; + and - set and clear the host's bits."),
    Directive("dev", "word", "eth0", "Interface, where it is another than the instance's."),
    Directive("use_vmac", "flag", True, "On an interface with VRRP's MAC, of its own."),
    Directive("scope", "word", "global", "Scope.", choices=("site", "link", "host", "nowhere", "global")),
    Directive("label", "word", "eth0:9", "Label, which is the interface, a colon and any word; 15 characters at most."),
    Directive("peer", "address", "192.0.2.10", "Address of the other end of a point-to-point interface; without a prefix."),
    Directive("home", "flag", True, "Home address (RFC 6275)."),
    Directive("nodad", "flag", True, "No duplicate address detection.", keyword="-nodad"),
    Directive("mngtmpaddr", "flag", True, "Temporary addresses of it."),
    Directive("noprefixroute", "flag", True, "No route for its network."),
    Directive("autojoin", "flag", True, "Joins the multicast group of it."),
    Directive("no_track", "flag", True, "A master goes on if the address is removed."),
    Directive("preferred_lft", "word", "forever", "Seconds until it is deprecated, or forever."),
    header=("address",), needed=("address",),
)

# What stays has no instance whose MAC it could have.
_STATIC_ADDRESS = replace(ADDRESS, directives=ADDRESS.without("use_vmac"))

_NOTIFY = (
    Directive("notify_stop", "command", "/bin/true stop", "Program to run when keepalived stops."),
    Directive("notify", "command", "/bin/true", "Program to run at each change, with kind, name, state and priority behind its arguments."),
    Directive("notify_priority_changes", "on_off", True, "Messages of changes of priority, too."),
    Directive("smtp_alert", "on_off", False, "Mail of changes."),
)

_TRACKS = (
    Directive("track_interface", "lines", [{"name": "eth2", "weight": 10}], "Interfaces.", within=_tracked("interface", "eth2")),
    Directive("track_bfd", "lines", [{"name": "BFD_1", "weight": 10}], "BFD instances.", needs="bfd", within=_tracked("BFD instance", "BFD_1")),
)

_MOVED = {"address": "192.0.2.9/32", "dev": "eth0"}
_RULE = "from 198.51.100.0/24 table 100 preference"

INSTANCE = block(
    Directive("use_vmac", "line", {"interface": "vrrp.51"}, "An interface with VRRP's MAC; {} takes the default name.", within=block(
        Directive("interface", "word", "vrrp.51", "Name of the interface; by default vrrp. and the VRID."),
        Directive("mac", "word", "02:00:5e:00:01:33", "MAC instead of 00-00-5E-00-01-VRID (RFC 5798, 7.3).", since="2.2.7"),
        Directive("netlink_notify_msg", "flag", True, "A message of the base interface's change.", since="2.2.8"),
        Directive("group", "int", 0, "Group of the interface.", since="2.3.0", low=0, high=255),
        header=("interface", "mac"),
    )),
    Directive("use_vmac_addr", "flag", True, "The same for VIPs on other interfaces."),
    Directive("vmac_xmit_base", "flag", True, "Adverts from the base interface."),
    Directive("use_ipvlan", "line", {"interface": "ipv.51", "address": "192.0.2.3", "mode": "bridge"}, "An ipvlan interface.", within=block(
        Directive("interface", "word", "ipv.51", "Name of the interface."),
        Directive("address", "network", "192.0.2.3", "Its address."),
        Directive("mode", "word", "bridge", "How it is joined to the others.", choices=("bridge", "private", "vepa")),
        Directive("group", "int", 0, "Group of the interface.", since="2.3.0", low=0, high=255),
        header=("interface", "address", "mode"),
    )),
    Directive("dont_track_primary", "flag", True, "A master goes on if its interface is down."),
    *_TRACKS,
    Directive("mcast_src_ip", "address", "192.0.2.2", "Source of multicast adverts."),
    Directive("mcast_dst_ip", "address", "224.0.0.20", "Group of this instance's adverts.", since="2.2.7"),
    Directive("track_src_ip", "flag", True, "A source address that is missing is a fault."),
    Directive("check_unicast_src", "flag", True, "Drops unicast adverts of others than the peers."),
    Directive("unicast_fault_no_peer", "flag", True, "Unicast without peers is a fault.", since="2.2.7"),
    Directive("unicast_ttl", "int", 255, "TTL of unicast adverts.", low=0, high=255),
    Directive("old_unicast_checksum", "flag", True, "The checksum of keepalived before 1.3.7."),
    Directive("version", "int", 3, "VRRP's version of this instance.", low=2, high=3),
    Directive("garp_master_delay", "int", 5, "Seconds to the second round of gratuitous ARPs.", low=0, high=3600),
    Directive("garp_master_repeat", "int", 5, "Gratuitous ARPs of a takeover.", low=1, high=100),
    Directive("garp_master_refresh", "int", 10, "Seconds between two refreshes.", low=0, high=DAY),
    Directive("garp_master_refresh_repeat", "int", 2, "Gratuitous ARPs of each refresh.", low=1, high=100),
    Directive("garp_lower_prio_delay", "int", 5, "Seconds to those after an advert of lower priority.", low=0, high=3600),
    Directive("garp_lower_prio_repeat", "int", 1, "How many those are.", low=0, high=100),
    Directive("garp_extra_if", "line", {"all": True, "seconds": 100}, "Gratuitous ARPs on other interfaces.", since="2.2.3", within=EXTRA_INTERFACES),
    Directive("down_timer_adverts", "int", 3, "Missing adverts that make a takeover; RFC 5798 has 3.", since="2.2.3", low=1, high=100),
    Directive("timer_expired_backup", "int", 200, "Highest priority of others, to which a master yields that was late.", since="2.2.8", low=1, high=254),
    Directive("lower_prio_no_advert", "on_off", True, "No advert in answer to one of lower priority."),
    Directive("higher_prio_send_advert", "on_off", True, "An advert in answer to one of higher priority."),
    Directive("owner_ignore_adverts", "flag", True, "The owner of an address drops adverts (RFC 9568).", since="2.3.3"),
    Directive("skip_check_adv_addr", "on_off", True, "Skips the addresses in adverts of the master heard before."),
    Directive("strict_mode", "on_off", False, "Refuses what RFC 5798 does not have."),
    Directive("v3_checksum_as_v2", "on_off", True, "VRRPv3's IPv4 checksum without pseudo-header, as Cisco has it.", since="2.2.8"),
    Directive("accept", "flag", True, "VIPs take packets for themselves; the default."),
    Directive("no_accept", "flag", True, "VIPs are routed through and take nothing.", needs="nftables"),
    Directive("promote_secondaries", "flag", True, "Removing an address keeps others of its network."),
    Directive("virtual_ipaddress_excluded", "lines", [_MOVED], "Addresses that move along and are in no advert.", within=ADDRESS),
    Directive("no_virtual_ipaddress", "flag", True, "No VIP is no error, for routers that speak BGP.", since="2.2.8"),
    Directive("virtual_routes", "routes", ["198.51.100.0/24 via 192.0.2.254 dev eth0"], "Routes that move along, as ip route has them."),
    Directive("virtual_rules", "routes", [f"{_RULE} 100"], "Rules that move along, as ip rule has them; each with a preference."),
    *_NOTIFY,
    Directive("notify_deleted", "command", "/bin/true deleted", "Program to run when a reload has removed the instance."),
    Directive("notify_master_rx_lower_pri", "command", "/bin/true lower", "Program to run when a master hears one of lower priority."),
    Directive("kernel_rx_buf_size", "int", 212992, "Receive buffer in bytes.", low=1024, high=1 << 30),
)

# Nobody's key.
_KEYS = [{"id": 1, "key": "hex:" + "5a" * 32}]
_SIGNS = "Signs adverts with HMAC-SHA256, of both families and versions of VRRP."

# What stands in every instance.
HMAC = Directive("auth_hmac", "block", {"keys": _KEYS, "active_key": 1}, _SIGNS, since="2.4.0", within=block(
    Directive("keys", "entries", _KEYS, "Keys that adverts may be signed with.", instead="Write a list, each entry with id and key.", within=block(
        Directive("id", "int", 1, "Its number.", low=1, high=255, keyword="key", instead="Number each key, from 1 to 255."),
        Directive(
            "key", "key", _KEYS[0]["key"], "32 to 64 bytes, as hex: and digits or as ASCII; or file: and a path.",
            instead="Write hex: and 64 hexadecimal digits, such as openssl rand -hex 32 prints.",
        ),
        header=("id", "key"), needed=("id", "key"),
    )),
    Directive("active_key", "int", 1, "The id of the key to sign with.", low=1, high=255, instead="Name the id of a key."),
    Directive(
        "anti_replay", "word", "time", "What an old advert is told by: clocks, which have to agree, or its number alone.",
        choices=("time", "monotonic"),
    ),
    Directive("time_window", "int", 5, "Seconds that clocks may differ; by default 3 advert intervals, and 5 at least.", low=1, high=300),
    Directive(
        "mode", "word", "enforce",
        "enforce signs and drops what is not signed, permissive signs and takes both, receive-only takes both and signs nothing; "
        "that one is of 2.4.2 on, as far as its source tells.",
        choices=("enforce", "permissive", "receive-only"), newer=(("receive-only", "2.4.2"),),
    ),
    needed=("keys", "active_key"),
))

SYNC_GROUP = block(
    Directive("name", "word", "VG_1", "Name of the group."),
    Directive("vips", "routes", ["VI_1", "VI_2"], "The instances that change their states together.", keyword="group"),
    *_TRACKS,
    Directive("track_script", "lines", [{"name": "check", "weight": 10}], "Checks.", within=_tracked("check", "check")),
    Directive("track_file", "lines", [{"name": "file", "weight": 10}], "Files.", within=_tracked("file", "file", 254)),
    Directive("track_process", "lines", [{"name": "process", "weight": 10}], "Processes.", within=_tracked("process", "process", 254)),
    Directive("notify_master", "command", "/bin/true master", "Program to run when the group is master."),
    Directive("notify_backup", "command", "/bin/true backup", "Program to run when the group is backup."),
    Directive("notify_fault", "command", "/bin/true fault", "Program to run when the group has a fault."),
    *_NOTIFY,
    header=("name",), needed=("name", "vips"), always=("sync_group_tracking_weight",),
)

# What an entry of keepalived_vrrp_scripts, _track_files and _track_processes says of each instance.
_EFFECT = _tracked("entry", "x").without("name")
# The longest time that keepalived counts in microseconds.
LONGEST = (2**32 - 1) // 1_000_000

SCRIPT = block(
    Directive("name", "word", "check", "Name of the check."),
    Directive("script", "command", "/bin/true", "Program to run, with its arguments."),
    Directive("interval", "int", 1, "Seconds from one run to the next.", low=1, high=LONGEST),
    Directive("timeout", "int", 1, "Seconds after which a run counts as failed.", low=1, high=LONGEST),
    Directive("fall", "int", 2, "Failures in a row that make it fail.", low=1, high=MAXIMUM),
    Directive("rise", "int", 2, "Successes in a row that make it well again.", low=1, high=MAXIMUM),
    Directive("user", "user", "nobody", "User to run as."),
    header=("name",), needed=("name", "script"), always=("init_fail",),
)

_INIT = block(
    Directive("value", "int", 0, "The number to begin with.", low=-254, high=254),
    Directive("overwrite", "flag", True, "Also where the file is there."),
    header=("value",),
)

FILE = block(
    Directive("name", "word", "file", "Name of the entry."),
    Directive("file", "path", "/run/vrrp/file", "The file."),
    Directive("init_file", "line", {"value": 0, "overwrite": True}, "What keepalived writes into it when it starts.", within=_INIT),
    header=("name",), needed=("name", "file"),
)

PROCESS = block(
    Directive("name", "word", "process", "Name of the entry."),
    Directive("process", "words", "nginx", "Name of the process, and maybe its parameters."),
    Directive("quorum", "int", 1, "How many have to run.", low=1, high=65535),
    Directive("delay", "seconds", 1, "Seconds that they may be missing.", low=0.000001, high=3600),
    Directive("param_match", "word", "initial", "How parameters match.", choices=("initial", "partial")),
    Directive("quorum_max", "int", 10, "How many may run.", low=0, high=65535),
    Directive("fork_delay", "seconds", 1, "Seconds that new ones are waited for.", low=0.000001, high=3600),
    Directive("terminate_delay", "seconds", 1, "Seconds that they may be missing.", low=0.000001, high=3600),
    Directive("full_command", "flag", True, "The whole command line is compared."),
    header=("name",), needed=("name", "process"),
)

# An entry as the role's variables have it: what the role calls otherwise, and what instances say of it. Its argument_specs tell what is
# needed beside the name.
SCRIPT_ENTRY = replace(SCRIPT, needed=("name",), directives=(*SCRIPT.directives, *_EFFECT))
FILE_ENTRY = replace(
    FILE, directives=(*FILE.without("init_file"), replace(_INIT["value"], name="init"), _INIT["overwrite"], *_EFFECT)
)
PROCESS_ENTRY = replace(
    PROCESS, directives=(*(replace(one, low=0) if one.name == "delay" else one for one in PROCESS.directives), *_EFFECT)
)

# The script whose runs are keepalived's signs of life, beside the user's own.
WATCHDOG = Directive(
    "watchdog", "block", {"name": "keepalived_alive", "script": "/bin/true", "fall": 1_000_000}, "Tells systemd that keepalived works.",
    keyword="vrrp_script", within=block(*SCRIPT.directives, header=("name",)),
    comment="Runs as long as keepalived does its work; without it systemd ends keepalived after {watchdog_seconds} s.",
)

# What the role writes into each instance, before and after the user's own directives.
WHOLE_INSTANCE = block(
    Directive("name", "word", "VI_1", "Name of the instance."),
    Directive("state", "word", "BACKUP", "State to begin with.", choices=("MASTER", "BACKUP")),
    Directive("interface", "word", "eth0", "Interface of the adverts and VIPs."),
    Directive("virtual_router_id", "int", 51, "VRID.", low=1, high=255),
    Directive("priority", "int", 100, "Priority.", low=1, high=255),
    Directive("advert_int", "seconds", 0.25, "Seconds between two adverts.", low=0.01, high=40.95),
    *INSTANCE.directives,
    Directive("nopreempt", "flag", True, "A host keeps the VIP that it has."),
    Directive("preempt_delay", "seconds", 3, "Seconds before it takes one over.", low=0, high=1000),
    Directive("unicast_src_ip", "address", "192.0.2.2", "Source of unicast adverts."),
    Directive("of_peers_only", "flag", True, "Drops adverts of others.", keyword="check_unicast_src"),
    Directive("unicast_peer", "lines", [{"address": "192.0.2.3"}], "Where adverts go.", within=block(
        Directive("address", "address", "192.0.2.3", "Address of a peer."),
        header=("address",),
    )),
    HMAC,
    Directive("own_version", "int", 3, "VRRP's version.", low=2, high=3, keyword="version", comment="VRRPv2 is of IPv4 alone."),
    Directive("authentication", "block", {"auth_type": "PASS", "auth_pass": "s3cret"}, "VRRPv2's password.", within=block(
        Directive("auth_type", "word", "PASS", "Kind of authentication.", choices=("PASS", "AH")),
        Directive("auth_pass", "password", "s3cret", "Password.", instead="Use others."),
        needed=("auth_type", "auth_pass"),
    )),
    Directive("virtual_ipaddress", "lines", [{"address": "192.0.2.9/24"}], "The VIPs.", within=ADDRESS),
    Directive(
        "own_routes", "routes", ["local 2001:db8::9 dev lo table local"], "Local routes.", keyword="virtual_routes",
        comment="The kernel makes an IPv6 address its own some time after keepalived has added it, and neighbours are told at once.",
    ),
    *(Directive(f"notify_{state}", "line", {"command": "/bin/true", "user": "root"}, f"Program to run as {state}.", within=AS_USER)
      for state in ("master", "backup", "fault")),
    Directive("track_file", "lines", [{"name": "file", "weight": 10}], "Files.", within=_tracked("file", "file", 254)),
    Directive("track_process", "lines", [{"name": "process", "weight": 10}], "Processes.", within=_tracked("process", "process", 254)),
    Directive("track_script", "lines", [{"name": "check", "weight": 10}], "Checks.", within=_tracked("check", "check", 254)),
    header=("name",), needed=("name",),
)

_DELAYS = {"interface": "eth0", "down": 0.1, "up": 0.2}
_NEIGHBOUR = {"name": "BFD_1", "neighbor_ip": "192.0.2.3", "source_ip": "192.0.2.2"}

# What stands outside of other blocks, before the instances.
BESIDE = block(
    Directive("linkbeat_interfaces", "lines", [{"interface": "eth0", "method": "ETHTOOL"}], "Interfaces that are asked for their link.", within=block(
        Directive("interface", "word", "eth0", "Interface."),
        Directive("method", "word", "ETHTOOL", "How it is asked.", choices=("MII", "ETHTOOL", "IOCTL")),
        header=("interface", "method"), needed=("interface",),
    )),
    Directive("interface_up_down_delays", "lines", [_DELAYS], "How long interfaces may change.", since="2.2.3", within=block(
        Directive("interface", "word", "eth0", "Interface."),
        Directive("down", "seconds", 0.1, "Seconds that it may be down.", low=0, high=255),
        Directive("up", "seconds", 0.2, "Seconds that it has to be up.", low=0, high=255),
        header=("interface", "down", "up"), needed=("interface", "down"),
    )),
    Directive("track_group", "blocks", [{"name": "TG_1", "vips": ["VI_1"]}], "Groups that static addresses, routes and rules name.", within=block(
        Directive("name", "word", "TG_1", "Name of the group."),
        Directive("vips", "routes", ["VI_1"], keyword="group", text="Instances that fail with the group's addresses, routes and rules."),
        header=("name",), needed=("name", "vips"),
    )),
    Directive("static_ipaddress", "lines", [{"address": "192.0.2.20/32", "dev": "eth0"}], "Addresses that stay.", within=_STATIC_ADDRESS),
    Directive("static_routes", "routes", ["198.51.100.0/24 via 192.0.2.254 dev eth0"], "Routes that stay, as ip route has them."),
    Directive("static_rules", "routes", [f"{_RULE} 101"], "Rules that stay, as ip rule has them; each with a preference."),
    Directive("garp_group", "blocks", [{"garp_interval": 0.001, "interface": "eth0"}], "Pace of gratuitous ARPs.", within=block(
        Directive("garp_interval", "seconds", 0.001, "Seconds between two gratuitous ARPs.", low=0.000001, high=1),
        Directive("gna_interval", "seconds", 0.001, "Seconds between two neighbour advertisements.", low=0.000001, high=1),
        Directive("interface", "word", "eth0", "The interface."),
        Directive("interfaces", "routes", ["eth0", "eth2"], "Or those on one switch."),
    )),
    Directive("bfd_instance", "blocks", [_NEIGHBOUR], "Neighbours watched by BFD (RFC 5880).", needs="bfd", within=block(
        Directive("name", "word", "BFD_1", "Name of the instance."),
        Directive("neighbor_ip", "address", "192.0.2.3", "The other side."),
        Directive("source_ip", "address", "192.0.2.2", "This side."),
        Directive("min_rx", "seconds", 50, "Milliseconds between two packets that it takes.", low=1, high=1000),
        Directive("min_tx", "seconds", 50, "Milliseconds between two packets that it sends.", low=1, high=1000),
        Directive("idle_tx", "seconds", 1000, "Milliseconds while nobody answers.", low=1000, high=10000),
        Directive("multiplier", "int", 5, "Missing packets that end it.", low=1, high=255),
        Directive("passive", "flag", True, "Waits for the other side."),
        Directive("ttl", "int", 255, "TTL of IPv4.", low=1, high=255),
        Directive("hoplimit", "int", 255, "Hop limit of IPv6.", low=1, high=255),
        Directive("max_hops", "int", 0, "Routers in between.", low=0, high=255),
        Directive("multihop", "on_off", True, "The port of RFC 5883.", since="2.2.8"),
        Directive("vrrp", "flag", True, "Tells VRRP only."),
        Directive("checker", "flag", True, "Tells checkers only."),
        header=("name",), needed=("name", "neighbor_ip"),
    )),
    Directive("vrrp_sync_group", "blocks", [{"name": "VG_1", "vips": ["VI_1", "VI_2"]}], "Instances that change their states together.", within=SYNC_GROUP),
)

# What these tables do not have, and why.
LEFT_OUT = {
    "state": "planned; keepalived_vips[].states",
    "interface": "keepalived_interface",
    "virtual_router_id": "planned; keepalived_vips[].virtual_router_id",
    "priority": "planned; keepalived_vips[].priorities",
    "advert_int": "keepalived_advert_int",
    "nopreempt": "keepalived_vips[].nopreempt",
    "preempt": "the default",
    "preempt_delay": "keepalived_preempt_delay",
    "unicast_src_ip": "keepalived_unicast_src_ip",
    "unicast_peer": "keepalived_unicast_peers",
    "authentication": "keepalived_auth_pass",
    "auth_type": "keepalived_auth_type",
    "auth_pass": "keepalived_auth_pass",
    "virtual_ipaddress": "keepalived_vips[].address and extra_addresses",
    "track_script": "keepalived_vrrp_scripts",
    "track_file": "keepalived_track_files",
    "track_process": "keepalived_track_processes",
    "vrrp_script": "keepalived_vrrp_scripts",
    "vrrp_track_process": "keepalived_track_processes",
    **{one.name: f"keepalived_vrrp_scripts[].{one.name}" for one in SCRIPT.without("name")},
    "init_fail": "the role sets it",
    "process": "keepalived_track_processes[].process",
    "quorum": "keepalived_track_processes[].quorum",
    "delay": "keepalived_track_processes[].delay",
    "vrrp_track_file": "another word for track_file",
    "file": "keepalived_track_files[].file",
    "init_file": "keepalived_track_files[].init and overwrite",
    "vrrp_instance": "keepalived_vips",
    **dict.fromkeys(("notify_master", "notify_backup", "notify_fault"), "the role's own; notify is called for each change"),
    "native_ipv6": "the address tells it, and versions refuse it with an IPv4 one",
    "lvs_sync_daemon_interface": "lvs_sync_daemon in keepalived_global_defs",
    "vrf": "instances have an interface here",
    "debug": "keepalived does nothing with it",
    "thread_timer_expired": "another word for timer_expired_backup",
    "vmac_garp_intvl": "another word for garp_extra_if",
    "sync_group_tracking_weight": "the role sets it, for it drains hosts by weights",
    "neighbour_ip": "another word for neighbor_ip",
    "global_tracking": "deprecated; the group's own track_interface and others are it",
}
