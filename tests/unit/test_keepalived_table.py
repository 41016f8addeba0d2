# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's directives as data: lines, what is refused, and that no text becomes a directive. tests/daemons asks real daemons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.filter.keepalived import keepalived_conf as rendered
from ansible_collections.evenkeel.nginx_ha.plugins.filter.keepalived import keepalived_features
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import keepalived_conf
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives as keepalived_settings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import vrrp
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import words as keepalived_words
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.table import (
    NESTED,
    SIMPLE,
    Block,
    Directive,
    problems,
    render,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.words import WordError
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.keepalived import parse
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.text import as_numbers
from hypothesis import given
from hypothesis import strategies as st

PROJECT = Path(__file__).parents[2]
DIRECTIVES = PROJECT / "roles/keepalived/DIRECTIVES.md"
PLACES = {
    **keepalived_settings.WHOLE,
    **{name: Block((one,)) for name, one in keepalived_settings.SINGLE.items()},
    "address": vrrp.ADDRESS,
    "track_process": vrrp.PROCESS,
    "configuration": keepalived_settings.CONFIGURATION,
}
INNER = Block(
    header=("name",),
    needed=("name",),
    directives=(Directive("name", "word", "x", ""), Directive("deep", "int", 1, "", low=1, high=9, keyword="deeper")),
)
OUTER = Block(
    directives=(
        Directive("new", "flag", True, "", since="2.3.0", until="2.4.0", needs="bfd"),
        Directive("one", "block", {"name": "x"}, "", within=INNER),
        Directive("many", "blocks", [{"name": "x"}], "", within=INNER),
        Directive("row", "line", {"name": "x"}, "", within=INNER),
        Directive("rows", "lines", [{"name": "x"}], "", within=INNER),
        Directive("bare", "entries", [{"name": "x"}], "", within=INNER),
        Directive("said", "command", "/bin/true", ""),
    )
)
# Everything that a text could be more than a text with.
HOSTILE = (
    st.text("ab \t\n\r\"'{}[]!#$~@\\=;/:SEQLST")
    | st.text()
    | st.sampled_from(["include /etc/x", "@main", "~SEQ(a,1,2)", "${_PWD}", '"', "}"])
)


def test_lines() -> None:
    entry = {"name": "a", "deep": 2}
    settings = {
        "one": entry,
        "many": [entry, {"name": "b"}],
        "row": entry,
        "rows": [entry],
        "bare": [entry],
        "new": True,
        "said": "/bin/x y",
    }
    assert render(OUTER, settings, 1).splitlines() == [
        "    new",
        "    one a {",
        "        deeper 2",
        "    }",
        "    many a {",
        "        deeper 2",
        "    }",
        "    many b {",
        "    }",
        "    row a deeper 2",
        "    rows {",
        "        a deeper 2",
        "    }",
        "    a deeper 2",
        '    said "/bin/x y"',
    ]


def test_nothing_is_written_of_what_is_off_or_empty() -> None:
    assert render(OUTER, {"new": False, "many": [], "rows": [], "bare": [], "said": None}) == ""


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"nwe": True}, "x has 'nwe', which is no directive that it takes. It takes new, one, many,"),
        ({"new": "maybe"}, "x.new is 'maybe', which is not true or false."),
        ({"one": {}}, "x.one has no name. Give it one, such as 'x'."),
        ({"many": {"name": "x"}}, "x.many is {'name': 'x'}, which is no list."),
        (
            {"many": [{"name": "x", "deep": 10}]},
            "x.many[0].deep is 10, which is not 1 to 9. Give it a value such as 1.",
        ),
        ({"rows": [{"name": "x"}, {"name": "a b"}]}, "x.rows[1].name is 'a b', which is not one word."),
        ({"row": {"name": "x", "deep": True}}, "x.row.deep is True, which is no whole number."),
        ({"row": {"name": "x", "deep": "1.5"}}, "x.row.deep is '1.5', which is no whole number."),
        ({"said": "true"}, "x.said is 'true', which is no absolute path of a program."),
        ({"said": "/bin/sh -c 'x'"}, 'has "\'" in it, which keepalived.conf cannot hold.'),
    ],
)
def test_problem(settings: dict[str, Any], text: str) -> None:
    (found,) = problems(OUTER, settings, "2.3.3", "x")
    assert text in str(found)


