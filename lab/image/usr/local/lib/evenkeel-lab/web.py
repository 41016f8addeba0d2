#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server of the lab: HTTP/1.1 with keep-alive; the answer is the host's name."""

import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = (socket.gethostname() + "\n").encode()


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one segment: Nagle's algorithm would hold the second back for 40 ms.
    wbufsize = -1

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


Server(("", int(sys.argv[1])), Page).serve_forever()
