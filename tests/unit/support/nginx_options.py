# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the nginx role for tests: one that works, one for each option of its table, and what nginx reads of the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml
from ansible_collections.evenkeel.nginx_ha.plugins.filter.nginx import nginx_tree
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import KEYS, NginxSettings
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.table import Entry, Row, named, required_of, rows
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.tree import files as nginx_files

from support.nginx import WEB

ROLE = Path(__file__).parents[3] / "roles" / "nginx"
VARIABLES = yaml.safe_load((ROLE / "vars/main.yml").read_text())
ENVIRONMENT = jinja2.Environment(loader=jinja2.FileSystemLoader(ROLE / "templates"), trim_blocks=True, autoescape=False)


STREAMED = [
    {"name": name, "protocol": "tcp", "servers": [{"address": "172.16.2.30", "port": 5432}]} for name in ("db", "mail")
]
STAFF = {"name": "staff", "members": [{"name": "alice", "hash": "$6$salt$hash"}]}
# All that examples name.
SETTINGS: dict[str, Any] = {
    "upstreams": [WEB, *STREAMED],
    "servers": [{"name": "default", "upstream": "web", "listen": 81, "cache_seconds": 1}],
    "users": [STAFF],
    "modules": ["stream"],
    "vips": ["192.168.200.200"],
    "resolvers": ["10.0.0.53"],
    "kept": {"generation": 5},
    "installed": True,
    "version": "1.30.1",
    "modules_here": ["http_v3"],
    "ipv6": True,
}
# What else makes an option count.
COMPANIONS: dict[str, dict[str, Any]] = {
    "upstreams.hash_key": {"balance": "hash"},
    "upstreams.keepalive": {"protocol": "http"},
    "servers.intercept_errors": {"error_pages": [{"statuses": [502], "html": "a"}]},
    "servers.redirect_code": {"redirect": "/"},
    "servers.locations.redirect_code": {"redirect": "/"},
    "servers.locations.text": {"status": 200},
    "servers.locations.try_files": {"root": "/srv"},
    "servers.locations.buffering": {"upstream": "web"},
    "servers.requests_burst": {"requests_per_second": 1},
    "servers.locations.requests_burst": {"requests_per_second": 1},
    "servers.http2": {"tls": {"certificate_file": "/a", "key_file": "/b"}},
    "servers.http3": {"tls": {"certificate_file": "/a", "key_file": "/b"}},
    "servers.tls.stapling": {"certificate_file": "/a", "key_file": "/b"},
    "servers.maintenance.retry_after": {},
    "streams.responses": {"upstream": "dns"},
}
Chain = tuple[Row, ...]
REPOSITORY = "repository.sources.j2"


def chains(kind: type[Entry] = NginxSettings) -> Iterator[Chain]:
    """The way to each option, from the role's variables on."""
    for row in rows(kind):
        yield (row,)
        if row.option.within:
            yield from ((row, *rest) for rest in chains(row.option.within))


def path_of(chain: Chain) -> str:
    return ".".join(row.name for row in chain)


def kind_of(chain: Chain) -> type[Entry]:
    """The entry that an option is one of."""
    return chain[-2].option.within or Entry if len(chain) > 1 else NginxSettings


def example(row: Row) -> Any:
    if row.option.within:
        one = complete(row.option.within, row.name)
        return [one] if row.option.many else one
    return row.option.example


def complete(kind: type[Entry], path: str, own: str = "") -> dict[str, Any]:
    """An entry that is enough, without an option that cannot stand beside another one."""
    found = {**required_of(kind), **COMPANIONS.get(f"{path}.{own}", {})}
    table = named(kind)
    if own:
        row = table[own]
        for name in {row.option.needs, row.option.beside} - {"", own}:
            found.setdefault(name, example(table[name]))
    choices = kind.exactly_one or kind.at_least_one
    if choices and own not in choices and not set(choices) & set(found):
        allowed = [
            name
            for name in choices
            if own not in table[name].option.excludes and (not own or name not in table[own].option.excludes)
        ]
        found[allowed[0]] = example(table[allowed[0]])
    for name in list(found):
        needed = table[name].option.needs
        if needed:
            found.setdefault(needed, example(table[needed]))
    if own in choices and table[own].option.needs:
        found.setdefault(table[own].option.needs, example(table[table[own].option.needs]))
    return found


