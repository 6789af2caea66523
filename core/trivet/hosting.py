"""A kernel inside something else: an ASGI server, pytest fixtures, threads and scripts, the command line with its signals.

In hosted mode the kernel lives in a task of its own. A server's lifespan or a fixture may then enter and leave in different
tasks, which cancel scopes do not allow (anyio#345), and a failure does not cancel code that is not ours. Since ASGI servers
keep serving when their lifespan has died (Kludex/uvicorn#2308), a fatal failure sends SIGTERM to the own process: an orderly end.

This is the one kernel module that knows of asyncio and trio: anyio has no way to spawn a task without a task group.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import anyio

from trivet.events import KernelDraining

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
    from types import FrameType

    from anyio.abc import TaskGroup
    from anyio.from_thread import BlockingPortal

    from trivet.kernel import Kernel

P = ParamSpec("P")
T = TypeVar("T")

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def terminate(_error: Exception) -> None:
    """Send SIGTERM to this process: the host shuts down in order. The default answer to a fatal failure in hosted mode."""
    os.kill(os.getpid(), signal.SIGTERM)


class _Owner:
    """The task that a hosted kernel lives in."""

    def __init__(self, kernel: Kernel, on_fatal: Callable[[Exception], None]) -> None:
        self._kernel = kernel
        self._on_fatal = on_fatal
        self._scope = anyio.CancelScope()
        self._started = anyio.Event()
        self._leave = anyio.Event()
        self._ended = anyio.Event()
        self._error: BaseException | None = None
        self._reported = False
        self._task: object = None

    async def enter(self) -> None:
        self._task = _spawn(self._main)
        try:
            await self._started.wait()
        except BaseException:
            self._scope.cancel()  # a host that gives up while we start wants no kernel any more
            await self._end()
            raise
        if self._error is not None:
            await self._end()
            raise self._error

    async def leave(self) -> None:
        await self._end()
        if self._error is not None and not self._reported:
            raise self._error

    async def _end(self) -> None:
        self._leave.set()
        with anyio.CancelScope(shield=True):
            await self._ended.wait()

    async def _main(self) -> None:
        try:
            with self._scope:
                async with self._kernel:
                    self._started.set()
                    await self._leave.wait()
        except BaseException as exc:
            self._error = _leaf(exc)
            if self._started.is_set() and not self._leave.is_set() and isinstance(self._error, Exception):
                self._report(self._error)
        finally:
            self._started.set()
            self._ended.set()

    def _report(self, fatal: Exception) -> None:
        try:
            self._on_fatal(fatal)
            self._reported = True
        except Exception as exc:
            self._error = exc  # the host hears of it when it leaves; it holds the failure as its context


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _spawn(function: Callable[[], Coroutine[object, object, None]]) -> object:
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        return trio.lowlevel.spawn_system_task(function, name="trivet kernel")
    import asyncio

    return asyncio.get_running_loop().create_task(function(), name="trivet kernel")


@asynccontextmanager
async def hosted(kernel: Kernel, on_fatal: Callable[[Exception], None]) -> AsyncIterator[Kernel]:
    """Run a kernel in a task of its own; see `Kernel.hosted`."""
    owner = _Owner(kernel, on_fatal)
    await owner.enter()
    try:
        yield kernel
    finally:
        await owner.leave()


@asynccontextmanager
async def lifespan(kernel: Kernel) -> AsyncIterator[None]:
    """Run a kernel as an ASGI lifespan; see `Kernel.lifespan`."""
    async with hosted(kernel, terminate):
        yield


class BlockingKernel:
    """A running kernel as threads see it. Reading ``live.current`` and counting need nothing special; `call` runs the rest.

    Args:
        kernel: The kernel.
        portal: Into its event loop.
    """

    def __init__(self, kernel: Kernel, portal: BlockingPortal) -> None:
        self.kernel = kernel
        self._portal = portal

    def call(self, function: Callable[P, Awaitable[T] | T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function or coroutine function in the kernel's event loop and wait for what it gives.

        Example:
            ``k.call(k.kernel.config.reload)``
        """

        async def run() -> T:
            result = function(*args, **kwargs)
            if isawaitable(result):
                return await result
            return result

        return self._portal.call(run)

    def service(self, kind: Callable[..., T]) -> T:
        """Return the running service that provides a type; see `Kernel.service`."""
        return self.kernel.service(kind)


@contextmanager
def blocking(kernel: Kernel, backend: str) -> Iterator[BlockingKernel]:
    """Run a kernel in a thread of its own; see `Kernel.blocking`."""
    from anyio.from_thread import start_blocking_portal

    with (
        start_blocking_portal(backend) as portal,
        portal.wrap_async_context_manager(hosted(kernel, terminate)),
    ):
        yield BlockingKernel(kernel, portal)


async def serve(kernel: Kernel) -> None:
    """Run a kernel until it is told to stop: what ``trivet run`` does.

    SIGINT and SIGTERM stop it in order, a second one at once; SIGHUP reloads the configuration.
    """
    with anyio.open_signal_receiver(*_SIGNALS) as signals, _second_one_ends():
        async with anyio.create_task_group() as group:
            scope = anyio.CancelScope()
            group.start_soon(_obey, kernel, signals, group, scope)
            with scope:
                async with kernel:
                    await kernel.until_stopped()
            group.cancel_scope.cancel()


async def _obey(
    kernel: Kernel, signals: AsyncIterator[signal.Signals], tasks: TaskGroup, starting: anyio.CancelScope
) -> None:
    async for number in signals:
        if number == getattr(signal, "SIGHUP", None):
            if kernel.state == "running":
                # In a task of its own: a source that hangs must not hold up the next signal. A rejection is an event, no error.
                tasks.start_soon(partial(kernel.config.reload, reason="SIGHUP"))
            continue
        reason = signal.Signals(number).name
        if kernel.state == "running" and kernel.launch.drain > 0:
            tasks.start_soon(_drain, kernel, reason)
            continue
        kernel.stop(reason)
        if kernel.state == "starting":
            starting.cancel()


async def _drain(kernel: Kernel, reason: str) -> None:
    """Let readiness fall and go on working, until whoever sends the requests has noticed; then stop."""
    kernel.health.ready_gate("stopping")
    kernel.emit(KernelDraining(kernel=kernel.name, reason=reason, seconds=kernel.launch.drain))
    await anyio.sleep(kernel.launch.drain)
    kernel.stop(reason)


@contextmanager
def _second_one_ends() -> Iterator[None]:
    """End the process at the second SIGINT or SIGTERM: somebody who asks twice does not want to wait for an order.

    Not in the event loop: a plugin's plain function may block that. Enter it when the loop's own handlers are in place.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    asked = 0

    def count(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            os._exit(128 + number)
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    try:
        for number in handlers:
            signal.signal(number, count)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
