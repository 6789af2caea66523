"""Measure the interpreter: garbage collection and its pauses, tasks of the event loop, threads.

Config (``plugins.runtime``): ``interval`` in seconds (1). Metrics: ``python_gc_pause_seconds``, ``python_gc_collections_total``,
``python_gc_objects_collected_total``, ``python_gc_objects_uncollectable_total`` by ``generation``; ``python_tasks``,
``python_threads``, ``python_info``.
"""

from __future__ import annotations

import gc
import platform
import sys
import threading
from collections import deque
from contextlib import asynccontextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Final

import attrs
import sniffio

from trivet import Provider, hookimpl
from trivet_plugins.monitoring.readings import every, follow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from trivet import Composition, Kernel
    from trivet.metrics.registry import Metrics

_PAUSES: Final = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)
_MAX_WAITING: Final = 10_000


@attrs.frozen
class RuntimeConfig:
    """How often to sample, in seconds."""

    interval: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))


class RuntimeSampler:
    """Reads the interpreter into metrics; between `watch` and `unwatch` it is told of every collection."""

    def __init__(self, metrics: Metrics) -> None:
        counter, gauge, by = metrics.counter, metrics.gauge, ("generation",)
        self._pauses = metrics.histogram(
            "python_gc_pause_seconds", "How long a collection stopped the program.", labels=by, buckets=_PAUSES
        )
        self._runs = counter("python_gc_collections_total", "Collections.", labels=by)
        self._collected = counter("python_gc_objects_collected_total", "Objects that were collected.", labels=by)
        self._lost = counter("python_gc_objects_uncollectable_total", "Objects that could not be collected.", labels=by)
        self._tasks = gauge("python_tasks", "Tasks of the event loop.")
        self._threads = gauge("python_threads", "Threads that Python knows of.")
        facts = {"implementation": platform.python_implementation(), "version": platform.python_version()}
        metrics.info("python_info", "The interpreter.").set(facts)
        self._begun = 0.0
        # A collection may begin anywhere, also where a metric is being updated: the callback only notes what it saw.
        self._seen: deque[tuple[str, float]] = deque(maxlen=_MAX_WAITING)

    def watch(self) -> None:
        """Be told of collections."""
        gc.callbacks.append(self._note)

    def unwatch(self) -> None:
        """Be told no more."""
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, details: Mapping[str, int]) -> None:
        if phase == "start":
            self._begun = perf_counter()
        else:
            self._seen.append((str(details["generation"]), perf_counter() - self._begun))

    def take(self) -> None:
        """Read everything once. Call it in the event loop."""
        while self._seen:
            generation, seconds = self._seen.popleft()
            self._pauses[generation,].observe(seconds)
        for number, stats in enumerate(gc.get_stats()):
            follow(self._runs[str(number),], stats["collections"])
            follow(self._collected[str(number),], stats["collected"])
            follow(self._lost[str(number),], stats["uncollectable"])
        self._tasks.set(_tasks())
        self._threads.set(threading.active_count())


def _tasks() -> int:
    if sniffio.current_async_library() == "trio":
        return int(sys.modules["trio"].lowlevel.current_statistics().tasks_living)
    import asyncio

    return len(asyncio.all_tasks())


@asynccontextmanager
async def sample(config: RuntimeConfig, kernel: Kernel) -> AsyncIterator[RuntimeSampler]:
    """Sample while the service runs."""
    sampler = RuntimeSampler(kernel.metrics)
    sampler.watch()
    try:
        async with every(config.interval, sampler.take):
            yield sampler
    finally:
        sampler.unwatch()


@hookimpl
def register_services(composition: Composition) -> list[Provider[RuntimeSampler]]:
    """Offer ``service/runtime``."""
    return [Provider(name="runtime", factory=sample, config=RuntimeConfig, critical=False, restart=3)]
