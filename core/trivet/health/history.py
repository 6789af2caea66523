"""`History`: how a health check's status went, and for which share of the time it was not failing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from trivet.health.check import Status

MAX_CHANGES: Final = 100
"""Changes that are kept of a check; what is older is forgotten."""


@attrs.frozen(kw_only=True)
class Change:
    """A check's status became another one.

    Args:
        status: What it became.
        output: What the check said then.
        at: Seconds since the epoch.
        moment: The same on the monotonic clock, which no correction of the time moves.
    """

    status: Status
    output: str
    at: float
    moment: float = attrs.field(repr=False)


class History:
    """The last `MAX_CHANGES` changes of one check, oldest first. May be read from any thread.

    Args:
        clock: Monotonic, in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changes: deque[Change] = deque(maxlen=MAX_CHANGES)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Oldest first; the first one is the first verdict, as long as it is kept."""
        return tuple(self._changes)

    def add(self, status: Status, output: str) -> None:
        """Note what the status became."""
        self._changes.append(Change(status=status, output=output, at=time.time(), moment=self._clock()))

    def clear(self) -> None:
        """Forget everything."""
        self._changes.clear()

    def availability(self, seconds: float | None = None) -> float | None:
        """Return the share of the time in which the status was not fail: 0 to 1; warnings count as available.

        Args:
            seconds: How far to look back; None, or further than is known: as far as is known.

        Returns:
            None where nothing is known yet.
        """
        changes, now = self.changes, self._clock()
        if not changes:
            return None
        start = changes[0].moment if seconds is None else max(changes[0].moment, now - seconds)
        ends = [*(change.moment for change in changes[1:]), now]
        down = sum(
            max(0.0, end - max(change.moment, start))
            for change, end in zip(changes, ends, strict=True)
            if change.status is Status.FAIL
        )
        if now <= start:
            return 0.0 if changes[-1].status is Status.FAIL else 1.0
        return 1.0 - down / (now - start)
