# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens in the guest, as seen by the client, whose network this process has. It judges nothing: each chapter is a line of JSON."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

from hosts import Director, Server, Talk, ask, until

Talks = dict[str, Talk]
PORTS = (80, 81, 82, 83, 84, 85, 86)


def tell(chapter: str, **seen: Any) -> None:
    print(json.dumps({"chapter": chapter, **seen}), flush=True)


def answers(port: int, number: int) -> dict[str, int]:
    return Counter(ask(port) for _ in range(number))


class Story:
    def __init__(self) -> None:
        self.one, self.two = Director("director1"), Director("director2")
        self.real1, self.real2, self.sorry = (Server(name) for name in ("real1", "real2", "sorry"))
        self.others = [Server(name, 82) for name in ("real3", "real4")]

    def begins(self) -> None:
        time.sleep(1)
        for director in (self.one, self.two):
            director.start()
        seconds = until(lambda: self.one.has_vip() and not self.two.has_vip(), 30)
        until(lambda: all(len(each.servers(port)) == 2 for each in (self.one, self.two) for port in PORTS), 30)
        until(lambda: {ask(port) for port in (80, 82) for _ in range(2)} == {"real1", "real2", "real3", "real4"})
        tell("begins", seconds=seconds)

    def balances(self) -> None:
        # IPVS adds up every 2 s.
        time.sleep(3)
        self.one.run("ipvsadm", "--zero")
        for chapter, ports, number in (
            ("rr", (80,), 40),
            ("wrr", (81,), 40),
            ("dr", (82,), 40),
            ("persistence", (83,), 10),
            ("group", (85, 86), 10),
        ):
            seen = [answers(port, number) for port in ports]
            time.sleep(3)
            tell(
                chapter,
                answers=seen,
                counted=[self.one.counted(port) for port in ports],
                elsewhere=[self.two.counted(port) for port in ports],
                servers=[self.one.servers(port) for port in ports],
            )

    def a_page_fails(self) -> None:
        self.real1.ill.touch()
        seconds = until(lambda: len(self.one.servers(80)) == 1)
        tell(
            "page fails",
            seconds=seconds,
            servers=self.one.servers(80),
            other=self.one.servers(81),
            answers=answers(80, 10),
        )
        self.real1.ill.unlink()
        seconds = until(lambda: len(self.one.servers(80)) == 2)
        tell("page returns", seconds=seconds, servers=self.one.servers(80), answers=answers(80, 10))

    def a_server_fails(self) -> None:
        self.real2.stop()
        seconds = until(lambda: len(self.one.servers(81)) == 1 and "198.51.100.99" in self.one.servers(84))
        tell(
            "server fails",
            seconds=seconds,
            servers=self.one.servers(81),
            answers=answers(81, 10),
            without_quorum=answers(84, 10),
        )
        self.real2.start()
        seconds = until(lambda: len(self.one.servers(81)) == 2 and "198.51.100.99" not in self.one.servers(84))
        tell(
            "server returns",
            seconds=seconds,
            servers=self.one.servers(81),
            answers=answers(81, 12),
            with_quorum=answers(84, 10),
        )

    def all_fail(self) -> None:
        for server in (self.real1, self.real2):
            server.stop()
        seconds = until(lambda: list(self.one.servers(80)) == ["198.51.100.99"])
        tell("all fail", seconds=seconds, servers=self.one.servers(80), answers=answers(80, 10))
        for server in (self.real1, self.real2):
            server.start()
        seconds = until(lambda: len(self.one.servers(80)) == 2)
        tell("all return", seconds=seconds, servers=self.one.servers(80), answers=answers(80, 10))

    def directors_change(self) -> None:
        talks = {"NAT": Talk(80), "DR": Talk(82)}
        known = knows(self.two, talks)
        self._change("stops", self.one.stop, self.two, talks, known)
        # These began where the director that returns was not there.
        talks = {"NAT": Talk(80), "DR": Talk(82)}
        known = {}

        def returns() -> None:
            self.one.start()
            known.update(knows(self.one, talks))

        self._change("returns", returns, self.one, talks, known)
        known = knows(self.two, talks)
        self._change("unplugged", lambda: self.one.plug("down"), self.two, talks, known)

    def _change(
        self, chapter: str, change: Callable[[], None], after: Director, talks: Talks, known: dict[str, list[str]]
    ) -> None:
        begun = time.monotonic()
        change()
        until(after.has_vip)
        seconds = time.monotonic() - begun
        time.sleep(8)
        seen = {kind: talk.since(begun) for kind, talk in talks.items()}
        tell(chapter, known=known, seconds=round(seconds, 1), talks=seen, answers=answers(80, 10))


def knows(director: Director, talks: Talks) -> dict[str, list[str]]:
    """What a director that has no VIP knows of connections, as soon as it knows all of them."""

    def known() -> dict[str, list[str]]:
        return {kind: director.connections(talk) for kind, talk in talks.items()}

    until(lambda: director.has_vip() or all(known().values()))
    return {} if director.has_vip() else known()


def main() -> None:
    story = Story()
    try:
        for chapter in (
            story.begins,
            story.balances,
            story.a_page_fails,
            story.a_server_fails,
            story.all_fail,
            story.directors_change,
        ):
            chapter()
    except Exception:
        tell("error", text=traceback.format_exc())
    for director in (story.one, story.two):
        print(f"== {director.name}", director.log.read_text(), file=sys.stderr)
        for command in ("ip -oneline address", "nft list ruleset", "ipvsadm -Ln", "ipvsadm -Ln --daemon"):
            print(director.run(*command.split()), file=sys.stderr)
    tell("end")


if __name__ == "__main__":
    main()
