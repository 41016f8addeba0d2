# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever text the inventory has for the roles keepalived and check_nginx, it is refused, or arrives as that text and nothing more."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.keepalived import keepalived_conf, keepalived_notify
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.rollout.preflight import judged
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.check_nginx import KINDS, check_nginx_problems
from hostile import (
    HOSTILE,
    PATHS,
    ROLES,
    TEXTS,
    WORDS,
    Role,
    free_texts,
    keepalived_lines,
    reached,
    specs,
    unit_lines,
)
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

# What fails is told as it was found: to make it smaller takes minutes.
PROPERTY = settings(max_examples=200, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
SHA256 = "103692bd5345a4ed9f4581632ea636214fdf53e45682e200aab122c4fa674ece"
FREE = {role: list(free_texts(specs(role))) for role in ("keepalived", "check_nginx")}
# The variables that the role hands to the plan and to keepalived.conf, by their names there.
HANDED = {f"keepalived_{name}": name for name in directives.SETTINGS}
FILES = {
    role: sorted(path.name for path in (ROLES / role / "templates").iterdir() if path.name != "keepalived.conf.j2")
    for role in FREE
}
# No template has these: they are arguments of modules, never of a shell.
ARGUMENTS = {
    "keepalived_artifact_dir",
    "keepalived_build_dir",
    "keepalived_build_host",
    "keepalived_build_user",
    "keepalived_source_file",
    "keepalived_source_urls",
    "keepalived_hosts",
}
# In the name of the build's directory, as a part of a digest.
DIGESTED = {"keepalived_checksum", "keepalived_configure_flags"}
# Of which scripts and units take whether they are set.
JUDGED = {"keepalived_notify", "keepalived_auth_pass"}
IN_SCRIPTS = (
    "keepalived_interface",
    "keepalived_state_dir",
    "keepalived_install_root",
    "keepalived_version",
    "keepalived_vips",
)
# What a text becomes that is split: one word for each of its parts.
SPLIT = re.compile(
    r"keepalived_(track_processes\.process|vrrp_scripts\.user|script_user|static_ro|static_ru)|virtual_ro|virtual_ru"
)

SETTINGS: dict[str, Any] = {
    **{name: {} for name in directives.WHOLE},
    **{name: [] for name in directives.SINGLE},
    "hosts": ["nginx1"],
    "vips": [{"name": "VI_1", "address": "192.0.2.100/24"}],
    "vrrp_version": 3,
    "advert_int": 0.25,
    "auth_pass": "",
    "auth_type": "PASS",
    "priority_base": 254,
    "priority_step": 0,
    "skew": 0.01,
    "reserved_vrids": [],
    "allow_vrid_change": False,
    "interface": "eth0",
    "unicast": False,
    "firewall": True,
    "unicast_src_ip": "",
    "unicast_peers": [],
    "preempt_delay": 0,
    "watchdog_seconds": 2,
    "handover_seconds": 5,
    "vrrp_scripts": [],
    "track_files": [],
    "track_processes": [],
    "checks": {},
    "router_id": "lb1",
    "script_user": "keepalived_script",
    "garp_refresh": 10,
    "state_dir": "/run/vrrp",
    "install_root": "/opt/keepalived",
    "notify": {"scripts": ["/usr/local/bin/x"]},
    "install_method": "source",
    "version": "2.4.2",
    "checksum": SHA256,
    "checksums": {},
    "source_urls": ["https://www.example.com/keepalived.tar.gz"],
    "source_file": "",
}
RUNTIME = {
    "watchdog": 2,
    "tests_reloads": True,
    "tells_on_reload": True,
    "vips_script": "/etc/keepalived/vips.sh",
    "notifier": "/etc/keepalived/evenkeel_notify.py",
    "drained_file": "/var/lib/keepalived/drained",
    "most_listed": 800,
}
# Entries that a place needs around it.
AROUND: dict[str, Any] = {
    "keepalived_vips": {"name": "VI_1", "address": "192.0.2.100/24"},
    "keepalived_vrrp_scripts": {"name": "check", "script": "/bin/true"},
    "keepalived_track_files": {"name": "file", "file": "/run/vrrp/file"},
    "keepalived_track_processes": {"name": "process", "process": "nginx"},
    "keepalived_sync_groups": {"name": "VG_1", "vips": ["VI_1"]},
    "keepalived_notify.email": {"to": ["a@example.com"], "from": "b@example.com", "server": "localhost"},
    "keepalived_notify.webhooks": {"url": "https://hooks.example.com/x"},
}
BESIDE: dict[str, dict[str, Any]] = {
    "keepalived_auth_pass": {"vrrp_version": 2, "advert_int": 1},
    # The notifier takes directives of its own.
    "keepalived_global_defs": {"notify": {}},
}
# Texts that pass where others do not.
PLAIN = {
    "keepalived_checksum": SHA256,
    "keepalived_unicast_peers": "192.0.2.99",
    "keepalived_unicast_src_ip": "192.0.2.99",
}
# Places that take names of members and VIPs alone, addresses of VIPs, which the plan writes, and what stands in another file.
ELSEWHERE = re.compile(r"preferred|order|vips$|address|keepalived_(checksum|hosts|notify)")


def facts(interface: str) -> dict[str, Any]:
    own = {"address": "192.0.2.2", "network": "192.0.2.0", "netmask": "255.255.255.0"}
    six = [{"address": "2001:db8::2", "prefix": "64", "scope": "global"}]
    return {
        "distribution": "Debian",
        "distribution_version": "12.5",
        "os_family": "Debian",
        "interfaces": ["lo", interface or "eth1"],
        interface.replace("-", "_"): {"ipv4": own, "ipv6": six},
    }


def planned(own: Mapping[str, Any]) -> dict[str, Any]:
    hostvars = {"nginx1": {"keepalived_settings": own, "ansible_facts": facts(str(own["interface"]))}}
    found = judged(hostvars, ["nginx1"])
    plan = {host: [one.as_fact() for one in instances] for host, instances in found.plan.items()}
    return {"problems": list(map(str, found.problems)), "plan": plan}


def option_of(path: tuple[str, ...]) -> Mapping[str, Any]:
    options: Mapping[str, Any] = specs("keepalived")
    for name in path[:-1]:
        options = options[name]["options"]
    return options[path[-1]]


def directive_of(path: tuple[str, ...]) -> directives.Directive | None:
    """The row of the tables that a place belongs to."""
    name = path[0].removeprefix("keepalived_")
    if name in directives.WHOLE and len(path) == 1:
        return None
    if name in directives.WHOLE:
        found, rest = directives.WHOLE[name][path[1]], path[2:]
    elif name in directives.SINGLE:
        found, rest = directives.SINGLE[name], path[1:]
    else:
        return None
    for each in rest:
        found = found.block[each]
    return found


def inject(path: tuple[str, ...], kind: str, text: str) -> Any:
    """The value of a variable with a text at a place of it, and what has to be around it."""
    value: Any = {"str": text, "list": [text], "dict": {text: text}}[kind]
    for depth in range(len(path) - 1, 0, -1):
        above = path[:depth]
        row = directive_of(above)
        example: Any = AROUND.get(".".join(above))
        if example is None and row is not None:
            example = row.example[0] if isinstance(row.example, list) else row.example
        inner = {**(example or {}), path[depth]: value}
        value = [inner] if option_of(above).get("type") == "list" else inner
    return value


def with_text(path: tuple[str, ...], kind: str, text: str) -> dict[str, Any]:
    return {**SETTINGS, **BESIDE.get(path[0], {}), HANDED[path[0]]: inject(path, kind, text)}


def plain_text(path: tuple[str, ...], kind: str) -> str:
    """A text that passes at a place, and is found again."""
    row = directive_of(path)
    example = row.example if row is not None else "192.0.2.100/24"
    samples = (
        *([PLAIN[path[0]]] if path[0] in PLAIN else []),
        "zq9",
        "/run/zq9",
        "2.2.9",
        "192.0.2.99",
        str(example[0] if isinstance(example, list) else example),
    )
    return next(text for text in samples if not planned(with_text(path, kind, text))["problems"])


def forms(path: tuple[str, ...], text: str) -> list[list[str]]:
    """The words that a text may become: one, or several where the place says so, or an address in its short form."""
    row = directive_of(path)
    found = [[text]]
    if SPLIT.search(".".join(path)) or (row is not None and row.kind in ("routes", "words", "list")):
        found.append(text.split())
    with contextlib.suppress(ValueError):
        found.append([str(ipaddress.ip_address(text))])
    return found


def replaced(line: list[str], before: list[str], after: list[str]) -> list[str]:
    """A line with other words in the place of some; what is behind them in a path stays."""
    result: list[str] = []
    rest = line
    while rest:
        if rest[: len(before)] == before:
            result, rest = [*result, *after], rest[len(before) :]
        else:
            inside = rest[0].startswith(f"{before[0]}/") and len(after) == 1
            result, rest = [*result, rest[0].replace(before[0], after[0], 1) if inside else rest[0]], rest[1:]
    return result


def lines_of(own: Mapping[str, Any], instances: list[Mapping[str, Any]]) -> list[list[str]]:
    return keepalived_lines(keepalived_conf(own, instances, RUNTIME))


def check_refusal(problems: list[str], variable: str) -> None:
    assert all(len(problem.splitlines()) == 1 and len(problem) < 10_000 for problem in problems), problems
    assert all(variable in problem or "VIP " in problem for problem in problems), problems


CONF = sorted({path[0] for path, _kind in FREE["keepalived"]} & set(HANDED))
ADDRESSES = ("address", "address6", "extra_addresses")


@pytest.mark.parametrize("variable", CONF)
def test_keepalived_conf(variable: str) -> None:
    places = [(path, kind) for path, kind in FREE["keepalived"] if path[0] == variable]
    base = {**SETTINGS, **BESIDE.get(variable, {})}
    without = lines_of(base, planned(base)["plan"]["nginx1"])
    plain = {
        path: plain_text(path, kind)
        for path, kind in places
        if kind != "dict"
        and not (
            path[0]
            in (
                "keepalived_checksum",
                "keepalived_vips",
                "keepalived_hosts",
                "keepalived_notify",
                "keepalived_sync_groups",
            )
            and ELSEWHERE.search(".".join(path))
        )
    }
    accepted = []

    @PROPERTY
    @given(st.sampled_from(places), TEXTS)
    def property_holds(place: tuple[tuple[str, ...], str], text: str) -> None:
        path, kind = place
        own = with_text(path, kind, text)
        found = planned(own)
        if found["problems"]:
            check_refusal(found["problems"], variable)
            return
        accepted.append(text)
        lines = lines_of(own, found["plan"]["nginx1"])
        if variable == "keepalived_notify":
            told = json.loads(keepalived_notify(own["notify"], "lb1", found["plan"]["nginx1"], "nobody"))
            assert text in strings(told)
        if variable == "keepalived_vips" and path[-1] in ADDRESSES:
            assert all(re.fullmatch(r"[\w.:/= {}-]+", word) for line in lines for word in line)
            return
        if lines == without:
            return
        other = with_text(path, kind, plain[path])
        before = lines_of(other, planned(other)["plan"]["nginx1"])
        assert len(lines) == len(before)
        for line, was in zip(lines, before, strict=True):
            ways = [replaced(was, one, two) for one in forms(path, plain[path]) for two in forms(path, text)]
            assert line == was or line in ways, (line, was)

    property_holds()
    assert accepted or not plain


def strings(value: Any) -> set[str]:
    """All texts in a value that came from JSON."""
    if isinstance(value, Mapping):
        return {text for each in [*value, *value.values()] for text in strings(each)}
    if isinstance(value, list):
        return {text for each in value for text in strings(each)}
    return {value} if isinstance(value, str) else set()


def of_role(variable: str, text: str) -> tuple[list[str], Role, dict[str, Any]]:
    """What is wrong with a variable of the role keepalived on a host, and the role with it; for VIPs, with addresses of a VIP."""
    name = HANDED[variable]
    value = [{"name": "VI_1", "address": "192.0.2.100/24", "extra_addresses": [text]}] if name == "vips" else text
    own = {**SETTINGS, name: value}
    found = planned(own)
    instances = [{**each, "senders": ["192.0.2.3"]} for each in found["plan"].get("nginx1", [])]
    others = {
        "keepalived_interface": "eth0",
        "keepalived_vips": own["vips"],
        "keepalived_advert_int": 0.25,
        "keepalived_version": own["version"],
    }
    role = Role(
        "keepalived",
        **{**others, variable: value},
        __keepalived_wanted_features=[],
        keepalived_instances=instances,
        keepalived_found={"version": "2.2.8", "installed": True, "options": [], "networkd_file": "", "nftables": False},
        ansible_facts={
            "distribution": "Debian",
            "distribution_major_version": "12",
            "os_family": "Debian",
            "architecture": "x86_64",
        },
    )
    return found["problems"], role, own


def ran(script: str, names: tuple[str, ...], where: Path) -> dict[str, list[str]]:
    """What a script's first lines with values set; nothing else may run, and the whole script has to be sound."""
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=10)
    values = "\n".join(line for line in script.splitlines() if re.match(r"[a-z]+=", line))
    says = "".join(f'printf "%s\\0" "${{{name}[@]}}"; printf "\\0\\0"; ' for name in names)
    done = subprocess.run(
        ["bash", "-c", f"set -x\n{values}\nset +x; {says}"],
        cwd=where,
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    assert all(re.match(r"\+ ([a-z]+=|set \+x)", line) for line in done.stderr.splitlines()), done.stderr
    assert list(where.iterdir()) == []
    return {name: part.split("\0") for name, part in zip(names, done.stdout.split("\0\0\0"), strict=False)}


SCRIPTED = (
    st.tuples(st.just("keepalived_state_dir"), PATHS | HOSTILE)
    | st.tuples(st.just("keepalived_install_root"), PATHS | HOSTILE)
    | st.tuples(st.just("keepalived_interface"), WORDS | HOSTILE)
    | st.tuples(st.just("keepalived_vips"), st.ip_addresses(v=4).map(str) | HOSTILE)
    | st.tuples(st.just("keepalived_version"), st.from_regex(r"2\.[0-9]\.[0-9]", fullmatch=True) | HOSTILE)
)


@PROPERTY
@given(SCRIPTED)
@example(("keepalived_interface", "<a>b*?~^%+,=:/@c"))
@example(("keepalived_interface", "~a"))
def test_scripts_of_keepalived(tmp_path: Path, chosen: tuple[str, str]) -> None:
    variable, text = chosen
    problems, role, own = of_role(variable, text)
    if problems:
        check_refusal(problems, variable)
        return
    vips = [address for each in role.variables["keepalived_instances"] for address in each["virtual_ipaddress"]]
    found = ran(role.file("vips.sh"), ("standby", "interface", "vips"), tmp_path)
    assert found == {"standby": [f"{own['state_dir']}/standby"], "interface": [own["interface"]], "vips": vips}
    firewall = role.file("firewall.sh")
    assert ran(firewall, ("members", "protocol"), tmp_path) == {"members": ["192.0.2.3"], "protocol": ["vrrp"]}
    (zone,) = (line for line in firewall.splitlines() if "--get-zone-of-interface" in line)
    assert f"--get-zone-of-interface={own['interface']}" in shlex.split(zone.replace("$(", "$( "))
    unit = {(key, *words[1:]): words[0] for _section, key, words in unit_lines(role.file("keepalived.service"))}
    binary = unit["ExecStart", "--dont-fork"]
    assert re.fullmatch(
        rf"{re.escape(own['install_root'])}/{re.escape(own['version'])}-[0-9a-f]{{8}}/sbin/keepalived", binary
    )
    assert unit["ExecReload", "--config-test"] == binary


@pytest.mark.parametrize("interface", ["eth0", "a*?b", "br-lan.5", "<x>", "~a^@b"])
def test_nftables(interface: str) -> None:
    """The rules are those of another interface with this one's name in quotes."""
    six = {**SETTINGS, "vips": [{"name": "VI_6", "address": "2001:db8::100/64"}], "interface": interface}
    found = planned(six)
    assert found["problems"] == []
    common = {"keepalived_instances": found["plan"]["nginx1"]}
    text = Role("keepalived", **common, keepalived_interface=interface).file("carry.nft")
    assert f' device "{interface}" drop\n' in text
    assert text.replace(f'"{interface}"', '"eth1"') == Role("keepalived", **common, keepalived_interface="eth1").file(
        "carry.nft"
    )


WATCHED = (
    st.tuples(st.just("check_nginx_state_dir"), PATHS | HOSTILE)
    | st.tuples(st.just("check_nginx_path"), PATHS | HOSTILE)
    | st.tuples(st.just("check_nginx_handover"), PATHS | HOSTILE)
    | st.tuples(
        st.just("check_nginx_url"),
        PATHS.map("http://lb1.example:8081{}".format) | HOSTILE | HOSTILE.map("http://127.0.0.1/{}".format),
    )
)


@PROPERTY
@given(WATCHED)
def test_files_of_check_nginx(tmp_path: Path, chosen: tuple[str, str]) -> None:
    variable, text = chosen
    role = Role("check_nginx", **{variable: text})
    own = {name: role.value(f"check_nginx_{name}") for name in KINDS}
    problems = check_nginx_problems(own, "nginx1")
    if problems:
        check_refusal(problems, variable)
        return
    watch = role.file("watch.sh")
    assert ran(watch, ("state",), tmp_path) == {"state": [own["state_dir"]]}
    (target,) = (line for line in watch.splitlines() if "/dev/tcp/" in line)
    (request,) = (line for line in watch.splitlines() if line.startswith("    printf 'GET"))
    said = subprocess.run(
        ["bash", "-c", request.replace(">&3", "")], capture_output=True, check=True, timeout=10
    ).stdout.decode()
    parts = urlsplit(own["url"])
    assert said == f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.hostname}\r\n\r\n"
    assert shlex.split(target)[2] == f"3<>/dev/tcp/{parts.hostname}/{parts.port or 80}"
    units = {
        name: unit_lines(role.file(name))
        for name in ("check_nginx.service", "nginx-watch.conf", "nginx-handover.service")
    }
    commands = [words for lines in units.values() for _section, key, words in lines if key.startswith("Exec")]
    path, handover = own["path"], own["handover"]
    assert commands == [
        *([path, verb] for verb in ("begin", "watch")),
        *([f"-{path}", verb] for verb in ("up", "down")),
        *([f"-{handover}", verb] for verb in ("return", "leave")),
    ]


@pytest.mark.parametrize("behaviour", ["stop", "restart"])
def test_classic_script(behaviour: str, tmp_path: Path) -> None:
    script = Role("check_nginx", check_nginx_behaviour=behaviour, check_nginx_restart_wait="2; touch canary").file(
        "classic.sh"
    )
    assert ran(script, (), tmp_path) == {}
    assert "canary" not in script


def test_every_free_text_is_fed() -> None:
    """A new variable that holds text needs a test here, or has to be in no template."""
    free = {role: {path[0] for path, _kind in places} for role, places in FREE.items()}
    scripted = {
        role: reached(role, "\n".join((ROLES / role / "templates" / name).read_text() for name in names))
        for role, names in FILES.items()
    }
    assert (
        scripted["keepalived"]
        & free["keepalived"] - {*IN_SCRIPTS, *DIGESTED, "keepalived_notify", "keepalived_auth_pass"}
        == set()
    )
    assert scripted["check_nginx"] & free["check_nginx"] == free["check_nginx"]
    assert free["keepalived"] - {*CONF, *IN_SCRIPTS} == ARGUMENTS - set(CONF) | DIGESTED - set(CONF)
