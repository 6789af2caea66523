"""Merge the metrics of pre-forked workers (gunicorn, ``uvicorn --workers``), so that a scrape of any one shows them all.

Config (``plugins.multiprocess``): ``directory`` (none: each worker shows its own metrics; else a directory of this service
alone, on a local file system, best in memory), ``interval`` in seconds (default 1), ``gauges`` (how to merge: ``all`` keeps
a series per worker under the label ``pid``, ``sum``, ``min``, ``max`` make one) by name, ``default`` for the others
(``all``). Example::

    [plugins.multiprocess]
    directory = "/run/orders/metrics"
    gauges = { queue_length = "sum" }

Counters, histograms and summaries add up and outlive their workers, also over a restart of the service as long as the
directory is there. Gauges, states and infos are of the living. What is exposed is at most ``interval`` old, what a killed
worker counted in its last ``interval`` is lost. Exemplars and exponential buckets stay in their worker.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import attrs

from trivet import Composition, Kernel, Provider, hookimpl
from trivet_plugins.monitoring.family_state import GAUGES, Merge, dump
from trivet_plugins.monitoring.periodic import Periodic
from trivet_plugins.monitoring.worker_files import WorkerFiles

if TYPE_CHECKING:
    from trivet.metrics.families import AnyFamily


def _modes(_instance: object, attribute: attrs.Attribute[Any], value: str | Mapping[str, str]) -> None:
    for mode in [value] if isinstance(value, str) else value.values():
        if mode not in GAUGES:
            msg = f"{attribute.name}: gauges are merged as {', '.join(GAUGES)}; got {mode!r}"
            raise ValueError(msg)


@attrs.frozen
class MultiprocessConfig:
    """Where the workers meet, how often, and how their gauges are merged."""

    directory: Path | None = None
    interval: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    gauges: Mapping[str, str] = attrs.field(factory=dict, validator=_modes)
    default: str = attrs.field(default="all", validator=_modes)


class Workers:
    """The metrics of all workers, as of the last `exchange`.

    Args:
        config: How they are merged.
        kernel: Whose metrics this worker's are.
        files: Where they meet.
    """

    def __init__(self, config: MultiprocessConfig, kernel: Kernel, files: WorkerFiles) -> None:
        self._config = config
        self._metrics = kernel.metrics
        self._files = files
        self._own: tuple[AnyFamily, ...] = ()
        self._merged: tuple[AnyFamily, ...] | None = None

    def view(self, families: tuple[AnyFamily, ...]) -> tuple[AnyFamily, ...]:
        """Return the metrics of all workers for a scrape of this one."""
        self._own = families
        return families if self._merged is None else self._merged

    async def exchange(self) -> None:
        """Write what this worker holds, and read what the others do.

        Raises:
            OSError: if the directory cannot be read or written.
        """
        self._metrics.families()  # `view` takes them
        self._merged = await anyio.to_thread.run_sync(self._exchanged, self._own)

    def _exchanged(self, families: tuple[AnyFamily, ...]) -> tuple[AnyFamily, ...]:
        state = dump(families)
        self._files.write(state)
        merge = Merge(self._config.gauges, self._config.default)
        merge.add(state, str(os.getpid()))
        for pid, other in self._files.others():
            merge.add(other, pid)
        return merge.families()


@asynccontextmanager
async def multiprocess(config: MultiprocessConfig, kernel: Kernel) -> AsyncIterator[Workers | None]:
    """Merge while the service runs."""
    if config.directory is None:
        yield None
        return
    files = await anyio.to_thread.run_sync(WorkerFiles, config.directory)
    workers = Workers(config, kernel, files)
    periodic = Periodic("multiprocess", kernel, config.interval)
    end = kernel.metrics.add_view(workers.view)
    try:
        await periodic.once(workers.exchange)
        async with periodic.running(workers.exchange, workers.exchange):
            yield workers
    finally:
        end()
        files.close()


@hookimpl
def register_services(composition: Composition) -> list[Provider[Workers | None]]:
    """Offer ``service/multiprocess``."""
    return [
        Provider(name="multiprocess", factory=multiprocess, config=MultiprocessConfig, provides=Workers, critical=False)
    ]
