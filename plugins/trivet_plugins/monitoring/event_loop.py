"""Watch how late the event loop runs its tasks: code that blocks it makes everything late.

Config (``plugins.event_loop``): ``interval`` between measurements (0.1 s); a lag above ``warn`` (0.25 s) is a warning, above
``fail`` (5 s) a failure of the ``live`` group. While the loop is blocked for longer than ``watchdog`` (1 s; 0: never), a thread
logs where. Metrics: ``trivet_event_loop_lag_seconds``, ``trivet_event_loop_blocked_total``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import anyio
import attrs

from trivet import CheckPlan, Composition, HealthCheck, Kernel, Provider, Status, Verdict, hookimpl
from trivet.metrics.counter import Counter
from trivet.metrics.gauge import Gauge
from trivet_plugins.monitoring.loop_watchdog import LoopWatchdog


@attrs.frozen
class EventLoopConfig:
    """How often to measure, and what is too late; all in seconds."""

    interval: float = attrs.field(default=0.1, validator=attrs.validators.gt(0))
    warn: float = 0.25
    fail: float = 5.0
    watchdog: float = attrs.field(default=1.0, validator=attrs.validators.ge(0))


class EventLoopCheck:
    """Report the longest lag since the last report."""

    plan = CheckPlan(groups={"live"}, interval=5)

    def __init__(self, config: EventLoopConfig, lag: Gauge, blocked: Counter) -> None:
        self._config = config
        self._gauge = lag
        self._blocked = blocked
        self._worst = 0.0
        self._place: str | None = None

    async def measure(self) -> None:
        """Sleep, and see how much later than asked the loop wakes us; for ever."""
        limit = self._config.watchdog + self._config.interval  # it beats once in an interval
        with ExitStack() as stack:
            watchdog = stack.enter_context(LoopWatchdog(limit)) if self._config.watchdog else None
            while True:
                await self._measure_once()
                if watchdog is not None and (place := watchdog.beat()) is not None:
                    self._place = place
                    self._blocked.inc()

    async def _measure_once(self) -> None:
        due = anyio.current_time() + self._config.interval
        await anyio.sleep(self._config.interval)
        lag = max(0.0, anyio.current_time() - due)
        self._gauge.set(lag)
        self._worst = max(self._worst, lag)

    async def check(self) -> Verdict:
        """Judge the longest lag."""
        lag, self._worst = self._worst, 0.0
        status = Status.FAIL if lag > self._config.fail else Status.WARN if lag > self._config.warn else Status.PASS
        place, self._place = self._place, None
        where = f" at {place}" if place is not None else ""
        output = f"the event loop was blocked for {lag:.2f} s{where}: move blocking work to a thread" if status else ""
        return Verdict(status, output, {"lag_seconds": lag})


@asynccontextmanager
async def event_loop_check(config: EventLoopConfig, kernel: Kernel) -> AsyncIterator[EventLoopCheck]:
    """Measure while the check is there."""
    lag = kernel.metrics.gauge("trivet_event_loop_lag_seconds", "How late the event loop ran a task, last measurement.")
    blocked = kernel.metrics.counter(
        "trivet_event_loop_blocked_total", "How often the watchdog saw the event loop blocked."
    )
    check = EventLoopCheck(config, lag, blocked)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(check.measure)
        yield check
        tasks.cancel_scope.cancel()


@hookimpl
def register_health_checks(composition: Composition) -> list[Provider[HealthCheck]]:
    """Offer ``health_check/event_loop``."""
    return [Provider(name="event_loop", factory=event_loop_check, config=EventLoopConfig)]
