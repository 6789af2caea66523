"""`KernelFactory`: the kernels of one test, stopped when it is over."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from trivet.kernel import Kernel
from trivet.launch import Launch
from trivet.testing.memory import memory_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from trivet.discovery import Discover

STARTED: Final[WeakSet[Kernel]] = WeakSet()
"""The kernels that factories have started, and will stop."""


class KernelFactory:
    """Makes kernels for a test, starts them, and stops them after it: what the fixture ``kernel_factory`` gives.

    A kernel runs in a task of its own (`Kernel.hosted`), so fixtures may start it. A critical provider that fails meanwhile fails
    the test, unless the test takes the failure out of ``failures``.

    Example:
        ::

            async def test_orders(kernel_factory):
                kernel = kernel_factory.make({"database": {"pool_size": 5}}, plugins=[orders])
                database = kernel.config.bind("database", Database)
                await kernel_factory.start(kernel)
                ...
    """

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        """What critical providers failed with while they ran."""
        self._running = AsyncExitStack()

    async def __call__(
        self,
        config: Mapping[str, object] | None = None,
        *,
        name: str = "trivet_test",
        plugins: Sequence[object | str] = (),
        discover: Discover = "none",
        block: Collection[str] = (),
        launch: Launch | None = None,
        strict: bool = True,
    ) -> Kernel:
        """Make a kernel and start it: where it needs no sections but its plugins'. The arguments are those of `make`."""
        return await self.start(
            self.make(config, name=name, plugins=plugins, discover=discover, block=block, launch=launch, strict=strict)
        )

    def make(
        self,
        config: Mapping[str, object] | None = None,
        *,
        name: str = "trivet_test",
        plugins: Sequence[object | str] = (),
        discover: Discover = "none",
        block: Collection[str] = (),
        launch: Launch | None = None,
        strict: bool = True,
    ) -> Kernel:
        """Make a kernel; bind its sections, then `start` it.

        Args:
            config: Its configuration, over all other sources; see `memory_config`.
            name: Prefix of its environment variables, name of its files.
            plugins: As for `Kernel`; a built-in is named: ``plugins=["aes_gcm"]``.
            discover: By default nothing loads by itself, so that no test meets another's files or ports.
            block: As for `Kernel`.
            launch: By default one with an empty environment.
            strict: By default a broken plugin fails the test.
        """
        return Kernel(
            name,
            plugins=[*plugins, *([memory_config(config)] if config is not None else [])],
            discover=discover,
            block=block,
            launch=launch or Launch(environ={}),
            strict=strict,
        )

    async def start(self, kernel: Kernel) -> Kernel:
        """Start a kernel: one of `make`, or the application's own.

        Returns:
            The same kernel.
        """
        await self._running.enter_async_context(kernel.hosted(on_fatal=self.failures.append))
        STARTED.add(kernel)
        return kernel

    async def stop(self) -> None:
        """Stop all kernels, the newest first.

        Raises:
            ExceptionGroup: of what is still in ``failures``.
        """
        await self._running.aclose()
        if self.failures:
            raise ExceptionGroup("critical providers failed during the test", self.failures)


@asynccontextmanager
async def kernels() -> AsyncIterator[KernelFactory]:
    """Give a factory, and stop its kernels in the end."""
    factory = KernelFactory()
    try:
        yield factory
    finally:
        await factory.stop()
