"""Read and write JSON (``.json``). No settings.

Strict RFC 8259: no comments, no ``NaN``, no duplicate keys.

Example::

    {"database": {"url": "postgres://db/orders", "pool_size": 10}}
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from trivet import Document, FormatError, Provider, hookimpl
from trivet.config.limits import LIMITS
from trivet.config.origin import dotted
from trivet_plugins.config.json_positions import Positions, first_duplicate

if TYPE_CHECKING:
    from trivet import Composition, ConfigFormat
    from trivet.config.origin import Path


class Json:
    """JSON through the standard library."""

    suffixes: tuple[str, ...] = (".json",)

    def parse(self, text: str) -> Document:
        """Parse a document; an empty one is an empty table.

        Raises:
            FormatError: with the place; of a duplicate key it names both.
        """
        if not text.strip():
            return Document({}, dict)
        try:
            data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        except json.JSONDecodeError as exc:
            raise FormatError(f"not valid JSON: {exc.msg[:1].lower()}{exc.msg[1:]}", exc.lineno, exc.colno) from None
        except _DuplicateError:
            raise _duplicate(text) from None
        except RecursionError:
            raise FormatError(LIMITS.too_deep) from None
        except ValueError as exc:
            raise FormatError(f"not valid JSON: {exc}") from None
        if not isinstance(data, dict):
            raise FormatError('the document must be an object, like {"database": {...}}', 1, 1)
        LIMITS.check(data)
        return Document(data, lambda: Positions(text).walk())

    def dump(self, tree: Mapping[str, Any]) -> str:
        """Write a tree, indented. Dates become texts.

        Raises:
            ValueError: if it holds an infinite number or a NaN, which JSON has not.
        """
        return json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False, default=_text) + "\n"

    def scalar(self, text: str, *, like: str) -> str:  # noqa: ARG002 - JSON writes strings one way only
        """Write a string."""
        return json.dumps(text, ensure_ascii=False)

    def insertions(self, text: str, path: Path, value: str | list[str]) -> Iterator[str]:
        """Yield texts that may have a value at a path where none is; see `InsertingFormat`."""
        from trivet_plugins.config.json_insertion import insertions

        document = self.parse(text)
        return insertions(text, document.data, document.spans(), path, value)


class _DuplicateError(ValueError):
    """A key came twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise _DuplicateError
    return table


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _duplicate(text: str) -> FormatError:
    found = first_duplicate(text)
    if found is None:  # pragma: no cover - the parser has just seen one
        return FormatError("not valid JSON: duplicate key")
    path, (line, column), first = found
    return FormatError(f"duplicate key {dotted(path)}, first set on line {first}", line, column)


def _text(value: object) -> str:
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    raise ValueError(f"JSON cannot hold a {type(value).__name__}")


@hookimpl
def register_config_formats(composition: Composition) -> list[Provider[ConfigFormat]]:
    """Offer ``config_format/json``."""
    return [Provider(name="json", factory=Json)]
