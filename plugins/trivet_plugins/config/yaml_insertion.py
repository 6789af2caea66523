"""Put a key into a YAML document: after the last key of its mapping, in block or flow style as that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import attrs

from trivet import Span
from trivet.config.origin import Path
from trivet_plugins.config.insertion import line_end, listed, nearest_table, newline_of
from trivet_plugins.config.yaml_scalar import is_safe_plain


@attrs.frozen(eq=False)
class Insertion:
    """A key that is to come into a document.

    Args:
        text: The document.
        path: A path where nothing stands.
        value: What is to stand there.
        quoted: Writes a string in double quotes.
    """

    text: str
    path: Path
    value: str | list[str]
    quoted: Callable[[str], str]

    def candidates(self, data: Mapping[str, object], spans: Mapping[Path, Span]) -> Iterator[str]:
        """Yield texts that may have it, the nicest first.

        Args:
            data: What the document parses to.
            spans: Where its values stand.
        """
        found = nearest_table(data, self.path)
        if found is None:
            return
        table, rest = found
        keys, span = [key if is_safe_plain(key) else self.quoted(key) for key in rest], spans.get(table)
        if span is not None and self.text.startswith("{", span.start):
            yield self._into_braces(keys, span)
        elif span is not None:
            ends = (one.end for place, one in spans.items() if place[: len(table)] == table and place != table)
            yield from self._into_block(keys, span, max(ends, default=span.start))
        elif not table:  # an empty document, or nothing but comments
            newline = newline_of(self.text)
            gap = "" if not self.text or self.text.endswith("\n") else newline
            yield f"{self.text}{gap}{self._block(keys, '')}{newline}"

    def _into_braces(self, keys: list[str], span: Span) -> str:
        text = self.text
        items = self.value if isinstance(self.value, str) else [*map(self.quoted, self.value)]
        inner = self.quoted(items) if isinstance(items, str) else f"[{', '.join(items)}]"
        source = text[span.start : span.end - 1].rstrip()
        pair = ": {".join(keys) + f": {inner}" + "}" * (len(keys) - 1)
        at = span.start + len(source)
        return f"{text[:at]}{', ' if source[1:].strip() else ''}{pair}{text[at:]}"

    def _into_block(self, keys: list[str], span: Span, last: int) -> Iterator[str]:
        text, newline, indent = self.text, newline_of(self.text), " " * (span.column - 1)
        block = self._block(keys, indent)
        if text[last - 1 : last] == "\n":  # a block scalar ends with its line
            yield f"{text[:last]}{indent}{block}{newline}{text[last:]}"
        end = line_end(text, last)
        yield f"{text[:end]}{newline}{indent}{block}{text[end:]}"
        yield f"{text[: span.start]}{block}{newline}{indent}{text[span.start :]}"

    def _block(self, keys: list[str], indent: str) -> str:
        newline = newline_of(self.text)
        lines = [f"{indent * bool(depth)}{'  ' * depth}{key}:" for depth, key in enumerate(keys)]
        if isinstance(self.value, str):
            inner = self.quoted(self.value)
        else:
            inner = listed([*map(self.quoted, self.value)], indent + "  " * len(keys), newline)
        return f"{newline.join(lines)} {inner}"
