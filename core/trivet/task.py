"""The application's own background coroutines, as providers: supervised, restarted and stopped like everything else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio

from trivet.composition import Declared
from trivet.plugin import Plugin
from trivet.provider import Provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

APPLICATION: Final = Plugin("application", object())
"""The plugin that an application's own tasks are listed under."""


def background(
    function: Callable[[], Coroutine[Any, Any, None]], name: str, *, critical: bool, restart: int
) -> Declared:
    """Make a provider whose run is a coroutine function: started last, cancelled first. That it returns ends nothing."""

    @asynccontextmanager
    async def run() -> AsyncIterator[Callable[[], Coroutine[Any, Any, None]]]:
        async with anyio.create_task_group() as group:
            group.start_soon(function, name=f"trivet task {name}")
            yield function
            group.cancel_scope.cancel()

    return Declared("task", Provider(name=name, factory=run, critical=critical, restart=restart), APPLICATION)
