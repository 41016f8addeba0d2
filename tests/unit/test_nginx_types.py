# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that templates make of truth values and numbers count as what they mean."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.nginx_probes import nginx_probes
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.tree import files
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.types import _options, typed
from support.nginx import FACTS, SETTINGS

TEXT = "a text"


def as_templated(value: Any) -> Any:
    """What ansible-core 2.16 hands a filter where each value is a template of its own."""
    if isinstance(value, dict):
        return {name: as_templated(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_templated(each) for each in value]
    return str(value)


def example(spec: dict[str, Any]) -> Any:
    """A value of every option."""
    if spec.get("options"):
        inner: Any = {name: example(each) for name, each in spec["options"].items()}
    else:
        inner = {"bool": False, "int": 0, "float": 0.5}.get(spec.get("elements") or spec["type"], TEXT)
    return [inner] if spec["type"] == "list" else inner


def test_each_variable_of_the_role_gets_its_type() -> None:
    settings = {name.removeprefix("nginx_"): example(spec) for name, spec in _options().items()}
    assert settings["servers"][0]["locations"][0]["buffering"] is False
    assert typed(as_templated(settings)) == settings
    assert typed(settings) == settings


@pytest.mark.parametrize("value", ["perhaps", "1.5", None, ""])
def test_what_is_none_of_its_type_is_left_to_preflight(value: object) -> None:
    settings = {"servers": [{"name": "a", "http2": value, "hsts": value}], "unknown": value}
    assert typed(settings) == settings


def test_a_number_in_place_of_a_list_is_one_of_its_elements() -> None:
    assert typed({"servers": [{"listen": "8080"}]}) == {"servers": [{"listen": 8080}]}


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
    assert files(texts) == files(meant)
    assert nginx_probes(texts["servers"]) == nginx_probes([server]) != []
    assert nginx_problems(texts, FACTS, "nginx1") == nginx_problems(meant, FACTS, "nginx1")
