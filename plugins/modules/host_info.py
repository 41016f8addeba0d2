#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: host_info
short_description: Look at a load balancer once, for all that is to be known of it
version_added: 0.2.0
author: The evenkeel developers (@evenkeel)
description:
  - Looks at keepalived, looks at nginx, and listens for VRRP speakers, what of these is asked for, in one execution. It listens while it looks.
  - Passwords are not returned, and of keys nothing but the digests of their files.
options:
  keepalived:
    description:
      - Tells keepalived's version and build options, the VRRP instances of its configuration, and what tells it to leave the host's
        VIPs to others. Looks at the daemon that runs, and with O(keepalived.state) asks it which VIPs it is master of.
    type: dict
    suboptions:
      binary: {description: The keepalived to ask., type: path, default: /usr/sbin/keepalived}
      marker:
        description: A file without which O(keepalived.binary) counts as not installed, such as the last one of an artifact.
        type: path
      config: {description: The configuration., type: path, default: /etc/keepalived/keepalived.conf}
      interface:
        description: The interface that carries the adverts, for RV(keepalived.networkd_file); without one RV(keepalived.addresses) is empty.
        type: str
        default: ''
      user: {description: 'The account that scripts run as, for RV(keepalived.user_exists).', type: str, default: ''}
      auth_pass: {description: 'The password that the instances shall have, for RV(keepalived.auth_differs); empty for none.', type: str}
      auth_type: {description: The kind of authentication that they shall have with it., type: str, choices: [PASS, AH], default: PASS}
      auth_hmac:
        description:
          - How the instances shall sign their adverts, for RV(keepalived.hmac_differs), as the keepalived role's variable
            C(keepalived_auth_hmac) has it; empty if they shall not.
        type: dict
      state_dir: {description: Where the files lie that keepalived tracks until the next boot., type: path, default: /run/vrrp}
      drained_file: {description: The tracked file of a drained host., type: path, default: /var/lib/keepalived/drained}
      admitted_file:
        description: The file in which the role keeps from where its firewall rule lets adverts in.
        type: path
        default: /var/lib/keepalived/firewall
      state:
        description:
          - Whether to ask the daemon for its own state. It answers with the file C(keepalived.data) in its C(TMPDIR), within 3 s or not at all.
        type: bool
        default: false
      asked_at: {description: 'The control node''s time, in seconds since the epoch, for RV(keepalived.clock_offset).', type: float}
  nginx:
    description:
      - Tells nginx's version, its modules, its processes, the digests of all files of its configuration, of its keys and its
        certificates, and what it answers to requests from this host.
    type: dict
    suboptions:
      binary: {description: The nginx to ask. The one on C(PATH) if it is not given., type: path}
      config: {description: The configuration., type: path, default: /etc/nginx/nginx.conf}
      probes:
        description: HTTP requests to send, all at once.
        type: list
        elements: dict
        default: []
        suboptions:
          address: {description: 'The IP address to connect to, IPv4 or IPv6.', type: str, required: true}
          port: {description: The TCP port to connect to., type: int, default: 80}
          host: {description: The C(Host) header. The address if it is not given., type: str}
          path: {description: The path to ask for., type: str, default: /}
          tls:
            description: Asks by HTTPS, whatever the certificate says. O(nginx.probes[].host) is named to the server (SNI).
            type: bool
            default: false
      timeout: {description: Within how many seconds the first line of an answer has to come., type: float, default: 2.0}
      packages:
        description:
          - Whether to ask the package manager, for RV(nginx.packages) and RV(nginx.candidates). It answers from its present lists, which
            this module does not refresh.
        type: bool
        default: false
      wanted:
        description:
          - With O(nginx.packages), the version of nginx that RV(nginx.candidates) are to be of, up or down, in place of the newest. V(*)
            stands for any text, such as in V(1.22.1*); the newest that matches is taken. The epoch may be left out.
        type: str
  listen:
    description:
      - Listens for the adverts of VRRP version 2 (RFC 3768) and version 3 (RFC 5798), over IPv4 and IPv6, and tells who sent them and
        what they say. Needs root, or the capability C(CAP_NET_RAW).
      - What this host sends itself is not heard, nor what is for another interface on top of this one, such as a VLAN's.
      - While it listens, the interface accepts the multicast addresses of VRRP, V(224.0.0.18) and V(ff02::12); it does not become promiscuous.
    type: dict
    suboptions:
      interface: {description: 'The interface. One that is down is warned of, and heard once it is up.', type: str, required: true}
      seconds:
        description: How long to listen, in seconds, more than 0 and at most 120. A master speaks once in its interval, and a backup not at all.
        type: float
        default: 3.0
