"""`Runner`: runs one health check in its rhythm, and remembers what it said."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import attrs

from trivet.health.check import Status, Verdict
from trivet.health.failure import failure_text
from trivet.health.history import History
from trivet.health.result import Result

if TYPE_CHECKING:
    from trivet.health.check import HealthCheck

OnChange = Callable[[Result, Result], None]


class Runner:
    """Runs one check: time-limited, one run at a time, with hysteresis.

    Args:
        name: The check's name.
        check: What to run.
        on_change: Told the result before and after, in the event loop, whenever the status changes.
    """

    def __init__(self, name: str, check: HealthCheck, *, on_change: OnChange) -> None:
        self.check = check
        self.history = History()
        self._on_change = on_change
        self._finished = 0.0
        self._passes = 0
        self._result = self._initial = Result(name=name, plan=check.plan)
        self._running: anyio.Event | None = None
        self._scope: anyio.CancelScope | None = None
        self._removed = False

    @property
    def result(self) -> Result:
        """What is known now."""
        if self._result.pending:
            return self._result
        return attrs.evolve(
            self._result, age=time.monotonic() - self._finished, availability=self.history.availability()
        )

    def reset(self) -> None:
        """Forget the results of an earlier run of the kernel."""
        self._result, self._passes, self._running = self._initial, 0, None
        self.history.clear()

    def cancel(self) -> None:
        """End `run` for good, begun or not."""
        self._removed = True
        if self._scope is not None:
            self._scope.cancel()

    async def run(self) -> None:
        """Run the check again and again until cancelled."""
        with anyio.CancelScope() as self._scope:
            await anyio.sleep(self.check.plan.initial_delay)
            while not self._removed:
                await self.once()
                await anyio.sleep(self.check.plan.interval)

    async def once(self) -> None:
        """Run the check now; where it is running already, wait for that run."""
        if self._running is not None:
            await self._running.wait()
            return
        self._running = finished = anyio.Event()
        try:
            start = time.monotonic()
            verdict = await self._verdict()
            self._finished = time.monotonic()
            self._record(verdict, self._finished - start)
        finally:
            self._running = None
            finished.set()

    async def _verdict(self) -> Verdict:
        verdict: object = Verdict(Status.FAIL, f"no answer within {self.check.plan.timeout:g} s")
        with anyio.move_on_after(self.check.plan.timeout):
            try:
                verdict = await self.check.check()
            except Exception as exc:  # noqa: BLE001 - a check that crashes is what a check is there to report
                return Verdict(Status.FAIL, failure_text(exc))
        if verdict is None:
            return Verdict()
        if isinstance(verdict, Verdict):
            return verdict
        if inspect.iscoroutine(verdict):
            verdict.close()
        return Verdict(Status.FAIL, f"returned {type(verdict).__name__}: return None or a Verdict, or raise")

    def _record(self, verdict: Verdict, seconds: float) -> None:
        before = self._result
        failed = verdict.status is Status.FAIL
        failures = before.failures + 1 if failed else 0
        self._passes = 0 if failed else self._passes + 1
        self._result = Result(
            name=before.name,
            plan=before.plan,
            status=self._settle(before.status, verdict.status, failures),
            verdict=verdict,
            at=time.time(),
            age=0.0,
            seconds=seconds,
            failures=failures,
        )
        if self._result.status is not None and self._result.status is not before.status:
            self.history.add(self._result.status, verdict.output)
            self._on_change(before, self._result)

    def _settle(self, before: Status | None, now: Status, failures: int) -> Status | None:
        """Return the status after hysteresis: it falls after ``fail_after`` failures and rises after ``recover_after`` passes."""
        plan = self.check.plan
        if now is Status.FAIL:
            return now if failures >= plan.fail_after else before
        return now if before is not Status.FAIL or self._passes >= plan.recover_after else before
