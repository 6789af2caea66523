"""The place of every value in a JSON document, found by one more walk when a place is asked for."""

from __future__ import annotations

import bisect
import contextlib
import re
from collections.abc import Callable
from json import decoder

from trivet import Span
from trivet.config.origin import Path

_scanstring: Callable[[str, int], tuple[str, int]] = vars(decoder)["scanstring"]
_SPACE = re.compile(r"[ \t\r\n]*")
_BARE = re.compile(r"[^\s,\]}]+")


class Positions:
    """One walk over a document that `json` has parsed.

    Args:
        text: The document.
    """

    def __init__(self, text: str) -> None:
        self.spans: dict[Path, Span] = {}
        self.keys: list[tuple[Path, int]] = []
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def walk(self) -> dict[Path, Span]:
        """Return the span of every value."""
        self._value(self._skip(0), ())
        return self.spans

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset."""
        line = bisect.bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _value(self, start: int, path: Path) -> int:
        mark = self._text[start]
        if mark == "{":
            end = self._members(start + 1, path)
        elif mark == "[":
            end = self._items(start + 1, path)
        elif mark == '"':
            end = _scanstring(self._text, start + 1)[1]
        else:
            match = _BARE.match(self._text, start)
            end = match.end() if match else start + 1
        self.spans[path] = Span(*self.place(start), start, end)
        return end

    def _members(self, at: int, path: Path) -> int:
        at = self._skip(at)
        while self._text[at] != "}":
            key, end = _scanstring(self._text, at + 1)
            self.keys.append(((*path, key), at))
            colon = self._skip(end)
            at = self._next(self._value(self._skip(colon + 1), (*path, key)))
        return at + 1

    def _items(self, at: int, path: Path) -> int:
        at, index = self._skip(at), 0
        while self._text[at] != "]":
            at = self._next(self._value(at, (*path, index)))
            index += 1
        return at + 1

    def _next(self, at: int) -> int:
        at = self._skip(at)
        return self._skip(at + 1) if self._text[at] == "," else at


def first_duplicate(text: str) -> tuple[Path, tuple[int, int], int] | None:
    """Return path and place of the first repeated key, and the line where it stood first."""
    positions = Positions(text)
    # The parser has stopped at the end of the object with the repeated key; what comes after it may be no JSON at all.
    with contextlib.suppress(ValueError, IndexError, RecursionError):
        positions.walk()
    seen: dict[Path, int] = {}
    for path, offset in positions.keys:
        if path in seen:
            return path, positions.place(offset), positions.place(seen[path])[0]
        seen[path] = offset
    return None
