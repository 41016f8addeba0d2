# SPDX-License-Identifier: GPL-3.0-or-later
"""Error pages, maintenance, users, caches, compression and the log."""

from __future__ import annotations

import base64
import json
import re
import time

import pytest
from labtest.traffic import CLIENT, OTHER_VIP, VIP, Traffic, request


def test_error_pages(traffic: Traffic) -> None:
    pages = {404: "gone\n", 410: "gone\n", 503: "back soon\n", 400: None, 500: None}
    answers = traffic.ask(*(request(f":8010/?status={status}", method="POST") for status in pages))
    assert [answer.status for answer in answers] == list(pages)
    for answer, text in zip(answers, pages.values(), strict=True):
        assert answer.text == text if text else json.loads(answer.text)["method"] == "POST"


def test_maintenance(traffic: Traffic) -> None:
    closed, visited = traffic.ask(request(":8011/a"), request(":8012/a"))
    assert (closed.status, closed.text.strip(), closed.headers["retry-after"]) == (503, "working on it", ["120"])
    assert visited.status == 200


def test_users(traffic: Traffic) -> None:
    statuses = {"": 401, "alice:wrong": 401, "bob:open-sesame": 401, "alice:open-sesame": 200}
    encoded = [base64.b64encode(user.encode()).decode() for user in statuses]
    answers = traffic.ask(*(request(":8010/staff", headers={"Authorization": f"Basic {each}"}) for each in encoded))
    assert [answer.status for answer in answers] == list(statuses.values())


def test_answers_are_kept(traffic: Traffic) -> None:
    """And in place of a failure longer than they should be."""

    def identities(*requests: dict) -> list[str]:
        return [answer.echo["headers"]["x-request-id"][0] for answer in traffic.ask(*requests)]

    path = f":8010/cached?at={time.time()}"
    first, second, other, with_user = identities(
        request(path), request(path), request(f"{path}&other"), request(path, headers={"Authorization": "Basic YQ=="})
    )
    assert first == second
    assert len({first, other, with_user}) == 3
    time.sleep(1.5)
    with traffic.mode("web1", status=503), traffic.mode("web2", status=503):
        assert identities(request(path)) == [first]
    time.sleep(1.5)
    # The old answer once more, while nginx asks for a new one.
    identities(request(path))
    time.sleep(0.5)
    assert identities(request(path)) != [first]


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_compression(traffic: Traffic, encoding: str) -> None:
    """Of text from 1 kB on, for clients that take it; curl fails if it cannot undo it."""
    command = f"curl --silent --fail --output /dev/null -w '%{{size_download}} %header{{content-encoding}}' http://{VIP}:8080/"
    long = f"{command} -H 'X-Long: {'a' * 2000}'"
    plain = traffic.cluster.run("client", long).split()
    size, used = traffic.cluster.run("client", f"{long} --compressed -H 'Accept-Encoding: {encoding}'").split()
    assert len(plain) == 1 and int(plain[0]) > 2000
    assert (used, int(size) < 1000) == (encoding, True)
    headers = traffic.get(":8080/", headers={"Accept-Encoding": "gzip"}).headers
    assert "content-encoding" not in headers


def test_the_log_tells_of_each_request(traffic: Traffic) -> None:
    echo = traffic.get(":8080/logged?a=b", headers={"User-Agent": 'a "client"'}).echo
    identity = echo["headers"]["x-request-id"][0]
    time.sleep(1.5)
    line = json.loads(traffic.cluster.run("nginx1", f"grep {identity} /var/log/nginx/access.log"))
    assert line | {"client": CLIENT, "uri": "/logged?a=b", "status": "200", "user_agent": 'a "client"'} == line
    assert line["upstream"] in ("172.16.2.20:7001", "172.16.2.21:7001")


def test_logs_are_rotated(traffic: Traffic) -> None:
    log = "/var/log/nginx/access.log"
    traffic.cluster.run("nginx1", "logrotate --force /etc/logrotate.d/nginx")
    assert traffic.cluster.succeeds("nginx1", f"test -s {log}.1")
    identity = traffic.get(":8080/rotated").echo["headers"]["x-request-id"][0]
    time.sleep(1.5)
    assert traffic.cluster.run("nginx1", f"grep --count {identity} {log}") == "1"


def test_numbers_for_metrics(traffic: Traffic) -> None:
    """For whoever is on the host."""

    def requests() -> int:
        numbers = traffic.cluster.run("nginx1", "curl --silent --fail http://127.0.0.1:8081/status")
        return int(re.search(r"requests\n +\d+ +\d+ +(\d+)", numbers)[1])

    before = requests()
    traffic.ask(*[request(":8080/")] * 5)
    assert requests() >= before + 5
    assert traffic.get(":8081/status").status == 0


def test_workers_may_open_what_their_connections_need(traffic: Traffic) -> None:
    connections = int(
        traffic.cluster.run("nginx1", "sed -n 's/.*worker_connections \\(.*\\);/\\1/p' /etc/nginx/nginx.conf")
    )
    words = "for each in $(cat /proc/$(cat /run/nginx.pid)/task/*/children); do grep ^Max.open.files /proc/$each/limits; done"
    files = re.findall(r"files +(\d+)", traffic.cluster.run("nginx1", f"sh -c '{words}'"))
    workers = int(traffic.cluster.run("nginx1", "nproc"))
    # A manager of the cache is among them.
    assert connections >= 1024 and len(files) > workers and set(files) == {str(2 * connections)}


def test_a_server_of_one_vip(traffic: Traffic) -> None:
    """Also where the VIP is on another host now."""
    assert traffic.get(":8009/", to=OTHER_VIP).status == 200
    assert traffic.get(":8009/", to=VIP).status == 0


def test_a_tls_session_goes_on_at_another_host(traffic: Traffic) -> None:
    words = "openssl s_client -tls1_2 -servername www.example.com -connect"
    traffic.cluster.run("client", f"sh -c '{words} {VIP}:443 -sess_out /tmp/session </dev/null'")
    output = traffic.cluster.run("client", f"sh -c '{words} {OTHER_VIP}:443 -sess_in /tmp/session </dev/null'")
    assert re.search("^Reused, TLSv1.2", output, re.M)
