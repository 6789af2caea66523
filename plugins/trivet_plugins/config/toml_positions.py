"""The place of every value in a TOML document. `tomllib` keeps none, so this walks the text once more, when a place is asked for.

The text has been parsed before, so this only has to find where values begin and end, not what is wrong with them. The span of a
table that a header opens is empty and stands at the header's name: its values are no stretch of text.
"""

from __future__ import annotations

import ast
import bisect
import re
from collections.abc import Callable

from trivet import Span
from trivet.config.origin import Path, dotted

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\(?:.|\n|\r\n)|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)")
_BARE = re.compile(r"\d{4}-\d\d-\d\d[ ]\d\d:\d\d[^\s,\]}#]*|[^\s,\[\]{}#]+")


class LostError(ValueError):
    """The text is not TOML."""


class DuplicateKeyError(ValueError):
    """A key is set twice.

    Args:
        path: The key.
        span: The second place.
        first: Line of the first place.
    """

    def __init__(self, path: Path, span: Span, first: int) -> None:
        super().__init__(f"duplicate key {dotted(path)}, first set on line {first}")
        self.span = span


class Positions:
    """One walk over a document.

    Args:
        text: The document.
    """

    def __init__(self, text: str) -> None:
        self.spans: dict[Path, Span] = {}
        self.headers: dict[Path, int] = {}  # tables that a header opens: the offset after it
        self.ends: dict[Path, int] = {}  # tables with keys of their own: the offset after the last one's value
        self._text = text
        self._at = 0
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._tables: dict[Path, int] = {}  # arrays of tables, and how many tables each has so far
        self._set: set[Path] = set()

    def walk(self) -> dict[Path, Span]:
        """Return the span of every value.

        Raises:
            DuplicateKeyError: at the second of two equal keys.
            LostError: where the text is not TOML.
        """
        table: Path = ()
        while self._peek(_BLANK) and self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
                self.ends[table] = self._at
        if () in self.ends:
            self.headers[()] = 0
        return self.spans

    def _peek(self, skip: re.Pattern[str]) -> bool:
        match = skip.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return True

    def _take(self, mark: str) -> bool:
        if self._text.startswith(mark, self._at):
            self._at += len(mark)
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise LostError(mark)

    def _span(self, start: int, end: int) -> Span:
        line = bisect.bisect_right(self._lines, start)
        return Span(line, start - self._lines[line - 1] + 1, start, end)

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise LostError(pattern.pattern)
        self._at = match.end()
        return match[0]

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._peek(_SPACE)
            keys.append(_unquote(self._match(_KEY)))
            self._peek(_SPACE)
            if not self._take("."):
                return keys

    def _header(self) -> Path:
        mark = "[[" if self._text.startswith("[[", self._at) else "["
        self._expect(mark)
        start = self._at
        *outer, last = self._keys()
        self._expect("]" * len(mark))
        span = self._span(start, start)
        path: Path = ()
        for key in outer:
            path = (*path, key)
            self.spans.setdefault(path, span)
            path = (*path, self._tables[path] - 1) if path in self._tables else path
        path = (*path, last)
        if mark == "[[":
            self.spans.setdefault(path, span)
            self._tables[path] = self._tables.get(path, 0) + 1
            path = (*path, self._tables[path] - 1)
        else:
            path = (*path, self._tables[path] - 1) if path in self._tables else path
            self._once(path, span)
        self.spans.setdefault(path, span)
        self.headers[path] = self._at
        return path

    def _once(self, path: Path, span: Span) -> None:
        if path in self._set:
            raise DuplicateKeyError(path, span, self.spans[path].line)
        self._set.add(path)

    def _pair(self, table: Path) -> None:
        start = self._at
        keys = self._keys()
        span = self._span(start, start)
        for end in range(1, len(keys)):
            self.spans.setdefault((*table, *keys[:end]), span)
        path = (*table, *keys)
        self._once(path, span)
        self._expect("=")
        self._peek(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        start = self._at
        mark = self._text[start : start + 1]
        if mark == "[":
            self._container("]", lambda index: self._value((*path, index)))
        elif mark == "{":
            self._container("}", lambda _: self._pair(path))
        else:
            self._match(_STRING if mark in {'"', "'"} else _BARE)
        self.spans[path] = self._span(start, self._at)

    def _container(self, close: str, member: Callable[[int], None]) -> None:
        self._at += 1
        index = 0
        while self._peek(_BLANK) and not self._take(close):
            member(index)
            index += 1
            self._peek(_BLANK)
            if not self._take(",") and not self._text.startswith(close, self._at):
                raise LostError(close)


def _unquote(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    if key[0] == '"':
        # TOML's escapes are Python's, but for \e.
        escaped = _ESCAPE.sub(lambda match: r"\x1b" if match[1] == "e" else match[0], key)
        text: str = ast.literal_eval(escaped) if "\\" in key else key[1:-1]
        return text
    return key