def test_what_is_no_dictionary() -> None:
    assert list(map(str, problems(OUTER, ["new"], "", "x"))) == [
        "x is no dictionary. Write directives and their values, such as new."
    ]


@pytest.mark.parametrize(
    ("version", "texts"),
    [
        (
            "2.2.7",
            [
                "x.new needs keepalived 2.3.0, and this host gets 2.2.7. Remove it, or set keepalived_version to 2.3.0 or later."
            ],
        ),
        ("2.3.3", []),
        ("2.4.0", ["x.new is gone from keepalived 2.4.0 on, and this host gets 2.4.0. Remove it."]),
        ("", []),
    ],
)
def test_versions(version: str, texts: list[str]) -> None:
    assert list(map(str, problems(OUTER, {"new": True}, version, "x"))) == texts


@pytest.mark.parametrize("text", ["true", "True", "yes"])
def test_texts_that_templates_make_of_values(text: str) -> None:
    assert render(OUTER, {"new": text, "row": {"name": "x", "deep": "2"}}) == "new\nrow x deeper 2\n"


# The role's other variables, as a host may have them.
OTHERS: dict[str, Any] = {
    "vips": [],
    "router_id": "lb1",
    "vrrp_version": 3,
    "script_user": "keepalived_script",
    "garp_refresh": 10,
    "interface": "eth0",
    "advert_int": 0.25,
    "preempt_delay": 0,
    "auth_pass": "",
    "auth_type": "PASS",
    "notify": {},
    "state_dir": "/run/vrrp",
    "vrrp_scripts": [],
    "track_files": [],
    "track_processes": [],
}


