"""`Instruments`: makes metrics, each under the rules for its name, labels and unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trivet.errors import MetricError
from trivet.metrics.counter import SUFFIX, Counter
from trivet.metrics.exponential import MAX_SCHEMA, MIN_SCHEMA, ExponentialHistogram
from trivet.metrics.families import Families
from trivet.metrics.family import Description
from trivet.metrics.gauge import Gauge, Reading
from trivet.metrics.histogram import BUCKETS, Histogram, check_buckets
from trivet.metrics.info import Info, checked_name
from trivet.metrics.names import check_label_names, check_metric_name, with_unit
from trivet.metrics.stateset import StateSet, check_states
from trivet.metrics.summary import Summary
from trivet.metrics.watch import Watch

if TYPE_CHECKING:
    from trivet.metrics.exemplar import ExemplarSource
    from trivet.metrics.family import Cell, Family


class Instruments:
    """Makes metrics, from any thread, before a kernel starts too. The same definition twice gives the same object.

    All take ``labels`` (the names), ``limit`` (the most series; default: the registry's) and ``expire``: seconds without an
    update after which a series is removed. Look such series up at each update: a handle that is kept outlives its series.

    Args:
        limit: The most series that a family has unless it says otherwise.
    """

    def __init__(self, *, limit: int) -> None:
        self.limit: Final = limit
        self.utf8_names = False
        """Whether names of metrics and labels may hold any text, as Prometheus 3 allows. Set it before the first metric."""
        self._shelf = Families()
        self._exemplars: ExemplarSource | None = None

    def counter(
        self,
        name: str,
        help: str,
        *,
        labels: Iterable[str] = (),
        unit: str = "",
        limit: int | None = None,
        expire: float | None = None,
    ) -> Counter:
        """Make a counter.

        Args:
            name: With or without ``_total``; the counter's name has it.
            help: What is counted, one sentence.
            labels: The names of its labels.
            unit: The last part of the name before ``_total``, added where it is missing: ``bytes``.
            limit: The most series.
            expire: Seconds.

        Raises:
            MetricError: if a name is not allowed, or the name is taken by another metric.
        """
        self._check_name(name)
        name = with_unit(name.removesuffix(SUFFIX), unit) + SUFFIX
        return self._shelf.register(Counter(self._describe(name, help, labels, unit=unit, limit=limit, expire=expire)))

    def gauge(
        self,
        name: str,
        help: str,
        *,
        labels: Iterable[str] = (),
        callback: Reading | None = None,
        unit: str = "",
        limit: int | None = None,
        expire: float | None = None,
    ) -> Gauge:
        """Make a gauge.

        Args:
            name: With its unit: ``queue_length``, ``cache_bytes``.
            help: What is measured, one sentence.
            labels: The names of its labels.
            callback: For a gauge without labels: gives the value at every scrape, at once. A later one replaces it.
            unit: The last part of the name, added where it is missing.
            limit: The most series.
            expire: Seconds.

        Raises:
            MetricError: if a name is not allowed, or the name is taken by another metric.
        """
        name = with_unit(self._check_name(name), unit)
        described = self._describe(name, help, labels, unit=unit, limit=limit, expire=expire)
        gauge = self._shelf.register(Gauge(described, on_error=self._failed))
        if callback is not None:
            gauge.set_function(callback)
        return gauge

    def histogram(
        self,
        name: str,
        help: str,
        *,
        labels: Iterable[str] = (),
        buckets: Iterable[float] = BUCKETS,
        schema: int | None = None,
        max_buckets: int = 160,
        unit: str = "",
        limit: int | None = None,
        expire: float | None = None,
    ) -> Histogram:
        """Make a histogram.

        Args:
            name: With its unit: ``request_duration_seconds``.
            help: What is measured, one sentence.
            labels: The names of its labels.
            buckets: Upper bounds, rising; +Inf is always there. Default: 5 ms to 10 s.
            schema: Count in exponential buckets too, of this resolution, -4 to 8 (3: 9 % wide): a native histogram. Updates then
                take a lock. None: classic buckets only.
            max_buckets: The most exponential buckets per series; before there are more, the resolution halves.
            unit: The last part of the name, added where it is missing.
            limit: The most series.
            expire: Seconds.

        Raises:
            MetricError: if a name or bucket is not allowed, or the name is taken by another metric.
        """
        name = with_unit(self._check_name(name), unit)
        described = self._describe(name, help, labels, unit=unit, limit=limit, expire=expire, reserved="le")
        bounds = check_buckets(name, buckets)
        if schema is None:
            return self._shelf.register(Histogram(described, bounds=bounds))
        if not MIN_SCHEMA <= schema <= MAX_SCHEMA or max_buckets < 2:
            raise MetricError(f"{name}: a schema is {MIN_SCHEMA} to {MAX_SCHEMA}, with 2 buckets at least")
        native = ExponentialHistogram(described, bounds=bounds, schema=schema, max_buckets=max_buckets)
        return self._shelf.register(native)

    def summary(
        self,
        name: str,
        help: str,
        *,
        labels: Iterable[str] = (),
        unit: str = "",
        limit: int | None = None,
        expire: float | None = None,
    ) -> Summary:
        """Make a summary: count and sum, without quantiles. Arguments and errors: as `gauge`."""
        name = with_unit(self._check_name(name), unit)
        described = self._describe(name, help, labels, unit=unit, limit=limit, expire=expire, reserved="quantile")
        return self._shelf.register(Summary(described))

    def info(
        self,
        name: str,
        help: str,
        facts: Mapping[str, object] = MappingProxyType({}),
        *,
        labels: Iterable[str] = (),
        limit: int | None = None,
        expire: float | None = None,
    ) -> Info:
        """Make an info; its name gets ``_info``. ``facts`` are set at once, where it has no labels. Errors: as `gauge`."""
        name = checked_name(self._check_name(name))
        described = self._describe(name, help, labels, limit=limit, expire=expire)
        info = self._shelf.register(Info(described, utf8=self.utf8_names))
        if facts:
            info.set(facts)
        return info

    def stateset(
        self,
        name: str,
        help: str,
        states: Iterable[str],
        *,
        labels: Iterable[str] = (),
        limit: int | None = None,
        expire: float | None = None,
    ) -> StateSet:
        """Make a state set of fixed ``states``. Errors: as `gauge`, and if the states are not different texts."""
        described = self._describe(self._check_name(name), help, labels, limit=limit, expire=expire, reserved=name)
        return self._shelf.register(StateSet(described, states=check_states(name, states)))

    def _describe(
        self,
        name: str,
        help: str,
        labels: Iterable[str],
        *,
        limit: int | None,
        expire: float | None,
        unit: str = "",
        reserved: str | None = None,
    ) -> Description:
        if expire is not None and not expire > 0:
            raise MetricError(f"{name}: series expire after a time above 0 s, got {expire!r}")
        watch = Watch(expire, self._failed)
        watch.take_exemplars(self._exemplars)
        return Description(
            name=name,
            help=help,
            label_names=check_label_names(name, labels, reserved=reserved, utf8=self.utf8_names),
            unit=unit,
            limit=self.limit if limit is None else limit,
            on_overflow=self._overflow,
            watch=watch,
        )

    def _check_name(self, name: str) -> str:
        return check_metric_name(name, utf8=self.utf8_names)

    def _overflow(self, family: Family[Cell], label: str) -> None:
        raise NotImplementedError

    def _failed(self, source: str, exc: Exception) -> None:
        raise NotImplementedError
