"""`Summary`: how many values there were, and their sum."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from trivet.errors import MetricError
from trivet.metrics.family import GIL, Family

if TYPE_CHECKING:
    from trivet.metrics.labels import LabelValues
    from trivet.metrics.watch import Watch


class SummaryCell:
    """One series of a summary. Exact under threads without a lock: see `trivet.metrics.family.GIL`."""

    __slots__ = ("count", "created", "labels", "quantiles", "sum", "text", "watch")

    def __init__(self, labels: LabelValues, watch: Watch | None) -> None:
        self.labels = labels
        self.watch = watch
        self.text = ""
        self.count = 0
        self.sum: float = 0.0
        self.quantiles: Mapping[float, float] | None = None
        """Only where the series was made out of one of another library, that estimates them."""
        self.created = time.time()

    def observe(self, value: float) -> None:
        """Count ``value``.

        Raises:
            MetricError: if it is not a number, or is negative: a summary's sum is a counter.
        """
        if value.__class__ is not float and value.__class__ is not int:
            value = float(value)
        if not value >= 0:
            raise MetricError(
                f"a summary takes numbers that are not negative, got {value!r}; use a histogram for others"
            )
        self.count += 1
        self.sum += value
        if self.watch is not None:
            self.watch.touch(self)


class LockedSummaryCell(SummaryCell):
    """A series of a summary for interpreters without a GIL."""

    __slots__ = ("_lock",)

    def __init__(self, labels: LabelValues, watch: Watch | None) -> None:
        super().__init__(labels, watch)
        self._lock = threading.Lock()

    def observe(self, value: float) -> None:
        """As `SummaryCell.observe`."""
        with self._lock:
            super().observe(value)


class Summary(Family[SummaryCell]):
    """Count and sum of values: the mean over any time, at the price of two numbers.

    It has no quantiles: those of one process cannot be put together with another's, and an estimate over a window would cost
    more than a histogram, from which a server computes quantiles over any window and all processes.
    """

    kind = "summary"
    cell: ClassVar[type[SummaryCell]] = SummaryCell if GIL else LockedSummaryCell

    def _cell(self, key: LabelValues) -> SummaryCell:
        cell = self.cell(key, self.cells_watch)
        if not key:
            self.__dict__["observe"] = cell.observe
        return cell

    def observe(self, value: float) -> None:
        """Count ``value`` in the one series of a summary without labels.

        Raises:
            MetricError: if the summary has labels, or the value is not a number or negative.
        """
        self[()].observe(value)

    def sample_names(self) -> set[str]:
        """Return all names of its samples."""
        return {f"{self.name}{suffix}" for suffix in ("", "_count", "_sum", "_created")}
