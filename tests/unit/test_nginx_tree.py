# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's configuration as a tree of files, and what can be in its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.filter.nginx import nginx_probes
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.configuration import masked
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx import preflight as nginx_preflight
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.kinds import quoted
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.settings import Present
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.settings.fact import read
from hypothesis import given
from hypothesis import strategies as st
from support.nginx import DB, DEFAULT, DNS, FACTS, SETTINGS, WEB
from support.nginx_options import ENVIRONMENT, VARIABLES, tokens, tree
from support.nginx_options import rendered as rendered_files


def shown(kind: str, **settings: Any) -> list[Mapping[str, Any]]:
    """What the templates of a kind show."""
    return [each["vars"][kind] for each in tree({**SETTINGS, **settings}) if kind in each.get("vars", {})]


def test_each_upstream_and_server_has_a_file() -> None:
    files = tree({**SETTINGS, "upstreams": [WEB, {**WEB, "name": "api"}]})
    assert [(each["path"], each["template"]) for each in files] == [
        ("nginx_ha/proxy.inc", "proxy.inc.j2"),
        ("nginx_ha/grpc.inc", "grpc.inc.j2"),
        ("nginx_ha/upstreams/web.conf", "upstream.conf.j2"),
        ("nginx_ha/upstreams/api.conf", "upstream.conf.j2"),
        ("nginx_ha/servers/default.conf", "server.conf.j2"),
    ]


def test_a_header_of_a_location_takes_the_place_of_ours() -> None:
    (plain, _) = (each["vars"]["headers"] for each in tree(SETTINGS)[:2])
    directives = the_location(upstream="web", request_headers={"Host": "$proxy_host"})["directives"]
    assert directives[1] == "proxy_http_version 1.1"
    assert {*directives[2:]} == {*plain, "proxy_set_header Host $proxy_host"} - {"proxy_set_header Host $host"}


def test_an_upstream_as_it_is() -> None:
    assert shown("upstream") == [
        {
            "name": "web",
            "zone": "66k",
            "balance": "",
            "servers": ["172.16.2.20:9091", "172.16.2.21:9092"],
            "keepalive": 32,
        }
    ]


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"address": "web1"}, "web1:80"),
        ({"address": "fd00::1", "port": 81}, "[fd00::1]:81"),
        (
            {"address": "a", "weight": 2, "max_fails": 0, "max_conns": 9, "fail_timeout": 5, "backup": True},
            "a:80 weight=2 max_fails=0 max_conns=9 fail_timeout=5s backup",
        ),
        ({"address": "a", "backup": False, "down": True}, "a:80 down"),
        ({"address": "out"}, "out:80 down"),
        ({"address": "a", "name": "out", "down": True}, "a:80 down"),
        ({"address": "a", "name": "in"}, "a:80"),
    ],
)
def test_servers_of_an_upstream(server: dict[str, Any], words: str) -> None:
    (upstream,) = shown("upstream", upstreams=[{"name": "web", "servers": [server]}], backends_out=["out", ""])
    assert upstream["servers"] == [words]


@pytest.mark.parametrize(
    ("options", "directive"),
    [
        ({"balance": None}, ""),
        ({"balance": "round_robin", "hash_key": "$arg_a"}, ""),
        ({"balance": "least_conn"}, "least_conn"),
        ({"balance": "ip_hash"}, "ip_hash"),
        ({"balance": "hash"}, "hash $request_uri consistent"),
        ({"balance": "hash", "hash_key": "$arg_a; }"}, 'hash "$arg_a; }" consistent'),
        ({"balance": "random_two"}, "random two least_conn"),
    ],
)
def test_how_a_server_is_chosen(options: dict[str, Any], directive: str) -> None:
    (upstream,) = shown("upstream", upstreams=[{**WEB, **options}])
    assert upstream["balance"] == directive


def test_the_zone_grows_with_the_servers_and_idle_connections_are_one_upstreams_own() -> None:
    servers = [{"address": f"web{number}"} for number in range(300)]
    (upstream,) = shown("upstream", upstreams=[{"name": "web", "servers": servers, "keepalive": 0}])
    assert (upstream["zone"], upstream["keepalive"]) == ("364k", 0)


def test_a_server_listens_in_the_families_that_the_host_has() -> None:
    assert shown("server")[0]["listen"] == ["80"]
    assert shown("server", ipv6=True, servers=[{**DEFAULT, "listen": 8080}])[0]["listen"] == ["8080", "[::]:8080"]


