"""History: what it costs to keep every second of 10,000 series."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import anyio
import anyio.lowlevel
import attrs

from benchmarks.harness import Count, measure
from trivet.metrics.registry import Metrics
from trivet_plugins.monitoring.history import TIERS
from trivet_plugins.monitoring.history.clock import RisingClock
from trivet_plugins.monitoring.history.recorder import Recorder
from trivet_plugins.monitoring.history.tiers import Tier

SERIES = 10_000
SECONDS = 1_200
"""Four blocks; what is packed later costs as much."""


@attrs.define
class Outcome:
    """Of a simulated run: CPU seconds, the longest stall of the event loop, bytes that are packed, and of how many series."""

    cpu: float = 0.0
    stall: float = 0.0
    packed: int = 0
    series: int = 0


def _service(metrics: Metrics) -> Callable[[], None]:
    """Make a service's metrics: 40 % counters, 30 % histogram series, 10 % gauges that move, 20 % that stand still."""
    dice = random.Random(1)
    names = [str(number) for number in range(SERIES)]
    counter, gauge = metrics.counter("c", "C.", labels=("x",)), metrics.gauge("g", "G.", labels=("x",))
    still, histogram = metrics.gauge("k", "K.", labels=("x",)), metrics.histogram("h", "H.", labels=("x",))
    counters = [counter.labels(name) for name in names[: SERIES * 4 // 10]]
    gauges = [gauge.labels(name) for name in names[: SERIES // 10]]
    histograms = [histogram.labels(name) for name in names[: SERIES * 3 // 10 // 17]]
    for name in names[: SERIES * 2 // 10]:
        still.labels(name).set(1)

    def second() -> None:
        for number, one in enumerate(counters):
            if number % 3:
                one.inc(dice.randrange(5) if number % 2 else 1)
        for cell in gauges:
            cell.set(round(dice.gauss(50, 5), 1))
        for spread in histograms[::2]:
            spread.observe(dice.random())

    return second


@cache
def _run(keep: int) -> Outcome:
    return anyio.run(_simulate, keep)


async def _simulate(keep: int) -> Outcome:
    """Run some minutes as fast as they go; beside the recorder a task notes how long it was kept waiting."""
    outcome, now = Outcome(), 0.0
    metrics = Metrics(limit=SERIES * 2)
    second = _service(metrics)
    clock = RisingClock(wall=lambda: now, monotonic=lambda: now)
    recorder = Recorder(metrics, clock, tiers=(Tier(0, keep), *TIERS[1:]), budget=1 << 30, block=300, collect=5)
    gc.collect()
    gc.disable()  # its pauses are those of all objects of a process; `python_gc_pause_seconds` tells of them
    for _ in range(SECONDS):
        now += 1
        second()
        started = time.process_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_watch, outcome)
            await anyio.lowlevel.checkpoint()
            await recorder.tick()
            if recorder.is_full:
                await recorder.seal()
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        outcome.cpu += time.process_time() - started
    gc.enable()
    outcome.packed, outcome.series = recorder.tiers.size, recorder.shelf.count
    return outcome


async def _watch(outcome: Outcome) -> None:
    last = time.thread_time()  # not of the clock: other processes would count
    while True:
        await anyio.lowlevel.checkpoint()
        now = time.thread_time()
        outcome.stall, last = max(outcome.stall, now - last), now


@measure("history, 10,000 series at 1 s: share of a core, in thousandths of a percent")
@contextmanager
def share() -> Iterator[Count]:
    """Read, pack and fold."""
    outcome = _run(300)  # folded early, so that the run need not last for hours: everything is folded once
    yield Count(round(outcome.cpu / SECONDS * 100_000), 500)


@measure("history, 10,000 series at 1 s: bytes per series-hour")
@contextmanager
def size() -> Iterator[Count]:
    """Count what is packed, with its tables."""
    outcome = _run(3_600)
    yield Count(round(outcome.packed / outcome.series / SECONDS * 3_600), 12_000)


@measure("history, 10,000 series at 1 s: longest stall of the loop, us")
@contextmanager
def stall() -> Iterator[Count]:
    """While it reads, packs and folds."""
    yield Count(round(_run(300).stall * 1e6), 3_000)
