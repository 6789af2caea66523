"""`UnionStorage`: several storages as one."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Final

from trivet_plugins.alerts.promql.points import Points

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trivet_plugins.alerts.promql.labels import Labels
    from trivet_plugins.alerts.promql.selector import Selector
    from trivet_plugins.alerts.promql.storage import Storage

_MAX_JOINED: Final = 1_000


class UnionStorage:
    """A `Storage` of all series of others. Of a series that several have, the first has its say where they have the same time.

    Args:
        storages: The first is the most trusted.
    """

    def __init__(self, *storages: Storage) -> None:
        self._storages = storages
        self._joined: dict[tuple[Selector, ...], tuple[tuple[Sequence[Points], ...], tuple[Points, ...]]] = {}

    def select(self, matchers: Sequence[Selector], start: int, end: int) -> Sequence[Points]:
        """Return the series that meet all conditions: see `Storage.select`."""
        parts = tuple(part for storage in self._storages if (part := storage.select(matchers, start, end)))
        if len(parts) <= 1:
            return parts[0] if parts else ()
        key = tuple(matchers)
        known = self._joined.get(key)
        if known and len(known[0]) == len(parts) and all(old is new for old, new in zip(known[0], parts, strict=True)):
            return known[1]
        joined, merged = _join(parts)
        if not merged and len(self._joined) < _MAX_JOINED:  # what is merged is a copy, which does not grow
            self._joined[key] = parts, joined
        return joined


def _join(parts: Iterable[Sequence[Points]]) -> tuple[tuple[Points, ...], bool]:
    found: dict[Labels, Points] = {}
    merged = False
    for part in parts:
        for points in part:
            other = found.get(points.labels)
            merged = merged or other is not None
            found[points.labels] = points if other is None else _merged(other, points)
    return tuple(found.values()), merged


def _merged(trusted: Points, other: Points) -> Points:
    made = Points(trusted.labels)
    first = zip(trusted.times, trusted.values, strict=False)  # either may grow meanwhile, the values first
    second = zip(other.times, other.values, strict=False)
    for time, value in merge(first, second, key=lambda sample: sample[0]):
        if not made.times or made.times[-1] != time:
            made.values.append(value)
            made.times.append(time)
    return made
