#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client's requests, given as JSON; what came of them is printed as JSON.

    client.py ask REQUESTS       one after the other, each on a connection of its own
    client.py together REQUESTS  all at once
    client.py watch REQUESTS     each of them over and over, until standard input ends
    client.py websocket REQUEST  sends its "messages" and closes
    client.py grpc REQUEST       calls its "method" with its "messages"
    client.py idle REQUEST       seconds for which the connection is kept after the answer
    client.py udp REQUEST        sends its "messages" to the port "to" "port", each from a port of its own

A request has a url; to (an address, if it is not the URL's host), method, headers, size (of its body), prefix (what is sent
before it), after (seconds to wait before), every (seconds between two, to watch) and timeout.
"""

import base64
import collections
import http.client
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
from urllib.parse import urlsplit

CERTIFICATES = "/usr/local/lib/proxy/trusted.pem"
TIMEOUT = 15


def connect(request):
    """A connection to the URL's host, or to another address for its name, and the common name of its certificate."""
    url = urlsplit(request["url"])
    port = url.port or (443 if url.scheme == "https" else 80)
    address = (request.get("to") or url.hostname, port)
    plain = socket.create_connection(address, request.get("timeout", TIMEOUT))
    plain.sendall(request.get("prefix", "").encode())
    if url.scheme != "https":
        return plain, ""
    encrypted = ssl.create_default_context(cafile=CERTIFICATES).wrap_socket(plain, server_hostname=url.hostname)
    return encrypted, dict(pair for row in encrypted.getpeercert()["subject"] for pair in row)["commonName"]


def answer(request):
    """The answer, or status 0 and why there is none."""
    time.sleep(request.get("after", 0))
    begun = time.monotonic()
    url = urlsplit(request["url"])
    connection = http.client.HTTPConnection(url.hostname, url.port)
    connection.default_port = 443 if url.scheme == "https" else 80
    try:
        connection.sock, certificate = connect(request)
        body = b"x" * request["size"] if "size" in request else None
        target = url.path + (f"?{url.query}" if url.query else "")
        connection.request(request.get("method", "GET"), target, body, request.get("headers", {}))
        got = connection.getresponse()
        text = got.read(1)
        first = time.monotonic() - begun
        text += got.read()
    except (OSError, http.client.HTTPException) as error:
        return {"status": 0, "error": repr(error), "seconds": time.monotonic() - begun}
    finally:
        connection.close()
    headers = {}
    for name, value in got.getheaders():
        headers.setdefault(name.lower(), []).append(value)
    return {
        "status": got.status,
        "headers": headers,
        "text": text.decode(),
        "certificate": certificate,
        "first": first,
        "seconds": time.monotonic() - begun,
    }


def ask(requests):
    return [answer(request) for request in requests]


def together(requests):
    answers = [None] * len(requests)

    def run(index):
        answers[index] = answer(requests[index])

    in_threads([lambda index=index: run(index) for index in range(len(requests))])
    return answers


def watch(requests):
    """Of each request how often it was sent, what failed, and who answered."""
    results = [
        {"sent": 0, "failed": [], "names": collections.Counter(), "certificates": collections.Counter()}
        for _ in requests
    ]
    over = threading.Event()

    def run(request, result):
        while not over.is_set():
            got = answer(request)
            result["sent"] += 1
            if got["status"] == 200:
                result["names"][json.loads(got["text"])["name"]] += 1
                result["certificates"][got["certificate"]] += 1
            else:
                result["failed"].append({**got, "at": time.time()})
            time.sleep(request.get("every", 0.04))

    def wait():
        print("watching", flush=True)
        select.select([sys.stdin], [], [])
        over.set()

    in_threads([*(lambda pair=pair: run(*pair) for pair in zip(requests, results, strict=True)), wait])
    return results


def in_threads(calls):
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def websocket(request):
    """What each message was answered with; "pause" is how long it is silent before the last."""
    url = urlsplit(request["url"])
    key = base64.b64encode(os.urandom(16)).decode()
    connection, _ = connect(request)
    connection.sendall(
        (
            f"GET {url.path} HTTP/1.1\r\nHost: {url.hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
    )
    stream = connection.makefile("rb")
    status = int(stream.readline().split()[1])
    while stream.readline().strip():
        pass
    echoed = []
    for number, message in enumerate(request["messages"] if status == 101 else (), 1):
        if number == len(request["messages"]):
            time.sleep(request.get("pause", 0))
        echoed.append(frame(connection, stream, 1, message.encode()).decode())
    closed = status == 101 and frame(connection, stream, 8, struct.pack("!H", 1000)) == struct.pack("!H", 1000)
    return {"status": status, "echoed": echoed, "closed": closed}


def frame(connection, stream, kind, payload):
    """The payload of the frame that answers one of less than 126 bytes."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    connection.sendall(struct.pack("BB", 128 | kind, 128 | len(payload)) + mask + masked)
    head = stream.read(2)
    return stream.read(head[1])


def grpc_call(request):
    """The answers to the messages, or the code of the failure."""
    import grpc

    url = urlsplit(request["url"])
    with open(CERTIFICATES, "rb") as pem:
        credentials = grpc.ssl_channel_credentials(pem.read())
    options = [("grpc.ssl_target_name_override", url.hostname), ("grpc.default_authority", url.hostname)]
    messages = [message.encode() for message in request["messages"]]
    with grpc.secure_channel(f"{request['to']}:{url.port or 443}", credentials, options) as channel:
        try:
            if url.path.endswith("Count"):
                answers = list(channel.stream_stream(url.path)(iter(messages), timeout=TIMEOUT))
            else:
                answers = [channel.unary_unary(url.path)(message, timeout=TIMEOUT) for message in messages]
        except grpc.RpcError as error:
            return {"code": error.code().name}
    return {"code": "OK", "answers": [json.loads(each) for each in answers]}


def idle(request):
    url = urlsplit(request["url"])
    asked = http.client.HTTPConnection(url.hostname, url.port)
    kept, _ = connect(request)
    asked.sock = kept
    with kept.dup() as watched:
        asked.request("GET", url.path)
        asked.getresponse().read()
        begun = time.monotonic()
        watched.settimeout(request.get("timeout", TIMEOUT))
        assert watched.recv(1) == b""
        return time.monotonic() - begun


def udp(request):
    """What each message was answered with, empty where it was not."""
    answers = []
    for message in request["messages"]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
            here.settimeout(request.get("timeout", TIMEOUT))
            here.sendto(message.encode(), (request["to"], request["port"]))
            try:
                answers.append(here.recv(2048).decode())
            except OSError:
                answers.append("")
    return answers


if __name__ == "__main__":
    commands = {
        "ask": ask,
        "together": together,
        "watch": watch,
        "websocket": websocket,
        "grpc": grpc_call,
        "idle": idle,
        "udp": udp,
    }
    print(json.dumps(commands[sys.argv[1]](json.loads(sys.argv[2]))))
