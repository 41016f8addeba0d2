# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host's nginx is, what it is made of, and what it answers: the module host_info documents it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fnmatch
import glob
import os
import re
import socket
import ssl
import threading
import time
from contextlib import closing

from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

from . import nginx_conf, processes
from .processes import first, said

PROBE = dict(
    address=dict(type="str", required=True),
    port=dict(type="int", default=80),
    host=dict(type="str"),
    path=dict(type="str", default="/"),
    tls=dict(type="bool", default=False),
)
# What host_info takes of nginx.
OPTIONS = dict(
    binary=dict(type="path"),
    config=dict(type="path", default="/etc/nginx/nginx.conf"),
    probes=dict(type="list", elements="dict", default=[], options=PROBE),
    timeout=dict(type="float", default=2.0),
    packages=dict(type="bool", default=False),
    wanted=dict(type="str"),
)
OURS = re.compile(r"(?:lib)?nginx(?:-.*)?$")
PATTERNS = ("nginx", "nginx-*", "libnginx-*")
# A row of dnf or yum; yum breaks those that are too long for 80 columns.
ROW = re.compile(r"^([\w.+-]+)\.\w+\s+(\d\S*)\s+\S+[ \t]*$", re.M)


def ask_binary(module, binary):
    """Its version, and the names of its modules."""
    built = "".join(module.run_command([binary, "-V"])[1:])
    built_in = re.findall(r"--with-((?:http|mail|stream)(?:_\w+?)?)(?:_module)?(?=\s|$)", built)
    directory = first(r"--modules-path=(\S+)", built)
    files = glob.glob(os.path.join(directory, "ngx_*_module.so")) if directory else []
    dynamic = [os.path.basename(path)[len("ngx_") : -len("_module.so")] for path in files]
    return first(r"version: \S+?/([0-9.]+)", built), sorted(set(built_in + dynamic))


def number(pattern, *path):
    """What the pattern finds in a file of /proc, or 0."""
    return int(first(pattern, processes.text(processes.PROC, *path)) or 0)


def workers(pid):
    titles = processes.children(pid) if pid else []
    return [
        worker for worker, title in titles if title.startswith("nginx: worker process") and "shutting down" not in title
    ]


def certificates(module, named):
    """Digests by path; a certificate has its end, too, also where its key is in the same file."""
    found = {}
    for directive, path in named:
        entry = found.setdefault(path, {"sha256": nginx_conf.digest(nginx_conf.content(path))})
        if directive in nginx_conf.CERTIFICATES and "not_after" not in entry:
            entry["not_after"] = not_after(module, path) if entry["sha256"] else None
    return found


def not_after(module, path):
    return first(r"^notAfter=(.*)$", said(module, "openssl", "x509", "-noout", "-enddate", "-in", path)).strip() or None


def ask_package_manager(module):
    """The installed packages, and what it would upgrade of them."""
    return ask_apt(module) if module.get_bin_path("apt-get") else ask_rpm(module)


def available(module, names):
    """The versions that the package manager has of each, the newest first."""
    if module.get_bin_path("apt-cache"):
        pairs = re.findall(r"^\s*(\S+) \| +(\S+) \|", said(module, "apt-cache", "madison", *names), re.M)
    else:
        # The oldest comes first.
        pairs = listed(module, names, "--showduplicates", "--showduplicates")[::-1]
    found = {}
    for name, version in pairs:
        if version not in found.setdefault(name, []):
            found[name].append(version)
    return found


def listed(module, names, dnf, yum):
    """The packages and versions that dnf or yum lists by an option, whose name each has for itself."""
    program, option = ("dnf", dnf) if module.get_bin_path("dnf") else ("yum", yum)
    return ROW.findall(said(module, program, "-q", "--cacheonly", "list", option, *names))


def of_version(module, wanted, installed):
    """nginx's versions; its packages of the wanted one; and which of the installed packages get another by that."""
    here = installed.get("nginx")
    mates = [name for name, version in installed.items() if version == here]
    there = available(module, sorted(set(mates + ["nginx", "nginx-common"])))
    versions = there.get("nginx", [])
    # What is installed will do, also where no mirror has it any longer.
    known = ([here] if here else []) + [version for version in versions if version != here]
    matching = [version for version in known if fnmatch.fnmatchcase(bare(version), bare(wanted))]
    chosen = next((version for version in versions if version in matching), here if here in matching else None)
    if chosen is None:
        return versions, {}, {}
    packages = dict.fromkeys([name for name in there if chosen in there[name]] + ["nginx"], chosen)
    others = [name for name in packages if name in installed and installed[name] != chosen]
    return versions, packages, dict.fromkeys(others, chosen)


