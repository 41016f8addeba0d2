# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the role keepalived. They are private, and may change with any version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.configuration import Runtime, render
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.directives import features
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.notify import Notify, rendered
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.words import WordError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.reader import Reader


def keepalived_conf(settings: Mapping[str, object], instances: Sequence[Any], runtime: Mapping[str, object]) -> str:
    try:
        return render(
            parse(settings)[0], list(map(Instance.from_fact, instances)), Runtime(**Reader(runtime, "").plain(Runtime))
        )
    except WordError as error:
        raise AnsibleFilterError(f"evenkeel.nginx_ha.keepalived_conf: a value {error}") from error


def keepalived_features(settings: Mapping[str, object]) -> list[str]:
    return features(parse(settings)[0])


def keepalived_notify(notify: Mapping[str, object], host: str, instances: Sequence[Any], script_user: str) -> str:
    return rendered(Notify.of(notify), host, list(map(Instance.from_fact, instances)), script_user)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "_keepalived_conf": keepalived_conf,
            "_keepalived_features": keepalived_features,
            "_keepalived_notify": keepalived_notify,
        }
