# SPDX-License-Identifier: GPL-3.0-or-later
"""Each row of nginx's table of options: its example works, and what it refuses is refused."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from ansible_collections.evenkeel.nginx_ha.plugins.filter.nginx import nginx_tree
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.addresses import bracketed, is_address
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.kinds import INT, LIMIT, RATE, SECONDS, variable
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems, problems
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import KEYS, NginxSettings, collected
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.table import named
from hypothesis import example as case
from hypothesis import given, settings
from hypothesis import strategies as st
from support.nginx import FACTS
from support.nginx_options import (
    REPOSITORY,
    ROLE,
    Chain,
    chains,
    example,
    kind_of,
    path_of,
    rendered,
    settings_with,
    tokens,
    without,
)

CHAINS = list(chains())
LEAVES = [chain for chain in CHAINS if not chain[-1].option.within]
# What nginx's own files do not show: it is for packages, or for steps of the role.
ELSEWHERE = {
    "backends_out",
    "backends_take_out",
    "backends_put_back",
    "install_method",
    "version",
    "repository_channel",
    "repository_key_urls",
    "repository_fingerprints",
    "session_ticket_rotate",
    "package_state",
    "patience",
    # The settings have some of their own.
    "users",
}
# Examples are no certificates, and upstreams of one server.
BESIDE = (" is not in PEM", " are all down or backups")


def cases(of: list[Chain]) -> Any:
    return pytest.mark.parametrize("chain", of, ids=path_of)


def where_of(chain: Chain) -> str:
    return "nginx_" + ".".join(
        f"{row.name}[0]" if row.option.many and row is not chain[-1] else row.name for row in chain
    )


def problems_of(settings: dict[str, Any]) -> list[str]:
    return [
        str(each) for each in problems(NginxSettings.of(settings)) if not any(known in str(each) for known in BESIDE)
    ]


def refused(settings: dict[str, Any]) -> list[str]:
    """Where values are refused."""
    return [each.where for each in NginxSettings.of(settings).problems]


def value_of(chain: Chain) -> Any:
    return ["x" * 32] if path_of(chain) == "session_ticket_secrets" else example(chain[-1])


@cases(CHAINS)
def test_the_example_is_accepted_and_seen(chain: Chain) -> None:
    settings = settings_with(
        chain, value_of(chain), listeners=[], backends_out=["web1"] if chain[0].name == "backends_out" else []
    )
    if chain[0].name in ("backends_out", "backends_take_out", "backends_put_back"):
        settings["upstreams"] = [
            {"name": "web", "servers": [{"name": "web1", "address": "a"}, {"address": "b"}]},
            *settings["upstreams"][1:],
        ]
    assert problems_of(settings) == []
    if path_of(chain) in ELSEWHERE or path_of(chain) == "upstreams.servers.name":
        return
    there, absent = rendered(settings), without(chain)
    if refused(absent) == []:
        assert there != rendered(absent)
    if isinstance(chain[-1].option.renders, str):
        assert any(first_word(chain) in line for text in there.values() for line in tokens_or_none(text))


def first_word(chain: Chain) -> str:
    word = str(chain[-1].option.renders).split()[0].replace("{proxy}", "proxy")
    shown = chain[-1].option.kind.shows(
        chain[-1].option.kind.reads(value_of(chain)[0] if chain[-1].option.many else value_of(chain))
    )
    return word.replace("{value}", shown)


def tokens_or_none(text: str) -> list[list[str]]:
    """Of files that are none of nginx's configuration, such as keys, none."""
    try:
        return tokens(text)
    except AssertionError:
        return []


def wrong(chain: Chain) -> Iterator[Any]:
    """Values of another type."""
    option = chain[-1].option
    yield 5 if option.kind.type == "dict" else {"a": "b"}
    if option.kind.type in ("int", "float", "bool"):
        yield "perhaps"
    if option.kind.type == "int":
        yield "1.5"


