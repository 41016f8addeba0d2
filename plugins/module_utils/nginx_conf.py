# Copyright (c) 2026, The evenkeel developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files an nginx.conf is made of, and which keys and certificates it names."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import hashlib
import os
import re
from collections import OrderedDict

from ansible.module_utils.common.text.converters import to_native

CERTIFICATES = ("ssl_certificate",)
SECRETS = (
    "ssl_certificate_key",
    "ssl_trusted_certificate",
    "ssl_client_certificate",
    "ssl_session_ticket_key",
    "ssl_dhparam",
)
TOKEN = re.compile(
    r"""(\#.*)|"((?:\\[\s\S]|[^"\\])*)"|'((?:\\[\s\S]|[^'\\])*)'|([;{}])|((?:\\[\s\S]|\$\{|[^\s;{\\])+)""", re.X
)


def content(path):
    """A file's content, or None where it cannot be read."""
    try:
        with open(path, "rb") as source:
            return source.read()
    except (IOError, OSError):
        return None


def digest(data):
    return None if data is None else hashlib.sha256(data).hexdigest()


def directives(text):
    """The words of each directive, those inside of blocks too."""
    words = []
    for comment, double, single, end, plain in TOKEN.findall(text):
        if comment:
            continue
        if not end:
            words.append(re.sub(r"""\\(["'\\])""", r"\1", double or single or plain))
            continue
        if words:
            yield words
        words = []


def files(config):
    """The digest of each file of the configuration by its path, and (directive, path) of each key and certificate."""
    digests, named = OrderedDict(), []
    _visit(os.path.normpath(config), os.path.dirname(config), digests, named)
    return digests, named


def _visit(path, base, digests, named):
    data = content(path)
    if path in digests or data is None:
        return
    digests[path] = digest(data)
    for words in directives(to_native(data, errors="surrogate_or_replace")):
        if len(words) < 2:
            continue
        target = os.path.normpath(os.path.join(base, words[1]))
        if words[0] == "include":
            for found in sorted(glob.glob(target)) if re.search(r"[*?[]", target) else [target]:
                _visit(found, base, digests, named)
        elif words[0] in CERTIFICATES + SECRETS and not re.search(r"\$|^(?:data|engine|store):", words[1]):
            named.append((words[0], target))
