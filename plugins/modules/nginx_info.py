#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: nginx_info
short_description: Which nginx a host has, what it is made of, and what it answers
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Tells nginx's version, its modules, its processes, the digests of all files of its configuration, of its keys and its certificates, and what it
    answers to requests from this host.
  - Of keys nothing but their digests is returned.
options:
  binary:
    description: The nginx to ask. The one on C(PATH) if it is not given.
    type: path
  config:
    description: The configuration.
    type: path
    default: /etc/nginx/nginx.conf
  probes:
    description: HTTP requests to send, all at once.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: The IP address to connect to, IPv4 or IPv6.
        type: str
        required: true
      port:
        description: The TCP port to connect to.
        type: int
        default: 80
      host:
        description: The C(Host) header. The address if it is not given.
        type: str
      path:
        description: The path to ask for.
        type: str
        default: /
      tls:
        description: Asks by HTTPS, whatever the certificate says. O(probes[].host) is named to the server (SNI).
        type: bool
        default: false
  timeout:
    description: Within how many seconds the first line of an answer has to come.
    type: float
    default: 2.0
  packages:
    description:
      - Whether to ask the package manager, for RV(packages) and RV(candidates). It answers from its present lists, which this module does
        not refresh.
    type: bool
    default: false
  wanted:
    description:
      - With O(packages), the version of nginx that RV(candidates) are to be of, up or down, in place of the newest. V(*) stands for any
        text, such as in V(1.22.1*); the newest that matches is taken. The epoch may be left out.
    type: str
extends_documentation_fragment: evenkeel.nginx_ha.looks
"""

EXAMPLES = r"""
- name: Look at nginx
  evenkeel.nginx_ha.nginx_info:
    packages: true
  register: nginx

- name: Make sure that it answers
  evenkeel.nginx_ha.nginx_info:
    probes:
      - {address: 127.0.0.1, port: 8080, path: /healthz}
      - {address: 192.0.2.200, host: www.example.com}
  register: nginx
  failed_when: nginx.answers | rejectattr('status', 'eq', 200) | list | length > 0
"""

RETURN = r"""
installed:
  description: Whether there is an nginx.
  returned: success
  type: bool
version:
  description: Its version, such as V(1.22.1), or empty.
  returned: success
  type: str
modules:
  description:
    - The names of its modules, without C(ngx_) and C(_module), such as V(stream) or V(http_image_filter), those that it was built with by
      an option and those whose files are where it looks for them. The latter need a C(load_module), which packages bring along.
  returned: success
  type: list
  elements: str
running:
  description: Whether it runs, by its PID file C(/run/nginx.pid).
  returned: success
  type: bool
pid:
  description: Its main process, or V(0).
  returned: success
  type: int
workers:
  description: The processes that take requests; those that only finish theirs are not among them.
  returned: success
  type: list
  elements: int
packages:
  description: The versions of the installed packages of nginx and its modules by their names.
  returned: with O(packages)
  type: dict
candidates:
  description: The versions that the package manager would upgrade these to, for those that it would upgrade.
  returned: with O(packages)
  type: dict
versions:
  description: The versions of nginx that the package manager has, the newest first.
  returned: with O(wanted)
  type: list
  elements: str
wanted:
  description:
    - The packages of nginx itself with the version that O(wanted) means, whether installed or not; empty where there is none. Debian's
      C(nginx-common) is one of them where it has the same version.
  returned: with O(wanted)
  type: dict
backends_out:
  description: Names and addresses of servers that C(nginx_ha/backends_out) beside O(config) has as out of service.
  returned: success
  type: list
  elements: str
cores:
  description: The processors that are online.
  returned: success
  type: int
memory_mb:
  description: The host's memory in MiB.
  returned: success
  type: int
open_files:
  description: How many files systemd lets a service open at most, or V(0) if it does not say.
  returned: success
  type: int
files:
  description: The SHA-256 of each file of the configuration by its path, O(config) first.
  returned: success
  type: dict
certificates:
  description: What tells the keys and certificates of the configuration apart, by their paths. Names with variables in them are left out.
  returned: success
  type: dict
  contains:
    sha256:
      description: The file's SHA-256, or null where there is no such file.
      type: str
    not_after:
      description: Until when the certificate is valid, as C(openssl) prints it, or null. Files of C(ssl_certificate) have it alone.
      type: str
listeners:
  description: Who accepts TCP connections on this host, of all programs.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The address, C(0.0.0.0) and C(::) for all.
      type: str
    port:
      description: The port.
      type: int
    process:
      description: The name of a process that does, or empty where none can be seen.
      type: str
answers:
  description: What came of O(probes), in their order.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The address.
      type: str
    port:
      description: The port.
      type: int
    host:
      description: The C(Host) header.
      type: str
    status:
      description: The HTTP status, or V(0) without one.
      type: int
    error:
      description: Why there is no status, or empty.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils import nginx_look


def main():
    module = AnsibleModule(argument_spec=nginx_look.OPTIONS, supports_check_mode=True)
    module.exit_json(changed=False, **nginx_look.look(module, module.params))


if __name__ == "__main__":
    main()
