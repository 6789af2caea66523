"""`Periodic`: an export that is made again and again, and says how it goes: in metrics and as a health check."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from trivet import CheckPlan, Status, Verdict

if TYPE_CHECKING:
    from trivet import Kernel, MetricExporter


Export = Callable[[], Awaitable[None]]


class Periodic:
    """Runs an export in its rhythm. One that fails is counted, makes health warn, and is made again at the next turn.

    Args:
        name: Of the export, for metrics and health.
        kernel: Whose metrics are exported.
        interval: Seconds from one export to the next.
    """

    plan = CheckPlan(groups={"ready"}, interval=1.0, critical=False)

    def __init__(self, name: str, kernel: Kernel, interval: float) -> None:
        self.name = name
        self._kernel = kernel
        self._interval = interval
        self._error: str | None = None
        exports = kernel.metrics.counter("trivet_metric_exports_total", "Exports.", labels=("exporter", "outcome"))
        self._good, self._bad = exports.labels(name, "ok"), exports.labels(name, "error")
        last = kernel.metrics.gauge(
            "trivet_metric_export_timestamp_seconds", "When the last export ended well.", labels=("exporter",)
        )
        self._last = last.labels(name)
        self._last.set(math.nan)

    @asynccontextmanager
    async def running(self, export: Export, at_end: Export) -> AsyncIterator[None]:
        """Export while the block runs, and show how that goes in health; do ``at_end`` once more when it has ended."""
        remove = self._kernel.health.add(f"{self.name}_export", self)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.run, export)
                yield
                tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await self.once(at_end)
        finally:
            remove()

    async def check(self) -> Verdict | None:
        """Warn while the last export failed."""
        return Verdict(Status.WARN, f"the last export failed: {self._error}") if self._error else None

    async def run(self, export: Export) -> None:
        """Export, now and at every turn, for ever."""
        while True:
            await self.once(export)
            await anyio.sleep(self._interval)

    async def once(self, export: Export) -> None:
        """Export once; a failure is told as health and metrics do."""
        try:
            await export()
        except Exception as exc:  # noqa: BLE001 - whatever a file system or a gateway says, the service goes on
            self._error = f"{type(exc).__name__}: {exc}"
            self._bad.inc()
        else:
            self._error = None
            self._good.inc()
            self._last.set(time.time())

    async def exposition(self, exporter: MetricExporter) -> bytes:
        """Write all metrics; the event loop is stopped only while they are gathered."""
        families = self._kernel.metrics.families()
        return await anyio.to_thread.run_sync(lambda: b"".join(exporter.encode(families)))