def variables(**settings: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {name: {} for name in keepalived_settings.WHOLE}
    single: dict[str, Any] = {name: [] for name in keepalived_settings.SINGLE}
    return {**whole, **single, **OTHERS, **settings}


def test_each_example_is_fit() -> None:
    for name, block in PLACES.items():
        settings = {one.name: one.example for one in block.directives}
        assert list(problems(block, settings, "2.4.2", name)) == []


def twice(block: Block, where: str) -> list[str]:
    names = [one.name for one in block.directives]
    inner = [text for one in block.directives if one.within for text in twice(one.within, f"{where}.{one.name}")]
    return [f"{where}.{name}" for name in set(names) if names.count(name) > 1] + inner


def test_no_directive_is_written_twice() -> None:
    assert [text for name, block in PLACES.items() for text in twice(block, name)] == []


def test_features() -> None:
    assert keepalived_features(variables()) == []
    assert keepalived_features(variables(global_defs={"enable_snmp_vrrp": False, "nftables": "x"})) == ["nftables"]
    servers = [
        {
            "address": "192.0.2.1",
            "real_servers": [{"address": "192.0.2.2", "HTTP_GET": [{"url": [{"path": "/", "regex": "x"}]}]}],
        }
    ]
    vips = [{"name": "VI_1", "options": {"track_bfd": [{"name": "x"}]}}]
    assert keepalived_features(variables(virtual_servers=servers, vips=vips)) == ["bfd", "regex"]


def instance(**others: Any) -> dict[str, Any]:
    """An instance as the plan has it."""
    return {
        "name": "VI_1",
        "state": "BACKUP",
        "virtual_router_id": 51,
        "priority": 254,
        "weight": -12,
        "nopreempt": False,
        "virtual_ipaddress": ["192.0.2.101/24"],
        **others,
    }


RUNTIME = {
    "watchdog": 2,
    "tests_reloads": True,
    "tells_on_reload": True,
    "vips_script": "/etc/keepalived/vips.sh",
    "notifier": "/etc/keepalived/notify.py",
    "drained_file": "/var/lib/keepalived/drained",
    "most_listed": 800,
}


def conf(settings: Mapping[str, Any], *instances: Mapping[str, Any]) -> str:
    return rendered(settings, instances or (instance(),), RUNTIME)


def test_places() -> None:
    settings = variables(
        process_options={"child_wait_time": 3},
        global_defs={"smtp_alert": False},
        instance_options={"garp_master_repeat": 3, "accept": True},
        sync_groups=[{"name": "VG", "vips": ["VI_1"]}],
        include="/etc/keepalived/conf.d/*.conf",
    )
    text = conf(settings, instance(options={"garp_master_repeat": 4}))
    assert text.startswith("child_wait_time 3\n\nglobal_defs {\n")
    assert "    vrrp_garp_master_refresh 10\n    smtp_alert off\n}\n" in text
    assert "    advert_int 0.25\n    garp_master_repeat 4\n    accept\n    virtual_ipaddress {\n" in text
    group = "\nvrrp_sync_group VG {\n    group {\n        VI_1\n    }\n    sync_group_tracking_weight\n}\n"
    assert f"}}\n{group}\nvrrp_instance VI_1 {{\n" in text
    assert text.endswith("}\n\nincluder /etc/keepalived/conf.d/*.conf\n")
    options = {"label": "eth0:1", "nodad": True}
    assert "        192.0.2.101/24 label eth0:1 -nodad\n" in conf(settings, instance(address_options=options))
    assert "        192.0.2.101/24\n" in text
    assert "auth_hmac" not in text


HMAC = {
    "keys": [{"id": 1, "key": "hex:" + "0f" * 32}, {"id": 255, "key": "file:/etc/keepalived/hmac.key"}],
    "active_key": 255,
    "anti_replay": "time",
    "time_window": 5,
    "mode": "permissive",
}


def test_how_adverts_are_signed() -> None:
    text = conf(variables(auth_hmac=HMAC))
    begin, end = text.index("    auth_hmac"), text.index("    virtual_ipaddress")
    assert text[begin:end].splitlines() == [
        "    auth_hmac {",
        f"        key 1 hex:{'0f' * 32}",
        "        key 255 file:/etc/keepalived/hmac.key",
        "        active_key 255",
        "        anti_replay time",
        "        time_window 5",
        "        mode permissive",
        "    }",
    ]


LATER = "Remove it, or set keepalived_version to 2.4.0 or later."


@pytest.mark.parametrize(
    ("version", "mode", "texts"),
    [
        ("2.3.4", "enforce", [f"keepalived_auth_hmac needs keepalived 2.4.0, and this host gets 2.3.4. {LATER}"]),
        ("2.4.0", "enforce", []),
        (
            "2.4.1",
            "receive-only",
            [
                "keepalived_auth_hmac.mode is 'receive-only', which needs keepalived 2.4.2, and this host gets 2.4.1. "
                "Give it another value, or set keepalived_version to 2.4.2 or later."
            ],
        ),
        ("2.4.2", "receive-only", []),
    ],
)
def test_versions_that_sign(version: str, mode: str, texts: list[str]) -> None:
    settings = variables(version=version, install_method="source", auth_hmac={**HMAC, "mode": mode})
    assert list(map(str, keepalived_settings.problems(parse(settings)[0]))) == texts


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("hex:" + "0F" * 32, ""),
        ("hex:" + "00" * 64, ""),
        ("k" * 32, ""),
        ("file:/k", ""),
        ("", "has 0 bytes, and takes 32 to 64"),
        ("k" * 31, "has 31 bytes, and takes 32 to 64"),
        ("k" * 65, "has 65 bytes, and takes 32 to 64"),
        ("hex:" + "00" * 31, "has 31 bytes, and takes 32 to 64"),
        ("hex:" + "00" * 65, "has 65 bytes, and takes 32 to 64"),
        ("hex:" + "0" * 65, "has an odd number of hexadecimal digits"),
        ("hex:" + "0g" * 32, "has other than hexadecimal digits behind hex:"),
        ("file:k", "has no absolute path behind file:"),
        *(
            (
                "k" * 16 + each + "k" * 16,
                "has a space, quote, brace, '#', '!' or the like in it, which keepalived.conf cannot hold",
            )
            for each in " \"'{}#!$\n"
        ),
    ],
)
def test_a_key(key: str, wrong: str) -> None:
    settings = variables(auth_hmac={**HMAC, "keys": [{"id": 255, "key": key}]})
    fix = "Write hex: and 64 hexadecimal digits, such as openssl rand -hex 32 prints."
    assert list(map(str, keepalived_settings.problems(parse(settings)[0]))) == (
        [f"keepalived_auth_hmac.keys[0].key {wrong}. {fix}"] if wrong else []
    )