def test_the_first_server_of_a_port_is_its_default() -> None:
    """nginx itself would take the file that comes first."""
    servers = [{**DEFAULT, "name": name, "listen": port} for name, port in (("z", 80), ("a", 80), ("b", 81))]
    assert [server["listen"] for server in shown("server", servers=servers)] == [["80 default_server"], ["80"], ["81"]]


@pytest.mark.parametrize(
    ("names", "vips", "expected"),
    [
        (["www.example.com", "*.example.org"], ["192.168.200.200"], ["www.example.com", "*.example.org"]),
        ([], ["192.168.200.200"], ["192.168.200.200"]),
        (None, [], ["_"]),
        ([r"~^x{2};\d$"], [], [r'"~^x{2};\\d$"']),
    ],
)
def test_names_of_a_server(names: list[str] | None, vips: list[str], expected: list[str]) -> None:
    (server,) = shown("server", servers=[{**DEFAULT, "server_names": names}], vips=vips)
    assert server["server_names"] == expected


def words(text: str) -> list[str]:
    """The words of one directive, and what ended it."""
    return tokens(text)[0]


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1))
def test_any_text_is_one_word(text: str) -> None:
    assert words(f"directive {quoted(text)} next;") == ["directive", text, "next", ";"]


@given(st.text(alphabet=" ;{}\"\\'#$\n\tna~", min_size=1, max_size=12))
def test_any_syntax_is_one_word(text: str) -> None:
    assert words(f"directive {quoted(text)} next;") == ["directive", text, "next", ";"]


def test_no_text_is_a_word_too() -> None:
    assert words(f"directive {quoted('')};") == ["directive", "", ";"]


STREAM = {"name": "db", "listen": [5432], "upstream": "db"}
HOSTILE = st.text(alphabet=st.sampled_from(" ;{}\"'\\#$\n\r\t\0na~/.:*[]é"), min_size=1, max_size=10)


def rendered(settings: Mapping[str, Any]) -> list[list[str]]:
    """Every directive that the templates make of upstreams and servers."""
    files = tree({**SETTINGS, **settings})
    texts = [
        ENVIRONMENT.get_template(each["template"]).render(**each["vars"])
        for each in files
        if each["path"].endswith(".conf")
    ]
    return [directive for text in texts for directive in tokens(text)]


def everything(text: str) -> dict[str, Any]:
    """Settings with a text in every place that takes any; test_nginx_options.py has the others."""
    answer = {"path": f"/{text}", "response_headers": {"X-Own": text}}
    return {
        "upstreams": [{**WEB, "balance": "hash", "hash_key": text}, {**DB, "balance": "hash", "hash_key": text}],
        "modules": ["stream"],
        "streams": [STREAM],
        "servers": [
            {
                **DEFAULT,
                "server_names": [f"~{text}"],
                "error_pages": [{"statuses": [404], "html": f"<p>{text}"}],
                "tls": {"certificate_file": text, "key_file": text},
                "response_headers": {"X-Own": text},
                "locations": [
                    {**answer, "upstream": "web", "request_headers": {"X-Own": text}},
                    {**answer, "path": text, "match": "regex", "root": text, "try_files": [text]},
                    {**answer, "match": "exact", "redirect": text},
                    {**answer, "path": f"/status{text}", "status": 200, "text": text},
                ],
            },
            {"name": "other", "server_names": [f"~{text}"], "redirect": text},
        ],
    }


@given(HOSTILE)
def test_no_text_makes_a_directive(text: str) -> None:
    """What is no control character ends no directive and begins none."""
    texts = {**SETTINGS, **everything(text)}
    if set(text) & set("\n\r\t\0"):
        with pytest.raises(ValueError, match="control characters"):
            tree(texts)
    else:
        assert outlines(texts, text) == outlines(everything("a"), "a")


def outlines(settings: Mapping[str, Any], text: str) -> list[tuple[str, str, int]]:
    """Of each directive its first word, what ends it, and the number of its words; a text is the first word of geo's lines."""
    return [("" if line[0] == text and len(line) > 1 else line[0], line[-1], len(line)) for line in rendered(settings)]


