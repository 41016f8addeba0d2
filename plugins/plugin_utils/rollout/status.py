# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What status.yml says: who holds which VIP, and how the load balancers are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..text import columns, duration
from .load_balancer import LoadBalancer
from .vip_status import VipStatus, vips_of, whereabouts

# The heads of the tables.
VIP = ("VIP", "address", "on", "preferred", "")
HOST = ("host", "keepalived", "since", "nginx", "check", "VRRP", "drained")


def status(hosts: Sequence[LoadBalancer]) -> dict[str, Any]:
    """The answer of the filter cluster_status, as its page says."""
    vips = vips_of(hosts)
    found = {vip.address: _vip(vip) for vip in vips}
    healthy = [host.reachable and host.runs and host.nginx_runs is not False for host in hosts]
    return {
        "ok": bool(hosts) and all(healthy) and all(vip["ok"] for vip in found.values()),
        "hosts": {host.name: _host(host, vips) for host in hosts},
        "vips": found,
        "table": [*columns([VIP, *map(_vip_row, vips)]), "", *columns([HOST, *map(_host_row, hosts)])],
    }


def _vip(vip: VipStatus) -> dict[str, Any]:
    return {
        "holders": [host.name for host in vip.holders],
        "preferred": vip.preferred.name,
        "ok": len(vip.holders) == 1,
        "note": whereabouts(vip).text,
    }


def _host(host: LoadBalancer, vips: Sequence[VipStatus]) -> dict[str, Any]:
    return {
        "reachable": host.reachable,
        "keepalived": host.daemon.version if host.runs else "",
        "keepalived_since": host.daemon.since if host.runs else None,
        "state_age": host.daemon.state_age,
        "nginx": host.nginx.version if host.nginx else "",
        "nginx_running": host.nginx_runs,
        "drained": host.drained,
        "drained_since": host.keepalived.drained_since if host.drained else None,
        "check": host.check if host.reachable else "",
        "holds": [vip.address for vip in vips if host in vip.holders],
        "instances": [
            {"name": each.name, "state": each.state, "priority": each.priority, "vips": list(each.ips)}
            for each in host.daemon.instances
        ],
    }


def _vip_row(vip: VipStatus) -> tuple[str, ...]:
    holders = ", ".join(host.name for host in vip.holders) or "-"
    return vip.instance, vip.address, holders, vip.preferred.name, whereabouts(vip).text


def _host_row(host: LoadBalancer) -> tuple[str, ...]:
    if not host.reachable:
        return (host.name, "unreachable", *["-"] * 5)
    since = host.daemon.since
    return (
        host.name,
        (host.daemon.version or "runs") if host.runs else "does not run",
        duration(host.clock - since) if host.runs and since else "-",
        "does not run" if host.nginx_runs is False else (host.nginx.version if host.nginx else "") or "-",
        host.check,
        _states(host),
        host.drain or "-",
    )


def _states(host: LoadBalancer) -> str:
    states = Counter(instance.state for instance in host.daemon.instances)
    silent = "-" if host.daemon.answers or not host.runs else "no answer"
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items(), reverse=True)) or silent
