"""`Reading`: files become layers, each after the files that it includes, for those are weaker."""

from __future__ import annotations

import hashlib
import os
import pathlib
from typing import TYPE_CHECKING

import attrs

from trivet import Document, FormatError, Layer, LoadContext, Origin
from trivet.config.limits import LIMITS
from trivet_plugins.config.document_file import decode, is_fresh, read
from trivet_plugins.config.include import Include, expand, take

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trivet import ConfigFormat
    from trivet_plugins.config.file_search import Wanted


@attrs.frozen(eq=False)
class Parsed:
    """A file as it was parsed last: good as long as its bytes are the same."""

    digest: bytes
    reader: ConfigFormat
    document: Document


@attrs.frozen(eq=False)
class _Link:
    """A file on the way from a file that was looked for to one that is included, and what named it."""

    wanted: Wanted
    include: Include | None

    @property
    def real(self) -> str:
        return os.path.realpath(self.wanted.path)


class Reading:
    """One load of the files.

    Args:
        context: Has the formats, and the key that includes.
        known: What was parsed before.
    """

    def __init__(self, context: LoadContext, known: Mapping[pathlib.Path, Parsed]) -> None:
        self.layers: list[Layer] = []
        """From the weakest to the strongest."""
        self.watch: list[pathlib.Path] = []
        """What to watch because of includes."""
        self.parsed: dict[pathlib.Path, Parsed] = {}
        self.hasty = False
        """True where something is bad, or empty, and was written just now: it may be half there."""
        self._key = context.launch.include_key
        self._formats = context.formats
        self._known = known
        self._met: set[str] = set()

    def add(self, wanted: Wanted) -> None:
        """Read a file and all that it includes, each once: where it is included first, so that every includer wins over it."""
        self._met = set()
        self._add((_Link(wanted, None),))

    def _add(self, chain: tuple[_Link, ...]) -> None:
        link = chain[-1]
        self._met.add(link.real)
        try:
            document = self._document(link.wanted)
        except FormatError as exc:
            self.hasty = self.hasty or is_fresh(link.wanted.path)
            self.layers.append(_refused(link, exc))
            return
        whole = Origin(link.wanted.layer, str(link.wanted.path))
        layer, includes = take(Layer.of_document(document, whole, priority=link.wanted.priority), self._key)
        for include in includes:
            self._follow(include, chain)
        self.layers.append(layer)

    def _document(self, wanted: Wanted) -> Document:
        if wanted.refusal:
            raise FormatError(wanted.refusal)
        raw = read(wanted.path)
        self.hasty = self.hasty or (not raw and is_fresh(wanted.path))
        reader = self._formats[wanted.path.suffix.lower()]
        digest = hashlib.sha256(raw).digest()
        known = self._known.get(wanted.path)
        if known is None or known.digest != digest or known.reader is not reader:
            known = Parsed(digest, reader, reader.parse(decode(raw)))
        self.parsed[wanted.path] = known
        return known.document

    def _follow(self, include: Include, chain: tuple[_Link, ...]) -> None:
        here = chain[-1].wanted
        found = expand(include, here, tuple(self._formats))
        self.watch += found.watch
        for wanted in found.files:
            link = _Link(wanted, include)
            circle = next((index for index, one in enumerate(chain) if one.real == link.real), None)
            if circle == len(chain) - 1 and include.is_pattern:
                continue  # "all files here" means all others
            if circle is not None:
                reason = f"files include each other in a circle: {_way((*chain[circle:], link))}"
                self._refuse(here, include, reason)
            elif len(chain) > LIMITS.includes:
                reason = (
                    f"more than {LIMITS.includes} files include each other, one from the next: {_way((*chain, link))}"
                )
                self._refuse(here, include, reason)
            elif link.real not in self._met:
                self._add((*chain, link))

    def _refuse(self, wanted: Wanted, include: Include, reason: str) -> None:
        self.layers.append(Layer.refused(reason, include.origin(), priority=wanted.priority))


def _way(chain: tuple[_Link, ...]) -> str:
    """Write the places that lead from the first file of a chain to the last."""
    places = [str(link.include.origin()) for link in chain[1:] if link.include is not None]
    return " -> ".join([*places, str(chain[-1].wanted.path)])


def _refused(link: _Link, exc: FormatError) -> Layer:
    """Make the layer of a bad file. A file that cannot be read has no place to show, so what names it is shown."""
    wanted, include = link.wanted, link.include
    reason = f"{exc}; create it, or correct --config" if str(exc) == "no such file" else str(exc)
    origin = Origin(wanted.layer, str(wanted.path), exc.line, exc.column)
    if include is not None and exc.line is None:
        reason = f"{wanted.path}: {exc}" + ("; create it, or take it out here" if str(exc) == "no such file" else "")
        origin = include.origin()
    return Layer.refused(reason, origin, priority=wanted.priority)
