# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths, headers, bodies, access and limits."""

from __future__ import annotations

import re

import pytest
from labtest.traffic import CLIENT, VIP, Traffic, request

# Addresses that are nobody's.
STRANGER, STRANGER6 = "203.0.113.7", "2001:db8::7"


PATHS = {
    "/unknown": (404, "nothing here\n"),
    "/text": (200, "before"),
    "/quoted": (200, "say \"a\"; {b} # 'c' \\ d\n"),
    "/match/any": (200, "prefix"),
    "/match/longer/any": (200, "longer prefix"),
    "/match/exact": (200, "exact"),
    "/match/exactly": (200, "prefix"),
    "/match/longer/a.txt": (200, "regex"),
    "/match/longer/a.TXT": (200, "longer prefix"),
    "/match/first/a.txt": (200, "first"),
    "/match/a.JPEG": (200, "any case"),
    "/files/hello": (200, "a file\n"),
    "/pages/about": (200, "about us\n"),
    "/pages/anything/else": (200, "the index\n"),
}


def test_paths(traffic: Traffic) -> None:
    answers = traffic.ask(*(request(f":8001{path}") for path in PATHS))
    assert {path: (answer.status, answer.text) for path, answer in zip(PATHS, answers, strict=True)} == PATHS


def test_files_that_are_not_there(traffic: Traffic) -> None:
    paths = ("/files/nothing", "/files/../../../etc/passwd", "/files/%2e%2e/%2e%2e/etc/passwd")
    assert [answer.status for answer in traffic.ask(*(request(f":8001{path}") for path in paths))] == [404, 400, 400]


def test_text_is_text(traffic: Traffic) -> None:
    assert traffic.get(":8001/text").headers["content-type"] == ["text/plain"]


def test_redirects(traffic: Traffic) -> None:
    old, older = traffic.ask(request(":8001/old?a=b"), request(":8001/older/page?a=b"))
    assert (old.status, old.headers["location"]) == (302, [f"http://{VIP}:8001/new?a=b"])
    assert (older.status, older.headers["location"]) == (301, ["https://www.example.com/older/page?a=b"])


def test_what_the_server_behind_is_asked_for(traffic: Traffic) -> None:
    paths = {"/strip/": "/", "/strip/a/b?c=d": "/a/b?c=d", "/keep/a%20b?c=d": "/keep/a%20b?c=d"}
    answers = traffic.ask(*(request(f":8001{path}") for path in paths))
    assert [answer.echo["path"] for answer in answers] == list(paths.values())


def test_headers_of_a_request(traffic: Traffic) -> None:
    first, second = (answer.echo["headers"] for answer in traffic.ask(*[request(":8001/headers")] * 2))
    assert first.pop("x-request-id") != second["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", second.pop("x-request-id")[0])
    assert first == second
    assert first == {
        "host": [VIP],
        "accept-encoding": ["identity"],
        "x-real-ip": [CLIENT],
        "x-forwarded-for": [CLIENT],
        "x-forwarded-host": [VIP],
        "x-forwarded-port": ["8001"],
        "x-forwarded-proto": ["http"],
        "forwarded": [f'for={CLIENT};host="{VIP}";proto=http'],
        "x-added": ['one; "two"'],
        "x-host": [VIP],
    }


def test_headers_of_a_request_are_replaced(traffic: Traffic) -> None:
    headers = traffic.get(":8001/host").echo["headers"]
    assert headers["host"] == ["inner.example.com"]
    assert headers["x-forwarded-host"] == [VIP]
    assert headers["x-forwarded-proto"] == ["https"]
    assert "x-real-ip" not in headers and "connection" not in headers


FORGED = {
    "X-Forwarded-For": STRANGER,
    "X-Real-IP": STRANGER,
    "X-Forwarded-Host": "forged.example.com",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Proto": "https",
    "Forwarded": f"for={STRANGER}",
    "X-Request-ID": "forged",
}


def test_a_client_cannot_forge_where_it_comes_from(traffic: Traffic) -> None:
    headers = traffic.get(":8001/keep/", headers=FORGED).echo["headers"]
    assert headers["x-forwarded-for"] == [f"{STRANGER}, {CLIENT}"]
    assert not re.search(r"forged|https|'1'|203\.0\.113", str(headers | {"x-forwarded-for": []}))
    # Nor with the proxies that another server trusts.
    assert traffic.get(":8005/", headers=FORGED).echo["headers"]["x-real-ip"] == [CLIENT]


def test_a_client_cannot_forge_it_with_a_host_either(traffic: Traffic) -> None:
    headers = traffic.get(":8001/keep/", headers={"Host": f'a";for="{STRANGER}'}).echo["headers"]
    assert headers["forwarded"] == [f"for={CLIENT};proto=http"]


def test_no_other_protocol_goes_through(traffic: Traffic) -> None:
    upgrades = [{"Upgrade": each, "Connection": "Upgrade"} for each in ("h2c", "TLS/1.0", "websocket, h2c")]
    for answer in traffic.ask(*(request(":8001/keep/", headers=headers) for headers in upgrades)):
        assert not {"upgrade", "connection"} & set(answer.echo["headers"])


