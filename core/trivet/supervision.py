"""`Slot`: one provider at run time, in a task of its own.

The provider's async context manager is entered and left in that task, so a crash inside it (in its own task group, say) ends this
task and nothing else, and a start that hangs is cancelled without touching the others. Once running, the task is shielded from
outside cancellation: the kernel alone stops providers, in order.
"""

from __future__ import annotations

import enum
import inspect
import random
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import anyio

from trivet.errors import ConfigError, ProviderStartError, RetryLater, StartupRefused, TrivetError
from trivet.failure import describe
from trivet.waiting import stack_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from anyio.abc import TaskGroup, TaskStatus

    from trivet.composition import Declared
    from trivet.stall import StallWatch

_BACKOFF_FIRST = 0.1
_BACKOFF_MAX = 30.0
_STEADY = 60.0
"""Seconds a provider must run before its failures so far are forgiven."""


class State(enum.Enum):
    """What a provider is doing, as ``trivet plugins`` shows it."""

    DECLARED = "declared"
    UNAVAILABLE = "unavailable"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class Slot:
    """Run one provider.

    Args:
        declared: The provider and its plugin.
        arguments: Gives what the factory may take, by name, when it is called.
        attach: Hands the object to its registry; returns what takes it out again.
        changed: Called after every change of state.
        watch: Names a factory that blocks.
    """

    def __init__(
        self,
        declared: Declared,
        *,
        arguments: Callable[[Declared], dict[str, object]],
        attach: Callable[[Declared, Any], Callable[[], None]],
        changed: Callable[[Slot], None],
        watch: StallWatch,
    ) -> None:
        self.declared = declared
        self.state = State.DECLARED
        self.error: BaseException | None = None
        self.started_in: float | None = None
        self.instance: Any = None
        self._arguments = arguments
        self._attach = attach
        self._changed = changed
        self._watch = watch
        self._scope: anyio.CancelScope | None = None
        self._stop = anyio.Event()
        self._ended = anyio.Event()
        self._failures = 0
        self._starting_since: float | None = None
        self._waits_in: Any = None

    @property
    def id(self) -> str:
        """The provider's id."""
        return self.declared.id

    def become(self, state: State, error: BaseException | None = None) -> None:
        """Change the state and tell the kernel."""
        self.state, self.error = state, error
        self._changed(self)

    async def start(self, tasks: TaskGroup, crashed: Callable[[Slot], None]) -> None:
        """Start, trying again as ``restart`` allows.

        Args:
            tasks: The kernel's task group; the provider's task lives there.
            crashed: Called when the provider has failed for good while it ran.

        Raises:
            ProviderStartError: if every try failed; the last failure is its cause.
        """
        while True:
            self.become(State.STARTING)
            failure = await self._attempt(tasks, crashed)
            if failure is None or self._stop.is_set():
                return
            if self._failures > self.declared.provider.restart or isinstance(failure, (StartupRefused, ConfigError)):
                error = self._start_error(failure)
                self.become(State.FAILED, error)
                raise error
            self.become(State.RESTARTING, failure)
            await anyio.sleep(self._pause(failure))

    async def _attempt(self, tasks: TaskGroup, crashed: Callable[[Slot], None]) -> BaseException | None:
        self._starting_since = begun = time.perf_counter()
        timeout = self.declared.provider.start_timeout
        with anyio.move_on_after(timeout) as scope:
            try:
                await tasks.start(self._run, tasks, crashed, name=f"trivet {self.id}")
            except Exception as exc:
                return exc
            finally:
                self._waits_in = self._starting_since = None
        if scope.cancelled_caught:
            self._failures += 1
            return TimeoutError(f"did not start within {timeout:g} s")
        # trio's start() swallows a cancellation that comes after started(); the unshielded task has seen it all the same.
        await anyio.lowlevel.checkpoint_if_cancelled()
        # Not before: a start that is cancelled cancels its task and waits for it, which a shield would make wait for ever.
        cast("anyio.CancelScope", self._scope).shield = True
        self.started_in = time.perf_counter() - begun
        return None

    def _start_error(self, failure: BaseException) -> BaseException:
        if isinstance(failure, TrivetError) and not isinstance(failure, RetryLater):
            return failure
        plugin = self.declared.plugin.name
        phase = "timeout" if isinstance(failure, TimeoutError) else "start"
        error = ProviderStartError(self.id, plugin, phase, describe(failure))
        error.__cause__ = failure
        return error

    async def _run(self, tasks: TaskGroup, crashed: Callable[[Slot], None], *, task_status: TaskStatus[None]) -> None:
        self._ended = anyio.Event()
        running_since: float | None = None
        try:
            with anyio.CancelScope() as self._scope:
                async with self._entered() as self.instance:
                    detach = self._attach(self.declared, self.instance)
                    running_since = time.monotonic()
                    self.become(State.RUNNING)
                    task_status.started()
                    try:
                        await self._stop.wait()
                    finally:
                        detach()
            if not (self._stop.is_set() or self._scope.cancel_called):
                raise RuntimeError("ended without being asked to: its context manager swallowed a failure")  # noqa: TRY301
        except Exception as exc:
            self._failures += 1
            if running_since is None:
                raise
            if time.monotonic() - running_since > _STEADY:
                self._failures = 1
            self._crash(exc, tasks, crashed)
        finally:
            self.instance = None
            self._ended.set()

    def _crash(self, exc: Exception, tasks: TaskGroup, crashed: Callable[[Slot], None]) -> None:
        if self._stop.is_set():  # it was asked to stop and failed at that: nothing to start again
            self.become(State.FAILED, exc)
        elif self._failures <= self.declared.provider.restart:
            self.become(State.RESTARTING, exc)
            self._stop = anyio.Event()
            tasks.start_soon(self._restart, tasks, crashed, self._pause(exc))
        else:
            self.become(State.FAILED, exc)
            crashed(self)

    async def _restart(self, tasks: TaskGroup, crashed: Callable[[Slot], None], pause: float) -> None:
        with anyio.move_on_after(pause):
            await self._stop.wait()
        if self._stop.is_set():
            return
        try:
            await self.start(tasks, crashed)
        except Exception as exc:
            self.become(State.FAILED, exc)
            crashed(self)

    def _pause(self, failure: BaseException) -> float:
        if isinstance(failure, RetryLater) and failure.delay is not None:
            return failure.delay
        longest: float = min(_BACKOFF_MAX, _BACKOFF_FIRST * 2 ** (self._failures - 1))
        return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret

    @asynccontextmanager
    async def _entered(self) -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            arguments = self._arguments(self.declared)
            with self._watch.step(f"{self.id} (its factory)"):
                made = self.declared.provider.factory(**arguments)
            if inspect.iscoroutine(made):
                self._waits_in = made
                made = await made
            if isinstance(made, AbstractAsyncContextManager):
                entering = made.__aenter__()
                self._waits_in = entering
                instance = await entering
                stack.push_async_exit(made)
            else:
                instance = made
            self._waits_in = None
            yield instance

    async def stop(self) -> None:
        """Leave the provider's context within its stop timeout, then cancel it. Never raises."""
        if self.state in (State.STARTING, State.RESTARTING):
            self._stop.set()  # it sees this as soon as it runs, and leaves at once
            self.become(State.STOPPED)
            if self._scope is not None:
                self._scope.cancel()
                await self._ended.wait()
        if self.state is not State.RUNNING:
            return
        self.become(State.STOPPING)
        self._stop.set()
        timeout = self.declared.provider.stop_timeout
        with anyio.move_on_after(timeout):
            await self._ended.wait()
        if not self._ended.is_set():
            scope = cast("anyio.CancelScope", self._scope)
            scope.cancel()
            await self._ended.wait()
            self.become(State.FAILED, TimeoutError(f"did not stop within {timeout:g} s and was cancelled"))
        elif cast("State", self.state) is not State.FAILED:
            self.become(State.STOPPED)

    def starting_for(self) -> float:
        """Return for how many seconds the present try to start has been going on; 0 where there is none."""
        return time.perf_counter() - self._starting_since if self._starting_since is not None else 0.0

    def stack(self) -> str:
        """Return where a starting provider waits."""
        return stack_of(self._waits_in)
