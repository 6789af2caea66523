"""Metrics: what an update costs the code that makes it, and what a scrape costs the service."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, thread_time
from typing import Any

from benchmarks.harness import Block, Contest, Count, Peer, at_most, awaits, calls, faster, measure, statement
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
    longest, begun = 0.0, perf_counter()
    for _chunk in PrometheusText().encode([family]):  # type: ignore[list-item]  # a family of counters
        now = perf_counter()
        longest, begun = max(longest, now - begun), perf_counter()
    return longest


@measure("OpenMetrics exposition of 10,000 counters")
@contextmanager
def expose_openmetrics() -> Iterator[Contest]:
    """Write one family of 10,000 series, an exemplar behind every tenth on our side and on theirs."""
    from trivet_plugins.monitoring.openmetrics import OpenMetricsText

    exemplar = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
    family = Metrics(limit=SERIES).counter("requests", "Requests.", labels=("number", "code"))
    for number in range(SERIES):
        family.labels(number, "200").inc(number, exemplar if number % 10 == 0 else None)

    def prometheus() -> Block:
        import prometheus_client
        from prometheus_client.openmetrics.exposition import generate_latest

        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = prometheus_client.CollectorRegistry()
        counter = prometheus_client.Counter("requests", "Requests.", ("number", "code"), registry=registry)
        for number in range(SERIES):
            counter.labels(number, "200").inc(number, exemplar if number % 10 == 0 else None)
        return calls(lambda: generate_latest(registry))  # type: ignore[no-untyped-call]

    yield Contest(
        calls(lambda: b"".join(OpenMetricsText().encode([family]))),
        [Peer("prometheus_client without _created", prometheus, faster(20))],
        rounds=5,
    )


@measure("longest stall of the event loop while it is scraped, gzip included")
@contextmanager
def longest_stall() -> Iterator[Contest]:
    """Let a task tick while a page is answered: 100,000 counters here, a tenth of that at the peer."""
    family = Metrics(limit=100_000).counter("requests", "Requests.", labels=("number",))
    for number in range(100_000):
        family.labels(number).inc()

    async def scrape() -> None:
        from trivet_plugins.web import scrape as page

        async for _chunk in page._gently(page._gzipped(PrometheusText().encode([family]))):  # noqa: SLF001
            pass

    def prometheus() -> Block:
        import prometheus_client

        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = prometheus_client.CollectorRegistry()
        counter = prometheus_client.Counter("requests", "Requests.", ("number",), registry=registry)
        for number in range(SERIES):
            counter.labels(number).inc()
        app = prometheus_client.make_asgi_app(registry)
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [(b"accept-encoding", b"gzip")],
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(_message: object) -> None:
            pass

        return stalls(lambda: app(scope, receive, send))

    yield Contest(stalls(scrape), [Peer("prometheus_client, 10,000 series", prometheus, at_most(0.1))], rounds=5)


@measure("microseconds of the longest stall while 100,000 series are scraped")
@contextmanager
def longest_stall_time() -> Iterator[Count]:
    """Say it in time: the median of five scrapes."""
    with longest_stall() as contest:
        assert isinstance(contest, Contest)
        yield Count(int(statistics.median(contest.ours(1) for _ in range(5)) * 1e6), 3000)


def stalls(work: Callable[[], Awaitable[object]]) -> Block:
    """Return the longest that a ticking task had to wait while ``work`` was done, once per loop.

    In CPU time of the thread: what other processes of a busy machine take is no stall of ours or the peer's.
    """
    import anyio
    from anyio.lowlevel import checkpoint

    async def longest() -> float:
        worst = 0.0

        async def tick() -> None:
            nonlocal worst
            before = thread_time()
            while True:
                await checkpoint()
                now = thread_time()
                worst, before = max(worst, now - before), now

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            await checkpoint()
            await work()
            await checkpoint()
            tasks.cancel_scope.cancel()
        return worst

    return lambda loops: sum(anyio.run(longest) for _ in range(loops))


@measure("bytes per counter series with 3 labels, its text included")
@contextmanager
def counter_memory() -> Iterator[Count]:
    """Count what 10,000 series take."""
    yield Count(_bytes_each("counter"), 750, "prometheus_client: 0.8 kB without the text")


@measure("bytes per histogram series with 3 labels, its text included")
@contextmanager
def histogram_memory() -> Iterator[Count]:
    """Count what 10,000 series of 15 buckets take."""
    yield Count(_bytes_each("histogram"), 1300, "prometheus_client: 4.7 kB without the text")


def _bytes_each(kind: str) -> int:
    import tracemalloc

    family = getattr(Metrics(limit=SERIES), kind)("requests", "Requests.", labels=LABELS)
    tracemalloc.start()
    for number in range(SERIES):
        cell = family.labels("GET", f"/orders/{number}", "200")
        cell.inc() if kind == "counter" else cell.observe(number / 700)
    for _chunk in PrometheusText().encode([family]):
        pass
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held // SERIES


@measure("updates lost: 4 threads x 100,000, with births during scrapes")
@contextmanager
def lost_updates() -> Iterator[Count]:
    """Switch threads as often as the interpreter can; aioprometheus loses more than half."""
    import sys
    import threading

    metrics = Metrics(limit=1_000_000)
    counter, histogram = metrics.counter("c", "C.", labels=("x",)), metrics.histogram("h", "H.")
    stop = threading.Event()

    def work(thread: int) -> None:
        for number in range(100_000):
            counter["a",].inc()
            histogram.observe(1)
            if number % 20 == 0:
                counter[f"{thread}-{number}",].inc()

    def scrape() -> None:
        while not stop.is_set():
            for _chunk in PrometheusText().encode(metrics.families()):
                pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    scraper = threading.Thread(target=scrape)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for one in (scraper, *threads):
            one.start()
        for one in threads:
            one.join()
    finally:
        stop.set()
        scraper.join()
        sys.setswitchinterval(interval)
    counted = counter["a",].value + histogram[()].cumulated()[-1] + sum(c.value for c in counter.cells()[1:])
    yield Count(int(800_000 + 20_000 - counted), 0)
