#!/usr/bin/python
# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: vip_probe
short_description: Ask virtual IP addresses for a page at a steady rate, and tell what failed
version_added: 0.1.0
author: The evenkeel developers (@evenkeel)
description:
  - Sends every target HTTP requests at a steady rate, each on a TCP connection of its own, and returns how many failed,
    why and for how long, how long answers took, who answered, and which host had the address when.
  - Requests leave on schedule, however many are still unanswered, and each counts by when it was sent. So one slow
    answer hides no other request.
  - A request fails when the connection is refused or reset or there is no route, when the answer is not complete within
    O(timeout), when its status is not 2xx or 3xx, and when it ends before all of it has come.
  - Nothing on the host changes, but O(stop_file) is removed.
options:
  targets: {description: 'The IP addresses to ask, IPv4 or IPv6.', type: list, elements: str, required: true}
  duration: {description: 'For how long requests are sent, in seconds, more than 0 and at most 3600.', type: float, required: true}
  rate:
    description:
      - Requests a second to each target, from 0.1 to 1000. Outages shorter than the time between two requests go
        unseen.
    type: float
    default: 100.0
  timeout: {description: 'Within how many seconds an answer has to be complete, from 0.05 to 60.', type: float, default: 1.0}
  port: {description: The TCP port to ask., type: int, default: 80}
  path: {description: The path to ask for., type: str, default: /}
  host: {description: The C(Host) header. The target itself if it is not given., type: str}
  identity:
    description:
      - How RV(targets.answered_by) tells who answered.
      - V(holder) is the host that has the address, as in RV(targets.holders).
      - V(body) is the first line of the page, 64 characters at most.
      - Anything else is the name of a header of the answer, of whose value 64 characters count.
      - What it does not tell of counts as V(-).
    type: str
    default: holder
  names:
    description:
      - The hosts' names by the MAC addresses of their interfaces, for RV(targets.holders). Write MAC addresses in quotes; their
        case does not matter. A MAC address without a name stands for itself.
    type: dict
    default: {}
  stop_file:
    description:
      - Sending ends early once this file exists, so that a task that runs beside it (C(async)) can be ended. If it exists
        at the start, nothing is sent. It is removed in the end, in check mode too.
    type: path
attributes:
  check_mode: {description: 'Changes nothing, and runs in check mode too.', support: full}
  diff_mode: {description: There is nothing to differ., support: none}
"""

EXAMPLES = r"""
- name: Ask the VIP for ten seconds
  evenkeel.nginx_ha.vip_probe:
    targets: [192.0.2.200]
    duration: 10
  register: probe

- name: Make sure that all requests were answered
  ansible.builtin.assert:
    that: probe.targets['192.0.2.200'].failed == 0

- name: Watch both VIPs, until told to stop
  evenkeel.nginx_ha.vip_probe:
    targets: [192.0.2.200, 192.0.2.210]
    duration: 600
    names: {'02:00:00:00:00:0a': nginx1, '02:00:00:00:00:0b': nginx2}
    stop_file: /run/vip_probe.stop
  async: 660
  poll: 0
  register: watch

- name: Stop watching
  ansible.builtin.file:
    path: /run/vip_probe.stop
    state: touch
    mode: '0600'

- name: Fetch what was seen
  ansible.builtin.async_status:
    jid: '{{ watch.ansible_job_id }}'
  register: seen
  until: seen.finished
  retries: 30
  delay: 1
"""

RETURN = r"""
began: {description: 'When the first requests were sent, in seconds since the epoch.', returned: success, type: float}
duration: {description: 'For how long requests were sent, in seconds.', returned: success, type: float}
rate: {description: 'Requests a second to each target, as in O(rate).', returned: success, type: float}
timeout: {description: 'Within how many seconds an answer had to be complete, as in O(timeout).', returned: success, type: float}
missed:
  description:
    - How many requests to each target were never sent, as the host did not let the module run for more than a second.
      They are neither in RV(targets.sent) nor in RV(targets.failed).
  returned: success
  type: int
