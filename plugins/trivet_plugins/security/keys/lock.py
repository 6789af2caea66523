"""`locked`: one writer of a key file at a time, over all processes of a machine."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from trivet import KeyRingError

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

SUFFIX: Final = ".lock"
_PAUSE: Final = 0.01
_CANNOT_WRITE: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class ReadOnlyRingError(KeyRingError):
    """The ring is on a read-only mount, or in a directory that this user may not write."""


class RingBusyError(KeyRingError):
    """Another process is writing the ring."""


@contextmanager
def locked(path: pathlib.Path, *, seconds: float) -> Iterator[None]:
    """Hold the lock of a key file (flock on a file of its own beside it, since the key file is replaced when it is written).

    The system gives the lock back when the process ends, however it ends; the lock file stays.

    Args:
        path: The key file.
        seconds: How long to wait for another process; 0: not at all. Blocks the thread.

    Raises:
        ReadOnlyRingError: if nothing can be written there.
        RingBusyError: if another process holds the lock for longer.
    """
    lock = path.with_name(path.name + SUFFIX)
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        error = ReadOnlyRingError if exc.errno in _CANNOT_WRITE else KeyRingError
        raise error(f"{path} cannot be changed: {lock}: {exc.strerror}") from None
    try:
        if not _acquired(handle, time.monotonic() + seconds):
            raise RingBusyError(
                f"{path} is being changed by another process: it holds {lock} (fuser names it); try again"
            )
        yield
    finally:
        os.close(handle)


def _acquired(handle: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)
        else:
            return True
