"""Settings from files: a base file, drop-ins beside it, and the file of the profile. No settings of its own.

``--config FILE`` names base files. Without it the first of ``./``, ``$XDG_CONFIG_HOME/<name>`` and ``/etc/<name>`` that has
``<name>.toml``, ``.yaml``, ``.yml`` or ``.json`` gives it. From weak to strong: the base file, ``conf.d/*`` beside it in the
order of names, ``<name>.<profile>.toml`` beside it. In ``conf.d`` dot files and files of no configuration format (``README``,
``x.bak``) are left alone, but ``.ini``, ``.conf`` and the like are refused: nobody puts them there to have them ignored.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import stat
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import attrs

from trivet import Document, FormatError, Layer, LoadContext, Origin, Problem, Provider, hookimpl
from trivet.config.limits import LIMITS
from trivet_plugins.config.file_search import Wanted, search

if TYPE_CHECKING:
    from trivet import Composition, ConfigFormat, ConfigSource, Span
    from trivet.config.origin import Path

SETTLE_SECONDS = 0.05
"""A file that is bad and younger than this may be half written: it is read once more after as long."""


@attrs.frozen(eq=False)
class _Parsed:
    digest: bytes
    reader: ConfigFormat
    document: Document


class Files:
    """Configuration files. Keeps what it parsed, so that a reload parses only what changed."""

    def __init__(self) -> None:
        self._parsed: dict[pathlib.Path, _Parsed] = {}

    async def load(self, context: LoadContext) -> Sequence[Layer]:
        """Find, read and parse all files, in a thread."""
        layers, hasty = await anyio.to_thread.run_sync(self._load, context, abandon_on_cancel=True)
        if hasty:
            await anyio.sleep(SETTLE_SECONDS)
            layers, _ = await anyio.to_thread.run_sync(self._load, context, abandon_on_cancel=True)
        return layers

    def _load(self, context: LoadContext) -> tuple[list[Layer], bool]:
        found = search(context)
        parsed: dict[pathlib.Path, _Parsed] = {}
        layers, hasty = [], False
        for wanted in found.files:
            try:
                raw = _read(wanted)
                parsed[wanted.path] = self._parse(wanted.path, raw, context.formats)
                layers.append(_layer(wanted, parsed[wanted.path].document))
                hasty = hasty or (not raw and is_fresh(wanted.path))
            except FormatError as exc:
                layers.append(_refused(wanted, exc))
                hasty = hasty or is_fresh(wanted.path)
        self._parsed = parsed
        if layers:
            layers[0] = attrs.evolve(layers[0], watch=found.watch)
        else:
            layers = [Layer(name="files", priority=0, data={}, locate=_nowhere, watch=found.watch)]
        return layers, hasty

    def _parse(self, path: pathlib.Path, raw: bytes, formats: Mapping[str, ConfigFormat]) -> _Parsed:
        reader = formats[path.suffix.lower()]
        digest = hashlib.sha256(raw).digest()
        known = self._parsed.get(path)
        if known is not None and known.digest == digest and known.reader is reader:
            return known
        return _Parsed(digest, reader, reader.parse(decode(raw)))


def _nowhere(_path: Path) -> Origin:
    return Origin("files", "no file")


def is_fresh(path: pathlib.Path) -> bool:
    """Tell whether a file was written just now, so that it may be half written."""
    try:
        return abs(time.time() - path.stat().st_mtime) < SETTLE_SECONDS
    except OSError:
        return True  # it came or went just now


def _read(wanted: Wanted) -> bytes:
    """Read a file whole.

    Raises:
        FormatError: if that cannot be.
    """
    if wanted.refusal:
        raise FormatError(wanted.refusal)
    try:
        # Non-blocking, so that opening a named pipe without a writer does not wait for one.
        descriptor = os.open(wanted.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FormatError("is no regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                raw = file.read(LIMITS.file_bytes + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise FormatError("no such file; create it, or correct --config") from None
    except OSError as exc:
        raise FormatError(f"cannot be read: {exc.strerror or type(exc).__name__}{_remedy(exc)}") from None
    if len(raw) > LIMITS.file_bytes:
        raise FormatError(f"larger than {LIMITS.file_bytes:,} bytes, too large for configuration")
    return raw


def _remedy(exc: OSError) -> str:
    return f"; let user {os.geteuid()} read it" if isinstance(exc, PermissionError) else ""


def decode(raw: bytes) -> str:
    """Decode a document: UTF-8, with or without a byte order mark.

    Raises:
        FormatError: with the place of the first byte that is no text.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = raw[: exc.start]
        what = "a binary file?" if b"\0" in raw else "save it as UTF-8"
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        raise FormatError(f"not UTF-8 text; {what}", before.count(b"\n") + 1, column) from None


def _layer(wanted: Wanted, document: Document) -> Layer:
    places: dict[str, Mapping[Path, Span]] = {}

    def locate(path: Path) -> Origin:
        if not places:
            places["all"] = document.spans()
        for end in range(len(path), -1, -1):
            span = places["all"].get(path[:end])
            if span is not None:
                return Origin(wanted.layer, str(wanted.path), span.line, span.column)
        return Origin(wanted.layer, str(wanted.path))

    return Layer(name=wanted.layer, priority=wanted.priority, data=document.data, locate=locate)


def _refused(wanted: Wanted, exc: FormatError) -> Layer:
    origin = Origin(wanted.layer, str(wanted.path), exc.line, exc.column)
    data: dict[str, Any] = {}
    return Layer(
        name=wanted.layer,
        priority=wanted.priority,
        data=data,
        locate=lambda _: origin,
        problems=(Problem(str(exc), origin),),
    )


@hookimpl
def register_config_sources(composition: Composition) -> list[Provider[ConfigSource]]:
    """Offer ``config_source/files``."""
    return [Provider(name="files", factory=Files)]
