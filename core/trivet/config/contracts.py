"""What plugins give to `kernel.config`: sources, formats, resolvers, and participants in a reload."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import attrs

from trivet.config.origin import Path

if TYPE_CHECKING:
    import pathlib

    from trivet.config.layer import Layer
    from trivet.config.origin import Origin
    from trivet.config.snapshot import Snapshot
    from trivet.launch import Launch


@attrs.frozen
class Span:
    """The place of a value in a document.

    Args:
        line: 1-based.
        column: 1-based, in characters.
        start: Offset of the value's first character in the text.
        end: Offset after its last character; ``text[start:end]`` parses to the value.
    """

    line: int
    column: int
    start: int
    end: int


@attrs.frozen(eq=False)
class Document:
    """A parsed configuration document.

    Args:
        data: The values: mappings with text keys, lists, scalars.
        spans: Gives the place of every value, containers too; called only when a place is needed, so it may parse again.
    """

    data: Mapping[str, Any]
    spans: Callable[[], Mapping[Path, Span]]


class FormatError(ValueError):
    """A document does not parse.

    Args:
        message: What is wrong, without the text of any value.
        line: 1-based, None where unknown.
        column: 1-based, None where unknown.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@runtime_checkable
class ConfigFormat(Protocol):
    """A file format. Pure functions of text."""

    suffixes: tuple[str, ...]
    """Lower-case file suffixes with the dot, e.g. ``(".yaml", ".yml")``."""

    def parse(self, text: str) -> Document:
        """Parse a document.

        Raises:
            FormatError: with the place, for anything that is not a well-formed mapping: duplicate keys, too deep, too many nodes.
        """
        ...

    def dump(self, tree: Mapping[str, Any]) -> str:
        """Write a tree so that `parse` gives the same tree."""
        ...

    def scalar(self, text: str, *, like: str) -> str:
        """Write one string so that it can stand in place of ``like``, the source text of the scalar it replaces.

        Used to splice sealed values into files and leave every other character alone.
        """
        ...


@runtime_checkable
class InsertingFormat(ConfigFormat, Protocol):
    """A file format that can put a value where none stands yet."""

    def insertions(self, text: str, path: Path, value: str | list[str]) -> Iterable[str]:
        """Yield documents that may be the old one with a value at one more path, the nicest first.

        They need not be right: whoever asks parses them and takes the first that is.

        Args:
            text: The old document.
            path: A path where nothing stands.
            value: What is to stand there.
        """
        ...


class SchemaView(Protocol):
    """What a source may ask about the schema that the bound sections make up."""

    def match(self, parts: Sequence[str]) -> Path | None:
        """Find the path of a field by case-insensitive names, e.g. ``("DATABASE", "POOL_SIZE")``; None where nothing fits.

        Inside free-form mappings (``dict[str, ...]``) names are taken in lower case.
        """
        ...

    def suggest(self, parts: Sequence[str]) -> str | None:
        """Return the dotted path that looks most like the parts, or None."""
        ...


@attrs.frozen(eq=False, kw_only=True)
class LoadContext:
    """What a source gets to load with.

    Args:
        kernel: The kernel's name; in upper case with ``_`` it is the environment prefix.
        launch: Files, profile, assignments and environment that the process was started with.
        schema: Resolves names against the bound sections.
        formats: Suffix to format, of all format providers.
    """

    kernel: str
    launch: Launch
    schema: SchemaView
    formats: Mapping[str, ConfigFormat]

    @property
    def prefix(self) -> str:
        """What the service's environment variables start with, e.g. ``ORDERS_``."""
        return environment_prefix(self.kernel)


def environment_prefix(kernel: str) -> str:
    """Return what the environment variables of a kernel start with: ``ORDERS_`` for ``orders``."""
    return "".join(mark if mark.isalnum() and mark.isascii() else "_" for mark in kernel.upper()) + "_"


@runtime_checkable
class ConfigSource(Protocol):
    """A place that configuration comes from.

    A source that needs settings of its own declares ``Provider.config``: it then loads after the local sources.
    """

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Load all layers anew.

        A bad document is a layer with ``problems``, so that one report has the problems of every source. An exception means that
        the source could not be reached; it rejects the load too.
        """
        ...


@attrs.frozen(eq=False, kw_only=True, slots=False)  # one for every reference: it is made faster without slots
class ResolveContext:
    """Where a resolver's text stands.

    Args:
        kernel: The kernel's name: the namespace of sealed values.
        path: The path of the value.
        locate: Gives the origin of the text.
        remote: Says whether the text comes from another machine, which must not read what only this one may.
        watch: Takes a file that the value depends on, existing or not: its change asks for a reload.
    """

    kernel: str
    path: Path
    locate: Callable[[], Origin | None] = lambda: None
    remote: Callable[[], bool] = lambda: False
    watch: Callable[[pathlib.Path], None] = lambda _file: None


@attrs.frozen
class Resolved:
    """What a resolver made of its text.

    Args:
        value: The value to put in place. References in it are not resolved.
        secret: True where it must be masked wherever configuration is shown.
        text: True where it is text whose meaning the schema knows, as that of a variable: ``"20"`` is a number where one belongs.
    """

    value: Any = attrs.field(repr=False)
    secret: bool = False
    text: bool = False


class NothingThereError(ValueError):
    """Raised by a resolver where nothing is behind a reference: a default, ``${...:-default}``, takes its place.

    Any other error is a problem, default or not.
    """


@runtime_checkable
class Resolver(Protocol):
    """Gives the value behind a reference: ``${scheme:argument}``, or a whole value ``scheme:argument`` where ``bare`` is true."""

    scheme: str
    bare: bool

    async def resolve(self, argument: str, context: ResolveContext) -> Resolved:
        """Return the value behind ``argument``. Called once per reference and load, after the merge.

        Raises:
            NothingThereError: if nothing is there; like any ``ValueError``, with a text that is safe to print.
            ValueError: if something is wrong; it becomes a problem at the value's place.
        """
        ...


@runtime_checkable
class ReloadParticipant(Protocol):
    """Takes part in every reload: prepares for the new snapshot, then commits or rolls back."""

    async def prepare(self, old: Snapshot, new: Snapshot) -> None:
        """Get ready for ``new`` without yet acting on it. Raise `Veto` (or any exception) to refuse the reload. Time-limited.

        Who joins while a reload runs is asked as well, the last, or joins when ``new`` is in force already.
        """
        ...

    async def commit(self) -> None:
        """Act: ``new`` is in force."""
        ...

    async def rollback(self) -> None:
        """Undo `prepare`: ``new`` will not come into force. Whoever refused is not called: it cleans up before it raises."""
        ...
