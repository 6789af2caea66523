"""Copy the audit log into the service's own log, through structlog, for collectors that ship it elsewhere.

Config (``plugins.audit_structlog``): ``enabled``, default false. Records are entries ``audit.record`` of the logger
``trivet.audit`` at level info, failed ones at warning, with the record's members as fields; checkpoints are ``audit.checkpoint``.
Example::

    [plugins.audit_structlog]
    enabled = true
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs

from trivet import Provider, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet import Composition
    from trivet_plugins.security.audit.sink import AuditSink


@attrs.frozen
class AuditStructlogConfig:
    """The section ``plugins.audit_structlog``."""

    enabled: bool = False


@attrs.frozen
class AuditStructlog:
    """An audit sink that logs."""

    config: AuditStructlogConfig

    async def write(self, lines: Sequence[str]) -> None:
        """Log records."""
        if self.config.enabled:
            import structlog

            logger = structlog.stdlib.get_logger("trivet.audit")
            for line in lines:
                record = json.loads(line)
                log = logger.info if record["outcome"] == "ok" else logger.warning
                log("audit.record", **record)

    async def checkpoint(self, note: str) -> None:
        """Log a checkpoint."""
        if self.config.enabled:
            import structlog

            structlog.stdlib.get_logger("trivet.audit").info("audit.checkpoint", note=note)


@hookimpl
def register_audit_sinks(composition: Composition) -> list[Provider[AuditSink]]:
    """Offer ``audit_sink/audit_structlog``."""
    return [Provider(name="audit_structlog", factory=AuditStructlog, config=AuditStructlogConfig, critical=False)]
