"""`SealedFile`: the sealed values of a configuration file: where they stand, whether they open, and in other words instead."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import attrs

from trivet import SealError, TrivetError
from trivet.ciphers.envelope import TOKEN, Envelope, EnvelopeError
from trivet.ciphers.manifests import ENTRIES, Manifests, sealed_texts
from trivet.config.origin import dotted
from trivet.config.tree import MISSING, look_up
from trivet.exit_codes import EX_CONFIG

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping

    from trivet import ConfigFormat, Kernel
    from trivet.ciphers.registry import Ciphers
    from trivet.config.origin import Path
    from trivet_plugins.cli.splice import SpliceFile


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


def envelope_of(token: str) -> Envelope | None:
    """Return what a sealed value says about itself; None where it is damaged."""
    try:
        return Envelope.decode(token)
    except EnvelopeError:
        return None


def format_of(kernel: Kernel, file: pathlib.Path) -> ConfigFormat:
    """Return the format that reads a configuration file.

    Raises:
        SpliceError: if a kernel has none for it.
    """
    from trivet_plugins.cli.splice import SpliceError

    formats: Mapping[str, ConfigFormat] = {
        suffix: format_ for format_ in kernel.provided("config_format").values() for suffix in format_.suffixes
    }
    found = formats.get(file.suffix.lower())
    if found is None:
        raise SpliceError(
            f"{file}: no loaded format has the suffix {file.suffix!r}; there are {', '.join(sorted(formats))}"
        )
    return found


@attrs.frozen(eq=False)
class SealedFile:
    """A configuration file and what opens its sealed values.

    Args:
        source: The file.
        ciphers: Open and seal.
        manifests: Make and check its manifest; None where nothing does.
    """

    source: SpliceFile
    ciphers: Ciphers
    manifests: Manifests | None

    @classmethod
    def read(cls, kernel: Kernel, file: pathlib.Path) -> SealedFile:
        """Read a file in one of the formats that a running kernel has.

        Raises:
            SpliceError: if it is in none of them, or cannot be read.
        """
        from trivet_plugins.cli.splice import SpliceFile

        return cls.of(kernel, SpliceFile.read(file, format_of(kernel, file)))

    @classmethod
    def of(cls, kernel: Kernel, source: SpliceFile) -> SealedFile:
        """Take a file that was read."""
        from trivet import UnknownServiceError

        try:
            manifests = kernel.service(Manifests)
        except UnknownServiceError:
            manifests = None
        return cls(source, kernel.ciphers, manifests)

    @functools.cached_property
    def texts(self) -> Mapping[Path, str]:
        """The texts that are sealed, or hold something sealed, by path."""
        return sealed_texts(self.source.document.data)

    @property
    def values(self) -> list[SealedValue]:
        """The sealed values, in the order of the document."""
        return [SealedValue(path, text) for path, text in self.texts.items()]

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

    # -- the manifest ---------------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> object:
        """The manifest as it stands in the file; `MISSING` where there is none."""
        return look_up(self.source.document.data, ENTRIES)

    async def faults(self) -> tuple[int, list[str]]:
        """Check the manifest, if there is one; return its generation, and a line for each thing it does not vouch for."""
        if self.entries is MISSING or self.manifests is None:
            return 0, []
        verdict = await self.manifests.check(self.entries, self.texts)
        lines = [
            f"{self.source.place(fault.path)}: error: {self._about(fault.path)}{fault.about(str(self.source.file))}"
            for fault in verdict.faults
        ]
        return verdict.generation, lines

    def _about(self, path: Path) -> str:
        return "" if path[: len(ENTRIES)] == ENTRIES else f"{dotted(path)}: "

    @property
    def manifest_key(self) -> int | None:
        """The id of the key that the manifest is signed under; None where there is none, or it cannot be read."""
        entries = self.entries
        key = self.manifests.key_of(entries) if self.manifests is not None and isinstance(entries, list) else None
        return None if key is None else int(key, 16)

    async def save(self, text: str) -> None:
        """Write a new text, with a manifest that vouches for it where there was one, or must be one.

        Raises:
            SealedFileError: if the manifest that is there does not vouch for the file as it was: that would be covered up.
            SpliceError: if the manifest cannot be put into the file, or the file has changed meanwhile.
        """
        generation = await self._generation()
        if generation or (self.manifests is not None and self.manifests.is_required()):
            text = self.vouched(text, generation + 1, unless_same=True)
        self.source.write_text(text)

    async def save_tokens(self, changes: Mapping[Path, Mapping[str, str]]) -> None:
        """Write the file with other envelopes, and with a new generation of its manifest; see `with_tokens` and `save`."""
        generation = await self._generation()
        if not generation or self.manifests is None:
            await self.save(self.with_tokens(changes))
            return
        values = self.texts
        written = {path: self._rewritten(SealedValue(path, values[path]), tokens) for path, tokens in changes.items()}
        new = {path: written[path][1] if path in written else text for path, text in values.items()}
        entries = self.manifests.make(new, generation=generation + 1)
        # All at once: each splice is proven by a parse, and for a large file those are most of the work.
        self.source.write_text(self.source.replaced({**written, ENTRIES: (_listed(self.source, entries), entries)}))

    async def _generation(self) -> int:
        generation, lines = await self.faults()
        if lines:
            raise SealedFileError("\n".join((*lines, f"{self.source.file}: nothing was changed")))
        return generation

    def vouched(self, text: str, generation: int, *, unless_same: bool = False) -> str:
        """Return a text of this file with a manifest that vouches for it.

        Args:
            text: The text.
            generation: Of the manifest.
            unless_same: True to leave the manifest as it is where the sealed values are.

        Raises:
            SpliceError: if it cannot be put there.
        """
        new = self.source.with_text(text)
        values, there = sealed_texts(new.document.data), look_up(new.document.data, ENTRIES)
        same = values == self.texts and there == self.entries
        if self.manifests is None or (same and unless_same and (there is not MISSING or not values)):
            return text
        entries = self.manifests.make(values, generation=generation)
        if there is MISSING:
            return new.inserted(ENTRIES, entries)
        return new.replaced({ENTRIES: (_listed(new, entries), entries)})


def _listed(source: SpliceFile, entries: list[str]) -> str:
    """Write a list, an item per line, as it stands in a text already: TOML, YAML and JSON read it alike."""
    text, at = source.text, source.span(ENTRIES).end - 1  # as its closing bracket is indented
    newline = "\r\n" if "\r\n" in text else "\n"
    line = text[text.rfind("\n", 0, at) + 1 : at]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    inner = f",{newline}{indent}  ".join(source.format.scalar(one, like='"') for one in entries)
    return f"[{newline}{indent}  {inner}{newline}{indent}]"
