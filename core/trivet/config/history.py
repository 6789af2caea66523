"""`History`: the last snapshots that were in force, so that they can be looked at, compared and put in force again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from trivet.config.snapshot import Snapshot
from trivet.errors import TrivetError
from trivet.exit_codes import EX_DATAERR

HISTORY_SIZE: Final = 20
"""How many snapshots are kept, with the one in force. They share what they have in common."""


class UnknownGenerationError(TrivetError, LookupError):
    """A generation is not in the history: it never was, or too many came after it."""

    exit_code = EX_DATAERR


class History:
    """A bounded ring of snapshots. They hold secrets in the clear, in memory only, as the one in force does."""

    def __init__(self) -> None:
        self._all: dict[int, Snapshot] = {}

    def put(self, snapshot: Snapshot) -> None:
        """Add a snapshot, or put it in place of the one of the same generation; the oldest goes when there are too many."""
        self._all[snapshot.generation] = snapshot
        if len(self._all) > HISTORY_SIZE:
            del self._all[min(self._all)]

    def __iter__(self) -> Iterator[Snapshot]:
        """Yield the snapshots, the oldest first."""
        return iter([*self._all.values()])

    def of(self, generation: int) -> Snapshot:
        """Return the snapshot of a generation.

        Raises:
            UnknownGenerationError: if it is not here; says which are.
        """
        if generation in self._all:
            return self._all[generation]
        there = f"{min(self._all)} to {max(self._all)} are there" if self._all else "nothing is loaded yet"
        raise UnknownGenerationError(f"generation {generation} is not in the history; {there}")
