"""`LogState`: what it takes to go on with the log, and nothing that it takes to write an earlier record again.

``state`` is two slots of 4,096 bytes with the same content: the SHA-256 of a JSON object in hex, a line's end, the object, and
spaces to the end. They are overwritten in place, one after the other, so that the old key is gone from the file, and a process
that dies in between leaves one that is whole. The file is the lock of the log as well.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import time
from typing import TYPE_CHECKING, Final

import attrs

from trivet import AuditError, durable_file
from trivet_plugins.security.audit.ratchet import KEY_BYTES
from trivet_plugins.security.private_file import open_private

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOT_BYTES: Final = 4096
LOCK_SECONDS: Final = 5.0
_TRIES: Final = 5

_DIGEST: Final = 64
_NUMBERS: Final = ("generation", "seq", "segment", "size", "notes", "signed")
_TEXTS: Final = ("key", "tag")


@attrs.frozen(kw_only=True, eq=False)
class LogState:
    """Where the log ends.

    Args:
        generation: Counts the states.
        seq: Number of the next record; so many there are.
        key: The key of that position.
        tag: The tag of the last record.
        segment: The first record of the file that is written to.
        size: How many bytes of it belong to the log.
        peaks: Those of the hash tree over all records.
        notes: How many bytes of the file of checkpoints belong to the log.
        signed: Number of records that the last checkpoint covers.
        signed_at: When it was made, seconds since the epoch.
    """

    generation: int
    seq: int
    key: bytes = attrs.field(repr=False)
    tag: bytes
    segment: int
    size: int
    peaks: tuple[bytes, ...]
    notes: int
    signed: int
    signed_at: float

    def slot(self) -> bytes:
        """Return the content of a slot."""
        values: dict[str, object] = {name: getattr(self, name) for name in _NUMBERS}
        values |= {name: base64.b64encode(getattr(self, name)).decode() for name in _TEXTS}
        values |= {
            "peaks": [base64.b64encode(peak).decode() for peak in self.peaks],
            "signed_at": self.signed_at,
            "version": 1,
        }
        body = json.dumps(values, sort_keys=True).encode().ljust(SLOT_BYTES - _DIGEST - 1)
        return hashlib.sha256(body).hexdigest().encode() + b"\n" + body

    @classmethod
    def of(cls, slot: bytes) -> LogState | None:
        """Read a slot; None where it is not whole."""
        digest, body = slot[:_DIGEST], slot[_DIGEST + 1 :]
        if len(slot) != SLOT_BYTES or hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        try:
            values = json.loads(body)
            if values.pop("version") != 1:
                return None
            numbers = {name: int(values[name]) for name in _NUMBERS}
            texts = {name: base64.b64decode(values[name], validate=True) for name in _TEXTS}
            peaks = tuple(base64.b64decode(peak, validate=True) for peak in values["peaks"])
            state = cls(**numbers, **texts, peaks=peaks, signed_at=float(values["signed_at"]))  # type: ignore[arg-type]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, binascii.Error):
            return None
        return state if state.holds_together() else None

    def holds_together(self) -> bool:
        """Say whether a log could be in this state."""
        numbers = min(getattr(self, name) for name in _NUMBERS) >= 0 and max(self.signed, self.segment) <= self.seq
        lengths = {len(self.key), len(self.tag), *map(len, self.peaks)} == {KEY_BYTES}
        return numbers and lengths and len(self.peaks) == self.seq.bit_count()


def newest(raw: bytes) -> LogState | None:
    """Return the state that a file's content holds; None where both slots are broken."""
    found = [state for at in (0, SLOT_BYTES) if (state := LogState.of(raw[at : at + SLOT_BYTES])) is not None]
    return max(found, key=lambda state: state.generation, default=None)


def lock(handle: int, path: pathlib.Path, kind: int) -> None:
    """Lock a file until its descriptor is closed or unlocked.

    Args:
        handle: The open file.
        path: Its name, for the message.
        kind: ``fcntl.LOCK_EX`` or ``fcntl.LOCK_SH``.

    Raises:
        AuditError: if another process does not let go of it within 5 s.
    """
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                text = f"locked by another process for {LOCK_SECONDS:g} s; see: fuser -v {path}"
                raise AuditError(f"{path}: {text}") from None
            time.sleep(0.001)
        else:
            return


class StateFile:
    """The file of a log's state, open.

    Args:
        path: Where it is.
        missing: What to say where there is none.

    Raises:
        AuditError: if there is none, or it cannot be used.
    """

    def __init__(self, path: pathlib.Path, *, missing: str) -> None:
        self.path = path
        self._handle = open_private(path, os.O_RDWR, missing=missing, error=AuditError)
        self._raw = b""
        self._state: LogState | None = None

    @staticmethod
    def create(path: pathlib.Path, state: LogState) -> None:
        """Write the file of a new log; it must not exist.

        Raises:
            OSError: if it does, or cannot be written.
        """
        durable_file.create(path, state.slot() * 2)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out.

        Raises:
            AuditError: if another one does not let go of it within 5 s.
        """
        lock(self._handle, self.path, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def read(self) -> LogState:
        """Return the state; the same object as long as the file has not changed.

        Raises:
            AuditError: if the file is damaged.
        """
        for _ in range(_TRIES):
            raw = os.pread(self._handle, 2 * SLOT_BYTES, 0)
            if raw == self._raw and self._state is not None:
                return self._state
            self._raw, self._state = raw, newest(raw)
            if self._state is not None:
                return self._state
            time.sleep(0.001)  # read without the lock, both slots may be half written: look again
        raise AuditError(
            f"{self.path}: damaged; the log cannot go on. Keep the directory as evidence, and begin a new log: "
            "trivet audit init DIRECTORY"
        )

    def write(self, state: LogState, *, durable: bool = False) -> None:
        """Overwrite both slots.

        Args:
            state: The new one.
            durable: Wait for the disk, slot by slot: then a machine that loses power finds one of them whole, too.

        Raises:
            OSError: if it cannot be written. With ``durable`` it may be in force nevertheless; `read` tells.
        """
        slot, first = state.slot(), state.generation % 2 * SLOT_BYTES
        os.pwrite(self._handle, slot, first)
        if durable:
            os.fdatasync(self._handle)
        # The new state is in force. Where the old one cannot be overwritten now, the next write begins with it.
        with contextlib.suppress(OSError):
            os.pwrite(self._handle, slot, SLOT_BYTES - first)
            if durable:
                os.fdatasync(self._handle)
        self._raw, self._state = slot * 2, state

    def close(self) -> None:
        """Close it."""
        os.close(self._handle)
        self._raw, self._state = b"", None
