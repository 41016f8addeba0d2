# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the nginx role that are right, for tests to change."""

from __future__ import annotations

from typing import Any

WEB = {"name": "web", "servers": [{"address": "172.16.2.20", "port": 9091}, {"address": "172.16.2.21", "port": 9092}]}
DB = {"name": "db", "protocol": "tcp", "servers": [{"address": "172.16.2.30", "port": 5432}]}
DNS = {"name": "dns", "protocol": "udp", "servers": [{"address": "172.16.2.31", "port": 53}]}
DEFAULT = {"name": "default", "upstream": "web"}
FACTS = {"distribution": "Debian", "os_family": "Debian", "distribution_version": "12"}
SETTINGS: dict[str, Any] = {
    "upstreams": [WEB],
    "servers": [DEFAULT],
    "vips": ["192.168.200.200"],
    "backends_out": [],
    "upstream_keepalive": 32,
    "reuseport": False,
    "ipv6": False,
}
