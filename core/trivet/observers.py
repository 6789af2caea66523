"""`Observers`: hand every event to those who asked, none of whom can delay or break the others."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING

import anyio

from trivet.events import PluginBroken
from trivet.failure import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from trivet.events import Event

_STREAM_SIZE = 1_000


class EventStream:
    """An async iterator over the events from its making until the kernel has stopped.

    A reader that falls behind loses the oldest events; ``lost`` counts them.
    """

    def __init__(self) -> None:
        self.lost = 0
        self._events: deque[Event] = deque(maxlen=_STREAM_SIZE)
        self._closed = False
        self._arrived = anyio.Event()

    def put(self, event: Event) -> None:
        """Add an event."""
        self.lost += len(self._events) == _STREAM_SIZE
        self._events.append(event)
        self._arrived.set()

    def close(self) -> None:
        """End the iteration after the events that are already there."""
        self._closed = True
        self._arrived.set()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._arrived = anyio.Event()
            await self._arrived.wait()
        return self._events.popleft()


class Observers:
    """The event streams and callbacks of one kernel."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Event], None]] = []
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()

    def add(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call back on every event; returns what ends it."""
        self._callbacks.append(callback)

        def remove() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return remove

    def stream(self) -> EventStream:
        """Return a new stream."""
        stream = EventStream()
        self._streams.add(stream)
        return stream

    def emit(self, event: Event) -> None:
        """Hand out an event. Call it in the event loop's thread (or before there is a loop)."""
        if self._streams:
            for stream in list(self._streams):
                stream.put(event)
        for callback in tuple(self._callbacks):
            try:
                callback(event)
            except Exception as exc:
                self._drop(callback, exc)

    def _drop(self, callback: Callable[[Event], None], error: Exception) -> None:
        if callback in self._callbacks:
            self._callbacks.remove(callback)
            name = f"{callback.__module__}.{callback.__qualname__}"
            self.emit(PluginBroken(plugin=name, reason=f"its event observer raised and was dropped: {describe(error)}"))

    def close(self) -> None:
        """End all streams."""
        for stream in list(self._streams):
            stream.close()
