"""`Windows`: the samples of some series within a span of time, as places in what the storage keeps, not copied."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import attrs

from trivet_plugins.alerts.promql.frame import Frame
from trivet_plugins.alerts.promql.points import Points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet_plugins.alerts.promql.budget import Meter

Window = tuple[Points, int, int]
"""A series, the place of its first sample, and the place after its last one; there is at least one, and none is stale."""


@attrs.frozen(eq=False)
class Windows:
    """Series within a span of time.

    Args:
        frame: The series that have samples there.
        items: As many windows.
        start: Milliseconds since the epoch, itself left out.
        end: Likewise, included.
        at: The time of evaluation.
    """

    frame: Frame
    items: list[Window]
    start: int
    end: int
    at: int


def windows_of(
    frame: Frame, series: Sequence[Points], start: int, end: int, meter: Meter
) -> tuple[Frame, list[Window]]:
    """Return the samples after ``start`` up to ``end``.

    Args:
        frame: Of the series.
        series: Whose.
        start: Milliseconds since the epoch.
        end: Likewise.
        meter: Counts them.
    """
    items: list[Window] = []
    gone: list[int] = []
    times: Sequence[int] = ()
    first = last = count = at = 0
    for some in meter.chunks(series):
        for points in some:
            if points.times is not times:
                times = points.times
                first = bisect_right(times, start)
                last = bisect_right(times, end, first)
            item = (points, first, last)
            stales = points.stales(last)
            if stales and stales[-1] >= first:
                item = _present(points, first, last, stales[bisect_left(stales, first) : bisect_left(stales, last)])
            if item[1] == item[2]:
                gone.append(at)
            else:
                items.append(item)
                count += last - first
            at += 1
    meter.samples(count)
    if not gone:
        return frame, items
    missing = frozenset(gone)
    return frame.subset(tuple([at for at in range(len(frame)) if at not in missing])), items


def _present(points: Points, first: int, last: int, stales: tuple[int, ...]) -> Window:
    """Return a window without the samples that say that the series is absent; copied only where they are in its midst."""
    if not stales:
        return points, first, last
    if stales[-1] - stales[0] + 1 == len(stales):
        if stales[0] == first:  # it was born later
            return points, stales[-1] + 1, last
        if stales[-1] == last - 1:  # it is no more
            return points, first, stales[0]
    absent = frozenset(stales)
    kept = [at for at in range(first, last) if at not in absent]
    times, values = points.times, points.values
    return Points(points.labels, [times[at] for at in kept], [values[at] for at in kept]), 0, len(kept)
