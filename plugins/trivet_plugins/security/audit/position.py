"""`Position`: the end of the log in memory: key, last tag and hash tree, as they go from record to record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivet_plugins.security.audit.ratchet import Ratchet
from trivet_plugins.security.audit.record import TaggedRecord, line_of
from trivet_plugins.security.audit.tree import MerkleTree
from trivet_plugins.security.merkle import leaf_hash

if TYPE_CHECKING:
    from trivet_plugins.security.audit.entry import AuditEntry
    from trivet_plugins.security.audit.state import LogState


class Position:
    """Where the log ends.

    Args:
        ratchet: The key of the next record.
        tag: The tag of the last record.
        tree: Over all records.
    """

    __slots__ = ("ratchet", "tag", "tree")

    def __init__(self, ratchet: Ratchet, tag: bytes, tree: MerkleTree) -> None:
        self.ratchet = ratchet
        self.tag = tag
        self.tree = tree

    @classmethod
    def of(cls, state: LogState) -> Position:
        """Return that of a state."""
        return cls(Ratchet(state.seq, state.key), state.tag, MerkleTree(state.seq, state.peaks))

    @property
    def seq(self) -> int:
        """Number of the next record."""
        return self.ratchet.position

    def copy(self) -> Position:
        """Return another one that moves by itself."""
        return Position(self.ratchet.copy(), self.tag, self.tree.copy())

    def add(self, entry: AuditEntry, kernel: str, node: str) -> bytes:
        """Return the line of the next record, with its end, and move behind it."""
        parts = entry.record(self.seq, kernel, node).parts()
        tag = self.ratchet.tag(self.tag, "".join(parts).encode())
        line = line_of(parts, tag)
        self._pass(line, tag)
        return line + b"\n"

    def follow(self, line: bytes) -> TaggedRecord | None:
        """Move behind a line that is the next record; None, and no move, where it is not.

        Args:
            line: Without its end.
        """
        try:
            found = TaggedRecord.parse(line)
        except ValueError:
            return None
        if found.record.seq != self.seq or found.tag != self.ratchet.tag(self.tag, found.text):
            return None
        self._pass(line, found.tag)
        return found

    def _pass(self, line: bytes, tag: bytes) -> None:
        self.tree.append(leaf_hash(line))
        self.tag = tag
        self.ratchet.step()
