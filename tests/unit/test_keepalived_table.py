# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's directives as data: lines, what is refused, and that no text becomes a directive. tests/daemons asks real daemons."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.nginx_ha.plugins.filter.keepalived_directives import keepalived_directives
from ansible_collections.evenkeel.nginx_ha.plugins.filter.keepalived_features import keepalived_features
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import keepalived_conf
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import directives as keepalived_settings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived import words as keepalived_words
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.table import (
    NESTED,
    Block,
    Directive,
    as_numbers,
    problems,
    render,
)
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.keepalived.words import WordError
from hypothesis import given
from hypothesis import strategies as st

PROJECT = Path(__file__).parents[2]
DIRECTIVES = PROJECT / "roles/keepalived/DIRECTIVES.md"
BLOCKS = keepalived_settings.BLOCKS
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
    assert text in found


def test_what_is_no_dictionary() -> None:
    assert list(problems(OUTER, ["new"], "", "x")) == [
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
    assert list(problems(OUTER, {"new": True}, version, "x")) == texts


@pytest.mark.parametrize("text", ["true", "True", "yes"])
def test_texts_that_templates_make_of_values(text: str) -> None:
    assert render(OUTER, {"new": text, "row": {"name": "x", "deep": "2"}}) == "new\nrow x deeper 2\n"


def variables(**settings: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {name: {} for name in keepalived_settings.WHOLE}
    single: dict[str, Any] = {name: [] for name in keepalived_settings.SINGLE}
    return {**whole, **single, "options": {}, "vips": [], **settings}


def test_each_example_is_fit() -> None:
    for name, block in BLOCKS.items():
        settings = {one.name: one.example for one in block.directives}
        assert list(problems(block, settings, "2.4.2", name)) == []


def twice(block: Block, where: str) -> list[str]:
    names = [one.name for one in block.directives]
    inner = [text for one in block.directives if one.within for text in twice(one.within, f"{where}.{one.name}")]
    return [f"{where}.{name}" for name in set(names) if names.count(name) > 1] + inner


def test_no_directive_is_written_twice() -> None:
    assert [text for name, block in BLOCKS.items() for text in twice(block, name)] == []


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


def test_places() -> None:
    settings = variables(
        process_options={"child_wait_time": 3},
        global_defs={"smtp_alert": False},
        instance_options={"garp_master_repeat": 3, "accept": True},
        options={"garp_master_repeat": 4},
        sync_groups=[{"name": "VG", "vips": ["VI_1"]}],
        include="/etc/keepalived/conf.d/*.conf",
    )
    assert keepalived_directives(settings, "top") == "child_wait_time 3\n\n"
    assert keepalived_directives(settings, "global_defs") == "    smtp_alert off\n"
    assert keepalived_directives(settings, "instance") == "    garp_master_repeat 4\n    accept\n"
    group = "\nvrrp_sync_group VG {\n    group {\n        VI_1\n    }\n    sync_group_tracking_weight\n}\n"
    assert keepalived_directives(settings, "beside") == group
    assert keepalived_directives(settings, "lvs") == "\nincluder /etc/keepalived/conf.d/*.conf\n"
    assert (
        keepalived_directives({"address_options": {"label": "eth0:1", "nodad": True}}, "address")
        == " label eth0:1 -nodad"
    )
    assert keepalived_directives({"name": "VI_1"}, "address") == ""
    assert keepalived_directives(settings, "auth_hmac") == ""


HMAC = {
    "keys": [{"id": 1, "key": "hex:" + "0f" * 32}, {"id": 255, "key": "file:/etc/keepalived/hmac.key"}],
    "active_key": 255,
    "anti_replay": "time",
    "time_window": 5,
    "mode": "permissive",
}


def test_how_adverts_are_signed() -> None:
    assert keepalived_directives(variables(auth_hmac=HMAC), "auth_hmac").splitlines() == [
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
    assert list(keepalived_settings.problems(settings)) == texts


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
    assert list(keepalived_settings.problems(settings)) == (
        [f"keepalived_auth_hmac.keys[0].key {wrong}. {fix}"] if wrong else []
    )


def test_directives_that_no_daemon_has_shown_are_marked() -> None:
    text = (PROJECT / "tests/daemons/conftest.py").read_text()
    newest = max(map(as_numbers, re.findall(r'"([\d.]+)"', re.findall(r"^VERSIONS = (.*)$", text, re.M)[0])))
    rows = re.findall(r"^\|.*\| ([\d.]+) on(, shown by no daemon)? \|", DIRECTIVES.read_text(), re.M)
    assert {bool(mark) for _version, mark in rows} == {True, False}
    assert [version for version, mark in rows if bool(mark) != (as_numbers(version) > newest)] == []


def test_the_filter_says_what_is_wrong() -> None:
    with pytest.raises(AnsibleFilterError, match="a value in global_defs has '}' in it"):
        keepalived_directives(variables(global_defs={"smtp_helo_name": "a}"}), "global_defs")


def test_problems_name_the_variable() -> None:
    settings = variables(
        version="2.2.2",
        install_method="source",
        vips=[{"name": "VI_1", "options": {"acept": True}, "address_options": {"dev": "a b"}}],
        global_defs={"json_version": 2},
        virtual_servers=[{"address": "192.0.2.1", "real_servers": [{"address": "web1"}]}],
        include="conf.d",
    )
    found = list(keepalived_settings.problems(settings))
    assert [text.split(",")[0] for text in found] == [
        "keepalived_global_defs.json_version needs keepalived 2.2.8",
        "keepalived_vips: VIP VI_1: options has 'acept'",
        "keepalived_vips: VIP VI_1: address_options.dev is 'a b'",
        "keepalived_virtual_servers[0].real_servers[0].address is 'web1'",
        "keepalived_include is 'conf.d'",
    ]


def test_a_packages_version_is_not_known_before() -> None:
    settings = variables(version="2.2.2", install_method="package", global_defs={"json_version": 2})
    assert list(keepalived_settings.problems(settings)) == []


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
        elif (
            one.kind in ("word", "text", "command", "path", "address", "network", "key", "list", "routes")
            and not one.choices
        ):
            found.append(((*path, one.name), one))
    return found


TEXTS = [(place, path, one) for place, block in BLOCKS.items() for path, one in free_texts(block)]


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


@given(st.sampled_from(TEXTS), HOSTILE)
def test_no_directive_can_be_slipped_in(where: tuple[str, tuple[str, ...], Directive], text: str) -> None:
    """As many statements come of a hostile text as of the example, and the same keywords."""
    place, path, one = where
    example = one.example if not isinstance(one.example, list) else one.example[:1]
    try:
        hostile = render(BLOCKS[place], nested(BLOCKS[place], path, [text] if isinstance(one.example, list) else text))
    except WordError:
        return
    expected = render(BLOCKS[place], nested(BLOCKS[place], path, example))
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
