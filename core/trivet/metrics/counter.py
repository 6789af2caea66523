"""`Counter`: a number that only grows."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from trivet.errors import MetricError
from trivet.metrics.family import GIL, Family
from trivet.metrics.watch import updated

if TYPE_CHECKING:
    from trivet.metrics.exemplar import Exemplar
    from trivet.metrics.labels import LabelValues
    from trivet.metrics.watch import Watch


SUFFIX: Final = "_total"
"""OpenMetrics demands it, Prometheus recommends it; a name without it gets it."""


class CounterCell:
    """One series of a counter. Exact under threads without a lock: see `trivet.metrics.family.GIL`."""

    __slots__ = ("created", "exemplar", "labels", "text", "value", "watch")

    def __init__(self, labels: LabelValues, watch: Watch | None) -> None:
        self.labels = labels
        self.watch = watch
        self.text = ""
        self.value: float = 0
        self.created = time.time()
        self.exemplar: Exemplar | None = None

    def inc(self, amount: float = 1, exemplar: Mapping[str, str] | None = None) -> None:
        """Add ``amount``, which is not negative.

        Args:
            amount: What to add.
            exemplar: Labels that lead to the event; default: what the registry's exemplar source gives.

        Raises:
            MetricError: if the amount is negative or not a number, or the exemplar is too long.
        """
        if amount == 1:
            self.value += 1
        else:
            amount = _growth(amount)  # no call inside the +=: threads switch there
            self.value += amount
        if exemplar is not None or self.watch is not None:
            self.exemplar = updated(self, amount, exemplar) or self.exemplar


class LockedCounterCell(CounterCell):
    """A series of a counter for interpreters without a GIL."""

    __slots__ = ("_lock",)

    def __init__(self, labels: LabelValues, watch: Watch | None) -> None:
        super().__init__(labels, watch)
        self._lock = threading.Lock()

    def inc(self, amount: float = 1, exemplar: Mapping[str, str] | None = None) -> None:
        """As `CounterCell.inc`."""
        with self._lock:
            super().inc(amount, exemplar=exemplar)


def _growth(amount: float) -> float:
    # Foreign number types would bring an __radd__ written in Python, and with it a thread switch in the middle of +=.
    number = amount if type(amount) is int else float(amount)
    if not number >= 0:
        raise MetricError(f"a counter only grows, got {amount!r}; use a gauge for what goes up and down")
    return number


class Counter(Family[CounterCell]):
    """A metric that only grows: requests served, bytes sent. Its name ends in ``_total``."""

    kind = "counter"
    takes_exemplars = True
    cell: ClassVar[type[CounterCell]] = CounterCell if GIL else LockedCounterCell

    def _cell(self, key: LabelValues) -> CounterCell:
        cell = self.cell(key, self.cells_watch)
        if not key:
            # A family without labels works as its one cell, at a cell's price.
            self.__dict__["inc"] = cell.inc
        return cell

    def inc(self, amount: float = 1, exemplar: Mapping[str, str] | None = None) -> None:
        """Add ``amount`` to the one series of a counter without labels: see `CounterCell.inc`.

        Raises:
            MetricError: if the counter has labels, or the amount is negative or not a number.
        """
        self[()].inc(amount, exemplar=exemplar)

    def sample_names(self) -> set[str]:
        """Return all names of its samples; OpenMetrics drops the suffix in some places."""
        base = self.name.removesuffix(SUFFIX)
        return {base, self.name, f"{base}_created"}
