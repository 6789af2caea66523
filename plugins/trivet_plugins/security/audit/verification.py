"""`Verification`: is the log what was written? It reads files only, so it runs on a copy, on another machine.

With the public key it checks form, numbers and every signed checkpoint: what a checkpoint covers is as it was when it was
signed. With the seed it checks every record by itself, the last ones too, and the end against ``state``. A checkpoint that was
kept elsewhere (a sink, a witness) is the one thing that shows a whole directory which was put back to an earlier day.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from trivet_plugins.security.audit.checkpoint import Checkpoint, PublicKey
from trivet_plugins.security.audit.directory import LogDirectory
from trivet_plugins.security.audit.finding import KEEP, Finding
from trivet_plugins.security.audit.glimpse import Glimpse
from trivet_plugins.security.audit.ratchet import FIRST_PREVIOUS, Ratchet
from trivet_plugins.security.audit.record import TaggedRecord
from trivet_plugins.security.audit.segment import Line, Segment
from trivet_plugins.security.audit.state import newest
from trivet_plugins.security.audit.tree import MerkleTree
from trivet_plugins.security.merkle import leaf_hash

if TYPE_CHECKING:
    from trivet_plugins.security.audit.notes import Note
    from trivet_plugins.security.audit.seed import Seed

_CUT: Final = "the end was cut off"


@attrs.define
class Verified:
    """What was checked, and the first thing that is wrong.

    Args:
        records: Records that are as they were written, from the first on.
        segments: Files of records that there are.
        checkpoints: Signed checkpoints that fit.
        covered: Records that the last one covers.
        sealed: Whether each record was checked by itself, with the seed.
        ended: Whether the end was compared with the state of the service.
        finding: What is wrong; None where nothing is.
    """

    records: int = 0
    segments: int = 0
    checkpoints: int = 0
    covered: int = 0
    sealed: bool = False
    ended: bool = False
    finding: Finding | None = None


class Verification:
    """Reads a log from its beginning to its end.

    Args:
        directory: Where it is, or a copy.
        public: The log's public key; None: checkpoints are not checked.
        seed: The log's seed; None: records are not checked by themselves.
        witnessed: Signed notes that were kept elsewhere.

    Raises:
        OSError: if the directory cannot be read.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        *,
        public: PublicKey | None = None,
        seed: Seed | None = None,
        witnessed: Sequence[str] = (),
    ) -> None:
        self._directory = LogDirectory(directory)
        self._glimpse = Glimpse.of(self._directory)
        self._public = public
        self._ratchet = Ratchet(0, seed.key) if seed is not None else None
        self._witnessed = witnessed
        self._tag = FIRST_PREVIOUS
        self._tree = MerkleTree()
        self._due: list[tuple[Checkpoint, str, int | None]] = []
        self._last = (Segment.at(directory, 0).path.name, 0)
        self._result = Verified(sealed=seed is not None)

    def run(self) -> Verified:
        """Check it all, or up to the first thing that is wrong.

        Raises:
            OSError: if a file cannot be read.
        """
        result = self._result
        try:
            self._due = sorted(self._checkpoints(), key=lambda one: one[0].size)
            self._compare()
            for segment, size in self._glimpse.segments:
                self._read(segment, size)
            self._compare_end()
        except Finding as finding:
            result.finding = finding
        result.records = (
            self._tree.size if result.sealed or result.finding is None else min(result.records, self._tree.size)
        )
        return result

    # -- checkpoints ----------------------------------------------------------------------------------------------------------

    def _checkpoints(self) -> Iterator[tuple[Checkpoint, str, int | None]]:
        if self._public is None:
            return
        last = -1
        for note in self._directory.notes.read(self._glimpse.notes):
            checkpoint = self._open(self._public, note)
            if checkpoint.size <= last:
                what = f"a checkpoint of {checkpoint.size} records stands behind one of {last}"
                raise Finding("checkpoints", note.line, None, what)
            last = checkpoint.size
            yield checkpoint, "checkpoints", note.line
        for number, text in enumerate(self._witnessed, 1):
            try:
                yield self._public.open(text), f"checkpoint {number} from elsewhere", None
            except ValueError as exc:
                raise Finding(
                    f"checkpoint {number} from elsewhere", None, None, str(exc), "give the one of this log"
                ) from None

    @staticmethod
    def _open(public: PublicKey, note: Note) -> Checkpoint:
        what = "it has no end"
        try:
            checkpoint = public.open(note.text)
        except ValueError as exc:
            what = f"not a checkpoint of this log: {exc}"
        else:
            if note.whole:
                return checkpoint
        remedy = (
            "if the service died while it wrote the last one, its next start sets that right; else it was changed: "
            + KEEP
        )
        raise Finding("checkpoints", note.line, None, what, remedy)

    def _compare(self) -> None:
        """Compare the tree with the checkpoints that were made at its present size."""
        while self._due and self._due[0][0].size == self._tree.size:
            checkpoint, file, line = self._due.pop(0)
            if checkpoint.root != self._tree.root():
                first = self._result.covered
                records = f"the records {first} to {checkpoint.size - 1} are not those that were signed"
                what = f"{records}: one of them was changed, added or taken out"
                raise Finding(file, line, None if self._result.sealed else first, what)
            self._result.checkpoints += 1
            self._result.covered = self._result.records = checkpoint.size

    # -- records --------------------------------------------------------------------------------------------------------------

    def _read(self, segment: Segment, size: int) -> None:
        name, expected = segment.path.name, self._tree.size
        if segment.first != expected and size:
            raise Finding(name, 1, expected, self._displaced(segment.first))
        self._result.segments += 1
        for line in segment.lines(until=size):
            self._last = name, line.number
            self._check(name, line)

    def _check(self, file: str, line: Line) -> None:
        expected = self._tree.size
        if not line.whole:
            what = "it has no end, or is longer than a record"
            remedy = (
                f"if the service died in the middle of it, its next start sets it aside and records that; else: {KEEP}"
            )
            raise Finding(file, line.number, expected, what, remedy)
        try:
            found = TaggedRecord.parse(line.data)
        except ValueError as exc:
            what = f"{exc}: it was changed after it was written"
        else:
            if found.record.seq != expected:
                raise Finding(file, line.number, expected, self._displaced(found.record.seq))
            if self._ratchet is None or found.tag == self._ratchet.tag(self._tag, found.text):
                self._pass(line.data, found.tag)
                return
            what = "its tag does not fit: it was changed, or put in another's place, after it was written"
        raise Finding(file, line.number, expected, what)

    def _pass(self, line: bytes, tag: bytes) -> None:
        self._tree.append(leaf_hash(line))
        self._tag = tag
        if self._ratchet is not None:
            self._ratchet.step()
        self._compare()

    def _displaced(self, seq: int) -> str:
        expected = self._tree.size
        if seq < expected:
            return f"record {seq} stands here again: records were doubled or put into another order"
        many = f"records {expected} to {seq - 1} are" if seq - expected > 1 else f"record {expected} is"
        return f"{many} missing: taken out, or {_CUT} before the service went on"

    # -- the end --------------------------------------------------------------------------------------------------------------

    def _compare_end(self) -> None:
        file, line = self._last
        size = self._tree.size
        if self._due:
            checkpoint, _, _ = self._due[-1]
            what = f"{_CUT}: the log has {size} records, and {checkpoint.size} when a checkpoint was signed"
            raise Finding(file, line or None, size, what)
        state = self._state()
        if state is None:
            return
        seq, key = state
        if seq > size:
            raise Finding(file, line or None, size, f"{_CUT}: the log has {size} records, the service wrote {seq}")
        if self._ratchet is not None and (seq < size or key != self._ratchet.key()):
            what = "not the state of this log: it is older than the log, or was made up"
            remedy = f"if the service died just now, its next start sets that right; else: {KEEP}"
            raise Finding("state", None, None, what, remedy)
        self._result.ended = self._ratchet is not None

    def _state(self) -> tuple[int, bytes] | None:
        """Return number and key of the state; None where there is none, as in a copy for somebody else."""
        if self._glimpse.state is None:
            return None
        state = newest(self._glimpse.state)
        if state is None:
            raise Finding(
                "state", None, None, "damaged: the log cannot go on", f"begin a new log in another directory; {KEEP}"
            )
        return state.seq, state.key
