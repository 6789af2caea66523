"""Put a member into a JSON document: after the last member of its object, on a line of its own where those are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from trivet import Span
from trivet.config.origin import Path
from trivet_plugins.config.insertion import indentation, listed, nearest_table, newline_of


def insertions(
    text: str, data: Mapping[str, object], spans: Mapping[Path, Span], path: Path, value: str | list[str]
) -> Iterator[str]:
    """Yield texts that may have the value at the path.

    Args:
        text: The document.
        data: What it parses to.
        spans: Where its values stand.
        path: A path where nothing stands.
        value: What is to stand there.
    """
    found = nearest_table(data, path)
    if found is None:
        return
    table, rest = found
    newline, span = newline_of(text), spans.get(table)
    if span is None:
        yield "{" + _member(rest, value, "", newline) + "}" + newline
        return
    members = [one for place, one in spans.items() if place[:-1] == table and place != table]
    if not members:
        yield f"{text[: span.start]}{{{_member(rest, value, '', newline)}}}{text[span.end :]}"
        return
    last = max(members, key=lambda one: one.end)
    on_lines = "\n" in text[span.start : last.start]
    indent = indentation(text, last.start) if on_lines else ""
    gap = f"{newline}{indent}" if on_lines else " "
    yield f"{text[: last.end]},{gap}{_member(rest, value, indent, newline)}{text[last.end :]}"


def _member(keys: list[str], value: str | list[str], indent: str, newline: str) -> str:
    written = [json.dumps(key, ensure_ascii=False) for key in keys]
    if isinstance(value, str):
        inner = json.dumps(value, ensure_ascii=False)
    else:
        inner = listed([json.dumps(item, ensure_ascii=False) for item in value], indent, newline)
    return ": {".join(written) + f": {inner}" + "}" * (len(keys) - 1)
