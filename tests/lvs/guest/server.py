# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server: it says its name to each request, and to each line of a connection that stays. Arguments: name and port."""

from __future__ import annotations

import os
import socketserver
import sys

NAME, PORT = sys.argv[1], int(sys.argv[2])
# While this is there the page that checks ask for says so.
ILL = f"/tmp/{NAME}.ill"


class Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            if line.startswith(b"GET "):
                status = "503 Ill" if b"/healthz" in line and os.path.exists(ILL) else "200 OK"
                self.wfile.write(f"HTTP/1.0 {status}\r\nContent-Length: {len(NAME)}\r\n\r\n{NAME}".encode())
                return
            self.wfile.write(f"{NAME} {line.decode()}".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("", PORT), Talk).serve_forever()
