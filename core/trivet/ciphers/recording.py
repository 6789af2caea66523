"""`Recording`: where operations end up: in the event of each, and in the audit log where there is one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from trivet.ciphers.actor import current_actor
from trivet.errors import CompositionError
from trivet.events import SecurityOperation

if TYPE_CHECKING:
    from collections.abc import Callable

    from trivet.ciphers.operation import Operation
    from trivet.ciphers.recorder import Receipt, Recorder
    from trivet.events import Event
    from trivet.launch import Launch

_EARLY: Final = 256
"""Operations that are kept for an audit log which starts after them."""


class Recording:
    """Makes the event of an operation that has ended.

    Args:
        name: The kernel's name.
        emit: Takes the events.
        launch: Says who started the program.
    """

    def __init__(self, name: str, emit: Callable[[Event], None], launch: Callable[[], Launch] | None = None) -> None:
        self._service = f"service:{name}"
        self._emit = emit
        self._launch = launch
        self._recorder: Recorder | None = None
        self._early: deque[SecurityOperation] = deque(maxlen=_EARLY)

    def use(self, recorder: Recorder) -> Callable[[], None]:
        """Hand all operations to this audit log, those that came before it first.

        Returns:
            A function that takes it out again.

        Raises:
            CompositionError: if there is one already.
        """
        if self._recorder is not None:
            raise CompositionError(
                f"two audit logs: {type(self._recorder).__qualname__} and {type(recorder).__qualname__}; "
                'set replaces="service/audit" on one, or block one'
            )
        self._recorder = recorder
        while self._early:
            recorder.record(self._early.popleft())

        def remove() -> None:
            if self._recorder is recorder:
                self._recorder = None

        return remove

    def admit(self) -> None:
        """Look whether an operation may begin.

        Raises:
            AuditError: if the audit log is fail-closed and cannot write.
        """
        if self._recorder is not None:
            self._recorder.admit()

    def record(self, operation: Operation) -> Receipt | None:
        """Record an operation that has ended, and return what it must wait for."""
        key_id = operation.key_id
        event = SecurityOperation(
            operation=operation.name,
            target=operation.target,
            key_id=f"{key_id:016x}" if isinstance(key_id, int) else key_id,
            outcome="failed" if operation.failed else "ok",
            actor=operation.actor or current_actor() or self._starter(),
            reason=operation.reason,
        )
        receipt = None
        if self._recorder is not None:
            receipt = self._recorder.record(event)
        else:
            self._early.append(event)
        self._emit(event)
        return receipt

    def _starter(self) -> str:
        started_by = self._launch().actor if self._launch is not None else None
        return started_by or self._service
