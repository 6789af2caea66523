"""`Watch`: what happens beside an update, where it is wanted: an exemplar is kept, the time is noted for expiry.

A cell holds the watch of its family only while that has something to do, so that nobody pays for what he does not use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from trivet.metrics.exemplar import Exemplar, ExemplarSource

if TYPE_CHECKING:
    from trivet.metrics.family import Cell
    from trivet.metrics.labels import LabelValues

ROUND: Final = 5000
"""Series looked at per sweep: about a millisecond. Larger families take several scrapes to be looked through."""

OnError = Callable[[str, Exception], None]


class Watch:
    """Watches the updates of one family.

    Args:
        expire: Seconds without an update after which a series is removed; None: never.
        on_error: Told about an exemplar source that raised.
        clock: Seconds, rising.
    """

    __slots__ = ("_clock", "_cursor", "_on_error", "_source", "_touched", "active", "expire")

    def __init__(
        self,
        expire: float | None = None,
        on_error: OnError | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.active = expire is not None
        """Whether there is anything to do at an update."""
        self.expire: Final = expire
        self._on_error = on_error
        self._clock = clock
        self._source: ExemplarSource | None = None
        self._touched: dict[Cell, float] = {}
        self._cursor = 0

    def take_exemplars(self, source: ExemplarSource | None) -> None:
        """Ask ``source`` for an exemplar at every update from now on; None ends that."""
        self._source = source
        self.active = source is not None or self.expire is not None

    def touch(self, cell: Cell) -> None:
        """Note that a series was born or updated."""
        if self.expire is not None:
            self._touched[cell] = self._clock()

    def exemplar(self, value: float) -> Exemplar | None:
        """Ask the source for the exemplar of an update; None where there is none, or it may be no exemplar."""
        if self._source is None:
            return None
        try:
            labels = self._source()
            return Exemplar.of(labels, value) if labels else None
        except Exception as exc:  # noqa: BLE001 - a tracer that raises must not take the request with it
            if self._on_error is not None:
                self._on_error("exemplar source", exc)
            return None

    def forget(self, cell: Cell) -> None:
        """Forget a series that was removed."""
        self._touched.pop(cell, None)

    def stale(self) -> list[Cell]:
        """Return series that had no update for too long, out of the next `ROUND` ones."""
        if self.expire is None:
            return []
        cells = list(self._touched)
        start = self._cursor if self._cursor < len(cells) else 0
        self._cursor = start + ROUND
        oldest = self._clock() - self.expire
        return [cell for cell in cells[start : self._cursor] if self._touched.get(cell, oldest) < oldest]


class Watched(Protocol):
    """A cell whose updates may be watched."""

    watch: Watch | None
    labels: LabelValues
    text: str
    created: float


def updated(cell: Watched, value: float, given: Mapping[str, str] | None) -> Exemplar | None:
    """Note an update; return the exemplar to keep for it, if there is one.

    Args:
        cell: The series.
        value: What was added or observed.
        given: The exemplar's labels as the caller gave them; None: the source is asked.

    Raises:
        MetricError: if the given labels may be no exemplar.
    """
    watch = cell.watch
    if watch is not None:
        watch.touch(cell)
        if given is None:
            return watch.exemplar(value)
    return Exemplar.of(given, value) if given is not None else None
