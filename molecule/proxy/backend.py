#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server to proxy to: it answers with what it got, as JSON, and fails when told to. HTTP, HTTPS, WebSocket, gRPC and UDP.

    backend.py NAME ADDRESS CERTIFICATE KEY

A request's query says how it is answered: status=503, seconds=2 before the answer, deaf=2 before its body is read,
pieces=4 with 0.3 s after each, close=unanswered, close=head or close=middle. GET /-/mode?QUERY says so for all requests to
this server, and GET /-/mode ends that; GET /-/seen tells how often each X-Test came since the last time.
"""

import base64
import collections
import hashlib
import itertools
import json
import socket
import ssl
import struct
import sys
import threading
import time
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

HTTP, HTTPS, GRPC, GRPCS, UDP = 7001, 7002, 7003, 7004, 7005
# RFC 6455, 1.3
WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NAME = sys.argv[1]
CONNECTIONS = itertools.count(1)
LOCK = threading.Lock()
MODE: dict = {}
SEEN: collections.Counter = collections.Counter()


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def setup(self):
        super().setup()
        self.connection_number = next(CONNECTIONS)

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/-/mode":
            MODE.clear()
            MODE.update(parse_qsl(url.query))
            self.say(200, MODE)
        elif url.path == "/-/seen":
            with LOCK:
                seen = dict(SEEN)
                SEEN.clear()
            self.say(200, seen)
        elif self.headers.get("Upgrade") == "websocket":
            self.websocket()
        else:
            self.echo({**dict(parse_qsl(url.query)), **MODE})

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_GET

    def echo(self, wish):
        with LOCK:
            SEEN[self.headers.get("X-Test", "")] += 1
        time.sleep(float(wish.get("deaf", 0)))
        length = self.length()
        time.sleep(float(wish.get("seconds", 0)))
        if wish.get("close"):
            self.break_off(wish["close"])
        elif wish.get("pieces"):
            self.piecemeal(int(wish["pieces"]))
        else:
            self.say(int(wish.get("status", 200)), self.seen(length))

    def seen(self, length):
        headers = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        return {
            "name": NAME,
            "method": self.command,
            "path": self.path,
            "headers": headers,
            "length": length,
            "port": self.server.server_port,
            "connection": self.connection_number,
        }

    def length(self):
        """Of the body, which is read meanwhile."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return len(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        total = 0
        while size := int(self.rfile.readline(), 16):
            total += len(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return total

    def say(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def piecemeal(self, pieces):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(pieces):
            self.wfile.write(b"5\r\npiece\r\n")
            self.wfile.flush()
            time.sleep(0.3)
        self.wfile.write(b"0\r\n\r\n")

    def break_off(self, where):
        if where != "unanswered":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-")
        if where == "middle":
            self.wfile.write(b"Length: 100\r\n\r\nno more")
        self.wfile.flush()
        self.close_connection = True

    def websocket(self):
        digest = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + WEBSOCKET).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.wfile.flush()
        # Frames of less than 126 bytes, masked, until one that closes.
        while len(head := self.rfile.read(2)) == 2:
            kind, size = head[0] & 15, head[1] & 127
            mask, payload = self.rfile.read(4), self.rfile.read(size)
            plain = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
            self.wfile.write(struct.pack("BB", 128 | kind, size) + plain)
            self.wfile.flush()
            if kind == 8:
                break
        self.close_connection = True

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_):
        """Connections that others end are not worth a word."""


def grpc_server(address, certificate, key):
    """Methods of any name: those that end in Count answer each message with three, others with one."""
    import grpc

    def answer(context, request):
        headers = {name: str(value) for name, value in context.invocation_metadata()}
        return json.dumps({"name": NAME, "headers": headers, "message": request.decode()}).encode()

    class Calls(grpc.GenericRpcHandler):
        def service(self, call):
            if call.method.endswith("Count"):
                return grpc.stream_stream_rpc_method_handler(
                    lambda requests, context: (answer(context, each) for each in requests for _ in range(3))
                )
            return grpc.unary_unary_rpc_method_handler(lambda request, context: answer(context, request))

    server = grpc.server(futures.ThreadPoolExecutor(16), handlers=[Calls()])
    server.add_insecure_port(f"{address}:{GRPC}")
    server.add_secure_port(f"{address}:{GRPCS}", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()
    return server


def answer_datagrams(address):
    """Each with this server's name before it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind((address, UDP))
        while True:
            datagram, sender = here.recvfrom(2048)
            here.sendto(NAME.encode() + b" " + datagram, sender)


def main():
    _, _, address, certificate, key = sys.argv
    plain, encrypted = Server((address, HTTP), Echo), Server((address, HTTPS), Echo)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # The handshake is the connection's own thread's.
    encrypted.socket = context.wrap_socket(encrypted.socket, server_side=True, do_handshake_on_connect=False)
    with open(certificate, "rb") as pem, open(key, "rb") as secret:
        kept = grpc_server(address, pem.read(), secret.read())
    threading.Thread(target=encrypted.serve_forever, daemon=True).start()
    threading.Thread(target=answer_datagrams, args=(address,), daemon=True).start()
    plain.serve_forever()
    del kept


main()
