# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from the hostvars, in one place: facts that steps and modules have left there become a LoadBalancer.

Ansible evaluates a variable each time that it is read, so each is read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import ip_of, with_prefix
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.cluster.instance import Instance
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.fact import Fact
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.load_balancer import Desired, LoadBalancer
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.observed import (
    Answer,
    CertificateInfo,
    ConfiguredInstance,
    Daemon,
    DaemonInstance,
    KeepalivedState,
    NginxState,
    Probed,
    Requests,
    Staged,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import natural

# The roles whose files are compared with the inventory, by the facts that say what came of it.
STAGED = {"nginx_staged": "nginx", "check_nginx_staged": "check_nginx", "keepalived_staged": "keepalived"}


def before_change(hostvars: Mapping[str, Any], play_hosts: Sequence[str]) -> dict[str, LoadBalancer]:
    """The hosts of a play, and those members of their clusters outside of it that are in the inventory."""
    found = {name: _before_change(name, Fact(hostvars[name])) for name in play_hosts}
    for name in dict.fromkeys(member for host in found.values() for member in host.desired.hosts):
        if name not in found and name in hostvars:
            found[name] = _before_change(name, Fact(hostvars[name]))
    return found


def at_present(hostvars: Mapping[str, Any], names: Sequence[str], now: float) -> list[LoadBalancer]:
    """The named hosts in natural order. now: the control node's time."""
    return [_at_present(name, Fact(hostvars[name]), now) for name in sorted(map(str, names), key=natural)]


def _before_change(name: str, facts: Fact) -> LoadBalancer:
    return LoadBalancer(
        name,
        keepalived_state(facts.inner("keepalived_found")),
        _asked_nginx(facts.inner("nginx_found")),
        _desired(facts, facts.text("keepalived_unit_path")),
        _plan(facts),
        _staged(facts),
        facts.values("nginx_upgrade"),
    )


def _at_present(name: str, facts: Fact, now: float) -> LoadBalancer:
    return LoadBalancer(
        name,
        keepalived_state(facts.inner("keepalived_now")),
        _asked_nginx(facts.inner("nginx_now")),
        _desired(facts),
        _plan(facts),
        _staged(facts),
        probed=_probed(facts.inner("vips_seen")),
        platform=_platform(facts.inner("ansible_facts")),
        now=now,
    )


def _plan(facts: Fact) -> tuple[Instance, ...]:
    return tuple(Instance.from_fact(each.raw) for each in facts.each("keepalived_instances"))


def _platform(fact: Fact) -> str:
    return f"{fact.text('distribution')} {fact.text('distribution_major_version')}".strip()


def _desired(facts: Fact, unit: str = "") -> Desired:
    settings = facts.inner("keepalived_settings")
    groups = settings.inner("global_defs")
    return Desired(
        managed=bool(settings),
        hosts=settings.texts("hosts"),
        binary=facts.text("keepalived_binary_desired"),
        unit=unit,
        version=settings.text("version") if settings.text("install_method") == "source" else "",
        vrrp_version=settings.number("vrrp_version"),
        advert_int=settings.number("advert_int"),
        preempt_delay=settings.number("preempt_delay") or 0,
        signed=settings.flag("auth_hmac"),
        group=settings.inner("instance_options").text("mcast_dst_ip"),
        groups={family: groups.text(f"vrrp_mcast_group{family}") for family in (4, 6)},
    )


def _staged(facts: Fact) -> dict[str, Staged]:
    found = {role: facts.inner(name) for name, role in STAGED.items()}
    return {role: _compared(fact) for role, fact in found.items() if fact}


def _compared(fact: Fact) -> Staged:
    return Staged(
        pending=fact.texts("pending_files") if "pending_files" in fact else None,
        managed=frozenset(fact.texts("managed_files")) if "managed_files" in fact else None,
        interrupted=fact.flag("interrupted"),
        skipped=fact.flag("skipped"),
        message=fact.text("msg"),
    )


def keepalived_state(fact: Fact) -> KeepalivedState:
    """The answer of keepalived_info."""
    return KeepalivedState(
        asked=bool(fact) and not fact.flag("unreachable"),
        message=fact.text("msg"),
        daemon=_daemon(fact.inner("daemon")) if "daemon" in fact else None,
        installed=fact.known_flag("installed"),
        version=fact.text("version"),
        addresses=frozenset(map(with_prefix, fact.texts("addresses"))),
        ips=frozenset(map(ip_of, fact.texts("addresses"))),
        instances=tuple(map(_configured_instance, fact.each("instances"))),
        vrrp_version=fact.number("vrrp_version"),
        auth_differs=fact.flag("auth_differs"),
        hmac_differs=fact.flag("hmac_differs"),
        drained=" ".join(fact.text("drained").split()),
        drained_since=fact.number("drained_since"),
        standby=fact.flag("standby"),
        nginx_down=fact.flag("nginx_down"),
        check_failed=fact.flag("check_failed"),
        clock_offset=fact.number("clock_offset"),
        ntp=fact.known_flag("ntp"),
    )


def _daemon(fact: Fact) -> Daemon:
    return Daemon(
        running=fact.flag("running"),
        pid=fact.whole("pid") or 0,
        binary=fact.text("binary"),
        version=fact.text("version"),
        since=fact.number("since"),
        state_age=fact.number("state_age"),
        instances=tuple(map(_daemon_instance, fact.each("instances"))),
    )


def _daemon_instance(fact: Fact) -> DaemonInstance:
    base = fact.whole("base_priority")
    return DaemonInstance(
        name=fact.text("name"),
        state=fact.text("state"),
        priority=fact.whole("priority"),
        base_priority=fact.whole("priority") if base is None else base,
        # The daemon may say more of an address, such as its interface.
        ips=tuple(ip_of("".join(text.split()[:1])) for text in fact.texts("virtual_ipaddress")),
        master=fact.text("master"),
        last_transition=fact.number("last_transition"),
    )


def _configured_instance(fact: Fact) -> ConfiguredInstance:
    return ConfiguredInstance(
        name=fact.text("name"),
        virtual_router_id=fact.whole("virtual_router_id") or 0,
        virtual_ipaddress=fact.texts("virtual_ipaddress"),
        listed="virtual_ipaddress" in fact,
        priority=fact.whole("priority"),
        drained_weight=fact.whole("drained_weight"),
        advert_int=fact.number("advert_int"),
        group=fact.text("group"),
        unicast_peers=frozenset(fact.texts("unicast_peers")),
    )


def _asked_nginx(fact: Fact) -> NginxState | None:
    return nginx_state(fact) if fact else None


def nginx_state(fact: Fact) -> NginxState:
    """The answer of nginx_info."""
    return NginxState(
        message=fact.text("msg"),
        running=fact.known_flag("running"),
        version=fact.text("version"),
        workers=frozenset(map(int, fact.texts("workers"))),
        answers=tuple(map(_answer, fact.each("answers"))),
        files=fact.values("files"),
        certificates={path: _certificate(each) for path, each in fact.named("certificates")},
        backends_out=fact.texts("backends_out"),
    )


def _answer(fact: Fact) -> Answer:
    where = [fact.text(key) for key in ("address", "port", "host")]
    return Answer(*where, status=fact.whole("status") or 0, error=fact.text("error"))


def _certificate(fact: Fact) -> CertificateInfo:
    return CertificateInfo(fact.text("sha256") or None, fact.text("not_after") if "not_after" in fact else None)


def _probed(fact: Fact) -> Probed:
    return Probed(fact.text("msg"), {address: _requests(each) for address, each in fact.named("targets")})


def _requests(fact: Fact) -> Requests:
    reasons: dict[str, int] = {}
    for failure in fact.each("failures"):
        for reason, count in failure.values("reasons").items():
            reasons[reason] = reasons.get(reason, 0) + int(count)
    return Requests(fact.whole("sent") or 0, fact.whole("failed") or 0, reasons)
