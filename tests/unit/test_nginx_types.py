# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that templates make of truth values and numbers count as what they mean."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.nginx import nginx_probes
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import NginxSettings
from support.nginx import FACTS, SETTINGS
from support.nginx_options import Chain, chains, example, path_of, settings_with, tree


def as_templated(value: Any) -> Any:
    """What ansible-core 2.16 hands a filter where each value is a template of its own."""
    if isinstance(value, dict):
        return {name: as_templated(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_templated(each) for each in value]
    return str(value)


def variables(settings: dict[str, Any]) -> dict[str, Any]:
    """Without what the role's steps found on a host."""
    return {name: value for name, value in settings.items() if isinstance(value, list)}


@pytest.mark.parametrize("chain", list(chains()), ids=path_of)
def test_each_variable_of_the_role_gets_its_type(chain: Chain) -> None:
    value = example(chain[-1])
    settings = variables(settings_with(chain, value))
    assert NginxSettings.of(as_templated(settings)) == NginxSettings.of(settings)


def test_types_are_those_of_the_role() -> None:
    location = {"path": "/a", "upstream": "web", "buffering": "False", "connect_timeout": "0.5"}
    server = NginxSettings.of({"servers": [{"name": "a", "listen": "8080", "locations": [location]}]}).servers[0]
    assert server.listen == (8080,)
    assert server.locations[0].buffering is False
    assert server.locations[0].connect_timeout == 0.5


@pytest.mark.parametrize(("value", "good"), [("perhaps", False), ("1.5", False), (None, True), ("", True)])
def test_what_is_none_of_its_type_is_left_to_preflight(value: object, good: bool) -> None:
    settings = NginxSettings.of({"servers": [{"name": "a", "http2": value, "hsts": value}], "unknown": value})
    assert [each.where for each in settings.problems] == (
        [] if good else ["nginx_servers[0].http2", "nginx_servers[0].hsts"]
    )
    assert (settings.servers[0].http2, settings.servers[0].hsts) == (True, None)


def test_a_number_in_place_of_a_list_is_one_of_its_elements() -> None:
    (server,) = NginxSettings.of({"servers": [{"name": "a", "listen": 8080}]}).servers
    assert server.listen == (8080,)


def test_texts_render_as_what_they_mean() -> None:
    web = {
        "name": "web",
        "servers": [{"address": "172.16.2.20", "port": 9091, "weight": 2, "backup": False, "down": False}],
    }
    server = {
        "name": "default",
        "listen": [8080],
        "upstream": "web",
        "maintenance": {"active": False},
        "proxy_protocol": False,
        "intercept_errors": False,
        "requests_per_second": 0.5,
        "locations": [
            {"path": "/a", "upstream": "web", "buffering": False, "strip_prefix": False, "connect_timeout": 1.5}
        ],
    }
    meant = {**SETTINGS, "upstreams": [web], "servers": [server]}
    texts = {**meant, "upstreams": as_templated([web]), "servers": as_templated([server])}
    assert tree(texts) == tree(meant)
    assert nginx_probes(texts["servers"]) == nginx_probes([server]) != []
    assert nginx_problems(texts, FACTS, "nginx1") == nginx_problems(meant, FACTS, "nginx1")


@pytest.mark.parametrize("name", ["health_address", "health_port", "worker_processes", "cache_size", "repository_url"])
def test_an_empty_variable_of_the_role_is_not_its_default(name: str) -> None:
    """Templates have it as it is."""
    assert [each.where for each in NginxSettings.of({name: ""}).problems] == [f"nginx_{name}"]
    assert NginxSettings.of({name: None}).problems == ()


@pytest.mark.parametrize("value", ["8_081", "8081 2", "٣", "8081.0", "0x1f", 8081.5, True])
def test_a_number_in_other_ways_of_writing_it_is_refused(value: object) -> None:
    (problem,) = NginxSettings.of({"health_port": value}).problems
    assert str(problem).startswith(f"nginx_health_port is {value!r}, which is not a whole number from 1 to 65535.")
