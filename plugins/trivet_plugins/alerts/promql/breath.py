"""`Breath`: long work in a thread, cut into slices between which other threads have their turn."""

from __future__ import annotations

import time
from typing import Final

CHUNK: Final = 100
"""Series after which it is worth a look at the clock, where each costs a microsecond or so."""
FEW: Final = 10
"""Series after which it is, where each costs as much as its samples do."""
SLICE: Final = 0.001
"""Seconds of work at a stretch. Left to itself, the interpreter makes other threads wait for five times as long."""
PAUSE: Final = 0.0001
"""Seconds that a turn of others lasts at least: with 0 this thread has the interpreter back before another one wakes up."""


class Breath:
    """Lets other threads, such as the one of the event loop, have their turn once a slice is used up."""

    def __init__(self) -> None:
        self._until = time.perf_counter() + SLICE

    def take(self) -> float:
        """Give others their turn, if it is time to; return the time of ``time.perf_counter``."""
        now = time.perf_counter()
        if now > self._until:
            time.sleep(PAUSE)
            now = time.perf_counter()
            self._until = now + SLICE
        return now
