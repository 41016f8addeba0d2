# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that turn the inventory's data into addresses and servers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.filter.nginx import nginx_packages
from ansible_collections.evenkeel.nginx_ha.plugins.filter.playbooks import names
from ansible_collections.evenkeel.nginx_ha.plugins.filter.upstream_servers import upstream_servers
from ansible_collections.evenkeel.nginx_ha.plugins.filter.vip_addresses import vip_addresses

FILTERS = sorted(path.stem for path in (Path(__file__).parents[2] / "plugins" / "filter").glob("*.py"))

VIPS: dict[str, tuple[list[Mapping[str, Any]], list[str]]] = {
    "none": ([], []),
    "in natural order": (
        [{"name": "VI_10", "address": "192.168.200.200/24"}, {"name": "VI_2", "address": "192.168.200.210/24"}],
        ["192.168.200.210", "192.168.200.200"],
    ),
    "without prefix": ([{"name": "a", "address": "192.168.200.200"}], ["192.168.200.200"]),
    "IPv6": ([{"name": "a", "address": "2001:DB8::00c8/64"}], ["2001:db8::c8"]),
    "no address": (
        [{"name": "a", "address": "web"}, {"name": "b"}, {"name": "c", "address": "10.0.0.1/24"}],
        ["10.0.0.1"],
    ),
}

SERVERS: dict[str, tuple[list[str], Mapping[str, Any], list[int], list[dict[str, Any]]]] = {
    "none": ([], {"web1": {}}, [], []),
    "name": (["web1"], {"web1": {}}, [], [{"address": "web1", "port": 80}]),
    "ansible_host": (["web1"], {"web1": {"ansible_host": "172.16.2.20"}}, [], [{"address": "172.16.2.20", "port": 80}]),
    "upstream_address goes first": (
        ["web1"],
        {"web1": {"ansible_host": "172.16.2.20", "upstream_address": "10.0.0.20"}},
        [],
        [{"address": "10.0.0.20", "port": 80}],
    ),
    "empty upstream_address": (
        ["web1"],
        {"web1": {"ansible_host": "172.16.2.20", "upstream_address": ""}},
        [],
        [{"address": "172.16.2.20", "port": 80}],
    ),
    "port": (["web1"], {"web1": {}}, [9091], [{"address": "web1", "port": 9091}]),
    "upstream_port goes first": (
        ["web1"],
        {"web1": {"upstream_port": "9092"}},
        [9091],
        [{"address": "web1", "port": 9092}],
    ),
    "in natural order, however they are listed": (
        ["web10", "web2", "web1"],
        {"web1": {"upstream_port": 9091}, "web2": {}, "web10": {}},
        [],
        [{"address": "web1", "port": 9091}, {"address": "web2", "port": 80}, {"address": "web10", "port": 80}],
    ),
}


@pytest.mark.parametrize(("vips", "expected"), VIPS.values(), ids=VIPS)
def test_vip_addresses(vips: list[Mapping[str, Any]], expected: list[str]) -> None:
    assert vip_addresses(vips) == expected


@pytest.mark.parametrize(("hosts", "hostvars", "port", "expected"), SERVERS.values(), ids=SERVERS)
def test_upstream_servers(
    hosts: list[str], hostvars: Mapping[str, Any], port: list[int], expected: list[dict[str, Any]]
) -> None:
    found = upstream_servers(hosts, hostvars, *port)
    assert [server.pop("name") for server in found] == hosts[::-1]
    assert found == expected


@pytest.mark.parametrize("name", FILTERS)
def test_filter_is_found_by_the_name_of_its_file(name: str) -> None:
    module = import_module(f"ansible_collections.evenkeel.nginx_ha.plugins.filter.{name}")
    filters = module.FilterModule().filters()
    private = [found for found in filters if found.startswith("_")]
    # Private ones share a file, and nothing is documented of them.
    assert list(filters) == ([name] if hasattr(module, "DOCUMENTATION") else private) and filters
    for found, function in filters.items():
        assert function is getattr(module, found.removeprefix("_"))


@pytest.mark.parametrize(
    ("info", "modules", "debian", "others"),
    [
        ({"installed": False, "modules": []}, [], ["nginx", "logrotate"], ["nginx", "logrotate"]),
        (
            {"installed": False},
            ["stream"],
            ["nginx", "logrotate", "libnginx-mod-stream"],
            ["nginx", "logrotate", "nginx-mod-stream"],
        ),
        ({"installed": True, "modules": ["stream"]}, ["stream"], [], []),
        (
            {"installed": True, "modules": ["stream"]},
            ["stream", "http_image_filter", "http_image_filter"],
            ["libnginx-mod-http-image-filter"],
            ["nginx-mod-http-image-filter"],
        ),
    ],
)
def test_packages_that_nginx_lacks(
    info: Mapping[str, Any], modules: list[str], debian: list[str], others: list[str]
) -> None:
    assert nginx_packages(info, modules, "Debian") == debian
    assert nginx_packages(info, modules, "RedHat") == others


@pytest.mark.parametrize(
    ("info", "modules", "expected"),
    [
        ({"installed": False}, [], ["nginx", "logrotate"]),
        ({"installed": True, "modules": ["http_geoip"]}, ["http_geoip", "stream_geoip"], ["nginx-module-geoip"]),
        ({"installed": True}, ["http_brotli_filter", "http_brotli_static"], ["nginx-module-brotli"]),
        ({"installed": True}, ["http_image_filter", "stream_js"], ["nginx-module-image-filter", "nginx-module-njs"]),
        ({"installed": True}, ["http_xslt_filter", "otel"], ["nginx-module-xslt", "nginx-module-otel"]),
    ],
)
def test_packages_of_nginx_org(info: Mapping[str, Any], modules: list[str], expected: list[str]) -> None:
    for os_family in ("Debian", "RedHat"):
        assert nginx_packages(info, modules, os_family, True) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ("", []),
        ([], []),
        ("nginx1", ["nginx1"]),
        ("nginx2, nginx1,", ["nginx2", "nginx1"]),
        (" nginx2  nginx1 ", ["nginx2", "nginx1"]),
        ("nginx_kill\nhost_cut_off\n", ["nginx_kill", "host_cut_off"]),
        (["nginx1", "nginx2"], ["nginx1", "nginx2"]),
        (["nginx1,nginx2", " nginx3"], ["nginx1", "nginx2", "nginx3"]),
    ],
)
def test_names(value: Any, expected: list[str]) -> None:
    assert names(value) == expected


@pytest.mark.parametrize("value", [5, True, {"nginx1": 1}, ["nginx1", 2]])
def test_names_that_are_none(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="is no list of names"):
        names(value)
