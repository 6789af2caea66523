"""`Past`: all there is to read at one moment, packed and not; an object that is replaced, never changed."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

import attrs

from trivet.metrics.history import STALE, Extremes, Samples, SampleTable, is_stale

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trivet_plugins.monitoring.history.generation import Generation
    from trivet_plugins.monitoring.history.hot import Hot
    from trivet_plugins.monitoring.history.shelf import Series

    # Times, and a series' values at them, or its lows or highs; None where it has none.
    Piece = tuple[array[float], array[float] | None]

_ABSENT: Final = array("d", [STALE])
_STALE_BYTES: Final = _ABSENT.tobytes()


@attrs.frozen(eq=False)
class Past:
    """What was recorded.

    Args:
        generations: Packed, in the order of their times.
        hots: Not packed yet, in the order of their times.
    """

    generations: tuple[Generation, ...]
    hots: tuple[Hot, ...]

    def samples(self, series: Series, start: float, end: float) -> Samples:
        """Return the samples of a series: see `MetricHistory.samples`."""
        return Samples(*_joined(self._pieces(series, start, end, 0)))

    def extremes(self, series: Series, start: float, end: float) -> Extremes:
        """Return the lowest and highest values of a series: see `MetricHistory.extremes`."""
        times, lows = _joined(self._pieces(series, start, end, 1))
        _, highs = _joined(self._pieces(series, start, end, 2))
        return Extremes(times, lows, highs)

    def table(self, series: Sequence[Series | None], start: float, end: float) -> SampleTable:
        """Return what several series were, None being one that is not known: see `MetricHistory.table`."""
        times = array("d")
        columns = [array("d") for _ in series]
        for one in self.generations:
            first, last = bisect_left(one.times, start), bisect_right(one.times, end)
            if first < last:
                times += one.times[first:last]
                _extend(columns, [_part(one, some, first, last) for some in series], last - first)
        for hot in self.hots:
            now = hot.times[:]
            first, last = bisect_left(now, start), bisect_right(now, end)
            if first < last:
                times += now[first:last]
                _extend(columns, hot.columns(series, first, last), last - first)
        return SampleTable(times, columns)

    def _pieces(self, series: Series, start: float, end: float, track: int) -> Iterator[Piece]:
        for one in self.generations:
            first, last = bisect_left(one.times, start), bisect_right(one.times, end)
            if first < last:
                values = one.values(series)
                if values is not None:
                    shift = track * len(one.times) if one.tracks(series) > 1 else 0
                    values = values[shift + first : shift + last]
                yield one.times[first:last], values
        for hot in self.hots:
            times = hot.times[:]
            first, last = bisect_left(times, start), bisect_right(times, end)
            if first < last:
                values = hot.values(series, last)
                yield times[first:last], None if values is None else values[first:]


def _part(one: Generation, series: Series | None, first: int, last: int) -> array[float] | None:
    values = None if series is None else one.values(series)
    return None if values is None else values[first:last]


def _extend(columns: list[array[float]], more: Sequence[array[float] | None], count: int) -> None:
    absent = _ABSENT * count
    for column, values in zip(columns, more, strict=True):
        column.extend(absent if values is None else values)


def _joined(pieces: Iterator[Piece]) -> tuple[array[float], array[float]]:
    """Put pieces together; of the times while the series was absent, keep the first after a value."""
    times, values = array("d"), array("d")
    for some, found in pieces:
        present = bool(values) and not is_stale(values[-1])
        if found is None:
            if present:
                times.append(some[0])
                values.append(STALE)
            continue
        if _STALE_BYTES not in found.tobytes():  # as good as always
            times += some
            values += found
            continue
        for time, value in zip(some, found, strict=True):
            stale = is_stale(value)
            if present or not stale:
                times.append(time)
                values.append(value)
            present = not stale
    return times, values
