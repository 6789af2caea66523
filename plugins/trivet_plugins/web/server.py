"""`WebServer`: the admin pages on an address of their own, served by hypercorn under asyncio and trio alike."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

import anyio
import attrs
import sniffio

from trivet.events import ServiceListening
from trivet_plugins.web.admin_app import AdminApp
from trivet_plugins.web.connections import sever
from trivet_plugins.web.listener import listen

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from hypercorn.config import Config
    from hypercorn.typing import ASGIFramework

    from trivet import Kernel
    from trivet_plugins.web import WebConfig


_MARGIN: Final = 1.0
"""Seconds that hypercorn gets, once its connections are cut, before it is cancelled outright: with noise, on asyncio."""

_KEEP_ALIVE: Final = 30.0
_MAX_HEAD: Final = 16 * 1024
_LOGGER: Final = "trivet.web.hypercorn"


@attrs.frozen
class WebServer:
    """The running web surface, as ``kernel.service(WebServer)`` gives it.

    Args:
        host: The address that is bound.
        port: The port that is bound, also where 0 was asked for.
    """

    host: str
    port: int

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"


@asynccontextmanager
async def serve(config: WebConfig, kernel: Kernel) -> AsyncIterator[WebServer]:
    """Serve the kernel's `AdminApp`.

    Raises:
        StartupRefused: if the address cannot be bound, or may not be bound without a token.
    """
    app = kernel.service(AdminApp).behind(token=config.token, allowed_hosts=config.allowed_hosts)
    listener = await listen(config.host, config.port, has_token=config.token is not None)
    server = WebServer(*listener.getsockname()[:2])
    stop, ended = anyio.Event(), anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(_run_hypercorn, app, listener, stop, ended, config.drain)
        kernel.emit(ServiceListening(service="service/web", url=server.url))
        try:
            yield server
        finally:
            # Hypercorn breaks when it is cancelled on asyncio; so it runs shielded and ends because this event says so.
            stop.set()
            with anyio.CancelScope(shield=True), anyio.move_on_after(config.drain):
                await ended.wait()
            if not ended.is_set():
                sever(server.address)


async def _run_hypercorn(
    app: AdminApp, listener: socket.socket, stop: anyio.Event, ended: anyio.Event, drain: float
) -> None:
    try:
        with anyio.CancelScope(shield=True) as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(_cut_off, scope, stop, drain + 2 * _MARGIN)
                await _until_stopped(app, _settings(listener, drain + _MARGIN), stop)
                group.cancel_scope.cancel()
    finally:
        ended.set()
    if not stop.is_set():
        msg = "hypercorn ended without being asked to"
        raise RuntimeError(msg)


async def _cut_off(scope: anyio.CancelScope, stop: anyio.Event, after: float) -> None:
    await stop.wait()
    await anyio.sleep(after)
    scope.cancel()


async def _until_stopped(app: AdminApp, settings: Config, stop: anyio.Event) -> None:
    if sniffio.current_async_library() == "trio":
        from hypercorn.trio import serve as serve_trio

        await serve_trio(cast("ASGIFramework", app), settings, shutdown_trigger=stop.wait)
        return
    from asyncio import CancelledError

    from hypercorn.asyncio import serve as serve_asyncio

    try:
        await serve_asyncio(cast("ASGIFramework", app), settings, shutdown_trigger=stop.wait)
    except CancelledError:
        # Its last step is to cancel its own lifespan task and await it: that leaks out when the task was not quite done.
        if not stop.is_set():
            raise


def _settings(listener: socket.socket, grace: float) -> Config:
    from hypercorn.config import Config

    logger = logging.getLogger(_LOGGER)
    logger.setLevel(logging.WARNING)  # it would announce the address that the kernel has announced
    settings = Config()
    settings.bind = [f"fd://{listener.detach()}"]  # the socket is hypercorn's from here on
    settings.errorlog = logger
    settings.accesslog = None
    settings.graceful_timeout = grace
    settings.keep_alive_timeout = _KEEP_ALIVE
    settings.h11_max_incomplete_size = _MAX_HEAD
    settings.include_server_header = False
    return settings
