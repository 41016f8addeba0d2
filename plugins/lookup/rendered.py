# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rendered
short_description: Files of which each comes from a template with variables of its own
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Renders one template for each file, so that a list of things becomes a directory of files without a loop in a template.
  - Templates are found and rendered as by P(ansible.builtin.template#lookup).
options:
  _terms:
    description:
      - The files, each with C(path), C(template), C(vars) and, where they are not the defaults, C(mode), C(group) and C(secret).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Write a file for each upstream
  evenkeel.nginx_ha.config_files:
    sets:
      - {name: nginx, root: /etc/nginx, files: "{{ query('evenkeel.nginx_ha.rendered', *upstreams) }}"}
  vars:
    upstreams:
      - {path: upstreams/web.conf, template: upstream.conf.j2, vars: {upstream: {name: web}}}
"""

RETURN = r"""
_raw:
  description: The files as the module M(evenkeel.nginx_ha.config_files) takes them, each with C(path), C(content) and maybe C(mode), C(group) and C(secret).
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase


class Shared(dict):
    """Variables that the template lookup may have as they are: it changes none, and copies all of them deeply for each file."""

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return dict(self)


class LookupModule(LookupBase):
    def run(
        self, terms: Sequence[Mapping[str, Any]], variables: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        template = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        shared = Shared(variables or {})
        return [
            {
                "path": file["path"],
                "content": template.run([file["template"]], shared, template_vars=dict(file.get("vars") or {}))[0],
                **{option: file[option] for option in ("mode", "group", "secret") if option in file},
            }
            for file in terms
        ]
