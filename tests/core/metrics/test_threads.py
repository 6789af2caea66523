"""Counting is exact under threads, without a lock; series may be born and die during a scrape."""

from __future__ import annotations

import sys
import threading

import pytest

from trivet.metrics.registry import Metrics

THREADS = 4
EACH = 50_000


@pytest.fixture
def frantic():
    """Switch threads as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(work):
    """Run ``work(number)`` in several threads at once; their errors are the test's."""
    errors = []
    barrier = threading.Barrier(THREADS)

    def run(number):
        barrier.wait()
        try:
            work(number)
        except BaseException as exc:  # noqa: BLE001 - raised in the test's thread
            errors.append(exc)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_no_update_is_lost(frantic):
    metrics = Metrics()
    counter = metrics.counter("c", "C.")
    labelled = metrics.counter("l", "L.", labels=("x",))
    gauge, histogram = metrics.gauge("g", "G."), metrics.histogram("h", "H.", buckets=(1, 2, 3))
    summary, native = metrics.summary("s", "S."), metrics.histogram("n", "N.", schema=8, max_buckets=2)
    metrics.take_exemplars(lambda: {"trace_id": "x"})

    def work(number):
        for index in range(EACH):
            counter.inc()
            labelled["a",].inc(2)
            gauge.inc(3)
            gauge.dec(True)
            histogram.observe(index % 4)
            if index % 10 == 0:
                summary.observe(index % 3)
                native.observe(index % 7)

    in_threads(work)
    total = THREADS * EACH
    assert counter[()].value == total
    assert labelled["a",].value == 2 * total
    assert gauge[()].value == 2 * total
    assert histogram[()].cumulated() == [total // 2, total * 3 // 4, total, total]
    assert histogram[()].sum == total * 1.5
    assert summary[()].count == total // 10
    assert summary[()].sum == THREADS * sum(index % 3 for index in range(0, EACH, 10))
    _schema, zero, positive, negative, count, summed = native[()].native()
    assert zero + sum(positive.values()) + sum(negative.values()) == count == total // 10
    assert summed == THREADS * sum(index % 7 for index in range(0, EACH, 10))


def test_a_series_is_born_once_however_many_threads_meet(frantic):
    family = Metrics().counter("c", "C.", labels=("x",))

    def work(number):
        for index in range(2_000):
            family.labels(index).inc()

    in_threads(work)
    assert len(family) == 2_000
    assert {cell.value for cell in family.cells()} == {THREADS}


def test_births_and_deaths_during_scrapes_disturb_neither(frantic):
    metrics = Metrics()
    family = metrics.counter("c", "C.", labels=("thread", "x"), limit=100_000)
    stop = threading.Event()
    scrapes = []

    def scrape():
        while not stop.is_set():
            scrapes.append(sum(len(family.text_of(cell)) and cell.value for cell in family.cells()))

    scraper = threading.Thread(target=scrape)
    scraper.start()

    def work(number):
        for index in range(3_000):
            family.labels(number, index).inc()
            family.labels(number, "kept").inc()
            family.remove(number, index)

    try:
        in_threads(work)
    finally:
        stop.set()
        scraper.join()
    assert scrapes
    assert {cell.labels: cell.value for cell in family.cells()} == {(str(n), "kept"): 3_000 for n in range(THREADS)}


def test_registering_from_many_threads_makes_one_family(frantic):
    metrics = Metrics()
    made = []

    def work(number):
        made.extend((index, id(metrics.histogram(f"h{index}", "H."))) for index in range(200))

    in_threads(work)
    assert len(set(made)) == 200
