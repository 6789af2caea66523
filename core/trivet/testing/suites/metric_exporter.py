"""What every `MetricExporter` promises."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import ClassVar, Final

import pytest

from trivet.metrics.contracts import MetricExporter
from trivet.metrics.gauge import Gauge
from trivet.metrics.registry import Metrics
from trivet.testing.suites.suite import Suite, override

MAX_CHUNK: Final = 1 << 20
"""Bytes; about what takes an event loop some milliseconds to write."""

MANY: Final = 20_000
TRICKY: Final = ("", " ", 'a "quote"', "back\\slash", "two\nlines", "täglich 🧪", "{}", "a,b=c", "\\n", "x" * 5000)
_MEDIA_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;\s*[\w-]+=[\w.+-]+)*\Z")


class _Mystery(Gauge):
    """A family of a kind that no format knows."""

    kind: ClassVar[str] = "mystery"


def _encoded(exporter: MetricExporter, fill: Callable[[Metrics], object]) -> bytes:
    metrics = Metrics()
    fill(metrics)
    return b"".join(exporter.encode(metrics.families()))


def _gauge(value: float = 1, *, label: str | None = None, help: str = "A gauge.") -> Callable[[Metrics], None]:
    def fill(metrics: Metrics) -> None:
        if label is None:
            metrics.gauge("suite_gauge", help).set(value)
        else:
            metrics.gauge("suite_gauge", help, labels=("a",)).labels(label).set(value)

    return fill


class MetricExporterSuite(Suite):
    """The promises of an exposition format. Override `exporter`."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Run under one event loop only: an exporter is made of plain functions."""
        return "asyncio"

    @pytest.fixture
    def exporter(self) -> MetricExporter:
        """Return the exporter."""
        override("exporter")

    def test_it_has_the_shape_of_its_contract(self, exporter: MetricExporter) -> None:
        """Its media type is a full Content-Type."""
        assert isinstance(exporter, MetricExporter)
        assert _MEDIA_TYPE.match(exporter.media_type)

    def test_it_writes_every_kind_of_metric(self, exporter: MetricExporter) -> None:
        """Counters, gauges and histograms stand in the exposition by name, and a new value changes it."""

        def fill(amount: int) -> Callable[[Metrics], None]:
            def some(metrics: Metrics) -> None:
                metrics.counter("suite_orders_total", "Orders.").inc(amount)
                metrics.gauge("suite_queue_length", "Waiting orders.").set(amount)
                metrics.histogram("suite_duration_seconds", "Time per order.").observe(amount)

            return some

        one = _encoded(exporter, fill(1))
        assert b"suite_orders" in one
        assert b"suite_queue_length" in one
        assert b"suite_duration_seconds" in one
        assert one == _encoded(exporter, fill(1))
        assert one != _encoded(exporter, fill(2))

    def test_no_label_value_is_lost(self, exporter: MetricExporter) -> None:
        """Label values of any text can be told apart: a registry with one of them never looks like one with another."""
        assert len({_encoded(exporter, _gauge(label=value)) for value in TRICKY}) == len(TRICKY)

    def test_a_label_value_cannot_forge_a_label(self, exporter: MetricExporter) -> None:
        """A quote in a value does not end it: ``a="1"`` and ``b="2"`` are two labels, ``1",b="2`` is one."""

        def two(metrics: Metrics) -> None:
            metrics.gauge("suite_gauge", "A gauge.", labels=("a", "b")).labels("1", "2").set(1)

        assert _encoded(exporter, two) != _encoded(exporter, _gauge(label='1",b="2'))

    def test_a_label_value_cannot_forge_a_series(self, exporter: MetricExporter) -> None:
        """A line break in a value does not end the line."""

        def two(metrics: Metrics) -> None:
            gauge = metrics.gauge("suite_gauge", "A gauge.", labels=("a",))
            gauge.labels("x").set(1)
            gauge.labels("y").set(1)

        true = _encoded(exporter, two)
        for number in ("1", "1.0"):
            assert _encoded(exporter, _gauge(label=f'x"}} {number}\nsuite_gauge{{a="y')) != true

    def test_a_help_text_cannot_forge_a_series(self, exporter: MetricExporter) -> None:
        """A line break in a help text does not start a sample."""
        exposition = _encoded(exporter, _gauge(help="Two\nsuite_forged 1\nlines \\ here."))
        assert b"\nsuite_forged 1\n" not in exposition

    def test_numbers_that_are_none_are_written(self, exporter: MetricExporter) -> None:
        """Infinities and NaN are values like any other, and not one another."""
        values = (math.inf, -math.inf, math.nan, 0.0, 1e300, 5e-324)
        written = {_encoded(exporter, _gauge(value)) for value in values}
        assert len(written) == len(values)

    def test_nothing_is_a_valid_exposition(self, exporter: MetricExporter) -> None:
        """No families, and a family without series, are no error."""
        assert list(exporter.encode(()))[1:] == []
        _encoded(exporter, lambda metrics: metrics.counter("suite_orders_total", "Orders.", labels=("region",)))

    def test_an_unknown_kind_is_left_out(self, exporter: MetricExporter) -> None:
        """A family of a kind that the format does not know is left out, and the rest is there."""
        metrics = Metrics()
        known = metrics.gauge("suite_known", "A gauge.")
        other = metrics.gauge("suite_mystery", "No gauge.")
        other.__class__ = _Mystery  # a kind that a later trivet, or a plugin, may bring
        exposition = b"".join(exporter.encode((other, known)))
        assert b"suite_known" in exposition
        assert b"suite_mystery" not in exposition

    def test_a_large_scrape_comes_in_chunks(self, exporter: MetricExporter) -> None:
        """Many series come in many chunks, each small enough that an event loop does not stall."""
        metrics = Metrics()
        gauge = metrics.gauge("suite_gauge", "A gauge.", labels=("number",), limit=MANY)
        for number in range(MANY):
            gauge[str(number),].set(number)
        chunks = exporter.encode(metrics.families())
        assert isinstance(chunks, Iterator)
        sizes = [len(chunk) for chunk in chunks]
        assert len(sizes) > 1
        assert max(sizes) <= MAX_CHUNK

    def test_series_may_be_born_and_removed_during_a_scrape(self, exporter: MetricExporter) -> None:
        """Between two chunks the service counts on: new and removed series disturb no scrape."""
        metrics = Metrics()
        gauge = metrics.gauge("suite_gauge", "A gauge.", labels=("number",), limit=2 * MANY)
        for number in range(MANY):
            gauge[str(number),].set(number)
        for born, _ in enumerate(exporter.encode(metrics.families())):
            gauge[str(MANY + born),].set(1)
            gauge.remove(str(born))
