#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down what is posted to it, a line each."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = {"path": self.path, "authorization": self.headers["Authorization"], "body": body}
        with open("/var/lib/hooks.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        self.send_response(204)
        self.end_headers()


HTTPServer(("0.0.0.0", 8090), Hook).serve_forever()
