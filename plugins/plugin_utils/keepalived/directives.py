# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the keepalived role's variables hold which directives.

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


def render(settings: Mapping[str, Any], place: str) -> str:
    """The lines of one place in keepalived.conf.

    settings: the role's variables without their prefix, and for the place instance the VIP's own options; an instance of the plan for the
    place address, whose words stand on one line; an entry of track_processes for the place track_process. Raises WordError.
    """
    if place == "top":
        found = keepalived_table.render(BLOCKS[place], settings["process_options"])
        return f"{found}\n" if found else ""
    if place == "global_defs":
        return keepalived_table.render(BLOCKS[place], settings["global_defs"], 1)
    if place == "instance":
        return keepalived_table.render(BLOCKS[place], {**settings["instance_options"], **settings["options"]}, 1)
    if place == "address":
        words = [
            word
            for line in keepalived_table.lines(BLOCKS[place], settings.get("address_options") or {})
            for word in line.words
        ]
        return "".join(f" {word}" for word in words)
    if place == "track_process":
        return keepalived_table.render(BLOCKS[place], settings, 1)
    own = {keyword: settings[name] for name, (block, keyword) in SINGLE.items() if block == place and settings[name]}
    if place == "auth_hmac":
        return keepalived_table.render(BLOCKS[place], own, 1)
    return "".join(f"\n{each}" for each in keepalived_table.rendered(BLOCKS[place], own))


def _blocks(settings: Mapping[str, Any]) -> Iterator[tuple[Block, object, str]]:
    """Each block of directives in the variables, with its settings and where these are written."""
    for name, block in WHOLE.items():
        yield BLOCKS[block], settings.get(name) or {}, f"keepalived_{name}"
    for vip in settings.get("vips") or ():
        if vip.get("follows"):
            continue
        yield BLOCKS["instance"], vip.get("options") or {}, f"keepalived_vips: VIP {vip.get('name')}: options"
        yield ADDRESS, vip.get("address_options") or {}, f"keepalived_vips: VIP {vip.get('name')}: address_options"
    for process in settings.get("track_processes") or ():
        own = {name: value for name, value in process.items() if BLOCKS["track_process"].find(name)}
        yield BLOCKS["track_process"], own, f"keepalived_track_processes: {process.get('name')}"


def _single(settings: Mapping[str, Any]) -> Iterator[tuple[Directive, Any, str]]:
    """Each directive that has a variable of its own, with its value and that variable."""
    for name, (block, keyword) in SINGLE.items():
        found = BLOCKS[block].find(keyword)
        if found and settings.get(name):
            yield found, settings[name], f"keepalived_{name}"


def problems(settings: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the directives in the role's variables, which have no prefix here."""
    # The package's version is known to nobody before it is installed.
    version = str(settings["version"]) if settings.get("install_method") == "source" else ""
    for block, own, where in _blocks(settings):
        yield from keepalived_table.problems(block, own, version, where)
    for one, value, where in _single(settings):
        yield from keepalived_table.directive_problems(one, value, version, where)


def features(settings: Mapping[str, Any]) -> list[str]:
    """What keepalived has to be compiled with."""
    found: set[str] = set()
    for block, own, _where in _blocks(settings):
        found |= keepalived_table.needs(block, own)
    for one, value, _where in _single(settings):
        found |= keepalived_table.needs(Block((one,)), {one.name: value})
    return sorted(found)
