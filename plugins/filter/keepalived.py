# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the role keepalived. They are private, and may change with any version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives as keepalived_settings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.configuration import Runtime, render
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.notify import rendered
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.words import WordError


def keepalived_conf(
    settings: Mapping[str, Any], instances: Sequence[Mapping[str, Any]], runtime: Mapping[str, Any]
) -> str:
    try:
        return render(settings, [Instance.from_fact(each) for each in instances], Runtime.from_mapping(runtime))
    except WordError as error:
        raise AnsibleFilterError(f"evenkeel.nginx_ha.keepalived_conf: a value {error}") from error


def keepalived_features(settings: Mapping[str, Any]) -> list[str]:
    return keepalived_settings.features(settings)


def keepalived_notify(
    notify: Mapping[str, Any], host: str, instances: Sequence[Mapping[str, Any]], script_user: str
) -> str:
    return rendered(notify, host, instances, script_user)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "_keepalived_conf": keepalived_conf,
            "_keepalived_features": keepalived_features,
            "_keepalived_notify": keepalived_notify,
        }
