"""Metrics: what an update costs the code that makes it, and what a scrape costs the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.harness import Block, Contest, Peer, at_most, awaits, calls, faster, measure, statement
from trivet.metrics.histogram import BUCKETS
from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.prometheus import PrometheusText

SERIES = 10_000
LABELS = ("method", "path", "code")
VALUES = ("GET", "/orders", "200")


@measure("Counter.inc, bound series")
@contextmanager
def counter_inc() -> Iterator[Contest]:
    """Count one on a series that was looked up before."""
    series = Metrics().counter("requests", "Requests.", labels=LABELS).labels(*VALUES)

    def prometheus() -> Block:
        import prometheus_client

        registry = prometheus_client.CollectorRegistry()
        child = prometheus_client.Counter("requests", "Requests.", LABELS, registry=registry).labels(*VALUES)
        return statement("child.inc()", child=child)

    def aio() -> Block:
        from aioprometheus import collectors

        counter = collectors.Counter("requests", "Requests.", registry=collectors.Registry())
        return statement("counter.inc(labels)", counter=counter, labels=dict(zip(LABELS, VALUES, strict=True)))

    yield Contest(
        statement("series.inc()", series=series),
        [Peer("prometheus_client", prometheus, faster(4)), Peer("aioprometheus", aio, faster(4))],
    )


@measure("labels look-up (3) + inc")
@contextmanager
def labels_inc() -> Iterator[Contest]:
    """Find a series by its label values and count one."""
    family = Metrics().counter("requests", "Requests.", labels=LABELS)

    def prometheus() -> Block:
        import prometheus_client

        registry = prometheus_client.CollectorRegistry()
        counter = prometheus_client.Counter("requests", "Requests.", LABELS, registry=registry)
        return statement('counter.labels("GET", "/orders", "200").inc()', counter=counter)

    ours = statement('family["GET", "/orders", "200"].inc()', family=family)
    yield Contest(ours, [Peer("prometheus_client", prometheus, faster(8))])


@measure("Histogram.observe")
@contextmanager
def histogram_observe() -> Iterator[Contest]:
    """Observe a value in the middle of the default buckets; aioprometheus has 11 by default, the others 14."""
    histogram = Metrics().histogram("wait_seconds", "Wait.")

    def prometheus() -> Block:
        import prometheus_client

        registry = prometheus_client.CollectorRegistry()
        other = prometheus_client.Histogram("wait_seconds", "Wait.", registry=registry)
        return statement("other.observe(0.3)", other=other)

    def aio() -> Block:
        from aioprometheus import collectors

        other = collectors.Histogram("wait_seconds", "Wait.", registry=collectors.Registry())
        return statement("other.observe(labels, 0.3)", other=other, labels={})

    yield Contest(
        statement("histogram.observe(0.3)", histogram=histogram),
        [Peer("prometheus_client", prometheus, faster(4)), Peer("aioprometheus", aio, faster(4))],
    )


async def nothing() -> None:
    """Be the coroutine that is timed."""


@measure("timed() around a coroutine")
@contextmanager
def timed_coroutine() -> Iterator[Contest]:
    """Await a timed coroutine that does nothing; the bare await is part of both sides."""

    def aio() -> Block:
        from aioprometheus import collectors
        from aioprometheus.decorators import timer

        histogram = collectors.Histogram("work_seconds", "Work.", registry=collectors.Registry(), buckets=list(BUCKETS))
        return awaits(timer(histogram, {})(nothing))

    yield Contest(awaits(Metrics().timed("work")(nothing)), [Peer("aioprometheus", aio, faster(4))])


@measure("exposition of 10,000 counters")
@contextmanager
def expose_counters() -> Iterator[Contest]:
    """Write one family of 10,000 series whose values have changed."""
    family = Metrics(limit=SERIES).counter("requests", "Requests.", labels=("number", "code"))
    for number in range(SERIES):
        family.labels(number, "200").inc(number)

    def prometheus() -> Block:
        import prometheus_client

        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = prometheus_client.CollectorRegistry()
        counter = prometheus_client.Counter("requests", "Requests.", ("number", "code"), registry=registry)
        for number in range(SERIES):
            counter.labels(number, "200").inc(number)
        return calls(lambda: prometheus_client.generate_latest(registry))

    def aio() -> Block:
        from aioprometheus import collectors
        from aioprometheus.renderer import render

        registry = collectors.Registry()
        counter = collectors.Counter("requests_total", "Requests.", registry=registry)
        for number in range(SERIES):
            counter.add({"number": str(number), "code": "200"}, number)
        return calls(lambda: render(registry, []))

    yield Contest(
        calls(lambda: b"".join(PrometheusText().encode([family]))),
        [Peer("prometheus_client without _created", prometheus, faster(20)), Peer("aioprometheus", aio, faster(8))],
        rounds=5,
    )


@measure("exposition of 10,000 histograms")
@contextmanager
def expose_histograms() -> Iterator[Contest]:
    """Write one family of 10,000 series of 15 buckets each."""
    family = Metrics(limit=SERIES).histogram("wait_seconds", "Wait.", labels=("number",))
    for number in range(SERIES):
        family.labels(number).observe(number / 700)

    def prometheus() -> Block:
        import prometheus_client

        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = prometheus_client.CollectorRegistry()
        histogram = prometheus_client.Histogram("wait_seconds", "Wait.", ("number",), registry=registry)
        for number in range(SERIES):
            histogram.labels(number).observe(number / 700)
        return calls(lambda: prometheus_client.generate_latest(registry))

    def aio() -> Block:
        from aioprometheus import collectors
        from aioprometheus.renderer import render

        registry = collectors.Registry()
        histogram = collectors.Histogram("wait_seconds", "Wait.", registry=registry, buckets=list(family.bounds))
        for number in range(SERIES):
            histogram.observe({"number": str(number)}, number / 700)
        return calls(lambda: render(registry, []))

    yield Contest(
        calls(lambda: b"".join(PrometheusText().encode([family]))),
        [Peer("prometheus_client without _created", prometheus, faster(40)), Peer("aioprometheus", aio, faster(15))],
        rounds=3,
    )


@measure("update during a scrape of 100,000 series: longest chunk")
@contextmanager
def longest_chunk() -> Iterator[Contest]:
    """Compare the longest step between two chunks, during which the event loop stands still, with aioprometheus's only step."""
    family = Metrics(limit=100_000).counter("requests", "Requests.", labels=("number",))
    for number in range(100_000):
        family.labels(number).inc()

    def ours(loops: int) -> float:
        return sum(_longest(family) for _ in range(loops))

    def aio() -> Block:
        from aioprometheus import collectors
        from aioprometheus.renderer import render

        registry = collectors.Registry()
        counter = collectors.Counter("requests_total", "Requests.", registry=registry)
        for number in range(SERIES):
            counter.inc({"number": str(number)})
        return calls(lambda: render(registry, []))

    yield Contest(ours, [Peer("aioprometheus, 10,000 series", aio, at_most(0.1))], rounds=3)


def _longest(family: object) -> float:
    from time import perf_counter

    longest, begun = 0.0, perf_counter()
    for _chunk in PrometheusText().encode([family]):  # type: ignore[list-item]  # a family of counters
        now = perf_counter()
        longest, begun = max(longest, now - begun), perf_counter()
    return longest
