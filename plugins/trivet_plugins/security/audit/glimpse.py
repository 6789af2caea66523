"""`Glimpse`: how long the files of a log were at one moment, so that a log can be read while a service writes it."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from trivet_plugins.security.audit.segment import Segment
from trivet_plugins.security.audit.state import SLOT_BYTES, lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trivet_plugins.security.audit.directory import LogDirectory


@attrs.frozen
class Glimpse:
    """One moment of a log.

    Args:
        segments: The files of records, and how many bytes of each there were.
        notes: How many bytes of checkpoints there were.
        state: The content of the state; None where there is none, or it is not for this user.
    """

    segments: tuple[tuple[Segment, int], ...]
    notes: int
    state: bytes | None = attrs.field(repr=False)

    @classmethod
    def of(cls, directory: LogDirectory) -> Glimpse:
        """Look at a log; a service that writes it waits meanwhile, some microseconds.

        Raises:
            OSError: if the directory cannot be read.
            AuditError: if a process holds the log's lock and does nothing.
        """
        with _undisturbed(directory) as state:
            segments = tuple((one, one.path.stat().st_size) for one in Segment.all(directory.path))
            notes = directory.notes.path
            return cls(segments, notes.stat().st_size if notes.exists() else 0, state)


@contextmanager
def _undisturbed(directory: LogDirectory) -> Iterator[bytes | None]:
    try:
        handle = os.open(directory.state, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        yield None
        return
    try:
        lock(handle, directory.state, fcntl.LOCK_SH)
        yield os.read(handle, 2 * SLOT_BYTES)
    finally:
        os.close(handle)
