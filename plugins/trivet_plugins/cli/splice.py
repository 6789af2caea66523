"""`SpliceFile`: a configuration file in which one value is replaced in place; every other byte stays as it is."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from trivet import FormatError, TrivetError, UnknownPathError, durable_file
from trivet.config.origin import dotted
from trivet.exit_codes import EX_DATAERR, EX_IOERR, EX_NOINPUT

if TYPE_CHECKING:
    import pathlib

    from trivet import ConfigFormat, Document, Span
    from trivet.config.origin import Path

MAX_BYTES: Final = 16 * 1024 * 1024


class SpliceError(TrivetError, ValueError):
    """A value cannot be replaced; the file is as it was. Says the place and the remedy, never the text of a value."""

    exit_code = EX_DATAERR


class UnreadableFileError(SpliceError):
    """The file is not there or not readable."""

    exit_code = EX_NOINPUT


class UnwritableFileError(SpliceError):
    """The file cannot be written."""

    exit_code = EX_IOERR


@attrs.frozen(eq=False)
class SpliceFile:
    """A configuration file as it was when it was read.

    Args:
        file: Its path.
        format: Knows the places of values and how to write one.
        raw: Its bytes.
        text: Its text, without byte order mark and with the line ends it has.
        document: Its values.
    """

    file: pathlib.Path
    format: ConfigFormat
    raw: bytes = attrs.field(repr=False)
    text: str = attrs.field(repr=False)
    document: Document = attrs.field(repr=False)

    @classmethod
    def read(cls, file: pathlib.Path, format: ConfigFormat) -> SpliceFile:  # noqa: A002 - the field's word
        """Read and parse a file.

        Raises:
            UnreadableFileError: if it cannot be read or is too large.
            SpliceError: if it is not UTF-8 or does not parse.
        """
        raw = _read(file)
        try:
            text = raw.removeprefix(codecs.BOM_UTF8).decode()
            return cls(file, format, raw, text, format.parse(text))
        except UnicodeDecodeError as exc:  # it carries the text, which may hold secrets
            reason = f"{file}: error: not UTF-8 (byte {exc.start})"
        except FormatError as exc:
            place = ":".join(str(part) for part in (file, exc.line, exc.column) if part is not None)
            reason = f"{place}: error: {exc}"
        raise SpliceError(f"{reason}; mend the file first, nothing was changed")

    def value(self, path: Path) -> object:
        """Return the scalar at a path.

        Raises:
            UnknownPathError: if there is nothing.
            SpliceError: if there is a table or list.
        """
        try:
            found = _at(self.document.data, path)
        except (LookupError, TypeError):
            raise UnknownPathError(
                f'{self.file}: has no {dotted(path)}; write it there with any text first, then seal, e.g. "change me"'
            ) from None
        if isinstance(found, Mapping | list):
            raise SpliceError(f"{self.place(path)}: error: {dotted(path)} is a table or list; name one value in it")
        return found

    def span(self, path: Path) -> Span:
        """Return where the value at a path, which exists, stands in the text."""
        return self.document.spans()[path]

    def place(self, path: Path) -> str:
        """Return ``file:line:column`` of the value at a path, which exists."""
        span = self.span(path)
        return f"{self.file}:{span.line}:{span.column}"

    def spliced(self, path: Path, value: str) -> str:
        """Return the text with another value at a path.

        Raises:
            UnknownPathError: if there is nothing at the path.
            SpliceError: if that value cannot be replaced alone.
        """
        self.value(path)
        span, text = self.span(path), self.text
        new = text[: span.start] + self.format.scalar(value, like=text[span.start : span.end]) + text[span.end :]
        # Proven, not trusted: the new text must parse to the old values with this one exchanged. What an anchor or a merge
        # key brings to several places cannot be spliced without changing more than was asked.
        if not self._only_differs(new, path, value):
            raise SpliceError(
                f"{self.place(path)}: error: {dotted(path)} cannot be replaced in place: it is empty, a block, or stands "
                'elsewhere too (an anchor); write a plain text there first, e.g. "change me"'
            )
        return new

    def write(self, path: Path, value: str) -> None:
        """Replace the value at a path in the file: at once, durably, keeping its mode.

        Raises:
            UnknownPathError: if there is nothing at the path.
            SpliceError: if that value cannot be replaced alone, or the file has changed since it was read.
            UnwritableFileError: if it cannot be written.
        """
        mark = codecs.BOM_UTF8 if self.raw.startswith(codecs.BOM_UTF8) else b""
        new = mark + self.spliced(path, value).encode()
        if _read(self.file) != self.raw:
            raise SpliceError(f"{self.file}: changed by someone else meanwhile; nothing was written, try again")
        try:
            durable_file.replace(self.file, new)
        except OSError as exc:
            raise UnwritableFileError(f"{self.file}: cannot be written: {exc.strerror}") from exc

    def _only_differs(self, new: str, path: Path, value: str) -> bool:
        try:
            data = self.format.parse(new).data
        except FormatError:
            return False
        # repr, not ==: it tells 1 from true and 1.0, and a NaN equals itself.
        wanted, got = (repr(_exchanged(tree, path, value)) for tree in (self.document.data, data))
        return wanted == got and _at(data, path) == value


def _read(file: pathlib.Path) -> bytes:
    try:
        if file.exists() and not file.is_file():  # a pipe would block, a directory has nothing to read
            raise UnreadableFileError(f"{file}: not a regular file")
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as exc:
        raise UnreadableFileError(f"{file}: cannot be read: {exc.strerror}") from exc
    if len(raw) > MAX_BYTES:
        raise UnreadableFileError(f"{file}: larger than {MAX_BYTES} bytes; that is no configuration file")
    return raw


def _at(tree: Any, path: Path) -> object:  # noqa: ANN401 - walked down to the value; what does not fit raises
    for part in path:
        tree = tree[part]
    found: object = tree
    return found


def _exchanged(tree: object, path: Path, value: str) -> object:
    if not path:
        return value
    if isinstance(tree, Mapping):
        return {key: _exchanged(item, path[1:], value) if key == path[0] else item for key, item in tree.items()}
    items: list[object] = list(tree) if isinstance(tree, list) else []
    return [_exchanged(item, path[1:], value) if index == path[0] else item for index, item in enumerate(items)]
