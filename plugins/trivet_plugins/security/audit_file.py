"""Copy the checkpoints of the audit log, and its records if wanted, to files in another place: a mount that only grows, a share.

Config (``plugins.audit_file``): ``checkpoints``, the file that each signed checkpoint is added to; ``records``, the same for
records. Without them nothing is copied. Example::

    [plugins.audit_file]
    checkpoints = "/mnt/witness/orders.checkpoints"

``trivet audit verify DIRECTORY --checkpoint /mnt/witness/orders.checkpoints`` compares the log with them.
"""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

import attrs
from anyio import to_thread

from trivet import Provider, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trivet import Composition
    from trivet_plugins.security.audit.sink import AuditSink


@attrs.frozen
class AuditFileConfig:
    """The section ``plugins.audit_file``."""

    checkpoints: pathlib.Path | None = None
    records: pathlib.Path | None = None


@attrs.frozen
class AuditFile:
    """An audit sink that adds to files, and waits for the disk."""

    config: AuditFileConfig

    async def write(self, lines: Sequence[str]) -> None:
        """Add records."""
        if self.config.records is not None:
            await to_thread.run_sync(_add, self.config.records, "".join(f"{line}\n" for line in lines))

    async def checkpoint(self, note: str) -> None:
        """Add a checkpoint, and the empty line that parts it from the next."""
        if self.config.checkpoints is not None:
            await to_thread.run_sync(_add, self.config.checkpoints, f"{note}\n")


def _add(path: pathlib.Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    with open(handle, "wb") as file:  # noqa: PTH123 - the descriptor with its mode
        file.write(text.encode())
        file.flush()
        os.fsync(handle)


@hookimpl
def register_audit_sinks(composition: Composition) -> list[Provider[AuditSink]]:
    """Offer ``audit_sink/audit_file``."""
    return [Provider(name="audit_file", factory=AuditFile, config=AuditFileConfig, critical=False)]
