"""Put a key into a TOML document: at the end of its table where there is one, else in a new table at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from trivet.config.origin import Path
from trivet_plugins.config.insertion import indentation, line_end, listed, nearest_table, newline_of
from trivet_plugins.config.toml_positions import Positions

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


@attrs.frozen(eq=False)
class Insertion:
    """A key that is to come into a document.

    Args:
        text: The document.
        path: A path where nothing stands.
        value: What is to stand there.
        quoted: Writes a string.
    """

    text: str
    path: Path
    value: str | list[str]
    quoted: Callable[[str], str]

    def candidates(self, data: Mapping[str, object]) -> Iterator[str]:
        """Yield texts that may have it, the nicest first.

        Args:
            data: What the document parses to.
        """
        found = nearest_table(data, self.path)
        if found is None:
            return
        table, rest = found
        positions = Positions(self.text)
        span = positions.walk().get(table)
        if len(rest) == 1:
            yield from self._into_table(positions, table)
        if table and span is not None and self.text[span.start : span.end].endswith("}"):
            yield _into_braces(self.text, span.start, span.end, f"{self._key(rest)} = {self._literal('')}")
        elif len(self.path) > 1 and all(isinstance(part, str) for part in self.path):
            yield self._new_table()
            yield from self._dotted(positions)

    def _key(self, keys: Iterable[str | int]) -> str:
        return ".".join(key if _BARE.match(key) else self.quoted(key) for key in map(str, keys))

    def _literal(self, indent: str) -> str:
        if isinstance(self.value, str):
            return self.quoted(self.value)
        return listed([self.quoted(item) for item in self.value], indent, newline_of(self.text))

    def _into_table(self, positions: Positions, table: Path) -> Iterator[str]:
        text, key = self.text, self._key(self.path[-1:])
        if table in positions.ends:
            indent = indentation(text, positions.ends[table])
            yield self._after_line(positions.ends[table], f"{indent}{key} = {self._literal(indent)}")
        elif table in positions.headers:
            yield self._after_line(positions.headers[table], f"{key} = {self._literal('')}")
        elif not table:
            yield f"{key} = {self._literal('')}{newline_of(text)}{text}"

    def _new_table(self) -> str:
        text, newline = self.text, newline_of(self.text)
        gap = ("" if text.endswith("\n") else newline) + newline if text else ""
        return f"{text}{gap}[{self._key(self.path[:-1])}]{newline}{self._key(self.path[-1:])} = {self._literal('')}{newline}"

    def _dotted(self, positions: Positions) -> Iterator[str]:
        """Where dotted keys make up the table: one more of them."""
        around = (self.path[:end] for end in range(len(self.path) - 1, -1, -1))
        table = next((one for one in around if one in positions.ends), None)
        if table is not None:
            line = f"{self._key(self.path[len(table) :])} = {self._literal('')}"
            yield self._after_line(positions.ends[table], line)

    def _after_line(self, at: int, line: str) -> str:
        end = line_end(self.text, at)
        return f"{self.text[:end]}{newline_of(self.text)}{line}{self.text[end:]}"


def _into_braces(text: str, start: int, end: int, pair: str) -> str:
    inside = text[start + 1 : end - 1].rstrip(" \t")
    at = start + 1 + len(inside)
    return (
        f"{text[:at]}{', ' if inside.strip() else ' '}{pair}{text[at:] if inside.strip() else f' {text[at:].lstrip()}'}"
    )
