# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directives of LVS: virtual servers, their real servers, and how these are checked."""

# fmt: off
# Tables: a line for each directive.
from __future__ import annotations

from dataclasses import replace

from .table import Directive, block

PORTS: dict[str, float] = {"low": 1, "high": 65535}
LONGEST = 4294
WEIGHT = 2**31 - 1
SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos")
METHODS = ("NAT", "DR", "TUN")

_RETRIES = (
    Directive("delay_before_retry", "seconds", 1, "Seconds between them.", low=0, high=LONGEST),
    Directive("warmup", "seconds", 1, "Seconds by which the first check is put off at most, at random.", low=0, high=LONGEST),
    Directive("delay_loop", "seconds", 5, "Seconds between two checks.", low=0.000001, high=LONGEST),
)
_RETRY = Directive("retry", "int", 3, "Further tries before it has failed.", low=0, high=1000)
_CONNECT_TIMEOUT = Directive("connect_timeout", "seconds", 3, "Seconds to wait for an answer.", low=0.000001, high=LONGEST)
# What a server's checks have unless they say otherwise.
_DEFAULTS = (_CONNECT_TIMEOUT, replace(_RETRY, low=1), *_RETRIES)

_CHECKED = (
    _RETRY,
    *_RETRIES,
    Directive("alpha", "on_off", True, "It is down until the first check says otherwise."),
    Directive("log_all_failures", "on_off", True, "Logs each failure."),
)
_CONNECTED = (
    Directive("connect_ip", "address", "192.0.2.10", "Another address than the server's."),
    Directive("connect_port", "int", 8080, "Another port than the server's.", **PORTS),
    Directive("bindto", "address", "192.0.2.2", "Source address."),
    Directive("bind_port", "int", 50000, "Source port.", **PORTS),
    Directive("bind_if", "word", "eth0", "Interface."),
    _CONNECT_TIMEOUT,
    Directive("fwmark", "int", 3, "Mark of its packets.", low=1, high=WEIGHT),
    *_CHECKED,
)

_URL = block(
    Directive("path", "text", "/healthz", "Path to ask for."),
    Directive("digest", "word", "9b3a0c85a887a256d6939da88aabd8cd", "MD5 of the answer, as keepalived --genhash tells it."),
    Directive("status_code", "list", ["200-299", "403"], "Codes that are well."),
    Directive("virtualhost", "word", "www.example.com", "Host to ask for."),
    Directive("regex", "text", "all well", "What has to be in the answer.", needs="regex"),
    Directive("regex_no_match", "flag", True, "What must not be in it.", needs="regex"),
    Directive("regex_options", "list", ["caseless"], "Options of PCRE.", needs="regex"),
    Directive("regex_min_offset", "int", 1, "Bytes to skip.", needs="regex", low=0, high=WEIGHT),
    Directive("regex_max_offset", "int", 1000, "Last byte that it may begin at.", needs="regex", low=1, high=WEIGHT),
    Directive("regex_stack", "list", ["32768", "65536"], "First and largest stack in bytes.", needs="regex"),
    needed=("path",),
)
_URLS = [{"path": "/", "status_code": ["200"]}]
_HTTP = (
    Directive("virtualhost", "word", "www.example.com", "Host to ask for."),
    Directive("http_protocol", "word", "1.1", "Version of HTTP.", choices=("1.0", "1.0C", "1.0c", "1.1")),
    Directive("fast_recovery", "on_off", True, "Asks for all URLs at once."),
    Directive("url", "blocks", [{"path": "/healthz", "status_code": ["200"]}], "What to ask for.", within=_URL),
    *_CONNECTED,
)
_CHECKERS = (
    Directive("TCP_CHECK", "blocks", [{"connect_timeout": 1}], "A TCP connection.", within=block(*_CONNECTED)),
    Directive("HTTP_GET", "blocks", [{"url": _URLS}], "An answer over HTTP.", within=block(*_HTTP, needed=("url",))),
    Directive("SSL_GET", "blocks", [{"url": _URLS, "enable_sni": True}], "An answer over HTTPS.", within=block(
        *_HTTP,
        Directive("enable_sni", "flag", True, "Sends the host's name."),
        Directive("tls_compliant", "flag", True, "Ends connections as TLS has it.", since="2.2.8"),
        needed=("url",),
    )),
    Directive("SMTP_CHECK", "blocks", [{"helo_name": "lb.example.com"}], "A greeting of a mail server.", within=block(
        Directive("helo_name", "word", "lb.example.com", "Name in HELO."),
        *_CONNECTED,
    )),
    Directive("DNS_CHECK", "blocks", [{"type": "A", "name": "www.example.com"}], "An answer of a DNS server.", within=block(
        Directive("type", "word", "A", "Type of record.", choices=("A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA")),
        Directive("name", "word", "www.example.com", "Name to ask for."),
        *_CONNECTED,
    )),
    Directive("MISC_CHECK", "blocks", [{"misc_path": "/bin/true"}], "A program's exit code.", within=block(
        Directive("misc_path", "command", "/bin/true check", "Program and arguments."),
        Directive("misc_timeout", "int", 5, "Seconds that it may take.", low=1, high=LONGEST),
        Directive("misc_dynamic", "flag", True, "Codes from 2 on are weights."),
        Directive("user", "list", ["nobody"], "User, and group, to run as."),
        *_CHECKED,
        needed=("misc_path",),
    )),
    Directive("UDP_CHECK", "blocks", [{"payload": ["00", "2a"]}], "No ICMP error, or a reply, to a UDP packet.", within=block(
        Directive("payload", "list", ["00", "2a"], "Bytes to send, as hexadecimal numbers."),
        Directive("require_reply", "list", ["01"], "Bytes of the reply; X is any digit."),
        Directive("min_reply_length", "int", 1, "Shortest reply.", low=0, high=255),
        Directive("max_reply_length", "int", 64, "Longest reply.", low=0, high=255),
        *_CONNECTED,
    )),
    Directive("PING_CHECK", "blocks", [{"retry": 2}], "An answer to a ping.", within=block(*_CONNECTED)),
    Directive("FILE_CHECK", "blocks", [{"track_file": "standby", "weight": 1}], "A number in a file.", within=block(
        Directive("track_file", "word", "standby", "Name of the file's entry."),
        Directive("weight", "int", 1, "What the number is multiplied by.", low=-WEIGHT, high=WEIGHT),
        needed=("track_file",),
    )),
    Directive("BFD_CHECK", "blocks", [{"name": "BFD_1"}], "A BFD instance.", needs="bfd", within=block(
        Directive("name", "word", "BFD_1", "Name of the instance."),
        Directive("alpha", "on_off", True, "It is down until the first packet."),
        needed=("name",),
    )),
)

