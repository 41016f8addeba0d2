# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From where the adverts of other members come, for the firewall to let in these alone.

Pure functions of the inventory's data and of gathered facts; they run on the control node only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster import preflight, unicast
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.words import truth


def with_senders(
    plan: Mapping[str, list[dict[str, Any]]], members: Sequence[unicast.Member]
) -> dict[str, list[dict[str, Any]]]:
    """The plan of a cluster with the other members' addresses in each instance, as its key senders."""
    known = {member.name: member for member in members}
    result = {}
    for host, instances in plan.items():
        others = [known[other] for other in plan if other != host and other in known]
        lacking = [member for member in others if not member.facts]
        # What a run that was not limited has found.
        former = known[host].admitted if host in known and (lacking or len(others) < len(plan) - 1) else ()
        result[host] = [{**instance, "senders": _senders(instance, others, former)} for instance in instances]
    return result


def _senders(instance: Mapping[str, Any], others: Sequence[unicast.Member], former: Sequence[str]) -> list[str]:
    if instance.get("unicast_peers"):
        return list(instance["unicast_peers"])
    family = preflight.version_of(instance["virtual_ipaddress"][0])
    found = [address for member in others for address in _sources(member, family)]
    return [*found, *(address for address in former if (":" in address) == (family == 6) and address not in found)]


def _sources(member: unicast.Member, family: int) -> Iterator[str]:
    """An interface's own address; in IPv6 multicast comes from that of the link (RFC 5798, 5.1.2.1)."""
    entry = preflight.fact(member.facts, str(member.settings.get("interface") or ""))
    if family == 4:
        own = (entry.get("ipv4") or {}).get("address")
        if own:
            yield str(own)
        return
    for each in entry.get("ipv6") or ():
        if each.get("scope") == "link":
            yield str(each["address"])


def unknown(plan: Mapping[str, list[dict[str, Any]]], members: Sequence[unicast.Member]) -> Iterator[str]:
    """Which members' adverts a firewall would not let in, for their addresses are not known."""
    for member in members:
        if not member.facts or not truth(member.settings.get("firewall") or False):
            continue
        for instance in plan[member.name]:
            if len(instance["senders"]) < len(plan) - 1:
                yield (
                    f"{member.name}: {len(plan) - 1} other members send adverts of {instance['name']}, and the addresses of only "
                    f"{len(instance['senders'])} are known. Where this host has a firewall, run on the whole cluster."
                )
