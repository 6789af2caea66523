"""`Histogram`: how values are spread over buckets, with their sum and count."""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, ClassVar, Final

from trivet.errors import MetricError
from trivet.metrics.family import GIL, Description, Family
from trivet.metrics.watch import updated

if TYPE_CHECKING:
    from trivet.metrics.exemplar import Exemplar
    from trivet.metrics.labels import LabelValues
    from trivet.metrics.watch import Watch

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The default upper bounds, in seconds: those of the Prometheus client libraries."""


class HistogramCell:
    """One series of a histogram. Exact under threads without a lock: see `trivet.metrics.family.GIL`."""

    __slots__ = ("bounds", "counts", "created", "exemplars", "labels", "sum", "text", "watch")

    def __init__(self, labels: LabelValues, watch: Watch | None, bounds: tuple[float, ...]) -> None:
        self.labels = labels
        self.watch = watch
        self.text = ""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum: float = 0.0
        self.created = time.time()
        self.exemplars: dict[int, Exemplar] | None = None
        """The newest exemplar of each bucket that has one, by the bucket's index."""

    def observe(self, value: float, exemplar: Mapping[str, str] | None = None) -> None:
        """Count ``value``.

        Args:
            value: What was measured.
            exemplar: Labels that lead to the event; default: what the registry's exemplar source gives.

        Raises:
            MetricError: if it is not a number: one NaN would make the sum NaN for ever; or the exemplar is too long.
        """
        if value.__class__ is not float and value.__class__ is not int:
            value = float(value)
        if value != value:  # noqa: PLR0124 - the fast test for NaN
            raise MetricError("a histogram cannot observe NaN")
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value
        if exemplar is not None or self.watch is not None:
            self._updated(value, exemplar)

    def _updated(self, value: float, exemplar: Mapping[str, str] | None) -> None:
        found = updated(self, value, exemplar)
        if found is not None:
            if self.exemplars is None:
                self.exemplars = {}
            self.exemplars[bisect_left(self.bounds, value)] = found

    def cumulated(self) -> list[int]:
        """Return the bucket counts as the formats want them: values up to each bound, then all values."""
        return list(accumulate(list(self.counts)))


class LockedHistogramCell(HistogramCell):
    """A series of a histogram for interpreters without a GIL."""

    __slots__ = ("_lock",)

    def __init__(self, labels: LabelValues, watch: Watch | None, bounds: tuple[float, ...]) -> None:
        super().__init__(labels, watch, bounds)
        self._lock = threading.Lock()

    def observe(self, value: float, exemplar: Mapping[str, str] | None = None) -> None:
        """As `HistogramCell.observe`."""
        with self._lock:
            super().observe(value, exemplar=exemplar)


class Histogram(Family[HistogramCell]):
    """A metric of a spread: durations, sizes.

    Args:
        description: Its name, help, labels and limit.
        bounds: The upper bounds of the buckets, rising, without +Inf.
    """

    kind = "histogram"
    takes_exemplars = True
    cell: ClassVar[type[HistogramCell]] = HistogramCell if GIL else LockedHistogramCell

    def __init__(self, description: Description, *, bounds: tuple[float, ...]) -> None:
        self.bounds: Final = bounds
        super().__init__(description)

    def _cell(self, key: LabelValues) -> HistogramCell:
        cell = self.cell(key, self.cells_watch, self.bounds)
        if not key:
            self.__dict__["observe"] = cell.observe
        return cell

    def observe(self, value: float, exemplar: Mapping[str, str] | None = None) -> None:
        """Count ``value`` in the one series of a histogram without labels: see `HistogramCell.observe`.

        Raises:
            MetricError: if the histogram has labels, or the value is not a number.
        """
        self[()].observe(value, exemplar=exemplar)

    def definition(self) -> tuple[object, ...]:
        """Return what makes two registrations the same."""
        return (*super().definition(), self.bounds)

    def sample_names(self) -> set[str]:
        """Return all names of its samples."""
        return {f"{self.name}{suffix}" for suffix in ("", "_bucket", "_count", "_sum", "_created")}


def check_buckets(metric: str, buckets: Iterable[float]) -> tuple[float, ...]:
    """Return the bounds of a histogram's buckets as floats, without the +Inf that every histogram ends with.

    Raises:
        MetricError: if there is none, one is not a finite number, or they do not rise.
    """
    bounds = tuple(float(bound) for bound in buckets)
    if bounds and bounds[-1] == math.inf:
        bounds = bounds[:-1]
    if not bounds or not all(map(math.isfinite, bounds)) or any(a >= b for a, b in pairwise(bounds)):
        raise MetricError(f"buckets of {metric} must be finite numbers that rise, at least one, got {bounds}")
    return bounds