METHOD = block(
    Directive("method", "word", "TUN", "How packets reach a server.", choices=METHODS),
    Directive("type", "word", "gue", "Kind of tunnel.", choices=("ipip", "gue", "gre")),
    Directive("port", "int", 6080, "Port of a gue tunnel.", **PORTS),
    Directive("checksum", "word", "csum", "Checksums of gue and gre.", choices=("nocsum", "csum", "remcsum")),
    header=("method", "checksum"), needed=("method",),
)
_TUNNEL = {"method": "TUN", "type": "gue", "port": 6080, "checksum": "csum"}

_REAL = {"address": "192.0.2.10", "port": 80}

REAL_SERVER = block(
    Directive("address", "address", "192.0.2.10", "Its address."),
    Directive("port", "int", 80, "Its port.", **PORTS),
    Directive("weight", "int", 2, "Its share.", low=0, high=WEIGHT),
    Directive("lvs_method", "line", _TUNNEL, "How packets reach it, where it is another way than the virtual server's.", within=METHOD),
    Directive("uthreshold", "int", 1000, "Most connections.", low=0, high=WEIGHT),
    Directive("lthreshold", "int", 10, "Connections at which it is asked again.", low=0, high=WEIGHT),
    Directive("inhibit_on_failure", "on_off", True, "Sets its weight to 0 where it has failed, so that its connections go on."),
    Directive("notify_up", "command", "/bin/true up", "Program to run when it is up."),
    Directive("notify_down", "command", "/bin/true down", "Program to run when it is down."),
    Directive("alpha", "on_off", True, "It is down until the first check says otherwise."),
    *_DEFAULTS,
    Directive("smtp_alert", "on_off", False, "Mail of its changes."),
    Directive("virtualhost", "word", "www.example.com", "Host that HTTP checks ask for."),
    Directive("snmp_name", "word", "web1", "Name in SNMP.", since="2.2.3", needs="snmp"),
    *_CHECKERS,
    header=("address", "port"), needed=("address",),
)

