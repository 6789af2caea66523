"""`Breath`: long work in the event loop, cut into slices between which others have their turn."""

from __future__ import annotations

from time import perf_counter
from typing import Final

import anyio.lowlevel

SLICE: Final = 0.001
"""Seconds of work at a stretch."""


class Breath:
    """Lets the event loop breathe once a slice is used up."""

    def __init__(self) -> None:
        self._until = perf_counter() + SLICE

    async def take(self) -> None:
        """Give others their turn, if it is time to."""
        if perf_counter() > self._until:
            await anyio.lowlevel.checkpoint()
            self._until = perf_counter() + SLICE
