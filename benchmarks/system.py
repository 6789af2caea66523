"""System: what a second's readings of process, machine, container and interpreter cost the event loop."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import anyio
import anyio.lowlevel

from benchmarks.harness import Row, measure, within
from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.container import ContainerConfig, ContainerSampler
from trivet_plugins.monitoring.runtime import RuntimeSampler
from trivet_plugins.monitoring.system import SystemSampler

NAME = "one tick of all readings: process, machine, container, interpreter"
LIMIT = 0.001
TICKS = 200


@measure(NAME)
@contextmanager
def tick() -> Iterator[Sequence[Row]]:
    """Take all samples again and again, the median counts."""
    yield [within(NAME, anyio.run(ticking), LIMIT)]


async def ticking() -> float:
    """Return the median in seconds of processor time: another process's turn is no cost of ours."""
    metrics = Metrics()
    samplers = (SystemSampler(metrics), ContainerSampler(metrics, ContainerConfig()), RuntimeSampler(metrics))
    seconds = []
    for _ in range(TICKS):
        begun = time.thread_time()
        for sampler in samplers:
            sampler.take()
        seconds.append(time.thread_time() - begun)
        await anyio.lowlevel.checkpoint()
    return statistics.median(seconds)
