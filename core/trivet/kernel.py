"""`Kernel`: the stand. It puts discovery, composition and supervision together around its registries."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import anyio

from trivet import hosting
from trivet.assembly import Assembly
from trivet.ciphers.registry import Ciphers
from trivet.composition import Composition
from trivet.config.registry import Config
from trivet.errors import KernelStateError, PluginError, UnknownServiceError
from trivet.events import KernelStopped
from trivet.failure import describe
from trivet.health.registry import Health
from trivet.inventory import ProviderRow, inventory, missing_service
from trivet.launch import Launch
from trivet.metrics.registry import Metrics
from trivet.observers import Observers
from trivet.phase import Phase
from trivet.run import Run
from trivet.supervision import State
from trivet.task import background
from trivet.tracing.registry import Tracing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from trivet.discovery import Discover
    from trivet.events import Event
    from trivet.hosting import BlockingKernel
    from trivet.observers import EventStream

T = TypeVar("T")
TaskT = TypeVar("TaskT", bound="Callable[[], Coroutine[Any, Any, None]]")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_ALIVE = ("starting", "running", "stopping")


class Kernel:
    """A service's configuration, ciphers, health, metrics, traces and plugins, under one name.

    Its life: *declare* (hooks run once per plugin) -> *compose* (pure: `compose`) -> *start* -> *run* -> *stop*. Enter it with
    ``async with kernel:`` in a worker: a critical provider that fails cancels the body and raises `ProviderFailed`. Inside
    a server use `lifespan` or `hosted`, in threads and scripts `blocking`. A kernel that has stopped can be started again.

    Args:
        name: The service's name: prefix of its environment variables (``orders`` -> ``ORDERS_``), name of its files.
        plugins: Modules or objects with hooks, and names of installed plugins (``"etcd"``).
        discover: What loads by itself: trivet's own plugins, all installed ones, or none.
        block: Names of plugins that must not load.
        launch: Where configuration is; the command line sets it.
        strict: Raise on a broken plugin instead of setting it aside. For CI.

    Raises:
        ValueError: if the name is no name.
    """

    def __init__(
        self,
        name: str = "trivet",
        *,
        plugins: Sequence[object | str] = (),
        discover: Discover = "builtin",
        block: Collection[str] = (),
        launch: Launch | None = None,
        strict: bool = False,
    ) -> None:
        if not _NAME.match(name):
            raise ValueError(f"a kernel's name is letters, digits, - and _, and starts with a letter; got {name!r}")
        self.name = name
        self.launch = launch or Launch()
        self.state = "new"
        self._observers = Observers()
        self.ciphers = Ciphers(name, emit=self.emit, launch=lambda: self.launch)
        self.config = Config(name, emit=self.emit, launch=lambda: self.launch, ciphers=self.ciphers)
        self.health = Health(emit=self.emit)
        self.metrics = Metrics()
        self.tracing = Tracing()
        self.assembly = Assembly(
            name, plugins=plugins, discover=discover, block=block, strict=strict, observers=self._observers
        )
        self._run: Run | None = None
        self._entered: AbstractAsyncContextManager[Kernel] | None = None
        self._stop_reason: str | None = None
        self._stop_asked = anyio.Event()

    # -- compose ------------------------------------------------------------------------------------------------------

    def compose(self) -> Composition:
        """Decide what would run and in which order. Loads the plugins; reads no configuration, needs no event loop.

        Raises:
            CompositionError: if the providers do not fit together; says which and what to do.
            PluginError: if a plugin is broken and the kernel is strict.
        """
        return self.assembly.compose(self.launch)

    @property
    def broken(self) -> Mapping[str, PluginError]:
        """The plugins that were set aside, and why."""
        return self.assembly.broken

    def plugins(self) -> list[ProviderRow]:
        """List all providers: who gives each, and what it is doing; and plugins that are broken."""
        return inventory(self.compose(), self._run.slots if self._run else {}, self.broken)

    # -- run ----------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        entered = self._running(Phase.APPLICATION)
        await entered.__aenter__()
        self._entered = entered
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        entered, self._entered = cast("AbstractAsyncContextManager[Kernel]", self._entered), None
        return await entered.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def _running(self, until: Phase) -> AsyncIterator[Kernel]:
        if self.state in _ALIVE:
            raise KernelStateError(f"kernel {self.name} is {self.state} already; stop it first, or make another")
        self.state, self._stop_reason, self._stop_asked = "starting", None, anyio.Event()
        failure: BaseException | None = None
        tasks, body = anyio.create_task_group(), anyio.CancelScope()
        self._run = run = Run(self, tasks, body)
        async with tasks:
            with body:
                try:
                    with self.assembly.watch:
                        await run.start(until)
                    self.state = "running"
                    yield self
                except (Exception, KeyboardInterrupt, SystemExit) as exc:  # noqa: BLE001 - raised below: the group would wrap it
                    failure = exc
                finally:
                    await self._wind_down(run)
                    tasks.cancel_scope.cancel()
        if run.fatal is not None and failure is not None:
            run.fatal.add_note(f"the body raised as well: {describe(failure)}")
        if error := run.fatal or failure:
            raise error

    async def _wind_down(self, run: Run) -> None:
        self.state = "stopping"
        with anyio.CancelScope(shield=True):
            await run.stop(self._stop_reason or "body finished")
        self.state = "stopped"
        self.emit(KernelStopped(kernel=self.name))
        self._observers.close()

    def configured(self) -> AbstractAsyncContextManager[Kernel]:
        """Run only until the configuration is loaded and valid (``trivet check``); raises `ConfigError` with all problems."""
        return self._running(Phase.REMOTE)

    def secured(self) -> AbstractAsyncContextManager[Kernel]:
        """Run only until values can be sealed and opened (``trivet secrets``); the configuration need not be valid."""
        return self._running(Phase.SECURITY)

    def stop(self, reason: str = "stop asked") -> None:
        """Ask for a stop, for a reason that the log shows: `until_stopped` returns. Call it in the event loop's thread."""
        self._stop_reason = self._stop_reason or reason
        self._stop_asked.set()

    async def until_stopped(self) -> None:
        """Wait until `stop` is called (by a signal under ``trivet run``)."""
        await self._stop_asked.wait()

    # -- inside a host (see trivet.hosting) ----------------------------------------------------------------------------

    def hosted(
        self, *, on_fatal: Callable[[Exception], None] = hosting.terminate
    ) -> AbstractAsyncContextManager[Kernel]:
        """Run in a task of its own, so that entering and leaving may happen in different tasks (pytest fixtures, servers).

        Args:
            on_fatal: Called when a critical provider fails; the default sends SIGTERM to this process, since an ASGI server
                would go on serving.
        """
        return hosting.hosted(self, on_fatal)

    def lifespan(self, app: object = None) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - the ASGI lifespan signature
        """Run for the lifetime of an ASGI app: ``FastAPI(lifespan=kernel.lifespan)``, ``Litestar(lifespan=[...])``."""
        return hosting.lifespan(self)

    def blocking(self, *, backend: str = "asyncio") -> AbstractContextManager[BlockingKernel]:
        """Run in a thread with an event loop of its own, for Flask, Celery and scripts: ``with kernel.blocking() as k: ...``."""
        return hosting.blocking(self, backend)

    # -- what it holds ------------------------------------------------------------------------------------------------

    def service(self, kind: Callable[..., T]) -> T:  # not type[T]: type checkers would refuse protocols
        """Return the running service that provides a type.

        Raises:
            UnknownServiceError: if none does; says which plugin would, where that is known.
        """
        kind = cast("type[T]", kind)
        for slot in self._run.slots.values() if self._run else ():
            provides = slot.declared.provider.provides
            found = slot.instance if slot.state is State.RUNNING else None
            if provides is not None and issubclass(provides, kind) and found is not None:
                return cast("T", found)
        raise UnknownServiceError(missing_service(kind, self.compose(), self.state))

    def provided(self, kind: str) -> dict[str, Any]:
        """Return the running objects of a kind, by provider name. For plugins that bring a kind of their own."""
        slots = self._run.slots.values() if self._run else ()
        running = (one for one in slots if one.state is State.RUNNING and one.declared.kind == kind)
        return {one.declared.provider.name: one.instance for one in running}

    def task(self, name: str, *, critical: bool = True, restart: int = 0) -> Callable[[TaskT], TaskT]:
        """Run a coroutine function of the application while the kernel runs, supervised like a provider.

        Args:
            name: Lower_snake; its id is ``task/<name>``.
            critical: True: its failure stops the kernel. False: it degrades health.
            restart: How many times in a row to start it again after a failure.
        """

        def register(function: TaskT) -> TaskT:
            self.assembly.add(background(function, name, critical=critical, restart=restart))
            return function

        return register

    # -- events -------------------------------------------------------------------------------------------------------

    def events(self) -> EventStream:
        """Return an async iterator over the events from now until the kernel has stopped."""
        return self._observers.stream()

    def observe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call back on every event, in the event loop; it must return at once. Returns what ends it."""
        return self._observers.add(callback)

    def emit(self, event: Event) -> None:
        """Hand an event to all observers. Call it in the event loop's thread."""
        self._observers.emit(event)
