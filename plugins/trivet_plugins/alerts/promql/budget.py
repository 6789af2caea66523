"""`Budget`: what a query may take, of time, samples and series."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

import attrs

from trivet_plugins.alerts.promql.breath import CHUNK, Breath
from trivet_plugins.alerts.promql.errors import QueryLimitError

T = TypeVar("T")


@attrs.frozen
class Budget:
    """Limits of one query.

    Args:
        seconds: Of the clock on the wall.
        max_samples: That are read, those that are read twice counted twice.
        max_series: That are selected, or made.
        max_points: That an answer over a span of time, or for a range, has in all.
    """

    seconds: float = 10.0
    max_samples: int = 50_000_000
    max_series: int = 100_000
    max_points: int = 1_000_000


class Meter:
    """What is left of a budget while a query is answered. It also gives other threads their turn.

    Args:
        budget: What there is.
        breath: Of whoever asks one query after the other.

    Raises:
        QueryLimitError: from every method, once there is nothing left.
    """

    def __init__(self, budget: Budget, breath: Breath) -> None:
        self._budget = budget
        self._until = time.perf_counter() + budget.seconds
        self._breath = breath
        breath.take()
        self._samples = 0
        self._points = 0

    def samples(self, count: int) -> None:
        """Count samples that are read."""
        self._samples += count
        if self._samples > self._budget.max_samples:
            raise QueryLimitError(f"the query reads more than {self._budget.max_samples:,} samples")
        self.tick()

    def points(self, count: int) -> None:
        """Count points of the answer."""
        self._points += count
        if self._points > self._budget.max_points:
            raise QueryLimitError(f"the answer has more than {self._budget.max_points:,} points")

    def series(self, count: int) -> None:
        """Look at a number of series."""
        if count > self._budget.max_series:
            raise QueryLimitError(f"the query has {count:,} series at a time, more than {self._budget.max_series:,}")

    def tick(self) -> None:
        """Look at the clock."""
        if self._breath.take() > self._until:
            raise QueryLimitError(f"the query takes longer than {self._budget.seconds:g} s")

    def chunks(self, items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
        """Yield items in pieces of some size; look at the clock after each."""
        for start in range(0, len(items), size):
            yield items[start : start + size]
            self.tick()
