"""`ExponentialHistogram`: a histogram that also counts in buckets whose widths grow by one factor, the finer the better.

That is Prometheus's native histogram (https://prometheus.io/docs/specs/native_histograms/): bucket ``i`` of schema ``s`` holds
the values above ``base ** (i - 1)`` and up to ``base ** i``, with ``base = 2 ** (2 ** -s)``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from trivet.metrics.family import Description
from trivet.metrics.histogram import Histogram, HistogramCell, LockedHistogramCell

if TYPE_CHECKING:
    from trivet.metrics.labels import LabelValues
    from trivet.metrics.watch import Watch

MAX_SCHEMA: Final = 8
MIN_SCHEMA: Final = -4


def bucket_index(value: float, schema: int) -> int:
    """Return the index of the bucket of a value that is finite and above 0; exact at the bounds that floats can hold."""
    fraction, exponent = math.frexp(value)  # 0.5 <= fraction < 1
    if schema <= 0:
        whole = exponent - 1 if fraction == 0.5 else exponent
        return -(-whole >> -schema) if schema else whole
    steps = 1 << schema
    index = math.ceil(math.log2(fraction) * steps)  # rounded, so it may be one off beside a bound
    if upper_bound(index - 1, schema) >= fraction:
        index -= 1
    elif upper_bound(index, schema) < fraction:
        index += 1
    return index + exponent * steps


def upper_bound(index: int, schema: int) -> float:
    """Return the upper bound of a bucket, infinite above the largest float."""
    try:
        if schema <= 0:
            return math.ldexp(1.0, index << -schema)
        steps = 1 << schema
        return math.ldexp(2.0 ** (index % steps / steps), index >> schema)
    except OverflowError:
        return math.inf


class Exponential:
    """Exponential buckets that halve their resolution rather than become too many.

    Args:
        schema: The finest resolution, -4 to 8.
        max_buckets: The most buckets that are not empty.
        zero_threshold: What is no farther from zero counts as zero.
    """

    __slots__ = ("max_buckets", "negative", "positive", "schema", "zero", "zero_threshold")

    def __init__(self, schema: int, max_buckets: int, zero_threshold: float) -> None:
        self.schema = schema
        self.max_buckets: Final = max_buckets
        self.zero_threshold: Final = zero_threshold
        self.zero = 0
        self.positive: dict[int, int] = {}
        self.negative: dict[int, int] = {}

    def count(self, value: float) -> None:
        """Count a value; not an infinite one, which no bucket holds."""
        size = abs(value)
        if size <= self.zero_threshold:
            self.zero += 1
        elif size < math.inf:
            side = self.positive if value > 0 else self.negative
            index = bucket_index(size, self.schema)
            if index in side:
                side[index] += 1
            else:
                side[index] = 1
                while len(self.positive) + len(self.negative) > self.max_buckets and self.schema > MIN_SCHEMA:
                    self._coarsen()

    def _coarsen(self) -> None:
        self.schema -= 1
        self.positive, self.negative = _halved(self.positive), _halved(self.negative)


def _halved(side: dict[int, int]) -> dict[int, int]:
    """Put each two neighbours together: bucket ``2i - 1`` and ``2i`` become ``i``."""
    coarse: dict[int, int] = {}
    for index, count in side.items():
        coarse[(index + 1) >> 1] = coarse.get((index + 1) >> 1, 0) + count
    return coarse


class ExponentialHistogramCell(LockedHistogramCell):
    """One series. A lock is needed with a GIL too: an update is more than one step."""

    __slots__ = ("exponential",)

    def __init__(
        self, labels: LabelValues, watch: Watch | None, bounds: tuple[float, ...], exponential: Exponential
    ) -> None:
        super().__init__(labels, watch, bounds)
        self.exponential = exponential

    def observe(self, value: float, exemplar: Mapping[str, str] | None = None) -> None:
        """As `HistogramCell.observe`."""
        with self._lock:
            HistogramCell.observe(self, value, exemplar=exemplar)
            self.exponential.count(float(value))

    def native(self) -> tuple[int, int, dict[int, int], dict[int, int], int, float]:
        """Return schema, zero count, positive and negative buckets, count and sum, all of one moment."""
        with self._lock:
            own = self.exponential
            return own.schema, own.zero, dict(own.positive), dict(own.negative), sum(self.counts), self.sum


class ExponentialHistogram(Histogram):
    """A histogram with classic buckets, which every format shows, and exponential ones, which the text formats cannot carry.

    Args:
        description: Its name, help, labels and limit.
        bounds: The upper bounds of the classic buckets.
        schema: The finest resolution: 3 has buckets 9 % wide, each lower one squares the factor.
        max_buckets: The most exponential buckets per series that are not empty.
        zero_threshold: What is no farther from zero counts as zero.
    """

    def __init__(
        self,
        description: Description,
        *,
        bounds: tuple[float, ...],
        schema: int,
        max_buckets: int,
        zero_threshold: float = 2.0**-128,
    ) -> None:
        self.schema: Final = schema
        self.max_buckets: Final = max_buckets
        self.zero_threshold: Final = zero_threshold
        super().__init__(description, bounds=bounds)

    def _cell(self, key: LabelValues) -> ExponentialHistogramCell:
        exponential = Exponential(self.schema, self.max_buckets, self.zero_threshold)
        cell = ExponentialHistogramCell(key, self.cells_watch, self.bounds, exponential)
        if not key:
            self.__dict__["observe"] = cell.observe
        return cell

    def definition(self) -> tuple[object, ...]:
        """Return what makes two registrations the same."""
        return (*super().definition(), self.schema, self.max_buckets)
