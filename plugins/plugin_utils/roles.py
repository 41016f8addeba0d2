# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role's variables on a host, evaluated, and what its argument specs say of them: what the action plugins have in common."""

from __future__ import annotations

from collections import ChainMap, UserDict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROLES = Path(__file__).parents[2] / "roles"
# libyaml's is faster by a factor of ten, where it is there.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Variables(UserDict[str, Any]):
    """The variables of a task by their names, each evaluated when it is asked for, and once only; data has them as they are.

    templar: that of an action plugin.
    """

    def __init__(self, templar: Any, task_vars: Mapping[str, Any]) -> None:
        self.data = dict(task_vars)
        self._templar = templar
        self._values: dict[str, Any] = {}
        templar.available_variables = self.data

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            self._values[name] = _decrypted(self._templar.template(self.data[name]))
        return self._values[name]

    def part(self, name: str, key: str) -> Any:
        """The value of one key of a variable that is a dictionary; the others are not evaluated."""
        return self._templar.template(self.data[name][key])

    def of_play(self) -> Iterator[Mapping[str, Any]]:
        """The variables of each host of the play."""
        hosts = self.data["hostvars"]
        return (hosts[host] for host in self.data["ansible_play_hosts_all"])

    def know(self, **values: Any) -> None:
        """Have these evaluated values in place of the variables, also where other variables refer to them."""
        self._values.update(values)
        self.data.update(values)


def about_keepalived(variables: Variables) -> dict[str, Any]:
    """The options of host_info that say which keepalived to look at."""
    # The marker follows from it.
    variables.know(keepalived_binary_desired=variables["keepalived_binary_desired"])
    return {
        "binary": variables["keepalived_binary_desired"],
        "marker": variables["keepalived_marker"],
        "interface": variables["keepalived_interface"],
        "state_dir": variables["keepalived_state_dir"],
    }


def _decrypted(value: Any) -> Any:
    """Texts in place of what a vault has encrypted, which ansible-core leaves as objects of its own before 2.19."""
    if hasattr(value, "__ENCRYPTED__"):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _decrypted(each) for key, each in value.items()}
    return [_decrypted(each) for each in value] if isinstance(value, list) else value


class Overlaid(UserDict[str, Mapping[str, Any]]):
    """The hostvars, with values that hosts have besides. facts: these by host, and then by name."""

    def __init__(self, hostvars: Any, facts: Mapping[str, Mapping[str, Any]]) -> None:
        # Nothing is copied: with many hosts that takes long.
        self.data, self._facts = hostvars, facts

    def __getitem__(self, host: str) -> Mapping[str, Any]:
        # Only read, neither has to be mutable.
        return ChainMap(self._facts.get(host) or {}, self.data[host])  # type: ignore[arg-type]


@cache
def options(role: str) -> Mapping[str, Any]:
    """The options of a role's main entry point, as its argument specs have them."""
    specs = yaml.load((ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"), LOADER)
    found: Mapping[str, Any] = specs["argument_specs"]["main"]["options"]
    return found


@cache
def validator(role: str) -> ArgumentSpecValidator:
    return ArgumentSpecValidator(dict(options(role)))


def errors(role: str, variables: Variables) -> list[str]:
    """What the argument specs refuse of a role's variables, in Ansible's words, one line each."""
    given = {name: variables[name] for name in options(role) if name in variables}
    return list(validator(role).validate(given, validate_role_argument_spec=True).error_messages)
