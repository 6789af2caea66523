"""`MemoryStorage`: series that a program adds to, sample by sample."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from trivet_plugins.alerts.promql.errors import PromqlError
from trivet_plugins.alerts.promql.labels import METRIC_NAME, Labels, metric_name, series_text
from trivet_plugins.alerts.promql.points import Points
from trivet_plugins.alerts.promql.selector import Selector, all_fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_SELECTIONS: Final = 1_000
"""Answers that are kept for the next time."""

_HOARD: Final = 64
"""Samples of a series that are forgotten at once: to take the first one off a list moves all others."""


class SampleOrderError(PromqlError):
    """A sample is not later than the last one of its series."""


class MemoryStorage:
    """A `Storage` of what is added to it. One thread may add and forget while others read."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[Labels, Points]] = {}
        self._selections: dict[tuple[Selector, ...], tuple[Points, ...]] = {}

    def add(self, labels: Labels, time_ms: int, value: float) -> None:
        """Add a sample.

        Args:
            labels: Of the series, with the name of the metric.
            time_ms: Milliseconds since the epoch, later than the last one of the series.
            value: `trivet.metrics.history.STALE` where the series is absent from now on.

        Raises:
            SampleOrderError: if the time is not later.
        """
        named = self._by_name.get(metric_name(labels), {})
        points = named.get(labels) or self._born(labels)
        times = points.times
        if times and time_ms <= times[-1]:
            raise SampleOrderError(f"{series_text(labels)} has a sample at {times[-1]} ms, so none at {time_ms} ms")
        points.values.append(value)  # before its time, by which readers find it
        times.append(time_ms)

    def _born(self, labels: Labels) -> Points:
        made = Points(labels)
        name = metric_name(labels)
        # Readers iterate over what is there: a copy takes its place.
        self._by_name[name] = {**self._by_name.get(name, {}), labels: made}
        self._selections = {}
        return made

    def select(self, matchers: Sequence[Selector], start: int, end: int) -> tuple[Points, ...]:  # noqa: ARG002 - as declared
        """Return the series that meet all conditions: see `Storage.select`."""
        key = tuple(matchers)
        selections = self._selections
        found = selections.get(key)
        if found is None:
            found = tuple(points for points in self._candidates(key) if all_fit(key, points.labels))
            if len(selections) < MAX_SELECTIONS:
                selections[key] = found
        return found

    def _candidates(self, matchers: Iterable[Selector]) -> Iterable[Points]:
        name = next((one.value for one in matchers if one.name == METRIC_NAME and one.op == "="), None)
        if name is not None:
            return self._by_name.get(name, {}).values()
        return [points for named in list(self._by_name.values()) for points in named.values()]

    def series(self) -> list[Points]:
        """Return all series."""
        return list(self._candidates(()))

    def forget_before(self, time_ms: int) -> None:
        """Forget samples before a time, some of them later; and series that are left with none.

        Args:
            time_ms: Milliseconds since the epoch.
        """
        changed = False
        for name, named in list(self._by_name.items()):
            kept = {labels: left for labels, points in named.items() if (left := _left(points, time_ms)) is not None}
            if any(points is not kept.get(labels) for labels, points in named.items()):
                changed = True
                self._by_name[name] = kept
                if not kept:
                    del self._by_name[name]
        if changed:
            self._selections = {}


def _left(points: Points, time_ms: int) -> Points | None:
    times = points.times
    if not times or times[-1] < time_ms:
        return None
    first = bisect_left(times, time_ms)
    if first < max(_HOARD, len(times) // 4):
        return points
    return points.shortened(first, times[first:])
