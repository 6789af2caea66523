"""`AuditSink`: what copies the log to another place; and `Delivery`, which hands it over."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import anyio

from trivet.failure import describe

if TYPE_CHECKING:
    from trivet import Counter, Kernel

SINK_LIMIT: Final = 5.0
MAX_WAITING: Final = 10_000


@runtime_checkable
class AuditSink(Protocol):
    """Takes what is durable in the log. It may be slow or fail: the log itself does not wait for it."""

    async def write(self, lines: Sequence[str]) -> None:
        """Take records.

        Args:
            lines: JSON, as they stand in the log, without ends.
        """
        ...

    async def checkpoint(self, note: str) -> None:
        """Take a signed checkpoint. Where it is kept for good, nobody can shorten the log unseen.

        Args:
            note: C2SP signed-note text, with its line's end.
        """
        ...


class Delivery:
    """Hands records and checkpoints to the sinks, in order, each sink isolated from the others.

    Args:
        kernel: Has the sinks.
        missed: Counts by sink what one did not take.
    """

    def __init__(self, kernel: Kernel, missed: Counter) -> None:
        self._kernel = kernel
        self._missed = missed
        self._waiting: deque[str | bytes] = deque(maxlen=MAX_WAITING)
        self._log = logging.getLogger("trivet.security.audit")

    def put(self, lines: Sequence[bytes], note: str | None) -> None:
        """Take what was written. From any thread."""
        arriving: list[str | bytes] = [*lines, *((note,) if note is not None else ())]
        dropped = len(self._waiting) + len(arriving) - MAX_WAITING
        if dropped > 0:
            self._missed.labels("all").inc(dropped)
        self._waiting.extend(arriving)

    async def run(self) -> None:
        """Hand over what waits."""
        sinks = self._kernel.provided("audit_sink")
        while self._waiting:
            lines, note = self._next()
            for name, sink in sinks.items():
                await self._hand_over(name, sink, lines, note)

    def _next(self) -> tuple[list[str], str | None]:
        lines: list[str] = []
        while self._waiting:
            item = self._waiting.popleft()
            if isinstance(item, str):
                return lines, item
            lines.append(item.decode())
        return lines, None

    async def _hand_over(self, name: str, sink: AuditSink, lines: list[str], note: str | None) -> None:
        try:
            with anyio.fail_after(SINK_LIMIT):
                if lines:
                    await sink.write(lines)
                if note is not None:
                    await sink.checkpoint(note)
        except Exception as exc:  # noqa: BLE001 - foreign code; the log and the other sinks must not suffer
            self._missed.labels(name).inc(len(lines) + (note is not None))
            # No traceback: it may show what is not ours.
            self._log.error("audit sink %s did not take %d records: %s", name, len(lines), describe(exc))