targets:
  description: What was seen of each of O(targets), a dictionary of those below by address.
  returned: success
  type: dict
  contains:
    sent: {description: How many requests were sent., type: int}
    failed: {description: How many of them failed., type: int}
    gap_ms:
      description:
        - The longest outage, in milliseconds, from when the last request before it that was answered was sent to when the
          first one after it was. From the first request or to the last one where there is none. V(0) if none failed.
      type: int
    recover_ms:
      description:
        - Milliseconds from the first failed request to the one that was answered and after which none failed. V(0) if none failed,
          null if the last one did.
      type: int
    answered_by: {description: 'How many requests each host answered, by O(identity).', type: dict, sample: {nginx1: 480, nginx2: 520}}
    latency_ms:
      description:
        - How long answers took, in milliseconds, with the keys C(min), C(median), C(p95), C(p99) and C(max). Each is the latency
          of one of the answers. Null if there were none.
      type: dict
      sample: {min: 0.4, median: 0.6, p95: 1.2, p99: 3.5, max: 9.1}
    failures:
      description: The spans of failed requests between answered ones, the first 1000 of them.
      type: list
      elements: dict
      contains:
        from_ms: {description: 'When the first of them was sent, in milliseconds since RV(began).', type: int}
        to_ms: {description: 'When the last of them was sent, in milliseconds since RV(began).', type: int}
        count: {description: How many they are., type: int}
        reasons:
          description:
            - How many failed for which reason, V(timeout), V(refused), V(reset), V(unreachable), V(short answer), V(not HTTP), a
              status such as V(status 500), or what the system says of another error.
          type: dict
          sample: {timeout: 31, unreachable: 2}
    holders:
      description:
        - Which host had the address, as the ARP table of the probing host says, which is read every 10 ms. The first entry is for
          the start; one more follows for every change.
        - Empty for an IPv6 address, and where the addresses are beyond a router or on the probing host itself, as the ARP table
          does not have them.
      type: list
      elements: dict
      contains:
        at_ms: {description: 'Since when, in milliseconds since RV(began).', type: int}
        holder: {description: 'The host''s name as in O(names), else its MAC address. Null while the ARP table had none.', type: str}
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native
from ansible_collections.evenkeel.nginx_ha.plugins.module_utils.vip_probe import BadOption, probe


def refusal(stop_file):
    """Why that file could not end anything; None if it can."""
    directory = os.path.dirname(os.path.abspath(stop_file))
    if os.path.isdir(stop_file):
        return "stop_file is '%s', which is a directory. Name a file." % stop_file
    if not os.path.isdir(directory):
        return "stop_file is '%s', and there is no directory %s. Name a file in one that exists." % (
            stop_file,
            directory,
        )
    return None


def remove(module, path):
    try:
        if os.path.lexists(path):
            os.unlink(path)
    except EnvironmentError as error:
        module.warn("stop_file %s is still there and would stop the next run: %s" % (path, to_native(error)))


def main():
    module = AnsibleModule(
        argument_spec=dict(
            targets=dict(type="list", elements="str", required=True),
            duration=dict(type="float", required=True),
            rate=dict(type="float", default=100.0),
            timeout=dict(type="float", default=1.0),
            port=dict(type="int", default=80),
            path=dict(type="str", default="/"),
            host=dict(type="str"),
            identity=dict(type="str", default="holder"),
            names=dict(type="dict", default={}),
            stop_file=dict(type="path"),
        ),
        supports_check_mode=True,
    )
    options = dict(module.params)
    stop_file = options.pop("stop_file")
    options["names"] = {to_native(mac): to_native(name) for mac, name in options["names"].items()}
    problem = stop_file and refusal(stop_file)
    if problem:
        module.fail_json(msg=problem)
    try:
        result = probe(stop=stop_file and (lambda: os.path.lexists(stop_file)), **options)
    except BadOption as error:
        module.fail_json(msg=to_native(error))
    except EnvironmentError as error:
        module.fail_json(msg="Probing failed: %s" % to_native(error))
    if stop_file:
        remove(module, stop_file)
    # async_status takes a result that has "started" for a job that still runs.
    result["began"] = result.pop("started")
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
