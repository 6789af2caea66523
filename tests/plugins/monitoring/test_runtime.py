"""The interpreter's metrics: collections of garbage and their pauses, tasks, threads."""

from __future__ import annotations

import gc
import platform
import threading

import anyio
import pytest

from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.runtime import RuntimeSampler


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def sampler(metrics):
    sampler = RuntimeSampler(metrics)
    sampler.watch()
    yield sampler
    sampler.unwatch()


async def test_collections_and_their_pauses_are_counted(metrics, sampler):
    sampler.take()
    before = metrics.get("python_gc_collections_total")["2",].value
    pauses = metrics.get("python_gc_pause_seconds")["2",].cumulated()[-1]
    for _ in range(3):
        gc.collect()
    sampler.take()
    assert metrics.get("python_gc_collections_total")["2",].value >= before + 3
    assert metrics.get("python_gc_pause_seconds")["2",].cumulated()[-1] >= pauses + 3


async def test_tasks_and_threads_are_those_there_are(metrics, sampler):
    sampler.take()
    before = metrics.get("python_tasks")[()].value
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(anyio.sleep_forever)
        await anyio.wait_all_tasks_blocked()
        sampler.take()
        assert metrics.get("python_tasks")[()].value == before + 5
        tasks.cancel_scope.cancel()
    assert metrics.get("python_threads")[()].value == threading.active_count()


def test_the_interpreter_is_named(metrics, sampler):
    (cell,) = metrics.get("python_info").cells()
    assert cell.value == {"implementation": platform.python_implementation(), "version": platform.python_version()}


async def test_a_collection_in_the_middle_of_an_update_is_no_deadlock(metrics, sampler):
    """The callback runs wherever memory runs short; prometheus_client had to make its locks re-entrant for that."""
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for number in range(2_000):
            metrics.counter(f"c_{number % 50}_total", "C.").inc()
            [[] for _ in range(3)]
    finally:
        gc.set_threshold(*threshold)
    sampler.take()


async def test_it_is_told_no_more_after_the_stop(kernel_factory):
    callbacks = len(gc.callbacks)
    kernel = await kernel_factory(plugins=["runtime"])
    assert len(gc.callbacks) == callbacks + 1
    assert kernel.metrics.get("python_tasks")[()].value > 0
