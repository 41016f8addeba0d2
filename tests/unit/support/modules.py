# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as real processes, under every Python that a managed host may have."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support import forks

PLUGINS = Path(__file__).parents[3] / "plugins"
MODULES = PLUGINS / "modules"
LAB = Path("/var/lib/evenkeel-lab")
VERSIONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
# The module_utils of the control node's ansible-core need 3.8; hosts with an older Python are managed with this one.
OLD_VERSIONS = ("2.7", "3.6", "3.7")
OLD_CORE = "2.16.19"

# The oldest and the newest Python, or the newest alone, where what is tested depends on no other.
ends = pytest.mark.parametrize("python", (VERSIONS[0], VERSIONS[-1]), indirect=True)
newest = pytest.mark.parametrize("python", VERSIONS[-1:], indirect=True)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the module sets owners")
needs_make = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("make"), reason="needs root, to become nobody, and make"
)


@dataclass(frozen=True)
class Python:
    path: Path
    temporary: Path
    environment: Mapping[str, str]

    def run(
        self,
        module: str,
        arguments: Mapping[str, Any],
        *,
        check: bool = False,
        umask: int = 0o022,
        preload: str = "pass",
    ) -> dict[str, Any]:
        """The module's answer, once it is sure that it printed nothing else and left nothing behind."""
        payload = {"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check}}
        done = forks.run(
            self.path,
            f"{preload}\nrunpy.run_path({str(MODULES / module)!r} + '.py', run_name='__main__')",
            json.dumps(payload).encode(),
            self.environment,
            umask=umask,
            groups=[0] if os.geteuid() == 0 else None,
        )
        assert done.errors.decode() == ""
        answer: dict[str, Any] = json.loads(done.output)
        assert done.code == int(answer.get("failed", False))
        assert list(self.temporary.iterdir()) == []
        return answer


def old_core() -> Path:
    """The directory that ansible-core 2.16 is in; the first run downloads it."""
    directory = LAB / "ansible-core-2.16"
    if not directory.exists():
        LAB.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="ansible-core-2.16-", dir=LAB) as name:
            partial = Path(name) / "complete"
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, "--target", partial, f"ansible-core=={OLD_CORE}"], check=True)
            # Unless another checkout was quicker.
            with suppress(OSError):
                partial.rename(directory)
    return directory


def interpreter(version: str) -> Path | None:
    candidates = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    system = Path("/usr/bin/python3")
    if not candidates and system.exists():
        words = [system, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() == version:
            return system
    return candidates[-1] if candidates else None


def packed(directory: Path) -> Path:
    """The collection's module_utils as Ansible packs them."""
    package = directory
    for part in ("ansible_collections", "evenkeel", "nginx_ha", "plugins", "module_utils"):
        package /= part
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
    for path in (PLUGINS / "module_utils").glob("*.py"):
        shutil.copy(path, package)
    return directory


# Secrets, and where the old one stands in a file
OLD_SECRET, SECRET = "0ldpass", "s3cret"
MASK = r"(?m)^\s*auth_pass\s+(.+)$"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def listing(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


@dataclass
class Site:
    address: str = ""
    contents: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.address}{path}"


def one_set(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of config_files for one set of files; those that are Ansible's own stay beside it."""
    own = {name: value for name, value in arguments.items() if not name.startswith("_")}
    others = {name: value for name, value in arguments.items() if name not in own}
    return {"sets": [{"name": "one", **own}], **others}


def of_one_set(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What config_files answers for one set, and as a whole."""
    return {**answer, **answer.get("sets", {}).get("one", {})}
