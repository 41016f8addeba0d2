# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole of keepalived.conf: values for the tables' directives, from the role's variables, a host's plan and what its keepalived can do.

Pure functions; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..cluster.instance import Instance
from ..settings.keepalived import KeepalivedSettings
from . import directives, table
from .table import Content
from .words import WordError

ALIVE = {
    "name": "keepalived_alive",
    "script": "/usr/bin/env NOTIFY_SOCKET=/run/systemd/notify /usr/bin/systemd-notify WATCHDOG=1",
    "interval": 1,
    "timeout": 5,
    "fall": 1_000_000,
    "rise": 1,
}
# What vips.sh does when an instance comes into a state.
ACTIONS = {"master": "arrived", "backup": "linger", "fault": "lost"}


@dataclass(frozen=True)
class Runtime:
    """What a host's keepalived works with.

    watchdog: seconds until systemd ends it without a sign of life, 0 for ever; tests_reloads: whether it can test a configuration before
    it reads it again; tells_on_reload: whether it can tell all states after that; most_listed: how many characters of addresses a notify
    line has before it names the instance instead, whose addresses vips_script knows.
    """

    watchdog: float = 0
    tests_reloads: bool = False
    tells_on_reload: bool = False
    vips_script: str = ""
    notifier: str = ""
    drained_file: str = ""
    most_listed: int = 0


def render(settings: KeepalivedSettings, instances: Sequence[Instance], runtime: Runtime) -> str:
    """keepalived.conf. Raises WordError; directives.problems() finds all before."""
    options = table.render(directives.WHOLE["process_options"], settings.raw["process_options"])
    blocks = _blocks(Content(directives.CONFIGURATION, _values(settings, instances, runtime)))
    return "\n".join([*([options] if options else []), *blocks])


def _blocks(whole: Content) -> Iterator[str]:
    for one in whole.block.directives:
        try:
            yield from table.rendered(Content(table.Block((one,)), whole.values))
        except WordError as error:
            raise WordError(f"in {one.name} {error}") from None


def _values(settings: KeepalivedSettings, instances: Sequence[Instance], runtime: Runtime) -> dict[str, Any]:
    raw = settings.raw
    files = [*_role_files(settings, runtime), *_tracked(settings, "track_files")]
    processes, scripts = _tracked(settings, "track_processes"), _tracked(settings, "vrrp_scripts")
    watched = [{"name": ALIVE["name"], "weight": 0}] if runtime.watchdog > 0 else []
    alone = {one.name: raw[name] for name, one in directives.SINGLE.items() if raw.get(name)}
    return {
        **alone,
        "global_defs": _global_defs(settings, runtime),
        "track_file": [_file(entry) for entry in files],
        "vrrp_track_process": [
            {"quorum": 1, **entry.values, "delay": _positive(entry.given("delay", 0))} for entry in processes
        ],
        "watchdog": ALIVE if runtime.watchdog > 0 else None,
        "watchdog_seconds": runtime.watchdog,
        "vrrp_script": [_script(entry) for entry in scripts],
        "vrrp_instance": [
            {
                **_instance(one, settings, runtime),
                "track_file": [_effect(entry, one) for entry in files],
                "track_process": [_effect(entry, one) for entry in processes],
                "track_script": [*watched, *(_effect(entry, one) for entry in scripts)],
            }
            for one in instances
        ],
    }


def _tracked(settings: KeepalivedSettings, name: str) -> list[Content]:
    return [Content(directives.TRACKED[name], entry) for _where, entry in directives.tracked(settings, name)]


def _global_defs(settings: KeepalivedSettings, runtime: Runtime) -> dict[str, Any]:
    own = settings.raw["global_defs"]
    tells = runtime.tells_on_reload and "fifo_write_vrrp_states_on_reload" not in own
    return {
        **own,
        "router_id": settings.router_id,
        "vrrp_version": settings.vrrp_version,
        "enable_script_security": True,
        "script_user": settings.script_user,
        "reload_check_config": runtime.tests_reloads,
        "vrrp_priority": -20,
        "vrrp_garp_master_delay": 1,
        "vrrp_garp_master_refresh": settings.raw["garp_refresh"],
        **(_notifier(settings, runtime, tells) if settings.raw.get("notify") else {}),
    }


def _notifier(settings: KeepalivedSettings, runtime: Runtime, tells: bool) -> dict[str, Any]:
    return {
        "notifier_fifo": f"{settings.state_dir}/notify.fifo",
        "notifier": {"command": f"{runtime.notifier} listen", "user": "root"},
        "tells_on_reload": tells,
    }


def _role_files(settings: KeepalivedSettings, runtime: Runtime) -> list[Content]:
    """What hands a host's VIPs over until its next boot, and what drains it."""
    standby = {"name": "standby", "file": f"{settings.state_dir}/standby", "overwrite": True}
    drained = {"name": "drained", "file": runtime.drained_file}
    return [Content(directives.TRACKED["track_files"], each) for each in (standby, drained)]


def _file(entry: Content) -> dict[str, Any]:
    return {**entry.values, "init_file": {"value": entry.given("init", 0), "overwrite": entry.given("overwrite")}}


def _script(entry: Content) -> dict[str, Any]:
    interval = entry.given("interval", 1)
    return {
        **entry.values,
        "interval": interval,
        "timeout": entry.given("timeout", interval),
        "fall": entry.given("fall", 2),
        "rise": entry.given("rise", 2),
        "user": entry.given("user") or None,
    }


def _instance(one: Instance, settings: KeepalivedSettings, runtime: Runtime) -> dict[str, Any]:
    ipv6 = ":" in one.virtual_ipaddress[0]
    # VRRPv2 is of IPv4 alone.
    newer = ipv6 and settings.vrrp_version == 2
    signed = {"auth_type": settings.auth_type, "auth_pass": settings.auth_pass} if settings.auth_pass else None
    return {
        **settings.raw["instance_options"],
        **one.options,
        "name": one.name,
        "state": one.state,
        "interface": settings.interface,
        "virtual_router_id": one.virtual_router_id,
        "priority": one.priority,
        "advert_int": settings.advert_int,
        "nopreempt": one.nopreempt,
        "preempt_delay": None if one.nopreempt else _positive(settings.preempt_delay),
        "unicast_src_ip": one.unicast_src_ip or None,
        "of_peers_only": bool(one.unicast_peers) and one.unicast_derived,
        "unicast_peer": [{"address": peer} for peer in one.unicast_peers],
        "auth_hmac": settings.auth_hmac or None,
        "own_version": 3 if newer else None,
        "authentication": None if newer else signed,
        "virtual_ipaddress": [{**one.address_options, "address": address} for address in one.virtual_ipaddress],
        "own_routes": [_local_route(address) for address in one.virtual_ipaddress] if ipv6 else [],
        **{f"notify_{state}": _notify(one, action, runtime) for state, action in ACTIONS.items()},
    }


def _local_route(address: str) -> str:
    return f"local {address.split('/')[0]} dev lo table local metric 1001 no_track"


def _notify(one: Instance, action: str, runtime: Runtime) -> dict[str, Any]:
    listed = " ".join(one.virtual_ipaddress)
    who = listed if len(listed) <= runtime.most_listed else one.name
    return {"command": f"{runtime.vips_script} {action} {who}", "user": "root"}


def _effect(entry: Content, one: Instance) -> dict[str, Any]:
    """What an entry's state does to an instance: by default the plan's weight."""
    return {**entry.values, "weight": entry.given("weight", one.weight)}


def _positive(value: Any) -> Any:
    return value if float(value) > 0 else None
