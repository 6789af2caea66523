"""`Store`: the file that a history outlives its process in."""

from __future__ import annotations

import logging
import os
import stat
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Final

import anyio
import anyio.to_thread

from trivet import durable_file
from trivet_plugins.monitoring.history.breath import Breath
from trivet_plugins.monitoring.history.frames import DamagedError
from trivet_plugins.monitoring.history.saved import read, write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from trivet_plugins.monitoring.history.generation import Generation
    from trivet_plugins.monitoring.history.shelf import Shelf

AHEAD: Final = 3_600.0
"""Seconds that what is read back may be in the future: the clock was wrong then, or is now."""

_BUFFER: Final = 256 << 10
_logger = logging.getLogger("trivet.history")


class Store:
    """Reads and writes the file.

    Args:
        path: The file.
        kernel: Whose history it is.
        limit: The largest file that is read, in bytes.
    """

    def __init__(self, path: Path, *, kernel: str, limit: int) -> None:
        self.path = path
        self._kernel = kernel
        self._limit = limit

    async def load(self, shelf: Shelf, now: float) -> list[Generation]:
        """Return what was saved; nothing where there is no file. One that is damaged is set aside, with a warning.

        Args:
            shelf: Takes the series; not used by others meanwhile.
            now: The present time.
        """
        return await anyio.to_thread.run_sync(self._load, shelf, now)

    def _load(self, shelf: Shelf, now: float) -> list[Generation]:
        try:
            durable_file.remove_leftovers(self.path)
            with _opened(self.path, self._limit) as file:
                return read(file, shelf, kernel=self._kernel, latest=now + AHEAD)
        except FileNotFoundError:
            return []
        except DamagedError as exc:
            self._set_aside(str(exc))
        except OSError as exc:
            _logger.warning("%s: the history in it cannot be read: %s", self.path, exc.strerror)
        for series in shelf.all():
            shelf.forget(series)
        return []

    def _set_aside(self, why: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        try:
            self.path.replace(aside)
        except OSError as exc:
            _logger.warning("%s: %s; it cannot be renamed: %s", self.path, why, exc.strerror)
        else:
            _logger.warning("%s: %s; it is %s now, and the history begins anew", self.path, why, aside.name)

    async def save(self, generations: Iterable[Generation], now: float) -> None:
        """Write the file in one step; the event loop goes on meanwhile.

        Raises:
            OSError: if it cannot be written; the old one is then as it was.
        """
        writing, breath = durable_file.writing(self.path), Breath()
        file = await anyio.to_thread.run_sync(writing.__enter__)
        try:
            pieces, size = [], 0
            for piece in write(generations, kernel=self._kernel, now=now):
                pieces.append(piece)
                size += len(piece)
                if size > _BUFFER:
                    await anyio.to_thread.run_sync(file.writelines, pieces)
                    pieces, size = [], 0
                await breath.take()
            await anyio.to_thread.run_sync(file.writelines, pieces)
        except BaseException as exc:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(partial(writing.__exit__, type(exc), exc, exc.__traceback__))
            raise
        with anyio.CancelScope(
            shield=True
        ):  # all is written: who is cancelled now would leave the temporary file behind
            await anyio.to_thread.run_sync(writing.__exit__, None, None, None)


def _opened(path: Path, limit: int) -> BinaryIO:
    # Not blocking, should it be a pipe.
    file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: SIM115, PTH123 - for the caller
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= limit:
        return file
    file.close()
    raise DamagedError("it is too large" if stat.S_ISREG(status.st_mode) else "it is no regular file")
