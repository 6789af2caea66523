"""`Windows`: the samples of some series within a span of time, as places in what the storage keeps, not copied."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import attrs

from trivet.metrics.history import is_stale
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
            stales = points.stales(last)
            if stales and stales[-1] >= first and bisect_left(stales, first) < bisect_left(stales, last):
                item = _cleaned(points, first, last)
            else:
                item = (points, first, last)
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


def _cleaned(points: Points, first: int, last: int) -> Window:
    """Copy samples without those that say that the series is absent."""
    pairs = zip(points.times[first:last], points.values[first:last], strict=True)
    kept = [(time, value) for time, value in pairs if not is_stale(value)]
    made = Points(points.labels, [time for time, _ in kept], [value for _, value in kept])
    return made, 0, len(kept)