attributes:
  check_mode: {description: 'Changes nothing, and runs in check mode too.', support: full}
  diff_mode: {description: There is nothing to differ., support: none}
"""

EXAMPLES = r"""
- name: Look at keepalived and nginx, and hear who else speaks VRRP
  evenkeel.nginx_ha.host_info:
    keepalived: {interface: ens33}
    nginx: {}
    listen: {interface: ens33, seconds: 5}
  register: host

- name: Make sure that virtual router ID 51 is free
  ansible.builtin.assert:
    that: 51 not in host.heard.speakers | map(attribute='virtual_router_id')

- name: Ask keepalived which VIPs it is master of
  evenkeel.nginx_ha.host_info:
    keepalived: {state: true, asked_at: "{{ now().timestamp() }}"}
  register: host

- name: Make sure that nginx answers
  evenkeel.nginx_ha.host_info:
    nginx:
      probes:
        - {address: 127.0.0.1, port: 8080, path: /healthz}
        - {address: 192.0.2.200, host: www.example.com}
  register: host
  failed_when: host.nginx.answers | rejectattr('status', 'eq', 200) | list | length > 0
"""

RETURN = r"""
keepalived:
  description: The keepalived that the host has, what it is configured to do, and what it does.
  returned: with O(keepalived)
  type: dict
  contains:
    installed: {description: 'Whether the binary, and the marker if one was given, are there.', type: bool}
    version: {description: "The binary's version, such as V(2.2.7), or empty.", type: str}
    options: {description: 'What it was built with, such as V(SYSTEMD_NOTIFY).', type: list, elements: str}
    addresses:
      description: The addresses that the host has now, with their prefixes, but those of lo and link-local ones; VIPs that it holds are among them.
      type: list
      elements: str
    networkd_file: {description: 'systemd-networkd''s file for O(keepalived.interface), or empty where networkd has none.', type: str}
    nftables: {description: Whether the host has systemd's unit that loads the rules of nftables., type: bool}
    admitted: {description: The addresses from which the role's own rule lets adverts in., type: list, elements: str}
    instances:
      description: VRRP instances of the configuration.
      type: list
      elements: dict
      contains:
        name: {description: Its name., type: str}
        virtual_router_id: {description: Its VRID., type: int}
        priority: {description: 'Its priority, or keepalived''s own V(100).', type: int}
        drained_weight: {description: 'What a drain adds to its priority, 0 for a FAULT. Null where it does not know of drains.', type: int}
        advert_int: {description: 'The seconds between its adverts, or keepalived''s own V(1).', type: float}
        virtual_ipaddress: {description: Its VIPs with their prefixes., type: list, elements: str}
        group: {description: 'The multicast group of its adverts, where it sends them to one.', type: str}
        unicast_peers: {description: Where it sends its adverts; empty for the multicast group., type: list, elements: str}
    vrrp_version: {description: 'Its VRRP version, or keepalived''s own V(2). Null where it names none and has no instances.', type: int}
    user_exists: {description: Whether there is an account O(keepalived.user)., type: bool}
    auth_differs:
      description: Whether an instance of the configuration has another password than O(keepalived.auth_pass), or another kind than O(keepalived.auth_type).
      type: bool
    hmac_differs:
      description:
        - Whether an instance of the configuration and one with O(keepalived.auth_hmac) would drop each other's adverts, by their modes and keys.
        - A key in a file is known by the file's name alone.
      type: bool
    drained: {description: 'Why the host is drained, or empty.', type: str}
    drained_since: {description: 'Since when, in seconds since the epoch, or null.', type: float}
    standby: {description: Whether the host hands its VIPs over., type: bool}
    nginx_down: {description: Whether systemd has told keepalived that nginx is down., type: bool}
    check_failed: {description: Whether the check of nginx has failed., type: bool}
    daemon:
      description: The daemon that runs.
      type: dict
      contains:
        running: {description: Whether there is one., type: bool}
        pid: {description: 'Its main process, or V(0).', type: int}
        binary:
          description:
            - The path that it was started from, also where another file has taken its place, or empty. It is written as
              O(keepalived.binary) where it is that file.
          type: str
        version: {description: 'The version of what runs, which is not RV(keepalived.version) before a restart, or empty.', type: str}
        since: {description: 'When it was started, in seconds since the epoch, or null.', type: float}
        state_age: {description: 'How many seconds it took to answer, or null if it did not. Only with O(keepalived.state).', type: float}
        instances:
          description: What it says of its instances. Only with O(keepalived.state).
          type: list
          elements: dict
          contains:
            name: {description: Its name., type: str}
            state: {description: 'V(MASTER), V(BACKUP), V(FAULT) or V(INIT).', type: str}
            virtual_router_id: {description: Its VRID., type: int}
            priority: {description: 'Its priority now, with what is tracked.', type: int}
            base_priority: {description: Its configured priority., type: int}
            virtual_ipaddress: {description: Its VIPs with their prefixes., type: list, elements: str}
            master: {description: 'As backup, the address of the master that it has heard last, if any. Otherwise empty.', type: str}
            last_transition: {description: 'When its state changed last, in seconds since the epoch.', type: float}
    clock_offset:
      description:
        - How many seconds the host's clock is ahead of O(keepalived.asked_at), or null without it. The time that it took to start this
          module counts as ahead.
      type: float
    ntp:
      description: Whether the clock is synchronized, or null where systemd cannot tell.
      returned: with O(keepalived.state)
      type: bool
nginx:
  description: The nginx that the host has, what it is made of, and what it answers.
  returned: with O(nginx)
  type: dict
  contains:
    installed: {description: Whether there is an nginx., type: bool}
    version: {description: 'Its version, such as V(1.22.1), or empty.', type: str}
    modules:
      description:
        - The names of its modules, without C(ngx_) and C(_module), such as V(stream) or V(http_image_filter), those that it was built
          with by an option and those whose files are where it looks for them. The latter need a C(load_module), which packages bring along.
      type: list
      elements: str
    running: {description: 'Whether it runs, by its PID file C(/run/nginx.pid).', type: bool}
    pid: {description: 'Its main process, or V(0).', type: int}
    workers: {description: The processes that take requests; those that only finish theirs are not among them., type: list, elements: int}
    packages: {description: Installed packages of nginx and its modules with their versions., returned: with O(nginx.packages), type: dict}
    candidates:
      description: Those that the package manager would upgrade, with the new versions.
      returned: with O(nginx.packages)
      type: dict
    versions:
      description: The versions of nginx that the package manager has, the newest first.
      returned: with O(nginx.wanted)
      type: list
      elements: str
    wanted:
      description:
        - The packages of nginx itself with the version that O(nginx.wanted) means, whether installed or not; empty where there is none.
          Debian's C(nginx-common) is one of them where it has the same version.
      returned: with O(nginx.wanted)
      type: dict
    backends_out:
      description: Names and addresses of servers that C(nginx_ha/backends_out) beside O(nginx.config) has as out of service.
      type: list
      elements: str
    cores: {description: The processors that are online., type: int}
    memory_mb: {description: The host's memory in MiB., type: int}
    open_files: {description: 'How many files systemd lets a service open at most, or V(0) if it does not say.', type: int}
    files: {description: 'The SHA-256 of each file of the configuration by its path, O(nginx.config) first.', type: dict}
    certificates:
      description: What tells the keys and certificates of the configuration apart, by their paths. Names with variables in them are left out.
      type: dict
      contains:
        sha256: {description: 'The file''s SHA-256, or null where there is no such file.', type: str}
        not_after:
          description: Until when the certificate is valid, as C(openssl) prints it, or null. Files of C(ssl_certificate) have it alone.
          type: str
    listeners:
      description: Who accepts TCP connections on this host, of all programs.
      type: list
      elements: dict
      contains:
        address: {description: 'The address, C(0.0.0.0) and C(::) for all.', type: str}
        port: {description: The port., type: int}
        process: {description: 'The name of a process that does, or empty where none can be seen.', type: str}
    answers:
      description: What came of O(nginx.probes), in their order.
      type: list
      elements: dict
      contains:
        address: {description: The address., type: str}
        port: {description: The port., type: int}
        host: {description: The C(Host) header., type: str}
        status: {description: 'The HTTP status, or V(0) without one.', type: int}
        error: {description: 'Why there is no status, or empty.', type: str}
heard:
  description: Who speaks VRRP beside this host.
  returned: with O(listen)
  type: dict
  contains:
    speakers:
      description:
        - The senders of adverts, one entry for each address family, VRRP version, virtual router ID and source address, sorted by family,
          virtual router ID and source. Where adverts of one speaker differ, the last one counts. Passwords in them are left out.
      type: list
      elements: dict
      contains:
        version: {description: 'Version of VRRP, V(2) or V(3).', type: int}
        family: {description: V(ipv4) or V(ipv6). VRRP version 2 is V(ipv4) alone., type: str}
        virtual_router_id: {description: 'Virtual router ID, from 1 to 255.', type: int}
        priority: {description: 'Priority, from 0 to 255; V(0) gives the virtual router up, V(255) owns its addresses.', type: int}
        source: {description: The sender's IP address., type: str, sample: 192.0.2.1}
        addresses:
          description: The addresses of the virtual router, without prefix lengths, as the sender orders them.
          type: list
          elements: str
          sample: [192.0.2.200, 192.0.2.210]
        interval: {description: 'Seconds between adverts, whole ones in version 2 and hundredths in version 3.', type: float, sample: 1.0}
        auth_type:
          description:
            - How version 2 authenticates, V(none), V(pass) (a password in plain text), V(ah) (an authentication header) or the number of
              another type. Null in version 3, which has no authentication.
          type: str
          sample: none
        count: {description: How many adverts were heard., type: int}
        first_seen: {description: 'When the first one was heard, in seconds since listening began.', type: float}
        last_seen: {description: 'When the last one was heard, in seconds since listening began.', type: float}
    malformed:
      description:
        - Number of VRRP packets that no host heeds, by reason of a length, a checksum, the version, the type, virtual router ID 0,
          fragmentation, or a TTL (hop limit) other than 255 where they are multicast.
      type: int
    dropped: {description: 'Number of adverts from further speakers, once there are 1024.', type: int}
    seconds: {description: 'How long it listened, in seconds, as in O(listen.seconds).', type: float}
    interface: {description: 'The interface, as in O(listen.interface).', type: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import keepalived_look, nginx_look, vrrp_hearing


def main():
    module = AnsibleModule(
        argument_spec=dict(
            keepalived=dict(type="dict", options=keepalived_look.OPTIONS),
            nginx=dict(type="dict", options=nginx_look.OPTIONS),
            listen=dict(type="dict", options=vrrp_hearing.OPTIONS),
        ),
        supports_check_mode=True,
    )
    params, found = module.params, {}
    hearing = vrrp_hearing.Hearing(module, params["listen"]) if params["listen"] is not None else None
    if params["keepalived"] is not None:
        found["keepalived"] = keepalived_look.look(module, params["keepalived"])
    if params["nginx"] is not None:
        found["nginx"] = nginx_look.look(module, params["nginx"])
    if hearing:
        found["heard"] = hearing.heard()
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
