"""`AuditEntry`: what is to be recorded, before it has a place in the log."""

from __future__ import annotations

import attrs

from trivet.events import SecurityOperation
from trivet_plugins.security.audit.record import AuditRecord, timestamp


@attrs.frozen(kw_only=True)
class AuditEntry:
    """One operation.

    Args:
        at: Seconds since the epoch.
        op: What was done.
        target: What it was about.
        outcome: ``ok`` or ``failed``.
        actor: Who asked.
        key_id: The key it was done with.
        reason: Why it failed, a code.
    """

    at: float
    op: str
    target: str
    outcome: str
    actor: str | None = None
    key_id: str | None = None
    reason: str | None = None

    @classmethod
    def of(cls, operation: SecurityOperation) -> AuditEntry:
        """Make the entry of an operation."""
        return cls(
            at=operation.at,
            op=operation.operation,
            target=operation.target,
            outcome=operation.outcome,
            actor=operation.actor,
            key_id=operation.key_id,
            reason=operation.reason,
        )

    def withheld(self) -> AuditEntry:
        """Return it as it is to be recorded after its operation was told that it could not be recorded."""
        return attrs.evolve(self, outcome="failed", reason="audit_unavailable") if self.outcome == "ok" else self

    def record(self, seq: int, kernel: str, node: str) -> AuditRecord:
        """Return the record at a place of the log."""
        return AuditRecord(
            seq=seq,
            ts=timestamp(self.at),
            kernel=kernel,
            node=node,
            actor=self.actor,
            op=self.op,
            target=self.target,
            key_id=self.key_id,
            outcome=self.outcome,
            reason=self.reason,
        )
