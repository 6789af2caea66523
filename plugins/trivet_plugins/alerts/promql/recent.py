"""`Recent`: the newest samples of the series that are asked for, kept up to date by reading only what is new."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Final

from trivet_plugins.alerts.promql.breath import CHUNK, FEW, Breath
from trivet_plugins.alerts.promql.points import Points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet import MetricHistory, MetricSeries
    from trivet_plugins.alerts.promql.labels import Labels

MAX_SPAN: Final = 3_600_000
"""The longest time that is kept, in milliseconds: what is older is read when it is asked for."""
MAX_VALUES: Final = 4_000_000
"""The most values that are kept: 32 MiB."""

_MARGIN: Final = 60_000
"""Milliseconds that are kept besides: the next question begins no earlier only if it comes as soon as this one did."""
_AT_ONCE: Final = 5_000
"""Values that are read at a stretch."""
_IDLE: Final = 300_000
"""Milliseconds after which a series that nobody asks for is let go."""
_SLACK: Final = 1.25
"""Part of the span that is kept before the oldest samples are let go, together."""


class Recent:
    """Samples of some series, all at the same times. Only one thread at a time may call its methods; others may read.

    Args:
        history: Where they come from.
    """

    def __init__(self, history: MetricHistory) -> None:
        self._history = history
        self._points: dict[MetricSeries, Points] = {}
        self._asked: dict[MetricSeries, int] = {}
        self._times: list[int] = []
        self._seconds: array[float] = array("d")
        self._span = 0
        self._wanted = 0
        self._looked = 0
        self._breath = Breath()

    @property
    def newest(self) -> int:
        """The time of the last tick, in milliseconds since the epoch; 0 before the first."""
        return self._times[-1] if self._times else 0

    def points(self, series: Sequence[MetricSeries], labels: Sequence[Labels], start: int) -> tuple[Points, ...]:
        """Return series with their samples from a time on.

        Args:
            series: Which.
            labels: Theirs.
            start: Milliseconds since the epoch.
        """
        self._update()
        if not self._reaches(series, start):
            return self._read(series, labels, start / 1000, math.inf)
        if missing := [number for number, one in enumerate(series) if one not in self._points]:
            some, theirs = [series[number] for number in missing], [labels[number] for number in missing]
            if not self._add(some, theirs):
                self._begin([*self._points, *some], [*(one.labels for one in self._points.values()), *theirs])
        self._asked.update(dict.fromkeys(series, self.newest))
        points = self._points
        return tuple([points[one] for one in series])

    def _reaches(self, series: Sequence[MetricSeries], start: int) -> bool:
        """Tell whether samples from this time on are kept, or will be from now on."""
        span = max(self.newest, round(self._history.now() * 1000)) - start
        self._wanted = max(self._wanted, min(span, MAX_SPAN))
        if span > MAX_SPAN or (len(self._points) + len(series)) * len(self._times) > MAX_VALUES:
            return False
        if span > self._span or not self._times:
            self._span = max(span + _MARGIN, self._span)
            self._begin([*self._points], [one.labels for one in self._points.values()])
        return True

    def _begin(self, series: list[MetricSeries], labels: list[Labels]) -> None:
        """Read everything anew: what is to be kept is more, or the history has other times now."""
        since = max(self.newest, round(self._history.now() * 1000)) - self._span
        seconds, columns = self._columns(series, since / 1000, math.inf)
        self._seconds, self._times = seconds, _milliseconds(seconds, 0)
        self._points = {
            one: Points(its, self._times, column) for one, its, column in zip(series, labels, columns, strict=True)
        }

    def _columns(
        self, series: Sequence[MetricSeries], start: float, end: float
    ) -> tuple[array[float], list[array[float]]]:
        """Return times and values, read in pieces between which other threads have their turn."""
        seconds = self._history.table((), start, end).times
        columns: list[array[float]] = []
        if seconds:
            size = min(CHUNK, max(FEW, _AT_ONCE // len(seconds)))
            for first in range(0, len(series), size):
                table = self._history.table(series[first : first + size], seconds[0], seconds[-1])
                if table.times != seconds:  # what is old has been folded meanwhile: this once, in one piece
                    table = self._history.table(series, start, end)
                    return table.times, [*table.columns]
                columns += table.columns
                self._breath.take()
        return seconds, columns or [array("d") for _ in series]

    def _add(self, series: list[MetricSeries], labels: list[Labels]) -> bool:
        """Read series that are new here; return whether they have the same times as the others."""
        if not self._times:
            return False
        seconds, columns = self._columns(series, self._seconds[0], self._seconds[-1])
        if seconds != self._seconds:
            return False
        for one, its, column in zip(series, labels, columns, strict=True):
            self._points[one] = Points(its, self._times, column)
        return True

    def _update(self) -> None:
        """Read what is new since the last time."""
        if not self._times:
            return
        after = math.nextafter(self._seconds[-1], math.inf)
        if not self._history.table((), after, math.inf).times:
            return
        self._forget_idle()
        seconds, columns = self._columns([*self._points], after, math.inf)
        for points, column in zip(self._points.values(), columns, strict=True):
            points.values.extend(column)  # before the times, by which readers find them
        self._seconds.extend(seconds)
        self._times.extend(_milliseconds(seconds, self.newest))
        self._let_go()

    def _forget_idle(self) -> None:
        """Let go of series that nobody asks for any more, and of a span that nobody does."""
        idle = self.newest - _IDLE
        for one in [one for one, asked in self._asked.items() if asked < idle]:
            self._points.pop(one, None)
            del self._asked[one]
        if self._looked < idle:
            self._span = min(self._span, self._wanted + _MARGIN)
            self._looked, self._wanted = self.newest, 0

    def _let_go(self) -> None:
        times = self._times
        if times[-1] - times[0] <= self._span * _SLACK:
            return
        first = next(at for at, time in enumerate(times) if time >= times[-1] - self._span)
        self._times, self._seconds = times[first:], self._seconds[first:]
        kept = {}
        for number, (one, points) in enumerate(self._points.items()):
            kept[one] = points.shortened(first, self._times)
            if number % CHUNK == 0:
                self._breath.take()
        self._points = kept

    def _read(
        self, series: Sequence[MetricSeries], labels: Sequence[Labels], start: float, end: float
    ) -> tuple[Points, ...]:
        seconds, columns = self._columns(series, start, end)
        times = _milliseconds(seconds, 0)
        return tuple([Points(its, times, column) for its, column in zip(labels, columns, strict=True)])


def _milliseconds(seconds: Sequence[float], last: int) -> list[int]:
    times: list[int] = []
    for second in seconds:
        last = max(round(second * 1000), last + 1)  # rising, however close ticks are
        times.append(last)
    return times
