"""`Budget`: what a query may take, of time, samples and series."""

from __future__ import annotations

import time
from typing import Final

import attrs

from trivet_plugins.alerts.promql.errors import QueryLimitError

CHUNK: Final = 50
"""Series after which it is worth a look at the clock."""

SLICE: Final = 0.001
"""Seconds of work after which other threads, such as the one of the event loop, get their turn."""


@attrs.frozen
class Budget:
    """Limits of one query.

    Args:
        seconds: Of the clock on the wall.
        max_samples: That are read, those that are read twice counted twice.
        max_series: That are selected, or made.
    """

    seconds: float = 10.0
    max_samples: int = 50_000_000
    max_series: int = 100_000


class Meter:
    """What is left of a budget while a query is answered. It also gives other threads their turn.

    Raises:
        QueryLimitError: from every method, once there is nothing left.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        begun = time.perf_counter()
        self._until = begun + budget.seconds
        self._breath = begun + SLICE
        self._samples = 0

    def samples(self, count: int) -> None:
        """Count samples that are read."""
        self._samples += count
        if self._samples > self._budget.max_samples:
            raise QueryLimitError(f"the query reads more than {self._budget.max_samples:,} samples")
        self.tick()

    def series(self, count: int) -> None:
        """Look at a number of series."""
        if count > self._budget.max_series:
            raise QueryLimitError(f"the query has {count:,} series at a time, more than {self._budget.max_series:,}")

    def tick(self) -> None:
        """Look at the clock."""
        now = time.perf_counter()
        if now < self._breath:
            return
        if now > self._until:
            raise QueryLimitError(f"the query takes longer than {self._budget.seconds:g} s")
        time.sleep(0)  # lets go of the interpreter
        self._breath = time.perf_counter() + SLICE
