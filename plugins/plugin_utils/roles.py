# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role's variables on a host, evaluated, and what its argument specs say of them: what the action plugins have in common."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROLES = Path(__file__).parents[2] / "roles"
# libyaml's is faster by a factor of ten, where it is there.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Variables(Mapping[str, Any]):
    """The variables of a task by their names, each evaluated when it is asked for, and once only.

    templar: that of an action plugin; known: values that stand in place of the task's own variables, evaluated already.
    """

    def __init__(self, templar: Any, task_vars: Mapping[str, Any], **known: Any) -> None:
        self._templar = templar
        self._values = dict(known)
        self.raw = {**task_vars, **known}
        templar.available_variables = self.raw

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            self._values[name] = _decrypted(self._templar.template(self.raw[name]))
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self.raw

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def part(self, name: str, key: str) -> Any:
        """The value of one key of a variable that is a dictionary; the others are not evaluated."""
        return self._templar.template(self.raw[name][key])

    def of_play(self) -> Iterator[Mapping[str, Any]]:
        """The variables of each host of the play."""
        hosts = self.raw["hostvars"]
        return (hosts[host] for host in self.raw["ansible_play_hosts_all"])

    def know(self, **values: Any) -> None:
        """Have these evaluated values in place of the variables, also where other variables refer to them."""
        self._values.update(values)
        self.raw.update(values)


def _decrypted(value: Any) -> Any:
    """Texts in place of what a vault has encrypted, which ansible-core leaves as objects of its own before 2.19."""
    if hasattr(value, "__ENCRYPTED__"):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _decrypted(each) for key, each in value.items()}
    return [_decrypted(each) for each in value] if isinstance(value, list) else value


class Overlaid(Mapping[str, Any]):
    """The hostvars, with values that hosts have besides. facts: these by host, and then by name."""

    def __init__(self, hostvars: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]]) -> None:
        self._hostvars = hostvars
        self._facts = facts

    def __getitem__(self, host: str) -> Mapping[str, Any]:
        # Only read, neither has to be mutable.
        return ChainMap(self._facts.get(host) or {}, self._hostvars[host])  # type: ignore[arg-type]

    def __contains__(self, host: object) -> bool:
        return host in self._hostvars

    def __iter__(self) -> Iterator[str]:
        return iter(self._hostvars)

    def __len__(self) -> int:
        return len(self._hostvars)


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
