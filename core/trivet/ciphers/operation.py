"""`Operation`: one security operation, recorded when it ends, however it ends.

Whatever a plugin does with a key, a password or a token, it does in such a block::

    async with kernel.ciphers.operation("rotate", "keys orders.keys") as operation:
        operation.key_id = key.id

The block's failure is recorded with a code made of the exception's type: its text may say more than a log should know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

from trivet.ciphers.recorder import AuditError

if TYPE_CHECKING:
    from types import TracebackType

    from trivet.ciphers.recorder import Receipt
    from trivet.ciphers.recording import Recording

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def code_of(failure: type[BaseException]) -> str:
    """Return a code for a kind of failure: ``KeyRingError`` gives ``key_ring_error``."""
    return _WORD.sub("_", failure.__name__).lower().strip("_")


class Operation:
    """A block of code that is recorded: ``async with``, or ``with`` where nothing can be awaited. Made by `Ciphers.operation`.

    Where the audit log is fail-closed, its end waits until the record is durable, and raises `AuditError` where it cannot be
    written: what the block made is then not handed out.
    """

    __slots__ = ("_failed", "_recording", "actor", "key_id", "name", "reason", "target")

    def __init__(self, recording: Recording, name: str, target: str, actor: str | None) -> None:
        self.name = name
        self.target = target
        self.actor = actor
        """Who asks; set it where that is known only in the block."""
        self.key_id: int | str | None = None
        """The key it was done with, once that is known."""
        self.reason: str | None = None
        """A short code, lower_snake: why it failed. Not set: the exception's type says it."""
        self._failed = False
        self._recording = recording

    def fail(self, reason: str) -> None:
        """Have it recorded as failed though the block raises nothing: a password that is not the right one, say.

        Args:
            reason: A short code, lower_snake; no text from outside.
        """
        self._failed, self.reason = True, reason

    @property
    def failed(self) -> bool:
        """True where it is to be recorded as failed."""
        return self._failed

    def __enter__(self) -> Self:
        self._recording.admit()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        receipt = self._end(kind)
        if receipt is None:
            return
        try:
            receipt.wait()
        except AuditError as error:
            if exc is None:
                raise
            exc.add_note(str(error))  # the block's own failure leaves; the log says of itself that it is broken

    async def __aenter__(self) -> Self:
        self._recording.admit()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        receipt = self._end(kind)
        if receipt is None or (kind is not None and not issubclass(kind, Exception)):  # a cancelled block waits no more
            return
        try:
            await receipt.durable()
        except AuditError as error:
            if exc is None:
                raise
            exc.add_note(str(error))

    def _end(self, kind: type[BaseException] | None) -> Receipt | None:
        if kind is not None:
            self._failed = True
            self.reason = self.reason or code_of(kind)
        return self._recording.record(self)