@given(
    HOSTILE, st.sampled_from(["name", "address", "upstream", "header", "stream", "stream's upstream", "sni", "sni's"])
)
def test_what_is_not_quoted_is_refused(text: str, where: str) -> None:
    settings: dict[str, Any] = {
        "name": {"servers": [{**DEFAULT, "name": text}]},
        "address": {"upstreams": [{"name": "web", "servers": [{"address": text}]}]},
        "upstream": {"servers": [{**DEFAULT, "upstream": text}]},
        "header": {"servers": [{**DEFAULT, "response_headers": {text: "a"}}]},
        "stream": {
            "streams": [{**STREAM, "name": text, "connections": 1, "sni": [{"names": ["a"], "upstream": "db"}]}]
        },
        "stream's upstream": {"streams": [{**STREAM, "upstream": text}]},
        "sni": {"streams": [{**STREAM, "sni": [{"names": [text], "upstream": "db"}]}]},
        "sni's": {"streams": [{**STREAM, "sni": [{"names": ["a"], "upstream": text}]}]},
    }[where]
    settings = {"upstreams": [WEB, DB], "modules": ["stream"], **settings}
    problems = nginx_preflight.nginx_problems({**SETTINGS, **settings}, FACTS, "nginx1")
    assert not any("\n" in problem for problem in problems)
    if not problems:
        assert not set(text) & set(" ;{}\"'\\\n\r\t\0#")
        assert all(set(";{}") & set(line[-1]) for line in rendered(settings))


TLS = {"certificate": " CERTIFICATE\n", "key": "KEY\n"}


def the_server(*, version: str = "1.22.1", **entry: Any) -> Mapping[str, Any]:
    return shown("server", servers=[{**DEFAULT, **entry}], version=version)[0]


def the_location(**entry: Any) -> Mapping[str, Any]:
    upstreams = [WEB, {**WEB, "name": "rpc", "protocol": "grpcs"}, {**WEB, "name": "safe", "protocol": "https"}]
    servers = [{"name": "default", "hsts": 60, "response_headers": {"X-A": "a"}, "locations": [{"path": "/", **entry}]}]
    return shown("server", upstreams=upstreams, servers=servers)[0]["locations"][0]


@pytest.mark.parametrize(
    ("entry", "listen", "http2"),
    [
        ({"tls": TLS}, ["443 ssl http2"], False),
        ({"tls": TLS, "version": "1.25.1"}, ["443 ssl"], True),
        ({"tls": TLS, "version": ""}, ["443 ssl http2"], False),
        ({"tls": TLS, "http2": False, "version": "1.27.0"}, ["443 ssl"], False),
        ({"listen": [80, 8080], "proxy_protocol": True}, ["80 proxy_protocol", "8080 proxy_protocol"], False),
    ],
)
def test_what_a_server_listens_on(entry: dict[str, Any], listen: list[str], http2: bool) -> None:
    server = the_server(**entry)
    assert (server["listen"], server["http2"]) == (listen, http2)


def test_a_certificate_and_its_key_are_files_of_the_tree() -> None:
    files = tree({**SETTINGS, "servers": [{**DEFAULT, "tls": TLS}]})
    assert [(each["path"], each["vars"].get("text"), each.get("mode")) for each in files[4:]] == [
        ("nginx_ha/tls/default.crt", "CERTIFICATE", "0644"),
        ("nginx_ha/tls/default.key", "KEY", "0600"),
    ]
    server = the_server(tls=TLS)
    assert (server["certificate"], server["key"]) == ("nginx_ha/tls/default.crt", "nginx_ha/tls/default.key")
    assert the_server()["certificate"] == ""


def test_a_certificate_that_is_on_the_host_stays_where_it_is() -> None:
    tls = {"certificate_file": "/etc/ssl/a b.crt", "key_file": "/etc/ssl/a.key"}
    server = the_server(tls=tls)
    assert (server["certificate"], server["key"]) == ('"/etc/ssl/a b.crt"', "/etc/ssl/a.key")
    assert [each["path"] for each in tree({**SETTINGS, "servers": [{**DEFAULT, "tls": tls}]})][4:] == []


def files_of(**settings: Any) -> dict[str, Mapping[str, Any]]:
    return {each["path"]: each for each in tree({**SETTINGS, **settings})}


def test_who_listens_on_vips_leaves_all_other_addresses_to_strangers() -> None:
    vip = {**DEFAULT, "vips": ["192.168.200.200", "fd00::1"], "listen": [80, 81]}
    secret = {**DEFAULT, "name": "secret", "vips": ["192.168.200.210"], "tls": TLS}
    everywhere = {**DEFAULT, "name": "all", "listen": 81, "server_names": ["www.example.com"]}
    servers = [vip, secret, everywhere]
    listens = ["192.168.200.200:80", "[fd00::1]:80", "192.168.200.200:81", "[fd00::1]:81"]
    assert shown("server", servers=servers)[0]["listen"] == listens
    assert shown("server", servers=servers)[0]["server_names"] == ["192.168.200.200", "[fd00::1]"]
    strangers = files_of(servers=servers, ipv6=True, reuseport=True)["nginx_ha/strangers.conf"]["vars"]["servers"]
    assert strangers == [
        {"listen": ["80 default_server reuseport", "[::]:80 default_server reuseport"], "tls": False},
        {"listen": ["443 default_server ssl reuseport", "[::]:443 default_server ssl reuseport"], "tls": True},
    ]
    assert "nginx_ha/strangers.conf" not in files_of()


