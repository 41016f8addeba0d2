# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask every VIP at a steady rate until a line arrives on standard input, then print what was seen as JSON.

A request counts by when it was sent, so that one slow answer hides no other. The gap is the time from the last
request that was answered before a failure to the first one after it. It runs on the client: standard library only.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

INTERVAL, TIMEOUT, LONGEST_RUN = 0.01, 0.5, 120.0


async def ask(address: str) -> str:
    reader, writer = await asyncio.open_connection(address, 80)
    try:
        writer.write(f"GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.decode().partition("\r\n\r\n")
    if " 200 " not in head.splitlines()[0]:
        raise OSError(head.splitlines()[0])
    return body.strip()


async def watch(address: str, stop: asyncio.Event) -> dict:
    sent: list[tuple[float, bool]] = []
    answered_by: dict[str, int] = {}

    async def one(index: int) -> None:
        try:
            name = await asyncio.wait_for(ask(address), TIMEOUT)
        except (TimeoutError, OSError, IndexError):
            return
        sent[index] = (sent[index][0], True)
        answered_by[name] = answered_by.get(name, 0) + 1

    tasks = []
    started = time.monotonic()
    while not stop.is_set() and time.monotonic() - started < LONGEST_RUN:
        sent.append((time.monotonic(), False))
        tasks.append(asyncio.create_task(one(len(sent) - 1)))
        await asyncio.sleep(max(0.0, started + len(sent) * INTERVAL - time.monotonic()))
    await asyncio.gather(*tasks)
    failed = sum(not ok for _, ok in sent)
    return {"sent": len(sent), "failed": failed, "gap_ms": round(longest_gap(sent) * 1000), "answered_by": answered_by}


def longest_gap(sent: list[tuple[float, bool]]) -> float:
    longest, last_good, failing = 0.0, sent[0][0] if sent else 0.0, False
    for moment, ok in sent:
        if ok:
            longest = max(longest, moment - last_good) if failing else longest
            last_good, failing = moment, False
        else:
            failing = True
    return max(longest, sent[-1][0] - last_good) if failing else longest


async def main(addresses: list[str]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    seen = await asyncio.gather(*(watch(address, stop) for address in addresses))
    print(json.dumps(dict(zip(addresses, seen, strict=True))))


asyncio.run(main(sys.argv[1:]))
