"""`RecordedHistory`: asks the recorder."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from trivet.metrics.history import Extremes, Samples, SampleTable
from trivet_plugins.monitoring.history.shelf import Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trivet import Matcher, MetricSeries
    from trivet.metrics.registry import Metrics
    from trivet_plugins.monitoring.history.recorder import Recorder


class RecordedHistory:
    """The history of metrics that this process keeps: a `MetricHistory`.

    Args:
        recorder: Writes it.
        metrics: What is recorded.
    """

    def __init__(self, recorder: Recorder, metrics: Metrics) -> None:
        self._recorder = recorder
        self._metrics = metrics

    def now(self) -> float:
        """Return the present time, in which samples are told apart."""
        return self._recorder.clock.now()

    def series(self) -> Sequence[MetricSeries]:
        """Return all series that there are samples of."""
        return self._recorder.shelf.all()

    def select(self, matchers: Iterable[Matcher]) -> Sequence[MetricSeries]:
        """Return the series that meet all conditions."""
        conditions = list(matchers)
        shelf = self._recorder.shelf
        named = next((one for one in conditions if one.name == "__name__" and one.op == "="), None)
        found = shelf.all() if named is None else shelf.named(named.value)
        if rest := [one for one in conditions if one is not named]:
            found = [series for series in found if all(one.fits(series) for one in rest)]
        turn = self._recorder.selected()
        for series in found:
            series.queried = turn
        return found

    def samples(self, series: MetricSeries, start: float, end: float) -> Samples:
        """Return the samples from ``start`` to ``end``, both included."""
        known = self._known(series)
        return Samples(*_none()) if known is None else self._recorder.past.samples(known, start, end)

    def table(self, series: Sequence[MetricSeries], start: float, end: float) -> SampleTable:
        """Return what several series were from ``start`` to ``end``, both included."""
        return self._recorder.past.table([self._known(one) for one in series], start, end)

    def extremes(self, series: MetricSeries, start: float, end: float) -> Extremes:
        """Return the lowest and highest values from ``start`` to ``end``."""
        known = self._known(series)
        return Extremes(*_none(), _none()[0]) if known is None else self._recorder.past.extremes(known, start, end)

    def help(self) -> Mapping[str, tuple[str, str]]:
        """Return kind and help of every family that is recorded, by name."""
        return {family.name: (family.kind, family.help) for family in self._metrics.registered()}

    def _known(self, series: MetricSeries) -> Series | None:
        return series if isinstance(series, Series) and self._recorder.shelf.knows(series) else None


def _none() -> tuple[array[float], array[float]]:
    return array("d"), array("d")
