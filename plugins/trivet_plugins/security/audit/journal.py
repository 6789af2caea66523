"""`Journal`: the log on disk, open for writing. Many processes may write one log; each append is a turn under the lock.

An append: take the lock; read where the log ends; write the lines behind it and wait for the disk; write the new state; let go.
A process that dies in between leaves lines that the next one checks with the key that it finds, and takes over
(`trivet_plugins.security.audit.recovery`).
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import time
from typing import TYPE_CHECKING, Final

import attrs

from trivet import AuditError
from trivet_plugins.security.audit.directory import LogDirectory
from trivet_plugins.security.audit.position import Position
from trivet_plugins.security.audit.recovery import Recovery
from trivet_plugins.security.audit.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet_plugins.security.audit.entry import AuditEntry
    from trivet_plugins.security.audit.state import LogState

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@attrs.frozen(kw_only=True)
class JournalPolicy:
    """How a log is written.

    Args:
        sign: Whether checkpoints are signed.
        checkpoint_records: A checkpoint is due after so many records,
        checkpoint_interval: or, where there are any, after so many seconds.
        segment_bytes: A file that would grow beyond is followed by another.
        strict: Refuse to go on with a log that was cut, instead of recording that it was.
    """

    sign: bool = True
    checkpoint_records: int = 1000
    checkpoint_interval: float = 60.0
    segment_bytes: int = 64 * 1024 * 1024
    strict: bool = False


class Journal:
    """A log, open for writing. Not for several threads at once.

    Args:
        directory: Where it is.
        kernel: The service that writes.
        node: The host that it runs on.
        policy: How.

    Raises:
        AuditError: if there is no log, or it cannot be used.
    """

    def __init__(self, directory: pathlib.Path, *, kernel: str, node: str, policy: JournalPolicy | None = None) -> None:
        self._names = (kernel, node)
        self._policy = policy or JournalPolicy()
        files = LogDirectory(directory)
        self._directory = files
        self._file = files.open_state()
        try:
            self._signer = files.signer() if self._policy.sign else None
        except AuditError:
            self._file.close()
            raise
        self._seen: LogState | None = None
        self._position: Position | None = None
        self._segment: tuple[int, int] | None = None

    @property
    def state(self) -> LogState:
        """Where the log ends, as the file says now."""
        return self._file.read()

    def commit(self, entries: Sequence[AuditEntry]) -> tuple[bytes, ...]:
        """Append entries in one turn, and wait for the disk.

        Args:
            entries: In order.

        Returns:
            Their lines, without ends; before them records about a crash or a cut that this turn has found.

        Raises:
            AuditError: if the log is locked or damaged, or was cut (strict).
            OSError: if it cannot be written; nothing has changed then.
        """
        with self._file.locked():
            state, position, found = self._begin()
            try:
                lines = [position.add(entry, *self._names) for entry in (*found, *entries)]
                if lines:
                    self._write(state, position, b"".join(lines))
            except BaseException:
                position.ratchet.wipe()
                raise
            return tuple(line[:-1] for line in lines)

    def checkpoint(self, *, forced: bool = False) -> str | None:
        """Sign a checkpoint where one is due, and wait for the disk.

        Args:
            forced: Sign one in any case, if there are records that none covers.

        Returns:
            The signed note; None where there is none to make.

        Raises:
            AuditError: as `commit`.
            OSError: if it cannot be written.
        """
        if self._signer is None or not self._is_due(self._file.read(), forced=forced):
            return None
        with self._file.locked():
            state, position, found = self._begin()
            if found:
                self._write(state, position, b"".join(position.add(entry, *self._names) for entry in found))
                state = self._file.read()
            if not self._is_due(state, forced=forced):  # another process was faster
                return None
            note = self._signer.sign(state.seq, position.tree.root())
            notes = self._directory.notes.append(note, state.notes)
            self._store(
                attrs.evolve(state, notes=notes, signed=state.seq, signed_at=time.time()), position, durable=True
            )
            return note

    def _is_due(self, state: LogState, *, forced: bool) -> bool:
        waiting = state.seq - state.signed
        young = 0 <= time.time() - state.signed_at < self._policy.checkpoint_interval
        return waiting > 0 and (forced or waiting >= self._policy.checkpoint_records or not young)

    # -- a turn ---------------------------------------------------------------------------------------------------------------

    def _begin(self) -> tuple[LogState, Position, list[AuditEntry]]:
        """Return where the log ends, after setting right what a process that died has left."""
        state = self._file.read()
        if state is not self._seen:
            self._remember(state, Position.of(state))
        position = self._position.copy() if self._position is not None else Position.of(state)
        if self._is_in_order(state):
            return state, position, []
        self._close_segment()
        recovery = Recovery(self._directory, state, position, strict=self._policy.strict)
        state = self._store(recovery.run(), position)
        return state, position.copy(), recovery.entries

    def _is_in_order(self, state: LogState) -> bool:
        try:
            status = Segment.at(self._directory.path, state.segment).path.stat()
        except FileNotFoundError:
            return state.size == 0 and state.segment == state.seq
        if self._segment is not None and os.fstat(self._segment[1]).st_ino != status.st_ino:
            self._close_segment()  # somebody has put another file in its place
        ahead = state.seq != state.segment and Segment.at(self._directory.path, state.seq).path.exists()
        return status.st_size == state.size and not ahead

    def _write(self, state: LogState, position: Position, data: bytes) -> None:
        segment, size = state.segment, state.size
        if size and size + len(data) > self._policy.segment_bytes:
            segment, size = state.seq, 0
        handle = self._open(segment)
        try:
            _write_all(handle, data, size)
            os.fdatasync(handle)
            self._store(attrs.evolve(state, segment=segment, size=size + len(data)), position)
        except OSError:
            with contextlib.suppress(OSError):  # what stays behind is found by the next turn
                os.ftruncate(handle, size)
            raise

    def _store(self, state: LogState, position: Position, *, durable: bool = False) -> LogState:
        state = attrs.evolve(
            state,
            generation=state.generation + 1,
            seq=position.seq,
            key=position.ratchet.key(),
            tag=position.tag,
            peaks=position.tree.peaks,
        )
        self._file.write(state, durable=durable)
        self._remember(state, position)
        return state

    def _remember(self, state: LogState, position: Position) -> None:
        if self._position is not None and self._position is not position:
            self._position.ratchet.wipe()
        self._seen, self._position = state, position

    # -- files ----------------------------------------------------------------------------------------------------------------

    def _open(self, first: int) -> int:
        if self._segment is None or self._segment[0] != first:
            self._close_segment()
            path = Segment.at(self._directory.path, first).path
            fresh = not path.exists()
            self._segment = first, os.open(path, _FLAGS, 0o600)
            if fresh:
                self._directory.sync()
        return self._segment[1]

    def _close_segment(self) -> None:
        if self._segment is not None:
            os.close(self._segment[1])
            self._segment = None

    def close(self) -> None:
        """Close all files. The key in memory is overwritten."""
        self._close_segment()
        self._file.close()
        if self._position is not None:
            self._position.ratchet.wipe()


def _write_all(handle: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written