def test_one_server_of_a_port_gives_each_worker_a_queue() -> None:
    """nginx refuses a second one."""
    servers = [{**DEFAULT, "name": name, "server_names": [name]} for name in ("a", "b")]
    listens = [server["listen"] for server in shown("server", servers=servers, ipv6=True, reuseport=True)]
    assert listens == [["80 default_server reuseport", "[::]:80 default_server reuseport"], ["80", "[::]:80"]]


def test_error_pages_are_files_that_everybody_gets() -> None:
    pages = [{"statuses": [502, 504], "html": "<p>Soon.\n"}, {"statuses": [404], "html": "<p>No."}]
    entry = {"error_pages": pages, "hsts": 60, "intercept_errors": True}
    server = the_server(**entry)
    assert server["directives"][:4] == [
        "error_page 502 504 /.nginx_ha/default-1.html",
        "error_page 404 /.nginx_ha/default-2.html",
        "proxy_intercept_errors on",
        "grpc_intercept_errors on",
    ]
    assert server["pages"][0] == {
        "selector": "/.nginx_ha/default-1.html",
        "directives": ["internal", "alias /etc/nginx/nginx_ha/pages/default-1.html", "allow all", "auth_basic off"],
    }
    files = files_of(servers=[{**DEFAULT, **entry}])
    assert files["nginx_ha/pages/default-1.html"]["vars"]["text"] == "<p>Soon."
    closed = the_server(error_pages=[{"statuses": [503], "html": "Busy."}])
    assert not any("Retry-After" in directive for directive in closed["pages"][0]["directives"])


def test_maintenance_answers_503_with_a_page_to_all_but_visitors() -> None:
    entry = {"maintenance": {"active": True, "visitors": ["10.0.0.0/8"], "retry_after": 60}, "name": "a-b", "hsts": 9}
    server = the_server(**entry)
    assert (server["maintenance"], server["visitors"]) == ("$nginx_ha_maintenance_a_2db", ["10.0.0.0/8"])
    assert server["pages"][0]["directives"][4:] == [
        "add_header Strict-Transport-Security max-age=9 always",
        "add_header Retry-After 60 always",
    ]
    assert "nginx_ha/pages/a-b-1.html" in files_of(servers=[{**DEFAULT, **entry}])
    own = the_server(**entry, error_pages=[{"statuses": [503], "html": "Closed."}])
    assert own["pages"] == server["pages"]
    assert the_server(maintenance={})["maintenance"] == "$nginx_ha_maintenance_default"
    idle = the_server(maintenance={"active": False, "visitors": ["10.0.0.0/8"]})
    assert (idle["maintenance"], idle["pages"]) == ("", [])


def test_users_are_a_file_that_workers_read() -> None:
    users = [{"name": "staff", "members": [{"name": "alice", "hash": "$6$a$b"}, {"name": "bob", "hash": "$6$c$d"}]}]
    assert files_of(users=users, group="www-data")["nginx_ha/users/staff"] == {
        "path": "nginx_ha/users/staff",
        "template": "text.j2",
        "vars": {"text": "alice:$6$a$b\nbob:$6$c$d"},
        "mode": "0640",
        "group": "www-data",
        "secret": True,
    }
    assert the_server(basic_auth="staff")["directives"] == [
        "auth_basic staff",
        "auth_basic_user_file nginx_ha/users/staff",
    ]


def ticket_keys(generation: int = 0, former: int = 2, secrets: Sequence[str] = ("x" * 32,)) -> list[str]:
    files = files_of(ticket_secrets=secrets, session_ticket_former=former, kept={"generation": generation})
    named = files["nginx_ha/tickets.conf"]["vars"]["keys"]
    assert named == [path for path in files if path.endswith(".key")]
    assert files["nginx_ha/tls/generation"]["vars"]["text"] == str(generation)
    for path in named:
        assert len(files[path]["vars"]["text"] + "\n") == 80 and files[path]["mode"] == "0600" and files[path]["secret"]
    return [files[path]["vars"]["text"] for path in named]


def test_ticket_keys_follow_from_their_secrets_and_the_generation() -> None:
    assert "nginx_ha/tickets.conf" not in files_of()
    first, both = ticket_keys(), ticket_keys(secrets=["y" * 32, "x" * 32])
    assert len(first) == 2 and len(set(both)) == 4 and both[2:] == first


