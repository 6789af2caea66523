"""`AuditQueue`: entries on their way to the disk. Taking one costs microseconds; many of them are written in one turn.

Whoever must know that an entry is durable waits with the ticket that it got. The first of those who wait writes what there is,
for all of them.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from trivet import AuditError
from trivet_plugins.security.audit.entry import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trivet_plugins.security.audit.journal import Journal

MAX_WAITING: Final = 100_000
MAX_AT_ONCE: Final = 4096


class AuditQueue:
    """Safe for threads.

    Args:
        journal: Where the entries go.
        strict: Entries whose writing failed are recorded as failed: who waited for them was told so.
        deliver: Takes lines that are durable, without ends, and checkpoints. Called in the thread that writes.
    """

    def __init__(
        self, journal: Journal, *, strict: bool, deliver: Callable[[Sequence[bytes], str | None], None]
    ) -> None:
        self.failure: AuditError | None = None
        """Why nothing can be written now; None where all is well."""
        self.lost = 0
        """Entries that were dropped because too many waited."""
        self.written = 0
        self.signed = 0
        """Records that the last checkpoint of this process covers."""
        self._journal = journal
        self._strict = strict
        self._deliver = deliver
        self._entries: deque[AuditEntry] = deque()
        self._taken = 0
        self._durable = 0
        self._unreported = 0
        self._taking = threading.Lock()
        self._writing = threading.Lock()

    def put(self, entry: AuditEntry) -> int:
        """Take an entry; returns its ticket."""
        with self._taking:
            self._report_lost()
            if len(self._entries) < MAX_WAITING:
                self._append(entry)
            else:
                self.lost += 1
                self._unreported += 1
            return self._taken

    def _append(self, entry: AuditEntry) -> None:
        self._entries.append(entry)
        self._taken += 1

    def _report_lost(self) -> None:
        """Record that there is a gap, as soon as there is room to say so."""
        if self._unreported and len(self._entries) < MAX_WAITING:
            what = f"{self._unreported} records: more than {MAX_WAITING} waited for the disk"
            self._append(
                AuditEntry(at=time.time(), op="audit_lose", target=what, outcome="failed", actor="audit", reason="full")
            )
            self._unreported = 0

    def waits(self) -> bool:
        """Say whether there are entries to be written."""
        return bool(self._entries)

    def is_durable(self, ticket: int) -> bool:
        """Say whether the entry of a ticket, and all before it, are on the disk."""
        return self._durable >= ticket

    def write(self, ticket: int | None = None, *, checkpoint: bool = False) -> None:
        """Write what waits, and sign a checkpoint where one is due. Blocks for as long as the disk takes.

        Args:
            ticket: Only until this entry is durable.
            checkpoint: Sign one in any case.

        Raises:
            AuditError: if it cannot be written; the entries stay, and are tried again the next time.
        """
        with self._writing:
            if ticket is not None and self.is_durable(ticket):
                return
            try:
                self._write_all()
                note = self._journal.checkpoint(forced=checkpoint)
            except (AuditError, OSError) as exc:
                raise self._failed(exc) from None
            self.failure = None
            if note is not None:
                self.signed = self._journal.state.signed
                self._deliver((), note)

    def _write_all(self) -> None:
        while batch := self._batch():
            lines = self._journal.commit(batch)
            with self._taking:
                for _ in batch:
                    self._entries.popleft()
                self._durable += len(batch)
                self._report_lost()
            self.written += len(lines)
            self._deliver(lines, None)

    def _batch(self) -> list[AuditEntry]:
        with self._taking:
            return [*itertools.islice(self._entries, MAX_AT_ONCE)]

    def _failed(self, exc: AuditError | OSError) -> AuditError:
        text = str(exc) if isinstance(exc, AuditError) else f"{exc.filename or 'the audit log'}: {exc.strerror}"
        remedy = "" if isinstance(exc, AuditError) else "; make room or mend the disk: writing is tried again"
        self.failure = AuditError(f"the audit log cannot be written: {text}{remedy}")
        if self._strict:
            with self._taking:
                self._entries = deque(entry.withheld() for entry in self._entries)
        return self.failure