# X-Forwarded-For, and the client that it stands for.
SENT = {
    STRANGER: STRANGER,
    f"{STRANGER}, 10.1.2.3": STRANGER,
    f"{STRANGER}, 10.2.2.3": "10.2.2.3",
    STRANGER6: STRANGER6,
}


def test_a_trusted_proxy_says_where_a_client_comes_from(traffic: Traffic) -> None:
    answers = traffic.ask(*(request(":8004/", headers={"X-Forwarded-For": sent}) for sent in SENT))
    for answer, client in zip(answers, SENT.values(), strict=True):
        assert answer.echo["headers"]["x-real-ip"] == [client]
        quoted = f'"[{client}]"' if ":" in client else client
        assert answer.echo["headers"]["forwarded"] == [f'for={quoted};host="{VIP}";proto=http']


def test_access_goes_by_what_a_trusted_proxy_says(traffic: Traffic) -> None:
    denied, open_to = traffic.ask(
        request(":8004/denied", headers={"X-Forwarded-For": STRANGER}), request(":8004/denied")
    )
    assert (denied.status, open_to.status) == (403, 200)


def test_the_proxy_protocol(traffic: Traffic) -> None:
    prefixes = [f"TCP4 {STRANGER} {VIP}", f"TCP6 {STRANGER6} 2001:db8::1"]
    for url in (":8006/", "https://www.example.com:8007/"):
        four, six, without = traffic.ask(
            *(request(url, prefix=f"PROXY {prefix} 4711 80\r\n") for prefix in prefixes), request(url)
        )
        assert four.echo["headers"]["x-real-ip"] == [STRANGER]
        assert six.echo["headers"]["x-real-ip"] == [STRANGER6]
        assert without.status == 0


def test_headers_of_an_answer(traffic: Traffic) -> None:
    of_server, of_location, unknown = traffic.ask(*map(request, (":8001/keep/", ":8001/headers", ":8001/unknown")))
    for answer, both in ((of_server, "server"), (of_location, "location"), (unknown, "server")):
        assert answer.headers["x-server"] == ['a "quoted" word; and more']
        assert answer.headers["x-both"] == [both]
        assert answer.headers["server"] == ["nginx"]


def test_sizes_of_bodies(traffic: Traffic) -> None:
    mega = 1 << 20
    bodies = [
        ("/keep/", mega),
        ("/large", 2 * mega),
        ("/any-size", 9 * mega),
        ("/keep/", mega + 1),
        ("/large", 2 * mega + 1),
    ]
    answers = traffic.ask(*(request(f":8001{path}", method="POST", size=size) for path, size in bodies))
    assert [answer.echo["length"] for answer in answers[:3]] == [mega, 2 * mega, 9 * mega]
    assert [answer.status for answer in answers[3:]] == [413, 413]


def test_an_answer_is_handed_on_as_it_comes(traffic: Traffic) -> None:
    answer = traffic.get(":8001/as-it-comes?pieces=4")
    assert answer.text == "piece" * 4
    assert answer.first < 0.6 and answer.seconds > 1
    assert traffic.get(":8001/buffered?pieces=4").text == "piece" * 4


def test_idle_connections_of_clients(traffic: Traffic) -> None:
    kept, ended = traffic.ask(request(":8001/buffered"), request(":8001/hang-up"))
    assert (kept.headers["connection"], ended.headers["connection"]) == (["keep-alive"], ["close"])
    assert 0.5 < traffic.client("idle", request(":8001/briefly")) < 3


ACCESS = {
    ":8002/allowed": 200,
    ":8002/not-allowed": 403,
    ":8002/denied": 403,
    ":8002/both": 403,
    ":8003/": 403,
    ":8003/open": 200,
}


def test_access(traffic: Traffic) -> None:
    answers = traffic.ask(*map(request, ACCESS))
    assert {url: answer.status for url, answer in zip(ACCESS, answers, strict=True)} == ACCESS


@pytest.mark.parametrize(
    ("url", "count", "statuses"),
    [
        (":8002/rate", 6, {200: 3, 429: 3}),
        (":8002/slow-rate", 3, {200: 1, 429: 2}),
        (":8002/connections?seconds=1", 4, {200: 2, 429: 2}),
        (":8002/?seconds=1", 4, {200: 4}),
    ],
)
def test_limits(traffic: Traffic, url: str, count: int, statuses: dict[int, int]) -> None:
    found = [answer.status for answer in traffic.together(*[request(url)] * count)]
    assert {status: found.count(status) for status in set(found)} == statuses


@pytest.mark.parametrize("url", [":8080/", "https://www.example.com/"])
def test_a_websocket(traffic: Traffic, url: str) -> None:
    answer = traffic.client("websocket", request(url, messages=["one", "two", "three"], pause=1))
    assert answer == {"status": 101, "echoed": ["one", "two", "three"], "closed": True}
