"""Health: what a probe waits for while the check that it asks about hangs."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import anyio
import anyio.to_thread

from benchmarks.harness import Row, measure, within
from trivet import Kernel, Launch
from trivet_plugins.web import WebServer

NAME = "/readyz while its check hangs, 99th percentile"
LIMIT = 0.005
PROBES = 1_000
TIMEOUT = 0.5


@measure(NAME)
@contextmanager
def readyz() -> Iterator[Sequence[Row]]:
    """Ask over one real connection, a thousand times; each answer must be 503."""
    found = anyio.run(probing)
    yield [within(NAME, found, LIMIT)]


async def probing() -> float:
    """Return the 99th percentile in seconds."""
    kernel = Kernel("bench", launch=Launch(environ={}, assignments=["plugins.web.port=0"]))

    @kernel.health.check("database", timeout=TIMEOUT, interval=0.1)
    async def hangs() -> None:
        await anyio.sleep_forever()

    async with kernel:
        await anyio.sleep(2 * TIMEOUT)
        return await anyio.to_thread.run_sync(probe, kernel.service(WebServer).url)


def probe(url: str) -> float:
    """Ask as the kubelet does, and time it."""
    seconds = []
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=10)
    for _ in range(PROBES):
        begun = time.perf_counter()
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        answer.read()
        seconds.append(time.perf_counter() - begun)
        if answer.status != 503:
            msg = f"a check that hangs was answered with {answer.status}"
            raise AssertionError(msg)
    connection.close()
    return sorted(seconds)[int(0.99 * PROBES)]