@cases(CHAINS)
def test_another_type_is_refused(chain: Chain) -> None:
    for value in wrong(chain):
        assert [where for where in refused(settings_with(chain, value)) if where.startswith(where_of(chain))]


@cases([chain for chain in LEAVES if chain[-1].option.kind in (INT, SECONDS, LIMIT, RATE)])
def test_bounds(chain: Chain) -> None:
    option = chain[-1].option
    assert option.low is not None and option.high is not None
    for value, good in ((option.low, True), (option.high, True), (option.low - 1, False), (option.high + 1, False)):
        number = int(value) if option.kind.type == "int" else value
        found = refused(settings_with(chain, [number] if option.many else number))
        assert found == ([] if good else [where_of(chain) + ("[0]" if option.many else "")])


@cases([chain for chain in LEAVES if chain[-1].option.kind.gist.startswith("one of ")])
def test_choices(chain: Chain) -> None:
    choices = chain[-1].option.kind.gist.removeprefix("one of ").split(", ")
    for choice in choices:
        assert refused(settings_with(chain, choice)) == []
    assert refused(settings_with(chain, 5)) == refused(settings_with(chain, f"{choices[0]}0")) == [where_of(chain)]


@cases([chain for chain in CHAINS if chain[-1].option.required and not chain[-1].option.empty])
def test_what_is_required_is_missed(chain: Chain) -> None:
    for value in (None, [] if chain[-1].option.many else ""):
        assert where_of(chain) in refused(settings_with(chain, value))


@cases([chain for chain in CHAINS if chain[-1].option.excludes])
def test_what_excludes_another_option(chain: Chain) -> None:
    table = named(kind_of(chain))
    for name, why in chain[-1].option.excludes.items():
        found = settings_with(chain, value_of(chain))
        entry_of(found, chain)[name] = example(table[name])
        assert any(text.startswith(where_of(chain)) and name in text and why in text for text in problems_of(found))


def entry_of(found: dict[str, Any], chain: Chain) -> dict[str, Any]:
    """The dictionary that an option is set in."""
    inner: Any = found
    for row in chain[:-1]:
        inner = inner[KEYS.get(row.name, row.name)]
        inner = inner[0] if isinstance(inner, list) else inner
    assert isinstance(inner, dict)
    return inner


@cases([chain for chain in CHAINS if chain[-1].option.needs])
def test_what_needs_another_option(chain: Chain) -> None:
    needed = chain[-1].option.needs
    found = copy.deepcopy(settings_with(chain, value_of(chain)))
    entry_of(found, chain).pop(KEYS.get(needed, needed), None)
    assert any(text.startswith(f"{where_of(chain)} needs ") and needed in text for text in problems_of(found))


@cases([chain for chain in CHAINS if chain[-1].option.since or chain[-1].option.module])
def test_an_nginx_that_lacks_it(chain: Chain) -> None:
    option = chain[-1].option
    found = settings_with(chain, value_of(chain))
    assert problems_of({**found, "version": option.since or "1.22.1"}) == []
    assert problems_of({**found, "version": "", "modules_here": [], "installed": False}) == []
    older = problems_of({**found, "version": "1.0.15"})
    assert not option.since or older[0].startswith(
        f"{where_of(chain)} needs nginx {option.since}, and this host has 1.0.15."
    )
    bare = problems_of({**found, "modules_here": []})
    assert not option.module or bare[0].startswith(
        f"{where_of(chain)} needs an nginx that is built with {option.module}"
    )


@cases([chain for chain in CHAINS if kind_of(chain).exactly_one or kind_of(chain).at_least_one])
def test_entries_that_need_one_option_of_some(chain: Chain) -> None:
    kind, table = kind_of(chain), named(kind_of(chain))
    choices = kind.exactly_one or kind.at_least_one
    bare = settings_with(chain, value_of(chain))
    for name in choices:
        entry_of(bare, chain).pop(name, None)
    if not entry_of(bare, chain):
        entry_of(bare, chain)["stapling"] = True
    assert any(f" has none of {choices[0]}" in text for text in problems_of(bare))
    if kind.exactly_one:
        for name in choices:
            entry_of(bare, chain)[name] = example(table[name])
        assert any("of which only one can be" in text for text in problems_of(bare))


