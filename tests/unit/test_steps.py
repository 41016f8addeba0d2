# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins of a run have in common, and what each adds to what plugin_utils decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.evenkeel.nginx_ha.plugins.action import _cluster_plan
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.roles import Overlaid, Variables, errors, options

DEBIAN = {"distribution": "Debian", "distribution_major_version": "12", "architecture": "x86_64"}


class Counting:
    """A templar that counts what it evaluates."""

    def __init__(self) -> None:
        self._templar = Templar(loader=DataLoader())
        self.evaluated: list[object] = []

    @property
    def available_variables(self) -> Mapping[str, Any]:
        return self._templar.available_variables

    @available_variables.setter
    def available_variables(self, variables: Mapping[str, Any]) -> None:
        self._templar.available_variables = variables

    def template(self, value: object) -> Any:
        self.evaluated.append(value)
        return self._templar.template(value)


def test_a_variable_is_evaluated_when_it_is_asked_for_and_once() -> None:
    templar = Counting()
    variables = Variables(
        templar, {"a": trust_as_template("{{ b }}!"), "b": "x", "never": trust_as_template("{{ no }}")}
    )
    assert (variables["a"], variables["a"]) == ("x!", "x!")
    assert templar.evaluated == ["{{ b }}!"]


def test_what_is_known_stands_in_place_of_a_variable_also_where_others_refer_to_it() -> None:
    variables = Variables(Templar(loader=DataLoader()), {"a": trust_as_template("{{ b }}!"), "b": "x"})
    variables.know(b="y")
    assert (variables["b"], variables["a"]) == ("y", "y!")


def test_one_key_of_a_dictionary_is_evaluated_without_the_others() -> None:
    given = {"files": {"store": "/var/lib", "files": trust_as_template("{{ nowhere }}")}}
    assert Variables(Templar(loader=DataLoader()), given).part("files", "store") == "/var/lib"


def test_the_specs_refuse_what_a_role_cannot_take() -> None:
    templar = Templar(loader=DataLoader())
    refused = errors("check_nginx", Variables(templar, {"check_nginx_behaviour": "pray"}))
    assert refused == ["value of check_nginx_behaviour must be one of: watch, stop, restart, got: pray"]
    assert errors("check_nginx", Variables(templar, {"check_nginx_behaviour": "stop"})) == []
    assert "keepalived_vips" in options("keepalived")


def test_values_that_hosts_have_besides_come_before_the_hostvars() -> None:
    hostvars = {"a": {"x": 1, "y": 2}, "b": {"x": 3}}
    overlaid = Overlaid(hostvars, {"a": {"x": 9}})
    assert (dict(overlaid["a"]), dict(overlaid["b"])) == ({"x": 9, "y": 2}, {"x": 3})
    assert (list(overlaid), "b" in overlaid, "c" in overlaid) == (["a", "b"], True, False)


@pytest.mark.parametrize("names", [["nginx10", "nginx2", "web1"], ["web1", "nginx2", "nginx10"]])
def test_the_first_host_by_name_of_each_platform_compiles_for_the_others(names: list[str]) -> None:
    facts = {name: {"ansible_facts": DEBIAN} for name in names}
    facts["web1"] = {"ansible_facts": {**DEBIAN, "distribution_major_version": "11"}}
    makers = _cluster_plan._makers(Overlaid(facts, {}), names)
    assert makers == {"nginx2": "nginx2", "nginx10": "nginx2", "web1": "web1"}
