# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with one host: its daemons, what it saw of the VIPs, certificates, drift, and what is left of a run."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..addresses import bracketed
from ..text import DAY, counted, duration, joined, sentence
from .load_balancer import LoadBalancer
from .observed import Answer, DaemonInstance, KeepalivedState, NginxState, Requests, Staged
from .vip_status import VipStatus

CERTIFICATE_DAYS = 14
READ_WHY = "Read why with 'journalctl -u keepalived'"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check of verify.yml.

    check: its name; subject: a host, a VIP or a file. What is not ok has a full sentence as its detail, and so has a note.
    """

    check: str
    subject: str
    detail: str
    ok: bool = True
    note: bool = False


def bad(check: str, subject: str, detail: str) -> Finding:
    return Finding(check, subject, detail, ok=False)


def note(check: str, subject: str, detail: str) -> Finding:
    return Finding(check, subject, detail, note=True)


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


def keepalived_problems(state: KeepalivedState, expected: Sequence[str], planned: Sequence[str]) -> list[str]:
    """expected: the addresses that the host must hold, with prefixes; planned: the names of the instances that must run."""
    daemon = state.daemon
    if daemon is None:
        return [f"keepalived could not be looked at: {sentence(state.msg)}"]
    if not daemon.running:
        return [f"keepalived does not run. {READ_WHY}, then 'systemctl start keepalived'."]
    problems = [*_instance_problems(state, daemon.instances, planned)]
    if not daemon.answers:
        problems = [f"keepalived (pid {daemon.pid}) does not answer. {READ_WHY}, then 'systemctl restart keepalived'."]
    missing = [address for address in expected if not state.has(address)]
    return problems + [f"It does not hold {joined(missing)}, as it should. {READ_WHY}."] * bool(missing)


def _instance_problems(
    state: KeepalivedState, instances: Sequence[DaemonInstance], planned: Sequence[str]
) -> Iterator[str]:
    for instance in instances:
        if instance.state == "FAULT" and not _drained_to_fault(state, instance):
            because = ", for nginx does not run. Repair nginx." if state.nginx_down else f". {READ_WHY}."
            yield f"{instance.name} is in FAULT{because}"
        elif instance.state not in ("MASTER", "BACKUP", "FAULT"):
            yield f"{instance.name} is in {instance.state or 'an unknown state'}, and neither MASTER nor BACKUP yet."
    names = {instance.name for instance in instances}
    missing = [name for name in planned if name not in names]
    if missing:
        yield f"keepalived does not run {joined(missing)}, though planned. Run site.yml, or 'systemctl reload keepalived'."


def _drained_to_fault(state: KeepalivedState, instance: DaemonInstance) -> bool:
    """Where nopreempt leaves the drain without a weight, FAULT is what draining means."""
    return bool(state.drained) and instance.priority == instance.base_priority


def nginx_problems(now: NginxState, before: NginxState, reloaded: bool) -> list[str]:
    """now and before: as it was found after a change and before; reloaded: it was told to reload in between."""
    if now.running is None:
        return [f"nginx could not be looked at: {sentence(now.msg)}"]
    if not now.running:
        return ["nginx does not run. Read why with 'journalctl -u nginx', then 'systemctl start nginx'."]
    answered = {answer.request: answer.status for answer in before.answers}
    problems = [*_former_workers(now.workers, before.workers)] if reloaded else []
    return problems + [
        text for answer in now.answers for text in _answer_problems(answer, answered.get(answer.request, 0))
    ]


def _former_workers(now: frozenset[int], before: frozenset[int]) -> Iterator[str]:
    old = ", ".join(map(str, sorted(now & before)))
    if before and (old or not now):
        who = f"workers of before the reload still take requests ({old})" if old else "it has no new workers"
        yield (
            f"nginx still works with its former configuration: {who}. Read why in nginx's error log, "
            "then 'systemctl reload nginx'."
        )


def _answer_problems(answer: Answer, formerly: int) -> Iterator[str]:
    where = f"{bracketed(answer.address)}:{answer.port}" + (f" for {answer.host}" if answer.host else "")
    if not answer.status:
        yield f"nginx does not answer on {where}: {sentence(answer.error)} Read nginx's error log."
    elif answer.status >= 500 > formerly > 0:
        yield (
            f"nginx answers {answer.status} on {where}, where it answered {formerly} before. Read nginx's error log, "
            "and take the change back."
        )