def test_a_rotation_takes_the_next_key_and_forgets_the_oldest() -> None:
    present, following = ticket_keys(7), ticket_keys(8)
    assert len(set(present)) == len(present) == 4
    assert following[0] == present[1], "what is used next was accepted before"
    assert following[2:] == [present[0], present[2]]
    assert following[1] not in present and present[3] not in following
    assert len(ticket_keys(7, former=0)) == 2 and len(ticket_keys(1, former=2)) == 3


@pytest.mark.parametrize(
    ("entry", "listen"),
    [
        ({}, ["443 ssl reuseport", "443 quic reuseport", "[::]:443 ssl reuseport", "[::]:443 quic reuseport"]),
        (
            {"vips": ["192.168.200.200", "fd00::1"]},
            ["192.168.200.200:443 ssl", "192.168.200.200:443 quic", "[fd00::1]:443 ssl", "[fd00::1]:443 quic"],
        ),
    ],
    ids=["everywhere", "VIPs"],
)
def test_http3_is_on_udp_beside_the_others(entry: dict[str, Any], listen: list[str]) -> None:
    settings = {"ipv6": True, "reuseport": True, "version": "1.26.3"}
    servers = [{**DEFAULT, "tls": TLS, "http3": True, **entry}]
    (server,) = shown("server", servers=servers, **settings)
    assert server["listen"] == listen
    assert server["directives"] == ['add_header Alt-Svc "h3=\\":$server_port\\"; ma=86400" always']
    strangers = files_of(servers=servers, **settings).get("nginx_ha/strangers.conf")
    assert (strangers is not None) == ("vips" in entry)
    if strangers:
        options = ["ssl reuseport", "quic reuseport"]
        assert strangers["vars"]["servers"] == [
            {
                "listen": [f"{place}443 default_server {each}" for place in ("", "[::]:") for each in options],
                "tls": True,
            }
        ]


def test_of_servers_that_share_a_port_the_first_shares_its_queues() -> None:
    servers = [{**DEFAULT, "tls": TLS, "http3": True}, {**DEFAULT, "name": "b", "tls": TLS, "http3": True}]
    first, second = shown("server", servers=servers, reuseport=True, version="1.26.3")
    assert first["listen"] == ["443 default_server ssl reuseport", "443 default_server quic reuseport"]
    assert second["listen"] == ["443 ssl", "443 quic"]


def test_a_cache_is_there_when_something_is_kept() -> None:
    assert "nginx_ha/cache.conf" not in files_of(servers=[{**DEFAULT, "cache_seconds": 0}])
    location = {"path": "/a", "upstream": "web", "cache_seconds": 1}
    assert "nginx_ha/cache.conf" in files_of(servers=[{**DEFAULT, "locations": [location]}])
    assert the_server(cache_seconds=60)["directives"] == ["proxy_cache nginx_ha_cache", "proxy_cache_valid 60s"]
    assert the_server(cache_seconds=0)["directives"] == ["proxy_cache off"]


@pytest.mark.parametrize(
    ("version", "resolvers", "word"),
    [("1.27.3", ["10.0.0.1"], "web1:80 resolve"), ("1.27.2", ["10.0.0.1"], "web1:80"), ("1.27.3", [], "web1:80")],
)
def test_names_are_looked_up_again_where_nginx_can(version: str, resolvers: list[str], word: str) -> None:
    upstreams = [{"name": "web", "servers": [{"address": "web1"}, {"address": "fd00::1"}]}]
    (upstream,) = shown("upstream", upstreams=upstreams, version=version, resolvers=resolvers)
    assert upstream["servers"] == [word, "[fd00::1]:80"]


@pytest.mark.parametrize(
    ("version", "coming", "both"),
    [
        ("1.26.3", "", (1, 26, 3)),
        ("1.26.3", "1.30.6-2", (1, 26, 3)),
        ("1.30.6", "1.26.3-3+deb13u10", (1, 26, 3)),
        ("1.30.6", "1:1.20.1-14.el9", (1, 20, 1)),
        ("", "", (0,)),
    ],
)
def test_around_a_change_of_versions_both_take_the_configuration(version: str, coming: str, both: tuple) -> None:
    assert read(Present, {"version": version, "coming_version": coming}).written_for == both


