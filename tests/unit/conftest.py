# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures that several test files use."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import ansible
import pytest
from hypothesis import HealthCheck, settings
from support.hosts import Host
from support.modules import OLD_VERSIONS, VERSIONS, Python, Site, interpreter, old_core, packed

# A slow machine is no fault of what is tested, and a run finds what the run before found. To look for more: --hypothesis-profile=default.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def reachable() -> Iterator[Path]:
    """A directory that nobody may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="evenkeel-unit-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda version: f"python{version}")
def python(request: pytest.FixtureRequest, reachable: Path) -> Python:
    version = request.param
    path = interpreter(version)
    if path is None:
        pytest.skip(f"there is no Python {version} in ~/.pyenv/versions or as /usr/bin/python3")
    if version in OLD_VERSIONS:
        library = old_core()
    else:
        library = reachable / "library"
        library.mkdir(exist_ok=True)
        if not (library / "ansible").exists():
            (library / "ansible").symlink_to(Path(ansible.__file__).parent)
    temporary = reachable / f"tmp-{version}"
    temporary.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(reachable),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(temporary),
        "PYTHONPATH": f"{library}:{packed(reachable / 'collection')}",
        "PYTHONPYCACHEPREFIX": str(reachable / "bytecode"),
        "no_proxy": "127.0.0.1",
    }
    return Python(path, temporary, environment)


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            content = found.contents.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        found.address = f"http://127.0.0.1:{server.server_port}"
        yield found
        server.shutdown()


@pytest.fixture
def bare(python: Python, tmp_path: Path) -> Host:
    for name in ("bin", "proc", "run", "tmp"):
        (tmp_path / name).mkdir()
    environment = {**python.environment, "PATH": str(tmp_path / "bin")}
    return Host(tmp_path, replace(python, environment=environment))
