"""The hook that the audit log brings: `register_audit_sinks`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trivet.hookspecs import hookspec

if TYPE_CHECKING:
    from trivet import Composition, Provider
    from trivet_plugins.security.audit.sink import AuditSink


@hookspec(kind="audit_sink")
def register_audit_sinks(composition: Composition) -> Iterable[Provider[AuditSink]]:  # type: ignore[empty-body]
    """Offer places that records and checkpoints of the audit log are copied to, outside the reach of who may change the log."""
