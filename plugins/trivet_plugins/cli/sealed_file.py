"""`SealedFile`: the sealed values of a configuration file: where they stand, whether they open, and in other words instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from trivet import SealError, TrivetError
from trivet.ciphers.envelope import PREFIX, Envelope, EnvelopeError
from trivet.config.origin import dotted
from trivet.config.tree import MISSING, look_up, scalars
from trivet.exit_codes import EX_CONFIG

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping

    from trivet import ConfigFormat, Kernel
    from trivet.ciphers.registry import Ciphers
    from trivet.config.origin import Path
    from trivet_plugins.cli.splice import SpliceFile

TOKEN: Final = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_-]*")
"""A sealed value, alone or inside a reference: ``${trivet:1:...}``."""


class SealedFileError(TrivetError, ValueError):
    """Sealed values of a file do not open; one line for each, with its place."""

    exit_code = EX_CONFIG


@attrs.frozen
class SealedValue:
    """A text that is sealed, or holds something sealed.

    Args:
        path: Where it stands.
        text: All of it.
    """

    path: Path
    text: str

    @property
    def tokens(self) -> tuple[str, ...]:
        """The envelopes in it, each once."""
        return tuple(dict.fromkeys(TOKEN.findall(self.text)))

    @property
    def is_whole(self) -> bool:
        """True where the text is an envelope and nothing else."""
        return TOKEN.fullmatch(self.text.strip()) is not None


def sealed_values(tree: Mapping[str, Any]) -> list[SealedValue]:
    """Return the sealed values of a tree, in its order."""
    return [SealedValue(path, value) for path, value in scalars(tree) if isinstance(value, str) and TOKEN.search(value)]


def envelope_of(token: str) -> Envelope | None:
    """Return what a sealed value says about itself; None where it is damaged."""
    try:
        return Envelope.decode(token)
    except EnvelopeError:
        return None


def read_file(kernel: Kernel, file: pathlib.Path) -> SpliceFile:
    """Read a configuration file in one of the formats that a kernel has.

    Raises:
        SpliceError: if it is in none of them, or cannot be read.
    """
    from trivet_plugins.cli.splice import SpliceError, SpliceFile

    formats: Mapping[str, ConfigFormat] = {
        suffix: format_ for format_ in kernel.provided("config_format").values() for suffix in format_.suffixes
    }
    found = formats.get(file.suffix.lower())
    if found is None:
        raise SpliceError(
            f"{file}: no loaded format has the suffix {file.suffix!r}; there are {', '.join(sorted(formats))}"
        )
    return SpliceFile.read(file, found)


@attrs.frozen(eq=False)
class SealedFile:
    """A configuration file and what opens its sealed values.

    Args:
        source: The file.
        ciphers: Open and seal.
    """

    source: SpliceFile
    ciphers: Ciphers

    @property
    def values(self) -> list[SealedValue]:
        """The sealed values, in the order of the document."""
        return sealed_values(self.source.document.data)

    async def opened(self, value: SealedValue) -> dict[str, str] | None:
        """Return what the envelopes of a value hold; None where one does not open.

        Raises:
            KeyRingError: if there are no usable keys.
        """
        clear: dict[str, str] = {}
        for token in value.tokens:
            try:
                clear[token] = await self.ciphers.open_config(token, path=value.path)
            except SealError:
                return None
        return clear

    def with_tokens(self, changes: Mapping[Path, Mapping[str, str]]) -> str:
        """Return the text of the file with other envelopes.

        Args:
            changes: Per path, old envelope to new.

        Raises:
            SpliceError: if one of them cannot be replaced in place.
        """
        values = {value.path: value for value in self.values if value.path in changes}
        return self.source.replaced({path: self._rewritten(value, changes[path]) for path, value in values.items()})

    def with_sealed(self, path: Path, token: str) -> str:
        """Return the text of the file with an envelope at a path, whether or not something stands there yet.

        Raises:
            SpliceError: if it cannot be put there.
        """
        if self.has(path):
            return self.source.spliced(path, token)
        return self.source.inserted(path, token)

    def has(self, path: Path) -> bool:
        """Tell whether something stands at a path."""
        return look_up(self.source.document.data, path) is not MISSING

    def _rewritten(self, value: SealedValue, tokens: Mapping[str, str]) -> tuple[str, str]:
        written, text = self.source.source(value.path), value.text
        if value.is_whole and not all(token in written for token in tokens):  # with escapes in it, or folded
            (new,) = tokens.values()
            return self.source.format.scalar(new, like=written), new
        for old, new in tokens.items():
            written, text = written.replace(old, new), text.replace(old, new)
        return written, text

    def does_not_open(self, value: SealedValue) -> str:
        """Return the line about a value that does not open."""
        return (
            f"{self.source.place(value.path)}: error: {dotted(value.path)}: the sealed value does not open: it is damaged, "
            "or it was sealed with another key, for another place, or by a cipher whose plugin is not loaded"
        )
