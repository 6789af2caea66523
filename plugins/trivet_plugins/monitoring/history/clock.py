"""`RisingClock`: seconds since the epoch that never go back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

JUMP: Final = 2.0
"""Seconds that the machine's clock must be ahead to be believed; less is a correction that the monotonic clock follows."""


class RisingClock:
    """The monotonic clock, brought up to the time of day once, and again whenever that has jumped ahead.

    Where the machine's clock is set back, this one goes on at its own pace, ahead of it, until that has caught up: no sample is
    lost, doubled or out of order.

    Args:
        wall: Seconds since the epoch.
        monotonic: Seconds, rising.
    """

    def __init__(
        self, *, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def now(self) -> float:
        """Return the time."""
        present = self._monotonic() + self._offset
        ahead = self._wall() - present
        if ahead > JUMP:
            self._offset += ahead
            present += ahead
        return present

    def pass_by(self, moment: float) -> None:
        """Go on after this moment: the last that an earlier process has seen."""
        self._offset += max(0.0, moment - self.now())
