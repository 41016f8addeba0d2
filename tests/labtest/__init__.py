# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests on the lab share: who holds which VIP, what the client gets, and runs of site.yml."""

import sys
from pathlib import Path

# For the prober on the client.
sys.path.append(str(Path(__file__).parents[2] / "lab"))

from labtest.cluster import Cluster
from labtest.site import Run, site

__all__ = ["Cluster", "Run", "site"]
