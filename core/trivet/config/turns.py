"""`Turns`: reloads one after the other, with requests that come meanwhile collapsed into one more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import attrs

from trivet.config.cause import Cause
from trivet.config.problem import Problem

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Outcome:
    """How a reload ended.

    Args:
        applied: True where what was asked for is now in force, whether it changed anything or not.
        generation: Of the snapshot in force.
        changed: Dotted paths that changed.
        problems: Why it was rejected, or held back.
    """

    applied: bool
    generation: int
    changed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class _Turn:
    """One reload that has not begun yet; whoever asks before it begins shares it."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.outcome: Outcome | None = None


class Turns:
    """Lets one reload run at a time. Made in the event loop that it serves.

    Args:
        run: Runs one.
    """

    def __init__(self, run: Callable[[Cause], Awaitable[Outcome]]) -> None:
        self._run = run
        self._lock = anyio.Lock()
        self._next: _Turn | None = None

    async def request(self, cause: Cause) -> Outcome:
        """Run a reload that begins after this call, alone or together with others who ask; the first one's cause counts."""
        while True:
            turn = self._next
            if turn is None:
                return await self._take(cause)
            await turn.done.wait()
            if turn.outcome is not None:
                return turn.outcome
            # Who was to run it was cancelled: ask again.

    async def alone(self, run: Callable[[], Awaitable[T]]) -> T:
        """Run something else while no reload runs."""
        async with self._lock:
            return await run()

    async def _take(self, cause: Cause) -> Outcome:
        turn = self._next = _Turn()
        try:
            async with self._lock:
                # What changes from here on may be seen or not, so later requests need a turn of their own.
                self._next = None
                turn.outcome = await self._run(cause)
                return turn.outcome
        finally:
            if self._next is turn:
                self._next = None
            turn.done.set()
