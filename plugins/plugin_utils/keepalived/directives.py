# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the keepalived role's variables hold which directives, and what is wrong with them.

Pure functions of the role's variables; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import global_defs as keepalived_global
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import lvs as keepalived_lvs
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import table as keepalived_table
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import vrrp as keepalived_vrrp
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.table import Block, Directive
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import KeepalivedSettings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.problem import Problem

# What the user can set, by places.
BLOCKS: dict[str, Block] = {
    "top": keepalived_global.PROCESS,
    "global_defs": keepalived_global.GLOBAL_DEFS,
    "beside": keepalived_vrrp.BESIDE,
    "track_process": keepalived_vrrp.PROCESS,
    "instance": keepalived_vrrp.INSTANCE,
    "auth_hmac": keepalived_vrrp.HMAC,
    "address": keepalived_vrrp.ADDRESS,
    "lvs": keepalived_lvs.LVS,
}
# What stands outside of all blocks, in the order of keepalived.conf, behind the directives of 'top'.
# fmt: off
CONFIGURATION = Block(
    directives=(
        Directive("global_defs", "block", {}, "The daemon as a whole.", within=keepalived_global.WHOLE),
        Directive("track_file", "blocks", [{"name": "file", "file": "/run/vrrp/file"}], "Files.", within=keepalived_vrrp.FILE),
        Directive("vrrp_track_process", "blocks", [{"name": "process", "process": "nginx"}], "Processes.", within=keepalived_vrrp.PROCESS),
        keepalived_vrrp.WATCHDOG,
        Directive("vrrp_script", "blocks", [{"name": "check", "script": "/bin/true"}], "Checks.", within=keepalived_vrrp.SCRIPT),
        *keepalived_vrrp.BESIDE.directives,
        Directive("vrrp_instance", "blocks", [{"name": "VI_1"}], "The plan's instances.", within=keepalived_vrrp.WHOLE_INSTANCE),
        *keepalived_lvs.LVS.directives,
    )
)
# fmt: on
# Of a VIP, whose address stands beside.
ADDRESS = Block(tuple(one for one in keepalived_vrrp.ADDRESS.directives if one.name != "address"))
# A variable for a whole block, and one for each of the directives that stand outside of blocks, or in each instance.
WHOLE = {"process_options": "top", "global_defs": "global_defs", "instance_options": "instance"}
SINGLE = {
    "auth_hmac": ("auth_hmac", "auth_hmac"),
    "linkbeat_interfaces": ("beside", "linkbeat_interfaces"),
    "interface_up_down_delays": ("beside", "interface_up_down_delays"),
    "track_groups": ("beside", "track_group"),
    "static_ipaddresses": ("beside", "static_ipaddress"),
    "static_routes": ("beside", "static_routes"),
    "static_rules": ("beside", "static_rules"),
    "garp_groups": ("beside", "garp_group"),
    "bfd_instances": ("beside", "bfd_instance"),
    "sync_groups": ("beside", "vrrp_sync_group"),
    "ssl": ("lvs", "SSL"),
    "virtual_server_groups": ("lvs", "virtual_server_group"),
    "virtual_servers": ("lvs", "virtual_server"),
    "include": ("lvs", "include"),
}
# Further variables of the role, which become values of directives, or stand in scripts and units.
OWN: dict[str, Directive] = {
    "router_id": keepalived_global.OWN["router_id"],
    "script_user": keepalived_global.OWN["script_user"],
    "garp_refresh": keepalived_global.OWN["vrrp_garp_master_refresh"],
    "interface": keepalived_vrrp.WHOLE_INSTANCE["interface"],
    "preempt_delay": keepalived_vrrp.WHOLE_INSTANCE["preempt_delay"],
    "auth_pass": keepalived_vrrp.WHOLE_INSTANCE["authentication"].block["auth_pass"],
    "state_dir": Directive("state_dir", "plain_path", "/run/vrrp", "Directory of tracked files."),
    "install_root": Directive("install_root", "plain_path", "/opt/keepalived", "Where keepalived is installed."),
    "version": Directive("version", "version", "2.2.7", "Its version."),
}
ALONE = {**OWN, **{name: BLOCKS[block][keyword] for name, (block, keyword) in SINGLE.items()}}
# Those of them that cannot be empty.
ALWAYS = ("router_id", "script_user", "state_dir", "install_root", "version")
# Variables with things that each instance tracks; keepalived_checks has more of them.
TRACKED = {
    "vrrp_scripts": keepalived_vrrp.SCRIPT_ENTRY,
    "track_files": keepalived_vrrp.FILE_ENTRY,
    "track_processes": keepalived_vrrp.PROCESS_ENTRY,
}
# What the plan and keepalived.conf are made of besides.
FURTHER = (
    *(
        "hosts",
        "vips",
        "vrrp_version",
        "advert_int",
        "auth_pass",
        "auth_type",
        "priority_base",
        "priority_step",
        "skew",
    ),
    *("reserved_vrids", "allow_vrid_change", "interface", "unicast", "firewall", "unicast_src_ip", "unicast_peers"),
    *("preempt_delay", "watchdog_seconds", "handover_seconds", "checks", "router_id", "script_user", "garp_refresh"),
    *("state_dir", "install_root", "notify", "install_method", "version", "checksum", "checksums", "source_urls"),
    "source_file",
)
SETTINGS = (*FURTHER, *TRACKED, *WHOLE, *SINGLE)


