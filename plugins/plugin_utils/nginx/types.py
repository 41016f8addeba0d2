# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nginx role's variables with the types that its argument_specs give them.

Before ansible-core 2.19 what a template makes of a truth value or a number is a text, such as C("False"), also inside of a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.validation import check_type_bool, check_type_float, check_type_int

SPECS = Path(__file__).parents[3] / "roles" / "nginx" / "meta" / "argument_specs.yml"
CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "bool": check_type_bool,
    "int": check_type_int,
    "float": check_type_float,
}


def typed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """settings: the role's variables without their prefix. What is none of its type stays as it is, for preflight to refuse."""
    options = _options()
    return {name: _value(value, options.get(f"nginx_{name}", {})) for name, value in settings.items()}


@cache
def _options() -> Mapping[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    options: Mapping[str, Any] = yaml.load(SPECS.read_text(), loader)["argument_specs"]["main"]["options"]
    return options


def _value(value: Any, spec: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        options = spec.get("options") or {}
        return {name: _value(each, options.get(name, {})) for name, each in value.items()}
    if isinstance(value, list | tuple):
        element = {**spec, "type": spec.get("elements")}
        return [_value(each, element) for each in value]
    kind = spec["elements"] if spec.get("type") == "list" and value is not None else spec.get("type")
    if kind not in CONVERTERS or not isinstance(value, str):
        return value
    try:
        return CONVERTERS[kind](value)
    except (TypeError, ValueError):
        return value
