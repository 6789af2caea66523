"""A pool of SQLite connections that can be replaced by another while it is in use."""

from __future__ import annotations

import pathlib
import resource
import sqlite3
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")
PRODUCTS = 100


class Connections:
    """Open connections, lent to one thread each. Made by `open_connections`.

    Args:
        opened: The connections.
    """

    def __init__(self, opened: list[sqlite3.Connection]) -> None:
        self.size = len(opened)
        self._free = opened
        self._limiter = anyio.CapacityLimiter(self.size)
        self._users = 0
        self._is_retired = False

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a thread with a connection; wait for one if all are lent."""

        def lend() -> T:
            connection = self._free.pop()  # the limiter lets no more threads in than there are connections
            try:
                return work(connection)
            finally:
                self._free.append(connection)

        self._users += 1  # whoever waits counts too: it is served by this pool even if the pool is retired meanwhile
        try:
            return await anyio.to_thread.run_sync(lend, limiter=self._limiter)
        finally:
            self._users -= 1
            self._close_unused()

    def retire(self) -> None:
        """Close the connections as soon as nobody uses or waits for them."""
        self._is_retired = True
        self._close_unused()

    def _close_unused(self) -> None:
        while self._is_retired and not self._users and self._free:
            self._free.pop().close()


def open_connections(path: pathlib.Path, size: int) -> Connections:
    """Open that many, or none. Blocks; run it in a thread.

    Raises:
        sqlite3.Error: if one cannot be opened; those that were open are closed.
    """
    opened: list[sqlite3.Connection] = []
    try:
        while len(opened) < size:
            opened.append(sqlite3.connect(path, check_same_thread=False, timeout=5))
            opened[-1].execute("SELECT count(*) FROM products")  # opens the file: connecting alone does not
    except BaseException:
        Connections(opened).retire()
        raise
    return Connections(opened)


def fill(path: pathlib.Path) -> None:
    """Make the table and its products, where they are not there yet."""
    connection = sqlite3.connect(path, timeout=5)
    try:
        with connection:
            connection.execute("CREATE TABLE IF NOT EXISTS products (number INTEGER PRIMARY KEY, name TEXT)")
            rows = [(number, f"product {number}") for number in range(PRODUCTS)]
            connection.executemany("INSERT OR IGNORE INTO products VALUES (?, ?)", rows)
    finally:
        connection.close()


def affordable() -> int:
    """Return how many connections may be open, each being an open file.

    A quarter of what the process may open: while the pool is resized there are two, and requests need files as well.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**20 if limit == resource.RLIM_INFINITY else max(limit // 4, 1)
