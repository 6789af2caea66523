"""`Turns`: reloads one after the other, with requests that come meanwhile collapsed into one more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import attrs

from trivet.config.problem import Problem


@attrs.frozen(kw_only=True)
class Outcome:
    """How a reload ended.

    Args:
        applied: True where the configuration on disk is now in force, changed or not.
        generation: Of the snapshot in force.
        changed: Dotted paths that changed.
        problems: Why it was rejected.
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

    def __init__(self, run: Callable[[str], Awaitable[Outcome]]) -> None:
        self._run = run
        self._lock = anyio.Lock()
        self._next: _Turn | None = None

    async def request(self, reason: str) -> Outcome:
        """Run a reload that begins after this call, alone or together with others who ask."""
        while True:
            turn = self._next
            if turn is None:
                return await self._take(reason)
            await turn.done.wait()
            if turn.outcome is not None:
                return turn.outcome
            # Who was to run it was cancelled: ask again.

    async def _take(self, reason: str) -> Outcome:
        turn = self._next = _Turn()
        try:
            async with self._lock:
                # What changes from here on may be seen or not, so later requests need a turn of their own.
                self._next = None
                turn.outcome = await self._run(reason)
                return turn.outcome
        finally:
            if self._next is turn:
                self._next = None
            turn.done.set()
