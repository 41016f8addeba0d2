# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins of a run have in common, and what each adds to what plugin_utils decides."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.evenkeel.nginx_ha.plugins.action import _cluster_plan, _host_health
from ansible_collections.evenkeel.nginx_ha.plugins.lookup import _settings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils import roles
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives
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


class Vaulted:
    """What a vault has encrypted, as ansible-core has it before 2.19."""

    __ENCRYPTED__ = True

    def __str__(self) -> str:
        return "secret"


def test_what_a_vault_has_encrypted_becomes_text_however_deep_it_is() -> None:
    given = {"auth": Vaulted(), "keys": [{"key": Vaulted()}, 5], "none": None}
    assert roles._decrypted(given) == {"auth": "secret", "keys": [{"key": "secret"}, 5], "none": None}


def test_a_variable_is_text_that_a_vault_has_encrypted() -> None:
    templar = SimpleNamespace(template=lambda value: value)
    assert Variables(templar, {"auth": Vaulted()})["auth"] == "secret"


def test_a_host_is_asked_until_its_patience_ends_often_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that take long count as well. The clock is a made-up one."""
    now, asked = [0.0], []

    def look(**_options: object) -> dict[str, Any]:
        asked.append(round(now[0], 1))
        now[0] += 0.5
        return {"failed": True, "msg": "nginx is silent"}

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(_host_health, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    action = _host_health.ActionModule(
        task=SimpleNamespace(args={"roles": ["nginx"]}, async_val=0, check_mode=False, diff=False),
        connection=SimpleNamespace(_shell=SimpleNamespace(tmpdir=None), has_pipelining=True),
        templar=Templar(loader=DataLoader()),
        **dict.fromkeys(("play_context", "loader", "shared_loader_obj")),
    )
    monkeypatch.setattr(action, "_execute_module", look)
    monkeypatch.setattr(_host_health, "_problems", lambda *_given: [])
    answer = action.run(task_vars={"inventory_hostname": "nginx1", "nginx_patience": 5, "nginx_probes": []})
    assert asked == [0.0, 0.6, 1.3, 2.2, 3.5, 5.0]
    assert answer == {"failed": True, "msg": "nginx1: nginx is silent"}


UPSTREAMS = [{"name": "web", "servers": [{"name": name, "address": f"10.0.0.{name[-1]}"} for name in ("web1", "web2")]}]


def test_all_load_balancers_keep_out_of_service_what_one_of_them_remembers() -> None:
    settings = {"upstreams": UPSTREAMS, "backends_take_out": [], "backends_put_back": []}
    checked: dict[str, dict[str, Any]] = {
        "a": {"nginx_settings": settings},
        "b": {"nginx_settings": {**settings, "backends_take_out": ["web2"]}},
        "c": {"nginx_settings": {**settings, "backends_put_back": ["web1"]}},
        "without nginx": {},
    }
    hostvars: dict[str, dict[str, Any]] = {name: {} for name in checked}
    known = Overlaid(hostvars, {"c": {"nginx_found": {"backends_out": ["web1", "gone"]}}})
    kept = dict(_cluster_plan._backends_kept(checked, known))
    assert kept == {"a": ["web1"], "b": ["web1", "web2"], "c": []}


def test_the_settings_of_roles_are_evaluated_and_named_without_the_roles_prefix() -> None:
    given: dict[str, Any] = {
        **{f"keepalived_{name}": "" for name in directives.SETTINGS},
        **{name: [] if option.get("type") == "list" else "" for name, option in options("nginx").items()},
        "keepalived_router_id": trust_as_template("{{ inventory_hostname }}"),
        "keepalived_checks": {"vrrp_scripts": [{"name": "check"}]},
        "keepalived_vrrp_scripts": [{"name": "own"}],
        "nginx_upstreams": UPSTREAMS,
        "nginx_user": "www-data",
        "ansible_facts": {},
        "ansible_play_hosts_all": ["a", "b"],
        "hostvars": {"a": {}, "b": {"nginx_found": {"backends_out": ["web1"]}}},
        "inventory_hostname": "a",
    }
    lookup = _settings.LookupModule(DataLoader(), Templar(loader=DataLoader()))
    keepalived, nginx = lookup.run(["keepalived", "nginx"], given)
    assert keepalived["router_id"] == "a"
    assert [each["name"] for each in keepalived["vrrp_scripts"]] == ["check", "own"]
    assert (nginx["group"], nginx["backends_kept"]) == ("www-data", ["web1"])
