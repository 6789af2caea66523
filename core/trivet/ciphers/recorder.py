"""`Recorder`: what an audit log is to the kernel. It takes every security operation, and may have it wait for its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from trivet.errors import TrivetError
from trivet.exit_codes import EX_UNAVAILABLE

if TYPE_CHECKING:
    from trivet.events import SecurityOperation


class AuditError(TrivetError):
    """The audit log cannot take a record, and the operation must not go on without one. Says which file and what to do."""

    exit_code = EX_UNAVAILABLE


class Receipt(Protocol):
    """Stands for a record that is on its way to the disk."""

    async def durable(self) -> None:
        """Wait until the record is durable.

        Raises:
            AuditError: if it could not be written.
        """
        ...

    def wait(self) -> None:
        """Do the same in a thread without an event loop; in the event loop it blocks for as long as a disk takes."""
        ...


@runtime_checkable
class Recorder(Protocol):
    """An audit log. A service provider with ``provides=Recorder``; it starts before any value is opened."""

    def admit(self) -> None:
        """Look whether an operation may begin: one that is fail-closed refuses where it cannot write.

        Raises:
            AuditError: if nothing may be done now.
        """
        ...

    def record(self, operation: SecurityOperation) -> Receipt | None:
        """Take an operation that has ended. At once, from any thread, and never raises.

        Returns:
            What the operation must wait for before its result is handed out; None where it need not wait.
        """
        ...
