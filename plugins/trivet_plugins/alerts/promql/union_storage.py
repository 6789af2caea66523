"""`UnionStorage`: several storages as one."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING

from trivet_plugins.alerts.promql.points import Points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet_plugins.alerts.promql.labels import Labels
    from trivet_plugins.alerts.promql.selector import Selector
    from trivet_plugins.alerts.promql.storage import Storage


class UnionStorage:
    """A `Storage` of all series of others. Of a series that several have, the first has its say where they have the same time.

    Args:
        storages: The first is the most trusted.
    """

    def __init__(self, *storages: Storage) -> None:
        self._storages = storages

    def select(self, matchers: Sequence[Selector], start: int, end: int) -> Sequence[Points]:
        """Return the series that meet all conditions: see `Storage.select`."""
        parts = [part for storage in self._storages if (part := storage.select(matchers, start, end))]
        if len(parts) <= 1:
            return parts[0] if parts else ()
        found: dict[Labels, Points] = {}
        for part in parts:
            for points in part:
                other = found.get(points.labels)
                found[points.labels] = points if other is None else _merged(other, points)
        return tuple(found.values())


def _merged(trusted: Points, other: Points) -> Points:
    made = Points(trusted.labels)
    first = zip(trusted.times, trusted.values, strict=False)  # either may grow meanwhile, the values first
    second = zip(other.times, other.values, strict=False)
    for time, value in merge(first, second, key=lambda sample: sample[0]):
        if not made.times or made.times[-1] != time:
            made.values.append(value)
            made.times.append(time)
    return made
