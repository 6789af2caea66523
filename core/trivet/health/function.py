"""`FunctionCheck`: a function of the application as a health check; a plain one runs in a thread of its own."""

from __future__ import annotations

import contextvars
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, cast

import anyio
import anyio.from_thread
import anyio.lowlevel

from trivet.health.check import Status, Verdict

if TYPE_CHECKING:
    from trivet.health.check import CheckPlan

CheckFunction = Callable[[], Awaitable[Verdict | None]] | Callable[[], Verdict | None]


def is_async(function: Callable[..., object]) -> bool:
    """Tell whether calling ``function`` gives a coroutine; looks through partials and at ``__call__``."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


class FunctionCheck:
    """A coroutine function as a health check."""

    def __init__(self, function: Callable[[], Awaitable[Verdict | None]], plan: CheckPlan) -> None:
        self.plan = plan
        self._function = function

    async def check(self) -> Verdict | None:
        """Call the function."""
        return await self._function()


class ThreadCheck:
    """A plain function as a health check, in a thread of its own.

    A call that hangs outlives its timeout, for threads cannot be cancelled; it is then reported and never doubled. The thread is
    a daemon and not one of anyio's: a hung check must neither eat up the application's workers nor keep the process from ending.
    """

    def __init__(self, function: Callable[[], Verdict | None], plan: CheckPlan) -> None:
        self.plan = plan
        self._function = function
        self._since: float | None = None

    async def check(self) -> Verdict | None:
        """Call the function in a new thread, unless the last call still runs."""
        if self._since is not None:
            age = time.monotonic() - self._since
            return Verdict(
                Status.FAIL, f"the call that began {age:.0f} s ago still runs; it is not called again until it ends"
            )
        future: Future[Verdict | None] = Future()
        done, token = anyio.Event(), anyio.lowlevel.current_token()

        def call() -> None:
            try:
                future.set_result(self._function())
            except Exception as exc:  # noqa: BLE001 - it is raised again in the event loop, where the verdict is made of it
                future.set_exception(exc)
            finally:
                self._since = None
            self._hand_over(done, token)

        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(call,), name="trivet-health-check", daemon=True)
        self._since = time.monotonic()
        try:
            thread.start()
        except RuntimeError:
            self._since = None
            raise
        await done.wait()
        return future.result(timeout=0)

    def _hand_over(self, done: anyio.Event, token: anyio.lowlevel.EventLoopToken) -> None:
        try:
            anyio.from_thread.run_sync(done.set, token=token)
        except anyio.RunFinishedError:
            return  # the kernel stopped in the meantime: nobody waits


def function_check(function: CheckFunction, plan: CheckPlan) -> FunctionCheck | ThreadCheck:
    """Return the function as a check: in the event loop if it is a coroutine function, else in a thread."""
    if is_async(function):
        return FunctionCheck(cast("Callable[[], Awaitable[Verdict | None]]", function), plan)
    return ThreadCheck(cast("Callable[[], Verdict | None]", function), plan)
