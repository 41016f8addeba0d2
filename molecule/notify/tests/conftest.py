# SPDX-License-Identifier: GPL-3.0-or-later
from labtest import cluster  # noqa: F401
