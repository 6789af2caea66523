"""Counters that follow what somebody else counts: the operating system, the interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trivet.metrics.counter import Counter, CounterCell


def follow(counter: Counter | CounterCell, reading: float) -> None:
    """Bring a counter up to a reading. One that fell back (a device is gone) leaves it as it is."""
    cell = counter if not isinstance(counter, dict) else counter[()]
    cell.inc(max(0, reading - cell.value))