def test_directives_that_no_daemon_has_shown_are_marked() -> None:
    text = (PROJECT / "tests/daemons/compiled.py").read_text()
    newest = max(map(as_numbers, re.findall(r'"([\d.]+)"', re.findall(r"^VERSIONS = (.*)$", text, re.M)[0])))
    rows = re.findall(r"^\|.*\| ([\d.]+) on(, shown by no daemon)? \|", DIRECTIVES.read_text(), re.M)
    assert {bool(mark) for _version, mark in rows} == {True, False}
    assert [version for version, mark in rows if bool(mark) != (as_numbers(version) > newest)] == []


def test_the_filter_says_what_is_wrong() -> None:
    with pytest.raises(AnsibleFilterError, match="a value in global_defs has '}' in it"):
        conf(variables(global_defs={"smtp_helo_name": "a}"}))


def test_problems_name_the_variable() -> None:
    settings = variables(
        version="2.2.2",
        install_method="source",
        vips=[{"name": "VI_1", "options": {"acept": True}, "address_options": {"dev": "a b"}}],
        global_defs={"json_version": 2},
        virtual_servers=[{"address": "192.0.2.1", "real_servers": [{"address": "web1"}]}],
        include="conf.d",
    )
    found = list(map(str, keepalived_settings.problems(parse(settings)[0])))
    assert [text.split(",")[0] for text in found] == [
        "keepalived_global_defs.json_version needs keepalived 2.2.8",
        "keepalived_vips[0].options has 'acept'",
        "keepalived_vips[0].address_options.dev is 'a b'",
        "keepalived_virtual_servers[0].real_servers[0].address is 'web1'",
        "keepalived_include is 'conf.d'",
    ]


def entry(**others: Any) -> dict[str, Any]:
    return {"name": "a", **others}


