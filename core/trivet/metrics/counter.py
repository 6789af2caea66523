"""`Counter`: a number that only grows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar, Final

from trivet.errors import MetricError
from trivet.metrics.family import GIL, Family

if TYPE_CHECKING:
    from trivet.metrics.labels import LabelValues


SUFFIX: Final = "_total"
"""OpenMetrics demands it, Prometheus recommends it; a name without it gets it."""


class CounterCell:
    """One series of a counter. Exact under threads without a lock: see `trivet.metrics.family.GIL`."""

    __slots__ = ("labels", "text", "value")

    def __init__(self, labels: LabelValues) -> None:
        self.labels = labels
        self.text = ""
        self.value: float = 0

    def inc(self, amount: float = 1) -> None:
        """Add ``amount``, which is not negative.

        Raises:
            MetricError: if it is, or is not a number.
        """
        if amount == 1:
            self.value += 1
        else:
            amount = _growth(amount)  # no call inside the +=: threads switch there
            self.value += amount


class LockedCounterCell(CounterCell):
    """A series of a counter for interpreters without a GIL."""

    __slots__ = ("_lock",)

    def __init__(self, labels: LabelValues) -> None:
        super().__init__(labels)
        self._lock = threading.Lock()

    def inc(self, amount: float = 1) -> None:
        """As `CounterCell.inc`."""
        amount = _growth(amount)
        with self._lock:
            self.value += amount


def _growth(amount: float) -> float:
    # Foreign number types would bring an __radd__ written in Python, and with it a thread switch in the middle of +=.
    number = amount if type(amount) is int else float(amount)
    if not number >= 0:
        raise MetricError(f"a counter only grows, got {amount!r}; use a gauge for what goes up and down")
    return number


class Counter(Family[CounterCell]):
    """A metric that only grows: requests served, bytes sent. Its name ends in ``_total``."""

    kind = "counter"
    cell: ClassVar[type[CounterCell]] = CounterCell if GIL else LockedCounterCell

    def _cell(self, key: LabelValues) -> CounterCell:
        cell = self.cell(key)
        if not key:
            # A family without labels works as its one cell, at a cell's price.
            self.__dict__["inc"] = cell.inc
        return cell

    def inc(self, amount: float = 1) -> None:
        """Add ``amount`` to the one series of a counter without labels.

        Raises:
            MetricError: if the counter has labels, or the amount is negative or not a number.
        """
        self[()].inc(amount)

    def sample_names(self) -> set[str]:
        """Return all names of its samples; OpenMetrics drops the suffix in some places."""
        base = self.name.removesuffix(SUFFIX)
        return {base, self.name, f"{base}_created"}
