"""`Origin`: where a value came from, in the form an editor can jump to."""

from __future__ import annotations

import re

import attrs

Path = tuple[str | int, ...]
"""The place of a value in the tree: keys and list indices from the root, e.g. ``("database", "hosts", 0)``."""

_MARK = re.compile(r'[.\[\]"]')


def dotted(path: Path) -> str:
    """Return the printed form of a path: ``database.hosts[0]``. A key that holds a dot or bracket is quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = f'"{part}"' if not part or _MARK.search(part) else part
            text += f".{key}" if text else key
    return text


def inside(path: Path, places: frozenset[Path]) -> bool:
    """Tell whether a path is one of some places or lies in one."""
    return bool(places) and any(path[:end] in places for end in range(len(path) + 1))


_PART = re.compile(r'(?:^|\.)(?:"([^"]*)"|([^."\[\]]+))|\[(\d+)\]')


def parse_path(text: str) -> Path:
    """Read what `dotted` writes.

    Raises:
        ValueError: if it is no path.
    """
    parts: list[str | int] = []
    end = 0
    while end < len(text):
        match = _PART.match(text, end)
        if match is None:
            raise ValueError(f"{text!r} is no path; write it like database.hosts[0]")
        quoted, plain, index = match.groups()
        parts.append(int(index) if index is not None else plain if quoted is None else quoted)
        end = match.end()
    return tuple(parts)


@attrs.frozen
class Origin:
    """Where a value came from.

    Args:
        layer: The layer's name, e.g. ``base``, ``environment``.
        source: The file's path as the user gave it, ``env ORDERS_DB__POOL__SIZE``, ``--set #2``.
        line: 1-based line of the value, for files.
        column: 1-based column of the value, in characters, for files.
        revision: The revision at a remote store.
        note: What is unusual about it, e.g. ``last known good, 2026-01-31T12:00:00Z``.
    """

    layer: str
    source: str
    line: int | None = None
    column: int | None = None
    revision: str | None = None
    note: str | None = None

    def __str__(self) -> str:
        text = self.source
        if self.line is not None:
            text += f":{self.line}"
            if self.column is not None:
                text += f":{self.column}"
        text = text if self.revision is None else f"{text} @rev {self.revision}"
        return text if self.note is None else f"{text} ({self.note})"
