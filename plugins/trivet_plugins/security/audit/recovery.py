"""`Recovery`: go on after a process died in the middle of an append, or after somebody cut the log.

Lines behind the known end that the present key authenticates were written by a process that died before it could say so: they are
taken over. What follows them and is no record, a half line as a rule, is set aside in a file of its own, and recorded. A log that
is shorter than the state says was cut: it goes on in a new segment with the next number, so that the gap stays to be seen.
"""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import attrs

from trivet import AuditError
from trivet_plugins.security.audit.entry import AuditEntry
from trivet_plugins.security.audit.segment import Segment

if TYPE_CHECKING:
    import pathlib

    from trivet_plugins.security.audit.directory import LogDirectory
    from trivet_plugins.security.audit.position import Position
    from trivet_plugins.security.audit.state import LogState

ACTOR = "audit"


class Recovery:
    """Sets a log right. Call it under the lock.

    Args:
        directory: Where the log is.
        state: Where it ends, as far as is known.
        position: The same; moves behind what is taken over.
        strict: Refuse a log that was cut.
    """

    def __init__(self, directory: LogDirectory, state: LogState, position: Position, *, strict: bool) -> None:
        self.entries: list[AuditEntry] = []
        """What is to be recorded about it."""
        self._directory = directory
        self._state = state
        self._position = position
        self._strict = strict

    def run(self) -> LogState:
        """Set it right, and return where it ends; number, key and tree are those of the position.

        Raises:
            AuditError: if it was cut (strict).
            OSError: if it cannot be read or written.
        """
        segment = Segment.at(self._directory.path, self._state.segment)
        actual = segment.path.stat().st_size if segment.path.exists() else 0
        if actual < self._state.size:
            return self._begin_anew(segment, actual)
        first, end = self._state.segment, self._take_over(segment, self._state.size)
        following = Segment.at(self._directory.path, self._position.seq)
        while following.first != first and following.path.exists():
            first, end = following.first, self._take_over(following, 0)
            following = Segment.at(self._directory.path, self._position.seq)
        return attrs.evolve(self._state, segment=first, size=end)

    def _take_over(self, segment: Segment, end: int) -> int:
        """Follow the lines of a segment; set aside what is none. Return where it ends."""
        if not segment.path.exists():
            return end
        for line in segment.lines(end):
            if not line.whole or self._position.follow(line.data) is None:
                break
            end = line.end
        rest = segment.path.stat().st_size - end
        if rest:
            aside = self._set_aside(segment, end)
            self._note("audit_recover", f"{segment.path.name}: {rest} bytes set aside in {aside.name}", "torn")
        return end

    def _set_aside(self, segment: Segment, end: int) -> pathlib.Path:
        number = 0
        while (path := self._directory.path / f"torn-{self._position.seq:016d}-{number}").exists():
            number += 1
        with segment.path.open("r+b") as file:
            file.seek(end)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as aside:  # noqa: PTH123 - its mode
                shutil.copyfileobj(file, aside)
                aside.flush()
                os.fsync(aside.fileno())
            self._directory.sync()
            file.truncate(end)
            os.fsync(file.fileno())
        return path

    def _begin_anew(self, segment: Segment, actual: int) -> LogState:
        what = f"{segment.path.name} has {actual} bytes of the {self._state.size} that were written"
        if self._strict:
            raise AuditError(
                f"{segment.path}: was cut: {what}. Keep the directory as evidence, look with trivet audit verify, "
                "and begin a new log in another: trivet audit init DIRECTORY"
            )
        self._note("audit_recover", what, "cut")
        fresh = Segment.at(self._directory.path, self._state.seq)
        end = 0
        if fresh.first != segment.first:
            end = self._take_over(fresh, 0)
        return attrs.evolve(self._state, segment=fresh.first, size=end)

    def _note(self, op: str, target: str, reason: str) -> None:
        self.entries.append(
            AuditEntry(at=time.time(), op=op, target=target, outcome="failed", actor=ACTOR, reason=reason)
        )
