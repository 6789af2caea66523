"""`Keeper`: writes the state of a dispatcher to a file, so that a crash leaves the old or the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from trivet import TrivetError, durable_file
from trivet_plugins.alerts.notifications.state import State, StateError

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

_MAX_BYTES: Final = 256 * 2**20


class KeptStateError(TrivetError):
    """The file of the state cannot be read; the text says what to do."""


class Keeper:
    """Keeps a state in a file; without one it is forgotten when the process ends.

    Args:
        path: The file, which belongs to this process alone; its directory is there.
        state: Gives what to write.
    """

    def __init__(self, path: pathlib.Path | None, state: Callable[[], State]) -> None:
        self._path = path
        self._state = state
        self._changes = 0
        self._written = 0
        self._lock = anyio.Lock()
        self.error: str | None = None

    def changed(self) -> None:
        """Say that the file is no longer up to date."""
        self._changes += 1

    async def load(self) -> State:
        """Return what the file holds; an empty state where there is none.

        Raises:
            KeptStateError: if it cannot be read.
        """
        if self._path is None:
            return State()
        path = self._path
        try:
            return await anyio.to_thread.run_sync(_read, path)
        except FileNotFoundError:
            return State()
        except (OSError, StateError) as exc:
            raise KeptStateError(
                f"the notifications kept in {path} cannot be read: {exc}; move it away to go on"
            ) from exc

    async def save(self) -> None:
        """Write what has changed; return when it is on the disk.

        Raises:
            OSError: if it cannot be written.
        """
        wanted = self._changes
        async with self._lock:
            if self._path is None or self._written >= wanted:
                return
            now, state = self._changes, self._state()
            try:
                await anyio.to_thread.run_sync(_write, self._path, state.encode())
            except OSError as exc:
                self.error = exc.strerror or type(exc).__name__
                raise
            self._written, self.error = now, None


def _read(path: pathlib.Path) -> State:
    if path.stat().st_size > _MAX_BYTES:
        raise StateError(f"it is larger than {_MAX_BYTES >> 20} MiB")
    state = State.decode(path.read_bytes())
    durable_file.remove_leftovers(path)
    return state


def _write(path: pathlib.Path, data: bytes) -> None:
    with durable_file.writing(path) as file:
        file.write(data)
