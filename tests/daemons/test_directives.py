# SPDX-License-Identifier: GPL-3.0-or-later
"""Each of keepalived's directives that the role can set is taken by real daemons, and each word that they know is in the role's tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives as keepalived_settings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import global_defs as keepalived_global
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import lvs as keepalived_lvs
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import vrrp as keepalived_vrrp
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.table import (
    NESTED,
    Block,
    Directive,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import as_numbers
from compiled import UNICAST, Daemon, configuration, instance, settings_of

Settings = Mapping[str, Any]
LISTS = ("blocks", "lines", "entries")
SERVER = {"address": "192.0.2.10", "port": 80}
HEAVY = 2**31 - 1
# What users can set.
BLOCKS = (
    *keepalived_settings.WHOLE.values(),
    Block(tuple(keepalived_settings.SINGLE.values())),
    keepalived_vrrp.ADDRESS,
    keepalived_vrrp.PROCESS,
)
# What is tracked, without more than it needs.
ENTRIES: dict[str, Settings] = {
    "vrrp_scripts": {"name": "check", "script": "/bin/true"},
    "track_files": {"name": "file", "file": "/run/vrrp/file"},
    "track_processes": {"name": "process", "process": "nginx worker"},
}
# What some directives are taken beside only: variables, by expressions that match the names of cases.
BESIDE: dict[str, Settings] = {
    r"use_vmac\b|use_ipvlan": {"instances": [instance(1)]},
    r"vmac_xmit_base": {"instance_options": {"use_vmac": {}}},
    r"track_bfd|BFD_CHECK": {
        "bfd_instances": [{"name": "BFD_1", "neighbor_ip": "192.0.2.3", "source_ip": "192.0.2.2"}]
    },
    r"unicast": {"instances": [instance(1, **UNICAST), instance(2, **UNICAST)]},
    r"instance_options\.version=2": {"advert_int": 1},
    r"timer_expired_backup": {"instances": [instance(1, nopreempt=True)]},
    r"owner_ignore_adverts": {"instances": [instance(1, priority=255, state="MASTER", weight=0)]},
    r"track_script": {"vrrp_scripts": [{"name": "check", "script": "/bin/true"}]},
    r"track_file": {"track_files": [{"name": "file", "file": "/run/vrrp/file"}]},
    r"track_process": {"track_processes": [{"name": "process", "process": "nginx"}]},
}
# The same of what stands in the same block: its directive, the names of cases, and the change.
WITHIN: list[tuple[str, str, Callable[[Any], Any]]] = [
    (r"ipaddress", r"\.brd=", lambda address: {**address, "address": "192.0.2.9/24"}),
    (
        r"garp_group",
        r"\.interfaces=",
        lambda group: {name: value for name, value in group.items() if name != "interface"},
    ),
    (r"virtual_server", r"\.(hashed|sh-port|sh-fallback)=", lambda server: {**server, "lb_algo": "sh"}),
    (r"virtual_server", r"\.(mh-port|mh-fallback)=", lambda server: {**server, "lb_algo": "mh"}),
    (r"virtual_server", r"\.ops=", lambda server: {**server, "protocol": "UDP"}),
    (
        r"virtual_server",
        r"ip_family=inet6",
        lambda server: {
            **server,
            "address": None,
            "port": None,
            "protocol": None,
            "fwmark": 7,
            "real_servers": [{**SERVER, "address": "2001:db8::10"}],
        },
    ),
    (
        r"virtual_server",
        r"\.sorry_server_",
        lambda server: {**server, "sorry_server": {**SERVER, "address": "192.0.2.99"}},
    ),
    (r"virtual_server", r"\.quorum=", lambda server: {**server, "real_servers": [{**SERVER, "weight": HEAVY}]}),
    (
        r"virtual_server",
        r"\.hysteresis=",
        lambda server: {**server, "quorum": HEAVY, "real_servers": [{**SERVER, "weight": HEAVY}]},
    ),
    (
        r"virtual_server",
        r"real_servers\.weight=0",
        lambda server: {**server, "real_servers": [*server["real_servers"], {**SERVER, "port": 81}]},
    ),
    (r"method", r"\.type=(ipip|gre)", lambda method: {"method": "TUN", "type": method["type"]}),
]


def values(one: Directive) -> Iterator[Any]:
    """What a directive is tried with: its example, its choices, its bounds."""
    yield one.example
    yield from (choice for choice in one.choices if choice != one.example)
    if one.low is not None and one.high is not None:
        whole = one.kind == "int"
        yield from (int(bound) if whole else bound for bound in (one.low, one.high) if bound != one.example)
    if one.kind == "on_off":
        yield not one.example


def fitting(directive: str, name: str, settings: Settings) -> Settings:
    for block, pattern, change in WITHIN:
        if re.search(block, directive) and re.search(pattern, name):
            settings = change(settings)
    return settings


def variations(block: Block, base: Settings, version: str, directive: str = "") -> Iterator[tuple[str, Settings]]:
    """The settings of a directive's block with each of its directives and each of their values; a name that tells which."""
    for one in block.directives:
        if one.since and as_numbers(version) < as_numbers(one.since):
            continue
        for value in values(one):
            if as_numbers(version) < as_numbers(dict(one.newer).get(str(value), "")):
                continue
            name = f".{one.name}={value}"
            yield name, fitting(directive, name, {**base, one.name: value})
        if one.kind in NESTED:
            inside = one.example[0] if one.kind in LISTS else one.example
            for rest, settings in variations(one.block, inside, version, one.name):
                name = f".{one.name}{rest}"
                yield name, fitting(directive, name, {**base, one.name: [settings] if one.kind in LISTS else settings})


