"""`last_note`: the newest signed checkpoint of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet import AuditError

if TYPE_CHECKING:
    from trivet_plugins.security.audit.directory import LogDirectory


def last_note(log: LogDirectory) -> str:
    """Return it.

    Raises:
        AuditError: if there is none.
    """
    text = None
    path = log.notes.path
    for note in log.notes.read(path.stat().st_size if path.exists() else 0):
        text = note.text
    if text is None:
        raise AuditError(f"{path}: there is no checkpoint yet; sign one: trivet audit checkpoint --sign {log.path}")
    return text
