# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check_nginx role's variables. What they hold stands in shell scripts and in units, so each is of a kind that means nothing there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .naming import plain_path_problem
from .problem import InputError, Problem, shown

BEHAVIOURS = ("watch", "stop", "restart")
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z")
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
URL_PATH = re.compile(r"(?:/[A-Za-z0-9._~+,=@:/-]*)?\Z")
DAY, YEAR = 86400, 365 * 86400


def parse(variables: Mapping[str, object]) -> tuple[dict[str, Any], list[Problem]]:
    """What is sound in the role's variables, by names without prefix and as numbers and texts; and what is wrong with the others."""
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, kind in KINDS.items():
        try:
            found[name] = kind(f"check_nginx_{name}", variables[name])
        except InputError as error:
            problems.append(error.problem)
    problems += _whole_seconds(found.get("behaviour", "watch"), found.get("interval", 1))
    return found, problems


def check_nginx_problems(variables: Mapping[str, object], host: str) -> list[str]:
    """One sentence for each variable of a host that cannot work."""
    return [str(problem.of(host)) for problem in parse(variables)[1]]


def _whole_seconds(behaviour: str, interval: float) -> list[Problem]:
    if behaviour == "watch" or interval == int(interval):
        return []
    what = f"is {interval:g}; keepalived runs a script every whole number of seconds"
    return [Problem("check_nginx_interval", what, "Set it to 1 or more, or check_nginx_behaviour to watch.")]


def _behaviour(where: str, value: Any) -> str:
    if value not in BEHAVIOURS:
        raise InputError(Problem(where, f"is {shown(value)}", f"It is one of {', '.join(BEHAVIOURS)}."))
    return str(value)


def _path(where: str, value: Any) -> str:
    wrong = plain_path_problem(value)
    if wrong:
        raise InputError(Problem(where, f"is {shown(value)}, which {wrong}", "Write one such as /run/vrrp."))
    return str(value)


def _number(low: float, high: float, *, whole: bool = False) -> Callable[[str, Any], float]:
    wanted = f"a whole number from {low} to {high}" if whole else f"{low:g} to {high:g} seconds"

    def read(where: str, value: Any) -> float:
        found = float(str(value)) if NUMBER.match(str(value)) else -1
        if not low <= found <= high or (whole and found != int(found)):
            raise InputError(Problem(where, f"is {shown(value)}", f"It must be {wanted}."))
        return int(found) if whole else found

    return read


def _url(where: str, value: Any) -> tuple[str, int, str]:
    """Where nginx is asked: a name or an IP address without brackets, a port, and a path, which is empty or from / on."""
    try:
        parts = urlsplit(str(value))
        host, port, path = parts.hostname or "", 80 if parts.port is None else parts.port, parts.path
    except ValueError:
        raise _no_url(where, value) from None
    # What it is made of again is all that it has: no user, no query, and nothing that parsing takes away.
    plain = f"{parts.scheme}://{parts.netloc}{path}"
    if parts.scheme != "http" or "@" in parts.netloc or plain != str(value) or not port or not _is_host(host):
        raise _no_url(where, value)
    if not URL_PATH.match(path) or len(path) > 200:
        what = f"is {shown(value)}, whose path has more than letters, digits and '._~+,=@:/-' in it, or 200 characters"
        raise InputError(Problem(where, what, "Choose another path of nginx_health_port."))
    return host, port, path


def _no_url(where: str, value: Any) -> InputError:
    what = f"is {shown(value)}; the check speaks plain HTTP to a named host"
    return InputError(Problem(where, what, "Write it as http://127.0.0.1:8081/healthz."))


def _is_host(text: str) -> bool:
    try:
        return len(text) <= 255 and "%" not in text and (bool(HOST.match(text)) or bool(ipaddress.ip_address(text)))
    except ValueError:
        return False


KINDS: dict[str, Callable[[str, Any], Any]] = {
    "behaviour": _behaviour,
    "url": _url,
    "path": _path,
    "interval": _number(0.01, 3600),
    "timeout": _number(0.01, 3600),
    "fall": _number(1, 1_000_000, whole=True),
    "rise": _number(1, 1_000_000, whole=True),
    "return_delay": _number(0, DAY, whole=True),
    "return_max": _number(0, DAY, whole=True),
    "flap_window": _number(0, YEAR, whole=True),
    "restart_wait": _number(0, 3600, whole=True),
    "state_dir": _path,
    "handover": _path,
}
