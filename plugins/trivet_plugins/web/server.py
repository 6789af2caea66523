"""`WebServer`: the admin pages on addresses of their own, served by hypercorn under asyncio and trio alike."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

import anyio
import attrs
import sniffio

from trivet.events import ServiceListening
from trivet_plugins.web.admin_app import AdminApp
from trivet_plugins.web.connections import sever
from trivet_plugins.web.listener import listen
from trivet_plugins.web.unix_socket import SCHEME, listening_at, socket_path

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Sequence

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
        host: The address that is bound; None where only the unix socket is.
        port: The port that is bound, also where 0 was asked for.
        socket: The path of the unix socket, where there is one.
    """

    host: str | None
    port: int | None
    socket: str | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port; None where only the unix socket is bound."""
        return (self.host, self.port) if self.host is not None and self.port is not None else None

    @property
    def url(self) -> str:
        """Where a browser finds it; ``unix:`` and the path where only the socket is there."""
        if self.host is None:
            return f"{SCHEME}{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    @property
    def urls(self) -> tuple[str, ...]:
        """All that ``--url`` of the command line may name."""
        return tuple(dict.fromkeys((self.url, f"{SCHEME}{self.socket}"))) if self.socket is not None else (self.url,)


@asynccontextmanager
async def serve(config: WebConfig, kernel: Kernel) -> AsyncIterator[WebServer]:
    """Serve the kernel's `AdminApp`.

    Raises:
        StartupRefused: if an address cannot be bound, or may not be bound without a token.
    """
    app = kernel.service(AdminApp).behind(
        token=config.token,
        allowed_hosts=config.allowed_hosts,
        token_hash=config.token_hash,
        attempts=config.attempts,
        trusts_socket=True,
    )
    stop, ended = anyio.Event(), anyio.Event()
    async with _listening(config) as listeners, anyio.create_task_group() as group:
        names = [listener.getsockname() for listener in listeners]
        server = _server(names)
        group.start_soon(_run_hypercorn, app, listeners, stop, ended, config.drain)
        for url in server.urls:
            kernel.emit(ServiceListening(service="service/web", url=url))
        try:
            yield server
        finally:
            # Hypercorn breaks when it is cancelled on asyncio; so it runs shielded and ends because this event says so.
            stop.set()
            with anyio.CancelScope(shield=True), anyio.move_on_after(config.drain):
                await ended.wait()
            if not ended.is_set():
                for name in names:
                    sever(name)


@asynccontextmanager
async def _listening(config: WebConfig) -> AsyncIterator[Sequence[socket.socket]]:
    listeners: list[socket.socket] = []
    async with AsyncExitStack() as stack:
        if config.tcp:
            address = await listen(config.host, config.port, has_token=config.has_token)
            stack.callback(address.close)
            listeners.append(address)
        if config.socket is not None:
            path = socket_path(config.socket)
            bound = await stack.enter_async_context(listening_at(path, int(config.socket_mode, 8)))
            listeners.append(bound.listener)
        yield listeners


def _server(names: Sequence[tuple[str, int] | str]) -> WebServer:
    host, port, path = None, None, None
    for name in names:
        if isinstance(name, str):
            path = name
        else:
            host, port = name[:2]
    return WebServer(host, port, path)


async def _run_hypercorn(
    app: AdminApp, listeners: Sequence[socket.socket], stop: anyio.Event, ended: anyio.Event, drain: float
) -> None:
    try:
        with anyio.CancelScope(shield=True) as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(_cut_off, scope, stop, drain + 2 * _MARGIN)
                await _until_stopped(app, _settings(listeners, drain + _MARGIN), stop)
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


def _settings(listeners: Sequence[socket.socket], grace: float) -> Config:
    from hypercorn.config import Config

    logger = logging.getLogger(_LOGGER)
    logger.setLevel(logging.WARNING)  # it would announce the address that the kernel has announced
    settings = Config()
    settings.bind = [f"fd://{listener.detach()}" for listener in listeners]  # they are hypercorn's from here on
    settings.errorlog = logger
    settings.accesslog = None
    settings.graceful_timeout = grace
    settings.keep_alive_timeout = _KEEP_ALIVE
    settings.h11_max_incomplete_size = _MAX_HEAD
    settings.include_server_header = False
    return settings
