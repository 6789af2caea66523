"""`Points`: the samples of one series."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import MutableSequence

import attrs

from trivet.metrics.history import is_stale
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
    times: MutableSequence[int] = attrs.Factory(list)
    values: MutableSequence[float] = attrs.Factory(list)
    # Where something was found among the first so many samples. Replaced, never changed: threads may read at once.
    _stales: tuple[int, tuple[int, ...]] = attrs.field(default=(0, ()), init=False, eq=False, repr=False)
    _falls: tuple[int, tuple[int, ...]] = attrs.field(default=(0, ()), init=False, eq=False, repr=False)

    def between(self, start: int, end: int) -> Points:
        """Return the samples from ``start`` to ``end`` only, both included, in milliseconds since the epoch."""
        first = bisect_left(self.times, start)
        last = bisect_right(self.times, end, first)
        return Points(self.labels, [*self.times[first:last]], [*self.values[first:last]])

    def stales(self, count: int) -> tuple[int, ...]:
        """Return which of the samples, the first ``count`` at least, say that the series was absent."""
        seen, found = self._stales
        if seen < count:
            new = self.values[seen:count]
            total = sum(new)
            if total != total:  # noqa: PLR0124 - the fast test for NaN: there is one, or infinity of both signs
                found += tuple(seen + number for number, value in enumerate(new) if is_stale(value))
            self._stales = count, found
        return found

    def falls(self, count: int) -> tuple[int, ...]:
        """Return which of the samples, the first ``count`` at least, are less than the one before: resets of a counter."""
        seen, found = self._falls
        if seen < count:
            first = max(seen - 1, 0)
            new = [*self.values[first:count]]
            if sorted(new) != new:  # whether there is a descent at all, at the speed of C
                found += tuple(first + at for at in range(1, len(new)) if new[at] < new[at - 1])
            self._falls = count, found
        return found

    def shortened(self, first: int, times: MutableSequence[int]) -> Points:
        """Return all samples but the first ones, with what is known about them.

        Args:
            first: How many are left out.
            times: The times of the others.
        """
        made = Points(self.labels, times, self.values[first:])
        for name in ("_stales", "_falls"):
            seen, found = getattr(self, name)
            setattr(made, name, (max(seen - first, 0), tuple(at - first for at in found if at > first)))
        if made.values and is_stale(made.values[0]):
            made._stales = 0, ()
        return made
