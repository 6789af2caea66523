"""Readings of what somebody else counts, the operating system or the interpreter: taken in a rhythm, followed by counters."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from trivet.metrics.counter import Counter, CounterCell


def follow(counter: Counter | CounterCell, reading: float) -> None:
    """Bring a counter up to a reading. One that fell back (a device is gone) leaves it as it is."""
    cell = counter if not isinstance(counter, dict) else counter[()]
    cell.inc(max(0, reading - cell.value))


@asynccontextmanager
async def every(interval: float, take: Callable[[], None]) -> AsyncIterator[None]:
    """Take a reading now and every ``interval`` seconds, while the block runs."""

    async def run() -> None:
        while True:
            take()
            await anyio.sleep(interval)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        yield
        tasks.cancel_scope.cancel()
