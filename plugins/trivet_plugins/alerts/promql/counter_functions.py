"""The functions about how a series changes: ``rate``, ``increase``, ``delta``, ``irate``, ``idelta``, ``resets``, ``changes``."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Final

import attrs

from trivet_plugins.alerts.promql.points import Points
from trivet_plugins.alerts.promql.statistics import line
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


def _span(windows: Windows, times: list[int], first: int, last: int) -> _Span:
    covered = (times[last - 1] - times[first]) / 1000
    gap = covered / (last - first - 1)
    before = (times[first] - windows.start) / 1000
    after = (windows.end - times[last - 1]) / 1000
    limit = gap * _GAPS
    return _Span(covered, gap / 2 if before >= limit else before, gap / 2 if after >= limit else after)


def extrapolated(windows: Windows, *, counter: bool, per_second: bool) -> Values:
    """Return how much each series has changed, as if it went on in the same way up to the edges of the window.

    A counter that falls has begun anew at 0, and was not less than 0 before the window. Two samples are the least.
    """
    found: Values = []
    seconds = (windows.end - windows.start) / 1000 if per_second else 1.0
    known: tuple[list[int], int, int] | None = None
    covered = before = after = 0.0
    for points, first, last in windows.items:
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


def _refilled(rise: float, values: list[float], falls: tuple[int, ...], first: int, last: int) -> float:
    for at in falls[bisect_right(falls, first) : bisect_left(falls, last)]:
        rise += values[at - 1]
    return rise


def instantaneous(windows: Windows, *, per_second: bool) -> Values:
    """Return how much each series has changed between its last two samples; as a counter where that is per second."""
    found: Values = []
    for points, first, last in windows.items:
        if last - first < 2:
            found.append(None)
            continue
        before, after = points.values[last - 2], points.values[last - 1]
        rise = after if per_second and after < before else after - before
        if per_second:
            rise /= (points.times[last - 1] - points.times[last - 2]) / 1000
        found.append(rise)
    return found


def resets(windows: Windows) -> Values:
    """Return how often each series has fallen."""
    found: Values = []
    for points, first, last in windows.items:
        falls = points.falls(last)
        found.append(float(bisect_left(falls, last) - bisect_right(falls, first)))
    return found


def changes(windows: Windows) -> Values:
    """Return how often each series has changed its value."""
    return [float(_changed(*window)) for window in windows.items]


def _changed(points: Points, first: int, last: int) -> int:
    values = points.values[first:last]
    count = 0
    before = values[0]
    for value in values:
        # NaN after NaN is no change.
        if value != before and (value == value or before == before):  # noqa: PLR0124 - the fast test for NaN
            count += 1
        before = value
    return count


def slope(windows: Windows) -> Values:
    """Return by how much each series rises per second, along the line that fits best."""
    return [_line(window, window[0].times[window[1]])[0] for window in windows.items]


def _line(window: Window, origin: int) -> tuple[float | None, float | None]:
    points, first, last = window
    if last - first < 2:
        return None, None
    return line(points.times[first:last], points.values[first:last], origin)


def predicted(windows: Windows, seconds: float) -> Values:
    """Return what each series is some seconds after the time of evaluation, along the line that fits best."""
    found: Values = []
    for window in windows.items:
        rise, value = _line(window, windows.at)
        found.append(None if rise is None or value is None else rise * seconds + value)
    return found


COUNTER_FUNCTIONS: Final[dict[str, Callable[[Windows], Values]]] = {
    "rate": lambda windows: extrapolated(windows, counter=True, per_second=True),
    "increase": lambda windows: extrapolated(windows, counter=True, per_second=False),
    "delta": lambda windows: extrapolated(windows, counter=False, per_second=False),
    "irate": lambda windows: instantaneous(windows, per_second=True),
    "idelta": lambda windows: instantaneous(windows, per_second=False),
    "resets": resets,
    "changes": changes,
    "deriv": slope,
}
