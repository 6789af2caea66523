"""`Metrics`: the kernel's registry of metric families, collectors and exporters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar, cast

from trivet.errors import MetricError
from trivet.metrics.counter import SUFFIX, Counter
from trivet.metrics.family import Description
from trivet.metrics.gauge import Gauge, Reading
from trivet.metrics.histogram import BUCKETS, Histogram, check_buckets
from trivet.metrics.labels import check_label_names, check_metric_name, plain_text
from trivet.metrics.timed import Timed

if TYPE_CHECKING:
    from trivet.metrics.contracts import MetricExporter
    from trivet.metrics.family import Cell, Family

AnyFamily = Counter | Gauge | Histogram
T = TypeVar("T", Counter, Gauge, Histogram)

LIMIT: Final = 10_000
"""The default limit of series per family."""


class Metrics:
    """The metrics of a service: instruments are made here, exporters read them here.

    Instruments may be made at import time, before the kernel starts, and from any thread. Making one twice with the same
    definition gives the same object.

    Args:
        limit: The most series that a family has unless it says otherwise.
    """

    def __init__(self, *, limit: int = LIMIT) -> None:
        self.limit: Final = limit
        self._lock = threading.RLock()
        self._families: dict[str, AnyFamily] = {}
        self._names: dict[str, AnyFamily] = {}
        self._timers: dict[object, Timed] = {}
        self._collectors: dict[object, Callable[[], None]] = {}
        self._exporters: dict[str, MetricExporter] = {}
        self._overflows = self.counter(
            "trivet_metric_overflow_total",
            "Look-ups of a series over its family's limit, with the label that has the most values.",
            labels=("metric", "label"),
        )
        self._errors = self.counter(
            "trivet_metric_collect_errors_total",
            "Gauge functions and collectors that raised during a scrape.",
            labels=("source", "error"),
        )

    def counter(self, name: str, help: str, *, labels: Iterable[str] = (), limit: int | None = None) -> Counter:
        """Make a counter.

        Args:
            name: With or without ``_total``; the counter's name has it.
            help: What is counted, one sentence.
            labels: The names of its labels.
            limit: The most series; default: the registry's.

        Raises:
            MetricError: if a name is not allowed, or the name is taken by another metric.
        """
        check_metric_name(name)
        return self._register(Counter(self._describe(name.removesuffix(SUFFIX) + SUFFIX, help, labels, limit)))

    def gauge(
        self,
        name: str,
        help: str,
        *,
        labels: Iterable[str] = (),
        callback: Reading | None = None,
        limit: int | None = None,
    ) -> Gauge:
        """Make a gauge.

        Args:
            name: With its unit: ``queue_length``, ``cache_bytes``.
            help: What is measured, one sentence.
            labels: The names of its labels.
            callback: For a gauge without labels: gives the value at every scrape, at once. A later one replaces it.
            limit: The most series; default: the registry's.

        Raises:
            MetricError: if a name is not allowed, or the name is taken by another metric.
        """
        gauge = self._register(Gauge(self._describe(name, help, labels, limit), on_error=self._failed))
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
        limit: int | None = None,
    ) -> Histogram:
        """Make a histogram.

        Args:
            name: With its unit: ``request_duration_seconds``.
            help: What is measured, one sentence.
            labels: The names of its labels.
            buckets: Upper bounds, rising; +Inf is always there. Default: 5 ms to 10 s.
            limit: The most series; default: the registry's.

        Raises:
            MetricError: if a name or bucket is not allowed, or the name is taken by another metric.
        """
        description = self._describe(name, help, labels, limit, reserved="le")
        return self._register(Histogram(description, bounds=check_buckets(name, buckets)))

    def timed(
        self,
        name: str,
        help: str = "",
        *,
        labels: Mapping[str, str] = MappingProxyType({}),
        buckets: Iterable[float] = BUCKETS,
    ) -> Timed:
        """Make a timer, for ``@metrics.timed("charge_card")`` and ``with metrics.timed("charge_card"):``.

        Args:
            name: Gives ``<name>_seconds`` (a histogram with the label ``outcome``) and ``<name>_in_flight`` (a gauge).
            help: What takes the time; default: the name.
            labels: Names and fixed values of further labels; all timers of one name have the same names.
            buckets: Upper bounds in seconds.

        Raises:
            MetricError: as `histogram` and `gauge`.
        """
        bounds = tuple(buckets)
        check_metric_name(name)
        key = (name, help, tuple(labels.items()), bounds)
        if key in self._timers:
            return self._timers[key]
        names = tuple(labels)
        what = help or f"{name}."
        durations = self.histogram(f"{name}_seconds", f"Duration: {what}", labels=(*names, "outcome"), buckets=bounds)
        in_flight = self.gauge(f"{name}_in_flight", f"Running now: {what}", labels=names)
        timer = Timed(durations, in_flight, labels=tuple(plain_text(value) for value in labels.values()))
        if len(self._timers) < self.limit:  # labels out of a request must not leak through this cache either
            self._timers[key] = timer
        return timer

    def families(self) -> tuple[AnyFamily, ...]:
        """Run the collectors and gauge functions, then return all families in the order of their making: what a scrape reads."""
        for collect in list(self._collectors.values()):
            try:
                collect()
            except Exception as exc:  # noqa: BLE001 - one broken collector must not take the whole scrape with it
                self._failed(getattr(collect, "__qualname__", type(collect).__name__), exc)
        families = tuple(self._families.values())
        for family in families:
            if isinstance(family, Gauge):
                family.collect()
        return families

    def get(self, name: str) -> AnyFamily | None:
        """Return the family of that name, or None."""
        return self._families.get(name)

    def unregister(self, name: str) -> None:
        """Forget a family and all its series. No error where there is none."""
        with self._lock:
            family = self._families.pop(name, None)
            for sample in family.sample_names() if family is not None else ():
                del self._names[sample]
            self._timers.clear()

    def before_scrape(self, collect: Callable[[], None]) -> Callable[[], None]:
        """Call ``collect`` before every scrape, to bring metrics up to date; it must return at once.

        Where it raises, ``trivet_metric_collect_errors_total`` counts.

        Returns:
            A function that ends it.
        """
        key = object()
        self._collectors[key] = collect

        def remove() -> None:
            self._collectors.pop(key, None)

        return remove

    @property
    def exporters(self) -> Mapping[str, MetricExporter]:
        """All exporters by name."""
        return MappingProxyType(self._exporters)

    def add_exporter(self, name: str, exporter: MetricExporter) -> Callable[[], None]:
        """Add an exposition format.

        Returns:
            A function that removes it.

        Raises:
            MetricError: if the name is taken.
        """
        if name in self._exporters:
            raise MetricError(f"metric exporter {name} is there already: remove it first, or choose another name")
        self._exporters[name] = exporter

        def remove() -> None:
            if self._exporters.get(name) is exporter:
                del self._exporters[name]

        return remove

    def _describe(
        self, name: str, help: str, labels: Iterable[str], limit: int | None, *, reserved: str | None = None
    ) -> Description:
        names = check_label_names(check_metric_name(name), labels, reserved=reserved)
        limit = self.limit if limit is None else limit
        return Description(name=name, help=help, label_names=names, limit=limit, on_overflow=self._overflow)

    def _register(self, new: T) -> T:
        with self._lock:
            for name in sorted(new.sample_names()):
                old = self._names.get(name)
                if old is None:
                    continue
                if old.definition() == new.definition():
                    return cast("T", old)
                raise MetricError(f"{new!r} clashes with {old!r} over {name}: give both one definition, or rename one")
            self._names.update(dict.fromkeys(new.sample_names(), new))
            self._families[new.name] = new
        return new

    def _overflow(self, family: Family[Cell], label: str) -> None:
        if family.name != self._overflows.name:  # it cannot count itself
            self._overflows.labels(family.name, label).inc()

    def _failed(self, source: str, exc: Exception) -> None:
        self._errors.labels(source, type(exc).__name__).inc()