@pytest.mark.parametrize(
    ("entry", "directives"),
    [
        ({}, []),
        ({"redirect": "https://$host$request_uri"}, ["return 301 https://$host$request_uri"]),
        ({"redirect": "/a b", "redirect_code": 308}, ['return 308 "/a b"']),
        ({"hsts": 60}, ["add_header Strict-Transport-Security max-age=60 always"]),
        ({"allow": ["10.0.0.0/8"], "deny": ["::1"]}, ["deny ::1", "allow 10.0.0.0/8", "deny all"]),
        ({"deny": ["10.0.0.1"]}, ["deny 10.0.0.1"]),
        ({"body_size": "10m"}, ["client_max_body_size 10m"]),
        ({"tls": {"certificate_file": "/a", "key_file": "/b", "stapling": True}}, ["ssl_stapling on"]),
        (
            {"trusted_proxies": ["10.0.0.0/8"]},
            ["set_real_ip_from 10.0.0.0/8", "real_ip_header X-Forwarded-For", "real_ip_recursive on"],
        ),
        (
            {"trusted_proxies": ["10.0.0.0/8"], "proxy_protocol": True},
            ["real_ip_header proxy_protocol", "set_real_ip_from 10.0.0.0/8"],
        ),
    ],
)
def test_what_a_server_does_everywhere(entry: dict[str, Any], directives: list[str]) -> None:
    assert the_server(**entry)["directives"] == directives


@pytest.mark.parametrize(
    ("entry", "zones", "directives"),
    [
        (
            {"requests_per_second": 10, "requests_burst": 20},
            ["limit_req_zone $binary_remote_addr zone=default_0_requests:1m rate=10r/s"],
            ["limit_req zone=default_0_requests burst=20 nodelay", "limit_req_status 429"],
        ),
        (
            {"requests_per_second": 0.5},
            ["limit_req_zone $binary_remote_addr zone=default_0_requests:1m rate=30r/m"],
            ["limit_req zone=default_0_requests", "limit_req_status 429"],
        ),
        (
            {"connections": 5},
            ["limit_conn_zone $binary_remote_addr zone=default_0_connections:1m"],
            ["limit_conn default_0_connections 5", "limit_conn_status 429"],
        ),
    ],
)
def test_limits_of_a_client(entry: dict[str, Any], zones: list[str], directives: list[str]) -> None:
    server = the_server(**entry)
    assert (server["zones"], server["directives"]) == (zones, directives)
    inside = the_server(locations=[{"path": "/a", "status": 200}, {"path": "/b", "status": 200, **entry}])
    assert inside["zones"] == [zone.replace("default_0", "default_2") for zone in zones]
    assert [
        directive.replace("default_2", "default_0") for directive in inside["locations"][1]["directives"][:-1]
    ] == directives


@pytest.mark.parametrize(
    ("entry", "proxy", "directives"),
    [
        ({"upstream": "web"}, "proxy", ["proxy_pass http://web"]),
        ({"upstream": "safe"}, "proxy", ["proxy_pass https://safe"]),
        ({"upstream": "rpc", "read_timeout": 300}, "grpc", ["grpc_pass grpcs://rpc", "grpc_read_timeout 300000ms"]),
        (
            {"upstream": "web", "strip_prefix": True, "connect_timeout": 0.5, "buffering": False},
            "proxy",
            [
                "proxy_pass http://web/",
                "proxy_connect_timeout 500ms",
                "proxy_buffering off",
                "proxy_request_buffering off",
            ],
        ),
        (
            {"upstream": "web", "request_headers": {"X-B": "$host b"}},
            "proxy",
            ["proxy_pass http://web", 'proxy_set_header X-B "$host b"'],
        ),
        (
            {"upstream": "rpc", "request_headers": {"host": "b", "X-B": ""}},
            "",
            [
                "grpc_pass grpcs://rpc",
                "grpc_set_header X-Real-IP $remote_addr",
                "grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for",
                "grpc_set_header X-Forwarded-Proto $scheme",
                "grpc_set_header X-Request-ID $request_id",
                "grpc_set_header host b",
                'grpc_set_header X-B ""',
            ],
        ),
        ({"root": "/srv/a b"}, "", ['root "/srv/a b"', "try_files $uri =404"]),
        ({"root": "/srv", "try_files": ["$uri", "/index.html"]}, "", ["root /srv", "try_files $uri /index.html"]),
        ({"redirect": "/new", "redirect_code": 307}, "", ["return 307 /new"]),
        ({"status": 204}, "", ["return 204"]),
        ({"status": 200, "text": "ok\n"}, "", ["default_type text/plain", 'return 200 "ok\n"']),
        (
            {"status": 204, "response_headers": {"X-B": "b", "X-A": "other"}},
            "",
            [
                "add_header Strict-Transport-Security max-age=60 always",
                "add_header X-A other always",
                "add_header X-B b always",
                "return 204",
            ],
        ),
    ],
)
def test_what_a_location_does(entry: dict[str, Any], proxy: str, directives: list[str]) -> None:
    location = the_location(**entry)
    assert (location["proxy"], location["directives"]) == (proxy, directives)


