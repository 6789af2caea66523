"""The functions about how a series changes: ``rate``, ``increase``, ``delta``, ``irate``, ``idelta``, ``resets``, ``changes``."""

from __future__ import annotations

import math
import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final

import attrs

from trivet_plugins.alerts.promql.breath import FEW
from trivet_plugins.alerts.promql.budget import Meter
from trivet_plugins.alerts.promql.points import Points
from trivet_plugins.alerts.promql.statistics import Abscissa, line
from trivet_plugins.alerts.promql.windows import Window, Windows

Values = list[float | None]

_GAPS: Final = 1.1
"""A series begins or ends within a window if its first or last sample is farther from the edge than so many average gaps."""


@attrs.frozen
class _Span:
    """What all series with samples at the same times have in common; all in seconds.

    Args:
        covered: From the first sample to the last.
        before: What is added before the first.
        after: What is added after the last.
    """

    covered: float
    before: float
    after: float


def _span(windows: Windows, times: Sequence[int], first: int, last: int) -> _Span:
    covered = (times[last - 1] - times[first]) / 1000
    gap = covered / (last - first - 1)
    before = (times[first] - windows.start) / 1000
    after = (windows.end - times[last - 1]) / 1000
    limit = gap * _GAPS
    return _Span(covered, gap / 2 if before >= limit else before, gap / 2 if after >= limit else after)


def extrapolated(windows: Windows, meter: Meter, *, counter: bool, per_second: bool) -> Values:
    """Return how much each series has changed, as if it went on in the same way up to the edges of the window.

    A counter that falls has begun anew at 0, and was not less than 0 before the window. Two samples are the least.
    """
    found: Values = []
    seconds = (windows.end - windows.start) / 1000 if per_second else 1.0
    known: tuple[Sequence[int], int, int] | None = None
    covered = before = after = 0.0
    for some in meter.chunks(windows.items):
        for points, first, last in some:
            times = points.times
            if last - first < 2:
                found.append(None)
                continue
            if known is None or known[0] is not times or known[1] != first or known[2] != last:
                span = _span(windows, times, first, last)
                covered, before, after = span.covered, span.before, span.after
                known = (times, first, last)
            values = points.values
            least = values[first]
            rise = values[last - 1] - least
            lead = before
            if counter:
                falls = points.falls(last)
                if falls and falls[-1] > first:
                    rise = _refilled(rise, values, falls, first, last)
                if rise > 0 and least >= 0:
                    zero = covered * (least / rise)
                    lead = min(lead, zero)
            found.append(rise * ((covered + lead + after) / covered / seconds))
    return found


def _refilled(rise: float, values: Sequence[float], falls: tuple[int, ...], first: int, last: int) -> float:
    for at in falls[bisect_right(falls, first) : bisect_left(falls, last)]:
        rise += values[at - 1]
    return rise


def instantaneous(windows: Windows, meter: Meter, *, per_second: bool) -> Values:
    """Return how much each series has changed between its last two samples; as a counter where that is per second."""
    found: Values = []
    for some in meter.chunks(windows.items):
        found += [_last_rise(window, per_second=per_second) for window in some]
    return found


def _last_rise(window: Window, *, per_second: bool) -> float | None:
    points, first, last = window
    if last - first < 2:
        return None
    before, after = points.values[last - 2], points.values[last - 1]
    if not per_second:
        return after - before
    rise = after if after < before else after - before
    return rise / ((points.times[last - 1] - points.times[last - 2]) / 1000)


def resets(windows: Windows, meter: Meter) -> Values:
    """Return how often each series has fallen."""
    found: Values = []
    for some in meter.chunks(windows.items):
        for points, first, last in some:
            falls = points.falls(last)
            found.append(float(bisect_left(falls, last) - bisect_right(falls, first)))
    return found


def changes(windows: Windows, meter: Meter) -> Values:
    """Return how often each series has changed its value."""
    return [float(_changed(*window)) for some in meter.chunks(windows.items, FEW) for window in some]


def _changed(points: Points, first: int, last: int) -> int:
    values = points.values[first:last]
    count: int = sum(map(operator.ne, values, values[1:]))
    if math.isnan(sum(values)):  # NaN is not itself, but after NaN it is no change
        count -= sum(before != before and after != after for before, after in pairwise(values))  # noqa: PLR0124
    return count


def slope(windows: Windows, meter: Meter) -> Values:
    """Return by how much each series rises per second, along the line that fits best."""
    return [None if found is None else found[0] for found in _lines(windows, meter, None)]


def predicted(windows: Windows, meter: Meter, seconds: float) -> Values:
    """Return what each series is some seconds after the time of evaluation, along the line that fits best."""
    lines = _lines(windows, meter, windows.at)
    return [None if found is None else found[0] * seconds + found[1] for found in lines]


def _lines(windows: Windows, meter: Meter, origin: int | None) -> Iterator[tuple[float, float] | None]:
    """Yield slope and value of each series, at the origin or else at its first sample."""
    known: tuple[Sequence[int], int, int] | None = None
    abscissa = Abscissa((), 0.0, 0.0)
    for some in meter.chunks(windows.items, FEW):
        for points, first, last in some:
            if last - first < 2:
                yield None
                continue
            times = points.times
            if known is None or known[0] is not times or known[1] != first or known[2] != last:
                known = (times, first, last)
                abscissa = Abscissa.of(times[first:last], times[first] if origin is None else origin)
            yield line(abscissa, points.values[first:last])


COUNTER_FUNCTIONS: Final[dict[str, Callable[[Windows, Meter], Values]]] = {
    "rate": lambda windows, meter: extrapolated(windows, meter, counter=True, per_second=True),
    "increase": lambda windows, meter: extrapolated(windows, meter, counter=True, per_second=False),
    "delta": lambda windows, meter: extrapolated(windows, meter, counter=False, per_second=False),
    "irate": lambda windows, meter: instantaneous(windows, meter, per_second=True),
    "idelta": lambda windows, meter: instantaneous(windows, meter, per_second=False),
    "resets": resets,
    "changes": changes,
    "deriv": slope,
}
