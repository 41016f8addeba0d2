# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile text, readers of what is rendered that know nothing of how it is made, and a role's templates with variables of a test."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from hypothesis import strategies as st

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every text is a template

    def trust_as_template(value: str) -> str:
        return value


ROLES = Path(__file__).parents[2] / "roles"
# keepalived's buffer has one byte more, which ends the text.
LONGEST_LINE = 1023
SNIPPETS = (
    "; touch canary;", "$(touch canary)", "`touch canary`", "\ntouch canary\n", "' touch canary '", '" touch canary "', "> canary", "| touch canary",
    "&touch canary&", "\nExecStartPre=/bin/touch canary\n", "%n%i%%", "\n}\nvrrp_script x {\n", "}", "{", "#", "!", "@main ", "\0", "\\", "\\\n", "\r", "\u2028",
    "ä", "\U0001f600", "$HOME", "${x}", "~SEQ(a,1,2)", "~LST(a,b)", "include /etc/x", "{{ 1 }}", "{% if %}", "x" * 2000, "x " * 1000, "a  b", "a", "1", "/",
    "-", "", " ", "::1%;id", "192.0.2.1", "2001:DB8::1", "root", "eth0", "/run/x", "/opt/a-b", "http://127.0.0.1/x",
)  # fmt: skip
# Each snippet and each character between and beside texts that pass.
FIT = st.sampled_from(("", "zq9", "/run/x", "/opt/a-b", "192.0.2.1", "http://127.0.0.1/x", "a b"))
BAD = (
    st.sampled_from(SNIPPETS)
    | st.characters(max_codepoint=127)
    | st.sampled_from("<>*?~^&;|()[]%=,@:+'\"`$!#{}\\ \n\t\r")
    | st.text(max_size=5)
)
HOSTILE = st.builds("{}{}{}".format, FIT, BAD, FIT)
# Texts that pass where a kind of text is meant, for what is done with them then.
PATHS = st.lists(st.text("abzAZ09_@+=,.-", min_size=1, max_size=9), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
WORDS = st.text("abzAZ09_.:/@%+,=*?~^<>-", min_size=1, max_size=20)
TEXTS = HOSTILE | PATHS | WORDS | st.ip_addresses().map(str)


@cache
def specs(role: str) -> dict[str, Any]:
    return yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]


def free_texts(options: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The places in a role's variables where any text can stand, as path and kind: str, list of such or dict."""
    for name, option in options.items():
        here, kind, elements = (*path, name), option.get("type", "str"), option.get("elements")
        if option.get("options"):
            yield from free_texts(option["options"], here)
        elif option.get("choices"):
            continue
        elif kind == "dict" or elements == "dict":
            yield here, "dict"
        elif kind in ("str", "path"):
            yield here, "str"
        elif elements in ("str", "path"):
            yield here, "list"


def keepalived_lines(text: str) -> list[list[str]]:
    """The words of each line of a keepalived.conf, without comments. A brace is a word; what keepalived would take for more is an error."""
    lines = []
    for raw in text.split("\n"):
        assert len(raw.encode()) < LONGEST_LINE
        words = list(_words(raw))
        assert not words or not re.match(r"[@$]|include(?!_check$|r$)", words[0]), raw
        lines.append(words)
    return [words for words in lines if words]


def _words(line: str) -> Iterator[str]:
    rest = line
    while rest := rest.lstrip(" \t"):
        if rest[0] in "#!":
            return
        if rest[0] == '"':
            word, quote, rest = rest[1:].partition('"')
            assert quote, line
        else:
            word = re.match(r"[^\s\"#!]+", rest)[0]
            rest = rest[len(word) :]
            assert word in ("{", "}") or not re.search(r"[{}]", word), line
        assert word in ("{", "}") or not re.search(r"[^ -~]|[\\$'{}#!]|~(SEQ|LST)", word), line
        yield word


def unit_lines(text: str) -> list[tuple[str, str, list[str]]]:
    """Section, key and words of each line of a systemd unit. Quoting, escapes, specifiers and variables other than $MAINPID are errors."""
    found, section = [], ""
    for line in text.splitlines():
        assert not line.endswith("\\")
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            section = line
            continue
        key, equals, value = line.partition("=")
        assert equals and re.fullmatch(r"[A-Za-z]+", key), line
        assert not re.search(r"[\\\"'%]|\$(?!MAINPID$)", value) or key in ("Description", "Documentation"), line
        found.append((section, key, value.split(" ")))
    return found


class Role:
    """A role's defaults and vars, as Ansible evaluates them for a host."""

    def __init__(self, name: str, **variables: Any) -> None:
        self.name = name
        self.variables: dict[str, Any] = {"inventory_hostname": "nginx1"}
        for part in ("defaults", "vars"):
            self.variables |= trusted(yaml.safe_load((ROLES / name / part / "main.yml").read_text()))
        # The inventory's own are no templates.
        self.variables |= variables
        self.templar = Templar(loader=DataLoader(), variables=self.variables)

    def value(self, expression: str) -> Any:
        return self.templar.template(trust_as_template("{{ " + expression + " }}"))

    def file(self, template: str) -> str:
        found = (ROLES / self.name / "templates" / f"{template}.j2").read_text()
        return self.templar.template(trust_as_template(found))


def trusted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: trusted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [trusted(each) for each in value]
    return trust_as_template(value) if isinstance(value, str) else value


def reached(role: str, text: str) -> set[str]:
    """The role's own variables that a text of templates names, also by way of its vars."""
    every = yaml.safe_load((ROLES / role / "vars/main.yml").read_text())
    public = set(specs(role))
    found: set[str] = set()
    texts = [text]
    while texts:
        names = set(re.findall(r"\w+", texts.pop())) & (set(every) | public) - found
        found |= names
        # Of all settings together the build takes names of features alone.
        texts += [yaml.safe_dump(every[name]) for name in names - {"keepalived_settings"} if name in every]
    return found & public
