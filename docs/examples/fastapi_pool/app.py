"""A FastAPI service whose connection pool is resized while it serves: ``uvicorn app:app``, then edit ``config.toml``.

Health, metrics and configuration are under ``/_trivet``, for clients on this machine.
"""

from __future__ import annotations

import pathlib
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import attrs
from attrs import validators
from fastapi import FastAPI, HTTPException
from pool import Connections, affordable, fill, open_connections

from trivet import Composition, Kernel, Launch, Provider, Snapshot, Veto, hookimpl
from trivet_plugins.web import AdminApp

HERE = pathlib.Path(__file__).parent


@attrs.frozen
class Database:
    """The section ``database``."""

    path: str = attrs.field(default="shop.db", validator=validators.min_len(1))
    pool_size: int = attrs.field(default=4, validator=validators.ge(1))


@attrs.define(eq=False)
class Pool:
    """The connections in force. Takes part in every reload of the configuration."""

    current: Connections
    settings: Database
    _next: tuple[Connections, Database] | None = None

    async def prepare(self, old: Snapshot, new: Snapshot) -> None:  # noqa: ARG002 - what is open counts, not what was set
        """Open new connections beside those in use, or refuse the reload."""
        settings = new.of(database)
        if settings == self.settings:
            return
        if settings.pool_size > affordable():
            raise Veto(
                f"{settings.pool_size} is more than the {affordable()} that open files allow", path="database.pool_size"
            )
        self._next = (await open_pool(settings), settings)

    async def commit(self) -> None:
        """Give the new connections to all who ask from now on; requests under way end on the old ones."""
        if self._next is not None:
            self.current.retire()
            (self.current, self.settings), self._next = self._next, None

    async def rollback(self) -> None:
        """Close what `prepare` opened: somebody else refused the reload."""
        if self._next is not None:
            self._next[0].retire()
            self._next = None


async def open_pool(settings: Database) -> Connections:
    """Open connections as the settings say.

    Raises:
        Veto: if the database does not open.
    """
    path = HERE / settings.path
    try:
        await anyio.to_thread.run_sync(fill, path)
        return await anyio.to_thread.run_sync(open_connections, path, settings.pool_size)
    except sqlite3.Error as exc:
        raise Veto(f"{settings.pool_size} connections to {path} cannot be opened: {exc}") from exc


@asynccontextmanager
async def run_pool() -> AsyncIterator[Pool]:
    """Open the pool, let it take part in reloads, close it in the end."""
    settings = database.current
    pool = Pool(await open_pool(settings), settings)
    leave = kernel.config.add_participant("pool", pool)
    try:
        yield pool
    finally:
        leave()
        pool.current.retire()


@hookimpl
def register_services(composition: Composition) -> list[Provider[Pool]]:  # noqa: ARG001 - a hook takes it
    """Let the kernel open the pool once the configuration is valid, and close it after the last request."""
    return [Provider(name="pool", factory=run_pool, provides=Pool)]


# The pages are mounted below, so the port of their own stays closed.
kernel = Kernel("shop", plugins=[sys.modules[__name__]], block=["web"], launch=Launch(files=[HERE / "config.toml"]))
database = kernel.config.bind("database", Database)

app = FastAPI(lifespan=kernel.lifespan)
app.mount("/_trivet", AdminApp(kernel))


def find(connection: sqlite3.Connection, number: int) -> str | None:
    """Look for a product, for as long as a busy database takes."""
    time.sleep(0.01)
    row = connection.execute("SELECT name FROM products WHERE number = ?", (number,)).fetchone()
    return None if row is None else str(row[0])


@app.get("/products/{number}")
async def product(number: int) -> dict[str, object]:
    """Answer with a product, and with the size of the pool that found it."""
    connections = kernel.service(Pool).current  # one read: a reload in the middle changes nothing for this request
    name = await connections.run(lambda connection: find(connection, number))
    if name is None:
        raise HTTPException(404, f"there is no product {number}")
    return {"number": number, "name": name, "pool_size": connections.size}
