# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the keepalived role's variables hold which directives, and what is wrong with them.

Pure functions of the role's variables; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from ..settings.keepalived import KeepalivedSettings
from ..settings.problem import Problem
from . import global_defs, lvs, table, vrrp
from .table import Block, Directive

# What stands outside of all blocks, in the order of keepalived.conf, behind keepalived_process_options.
# fmt: off
CONFIGURATION = table.block(
    Directive("global_defs", "block", {}, "The daemon as a whole.", within=global_defs.WHOLE),
    Directive("track_file", "blocks", [{"name": "file", "file": "/run/vrrp/file"}], "Files.", within=vrrp.FILE),
    Directive("vrrp_track_process", "blocks", [{"name": "process", "process": "nginx"}], "Processes.", within=vrrp.PROCESS),
    vrrp.WATCHDOG,
    Directive("vrrp_script", "blocks", [{"name": "check", "script": "/bin/true"}], "Checks.", within=vrrp.SCRIPT),
    *vrrp.BESIDE.directives,
    Directive("vrrp_instance", "blocks", [{"name": "VI_1"}], "The plan's instances.", within=vrrp.WHOLE_INSTANCE),
    *lvs.LVS.directives,
)
# fmt: on
# Of a VIP, whose address stands beside.
ADDRESS = Block(vrrp.ADDRESS.without("address"))
# A variable for a whole block, and one for each of the directives that stand outside of blocks, or in each instance.
WHOLE = {
    "process_options": global_defs.PROCESS,
    "global_defs": global_defs.GLOBAL_DEFS,
    "instance_options": vrrp.INSTANCE,
}
SINGLE = {
    "auth_hmac": vrrp.HMAC,
    "linkbeat_interfaces": vrrp.BESIDE["linkbeat_interfaces"],
    "interface_up_down_delays": vrrp.BESIDE["interface_up_down_delays"],
    "track_groups": vrrp.BESIDE["track_group"],
    "static_ipaddresses": vrrp.BESIDE["static_ipaddress"],
    "static_routes": vrrp.BESIDE["static_routes"],
    "static_rules": vrrp.BESIDE["static_rules"],
    "garp_groups": vrrp.BESIDE["garp_group"],
    "bfd_instances": vrrp.BESIDE["bfd_instance"],
    "sync_groups": vrrp.BESIDE["vrrp_sync_group"],
    "ssl": lvs.LVS["SSL"],
    "virtual_server_groups": lvs.LVS["virtual_server_group"],
    "virtual_servers": lvs.LVS["virtual_server"],
    "include": lvs.LVS["include"],
}
# Further variables of the role, which become values of directives, or stand in scripts and units.
OWN = {
    "router_id": global_defs.OWN["router_id"],
    "script_user": global_defs.OWN["script_user"],
    "garp_refresh": global_defs.OWN["vrrp_garp_master_refresh"],
    "interface": vrrp.WHOLE_INSTANCE["interface"],
    "preempt_delay": vrrp.WHOLE_INSTANCE["preempt_delay"],
    "auth_pass": vrrp.WHOLE_INSTANCE["authentication"].block["auth_pass"],
    "state_dir": Directive("state_dir", "plain_path", "/run/vrrp", "Directory of tracked files."),
    "install_root": Directive("install_root", "plain_path", "/opt/keepalived", "Where keepalived is installed."),
    "version": Directive("version", "version", "2.2.7", "Its version."),
}
ALONE = {**OWN, **SINGLE}
# Those of them that cannot be empty.
ALWAYS = ("router_id", "script_user", "state_dir", "install_root", "version")
# Variables with things that each instance tracks; keepalived_checks has more of them.
TRACKED = {
    "vrrp_scripts": vrrp.SCRIPT_ENTRY,
    "track_files": vrrp.FILE_ENTRY,
    "track_processes": vrrp.PROCESS_ENTRY,
}
# What the plan and keepalived.conf are made of.
_PARSED = {each.name for each in fields(KeepalivedSettings)} - {"given", "raw"}
SETTINGS = sorted({*_PARSED, *ALONE, *TRACKED, *WHOLE, "checks", "notify"})


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
        yield block, settings.raw.get(name) or {}, f"keepalived_{name}"
    for where, vip in _vips(settings):
        yield vrrp.INSTANCE, vip.get("options") or {}, f"{where}.options"
        yield ADDRESS, vip.get("address_options") or {}, f"{where}.address_options"
    for name, block in TRACKED.items():
        yield from ((block, entry, where) for where, entry in tracked(settings, name))


def _single(settings: KeepalivedSettings) -> Iterator[tuple[Directive, Any, str]]:
    """Each directive that has a variable of its own, with its value and that variable."""
    for name, one in ALONE.items():
        if settings.raw.get(name) or (name in ALWAYS and name in settings.raw):
            yield one, settings.raw[name], f"keepalived_{name}"
    for where, vip in _vips(settings):
        yield vrrp.WHOLE_INSTANCE["name"], vip.get("name"), f"{where}.name"


def problems(settings: KeepalivedSettings) -> Iterator[Problem]:
    # The package's version is known to nobody before it is installed.
    version = settings.version if settings.install_method == "source" else ""
    for block, own, where in _blocks(settings):
        yield from table.problems(block, own, version, where)
    for one, value, where in _single(settings):
        yield from table.directive_problems(one, value, version, where)


def features(settings: KeepalivedSettings) -> list[str]:
    """What keepalived has to be compiled with."""
    found = [table.needs(block, own) for block, own, _where in _blocks(settings)]
    found += [table.needs(Block((one,)), {one.name: value}) for one, value, _where in _single(settings)]
    return sorted(set().union(*found))
