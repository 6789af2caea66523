"""`Points`: the samples of one series."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import attrs

from trivet_plugins.alerts.promql.labels import Labels


@attrs.define
class Points:
    """A series, and what it was at some times.

    What a `Storage` gives may grow while it is read: of ``times`` there are never more than of ``values``, so whoever reads cuts
    at a time first. Nobody but the storage changes it.

    Args:
        labels: With the name of the metric.
        times: Milliseconds since the epoch, rising; series that are recorded together may share the list.
        values: As many. `trivet.metrics.history.STALE` where the series was first absent.
    """

    labels: Labels
    times: list[int] = attrs.Factory(list)
    values: list[float] = attrs.Factory(list)

    def between(self, start: int, end: int) -> Points:
        """Return the samples from ``start`` to ``end`` only, both included, in milliseconds since the epoch."""
        first = bisect_left(self.times, start)
        last = bisect_right(self.times, end, first)
        return Points(self.labels, self.times[first:last], self.values[first:last])