def bare(version):
    return re.sub(r"^\d+:", "", version)


def ask_apt(module):
    form = "${db:Status-Abbrev} ${Package} ${Version}\\n"
    rows = re.findall(r"^(\w)[itW]\S*\s+(\S+)\s+(\S+)$", said(module, "dpkg-query", "-W", "-f", form, *PATTERNS), re.M)
    free = [name for wanted, name, dummy in rows if wanted != "h"]
    upgrades = []
    if free:
        words = ["apt-get", "--simulate", "--only-upgrade", "--option", "Debug::NoLocking=true", "install"] + free
        upgrades = re.findall(r"^Inst (\S+) \[\S+\] \((\S+)", said(module, *words), re.M)
    return dict(row[1:] for row in rows), dict(pair for pair in upgrades if pair[0] in free)


def ask_rpm(module):
    form = "%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n"
    rows = re.findall(r"^(\S+) (\S+)$", said(module, "rpm", "-qa", "--qf", form, "nginx*"), re.M)
    installed = dict(pair for pair in rows if OURS.match(pair[0]))
    upgrades = listed(module, sorted(installed), "--upgrades", "updates") if installed else []
    return installed, dict(pair for pair in upgrades if pair[0] in installed)


def ask(probes, timeout):
    """All requests at once, so that together they last no longer than one."""
    answers = [None] * len(probes)

    def run(index):
        answers[index] = answer(probes[index], timeout)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(probes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def answer(probe, timeout):
    address = probe["address"]
    host = probe["host"] or ("[%s]" % address if ":" in address else address)
    found = {"address": address, "port": probe["port"], "host": host, "status": 0, "error": ""}
    request = "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (probe["path"], host)
    try:
        line = first_line(address, probe["port"], to_bytes(request), timeout, host if probe["tls"] else None)
    except socket.timeout:
        found["error"] = "no answer within %g s" % timeout
    except (socket.error, ssl.SSLError, ValueError) as error:
        found["error"] = to_native(getattr(error, "strerror", None) or error)
    else:
        status = re.match(r"HTTP/\d(?:\.\d)? (\d{3})(?:\s|$)", line)
        if status:
            found["status"] = int(status.group(1))
        else:
            found["error"] = "not HTTP: %s" % line[:60] if line else "the connection ended without an answer"
    return found


def encrypted(connection, host):
    context = ssl.SSLContext(getattr(ssl, "PROTOCOL_TLS_CLIENT", ssl.PROTOCOL_SSLv23))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # An address is no name (RFC 6066, 3).
    name = None if re.match(r"[0-9.]+\Z|\[", host) else host
    return context.wrap_socket(connection, server_hostname=name)


def first_line(address, port, request, timeout, tls_host):
    if not 0 < port < 65536:
        # The resolver would take another one.
        raise ValueError("there is no port %d" % port)
    deadline = time.time() + timeout
    received = b""
    connection = socket.create_connection((address, port), timeout)
    with closing(connection if tls_host is None else encrypted(connection, tls_host)) as connection:
        connection.sendall(request)
        while b"\n" not in received and len(received) < 4096:
            left = deadline - time.time()
            if left <= 0:
                raise socket.timeout()
            connection.settimeout(left)
            part = connection.recv(1024)
            if not part:
                break
            received += part
    return to_text(received.split(b"\n")[0].strip(), errors="replace")


def look(module, params):
    """params: values of OPTIONS."""
    binary = params["binary"] or module.get_bin_path("nginx")
    installed = bool(binary) and os.access(binary, os.X_OK)
    pid = processes.of_pid_file("nginx")
    version, modules = ask_binary(module, binary) if installed else ("", [])
    files, named = nginx_conf.files(params["config"])
    found = dict(
        backends_out=processes.text(os.path.dirname(params["config"]), "nginx_ha", "backends_out").split(),
        cores=os.sysconf("SC_NPROCESSORS_ONLN"),
        memory_mb=number(r"^MemTotal:\s+(\d+)", "meminfo") // 1024,
        open_files=number(r"^Max open files\s+\d+\s+(\d+)", "1", "limits"),
        installed=installed,
        version=version,
        modules=modules,
        running=bool(pid),
        pid=pid,
        workers=workers(pid),
        files=files,
        certificates=certificates(module, named),
        listeners=processes.listeners(),
        answers=ask(params["probes"], params["timeout"]),
    )
    if params["packages"]:
        found["packages"], found["candidates"] = ask_package_manager(module)
    if params["packages"] and params["wanted"]:
        found["versions"], found["wanted"], found["candidates"] = of_version(
            module, params["wanted"], found["packages"]
        )
    return found