@pytest.mark.parametrize(
    ("match", "path", "selector"),
    [
        (None, "/a", "/a"),
        ("prefix", "/a b", '"/a b"'),
        ("exact", "/a", "= /a"),
        ("prefix_first", "/a", "^~ /a"),
        ("regex", r"\.php$", r'~ "\\.php$"'),
        ("regex_any_case", "^/a{2}", '~* "^/a{2}"'),
    ],
)
def test_which_requests_a_location_takes(match: str | None, path: str, selector: str) -> None:
    assert the_location(match=match, path=path, status=204)["selector"] == selector


def test_a_servers_upstream_is_a_location_after_its_own() -> None:
    locations = the_server(locations=[{"path": "/a", "status": 204}])["locations"]
    assert [location["selector"] for location in locations] == ["/a", "/"]


def test_servers_are_asked_that_this_host_can_ask() -> None:
    servers = [
        {**DEFAULT, "listen": [80, 81]},
        {**DEFAULT, "name": "tls", "tls": TLS, "server_names": ["*.example.com", "www.example.com"]},
        {**DEFAULT, "name": "idle", "listen": 82, "maintenance": {"active": False}},
        {**DEFAULT, "name": "busy", "listen": 83, "maintenance": {}},
        {**DEFAULT, "name": "behind", "listen": 84, "proxy_protocol": True},
        {**DEFAULT, "name": "elsewhere", "listen": 85, "vips": ["192.168.200.200"]},
    ]
    asked = nginx_probes(servers, ["192.168.200.200"])
    assert [(probe["port"], probe["host"], probe["tls"]) for probe in asked] == [
        (80, "192.168.200.200", False),
        (81, "192.168.200.200", False),
        (443, "www.example.com", True),
        (82, "192.168.200.200", False),
    ]


MASKS = VARIABLES["__nginx_masks"]


@pytest.mark.parametrize(
    ("text", "shown_text"),
    [
        (
            "-----BEGIN EC PRIVATE KEY-----\nabc\ndef\n-----END EC PRIVATE KEY-----\n",
            "-----BEGIN EC PRIVATE KEY-----\n********\n-----END",
        ),
        ("alice:$6$salt$hash\nbob:{SHA}abc=\n", "alice:********\nbob:********\n"),
        ("0" * 79 + "\n", "********\n"),
        ("-----BEGIN CERTIFICATE-----\nabc\n-----END", "-----BEGIN CERTIFICATE-----\nabc\n-----END"),
        (
            '    listen 192.168.200.200:80;\n    "time":"$time_iso8601"',
            '    listen 192.168.200.200:80;\n    "time":"$time_iso8601"',
        ),
    ],
)
def test_differences_show_no_secret(text: str, shown_text: str) -> None:
    assert masked(text, MASKS).startswith(shown_text)


def the_stream(**entry: Any) -> Mapping[str, Any]:
    streams = [{**STREAM, **entry}]
    return shown("stream", upstreams=[WEB, DB, DNS, {**DB, "name": "other"}], streams=streams)[0]


def test_streams_and_their_upstreams_are_apart_from_those_of_http() -> None:
    streams = [{**STREAM, "tls": TLS}, {**STREAM, "name": "dns", "upstream": "dns"}]
    servers = [{**DEFAULT, "name": "db", "tls": TLS}]
    files = tree({**SETTINGS, "upstreams": [DB, WEB, DNS], "servers": servers, "streams": streams})
    assert [(each["path"], each["template"], each.get("mode")) for each in files[2:]] == [
        ("nginx_ha/stream_upstreams/db.conf", "upstream.conf.j2", None),
        ("nginx_ha/upstreams/web.conf", "upstream.conf.j2", None),
        ("nginx_ha/stream_upstreams/dns.conf", "upstream.conf.j2", None),
        ("nginx_ha/servers/db.conf", "server.conf.j2", None),
        ("nginx_ha/tls/db.crt", "text.j2", "0644"),
        ("nginx_ha/tls/db.key", "text.j2", "0600"),
        ("nginx_ha/streams/db.conf", "stream.conf.j2", None),
        ("nginx_ha/streams/dns.conf", "stream.conf.j2", None),
        ("nginx_ha/stream_tls/db.crt", "text.j2", "0644"),
        ("nginx_ha/stream_tls/db.key", "text.j2", "0600"),
    ]


