# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster is as the inventory wants it: the checks of verify.yml.

Pure functions of what the modules returned on the load balancers, as health reads it; they run on the control node.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.health import (
    READ_WHY,
    STAGED,
    Host,
    Vip,
    bare,
    host_problems,
    nginx_host_problems,
    place_of,
    vips_of,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import (
    DAY,
    capitalized,
    columns,
    counted,
    duration,
    joined,
    message_of,
)

CLOCK_SECONDS = 5.0
CERTIFICATE_DAYS = 14
DEAF = "Look whether these hosts hear each other's VRRP packets."


@dataclass(frozen=True)
class Finding:
    """The outcome of one check. What is not ok has a full sentence as its detail, and so has a note."""

    check: str
    subject: str
    detail: str
    ok: bool = True
    note: bool = False


def verify(hosts: Sequence[Host], fleet: Mapping[str, Any], clock_seconds: float = CLOCK_SECONDS) -> dict[str, Any]:
    """Every check with its outcome. fleet: what the filter vrrp_fleet returned, or nothing."""
    findings = [*_reached(hosts)]
    reached = [host for host in hosts if host.reachable]
    vips = vips_of(hosts)
    for vip in vips:
        findings += [*_holding(vip)]
    for cluster in _clusters(hosts):
        findings += [*_masters(cluster), *_versions(cluster), *_parity(cluster)]
    for host in reached:
        findings += [*_daemon(host), *_nginx(host), *_binary(host), *_seen(host, vips)]
        findings += [*_backends(host), *_certificates(host), *_drift(host), *_left_behind(host)]
    findings += [*_clocks(reached, clock_seconds), *_network(fleet)]
    return {
        "ok": all(finding.ok for finding in findings),
        "checks": [
            {"check": each.check, "subject": each.subject, "ok": each.ok, "detail": each.detail} for each in findings
        ],
        "problems": [finding.detail for finding in findings if not finding.ok],
        "notes": [finding.detail for finding in findings if finding.note],
        "table": _finding_table(findings),
    }


def _bad(check: str, subject: str, detail: str) -> Finding:
    return Finding(check, subject, detail, ok=False)


def _note(check: str, subject: str, detail: str) -> Finding:
    return Finding(check, subject, detail, note=True)


def _finding_table(findings: Sequence[Finding]) -> list[str]:
    rows = [("check", "subject", "", "")]
    for finding in findings:
        verdict = "PROBLEM" if not finding.ok else "note" if finding.note else "ok"
        rows.append((finding.check, finding.subject, verdict, finding.detail))
    return columns(rows)


def _clusters(hosts: Sequence[Host]) -> list[list[Host]]:
    """The hosts by the VIPs that they share."""
    groups: list[tuple[set[str], list[Host]]] = []
    for host in hosts:
        addresses, members = set(host.ranks), [host]
        for group in [group for group in groups if group[0] & addresses]:
            groups.remove(group)
            addresses |= group[0]
            members += group[1]
        groups.append((addresses, members))
    return [[host for host in hosts if host in members] for dummy, members in groups]


def _reached(hosts: Sequence[Host]) -> Iterator[Finding]:
    if not hosts:
        yield _bad("reachable", "-", "No load balancer was asked. Name the right inventory with -i.")
    for host in hosts:
        if host.reachable:
            yield Finding("reachable", host.name, "it has answered")
        else:
            detail = f"{host.name} is unreachable, or a task failed there. Read what Ansible says of it above."
            yield _bad("reachable", host.name, detail)


def _holding(vip: Vip) -> Iterator[Finding]:
    place = place_of(vip)
    if len(vip.holders) != 1:
        fix = DEAF if vip.holders else f"{READ_WHY} on each host."
        yield _bad("one holder", vip.address, f"{vip.label} is {place.text}. {fix}")
        return
    yield Finding("one holder", vip.address, f"on {vip.holders[0].name}")
    subject, where = vip.address, f"{vip.label} is {place.text}."
    if place.bad:
        yield _bad("right holder", subject, f"{where} {capitalized(place.fix)}.")
    elif place.text:
        yield _note("right holder", subject, where)
    else:
        yield Finding("right holder", subject, f"{vip.preferred.name} is preferred")


def _masters(cluster: Sequence[Host]) -> Iterator[Finding]:
    """Whether all daemons agree on who is master."""
    asked = [host for host in cluster if host.answers]
    names = dict.fromkeys(str(instance["name"]) for host in asked for instance in host.instances)
    for name in names:
        said = [(host, each) for host in asked for each in host.instances if str(each["name"]) == name]
        masters = [host for host, each in said if each.get("state") == "MASTER"]
        heard = {
            str(each["master"]): host for host, each in said if each.get("state") == "BACKUP" and each.get("master")
        }
        subject = f"{name} ({', '.join(host.name for host in cluster)})"
        detail = _disagreement(name, said, masters, heard)
        yield Finding("one master", subject, detail or f"{masters[0].name} says so itself", ok=not detail)


def _disagreement(
    name: str, said: Sequence[tuple[Host, Mapping[str, Any]]], masters: Sequence[Host], heard: Mapping[str, Host]
) -> str:
    if len(masters) > 1:
        return f"{joined(host.name for host in masters)} are both MASTER of {name}. {DEAF}"
    if not masters:
        states = joined(f"{each.get('state') or 'unknown'} on {host.name}" for host, each in said)
        return f"{name} has no MASTER: it is {states}. {READ_WHY} on each host."
    if len(heard) > 1:
        views = joined(f"{host.name} hears {address}" for address, host in heard.items())
        return f"Backups of {name} hear different masters: {views}. {DEAF}"
    mine = {
        bare(address) for host, each in said if host is masters[0] for address in each.get("virtual_ipaddress") or []
    }
    lacking = sorted(mine - masters[0].addresses)
    if lacking:
        return (
            f"{masters[0].name} is MASTER of {name} and lacks {joined(lacking)}. Find what else manages the interface's addresses, "
            "then 'systemctl restart keepalived'."
        )
    return ""


def _daemon(host: Host) -> Iterator[Finding]:
    problems = host_problems(host.keepalived, None, [str(instance["name"]) for instance in host.plan])
    for text in problems:
        yield _bad("keepalived", host.name, f"{host.name}: {text}")
    if not problems:
        yield Finding(
            "keepalived", host.name, f"it runs and answers, with {counted(len(host.instances), 'VRRP instance')}"
        )


def _nginx(host: Host) -> Iterator[Finding]:
    problems = nginx_host_problems(host.nginx, None, False) if host.nginx else []
    if host.check == "failing":
        problems.append(
            "its check of nginx has failed, and nginx has not been well for long enough since. "
            "Read why with 'journalctl -u check_nginx'."
        )
    elif host.check == "down" and host.nginx_running is not False:
        problems.append("systemd has told keepalived that nginx is down. Read why with 'journalctl -u nginx'.")
    for text in problems:
        yield _bad("nginx", host.name, f"{host.name}: {text}")
    if not problems:
        yield Finding("nginx", host.name, "it runs and answers" if host.nginx else "its check is well")


def _binary(host: Host) -> Iterator[Finding]:
    """Whether what runs is the keepalived that the inventory wants."""
    wanted, info, daemon = host.variables.get("keepalived_binary_desired"), host.keepalived, host.daemon
    if not host.running:
        return
    problem, runs = "", f"{host.name} runs {daemon.get('binary')}"
    if wanted and info.get("installed") is False:
        problem = f"{host.name} lacks the keepalived that the inventory wants, {wanted}. Run site.yml."
    elif wanted and daemon.get("binary") and daemon["binary"] != wanted:
        problem = f"{runs}, and the inventory wants {wanted}. Run site.yml."
    elif info.get("version") and daemon.get("version") and info["version"] != daemon["version"]:
        problem = (
            f"{runs} as keepalived {daemon['version']}, and the file is {info['version']} by now. Drain the host, then "
            "'systemctl restart keepalived'."
        )
    yield Finding("keepalived's version", host.name, problem or str(daemon.get("version") or "unknown"), ok=not problem)


def _versions(cluster: Sequence[Host]) -> Iterator[Finding]:
    reached = [host for host in cluster if host.reachable]
    for program, versions in (
        ("keepalived", {host: str(host.daemon.get("version") or "") for host in reached if host.running}),
        ("nginx", {host: str(host.nginx.get("version") or "") for host in reached}),
    ):
        known = {host: version for host, version in versions.items() if version}
        if len(known) < 2:
            continue
        check, subject = f"{program}'s versions", ", ".join(host.name for host in known)
        if len(set(known.values())) == 1:
            yield Finding(check, subject, f"{known.popitem()[1]} on all")
            continue
        has = joined(f"{version} on {host.name}" for host, version in known.items())
        yield _difference(check, subject, f"{program} is {has}", "Bring all to one version.", list(known))


def _difference(check: str, subject: str, text: str, fix: str, hosts: Sequence[Host]) -> Finding:
    """A difference between hosts, which their distributions may explain."""
    platforms = {host.platform for host in hosts}
    if len(platforms) > 1 and "" not in platforms:
        where = joined(f"{host.name} is {host.platform}" for host in hosts)
        return _note(check, subject, f"{text}, and {where}.")
    return _bad(check, subject, f"{text}. {fix}")


def _parity(cluster: Sequence[Host]) -> Iterator[Finding]:
    """Whether nginx has the same configuration and certificates on each host, path by path."""
    hosts = [host for host in cluster if host.nginx.get("files")]
    if len(hosts) < 2:
        return
    subject = ", ".join(host.name for host in hosts)
    for what, digests in (
        ("configuration", {host.name: dict(host.nginx["files"]) for host in hosts}),
        (
            "certificates",
            {
                host.name: {path: entry["sha256"] for path, entry in (host.nginx.get("certificates") or {}).items()}
                for host in hosts
            },
        ),
    ):
        paths = list(dict.fromkeys(path for own in digests.values() for path in own))
        found = [_unlike(what, path, {host: digests[host.name].get(path) for host in hosts}) for path in paths]
        yield from (finding for finding in found if finding)
        if paths and not any(found):
            yield Finding(what, subject, f"{counted(len(paths), 'file')} alike")


def _unlike(what: str, path: str, digests: Mapping[Host, str | None]) -> Finding | None:
    having = [host for host, digest in digests.items() if digest]
    lacking = [host.name for host, digest in digests.items() if not digest]
    names = joined(host.name for host in digests)
    if not having:
        text = f"{path} is missing on {names}, though nginx's configuration names it"
    elif lacking:
        text = f"{path} is in use by nginx on {joined(host.name for host in having)}, and missing on {joined(lacking)}"
    elif len(set(digests.values())) > 1:
        if what == "configuration" and all(_managed(host, path) for host in digests):
            return _note(what, path, f"{path} differs between {names}, as the inventory wants it.")
        text = f"{path} differs between {names}"
    else:
        return None
    fix = "Run site.yml." if any(path in host.pending for host in digests) else "Make it the same on each host."
    if what == "configuration":
        return _difference(what, path, text, fix, list(digests))
    return _bad(what, path, f"{text}. {fix}")


def _managed(host: Host, path: str) -> bool:
    """Whether the inventory says what this file is, and the host has it so."""
    managed = host.result("nginx_staged").get("managed_files")
    known = "pending_files" in host.result("nginx_staged")
    return known and path not in host.pending and (managed is None or path in managed)


def _seen(host: Host, vips: Sequence[Vip]) -> Iterator[Finding]:
    """What this host saw when it asked each VIP of its cluster."""
    result = host.result("vips_seen")
    own = [vip for vip in vips if host in vip.order]
    for vip in own:
        subject = f"{vip.address} from {host.name}"
        target = (result.get("targets") or {}).get(vip.address)
        if not target or not target.get("sent"):
            detail = f"{host.name} has not asked {vip.label}: {message_of(result)}"
            yield _bad("answers", subject, detail)
        elif target.get("failed"):
            reasons: dict[str, int] = {}
            for span in target.get("failures") or []:
                for reason, count in (span.get("reasons") or {}).items():
                    reasons[str(reason)] = reasons.get(str(reason), 0) + int(count)
            why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
            server = joined(each.name for each in vip.holders) or "the hosts"
            yield _bad(
                "answers",
                subject,
                f"{host.name}: {target['failed']} of {target['sent']} requests to {vip.label} failed{f' ({why})' if why else ''}. "
                f"Read nginx's logs on {server}.",
            )
        else:
            yield Finding("answers", subject, f"{target['sent']} of {target['sent']} requests were answered")


def _backends(host: Host) -> Iterator[Finding]:
    out = [str(name) for name in host.nginx.get("backends_out") or ()]
    if out:
        text = f"{joined(out)} {'is' if len(out) == 1 else 'are'} out of service at {host.name}"
        yield _note("backends", host.name, f"{text}. Put back what is ready with 'backend.yml -e backend_in={out[0]}'.")


def _certificates(host: Host) -> Iterator[Finding]:
    for path, entry in (host.nginx.get("certificates") or {}).items():
        if "not_after" not in entry:
            continue
        subject = f"{path} on {host.name}"
        text = str(entry["not_after"] or "")
        try:
            left = ssl.cert_time_to_seconds(text) - host.now
        except ValueError:
            detail = f"{host.name}: when the certificate {path} expires could not be read."
            yield _note("expiry", subject, detail)
            continue
        when = f"{host.name}: the certificate {path}"
        if left <= 0:
            detail = f"{when} expired {duration(-left)} ago, on {text}. Renew it, then 'systemctl reload nginx'."
            yield _bad("expiry", subject, detail)
        elif left < CERTIFICATE_DAYS * DAY:
            detail = f"{when} expires in {duration(left)}, on {text}. Renew it, then 'systemctl reload nginx'."
            yield _note("expiry", subject, detail)
        else:
            yield Finding("expiry", subject, f"in {duration(left)}")


def _drift(host: Host) -> Iterator[Finding]:
    for registered in STAGED:
        result = host.result(registered)
        role = registered.removesuffix("_staged")
        if not result or result.get("skipped"):
            continue
        if "pending_files" not in result:
            detail = f"{host.name}: the files of {role} could not be compared with the inventory: {message_of(result)}"
            yield _bad("drift", f"{role} on {host.name}", detail)
            continue
        pending = list(result["pending_files"])
        if result.get("interrupted"):
            detail = f"{host.name}: an interrupted run left changes of {role} that are neither kept nor taken back. Run site.yml."
            yield _bad("drift", f"{role} on {host.name}", detail)
        if pending:
            verb = "differs" if len(pending) == 1 else "differ"
            detail = f"{host.name}: {joined(pending)} {verb} from the inventory. Run site.yml."
            yield _bad("drift", f"{role} on {host.name}", detail)
        elif not result.get("interrupted"):
            yield Finding("drift", f"{role} on {host.name}", "as the inventory wants it")


def _left_behind(host: Host) -> Iterator[Finding]:
    """Drains and standby, which outlast whoever made them."""
    if host.drained_by_run:
        detail = f"{host.name} is still drained by a run that did not end ({host.drain}). Undrain it with undrain.yml."
        yield _bad("drain", host.name, detail)
    elif host.drained:
        yield _note("drain", host.name, f"{host.name} is drained ({host.drain}).")
    else:
        yield Finding("drain", host.name, "not drained")
    if host.running and host.keepalived.get("standby"):
        detail = (
            f"{host.name} is on standby: it has handed its VIPs over and not taken that back. Start nginx if it does not run, "
            "else '/etc/keepalived/vips.sh return'."
        )
        yield _bad("standby", host.name, detail)


def _clocks(hosts: Sequence[Host], limit: float) -> Iterator[Finding]:
    offsets = {host.name: host.keepalived.get("clock_offset") for host in hosts}
    known = sorted((offset, name) for name, offset in offsets.items() if offset is not None)
    if len(known) > 1:
        apart = known[-1][0] - known[0][0]
        text = f"The clocks of {known[0][1]} and {known[-1][1]} are {apart:.1f} s apart"
        if apart > limit:
            detail = f"{text}, and {limit:g} s are allowed. Synchronize them, e.g. with chrony."
            yield _bad("clocks", ", ".join(offsets), detail)
        else:
            yield Finding("clocks", ", ".join(offsets), f"{apart:.1f} s apart at most")
    for host in hosts:
        if host.keepalived.get("ntp") is False:
            detail = f"{host.name}: its clock is not synchronized. Set up NTP, e.g. with chrony."
            yield _note("clocks", host.name, detail)


def _network(fleet: Mapping[str, Any]) -> Iterator[Finding]:
    """What was planned from the inventory and heard on the wire."""
    problems, warnings = list(fleet.get("problems") or []), list(fleet.get("warnings") or [])
    for text in problems:
        yield _bad("plan", "inventory", text)
    for text in warnings:
        if "split brain" in text:
            yield _bad("wire", "VRRP", f"{capitalized(text)} {DEAF}")
        else:
            yield _note("wire", "VRRP", text)
    if fleet and not problems and not warnings:
        yield Finding("wire", "VRRP", "nobody else was heard")
