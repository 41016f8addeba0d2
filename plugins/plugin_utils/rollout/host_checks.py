# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of verify.yml of one host: its daemons, what it saw of the VIPs, certificates, drift, and what is left of a run."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence

from ..text import DAY, counted, duration, joined, sentence
from .finding import Finding, bad, note
from .host_problems import keepalived_problems, nginx_problems
from .load_balancer import LoadBalancer
from .observed import NginxState, Requests, Staged
from .vip_status import VipStatus

CERTIFICATE_DAYS = 14


def host_findings(host: LoadBalancer, vips: Sequence[VipStatus]) -> Iterator[Finding]:
    """All of them. vips: those of all hosts."""
    yield from _keepalived(host)
    yield from _nginx(host)
    yield from _binary(host)
    for vip in vips:
        if host in vip.order:
            yield _answers(host, vip, host.probed.targets.get(vip.address))
    yield from _backends(host)
    yield from _certificates(host)
    for role, staged in host.staged.items():
        yield from _drift(host.name, role, staged)
    yield from _left_behind(host)


def _judged(check: str, host: LoadBalancer, problems: Sequence[str], healthy: str) -> Iterator[Finding]:
    for text in problems:
        yield bad(check, host.name, f"{host.name}: {text}")
    if not problems:
        yield Finding(check, host.name, healthy)


def _keepalived(host: LoadBalancer) -> Iterator[Finding]:
    problems = keepalived_problems(host.keepalived, (), [instance.name for instance in host.plan])
    healthy = f"it runs and answers, with {counted(len(host.daemon.instances), 'VRRP instance')}"
    yield from _judged("keepalived", host, problems, healthy)


def _nginx(host: LoadBalancer) -> Iterator[Finding]:
    problems = nginx_problems(host.nginx, NginxState(), False) if host.nginx else []
    if host.check == "failing":
        problems.append(
            "its check of nginx has failed, and nginx has not been healthy for long enough since. "
            "Read why with 'journalctl -u check_nginx'."
        )
    elif host.check == "down" and host.nginx_runs is not False:
        problems.append("systemd has told keepalived that nginx is down. Read why with 'journalctl -u nginx'.")
    yield from _judged("nginx", host, problems, "it runs and answers" if host.nginx else "its check succeeds")


def _binary(host: LoadBalancer) -> Iterator[Finding]:
    """Whether what runs is the keepalived that the inventory wants."""
    if host.runs:
        problem = _other_binary(host)
        yield Finding("keepalived's version", host.name, problem or host.daemon.version or "unknown", ok=not problem)


def _other_binary(host: LoadBalancer) -> str:
    desired, installed, daemon = host.binary_desired, host.keepalived.version, host.daemon
    runs = f"{host.name} runs {daemon.binary}"
    if desired and host.keepalived.installed is False:
        return f"{host.name} lacks the keepalived that the inventory wants, {desired}. Run site.yml."
    if desired and daemon.binary and daemon.binary != desired:
        return f"{runs}, and the inventory wants {desired}. Run site.yml."
    if installed and daemon.version and installed != daemon.version:
        return (
            f"{runs} as keepalived {daemon.version}, and the file is {installed} by now. Drain the host, then "
            "'systemctl restart keepalived'."
        )
    return ""


def _answers(host: LoadBalancer, vip: VipStatus, requests: Requests | None) -> Finding:
    """What this host saw when it asked a VIP of its cluster."""
    subject = f"{vip.address} from {host.name}"
    if not requests or not requests.sent:
        return bad("answers", subject, f"{host.name} has not asked {vip.label}: {sentence(host.probed.msg)}")
    if not requests.failed:
        return Finding("answers", subject, f"{requests.sent} of {requests.sent} requests were answered")
    why = ", ".join(f"{count} {reason}" for reason, count in requests.reasons.items())
    server = joined(each.name for each in vip.holders) or "the hosts"
    failed = f"{requests.failed} of {requests.sent} requests to {vip.label} failed{f' ({why})' if why else ''}"
    return bad("answers", subject, f"{host.name}: {failed}. Read nginx's logs on {server}.")


def _backends(host: LoadBalancer) -> Iterator[Finding]:
    out = host.nginx.backends_out if host.nginx else ()
    if out:
        text = f"{joined(out)} {'is' if len(out) == 1 else 'are'} out of service at {host.name}"
        yield note("backends", host.name, f"{text}. Put back what is ready with 'backend.yml -e backend_in={out[0]}'.")


def _certificates(host: LoadBalancer) -> Iterator[Finding]:
    for path, certificate in (host.nginx.certificates if host.nginx else {}).items():
        if certificate.not_after is not None:
            yield _expiry(host, path, certificate.not_after)


def _expiry(host: LoadBalancer, path: str, not_after: str) -> Finding:
    """not_after: as openssl prints it."""
    subject, which = f"{path} on {host.name}", f"{host.name}: the certificate {path}"
    try:
        left = ssl.cert_time_to_seconds(not_after) - host.now
    except ValueError:
        return note("expiry", subject, f"{host.name}: when the certificate {path} expires could not be read.")
    renew = f"on {not_after}. Renew it, then 'systemctl reload nginx'."
    if left <= 0:
        return bad("expiry", subject, f"{which} expired {duration(-left)} ago, {renew}")
    if left < CERTIFICATE_DAYS * DAY:
        return note("expiry", subject, f"{which} expires in {duration(left)}, {renew}")
    return Finding("expiry", subject, f"in {duration(left)}")


def _drift(name: str, role: str, staged: Staged) -> Iterator[Finding]:
    subject = f"{role} on {name}"
    if staged.skipped:
        return
    if staged.pending_files is None:
        what = f"the files of {role} could not be compared with the inventory"
        yield bad("drift", subject, f"{name}: {what}: {sentence(staged.msg)}")
        return
    if staged.interrupted:
        detail = (
            f"{name}: an interrupted run left changes of {role} that are neither kept nor taken back. Run site.yml."
        )
        yield bad("drift", subject, detail)
    if staged.pending:
        verb = "differs" if len(staged.pending) == 1 else "differ"
        yield bad("drift", subject, f"{name}: {joined(staged.pending)} {verb} from the inventory. Run site.yml.")
    elif not staged.interrupted:
        yield Finding("drift", subject, "as the inventory wants it")


def _left_behind(host: LoadBalancer) -> Iterator[Finding]:
    """Drains and standby, which outlast whoever made them."""
    if host.drained_by_run:
        detail = f"{host.name} is still drained by a run that did not end ({host.drain}). Undrain it with undrain.yml."
        yield bad("drain", host.name, detail)
    elif host.drained:
        yield note("drain", host.name, f"{host.name} is drained ({host.drain}).")
    else:
        yield Finding("drain", host.name, "not drained")
    if host.runs and host.keepalived.standby:
        detail = (
            f"{host.name} is on standby: it has handed its VIPs over and not taken that back. Start nginx if it does not run, "
            "else '/etc/keepalived/vips.sh return'."
        )
        yield bad("standby", host.name, detail)
