"""`Keeper`: makes the recorder tick in its rhythm, and packs beside it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from trivet_plugins.monitoring.history.recorder import Recorder


class Keeper:
    """Keeps a recorder going.

    Args:
        recorder: What is kept going.
        interval: Seconds from tick to tick. One that is late does not move those after it.
    """

    def __init__(self, recorder: Recorder, interval: float) -> None:
        self._recorder = recorder
        self._interval = interval
        self._full: MemoryObjectSendStream[None]
        self._turns: MemoryObjectReceiveStream[None]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tick and pack while the block runs."""
        self._full, self._turns = anyio.create_memory_object_stream[None](0)
        async with self._full, self._turns, anyio.create_task_group() as tasks:
            await self._recorder.tick()
            tasks.start_soon(self._tick)
            tasks.start_soon(self._pack)
            yield
            tasks.cancel_scope.cancel()

    async def _tick(self) -> None:
        due = anyio.current_time()
        while True:
            if self._recorder.is_full:
                await self._full.send(None)  # waits only where the rows before these are still being packed
            late = anyio.current_time() - due
            due += self._interval * max(1, math.ceil(late / self._interval))
            await anyio.sleep_until(due)
            await self._recorder.tick()

    async def _pack(self) -> None:
        async for _turn in self._turns:
            await self._recorder.seal()