def cases(version: str) -> Iterator[tuple[str, Settings]]:
    """Variables with directives, one case for each directive and value."""
    for variable, block in keepalived_settings.WHOLE.items():
        for name, settings in variations(block, {}, version):
            yield f"{variable}{name}", {variable: settings}
    for variable, found in keepalived_settings.SINGLE.items():
        for name, settings in variations(Block((found,)), {}, version):
            yield f"{variable}{name}", {variable: settings[found.name]}
    for kind in ("PASS", "AH"):
        version_2 = {"vrrp_version": 2, "advert_int": 1}
        yield f"authentication {kind}", {"auth_type": kind, "auth_pass": "s3cret", **version_2}
    for name, settings in variations(keepalived_settings.ADDRESS, {}, version):
        own = "192.0.2.101" if "peer" in settings else "192.0.2.101/24"
        yield (
            f"address_options{name}",
            {"instances": [instance(1, virtual_ipaddress=[own], address_options=settings)]},
        )
    for variable, block in keepalived_settings.TRACKED.items():
        for name, settings in variations(block, {}, version):
            yield f"{variable}{name}", {variable: [{**ENTRIES[variable], **settings}]}
    for variable in ("router_id", "garp_refresh", "preempt_delay"):
        found = keepalived_settings.OWN[variable]
        for value in values(found):
            yield f"{variable}={value}", {variable: value}


def needed_beside(name: str) -> Settings:
    return {
        variable: value
        for pattern, settings in BESIDE.items()
        if re.search(pattern, name)
        for variable, value in settings.items()
    }


def text_of(name: str, settings: Settings) -> str:
    own: dict[str, Any] = {}
    for variable, value in [*needed_beside(name).items(), *settings.items()]:
        own[variable] = {**own.get(variable, {}), **value} if isinstance(value, Mapping) else value
    instances = own.pop("instances", (instance(1), instance(2)))
    return configuration(settings_of(**own), instances)


def test_each_directive_is_taken(daemon: Daemon, tmp_path: Path) -> None:
    texts = {name: text_of(name, settings) for name, settings in cases(daemon.version)}
    assert len(texts) > 700
    assert daemon.complaints(texts, tmp_path) == {}


def words_of(block: Block) -> Iterator[str]:
    for one in block.directives:
        yield one.word
        if one.kind in NESTED:
            yield from words_of(one.block)


def test_each_word_that_the_daemon_knows_is_here(daemon: Daemon, tmp_path: Path) -> None:
    settings = {
        name: found.example
        for name, found in keepalived_settings.SINGLE.items()
        if name in ("bfd_instances", "virtual_servers")
    }
    dumps = daemon.dumps(text_of("all", settings), tmp_path)
    known = {
        word
        for name, text in dumps.items()
        if name.startswith("keywords.")
        for word in re.findall(r"Keyword : (\S+) ", text)
    }
    # Those of global_defs only the parent reads, which does not tell its words: they are taken from its parser.
    parsed = set(re.findall(r'install_keyword(?:_root|_quoted)?\("([^"]+)"', daemon.parser("core/global_parser.c")))
    assert len(known) > 200 and len(parsed) > 130, dumps["said"]
    known |= parsed
    here = {word for block in BLOCKS for word in words_of(block)}
    here |= {"global_defs", *keepalived_global.LEFT_OUT, *keepalived_vrrp.LEFT_OUT, *keepalived_lvs.LEFT_OUT}
    assert known - here == set()


def test_instances_of_both_families_sign() -> None:
    """As text alone, for neither version does it."""
    hmac = {"keys": [{"id": 1, "key": "hex:" + "5a" * 32}], "active_key": 1, "mode": "permissive"}
    instances = [instance(1), instance(2, virtual_ipaddress=["2001:db8::100/64"])]
    text = configuration(settings_of(auth_hmac=hmac, vrrp_version=2), instances)
    lines = ["auth_hmac {", f"    key 1 hex:{'5a' * 32}", "    active_key 1", "    mode permissive", "}"]
    block = "".join(f"    {line}\n" for line in lines)
    assert [block in each for each in text.split("vrrp_instance ")] == [False, True, True]
    assert "auth_hmac" not in configuration(settings_of())


def test_left_out_means_not_here() -> None:
    here = {word for block in BLOCKS for word in words_of(block)}
    assert here & {*keepalived_global.LEFT_OUT} == set()
