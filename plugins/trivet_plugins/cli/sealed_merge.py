"""`SealedMerge`: a three-way merge of a configuration file that knows what is sealed in it.

The text is merged by ``git merge-file``. Before, sealed values that both sides have are settled by what they hold: one that was
only sealed anew gives way to one that was changed, and two that hold the same are one. So rotating keys on one branch is in the
way of nothing on another. Afterwards the manifest is made anew.
"""

from __future__ import annotations

import pathlib
import subprocess
import tempfile
from typing import TYPE_CHECKING, Final

import attrs

from trivet import TrivetError
from trivet.ciphers.manifests import ENTRIES
from trivet.config.origin import dotted
from trivet.config.tree import look_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trivet.config.origin import Path
    from trivet_plugins.cli.sealed_file import SealedFile, SealedValue

_SECONDS: Final = 60


class MergeRefusedError(TrivetError):
    """A side of the merge cannot be trusted, or nothing can be merged here: git stops, and both sides stay as they are."""

    exit_code = 129  # what git takes for a failure; up to 128 is a conflict that somebody may overlook


@attrs.frozen(eq=False)
class Merged:
    """What came of a merge.

    Args:
        raw: The content of the file.
        conflicts: What has still to be done by hand; empty where it is whole.
    """

    raw: bytes = attrs.field(repr=False)
    conflicts: tuple[str, ...]


@attrs.frozen(eq=False)
class SealedMerge:
    """A merge.

    Args:
        base: The common ancestor; empty where there was none.
        ours: One side.
        theirs: The other.
        primary: The id of the primary key.
    """

    base: SealedFile
    ours: SealedFile
    theirs: SealedFile
    primary: int

    async def merge(self) -> Merged:
        """Merge.

        Raises:
            MergeRefusedError: if a side is not what its manifest vouches for.
            SpliceError: if a value cannot be replaced in place.
        """
        generation, theirs = await self._trusted(self.ours, "ours"), await self._trusted(self.theirs, "theirs")
        newer = self.ours if generation >= theirs else self.theirs
        generation, settled = max(generation, theirs), await self._settled()
        sides = [self._prepared(side, settled, newer) for side in (self.ours, self.base, self.theirs)]
        raw, conflicts = _merge_text(sides, self.ours.source.file.name)
        if conflicts:
            how = "settle them, seal anew what is sealed and changed on both sides"
            return Merged(raw, (f"{self.ours.source.file}: {conflicts} conflicts; {how}{self._then(generation)}",))
        return self._vouched(raw, generation)

    async def _trusted(self, side: SealedFile, whose: str) -> int:
        generation, lines = await side.faults()
        if self.base.has(ENTRIES) and not side.has(ENTRIES):
            lines = [f"{side.source.file}: error: its manifest was taken out"]
        if lines:
            raise MergeRefusedError("\n".join(f"{whose}: {line}" for line in lines))
        return generation

    def _then(self, generation: int) -> str:
        return f", then: trivet secrets manifest {self.ours.source.file}" if generation else ""

    # -- values ---------------------------------------------------------------------------------------------------------------

    async def _settled(self) -> dict[Path, SealedValue]:
        """Return what is to stand at places where the sides differ and it is clear which is right."""
        base, ours, theirs = (
            {value.path: value for value in side.values if value.is_whole}
            for side in (self.base, self.ours, self.theirs)
        )
        found: dict[Path, SealedValue] = {}
        for path in {**ours, **theirs}:
            sides = [side[path] for side in (ours, theirs) if path in side]
            old = base.get(path)
            if len(sides) == 1 and old is not None and await self._same(old, sides[0]):
                found[path] = old  # sealed anew here, removed there: removed
            elif len(sides) > 1 and sides[0].text != sides[1].text:
                winner = await self._winner(old, *sides)
                if winner is not None:
                    found[path] = winner
        return found

    async def _winner(self, old: SealedValue | None, ours: SealedValue, theirs: SealedValue) -> SealedValue | None:
        if await self._same(ours, theirs):
            return theirs if self._key(theirs) == self.primary else ours
        if old is not None and await self._same(old, ours):
            return theirs
        return ours if old is not None and await self._same(old, theirs) else None

    async def _same(self, one: SealedValue, other: SealedValue) -> bool:
        if one.text == other.text:
            return True
        clear, same = await self.ours.opened(one), await self.ours.opened(other)
        return clear is not None and same is not None and [*clear.values()] == [*same.values()]

    def _key(self, value: SealedValue) -> int | None:
        from trivet_plugins.cli.sealed_file import envelope_of

        envelope = envelope_of(value.tokens[0])
        return None if envelope is None else envelope.key_id

    # -- text -----------------------------------------------------------------------------------------------------------------

    def _prepared(self, side: SealedFile, settled: dict[Path, SealedValue], newer: SealedFile) -> bytes:
        """Return a side with the settled values, and with the newer manifest, which is made anew afterwards."""
        here = {value.path: value for value in side.values if value.is_whole}
        changes = {path: {here[path].tokens[0]: value.tokens[0]} for path, value in settled.items() if path in here}
        text = side.with_tokens(changes)
        if side.has(ENTRIES) and newer.has(ENTRIES):
            text = side.source.with_text(text).replaced({ENTRIES: (newer.source.source(ENTRIES), newer.entries)})
        return side.source.encoded(text)

    def _vouched(self, raw: bytes, generation: int) -> Merged:
        """Return the merged file with its manifest, if nothing in it is from nowhere."""
        from trivet_plugins.cli.splice import SpliceError, SpliceFile

        source = self.ours.source
        try:
            merged = attrs.evolve(self.ours, source=SpliceFile.of(source.file, source.format, raw))
        except SpliceError as exc:  # two sides that are right make a text that is none: a key set twice, say
            return Merged(raw, (f"{exc}{self._then(generation)}",))
        if strays := [*self._strays(merged)]:
            return Merged(raw, tuple(f"{line}{self._then(generation)}" for line in strays))
        if not generation:
            return Merged(raw, ())
        return Merged(source.encoded(merged.vouched(merged.source.text, generation + 1)), ())

    def _strays(self, merged: SealedFile) -> Iterator[str]:
        known = [side.source.document.data for side in (self.ours, self.theirs, self.base)]
        for value in merged.values:
            if not any(look_up(tree, value.path) == value.text for tree in known):
                yield f"{merged.source.place(value.path)}: error: {dotted(value.path)}: no side has this sealed value here"


def _merge_text(sides: list[bytes], name: str) -> tuple[bytes, int]:
    """Merge ours, base and theirs; return the text, with markers where they conflict, and the number of conflicts."""
    with tempfile.TemporaryDirectory(prefix="trivet-") as directory:
        files = [pathlib.Path(directory) / f"{label}-{name}" for label in ("ours", "base", "theirs")]
        for file, raw in zip(files, sides, strict=True):
            file.write_bytes(raw)
        labels = [word for label in ("ours", "base", "theirs") for word in ("-L", label)]
        command = ["git", "merge-file", "-p", *labels, *map(str, files)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603 - fixed words
    if not 0 <= done.returncode < 128:
        raise MergeRefusedError(f"git merge-file failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout, done.returncode
