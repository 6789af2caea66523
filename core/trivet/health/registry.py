"""`Health`: the kernel's registry of health checks. They run in the background; asking never waits for them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import attrs
from anyio.abc import TaskStatus

from trivet.errors import HealthError
from trivet.events import Event, HealthChanged
from trivet.health.blame import circle, root_causes
from trivet.health.check import CheckPlan, HealthCheck, Status
from trivet.health.function import CheckFunction, function_check
from trivet.health.history import History
from trivet.health.report import Report
from trivet.health.runner import Runner

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from trivet.health.result import Result

F = TypeVar("F", bound=CheckFunction)

GRACE: Final = 1.0
"""Seconds that `Health.refresh` waits beyond a check's timeout for one that resists cancellation."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*\Z")


def _ignore(event: Event) -> None:
    del event


class Health:
    """The health of a service.

    Checks belong to groups: ``live`` (is the process broken: restart it), ``ready`` (may it get work), ``startup``, or own names.
    Each runs in its own rhythm and parallel to the others while the kernel runs. `report` returns the last results at once, with
    their age; a check that has not run yet counts as a failure, except for ``live``.

    Args:
        emit: Gets `HealthChanged` events.
    """

    def __init__(self, *, emit: Callable[[Event], None] = _ignore) -> None:
        self._emit = emit
        self._runners: dict[str, Runner] = {}
        self._tasks: TaskGroup | None = None
        self._thread = 0
        self._gate: str | None = None

    def check(
        self,
        name: str,
        *,
        groups: Iterable[str] = frozenset({"ready"}),
        tags: Iterable[str] = (),
        depends_on: Iterable[str] = (),
        timeout: float = 2.0,
        interval: float = 10.0,
        initial_delay: float = 0.0,
        fail_after: int = 1,
        recover_after: int = 1,
        critical: bool = True,
    ) -> Callable[[F], F]:
        """Make a function a health check: ``@kernel.health.check("database")``.

        It returns None or a `Verdict`, or raises. A coroutine function runs in the event loop, a plain one in a thread of its
        own; one that hangs there is reported and not called again until it ends. The arguments are those of `CheckPlan`.

        Raises:
            HealthError: if the name is taken or no lower_snake name, or what it depends on depends on it.
            ValueError: if a number is out of range.
        """
        plan = CheckPlan(
            groups=groups,
            tags=tags,
            depends_on=depends_on,
            timeout=timeout,
            interval=interval,
            initial_delay=initial_delay,
            fail_after=fail_after,
            recover_after=recover_after,
            critical=critical,
        )
        return self._registrar(name, plan)

    def add(self, name: str, check: HealthCheck) -> Callable[[], None]:
        """Add a check; while the kernel runs it starts at once. Call it in the event loop's thread, or before the start.

        Returns:
            A function that removes it, under the same rule.

        Raises:
            HealthError: if the name is taken or no lower_snake name, the check has no plan, what it depends on depends on it,
                or the thread is wrong.
        """
        self._demand_thread()
        if not _NAME.match(name):
            raise HealthError(f"a health check's name must be lower_snake (a-z, 0-9, _), got {name!r}")
        if name in self._runners:
            raise HealthError(f"health check {name} is there already: remove it first, or choose another name")
        if not isinstance(getattr(check, "plan", None), CheckPlan):
            raise HealthError(f"health check {name} ({type(check).__name__}) has no CheckPlan under .plan")
        if way := circle(name, check.plan.depends_on, {n: r.check.plan.depends_on for n, r in self._runners.items()}):
            raise HealthError(
                f"health checks depend on each other in a circle: {' -> '.join(way)}; take one of these out"
            )
        self._runners[name] = runner = Runner(name, check, on_change=self._changed)
        if self._tasks is not None:
            self._tasks.start_soon(runner.run, name=f"health check {name}")

        def remove() -> None:
            self._demand_thread()
            if self._runners.get(name) is runner:
                del self._runners[name]
                runner.cancel()

        return remove

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Run all checks until cancelled; the kernel does this in a task of its own. Results of an earlier run are forgotten.

        Raises:
            HealthError: if they run already.
        """
        if self._tasks is not None:
            raise HealthError("the health checks run already: a registry serves one kernel")
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks, self._thread = tasks, threading.get_ident()
                for name, runner in self._runners.items():
                    runner.reset()
                    tasks.start_soon(runner.run, name=f"health check {name}")
                task_status.started()
                await anyio.sleep_forever()
        finally:
            self._tasks = None

    @property
    def results(self) -> Mapping[str, Result]:
        """The last result of every check, by name."""
        results = {name: runner.result for name, runner in list(self._runners.items())}
        unwell = [name for name, result in results.items() if result.failing or result.status is Status.WARN]
        return results | {name: attrs.evolve(results[name], causes=root_causes(name, results)) for name in unwell}

    def history(self, name: str) -> History:
        """Return how a check's status went since the start.

        Raises:
            HealthError: if there is no such check.
        """
        if name not in self._runners:
            known = ", ".join(sorted(self._runners)) or "none"
            raise HealthError(f"no health check {name}; there are: {known}")
        return self._runners[name].history

    @property
    def groups(self) -> frozenset[str]:
        """All groups that a check belongs to, and ``live``, ``ready``, ``startup``."""
        named = (runner.check.plan.groups for runner in list(self._runners.values()))
        return frozenset({"live", "ready", "startup"}).union(*named)

    def report(self, group: str | None = None) -> Report:
        """Return the last results of a group, or of all checks. Never waits; may be called from any thread.

        Args:
            group: A group's name; None for all checks.
        """
        results = (result for result in self.results.values() if group is None or group in result.plan.groups)
        gate = self._gate if group in {None, "ready"} else None
        return Report(group=group, results=tuple(sorted(results, key=lambda result: result.name)), gate=gate)

    async def refresh(self, group: str | None = None) -> Report:
        """Run a group's checks now, in parallel, and report. A check that runs already is waited for, not doubled.

        Takes as long as the slowest check, at most its timeout and a second. Cancelling the caller does not cancel the checks.
        """
        async with anyio.create_task_group() as callers:
            for runner in list(self._runners.values()):
                if group is None or group in runner.check.plan.groups:
                    callers.start_soon(self._once, runner)
        return self.report(group)

    def ready_gate(self, reason: str | None) -> None:
        """Make ``ready`` fail for a reason whatever the checks say (``starting``, ``stopping``); None lifts it. The kernel's."""
        self._gate = reason

    def _registrar(self, name: str, plan: CheckPlan) -> Callable[[F], F]:
        def register(function: F) -> F:
            self.add(name, function_check(function, plan))
            return function

        return register

    async def _once(self, runner: Runner) -> None:
        finished = anyio.Event()

        async def once() -> None:
            try:
                await runner.once()
            finally:
                finished.set()

        if self._tasks is None:
            await once()
            return
        self._tasks.start_soon(once)
        with anyio.move_on_after(runner.check.plan.timeout + GRACE):
            await finished.wait()

    def _changed(self, before: Result, after: Result) -> None:
        if before.pending and after.status is Status.PASS:
            return  # every check of every start would say so
        causes = root_causes(after.name, self.results) if after.status is not Status.PASS else ()
        self._emit(
            HealthChanged(
                check=after.name,
                before="pending" if before.status is None else str(before.status),
                after=str(after.status),
                output=after.verdict.output,
                causes=causes,
            )
        )

    def _demand_thread(self) -> None:
        if self._tasks is not None and threading.get_ident() != self._thread:
            raise HealthError(
                "health checks are added and removed in the event loop's thread, or before the kernel starts"
            )