@pytest.mark.parametrize(
    ("options", "balance"),
    [
        ({}, ""),
        ({"balance": "hash"}, "hash $remote_addr consistent"),
        ({"balance": "hash", "hash_key": "$remote_port"}, "hash $remote_port consistent"),
        ({"balance": "random_two"}, "random two least_conn"),
    ],
)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_an_upstream_of_streams(protocol: str, options: dict[str, Any], balance: str) -> None:
    (upstream,) = shown("upstream", upstreams=[{**DB, "protocol": protocol, **options}], servers=[])
    assert (upstream["balance"], upstream["keepalive"]) == (balance, 0)


@pytest.mark.parametrize(
    ("entry", "listen"),
    [
        ({}, ["5432"]),
        ({"listen": [5432, 5433], "proxy_protocol": True}, ["5432 proxy_protocol", "5433 proxy_protocol"]),
        ({"tls": TLS, "proxy_protocol": True}, ["5432 ssl proxy_protocol"]),
        ({"upstream": "dns"}, ["5432 udp reuseport"]),
    ],
)
def test_what_a_stream_listens_on(entry: dict[str, Any], listen: list[str]) -> None:
    assert the_stream(**entry)["listen"] == listen
    both = shown("stream", upstreams=[DB, DNS], servers=[], streams=[{**STREAM, **entry}], ipv6=True)[0]["listen"]
    assert both == [words for each in listen for words in (each, f"[::]:{each}")]


@pytest.mark.parametrize(
    ("entry", "directives"),
    [
        ({}, ["proxy_pass db"]),
        (
            {"connect_timeout": 0.5, "idle_timeout": 3600, "proxy_protocol_out": True},
            ["proxy_connect_timeout 500ms", "proxy_timeout 3600000ms", "proxy_protocol on", "proxy_pass db"],
        ),
        ({"upstream": "dns", "responses": 0}, ["proxy_responses 0", "proxy_pass dns"]),
        (
            {"allow": ["10.0.0.0/8"], "deny": ["10.0.0.1"]},
            ["deny 10.0.0.1", "allow 10.0.0.0/8", "deny all", "proxy_pass db"],
        ),
        (
            {"proxy_protocol": True, "trusted_proxies": ["10.0.0.0/8", "fd00::1"]},
            ["set_real_ip_from 10.0.0.0/8", "set_real_ip_from fd00::1", "proxy_pass db"],
        ),
        ({"connections": 5}, ["limit_conn stream/db 5", "proxy_pass db"]),
    ],
)
def test_what_a_stream_does(entry: dict[str, Any], directives: list[str]) -> None:
    stream = the_stream(**entry)
    assert stream["directives"] == directives
    zones = ["limit_conn_zone $binary_remote_addr zone=stream/db:1m"] if "connections" in entry else []
    assert (stream["zones"], stream["sni"]) == (zones, {})


def test_tls_goes_where_its_name_says() -> None:
    sni = [
        {"names": ["a.example.com", "*.b.example"], "upstream": "other"},
        {"names": [".c.example"], "upstream": "db"},
    ]
    stream = the_stream(upstream=None, sni=sni)
    assert stream["sni"] == {
        "variable": "$nginx_ha_sni_db",
        "names": [("a.example.com", "other"), ("*.b.example", "other"), (".c.example", "db")],
        "default": '""',
    }
    assert stream["directives"] == ["ssl_preread on", "proxy_pass $nginx_ha_sni_db"]
    assert the_stream(sni=sni)["sni"]["default"] == "db"


def test_each_stream_has_a_variable_of_its_own() -> None:
    """nginx takes variables whose names differ in capitals only for one."""
    sni = [{"names": ["a"], "upstream": "db"}]
    names = ["a-b", "a_b", "a.b", "A.b", "a_2db", "ab"]
    variables = [the_stream(name=name, sni=sni)["sni"]["variable"] for name in names]
    assert len(set(variables)) == len(names)
    assert all(variable[1:].replace("_", "").isalnum() and variable.islower() for variable in variables)


def nginx_conf(**variables: Any) -> str:
    return rendered_files({**SETTINGS, **variables})["nginx.conf"]


def test_only_streams_need_the_stream_module() -> None:
    assert ["stream", "{"] not in tokens(nginx_conf())
    lines = tokens(nginx_conf(upstreams=[WEB, DB], streams=[STREAM]))
    block = lines[lines.index(["stream", "{"]) :]
    assert ["include", "nginx_ha/streams/*.conf", ";"] in block
    assert ["include", "nginx_ha/stream_upstreams/*.conf", ";"] in block
    assert not [line for line in block if line[-1] == "{" and line != ["stream", "{"]]
