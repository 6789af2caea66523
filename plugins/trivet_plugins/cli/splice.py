"""`SpliceFile`: a configuration file in which values are replaced in place; every other byte stays as it is."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from trivet import FormatError, TrivetError, UnknownPathError, durable_file
from trivet.config.origin import dotted
from trivet.config.tree import convert, look_up, replace
from trivet.exit_codes import EX_DATAERR, EX_IOERR, EX_NOINPUT

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

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
        return cls.of(file, format, _read(file))

    @classmethod
    def of(cls, file: pathlib.Path, format: ConfigFormat, raw: bytes) -> SpliceFile:  # noqa: A002 - as above
        """Parse the content of a file, which need not be what is there.

        Raises:
            SpliceError: if it is not UTF-8 or does not parse.
        """
        try:
            text = raw.removeprefix(codecs.BOM_UTF8).decode()
        except UnicodeDecodeError as exc:  # it carries the text, which may hold secrets
            reason = f"{file}: error: not UTF-8 (byte {exc.start})"
        else:
            return cls(file, format, raw, text, _parsed(file, format, text))
        raise SpliceError(f"{reason}; mend the file first, nothing was changed")

    @functools.cached_property
    def spans(self) -> Mapping[Path, Span]:
        """Where each value stands in the text. Found once: it takes another walk over the document."""
        return self.document.spans()

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
        return self.spans[path]

    def place(self, path: Path) -> str:
        """Return ``file:line:column`` of the value at a path, which exists."""
        span = self.span(path)
        return f"{self.file}:{span.line}:{span.column}"

    def source(self, path: Path) -> str:
        """Return how the value at a path, which exists, is written: with its quotes."""
        span = self.span(path)
        return self.text[span.start : span.end]

    def spliced(self, path: Path, value: str) -> str:
        """Return the text with another value at a path.

        Raises:
            UnknownPathError: if there is nothing at the path.
            SpliceError: if that value cannot be replaced alone.
        """
        self.value(path)
        return self.replaced({path: (self.format.scalar(value, like=self.source(path)), value)})

    def replaced(self, changes: Mapping[Path, tuple[str, object]]) -> str:
        """Return the text with other values at paths that exist.

        Args:
            changes: Path to what is to be written there, and to the value that this means.

        Raises:
            SpliceError: if one of the values cannot be replaced alone.
        """
        spans = self.spans
        pieces: list[str] = []
        end = 0
        for path in sorted(changes, key=lambda path: spans[path].start):
            span = spans[path]
            if span.start < end:
                raise self._stuck(path)
            pieces += (self.text[end : span.start], changes[path][0])
            end = span.end
        new = "".join((*pieces, self.text[end:]))
        self._prove(new, {path: value for path, (_, value) in changes.items()})
        return new

    def inserted(self, path: Path, value: str | list[str]) -> str:
        """Return the text with a value where none stands yet.

        Raises:
            SpliceError: if its format cannot do that, or not at this place.
        """
        from trivet.config.contracts import InsertingFormat

        if isinstance(self.format, InsertingFormat):
            wanted = repr(_sorted(_with(self.document.data, path, value)))
            for text in self.format.insertions(self.text, path, value):
                try:
                    data = self.format.parse(text).data
                except FormatError:
                    continue
                if repr(_sorted(data)) == wanted:  # proven, as in `replaced`; the order of keys is the format's choice
                    return text
        raise SpliceError(
            f"{self.file}: {dotted(path)} cannot be put into this file, for what is around it; "
            'write it there with any text first, e.g. "change me"'
        )

    def with_text(self, text: str) -> SpliceFile:
        """Return the file as it would be with another text; ``raw`` stays what was read.

        Raises:
            SpliceError: if the text does not parse.
        """
        return attrs.evolve(self, text=text, document=_parsed(self.file, self.format, text))

    def encoded(self, text: str) -> bytes:
        """Return the bytes of a text, with the byte order mark that the file has."""
        return (codecs.BOM_UTF8 if self.raw.startswith(codecs.BOM_UTF8) else b"") + text.encode()

    def write(self, path: Path, value: str) -> None:
        """Replace the value at a path in the file; see `replaced` and `write_text`."""
        self.write_text(self.spliced(path, value))

    def write_text(self, text: str) -> None:
        """Write a new text into the file: at once, durably, keeping its mode, owner and byte order mark.

        Raises:
            SpliceError: if the file has changed since it was read.
            UnwritableFileError: if it cannot be written.
        """
        try:
            with _alone(self.file):
                if _read(self.file) != self.raw:
                    raise SpliceError(f"{self.file}: changed by someone else meanwhile; nothing was written, try again")
                durable_file.replace(self.file, self.encoded(text))
        except OSError as exc:
            raise UnwritableFileError(f"{self.file}: cannot be written: {exc.strerror}") from exc

    def _prove(self, new: str, values: Mapping[Path, object]) -> None:
        # Proven, not trusted: the new text must parse to the old values with these exchanged. What an anchor or a merge
        # key brings to several places cannot be spliced without changing more than was asked.
        try:
            data = self.format.parse(new).data
        except FormatError:
            raise self._stuck(next(iter(values))) from None
        wanted = self.document.data
        for path, value in values.items():
            if isinstance(value, list):
                wanted = replace(wanted, path, value)
        wanted = convert(wanted, values.get)
        if repr(wanted) != repr(data):  # not ==: it tells 1 from true and 1.0, and a NaN equals itself
            off = next((path for path, value in values.items() if look_up(data, path) != value), next(iter(values)))
            raise self._stuck(off)

    def _stuck(self, path: Path) -> SpliceError:
        return SpliceError(
            f"{self.place(path)}: error: {dotted(path)} cannot be replaced in place: it is empty, a block, or stands "
            'elsewhere too (an anchor); write a plain text there first, e.g. "change me"'
        )


def _parsed(file: pathlib.Path, format_: ConfigFormat, text: str) -> Document:
    try:
        return format_.parse(text)
    except FormatError as exc:
        place = ":".join(str(part) for part in (file, exc.line, exc.column) if part is not None)
        reason = f"{place}: error: {exc}"
    raise SpliceError(f"{reason}; mend the file first, nothing was changed")


@contextlib.contextmanager
def _alone(file: pathlib.Path) -> Iterator[None]:
    """Keep other commands like this one from the directory of a file, so that none overwrites what another has just written."""
    handle = os.open(file.resolve().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


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


def _with(tree: Any, path: Path, value: object) -> Any:  # noqa: ANN401 - as above
    if not path:
        return value
    if isinstance(tree, list):
        return [_with(item, path[1:], value) if index == path[0] else item for index, item in enumerate(tree)]
    table: dict[Any, Any] = dict(tree) if isinstance(tree, Mapping) else {}
    return {**table, path[0]: _with(table.get(path[0], {}), path[1:], value)}


def _sorted(tree: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(tree, Mapping):
        return {key: _sorted(tree[key]) for key in sorted(tree)}
    return [_sorted(item) for item in tree] if isinstance(tree, list) else tree
