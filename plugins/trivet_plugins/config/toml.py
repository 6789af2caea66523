"""Read and write TOML 1.0 (``.toml``). No settings.

Example::

    [database]
    url = "postgres://db/orders"
    pool_size = 10
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from trivet import Document, FormatError, Provider, hookimpl
from trivet.config.limits import LIMITS
from trivet_plugins.config.toml_positions import DuplicateKeyError, LostError, Positions

if TYPE_CHECKING:
    from trivet import Composition, ConfigFormat
    from trivet.config.origin import Path

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY = re.compile(rf"(?:^|[\[{{,])[ \t]*({_PART}(?:[ \t]*\.[ \t]*{_PART}){{{LIMITS.depth},}})")
_SPECIAL = re.compile(r'["\\]')
_ESCAPES = {"\\": r"\\", '"': r"\"", "\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r"}


class Toml:
    """TOML through `tomllib`, with places of its own finding."""

    suffixes: tuple[str, ...] = (".toml",)
    comment = "#"
    nulls = False

    def parse(self, text: str) -> Document:
        """Parse a document.

        Raises:
            FormatError: with the place; of a duplicate key it names both.
        """
        _refuse_long_keys(text)
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as exc:
            raise _explain(text, exc) from None
        except RecursionError:
            raise FormatError(LIMITS.too_deep) from None
        LIMITS.check(data)
        return Document(data, lambda: Positions(text).walk())

    def dump(self, tree: Mapping[str, Any]) -> str:
        """Write a tree.

        Raises:
            ValueError: if it holds a null, which TOML has not.
        """
        import tomli_w

        try:
            return tomli_w.dumps(tree)
        except TypeError as exc:
            raise ValueError(f"TOML cannot hold this value: {exc}") from None

    def scalar(self, text: str, *, like: str) -> str:
        """Write a string: with single quotes where the old one has them and the text allows it, else with double quotes."""
        plain = text.isprintable() and "'" not in text
        if like.startswith("'") and plain:
            return f"'{text}'"
        if text.isprintable() and not _SPECIAL.search(text):
            return f'"{text}"'
        return '"' + "".join(_ESCAPES.get(mark) or _escape(mark) for mark in text) + '"'

    def insertions(self, text: str, path: Path, value: str | list[str]) -> Iterator[str]:
        """Yield texts that may have a value at a path where none is; see `InsertingFormat`."""
        from trivet_plugins.config.toml_insertion import Insertion

        return Insertion(text, path, value, partial(self.scalar, like='"')).candidates(self.parse(text).data)


def _refuse_long_keys(text: str) -> None:
    # tomllib takes time in the square of a dotted key's parts, in a thread that nobody can stop.
    for number, line in enumerate(text.split("\n"), 1):
        found = _LONG_KEY.search(line) if line.count(".") >= LIMITS.depth else None
        if found is not None:
            raise FormatError(LIMITS.too_deep, number, found.start(1) + 1)


def _escape(mark: str) -> str:
    return f"\\u{ord(mark):04x}" if ord(mark) < 0x20 or ord(mark) == 0x7F else mark


def _explain(text: str, exc: tomllib.TOMLDecodeError) -> FormatError:
    message = str(exc)
    place = _PLACE.search(message)
    if message.startswith(("Cannot overwrite", "Cannot declare", "Duplicate")):
        try:
            Positions(text).walk()
        except DuplicateKeyError as found:
            return FormatError(str(found), found.span.line, found.span.column)
        except (LostError, ValueError, SyntaxError, RecursionError):
            pass  # broken in other ways as well: what tomllib says stands
    reason = _PLACE.sub("", message)
    reason = f"not valid TOML: {reason[:1].lower()}{reason[1:]}"
    if place is None or place[1] is None:
        return FormatError(f"{reason} (the document ends too early)", text.count("\n") + 1)
    return FormatError(reason, int(place[1]), int(place[2]))


@hookimpl
def register_config_formats(composition: Composition) -> list[Provider[ConfigFormat]]:
    """Offer ``config_format/toml``."""
    return [Provider(name="toml", factory=Toml)]
