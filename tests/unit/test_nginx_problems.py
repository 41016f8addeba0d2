# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nginx role refuses of pages, users, caches, addresses and ports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.plugin_utils.nginx.preflight import nginx_problems

FACTS = {"distribution": "Debian", "os_family": "Debian", "distribution_version": "12"}
WEB = {"name": "web", "servers": [{"address": "172.16.2.20", "port": 9091}]}
SERVER: dict[str, Any] = {"name": "default", "upstream": "web", "server_names": ["a"]}
OTHER: dict[str, Any] = {"name": "other", "upstream": "web", "server_names": ["b"]}
TLS = {"certificate_file": "/etc/ssl/a.crt", "key_file": "/etc/ssl/a.key"}
STAFF = {"name": "staff", "members": [{"name": "alice", "hash": "$6$salt$hash"}, {"name": "bob", "hash": "{SHA}a="}]}

GOOD: dict[str, Mapping[str, Any]] = {
    "one name on two addresses": {
        "servers": [{**SERVER, "vips": ["10.0.0.1"]}, {**OTHER, "server_names": ["a"], "vips": ["::1"]}]
    },
    "what nginx itself has": {
        "listeners": [
            {"address": "0.0.0.0", "port": 80, "process": "nginx"},
            {"address": "::", "port": 22, "process": "sshd"},
        ]
    },
    "users": {"users": [STAFF], "servers": [{**SERVER, "basic_auth": "staff"}]},
    "stapling": {"servers": [{**SERVER, "tls": {**TLS, "stapling": True}}], "resolvers": ["10.0.0.1", "::1"]},
    "workers": {"worker_processes": "4", "worker_connections": "1024"},
    "secrets": {"ticket_secrets": ["x" * 32], "session_ticket_rotate": True, "session_ticket_former": 24},
    "a certificate of its own making": {"servers": [{**SERVER, "tls": {"self_signed": True}}]},
    "HTTP/3": {
        "servers": [{**SERVER, "tls": TLS, "http3": True}],
        "installed": True,
        "version": "1.26.3",
        "modules_here": ["http_v2", "http_v3"],
    },
    "HTTP/3 of an nginx that is still to be installed": {
        "servers": [{**SERVER, "tls": TLS, "http3": True}],
        "installed": False,
    },
    "pages": {
        "servers": [
            {**SERVER, "error_pages": [{"statuses": [300, 599], "html": "a"}], "maintenance": {"visitors": ["::1"]}}
        ]
    },
    "cache": {"cache_size": "500m", "servers": [{**SERVER, "cache_seconds": 0}]},
}
PROBLEMS: dict[str, tuple[Mapping[str, Any], list[str]]] = {
    "HTTP/3 that this nginx cannot": (
        {
            "servers": [{**SERVER, "tls": TLS, "http3": True}],
            "installed": True,
            "version": "1.22.1",
            "modules_here": [],
        },
        [
            "nginx_servers: default has http3, which the nginx 1.22.1 of this host is not built with (--with-http_v3_module, 1.25 and later; "
            "Debian 13's and nginx.org's are). Install such a one, or remove http3."
        ],
    ),
    "HTTP/3 without encryption, and behind the PROXY protocol": (
        {"servers": [{**SERVER, "http3": True, "proxy_protocol": True}]},
        [
            "nginx_servers: default has http3, which is always encrypted. Give it tls.",
            "nginx_servers: default has http3 and proxy_protocol, which nginx does not speak over UDP. Remove one of them.",
        ],
    ),
    "HTTP/3 for some of a port": (
        {"servers": [{**SERVER, "tls": TLS, "http3": True}, {**OTHER, "tls": TLS}]},
        [
            "nginx_servers: default and other share port 443, but not tls, http2, http3 or proxy_protocol. "
            "All of a port have the same; give one of the two another port."
        ],
    ),
    "HTTP/3 on a port of a stream": (
        {
            "upstreams": [WEB, {"name": "dns", "protocol": "udp", "servers": [{"address": "172.16.2.31", "port": 53}]}],
            "servers": [{**SERVER, "tls": TLS, "http3": True}],
            "streams": [{"name": "dns", "listen": [443], "upstream": "dns"}],
            "modules": ["stream"],
        },
        [
            "nginx_servers: default has http3 on UDP port 443, which the stream dns listens on. Give one of the two another port."
        ],
    ),
    "no key to rotate": (
        {"session_ticket_rotate": True},
        [
            "nginx_session_ticket_secrets is empty, so each host has a key of its own and there is none to rotate. "
            "Set a secret that all share; openssl rand -hex 32 makes one."
        ],
    ),
    "too many former keys": (
        {"session_ticket_former": 25},
        ["nginx_session_ticket_former is 25. It is 0 to 24."],
    ),
    "workers that are none": (
        {"worker_processes": "seven", "worker_connections": 8},
        [
            "nginx_worker_processes is 'seven'. It is auto, one for each core, or a number from 1 to 999.",
            "nginx_worker_connections is 8. It is a number from 16 to 1048576.",
        ],
    ),
    "workers that would be more than a number": (
        {"worker_processes": "2; user root", "worker_connections": "1024;"},
        [
            "nginx_worker_processes is '2; user root'. It is auto, one for each core, or a number from 1 to 999.",
            "nginx_worker_connections is '1024;'. It is a number from 16 to 1048576.",
        ],
    ),
    "no nginx to configure": (
        {"install_method": "none", "installed": False},
        ["nginx_install_method is none, and there is no nginx on this host. Install one, or set it to package."],
    ),
    "no address": (
        {"servers": [{**SERVER, "vips": ["10.0.0.1", "www;"]}]},
        [
            "nginx_servers: default has in vips 'www;', which is no address. It listens on addresses, such as 192.168.200.200."
        ],
    ),
    "one name on one address": (
        {"servers": [{**SERVER, "vips": ["10.0.0.1"]}, {**OTHER, "server_names": ["A"], "vips": ["10.0.0.1"]}]},
        ["nginx_servers: default and other both answer for A on port 80. Give them different server_names or ports."],
    ),
    "a port with and without encryption": (
        {"servers": [SERVER, {**OTHER, "tls": TLS, "listen": [80]}]},
        [
            "nginx_servers: default and other share port 80, but not tls, http2, http3 or proxy_protocol. "
            "All of a port have the same; give one of the two another port."
        ],
    ),
    "the distribution's nginx beside nginx.org's": (
        {
            "install_method": "nginx_org",
            "repository_url": "https://nginx.org/packages",
            "packages": {"nginx": "1.22.1-9", "nginx-common": "1.22.1-9"},
        },
        [
            "nginx_install_method is nginx_org, and this host has the distribution's nginx (nginx-common). Set it to package, or remove "
            "that nginx first: uninstall.yml does where this collection has installed it."
        ],
    ),
    "a repository": (
        {
            "install_method": "nginx_org",
            "repository_url": "https://example.com/packages/\nTrusted: yes",
            "repository_fingerprints": ["573B FD6B 3D8F BC64 1079 A6AB ABF5 BD82 7BD9 BF62", "7BD9BF62"],
        },
        [
            "nginx_repository_url is 'https://example.com/packages/\\nTrusted: yes'. It is an address such as "
            "https://nginx.org/packages, without a slash at its end.",
            "nginx_repository_fingerprints has '7BD9BF62'. A fingerprint has 40 hexadecimal digits.",
        ],
    ),
    "a version": (
        {"install_method": "none", "installed": True, "wanted_version": "1.22 nginx-extras"},
        [
            "nginx_version is '1.22 nginx-extras'. It is a package's version, such as 1.22.1-9, with '*' for any text, or empty.",
            "nginx_version is set, and nginx_install_method is none, which installs nothing. Remove one of them.",
        ],
    ),
    "a port with and without HTTP/2": (
        {"servers": [{**SERVER, "tls": TLS}, {**OTHER, "tls": TLS, "http2": False}]},
        [
            "nginx_servers: default and other share port 443, but not tls, http2, http3 or proxy_protocol. "
            "All of a port have the same; give one of the two another port."
        ],
    ),
    "a port with and without the PROXY protocol": (
        {"servers": [SERVER, {**OTHER, "proxy_protocol": True}]},
        [
            "nginx_servers: default and other share port 80, but not tls, http2, http3 or proxy_protocol. "
            "All of a port have the same; give one of the two another port."
        ],
    ),
    "ports of others": (
        {
            "health_port": 8081,
            "listeners": [
                {"address": "0.0.0.0", "port": 80, "process": "apache2"},
                {"address": "127.0.0.1", "port": 8081, "process": ""},
            ],
        },
        [
            "nginx_servers: default listens on port 80, which apache2 has on this host (0.0.0.0). Stop that, or choose another port.",
            "nginx_health_port is 8081, which another program has on this host (127.0.0.1). Stop that, or choose another port.",
        ],
    ),
    "stapling without a resolver": (
        {"servers": [{**SERVER, "tls": {**TLS, "stapling": True}}]},
        ["nginx_servers: default's tls has stapling, for which nginx looks up its authority. Set nginx_resolvers."],
    ),
    "a file's name": (
        {"servers": [{**SERVER, "tls": {**TLS, "key_file": "/a\n"}}]},
        ["nginx_servers: default's tls has the key_file '/a\\n', which holds a control character. Remove it."],
    ),
    "half a certificate": (
        {"servers": [{**SERVER, "tls": {"certificate": "a"}}]},
        [
            "nginx_servers: default's tls needs certificate and key, or certificate_file and key_file, or self_signed. Give both of one kind."
        ],
    ),
    "error pages": (
        {
            "servers": [
                {
                    **SERVER,
                    "error_pages": [
                        {"statuses": [404, 200], "html": "a"},
                        {"statuses": [404], "html": "b"},
                        {"statuses": [500], "html": " \n"},
                        {"statuses": [], "html": "c"},
                    ],
                }
            ]
        },
        [
            "nginx_servers: default has an error page for 200. It is for 300 to 599.",
            "nginx_servers: default has two error pages for 404. Remove one of them.",
            "nginx_servers: default has an error page that is empty, or for no status. Give it statuses and html.",
            "nginx_servers: default has an error page that is empty, or for no status. Give it statuses and html.",
        ],
    ),
    "visitors": (
        {"servers": [{**SERVER, "maintenance": {"visitors": ["office"]}}]},
        ["nginx_servers: default has in maintenance's visitors 'office', which is neither an address nor a network."],
    ),
    "unknown users": (
        {
            "users": [STAFF],
            "servers": [{**SERVER, "locations": [{"path": "/a", "root": "/srv", "basic_auth": "boss"}]}],
        },
        ["nginx_servers: default's location /a has the basic_auth 'boss', which nginx_users lacks; it has staff."],
    ),
    "lists of users": (
        {"users": [STAFF, STAFF, {"name": "a b", "members": []}]},
        [
            "nginx_users: two lists are called staff. Give each a name of its own.",
            "nginx_users: name 'a b' is not made of letters, digits, '_', '-' and '.'. Rename it, e.g. staff.",
            "nginx_users: a b has no members, so nobody could ask. Name one, or remove the list.",
        ],
    ),
    "members": (
        {
            "users": [
                {
                    "name": "staff",
                    "members": [
                        {"name": "a:b", "hash": "$6$a$b"},
                        {"name": "carol", "hash": "secret"},
                        {"name": "carol", "hash": "$6$a$b\nroot:$6$c$d"},
                    ],
                }
            ]
        },
        [
            "nginx_users: staff has the user 'a:b'. A name is one line without a colon, and does not begin with '#'.",
            "nginx_users: staff's carol has a hash that is none. Give it as 'openssl passwd -6' prints it.",
            "nginx_users: staff has carol twice. Remove one of them.",
            "nginx_users: staff's carol has a hash that is none. Give it as 'openssl passwd -6' prints it.",
        ],
    ),
    "a secret that is none": (
        {"ticket_secrets": ["x" * 32, "short"]},
        ["nginx_session_ticket_secrets: number 2 has 5 characters. It has 32 or more; openssl rand -hex 32 makes one."],
    ),
    "resolvers": (
        {"resolvers": ["10.0.0.1", "dns.example.com;"]},
        [
            "nginx_resolvers has 'dns.example.com;', which is no address. It lists addresses of DNS servers, IPv6 ones too."
        ],
    ),
    "size of the cache": (
        {"cache_size": "1 GB"},
        ["nginx_cache_size is '1 GB'. It is a number of bytes, such as 500m or 10g."],
    ),
    "seconds of the cache": (
        {"servers": [{**SERVER, "cache_seconds": -1}]},
        ["nginx_servers: default has cache_seconds -1. It is above 0."],
    ),
}


def problems(settings: Mapping[str, Any]) -> list[str]:
    return nginx_problems({"upstreams": [WEB], "servers": [SERVER], **settings}, FACTS, "nginx1")


@pytest.mark.parametrize("settings", GOOD.values(), ids=GOOD)
def test_good_input(settings: Mapping[str, Any]) -> None:
    assert problems(settings) == []


@pytest.mark.parametrize(("settings", "texts"), PROBLEMS.values(), ids=PROBLEMS)
def test_problem(settings: Mapping[str, Any], texts: list[str]) -> None:
    assert problems(settings) == [f"nginx1: {text}" for text in texts]
