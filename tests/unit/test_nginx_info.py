# SPDX-License-Identifier: GPL-3.0-or-later
"""What host_info makes of a host's nginx: nginx, the package managers and /proc are stand-ins; sockets and the module are real."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import nginx_conf
from support.hosts import Host
from support.modules import ends, newest


@pytest.fixture
def host(bare: Host) -> Host:
    return bare


PID = 800
OPENSSL = shutil.which("openssl")


def look(host: Host, **arguments: Any) -> dict[str, Any]:
    return host.ask_for("nginx", **{"config": f"{host.directory}/nginx/nginx.conf", **arguments})


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def install(host: Host, said: str = "nginx version: nginx/1.22.1\n", code: int = 0) -> None:
    host.script("nginx", f"echo '{said}' >&2\nexit {code}\n")


# The binary and its processes


def test_an_nginx_that_runs(host: Host) -> None:
    install(host)
    title = "nginx: worker process"
    titles = {
        PID: (1, "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;"),
        801: (PID, f"{title} is shutting down"),
        802: (PID, title),
        900: (PID, title),
        803: (PID, "nginx: cache manager process"),
        804: (PID, ""),
        805: (1, title),
        806: (80, title),
    }
    for pid, (parent, cmdline) in titles.items():
        host.put(f"proc/{pid}/comm", "nginx\n")
        host.put(f"proc/{pid}/stat", f"{pid} (nginx) S {parent} 1 1 0\n")
        host.put(f"proc/{pid}/cmdline", cmdline.replace(" ", "\0") if pid == PID else f"{cmdline}\0\0")
    host.put("proc/uptime", "1 1\n")
    host.put("proc/meminfo", "MemTotal:        2048999 kB\nMemFree: 1 kB\n")
    host.put(
        "proc/1/limits",
        "Limit  Soft  Hard  Units\nMax open files            1024                 524288               files\n",
    )
    host.put("run/nginx.pid", f"{PID}\n")
    host.put("nginx/nginx.conf", "events {}\n")
    host.put("nginx/nginx_ha/backends_out", "web1\n172.16.2.30\n")
    config = host.directory / "nginx" / "nginx.conf"
    answer = look(host)
    assert {key: answer[key] for key in answer if key != "invocation"} == {
        "backends_out": ["web1", "172.16.2.30"],
        "cores": os.sysconf("SC_NPROCESSORS_ONLN"),
        "memory_mb": 2000,
        "open_files": 524288,
        "changed": False,
        "installed": True,
        "version": "1.22.1",
        "modules": [],
        "running": True,
        "pid": PID,
        "workers": [802, 900],
        "files": {str(config): sha256(config)},
        "certificates": {},
        "answers": [],
        "listeners": [],
    }
    assert host.asked("nginx") == ["-V"]


@ends
def test_a_bare_host(host: Host) -> None:
    answer = look(host, packages=True)
    assert (answer["installed"], answer["version"], answer["running"], answer["pid"]) == (False, "", False, 0)
    for key, empty in {"workers": [], "files": {}, "certificates": {}, "packages": {}, "candidates": {}}.items():
        assert answer[key] == empty


@newest
def test_a_binary_elsewhere(host: Host) -> None:
    install(host, "nginx version: openresty/1.21.4.1 (built by hand)")
    other = host.directory / "other"
    (host.directory / "bin" / "nginx").rename(other)
    assert look(host)["installed"] is False
    answer = look(host, binary=str(other))
    assert (answer["installed"], answer["version"]) == (True, "1.21.4.1")
    answer = look(host, binary=str(host.directory / "absent"))
    assert (answer["installed"], answer["version"]) == (False, "")


@ends
def test_modules_that_are_built_in_or_lie_beside(host: Host) -> None:
    directory = host.directory / "modules"
    flags = [
        "--prefix=/usr/share/nginx --with-threads --with-compat --with-pcre-jit --with-http_ssl_module --with-mail",
        f"--modules-path={directory} --with-stream=dynamic --with-stream_realip_module",
        "--with-http_image_filter_module=dynamic --with-stream_geoip_module=dynamic",
    ]
    said = "nginx version: nginx/1.22.1 (Debian)\nconfigure arguments: " + " ".join(flags)
    install(host, said)
    built_in = ["http_ssl", "mail", "stream_realip"]
    assert look(host)["modules"] == built_in
    for name in ("ngx_stream_module.so", "ngx_http_image_filter_module.so", "ndk_http_module.so", "README"):
        host.put(f"modules/{name}", "")
    answer = look(host)
    assert (answer["version"], answer["modules"]) == ("1.22.1", sorted([*built_in, "stream", "http_image_filter"]))
    install(host, "nginx version: nginx/1.27.0\nconfigure arguments: --with-stream_ssl_module --with-stream")
    assert look(host)["modules"] == ["stream", "stream_ssl"]


@newest
def test_an_nginx_that_cannot_tell_its_version(host: Host) -> None:
    install(host, "libpcre2-8.so.0: cannot open shared object file", code=127)
    answer = look(host)
    assert (answer["installed"], answer["version"]) == (True, "")


@newest
@pytest.mark.parametrize(
    ("content", "comm"), [(f"{PID}\n", "sshd"), ("801\n", "nginx"), ("", "nginx"), ("x\n", "nginx")]
)
def test_a_pid_file_that_was_left_over(host: Host, content: str, comm: str) -> None:
    host.put(f"proc/{PID}/comm", f"{comm}\n")
    host.put("run/nginx.pid", content)
    answer = look(host)
    assert (answer["running"], answer["pid"], answer["workers"]) == (False, 0, [])


# The configuration

CONFIGURATION = """
# include commented.conf;
load_module modules/one.so;  # include commented.conf;
include modules-enabled/*.conf;
events { worker_connections 8; }
http {
    include {base}/mime.types;
    log_format main '$remote_addr; include quoted.conf; { "$request" # ';
    include "nginx_ha/quoted name.conf";
    include missing/*.conf missing.conf;
    server {
        listen 80;
        set $x ${{scheme}};include nginx_ha/[ab].conf;
        add_header X-Say "it \\"includes\\"; include quoted.conf;";
    }
}
"""


@ends
def test_all_files_of_the_configuration(host: Host) -> None:
    base = host.directory / "nginx"
    files = {
        "nginx.conf": CONFIGURATION.replace("{base}", str(base)).replace("{{", "{").replace("}}", "}"),
        "modules-enabled/50-b.conf": "load_module b.so;\n",
        "modules-enabled/10-a.conf": "load_module a.so;\n",
        "mime.types": "types { text/html html; }\n",
        "nginx_ha/quoted name.conf": "include nginx.conf; include nginx_ha/a.conf;\n",
        "nginx_ha/a.conf": "include deep/größe.conf;\n",
        "nginx_ha/b.conf": "# größer\n",
        "nginx_ha/c.conf": "# not included\n",
        "deep/größe.conf": "\n",
        "quoted.conf": "",
        "commented.conf": "",
        "modules-enabled/.hidden.conf": "",
    }
    for name, content in files.items():
        host.put(f"nginx/{name}", content)
    found = look(host)["files"]
    expected = [
        "nginx.conf",
        "modules-enabled/10-a.conf",
        "modules-enabled/50-b.conf",
        "mime.types",
        "nginx_ha/quoted name.conf",
        "nginx_ha/a.conf",
        "deep/größe.conf",
        "nginx_ha/b.conf",
    ]
    assert found == {str(base / name): sha256(base / name) for name in expected}
    if host.python.path.parent.parent.name != "2.7.18":
        assert list(found) == [str(base / name) for name in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b c; d;", [["a", "b", "c"], ["d"]]),
        ("http{server{listen 80;}}", [["http"], ["server"], ["listen", "80"]]),
        ("a 'b;c' \"d{e\" f\\;g;", [["a", "b;c", "d{e", "f\\;g"]]),
        ("a ${b}c;d '';", [["a", "${b}c"], ["d", ""]]),
        ('a "say \\"b\\"\nand c"; # d\ne#f;', [["a", 'say "b"\nand c'], ["e#f"]]),
        ("a 'it\\'s'; unfinished", [["a", "it's"]]),
        ("# all; commented", []),
    ],
)
def test_directives(text: str, expected: list[list[str]]) -> None:
    assert list(nginx_conf.directives(text)) == expected


# Keys and certificates


@pytest.fixture
def pair(host: Host) -> tuple[Path, Path]:
    if not OPENSSL:
        pytest.skip("there is no openssl")
    (host.directory / "bin" / "openssl").symlink_to(OPENSSL)
    key, certificate = host.put("nginx/tls/key.pem", ""), host.put("nginx/tls/cert.pem", "")
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
    command = [OPENSSL, *words, "-subj", "/CN=www.example.com", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate


@ends
def test_certificates_and_keys(host: Host, pair: tuple[Path, Path]) -> None:
    key, certificate = pair
    others = {
        name: host.put(f"nginx/tls/{name}", f"{name}\n") for name in ("ca.pem", "chain.pem", "dh.pem", "ticket.key")
    }
    broken = host.put("nginx/tls/broken.pem", "broken\n")
    both = host.put("nginx/tls/both.pem", key.read_text() + certificate.read_text())
    lines = [
        "ssl_certificate_key tls/key.pem",
        f"ssl_certificate {certificate}",
        "ssl_certificate tls/../tls/cert.pem",
        "ssl_certificate tls/broken.pem",
        "ssl_certificate tls/absent.pem",
        "ssl_certificate_key tls/both.pem",
        "ssl_certificate tls/both.pem",
        "ssl_client_certificate tls/ca.pem",
        "ssl_trusted_certificate tls/chain.pem",
        "ssl_dhparam tls/dh.pem",
        "ssl_session_ticket_key tls/ticket.key",
        "ssl_certificate tls/$ssl_server_name.pem",
        "ssl_certificate data:$certificate",
        "ssl_certificate_key engine:pkcs11:id",
        "ssl_certificate_by_lua_file tls/key.lua",
    ]
    host.put("nginx/nginx.conf", "http { " + "".join(f"{line};\n" for line in lines) + "}\n")
    answer = look(host)
    found = answer["certificates"]
    ends = {path: found[str(path)].pop("not_after") for path in (certificate, both)}
    for text in ends.values():
        assert 29.9 < (ssl.cert_time_to_seconds(text) - time.time()) / 86400 <= 30
    digests = {str(path): {"sha256": sha256(path)} for path in (key, certificate, both, *others.values())}
    digests[str(broken)] = {"sha256": sha256(broken), "not_after": None}
    digests[f"{host.directory}/nginx/tls/absent.pem"] = {"sha256": None, "not_after": None}
    assert found == digests
    assert "PRIVATE" not in json.dumps(answer)
    assert not [line for line in key.read_text().splitlines()[1:-1] if line in json.dumps(answer)]


@newest
def test_without_openssl_nobody_knows_when_a_certificate_ends(host: Host, pair: tuple[Path, Path]) -> None:
    (host.directory / "bin" / "openssl").unlink()
    host.put("nginx/nginx.conf", "stream {\n    include streams/*.conf;\n}\n")
    host.put("nginx/streams/db.conf", "server { ssl_certificate tls/cert.pem; }\n")
    assert look(host)["certificates"] == {str(pair[1]): {"sha256": sha256(pair[1]), "not_after": None}}


# Packages

DPKG = """ii  nginx 1.22.1-9
ii  nginx-common 1.22.1-9
it  libnginx-mod-stream 1:1.22.1-9+b1
hi  libnginx-mod-geoip 1.22.1-9
rc  nginx-core 1.18.0-6
un  nginx-full <none>
iF  nginx-light 1.22.1-9
"""
APT = """NOTE: This is only a simulation!
The following packages will be upgraded:
  nginx nginx-common
Inst libssl3 [3.0.11-1] (3.0.15-1 Debian-Security:12/stable-security [amd64])
Inst nginx-common [1.22.1-9] (1.22.1-9+deb12u1 Debian-Security:12/stable-security [all]) []
Inst nginx [1.22.1-9] (1.22.1-9+deb12u1 Debian-Security:12/stable-security [amd64])
Inst nginx-full (1.22.1-9 Debian:12/stable [amd64])
Conf nginx-common (1.22.1-9+deb12u1 Debian-Security:12/stable-security [all])
"""
INSTALLED = {
    "nginx": "1.22.1-9",
    "nginx-common": "1.22.1-9",
    "libnginx-mod-stream": "1:1.22.1-9+b1",
    "libnginx-mod-geoip": "1.22.1-9",
}


@ends
def test_packages_of_debian(host: Host) -> None:
    host.tool("dpkg-query", DPKG, code=1)
    host.tool("apt-get", APT)
    host.tool("rpm", "nginx 9-9\n")
    answer = look(host, packages=True)
    assert answer["packages"] == INSTALLED
    assert answer["candidates"] == {"nginx": "1.22.1-9+deb12u1", "nginx-common": "1.22.1-9+deb12u1"}
    assert host.asked("dpkg-query") == [
        r"-W -f ${db:Status-Abbrev} ${Package} ${Version}\n nginx nginx-* libnginx-*",
    ]
    assert host.asked("apt-get") == [
        "--simulate --only-upgrade --option Debug::NoLocking=true install nginx nginx-common libnginx-mod-stream"
    ]
    assert host.asked("rpm") == []


@newest
def test_apt_is_not_asked_without_need(host: Host) -> None:
    host.tool("apt-get", APT)
    host.tool("dpkg-query", DPKG)
    assert "packages" not in look(host)
    assert host.asked("dpkg-query") == []
    for nothing in ("", "hi  nginx 1.22.1-9\n"):
        host.tool("dpkg-query", nothing)
        assert look(host, packages=True)["candidates"] == {}
    assert host.asked("apt-get") == []


@newest
def test_an_apt_that_fails_has_no_candidates(host: Host) -> None:
    host.tool("dpkg-query", DPKG)
    host.tool("apt-get", "E: Unable to correct problems\n", code=100)
    answer = look(host, packages=True)
    assert (answer["packages"], answer["candidates"]) == (INSTALLED, {})


RPM = """nginx 1:1.20.1-16.el9
nginx-core 1:1.20.1-16.el9
nginx-filesystem 1:1.20.1-16.el9
nginxology 1-1
"""
DNF = """Available Upgrades
nginx.x86_64                   2:1.20.1-20.el9_5      appstream
nginx-core.x86_64              2:1.20.1-20.el9_5      appstream
openssl-libs.x86_64            1:3.2.2-6.el9          baseos
"""
YUM = """Updated Packages
nginx-core.x86_64
                2:1.20.1-20.el9_5
                                    a-repository-with-a-long-name
nginx.x86_64    2:1.20.1-20.el9_5   appstream
"""


@ends
@pytest.mark.parametrize("manager", ["dnf", "yum"])
def test_packages_of_red_hat(host: Host, manager: str) -> None:
    host.tool("rpm", RPM)
    host.tool("yum", YUM)
    if manager == "dnf":
        host.tool("dnf", DNF)
    answer = look(host, packages=True)
    assert answer["packages"] == dict.fromkeys(("nginx", "nginx-core", "nginx-filesystem"), "1:1.20.1-16.el9")
    assert answer["candidates"] == dict.fromkeys(("nginx", "nginx-core"), "2:1.20.1-20.el9_5")
    names = "nginx nginx-core nginx-filesystem"
    assert host.asked("rpm") == [r"-qa --qf %{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n nginx*"]
    asked = {
        "dnf": ([f"-q --cacheonly list --upgrades {names}"], []),
        "yum": ([], [f"-q --cacheonly list updates {names}"]),
    }
    assert (host.asked("dnf"), host.asked("yum")) == asked[manager]


@newest
@pytest.mark.parametrize(
    "said", ["", "Error: No matching Packages to list\n", None], ids=["nothing", "error", "no dnf"]
)
def test_a_dnf_that_fails_has_no_candidates(host: Host, said: str | None) -> None:
    host.tool("rpm", "nginx 1:1.20.1-16.el9\n")
    if said is not None:
        host.tool("dnf", said, code=1)
    answer = look(host, packages=True)
    assert (answer["packages"], answer["candidates"]) == ({"nginx": "1:1.20.1-16.el9"}, {})


MADISON = """     nginx | 1.26.0-1~bookworm | http://nginx.example bookworm/nginx amd64 Packages
     nginx | 1.22.1-9+deb12u1 | http://debian.example bookworm/main amd64 Packages
     nginx |   1.22.1-9 | http://debian.example bookworm/main amd64 Packages
nginx-common | 1.22.1-9+deb12u1 | http://debian.example bookworm/main amd64 Packages
nginx-common |   1.22.1-9 | http://debian.example bookworm/main amd64 Packages
"""
VERSIONS_THERE = ["1.26.0-1~bookworm", "1.22.1-9+deb12u1", "1.22.1-9"]


@ends
@pytest.mark.parametrize(
    ("here", "wanted", "packages", "candidates"),
    [
        ("1.22.1-9", "1.26.*", ["nginx"], ["nginx"]),
        ("1.22.1-9", "1.22.1*", ["nginx", "nginx-common"], ["nginx", "nginx-common"]),
        ("1.22.1-9+deb12u1", "1.22.1-9", ["nginx", "nginx-common"], ["nginx", "nginx-common"]),
        ("1.22.1-9", "1.22.1-9", ["nginx", "nginx-common"], []),
        ("1.20.0-1", "1.20*", ["nginx"], []),
        ("1.22.1-9", "1.24*", [], []),
        (None, "9:1.22.1-9", ["nginx", "nginx-common"], []),
    ],
    ids=["only nginx", "newest of a pattern", "down", "there", "there alone", "nowhere", "not installed"],
)
def test_versions_of_debian(
    host: Host, here: str | None, wanted: str, packages: list[str], candidates: list[str]
) -> None:
    host.tool("dpkg-query", f"ii  nginx {here}\nii  nginx-common {here}\n" if here else "", code=1)
    host.tool("apt-get", APT)
    host.tool("apt-cache", MADISON)
    answer = look(host, packages=True, wanted=wanted)
    assert answer["versions"] == VERSIONS_THERE
    assert sorted(answer["wanted"]) == packages
    assert sorted(answer["candidates"]) == candidates
    assert len(set(answer["wanted"].values())) <= 1
    if here and candidates:
        assert answer["candidates"] == dict.fromkeys(candidates, answer["wanted"]["nginx"])
    assert host.asked("apt-cache") == ["madison nginx nginx-common"]


SHOWN = """Installed Packages
nginx.x86_64                   1:1.20.1-16.el9        @appstream
nginx-core.x86_64              1:1.20.1-16.el9        @appstream
Available Packages
nginx.x86_64                   1:1.20.1-14.el9        appstream
nginx.x86_64                   1:1.20.1-20.el9_5      appstream
nginx-core.x86_64              1:1.20.1-14.el9        appstream
nginx-core.x86_64              1:1.20.1-20.el9_5      appstream
"""


@newest
def test_versions_of_red_hat(host: Host) -> None:
    host.tool("rpm", RPM)
    host.tool("dnf", SHOWN)
    answer = look(host, packages=True, wanted="1.20.1-14*")
    assert answer["versions"][:2] == ["1:1.20.1-20.el9_5", "1:1.20.1-14.el9"]
    assert answer["candidates"] == dict.fromkeys(("nginx", "nginx-core"), "1:1.20.1-14.el9")
    assert look(host, packages=True, wanted="1.20.1-16*")["candidates"] == {}


# Probes

Handler = Callable[[socket.socket], None]


@contextmanager
def serving(
    handler: Handler, address: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> Iterator[tuple[int, list[bytes]]]:
    """A server that reads each request and hands the connection to the handler."""
    requests: list[bytes] = []
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:

        def run() -> None:
            while True:
                try:
                    connection, dummy = server.accept()
                except OSError:
                    return
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

        def handle(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) if context else connection as connection:
                requests.append(connection.recv(4096))
                with suppress(OSError):
                    handler(connection)

        threading.Thread(target=run, daemon=True).start()
        yield server.getsockname()[1], requests
        server.shutdown(socket.SHUT_RDWR)


def saying(*parts: bytes, pause: float = 0) -> Handler:
    def handler(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)

    return handler


def endless(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x" * 1000)


def outcomes(answers: Sequence[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(answer["status"], answer["error"]) for answer in answers]


@ends
def test_answers_of_ipv4_and_ipv6(host: Host) -> None:
    well, ill = saying(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nok"), saying(b"HTTP/1.0 503 Sorry\r\n\r\n")
    with serving(well) as (port, requests), serving(ill, "::1") as (port6, requests6):
        probes = [
            {"address": "127.0.0.1", "port": port, "host": "www.example.com", "path": "/healthz"},
            {"address": "::1", "port": port6},
            {"address": "127.0.0.1", "port": port},
        ]
        answers = look(host, probes=probes)["answers"]
    assert answers == [
        {"address": "127.0.0.1", "port": port, "host": "www.example.com", "status": 200, "error": ""},
        {"address": "::1", "port": port6, "host": "[::1]", "status": 503, "error": ""},
        {"address": "127.0.0.1", "port": port, "host": "127.0.0.1", "status": 200, "error": ""},
    ]
    form = b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
    assert sorted(requests) == [form % (b"/", b"127.0.0.1"), form % (b"/healthz", b"www.example.com")]
    assert requests6 == [form % (b"/", b"[::1]")]


ANSWERS: dict[str, tuple[Handler, int, str]] = {
    "in pieces": (saying(b"HT", b"TP/1.1 30", b"1 Moved\r\n", pause=0.05), 301, ""),
    "no end of line": (saying(b"HTTP/1.1 200 OK"), 200, ""),
    "no reason": (saying(b"HTTP/1.1 204\r\n\r\n"), 204, ""),
    "nothing": (saying(), 0, "the connection ended without an answer"),
    "another protocol": (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), 0, "not HTTP: SSH-2.0-OpenSSH_9.2"),
    "not text": (saying(b"\xff\xfe" * 100 + b"\n"), 0, "not HTTP: " + "\ufffd" * 60),
    "endless": (endless, 0, "not HTTP: " + "x" * 60),
    "too slow": (saying(b"HTTP", b"/1.1 200 OK\r\n", pause=1.5), 0, "no answer within 1 s"),
    "halfway too slow": (saying(b"", b"HTTP", b"/1.1 200 OK\r\n", pause=0.7), 0, "no answer within 1 s"),
    "drop by drop": (saying(*[b"x"] * 10, pause=0.3), 0, "no answer within 1 s"),
}


@ends
@pytest.mark.parametrize(("handler", "status", "error"), ANSWERS.values(), ids=ANSWERS)
def test_strange_answers(host: Host, handler: Handler, status: int, error: str) -> None:
    with serving(handler) as (port, dummy):
        answers = look(host, timeout=1, probes=[{"address": "127.0.0.1", "port": port}])["answers"]
    assert outcomes(answers) == [(status, error)]


@ends
def test_errors_become_texts(host: Host) -> None:
    probes = [
        {"address": "127.0.0.1", "port": 1},
        {"address": "127.0.0.1", "port": 65537},
        {"address": "127.0.0.1", "port": -1},
        {"address": "127.0.0.1", "port": 2**70},
        {"address": "127.0.0.1\0"},
        {"address": "no.such.name.invalid"},
        {"address": "a" * 70 + ".invalid"},
        {"address": "::g"},
    ]
    answers = look(host, probes=probes)["answers"]
    expected = ["Connection refused", "there is no port 65537", "there is no port -1", f"there is no port {2**70}"]
    assert [answer["error"] for answer in answers[:4]] == expected
    assert [answer["address"] for answer in answers] == [probe["address"] for probe in probes]
    assert all(answer["status"] == 0 and len(answer["error"]) > 5 for answer in answers)


@newest
def test_probes_wait_together(host: Host) -> None:
    with serving(saying(b"", pause=3)) as (port, requests):
        before = time.time()
        answers = look(host, timeout=0.6, probes=[{"address": "127.0.0.1", "port": port}] * 12)["answers"]
        assert time.time() - before < 6
    assert outcomes(answers) == [(0, "no answer within 0.6 s")] * 12
    assert len(requests) == 12


@newest
def test_a_path_may_have_any_letters(host: Host) -> None:
    with serving(saying(b"HTTP/1.1 200 OK\r\n")) as (port, requests):
        look(host, probes=[{"address": "127.0.0.1", "port": port, "path": "/größe"}])
    assert requests[0].split(b"\r\n")[0] == "GET /größe HTTP/1.1".encode()


@ends
def test_https_whatever_the_certificate_says(host: Host, tmp_path: Path) -> None:
    pem = tmp_path / "both.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=other.example.com -keyout {0} -out {0}.crt"
    subprocess.run(["openssl", *words.format(pem).split()], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{pem}.crt", pem)
    names: list[str | None] = []
    context.sni_callback = lambda connection, name, dummy: names.append(name)

    with serving(saying(b"HTTP/1.1 200 OK\r\n\r\n"), context=context) as (port, dummy):
        probes = [
            {"address": "127.0.0.1", "port": port, "tls": True, "host": name}
            for name in ("www.example.com", "127.0.0.1")
        ]
        answers = [look(host, probes=[probe])["answers"][0] for probe in probes]
    assert outcomes(answers) == [(200, "")] * 2
    assert names == ["www.example.com", None]
