# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole of keepalived.conf: values for the tables' directives, from the role's variables, a host's plan and what its keepalived can do.

Pure functions; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives, table
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.words import WordError, truth

ALIVE = "/usr/bin/env NOTIFY_SOCKET=/run/systemd/notify /usr/bin/systemd-notify WATCHDOG=1"
# What vips.sh does when an instance comes into a state.
ACTIONS = {"master": "arrived", "backup": "linger", "fault": "lost"}


@dataclass(frozen=True)
class Runtime:
    """What a host's keepalived works with.

    watchdog: seconds until systemd ends it without a sign of life, 0 for ever; tests_reloads: whether it can test a configuration before
    it reads it again; tells_on_reload: whether it can tell all states after that; most_listed: how many characters of addresses a notify
    line has before it names the instance instead, whose addresses vips_script knows.
    """

    watchdog: float
    tests_reloads: bool
    tells_on_reload: bool
    vips_script: str
    notifier: str
    drained_file: str
    most_listed: int

    @classmethod
    def from_mapping(cls, found: Mapping[str, Any]) -> Runtime:
        return cls(
            watchdog=float(found["watchdog"]),
            tests_reloads=truth(found["tests_reloads"]),
            tells_on_reload=truth(found["tells_on_reload"]),
            vips_script=str(found["vips_script"]),
            notifier=str(found["notifier"]),
            drained_file=str(found["drained_file"]),
            most_listed=int(found["most_listed"]),
        )


def render(settings: Mapping[str, Any], instances: Sequence[Instance], runtime: Runtime) -> str:
    """keepalived.conf. settings: the role's variables without their prefix. Raises WordError; directives.problems() finds all before."""
    options = table.render(directives.BLOCKS["top"], settings["process_options"])
    blocks = list(_blocks(_values(settings, instances, runtime)))
    return "\n".join([*([options] if options else []), *blocks])


def _blocks(values: Mapping[str, Any]) -> Iterator[str]:
    for one in directives.CONFIGURATION.directives:
        try:
            yield from table.rendered(table.Block((one,)), values)
        except WordError as error:
            raise WordError(f"in {one.name} {error}") from None


def _values(settings: Mapping[str, Any], instances: Sequence[Instance], runtime: Runtime) -> dict[str, Any]:
    tracked = {name: [entry for _where, entry in directives.tracked(settings, name)] for name in directives.TRACKED}
    tracked["track_files"] = [*_role_files(settings, runtime), *tracked["track_files"]]
    alone = {keyword: settings[name] for name, (_block, keyword) in directives.SINGLE.items() if settings.get(name)}
    return {
        **alone,
        "global_defs": _global_defs(settings, runtime),
        "track_file": [_file(entry) for entry in tracked["track_files"]],
        "vrrp_track_process": [
            {"quorum": 1, **entry, "delay": _positive(entry.get("delay"))} for entry in tracked["track_processes"]
        ],
        "watchdog": _alive() if runtime.watchdog > 0 else None,
        "watchdog_seconds": runtime.watchdog,
        "vrrp_script": [_script(entry) for entry in tracked["vrrp_scripts"]],
        "vrrp_instance": [_instance(one, settings, runtime, tracked) for one in instances],
    }


def _global_defs(settings: Mapping[str, Any], runtime: Runtime) -> dict[str, Any]:
    own = settings["global_defs"]
    tells = runtime.tells_on_reload and "fifo_write_vrrp_states_on_reload" not in own
    return {
        **own,
        "router_id": settings["router_id"],
        "vrrp_version": settings["vrrp_version"],
        "enable_script_security": True,
        "script_user": settings["script_user"],
        "reload_check_config": runtime.tests_reloads,
        "vrrp_priority": -20,
        "vrrp_garp_master_delay": 1,
        "vrrp_garp_master_refresh": settings["garp_refresh"],
        **(_notifier(settings, runtime, tells) if settings.get("notify") else {}),
    }


