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
            "nginx_servers[0].http3 needs nginx 1.25.0, and this host has 1.22.1. Install one that has it, or remove http3.",
        ],
    ),
    "HTTP/3 that this nginx is not built with": (
        {
            "servers": [{**SERVER, "tls": TLS, "http3": True}],
            "installed": True,
            "version": "1.26.3",
            "modules_here": ["http_v2"],
        },
        [
            "nginx_servers[0].http3 needs an nginx that is built with http_v3, and this host's 1.26.3 is not. Install one that has it, or remove http3."
        ],
    ),
    "HTTP/3 without encryption, and behind the PROXY protocol": (
        {"servers": [{**SERVER, "http3": True, "proxy_protocol": True}]},
        [
            "nginx_servers[0].http3 needs tls, which is not set. Set tls, or remove http3.",
            "nginx_servers[0].http3 stands beside proxy_protocol, which nginx does not speak over UDP. Remove http3, or proxy_protocol.",
        ],
    ),
    "HTTP/3 for some of a port": (
        {"servers": [{**SERVER, "tls": TLS, "http3": True}, {**OTHER, "tls": TLS}]},
        [
            "nginx_servers[1] shares port 443 with nginx_servers[0] (default), but not tls, http2, http3 or proxy_protocol. All of a port have the same; give one of the two another port.",
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
            "nginx_streams[0].listen has UDP port 443, which is taken by nginx_servers[0]. Give one of the two another port.",
        ],
    ),
    "no key to rotate": (
        {"session_ticket_rotate": True},
        [
            "nginx_session_ticket_rotate needs nginx_session_ticket_secrets, which is not set. Set nginx_session_ticket_secrets, or remove nginx_session_ticket_rotate.",
        ],
    ),
    "too many former keys": (
        {"session_ticket_former": 25},
        [
            "nginx_session_ticket_former is 25, which is not a whole number from 0 to 24. Give it a value such as 1.",
        ],
    ),
    "workers that are none": (
        {"worker_processes": "seven", "worker_connections": 8},
        [
            "nginx_worker_processes is 'seven', which is not auto, one for each core, or a number from 1 to 999. Give it a value such as 4.",
            "nginx_worker_connections is 8, which is not a whole number from 16 to 1048576. Give it a value such as 4096.",
        ],
    ),
    "workers that would be more than a number": (
        {"worker_processes": "2; user root", "worker_connections": "1024;"},
        [
            "nginx_worker_processes is '2; user root', which is not auto, one for each core, or a number from 1 to 999. Give it a value such as 4.",
            "nginx_worker_connections is '1024;', which is not a whole number from 16 to 1048576. Give it a value such as 4096.",
        ],
    ),
    "no nginx to configure": (
        {"install_method": "none", "installed": False},
        ["nginx_install_method is none, and there is no nginx on this host. Install one, or set it to package."],
    ),
    "no address": (
        {"servers": [{**SERVER, "vips": ["10.0.0.1", "www;"]}]},
        [
            "nginx_servers[0].vips[1] is 'www;', which is not an IP address. Give it a value such as 192.168.200.200.",
        ],
    ),
    "one name on one address": (
        {"servers": [{**SERVER, "vips": ["10.0.0.1"]}, {**OTHER, "server_names": ["A"], "vips": ["10.0.0.1"]}]},
        [
            "nginx_servers[1] answers for A on port 80, as nginx_servers[0] (default) does. Give them different server_names or ports.",
        ],
    ),
    "a port with and without encryption": (
        {"servers": [SERVER, {**OTHER, "tls": TLS, "listen": [80]}]},
        [
            "nginx_servers[1] shares port 80 with nginx_servers[0] (default), but not tls, http2, http3 or proxy_protocol. All of a port have the same; give one of the two another port.",
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
            "nginx_repository_url is 'https://example.com/packages/\\nTrusted: yes', which is not an address without a slash at its end. Give it a value such as https://mirror.example.com/nginx.",
            "nginx_repository_fingerprints[1] is '7BD9BF62', which is not a fingerprint of 40 hexadecimal digits. Give it a value such as 573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62.",
        ],
    ),
    "a version": (
        {"install_method": "none", "installed": True, "wanted_version": "1.22 nginx-extras"},
        [
            "nginx_version is '1.22 nginx-extras', which is not a package's version, with '*' for any text. Give it a value such as 1.22.1-9.",
        ],
    ),
    "a version that nothing installs": (
        {"install_method": "none", "installed": True, "wanted_version": "1.22.1-9"},
        ["nginx_version is set, and nginx_install_method is none, which installs nothing. Remove one of them."],
    ),
    "a port with and without HTTP/2": (
        {"servers": [{**SERVER, "tls": TLS}, {**OTHER, "tls": TLS, "http2": False}]},
        [
            "nginx_servers[1] shares port 443 with nginx_servers[0] (default), but not tls, http2, http3 or proxy_protocol. All of a port have the same; give one of the two another port.",
        ],
    ),
    "a port with and without the PROXY protocol": (
        {"servers": [SERVER, {**OTHER, "proxy_protocol": True}]},
        [
            "nginx_servers[1] shares port 80 with nginx_servers[0] (default), but not tls, http2, http3 or proxy_protocol. All of a port have the same; give one of the two another port.",
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
            "nginx_servers[0].listen has port 80, which apache2 has on this host (0.0.0.0). Stop that, or choose another port.",
            "nginx_health_port has port 8081, which another program has on this host (127.0.0.1). Stop that, or choose another port.",
        ],
    ),
    "stapling without a resolver": (
        {"servers": [{**SERVER, "tls": {**TLS, "stapling": True}}]},
        [
            "nginx_servers[0].tls.stapling is set, for which nginx looks up its authority. Set nginx_resolvers.",
        ],
    ),
    "a file's name": (
        {"servers": [{**SERVER, "tls": {**TLS, "key_file": "/a\n"}}]},
        [
            "nginx_servers[0].tls.key_file is '/a\\n', which is not one line without control characters. Give it a value such as /etc/ssl/www.example.com.key.",
        ],
    ),
    "half a certificate": (
        {"servers": [{**SERVER, "tls": {"certificate": "a"}}]},
        [
            "nginx_servers[0].tls.certificate needs key, which is not set. Set key, or remove certificate.",
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
            "nginx_servers[0].error_pages[0].statuses[1] is 200, which is not a whole number from 300 to 599. Give it a value such as 502.",
            "nginx_servers[0].error_pages[2].html is ' \\n', which is not a page that is not empty. Give it a value such as <!doctype html><p>We are back in a minute.</p>.",
            "nginx_servers[0].error_pages[3].statuses is not set. Give it a value such as [502].",
            "nginx_servers[0].error_pages[1].statuses has 404, which is there already. Remove one of the pages.",
        ],
    ),
    "visitors": (
        {"servers": [{**SERVER, "maintenance": {"visitors": ["office"]}}]},
        [
            "nginx_servers[0].maintenance.visitors[0] is 'office', which is not an address or a network. Give it a value such as 172.16.2.0/24.",
        ],
    ),
    "unknown users": (
        {
            "users": [STAFF],
            "servers": [{**SERVER, "locations": [{"path": "/a", "root": "/srv", "basic_auth": "boss"}]}],
        },
        [
            "nginx_servers[0].locations[0].basic_auth is 'boss', which nginx_users lacks; it has staff. Name one of these, or add it there.",
        ],
    ),
    "lists of users": (
        {"users": [STAFF, STAFF, {"name": "a b", "members": []}]},
        [
            "nginx_users[2].name is 'a b', which is not a name of letters, digits, '_', '-' and '.' that begins with a letter or digit. Give it a value such as staff.",
            "nginx_users[2].members is not set. Give it a value such as [{'name': 'alice', 'hash': '$6$salt$hash'}].",
            "nginx_users[1].name is 'staff', as that of nginx_users[0] is. Give each one of its own.",
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
            "nginx_users[0].members[0].name is 'a:b', which is not one line without a colon that does not begin with '#'. Give it a value such as alice.",
            "nginx_users[0].members[1].hash is a value that is not a password as 'openssl passwd -6' prints it. Set it to a password as 'openssl passwd -6' prints it.",
            "nginx_users[0].members[2].hash is a value that is not a password as 'openssl passwd -6' prints it. Set it to a password as 'openssl passwd -6' prints it.",
            "nginx_users[0].members[2].name is 'carol', as that of nginx_users[0].members[1] is. Give each one of its own.",
        ],
    ),
    "a secret that is none": (
        {"ticket_secrets": ["x" * 32, "short"]},
        [
            "nginx_session_ticket_secrets[1] is a value that is not a secret of 32 characters or more, as openssl rand -hex 32 makes one. Set it to a secret of 32 characters or more, as openssl rand -hex 32 makes one.",
        ],
    ),
    "resolvers": (
        {"resolvers": ["10.0.0.1", "dns.example.com;"]},
        [
            "nginx_resolvers[1] is 'dns.example.com;', which is not an IP address. Give it a value such as 10.0.0.53.",
        ],
    ),
    "size of the cache": (
        {"cache_size": "1 GB"},
        [
            "nginx_cache_size is '1 GB', which is not a number of bytes above 0. Give it a value such as 10g.",
        ],
    ),
    "seconds of the cache": (
        {"servers": [{**SERVER, "cache_seconds": -1}]},
        [
            "nginx_servers[0].cache_seconds is -1, which is not a whole number from 0 to 315360000. Give it a value such as 1.",
        ],
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
