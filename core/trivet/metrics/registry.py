"""`Metrics`: the kernel's registry of metric families, collectors and exporters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trivet.errors import MetricError
from trivet.metrics.gauge import Gauge
from trivet.metrics.histogram import BUCKETS
from trivet.metrics.instruments import Instruments
from trivet.metrics.labels import plain_text
from trivet.metrics.timed import Timed

if TYPE_CHECKING:
    from trivet.metrics.contracts import MetricExporter
    from trivet.metrics.exemplar import ExemplarSource
    from trivet.metrics.families import AnyFamily
    from trivet.metrics.family import Cell, Family

View = Callable[[tuple["AnyFamily", ...]], tuple["AnyFamily", ...]]

LIMIT: Final = 10_000
"""The default limit of series per family."""


class Metrics(Instruments):
    """The metrics of a service: instruments are made here (see `Instruments`), exporters read them here.

    Args:
        limit: The most series that a family has unless it says otherwise.
    """

    def __init__(self, *, limit: int = LIMIT) -> None:
        super().__init__(limit=limit)
        self._timers: dict[object, Timed] = {}
        self._collectors: dict[object, Callable[[], None]] = {}
        self._views: dict[object, View] = {}
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
        self._check_name(name)
        key = (name, help, tuple(labels.items()), bounds)
        if key in self._timers:
            return self._timers[key]
        names = tuple(labels)
        what = help or f"{name}."
        durations = self.histogram(
            name, f"Duration: {what}", labels=(*names, "outcome"), buckets=bounds, unit="seconds"
        )
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
        families = self._shelf.all()
        for family in families:
            if isinstance(family, Gauge):
                family.collect()
            family.sweep()
        for view in list(self._views.values()):
            families = view(families)
        return families

    def registered(self) -> tuple[AnyFamily, ...]:
        """Return all families as they are, in the order of their making: nothing runs, gauges are as of the last scrape."""
        return self._shelf.all()

    def get(self, name: str) -> AnyFamily | None:
        """Return the family of that name, or None."""
        return self._shelf.get(name)

    def unregister(self, name: str) -> None:
        """Forget a family and all its series. No error where there is none."""
        self._shelf.unregister(name)
        self._timers.clear()

    def take_exemplars(self, source: ExemplarSource | None) -> None:
        """Ask ``source`` for an exemplar at every update of a counter or histogram; a tracer sets it. None ends that.

        Args:
            source: Returns the labels of the present event, such as ``{"trace_id": "..."}``, or None where it is not sampled. It
                is called in the updating thread and task, so it can read a ContextVar, and must return at once.
        """
        self._exemplars = source
        for family in self._shelf.all():
            if family not in (self._overflows, self._errors):
                family.take_exemplars(source)

    def add_view(self, view: View) -> Callable[[], None]:
        """Let scrapes see what ``view`` makes of the families: with those of another library, or merged with other processes'.

        Args:
            view: Takes all families, and returns those that are exposed. It must return at once, and must not raise.

        Returns:
            A function that ends it.
        """
        key = object()
        self._views[key] = view

        def remove() -> None:
            self._views.pop(key, None)

        return remove

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

    def _overflow(self, family: Family[Cell], label: str) -> None:
        if family.name != self._overflows.name:  # it cannot count itself
            self._overflows.labels(family.name, label).inc()

    def _failed(self, source: str, exc: Exception) -> None:
        self._errors.labels(source, type(exc).__name__).inc()