def collected(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, by names without prefix, of the role's variables by their own names."""
    found = {name: variables[f"keepalived_{name}"] for name in SETTINGS}
    scripts = (found["checks"] or {}).get("vrrp_scripts") or ()
    return {**found, "vrrp_scripts": [*scripts, *found["vrrp_scripts"]]}


def tracked(settings: KeepalivedSettings, name: str) -> Iterator[tuple[str, Any]]:
    """The entries of a variable in TRACKED with their places: those of keepalived_checks first."""
    checks = (settings.raw.get("checks") or {}).get(name) or ()
    own = settings.raw.get(name) or ()
    # vrrp_scripts has those of keepalived_checks in it.
    own = own[len(checks) :] if name == "vrrp_scripts" else own
    for variable, found in ((f"keepalived_checks.{name}", checks), (f"keepalived_{name}", own)):
        for number, entry in enumerate(found):
            yield f"{variable}[{number}]", entry


def _vips(settings: KeepalivedSettings) -> Iterator[tuple[str, Any]]:
    vips = [vip for vip in settings.raw.get("vips") or () if isinstance(vip, Mapping)]
    yield from ((f"keepalived_vips[{number}]", vip) for number, vip in enumerate(vips))


def _blocks(settings: KeepalivedSettings) -> Iterator[tuple[Block, object, str]]:
    """Each block of directives in the variables, with its settings and where these are written."""
    for name, block in WHOLE.items():
        yield BLOCKS[block], settings.raw.get(name) or {}, f"keepalived_{name}"
    for where, vip in _vips(settings):
        yield BLOCKS["instance"], vip.get("options") or {}, f"{where}.options"
        yield ADDRESS, vip.get("address_options") or {}, f"{where}.address_options"
    for name, block in TRACKED.items():
        yield from ((block, entry, where) for where, entry in tracked(settings, name))


def _single(settings: KeepalivedSettings) -> Iterator[tuple[Directive, Any, str]]:
    """Each directive that has a variable of its own, with its value and that variable."""
    for name, one in ALONE.items():
        if settings.raw.get(name) or (name in ALWAYS and name in settings.raw):
            yield one, settings.raw[name], f"keepalived_{name}"
    for where, vip in _vips(settings):
        yield keepalived_vrrp.WHOLE_INSTANCE["name"], vip.get("name"), f"{where}.name"


def problems(settings: KeepalivedSettings) -> Iterator[Problem]:
    """What is wrong with the directives in the role's variables."""
    # The package's version is known to nobody before it is installed.
    version = settings.version if settings.install_method == "source" else ""
    for block, own, where in _blocks(settings):
        yield from keepalived_table.problems(block, own, version, where)
    for one, value, where in _single(settings):
        yield from keepalived_table.directive_problems(one, value, version, where)


def features(settings: KeepalivedSettings) -> list[str]:
    """What keepalived has to be compiled with."""
    found: set[str] = set()
    for block, own, _where in _blocks(settings):
        found |= keepalived_table.needs(block, own)
    for one, value, _where in _single(settings):
        found |= keepalived_table.needs(Block((one,)), {one.name: value})
    return sorted(found)