SCRIPT = {"script": "/bin/a"}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "interval": (
        {"vrrp_scripts": [entry(**SCRIPT, interval=0)]},
        "keepalived_vrrp_scripts[0].interval is 0, which is not 1 to 4294. Give it a value such as 1.",
    ),
    "timeout": (
        {"vrrp_scripts": [entry(**SCRIPT), entry(**SCRIPT, timeout="4295")]},
        "keepalived_vrrp_scripts[1].timeout is '4295', which is not 1 to 4294. Give it a value such as 1.",
    ),
    "fall": (
        {"vrrp_scripts": [entry(**SCRIPT, fall=-3)]},
        "keepalived_vrrp_scripts[0].fall is -3, which is not 1 to 2147483647. Give it a value such as 2.",
    ),
    "rise": (
        {"vrrp_scripts": [entry(**SCRIPT, rise=1.5)]},
        "keepalived_vrrp_scripts[0].rise is 1.5, which is no whole number. Give it a value such as 2.",
    ),
    "weight": (
        {"vrrp_scripts": [entry(**SCRIPT, weight=9999)]},
        "keepalived_vrrp_scripts[0].weight is 9999, which is not -253 to 253. Give it a value such as 10.",
    ),
    "user": (
        {"vrrp_scripts": [entry(**SCRIPT, user="a b c")]},
        "keepalived_vrrp_scripts[0].user is 'a b c', which is no user's name with a group's behind it. Give it a value such as 'nobody'.",
    ),
    "a name of two words": (
        {"vrrp_scripts": [{"name": "a b", **SCRIPT}]},
        "keepalived_vrrp_scripts[0].name is 'a b', which is not one word. Give it a value such as 'check'.",
    ),
    "a script that closes the brace": (
        {"vrrp_scripts": [entry(script='/bin/a"\n}')]},
        "keepalived_vrrp_scripts[0].script is '/bin/a\"\\n}', which has '\"' in it, which keepalived.conf cannot hold. "
        "Give it a value such as '/bin/true'.",
    ),
    "a check that another role hands over": (
        {"vrrp_scripts": [entry(**SCRIPT, rise=0)], "checks": {"vrrp_scripts": [entry(**SCRIPT, rise=0)]}},
        "keepalived_checks.vrrp_scripts[0].rise is 0, which is not 1 to 2147483647. Give it a value such as 2.",
    ),
    "file": (
        {"track_files": [entry(file="run/a")]},
        "keepalived_track_files[0].file is 'run/a', which is no absolute path. Give it a value such as '/run/vrrp/file'.",
    ),
    "init": (
        {"track_files": [entry(file="/run/a", init=255)]},
        "keepalived_track_files[0].init is 255, which is not -254 to 254. Give it a value such as 0.",
    ),
    "quorum": (
        {"track_processes": [entry(process="nginx", quorum=0)]},
        "keepalived_track_processes[0].quorum is 0, which is not 1 to 65535. Give it a value such as 1.",
    ),
    "delay": (
        {"track_processes": [entry(process="nginx", delay=3601)]},
        "keepalived_track_processes[0].delay is 3601, which is not 0 to 3600. Give it a value such as 1.",
    ),
    "router_id": (
        {"router_id": "lb1 }"},
        "keepalived_router_id is 'lb1 }', which has '}' in it, which keepalived.conf cannot hold. Give it a value such as 'lb1'.",
    ),
    "script_user": (
        {"script_user": "a\nb"},
        "keepalived_script_user is 'a\\nb', which has '\\n' in it, which keepalived.conf cannot hold. "
        "Give it a value such as 'keepalived_script'.",
    ),
    "garp_refresh": (
        {"garp_refresh": -1},
        "keepalived_garp_refresh is -1, which is not 0 to 86400. Give it a value such as 10.",
    ),
    "state_dir": (
        {"state_dir": "/run/vrrp;id>/tmp/x"},
        "keepalived_state_dir is '/run/vrrp;id>/tmp/x', which is no absolute path of letters, digits and '_@+=,.-' alone. "
        "Give it a value such as '/run/vrrp'.",
    ),
    "a long word": (
        {"router_id": "x" * 2000},
        f"keepalived_router_id is '{'x' * 149}..., which makes a line of 2010 bytes, and 980 fit on one of keepalived.conf. "
        "Give it a value such as 'lb1'.",
    ),
    "words that are a long line": (
        {
            "instance_options": {
                "virtual_ipaddress_excluded": [
                    {
                        "address": "192.0.2.1",
                        "label": "x" * 255,
                        "dev": "y" * 255,
                        "brd": "z" * 255,
                        "preferred_lft": "1" * 255,
                    }
                ]
            }
        },
        "which makes a line of 1061 bytes, and 980 fit on one of keepalived.conf.",
    ),
    "lb_algo of a later version": (
        {
            "version": "2.2.4",
            "install_method": "source",
            "virtual_servers": [{"address": "192.0.2.1", "lb_algo": "twos"}],
        },
        "keepalived_virtual_servers[0].lb_algo is 'twos', which needs keepalived 2.2.5, and this host gets 2.2.4. "
        "Give it another value, or set keepalived_version to 2.2.5 or later.",
    ),
}