def _notifier(settings: Mapping[str, Any], runtime: Runtime, tells: bool) -> dict[str, Any]:
    return {
        "notifier_fifo": f"{settings['state_dir']}/notify.fifo",
        "notifier": {"command": f"{runtime.notifier} listen", "user": "root"},
        "tells_on_reload": tells,
    }


def _role_files(settings: Mapping[str, Any], runtime: Runtime) -> list[dict[str, Any]]:
    """What hands a host's VIPs over until its next boot, and what drains it."""
    return [
        {"name": "standby", "file": f"{settings['state_dir']}/standby", "overwrite": True},
        {"name": "drained", "file": runtime.drained_file},
    ]


def _file(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**entry, "init_file": {"value": _given(entry, "init", 0), "overwrite": entry.get("overwrite")}}


def _script(entry: Mapping[str, Any]) -> dict[str, Any]:
    interval = _given(entry, "interval", 1)
    return {
        **entry,
        "interval": interval,
        "timeout": _given(entry, "timeout", interval),
        "fall": _given(entry, "fall", 2),
        "rise": _given(entry, "rise", 2),
        "user": entry.get("user") or None,
    }


def _alive() -> dict[str, Any]:
    return {"name": "keepalived_alive", "script": ALIVE, "interval": 1, "timeout": 5, "fall": 1_000_000, "rise": 1}


def _instance(
    one: Instance, settings: Mapping[str, Any], runtime: Runtime, tracked: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    ipv6 = ":" in one.virtual_ipaddress[0]
    # VRRPv2 is of IPv4 alone.
    newer = ipv6 and int(settings["vrrp_version"]) == 2
    watchdog = [{"name": "keepalived_alive", "weight": 0}] if runtime.watchdog > 0 else []
    return {
        **settings["instance_options"],
        **one.options,
        "name": one.name,
        "state": one.state,
        "interface": settings["interface"],
        "virtual_router_id": one.virtual_router_id,
        "priority": one.priority,
        "advert_int": settings["advert_int"],
        "nopreempt": one.nopreempt,
        "preempt_delay": None if one.nopreempt else _positive(settings["preempt_delay"]),
        "unicast_src_ip": one.unicast_src_ip or None,
        "of_peers_only": bool(one.unicast_peers) and one.unicast_derived,
        "unicast_peer": [{"address": peer} for peer in one.unicast_peers],
        "auth_hmac": settings["auth_hmac"] or None,
        "own_version": 3 if newer else None,
        "authentication": None if newer else _authentication(settings),
        "virtual_ipaddress": [{**one.address_options, "address": address} for address in one.virtual_ipaddress],
        "own_routes": [_local_route(address) for address in one.virtual_ipaddress] if ipv6 else [],
        **{f"notify_{state}": _notify(one, action, runtime) for state, action in ACTIONS.items()},
        "track_file": [_effect(entry, one) for entry in tracked["track_files"]],
        "track_process": [_effect(entry, one) for entry in tracked["track_processes"]],
        "track_script": [*watchdog, *(_effect(entry, one) for entry in tracked["vrrp_scripts"])],
    }


def _authentication(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    password = settings["auth_pass"]
    return {"auth_type": settings["auth_type"], "auth_pass": password} if password else None


def _local_route(address: str) -> str:
    return f"local {address.split('/')[0]} dev lo table local metric 1001 no_track"


def _notify(one: Instance, action: str, runtime: Runtime) -> dict[str, Any]:
    listed = " ".join(one.virtual_ipaddress)
    who = listed if len(listed) <= runtime.most_listed else one.name
    return {"command": f"{runtime.vips_script} {action} {who}", "user": "root"}


def _effect(entry: Mapping[str, Any], one: Instance) -> dict[str, Any]:
    """What an entry's state does to an instance: by default the plan's weight."""
    return {**entry, "weight": _given(entry, "weight", one.weight)}


def _given(entry: Mapping[str, Any], name: str, default: Any) -> Any:
    return default if entry.get(name) is None else entry[name]


def _positive(value: Any) -> Any:
    return value if value is not None and float(value) > 0 else None
