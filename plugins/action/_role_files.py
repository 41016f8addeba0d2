# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the files of roles, and has one module test or place them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import collected
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.roles import ROLES, Variables

MODULE = "evenkeel.nginx_ha.config_files"
# keepalived's own test looks for the script of check_nginx.
ORDER = ["nginx", "check_nginx", "keepalived"]
ARGUMENTS = {
    "roles": {"type": "list", "elements": "str", "choices": ORDER, "default": ORDER},
    "state": {
        "type": "str",
        "choices": ["tested", "present", "committed", "restored", "removed"],
        "default": "tested",
    },
    "unfinished": {"type": "bool", "default": False},
}
RENDERED = ("tested", "present")


class Shared(dict[str, Any]):
    """Variables that the template lookup may have as they are: it changes none, and copies all of them deeply for each file."""

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return dict(self)


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(ARGUMENTS)
        variables = Variables(self._templar, task_vars or {})
        roles = [role for role in ORDER if role in options["roles"]]
        if options["state"] in RENDERED:
            variables.know(**dict(_settings(roles, variables)))
        sets = [self._set(role, options, variables) for role in roles]
        answer = self._execute_module(module_name=MODULE, module_args={"sets": sets}, task_vars=task_vars)
        if answer.get("failed") or answer.get("unreachable"):
            return answer
        # All files are in there once more.
        answer.pop("invocation", None)
        found = answer.pop("sets")
        return {**answer, **found[roles[0]], "facts": {f"{role}_staged": found[role] for role in roles}}

    def _set(self, role: str, options: Mapping[str, Any], variables: Variables) -> dict[str, Any]:
        """The options of the module for a role's files."""
        name, rendered = f"{role}_files", options["state"] in RENDERED
        # Templates and files are the role's, also where the task is not.
        variables.know(ansible_search_path=[str(ROLES / role)])
        keys = [key for key in variables.data[name] if key != "files" and (rendered or key in ("store", "mask"))]
        common = {"name": role, "state": options["state"], **{key: variables.part(name, key) for key in keys}}
        if not rendered:
            return {**common, "unfinished": options["unfinished"]}
        return {**common, "files": list(self._files(variables.part(name, "files"), variables))}

    def _files(self, files: list[dict[str, Any]], variables: Variables) -> Iterator[dict[str, Any]]:
        """Each with its content: where it has a template, that is rendered with the file's own vars."""
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        known = Shared(variables.data)
        for file in files:
            if "template" in file:
                (content,) = lookup.run([file["template"]], known, template_vars=dict(file.get("vars") or {}))
                yield {**{key: file[key] for key in file if key not in ("template", "vars")}, "content": content}
            else:
                yield file


def _settings(roles: list[str], variables: Variables) -> Iterator[tuple[str, dict[str, Any]]]:
    """Evaluated once, for many files and variables refer to them."""
    if "keepalived" in roles:
        for name in ("keepalived_settings", "keepalived_here"):
            yield name, variables[name]
    if "nginx" in roles:
        yield "nginx_settings", collected(variables, variables.of_play())
