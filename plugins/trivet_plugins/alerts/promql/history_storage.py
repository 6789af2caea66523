"""`HistoryStorage`: the history that the kernel keeps of its own metrics, as queries see it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from trivet import Matcher
from trivet_plugins.alerts.promql.breath import CHUNK, Breath
from trivet_plugins.alerts.promql.labels import METRIC_NAME, Labels, labels_of
from trivet_plugins.alerts.promql.recent import Recent
from trivet_plugins.alerts.promql.selector import Selector, all_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet import MetricHistory, MetricSeries
    from trivet_plugins.alerts.promql.points import Points

_MAX_SELECTIONS: Final = 200
_MAX_LABELS: Final = 50_000


class HistoryStorage:
    """A `Storage` of what a `trivet.MetricHistory` has recorded. May be asked by several threads at once.

    The newest samples of series that are asked for again and again are kept here, so that each round of rules reads only what
    is new: at most `trivet_plugins.alerts.promql.recent.MAX_VALUES`.

    Args:
        history: The kernel's: ``kernel.service(MetricHistory)``.
    """

    def __init__(self, history: MetricHistory) -> None:
        self._history = history
        self._recent = Recent(history)
        self._lock = threading.Lock()
        self._breath = Breath()
        self._labels: dict[MetricSeries, Labels] = {}
        self._fitting: dict[tuple[Selector, ...], tuple[Sequence[MetricSeries], list[MetricSeries], list[Labels]]] = {}

    def select(self, matchers: Sequence[Selector], start: int, end: int) -> tuple[Points, ...]:  # noqa: ARG002 - up to now
        """Return the series that meet all conditions: see `Storage.select`."""
        key = tuple(matchers)
        with self._lock:
            series, labels = self._find(key)
            return self._recent.points(series, labels, start)

    def _find(self, selectors: tuple[Selector, ...]) -> tuple[list[MetricSeries], list[Labels]]:
        # The conditions that are not met by the name are looked at here: RE2 reads no pattern as Python does.
        named = [Matcher(METRIC_NAME, "=", one.value) for one in selectors if one.name == METRIC_NAME and one.op == "="]
        candidates = self._history.select(named[:1])
        known = self._fitting.get(selectors)
        if known is not None and known[0] == candidates:
            return known[1], known[2]
        series, labels = [], []
        for number, one in enumerate(candidates):
            if number % CHUNK == 0:
                self._breath.take()
            its = self._labels_of(one)
            if all_fit(selectors, its):
                series.append(one)
                labels.append(its)
        if len(self._fitting) >= _MAX_SELECTIONS:
            self._fitting = {}
        self._fitting[selectors] = (candidates, series, labels)
        return series, labels

    def _labels_of(self, series: MetricSeries) -> Labels:
        found = self._labels.get(series)
        if found is None:
            if len(self._labels) >= _MAX_LABELS:
                self._labels = {}
            found = self._labels[series] = labels_of({**series.labels, METRIC_NAME: series.name})
        return found