def settings_with(chain: Chain, value: Any, **further: Any) -> dict[str, Any]:
    """Settings in which an option has a value, and all is set that it needs."""
    first, *rest = chain
    settings = {**SETTINGS, **further}
    if first.name.startswith("session_ticket"):
        settings["ticket_secrets"] = ["x" * 32]
    if first.name == "streams" or "streams" in path_of(chain):
        settings["upstreams"] = [
            *settings["upstreams"],
            {"name": "dns", "protocol": "udp", "servers": [{"address": "172.16.2.31", "port": 53}]},
        ]
    inner = _nested(chain, value, first.name)
    if rest and isinstance(settings.get(first.name), list):
        kept = [each for each in settings[first.name] if each["name"] != inner[0].get("name")]
        inner = [*inner, *kept]
    return {**settings, KEYS.get(first.name, first.name): inner}


def _nested(chain: Sequence[Row], value: Any, path: str) -> Any:
    row, *rest = chain
    if not rest:
        return value
    assert row.option.within
    inner = {
        **complete(row.option.within, path, rest[0].name),
        rest[0].name: _nested(rest, value, f"{path}.{rest[0].name}"),
    }
    return [inner] if row.option.many else inner


def without(chain: Chain) -> dict[str, Any]:
    """The same without the option."""
    marker = object()
    settings = settings_with(chain, marker)

    def stripped(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: stripped(each) for name, each in value.items() if each is not marker}
        return [stripped(each) for each in value] if isinstance(value, list) else value

    found: dict[str, Any] = stripped(settings)
    return found


def rendered(settings: Mapping[str, Any]) -> dict[str, str]:
    """Every file of nginx's configuration by its path, as the role's templates make it."""
    names = {name: settings.get(KEYS.get(name, name), row.option.unset) for name, row in named(NginxSettings).items()}
    variables = {
        **VARIABLES,
        **{f"nginx_{name}": value for name, value in names.items()},
        "nginx_user": "www-data",
        "__nginx_modules": "/m",
    }
    variables["__nginx_load"], variables["__nginx_ciphers"] = variables["nginx_modules"], "A:B"
    variables["__nginx_repository_base"] = f"{variables['nginx_repository_url']}/debian"
    return {
        file["path"]: ENVIRONMENT.get_template(file["template"]).render(
            **{**variables, "ansible_facts": {"distribution_release": "trixie"}, **file.get("vars", {})}
        )
        for file in [
            {"path": REPOSITORY, "template": REPOSITORY},
            *nginx_tree({"worker_connections": 1024, **settings}),
        ]
    }


def tree(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files without those that every nginx has."""
    return nginx_files(NginxSettings.of(settings))


def tokens(text: str) -> list[list[str]]:
    """Directives of nginx's configuration as ngx_conf_read_token takes them: the words of each, and what ended it."""
    found: list[list[str]] = []
    line: list[str] = []
    word, quote, index = "", "", 0
    inside = False
    while index < len(text):
        here = text[index]
        index += 1
        if quote:
            if here == "\\" and index < len(text):
                word += {'"': '"', "'": "'", "\\": "\\", "t": "\t", "r": "\r", "n": "\n"}.get(
                    text[index], "\\" + text[index]
                )
                index += 1
            elif here == quote:
                line.append(word)
                word, quote = "", ""
                assert text[index] in " \t\r\n;{)", f"after a quote: {text[index:]!r}"
            else:
                word += here
        elif not inside and here == "#":
            index = text.find("\n", index) + 1 or len(text)
        elif not inside and here in "\"'":
            quote = here
        elif here in ";{" or (here == "}" and not inside):
            found.append([*line, *([word] if inside else []), here])
            word, line, inside = "", [], False
        elif here in " \t\r\n":
            if inside:
                line.append(word)
            word, inside = "", False
        else:
            word, inside = word + here, True
    assert not (quote or inside or line), f"this ends in the middle of a directive: {text!r}"
    return found
