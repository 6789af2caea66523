"""`AuditLog`: the service. It takes every security operation of the kernel and brings it to the disk and to the sinks."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import anyio
import attrs
from anyio import to_thread

from trivet import AuditError, CheckPlan, Recorder, Status, Verdict
from trivet.events import (
    AuditFailed,
    ConfigPinned,
    ConfigRejected,
    ConfigReloaded,
    Event,
    KernelStarted,
    SecurityOperation,
)
from trivet_plugins.security.audit.entry import AuditEntry
from trivet_plugins.security.audit.queue import AuditQueue
from trivet_plugins.security.audit.sink import Delivery

if TYPE_CHECKING:
    from trivet import Kernel
    from trivet_plugins.security.audit.journal import Journal

_IDLE: Final = 1.0
"""Seconds after which the writer looks even if nothing woke it: operations in threads do not, and checkpoints fall due."""


@attrs.frozen
class Ticket:
    """Stands for an entry that is on its way; the kernel's `Receipt`.

    Args:
        log: Whose.
        number: Of the entry.
    """

    log: AuditLog
    number: int

    async def durable(self) -> None:
        """Wait until the entry is on the disk."""
        await self.log.flush(self.number)

    def wait(self) -> None:
        """Write it here and now."""
        self.log.queue.write(self.number)


class AuditLog:
    """Takes operations and some events of a kernel.

    Args:
        kernel: Whose.
        journal: Where they go.
        fail_closed: An operation waits for its record, and fails where that cannot be written.
        delay: Seconds that entries may gather before they are written in one turn.
    """

    def __init__(self, kernel: Kernel, journal: Journal, *, fail_closed: bool, delay: float) -> None:
        counter, gauge = kernel.metrics.counter, kernel.metrics.gauge
        self._kernel = kernel
        self._fail_closed = fail_closed
        self._delay = delay
        self._failures = counter("trivet_audit_failures_total", "Tries to write the audit log that failed.")
        missed = counter("trivet_audit_sink_missed_total", "Records that a sink did not take.", labels=("sink",))
        self._delivery = Delivery(kernel, missed)
        self.queue = AuditQueue(journal, strict=fail_closed, deliver=self._delivery.put)
        gauge("trivet_audit_records", "Records written since the start.", callback=lambda: self.queue.written)
        gauge("trivet_audit_records_lost", "Records dropped since the start.", callback=lambda: self.queue.lost)
        gauge("trivet_audit_signed", "Size of the log at its last checkpoint.", callback=lambda: self.queue.signed)
        self._thread = threading.get_ident()
        self._wake = anyio.Event()
        self._written = anyio.Event()
        self._turn = anyio.Lock()
        self._one = anyio.CapacityLimiter(1)
        self._started = False
        self._told = False

    # -- what the kernel calls ------------------------------------------------------------------------------------------------

    def admit(self) -> None:
        """Refuse operations while a log that is fail-closed cannot write."""
        if self._fail_closed and self.queue.failure is not None:
            raise AuditError(str(self.queue.failure))

    def record(self, operation: SecurityOperation) -> Ticket | None:
        """Take an operation."""
        ticket = self._put(AuditEntry.of(operation))
        return Ticket(self, ticket) if self._fail_closed else None

    def see(self, event: Event) -> None:
        """Take what somebody did to the configuration; an observer of the kernel."""
        match event:
            case ConfigRejected():
                self._put(
                    _configured("config_reject", event, event.generation, "", outcome="failed", reason="rejected")
                )
            case ConfigReloaded() if event.actor is not None:
                self._put(_configured("config_change", event, event.generation, ", ".join(event.changed)))
            case ConfigPinned():
                self._put(_configured("config_pin" if event.pinned else "config_unpin", event, event.generation, ""))
            case KernelStarted():
                self._started = True  # now the sinks are there
                self._wake.set()

    def _put(self, entry: AuditEntry) -> int:
        ticket = self.queue.put(entry)
        if threading.get_ident() == self._thread and not self._wake.is_set():
            self._wake.set()
        return ticket

    # -- writing --------------------------------------------------------------------------------------------------------------

    async def flush(self, ticket: int | None = None, *, checkpoint: bool = False) -> None:
        """Wait until an entry, or all, are on the disk; of many who wait, one writes for all.

        Args:
            ticket: Which; None: all.
            checkpoint: Sign a checkpoint in any case.

        Raises:
            AuditError: if they cannot be written.
        """
        async with self._turn:
            if ticket is None or not self.queue.is_durable(ticket):
                try:
                    await to_thread.run_sync(lambda: self.queue.write(ticket, checkpoint=checkpoint), limiter=self._one)
                except AuditError as exc:
                    self._tell(exc)
                    raise
                self._told = False

    def _tell(self, failure: AuditError) -> None:
        self._failures.inc()
        if not self._told:  # once, until it works again
            self._told = True
            self._kernel.emit(AuditFailed(reason=str(failure)))

    async def run(self) -> None:
        """Write what is taken, for ever."""
        while True:
            with anyio.move_on_after(_IDLE):
                await self._wake.wait()
            await anyio.sleep(self._delay)
            self._wake = anyio.Event()
            with contextlib.suppress(AuditError):  # told; the next turn tries again
                await self.flush()
            self._written.set()

    async def deliver(self) -> None:
        """Hand what is written to the sinks, for ever: beside the writing, which waits for none of them."""
        while True:
            await self._written.wait()
            self._written = anyio.Event()
            if self._started:
                await self._delivery.run()

    # -- health ---------------------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> CheckPlan:
        """Every second; a log that is not fail-closed only warns."""
        return CheckPlan(groups={"ready"}, interval=1.0, critical=self._fail_closed)

    async def check(self) -> Verdict | None:
        """Return what keeps the log from being written."""
        failure = self.queue.failure
        if failure is not None:
            return Verdict(Status.FAIL, str(failure))
        if self.queue.lost:
            return Verdict(Status.WARN, f"{self.queue.lost} records were lost while the audit log could not be written")
        return None


def _configured(
    op: str,
    event: ConfigRejected | ConfigReloaded | ConfigPinned,
    generation: int,
    changed: str,
    *,
    outcome: str = "ok",
    reason: str | None = None,
) -> AuditEntry:
    target = f"configuration {generation}" + (f": {changed}" if changed else "")
    return AuditEntry(at=event.at, op=op, target=target, outcome=outcome, actor=event.actor, reason=reason)


@contextlib.asynccontextmanager
async def running(log: AuditLog, kernel: Kernel) -> AsyncIterator[Recorder]:
    """Write as long as the kernel runs; at the end, all that is left, and a checkpoint."""
    leave = kernel.observe(log.see)
    remove = kernel.health.add("audit", log)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(log.run, name="trivet audit writer")
            tasks.start_soon(log.deliver, name="trivet audit delivery")
            yield log
            tasks.cancel_scope.cancel()
    finally:
        leave()
        remove()
        with anyio.CancelScope(shield=True):
            await log.flush(checkpoint=True)