@pytest.mark.parametrize(("settings", "text"), REFUSED.values(), ids=REFUSED)
def test_what_the_role_writes_itself_is_bounded(settings: dict[str, Any], text: str) -> None:
    (found,) = keepalived_settings.problems(parse(variables(**settings))[0])
    assert text in str(found)
    assert len(str(found).splitlines()) == 1


def test_any_number_of_addresses_fits() -> None:
    many = [f"192.0.{number // 250}.{number % 250}/32" for number in range(1000)]
    text = conf(variables(), instance(virtual_ipaddress=many), instance(name="VI_2"))
    assert max(map(len, text.splitlines())) < 1000
    assert '    notify_master "/etc/keepalived/vips.sh arrived VI_1" root\n' in text
    assert '    notify_fault "/etc/keepalived/vips.sh lost 192.0.2.101/24" root\n' in text


def test_a_packages_version_is_not_known_before() -> None:
    settings = variables(version="2.2.2", install_method="package", global_defs={"json_version": 2})
    assert list(keepalived_settings.problems(parse(settings)[0])) == []


@given(HOSTILE)
def test_no_text_becomes_more_than_a_word(text: str) -> None:
    try:
        word = keepalived_words.quoted(text)
    except WordError:
        return
    assert not set(word.strip('"')) & set("\"'\\$!#{}\n\r\t") and not word.startswith("@")
    assert " " not in word or (word[0] == word[-1] == '"')


def free_texts(block: Block, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Directive]]:
    found = []
    for one in block.directives:
        if one.kind in NESTED:
            found += free_texts(one.block, (*path, one.name))
        elif one.kind in (*SIMPLE, "words", "list", "routes") and not one.choices:
            found.append(((*path, one.name), one))
    return found


TEXTS = [(place, path, one) for place, block in PLACES.items() for path, one in free_texts(block)]


def nested(block: Block, path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Examples down to a directive, with a value for it."""
    name, *rest = path
    if not rest:
        return {name: value}
    one = block.find(name)
    assert one is not None
    inside = one.example[0] if isinstance(one.example, list) else one.example
    own = {**inside, **nested(one.block, tuple(rest), value)}
    return {name: [own] if isinstance(one.example, list) else own}


def rendered_at(place: str, path: tuple[str, ...], value: Any) -> str:
    return render(PLACES[place], {"watchdog_seconds": 2, **nested(PLACES[place], path, value)})


@given(st.sampled_from(TEXTS), HOSTILE)
def test_no_directive_can_be_slipped_in(where: tuple[str, tuple[str, ...], Directive], text: str) -> None:
    """As many statements come of a hostile text as of the example, and the same keywords."""
    place, path, one = where
    example = one.example if not isinstance(one.example, list) else one.example[:1]
    try:
        hostile = rendered_at(place, path, [text] if isinstance(one.example, list) else text)
    except WordError:
        return
    expected = rendered_at(place, path, example)
    assert len(hostile.splitlines()) == len(expected.splitlines())
    assert alike(keepalived_conf.statements(hostile), keepalived_conf.statements(expected), one)


def alike(found: Any, expected: Any, one: Directive) -> bool:
    """Whether statements have the same keywords; of a list of lines, whether there are as many."""
    values = one.example if isinstance(one.example, list) else [one.example]
    return len(found) == len(expected) and all(
        (there[0] == wanted[0] or wanted[0].strip('"') in map(str, values) or not re.match(r"[a-z_-]+\Z", wanted[0]))
        and (len(inner) == len(within) if one.kind == "routes" and wanted[0] == one.word else alike(inner, within, one))
        for (there, inner), (wanted, within) in zip(found, expected, strict=True)
    )