VIRTUAL_SERVER = block(
    Directive("address", "address", "192.0.2.1", "Its address."),
    Directive("port", "int", 80, "Its port; all ports without one.", **PORTS),
    Directive("fwmark", "int", 7, "Or the mark of its packets.", low=1, high=WEIGHT, keyword="fwmark"),
    Directive("group", "word", "VSG_1", "Or the group of its addresses.", keyword="group"),
    Directive("ip_family", "word", "inet", "Family of a mark's packets.", choices=("inet", "inet6")),
    Directive("lb_algo", "word", "rr", "How a server is chosen.", choices=SCHEDULERS, newer=(("twos", "2.2.5"),)),
    Directive("hashed", "flag", True, "The scheduler's first flag, by its older name."),
    Directive("ops", "flag", True, "A decision for each UDP packet."),
    Directive("flag-1", "flag", True, "The scheduler's first flag."),
    Directive("flag-2", "flag", True, "The scheduler's second flag."),
    Directive("flag-3", "flag", True, "The scheduler's third flag."),
    Directive("sh-port", "flag", True, "sh counts the port, too."),
    Directive("sh-fallback", "flag", True, "sh takes another server for one that is away."),
    Directive("mh-port", "flag", True, "mh counts the port, too."),
    Directive("mh-fallback", "flag", True, "mh takes another server for one that is away."),
    Directive("lb_kind", "word", "NAT", "How packets reach real servers.", choices=METHODS),
    Directive("lvs_method", "line", _TUNNEL, "The same, with a tunnel's kind.", within=METHOD),
    Directive("persistence_engine", "word", "sip", "What ties connections to a server beside the address."),
    Directive("persistence_timeout", "int", 360, "Seconds that a client stays with its server.", low=1, high=2678400),
    Directive("persistence_granularity", "word", "255.255.255.0", "Netmask of clients that are one; a prefix with IPv6."),
    Directive("protocol", "word", "TCP", "Protocol.", choices=("TCP", "UDP", "SCTP")),
    Directive("ha_suspend", "flag", True, "Checks only where the address is."),
    Directive("alpha", "flag", True, "Servers are down until the first check says otherwise."),
    Directive("omega", "flag", True, "Tells at the end that all are down."),
    Directive("quorum", "int", 1, "Weight that has to be there.", low=1, high=WEIGHT),
    Directive("hysteresis", "int", 0, "Weight that it may sway by.", low=0, high=WEIGHT - 1),
    Directive("quorum_up", "command", "/bin/true up", "Program to run when the quorum is there."),
    Directive("quorum_down", "command", "/bin/true down", "Program to run when it is not."),
    Directive("weight", "int", 1, "Weight of real servers that have none.", low=1, high=WEIGHT),
    *_DEFAULTS,
    Directive("inhibit_on_failure", "on_off", True, "Sets the weight of failed servers to 0, so that their connections go on."),
    Directive("smtp_alert", "on_off", False, "Mail of its changes."),
    Directive("virtualhost", "word", "www.example.com", "Host that HTTP checks ask for."),
    Directive("snmp_name", "word", "web", "Name in SNMP.", since="2.2.3", needs="snmp"),
    Directive("sorry_server", "line", {"address": "192.0.2.99", "port": 80}, "Answers while the quorum is not there.", within=block(
        Directive("address", "address", "192.0.2.99", "Its address."),
        Directive("port", "int", 80, "Its port.", **PORTS),
        header=("address", "port"), needed=("address",),
    )),
    Directive("sorry_server_inhibit", "flag", True, "Keeps it with weight 0."),
    Directive("sorry_server_lvs_method", "line", _TUNNEL, "How packets reach it.", within=METHOD),
    Directive("real_servers", "blocks", [{**_REAL, "weight": 1}], "The servers behind it.", keyword="real_server", within=REAL_SERVER),
    header=("address", "port", "fwmark", "group"),
)

_ENTRY = {"address": "192.0.2.1", "port": 80}

# What stands outside of other blocks, behind the instances.
LVS = block(
    Directive("SSL", "block", {"ca": "/etc/ssl/certs/ca-certificates.crt"}, "What checks over HTTPS show and trust.", within=block(
        Directive("password", "word", "secret", "Password of the key."),
        Directive("ca", "path", "/etc/ssl/certs/ca-certificates.crt", "Authorities."),
        Directive("certificate", "path", "/etc/keepalived/client.crt", "Certificate."),
        Directive("key", "path", "/etc/keepalived/client.key", "Its key."),
    )),
    Directive("virtual_server_group", "blocks", [{"name": "VSG_1", "entries": [_ENTRY]}], "Addresses and marks that are served alike.", within=block(
        Directive("name", "word", "VSG_1", "Name of the group."),
        Directive("entries", "entries", [_ENTRY], "Its addresses and marks.", within=block(
            Directive("address", "word", "192.0.2.1-4", "An address, or a range as 192.0.2.1-4."),
            Directive("port", "int", 80, "Port.", **PORTS),
            Directive("fwmark", "int", 7, "Or a mark.", low=1, high=WEIGHT, keyword="fwmark"),
            header=("address", "port", "fwmark"),
        )),
        header=("name",), needed=("name", "entries"),
    )),
    Directive(
        "virtual_server", "blocks", [{**_ENTRY, "lb_algo": "rr", "lb_kind": "NAT", "protocol": "TCP", "real_servers": [_REAL]}],
        "Virtual servers of LVS.", within=VIRTUAL_SERVER,
    ),
    # None of them is no error.
    Directive(
        "include", "path", "/etc/keepalived/conf.d/*.conf",
        "Files of your own that keepalived reads behind all others, as an absolute path in which C(*) is any text.", keyword="includer",
    ),
)

# What these tables do not have, and why.
LEFT_OUT = {
    "lvs_sched": "another word for lb_algo",
    "nb_get_retry": "another word for retry",
    "host": "SMTP_CHECK has connect_ip and others itself",
    "dynamic": "documented, and no version knows it",
}