def test_an_unknown_option_is_refused() -> None:
    for name, entry in (
        ("servers", {"name": "a", "upstream": "web", "cache": 1}),
        ("upstreams", {"name": "a", "servers": [{"address": "a"}], "cache": 1}),
    ):
        (text,) = problems_of({"upstreams": [{"name": "web", "servers": [{"address": "a"}]}], name: [entry]})[:1]
        assert text.startswith(f"nginx_{name}[0] has 'cache', which is not an option of it. It takes name, ")


@cases(CHAINS)
def test_each_option_is_documented_with_a_type_that_the_code_has(chain: Chain) -> None:
    row = chain[-1]
    assert row.option.text.endswith(".")
    kind = kind_of(chain)
    owner = (
        next(each.default_factory for each in dataclasses.fields(kind) if each.name == row.inner) if row.inner else kind
    )
    (field,) = [each for each in dataclasses.fields(owner) if each.name == row.name]
    inner = (
        row.option.within.__name__
        if row.option.within
        else {"bool": "bool", "int": "int", "float": "float", "dict": "Mapping[str, str]"}.get(
            row.option.kind.type, "str"
        )
    )
    annotation = f"tuple[{inner}, ...]" if row.option.many else inner
    assert field.type in (annotation, f"{annotation} | None")


def test_defaults_are_those_of_the_role() -> None:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    for name, row in named(NginxSettings).items():
        default = defaults[f"nginx_{name}"]
        if "{{" not in json.dumps(default):
            assert (tuple(default) if isinstance(default, list) else default) == row.option.unset, name


def test_every_variable_of_the_role_is_read() -> None:
    options = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    given = {name: [name] for name in options}
    found = collected({**given, "nginx_user": "www-data", "nginx_backends_kept": ["web1"], "ansible_facts": {}})
    names = {f"nginx_{name}": KEYS.get(name, name) for name in named(NginxSettings)}
    assert set(names) == set(options)
    assert {name: found[key] for name, key in names.items()} == {
        **given,
        "nginx_backends_out": ["nginx_backends_out", "web1"],
    }


def test_settings_have_what_was_found_on_the_host_and_on_others() -> None:
    given = {f"nginx_{name}": row.option.unset for name, row in named(NginxSettings).items()}
    upstreams = [{"name": "web", "servers": [{"name": "web1", "address": "10.0.0.1"}]}]
    given |= {"nginx_upstreams": upstreams, "nginx_user": "nginx", "ansible_facts": {"lo": {"ipv6": []}}}
    alone = collected(given)
    assert (alone["installed"], alone["version"], alone["kept"], alone["ipv6"]) == (True, "", {}, True)
    here = {"installed": False, "version": "1.26.3", "modules": ["stream"], "backends_out": ["web1", "gone"]}
    told = collected({**given, "nginx_found": here, "nginx_upgrade": {"nginx": "1.28.0"}}, [{"nginx_found": here}, {}])
    assert (told["installed"], told["version"], told["coming_version"]) == (False, "1.26.3", "1.28.0")
    assert (told["modules_here"], told["backends_kept"], told["backends_out"]) == (["stream"], ["web1"], ["web1"])


# Free text


HOSTILE = [
    "; } server {",
    "a; b",
    "a\nb",
    "a}b",
    "a{b",
    'a" b "',
    "a' b",
    "a\\",
    "a # b",
    "#a",
    "$a",
    "${a",
    "a b",
    "\x00",
    "../../a",
    "é",
    "\ud800",
    "x" * 5000,
    "127.0.0.1;",
    "127.0.0.1",
    "::1",
    "~^a{2};$",
    "/a b",
    "default",
    "include",
    "{{ a }}",
    "a:b",
    "1",
]
TEXTS = [chain for chain in LEAVES if chain[-1].option.kind.type in ("str", "path", "dict")]


