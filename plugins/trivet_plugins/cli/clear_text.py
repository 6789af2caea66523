"""`ClearText`: a file with its sealed values in the clear, for an editor, and the way back.

A sealed value stands there as ``seal:`` and the value. On the way back whatever begins with ``seal:`` is sealed for its
place; what stands at its old place with its old value gets its old envelope, byte for byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from trivet import SealError
from trivet.config.origin import dotted
from trivet.config.tree import MISSING, look_up, scalars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trivet.config.origin import Path
    from trivet_plugins.cli.sealed_file import SealedFile
    from trivet_plugins.cli.splice import SpliceFile

MARK: Final = "seal:"


@attrs.frozen(eq=False)
class ClearText:
    """A file in the clear.

    Args:
        file: The file as it is.
        text: Its text with the values in the clear.
        values: The values that opened, by path.
        closed: The places of sealed values that stay sealed in the text: they do not open, or are parts of a text.
    """

    file: SealedFile
    text: str = attrs.field(repr=False)
    values: Mapping[Path, str] = attrs.field(repr=False)
    closed: tuple[Path, ...]

    @classmethod
    async def of(cls, file: SealedFile) -> ClearText:
        """Open all values of a file."""
        source = file.source
        values: dict[Path, str] = {}
        closed: list[Path] = []
        for value in file.values:
            clear = await file.opened(value) if value.is_whole else None
            if clear is None:
                closed.append(value.path)
            else:
                (values[value.path],) = clear.values()
        text = source.replaced(
            {
                path: (source.format.scalar(MARK + clear, like=source.source(path)), MARK + clear)
                for path, clear in values.items()
            }
        )
        return cls(file, text, values, tuple(closed))

    async def sealed(self, text: str) -> Edited:
        """Return what an edited text is with its values sealed.

        Raises:
            SpliceError: if it does not parse, or a value cannot be sealed in place.
            SealError: if a value to be sealed is empty.
        """
        edited, old = self.file.source.with_text(text), self.file.source
        changes: dict[Path, tuple[str, object]] = {}
        anew: list[Path] = []
        for path, clear in _marked(edited):
            if self.values.get(path) == clear:
                changes[path] = old.source(path), look_up(old.document.data, path)
            elif look_up(old.document.data, path) != MARK + clear:  # a text that had begun so, and was no secret
                if not clear:
                    raise SealError(f"{edited.place(path)}: error: {dotted(path)}: nothing follows {MARK}")
                token = await self.file.ciphers.seal_config(clear, path=path)
                like = old.source(path) if path in self.values else edited.source(path)  # in the quotes that it had
                changes[path] = edited.format.scalar(token, like=like), token
                anew.append(path)
        bare = [
            path for path in self.values if path not in changes and look_up(edited.document.data, path) is not MISSING
        ]
        return Edited(edited.replaced(changes), edited, tuple(anew), tuple(bare))


@attrs.frozen(eq=False)
class Edited:
    """What came of an edit.

    Args:
        text: The file's new text, sealed.
        source: The edited text, for places.
        anew: Paths of values that were sealed.
        bare: Paths of values that were sealed before and stand in the clear now.
    """

    text: str = attrs.field(repr=False)
    source: SpliceFile
    anew: tuple[Path, ...]
    bare: tuple[Path, ...]


def _marked(source: SpliceFile) -> list[tuple[Path, str]]:
    return [
        (path, value.removeprefix(MARK))
        for path, value in scalars(source.document.data)
        if isinstance(value, str) and value.startswith(MARK)
    ]