def free_text() -> dict[str, list[str]]:
    """The options of the role's argument_specs that take text, with their values where they are few."""
    found: dict[str, list[str]] = {}

    def look(options: dict[str, Any], parent: str) -> None:
        for name, spec in options.items():
            inner = spec.get("elements", spec["type"])
            if inner in ("str", "path") or (inner == "dict" and "options" not in spec):
                found[parent + name] = spec.get("choices", [])
            look(spec.get("options", {}), f"{parent}{name}.")

    look(yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"], "")
    return found


def test_every_free_text_of_the_role_is_fed() -> None:
    assert {f"nginx_{path_of(chain)}" for chain in TEXTS} == set(free_text())


def wrapped(chain: Chain, text: str) -> Any:
    if chain[-1].option.kind.type == "dict":
        return {"X-Own": text}
    return [text] if chain[-1].option.many else text


@cases(TEXTS)
@settings(max_examples=20)
@given(
    text=st.one_of(
        st.sampled_from(HOSTILE),
        st.text(alphabet=st.sampled_from(" ;{}\"'\\#$\n\r\t\0na1~/.:*[]é"), min_size=1, max_size=8),
    )
)
@case(text="; } server {")
@case(text="a\nb")
def test_a_text_is_refused_or_one_word(chain: Chain, text: str) -> None:
    found = settings_with(chain, wrapped(chain, text))
    texts = nginx_problems(found, FACTS, "nginx1")
    assert all("\n" not in each and each.startswith("nginx1: nginx_") for each in texts)
    if refused(found):
        assert any(each.startswith(f"nginx1: {where_of(chain)}") for each in texts), texts
        with pytest.raises(ValueError, match="^nginx_"):
            nginx_tree(found)
    elif not any(each.startswith(f"nginx1: {where_of(chain)}") for each in texts) and text not in NAMES:
        same_shape(rendered(found), chain, text)


def same_shape(files: dict[str, str], chain: Chain, text: str) -> None:
    """Every directive is as with a text that is no syntax at all, but for the text itself, which is a word or a part of one."""
    tame = tame_of(chain, text)
    tamed = tamed_files(path_of(chain), tame)
    assert list(files) == [path.replace(tame, text) for path in tamed]
    for (path, content), other in zip(files.items(), tamed.values(), strict=True):
        if path.endswith((".conf", ".inc")):
            lines, others = tokens(content), tokens(other)
            assert [len(line) for line in lines] == [len(line) for line in others], path
            pairs = [pair for both in zip(lines, others, strict=True) for pair in zip(*both, strict=True)]
            assert [pair for pair in pairs if pair[0] not in expected(pair[1], tame, text)] == []
        elif path == REPOSITORY or path.startswith("nginx_ha/users/"):
            assert content.count("\n") == other.count("\n")


@cache
def tamed_files(path: str, tame: str) -> dict[str, str]:
    chain = next(each for each in CHAINS if path_of(each) == path)
    return rendered(settings_with(chain, wrapped(chain, tame)))


def expected(word: str, tame: str, text: str) -> set[str]:
    """A word with the text: as it is, as an address, in a variable's name."""
    return {
        word.replace(tame, text),
        word.replace(tame, bracketed(text)),
        word.replace(variable("", tame)[11:], variable("", text)[11:]),
    }


def tame_of(chain: Chain, text: str) -> str:
    """A text that is accepted, and stands nowhere else."""
    kind = chain[-1].option.kind
    words = ("tame7tame", "/tame7tame", "203.0.113.77", "127.0.0.77", "77k", "77")
    # nginx looks names up again, and addresses not.
    for word in words[2:] if is_address(text) else words:
        try:
            kind.reads(wrapped(chain, word) if kind.type == "dict" else word)
        except ValueError:
            continue
        return word
    value = value_of(chain)
    return str(value[0] if isinstance(value, list) else value)


# Those of what the settings have already.
NAMES = {"default", "web", "db", "mail", "dns", "staff", "own"}
