"""Putting a value where none stands yet: what the formats have in common. Whoever asks proves the result by parsing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trivet.config.origin import Path
from trivet.config.tree import MISSING, look_up


def newline_of(text: str) -> str:
    """Return the line end that a text uses."""
    return "\r\n" if "\r\n" in text else "\n"


def line_end(text: str, at: int) -> int:
    """Return the offset of the end of a line, before its line end."""
    found = text.find("\n", at)
    if found < 0:
        return len(text)
    return found - 1 if found > at and text[found - 1] == "\r" else found


def indentation(text: str, at: int) -> str:
    """Return the white space that the line around an offset begins with."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start:at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def listed(literals: Sequence[str], indent: str, newline: str) -> str:
    """Write a list, an item per line, in brackets: TOML, YAML and JSON read it alike."""
    inner = f",{newline}{indent}  ".join(literals)
    return f"[{newline}{indent}  {inner}{newline}{indent}]" if literals else "[]"


def nearest_table(tree: Mapping[str, Any], path: Path) -> tuple[Path, list[str]] | None:
    """Return the nearest table around a path, and the keys that lead from it to the path; None where there is none.

    Args:
        tree: What the document holds.
        path: A path where nothing stands.
    """
    node: Any = tree
    for depth, part in enumerate(path):
        below = look_up(node, (part,))
        if below is MISSING:
            rest = [key for key in path[depth:] if isinstance(key, str)]
            return (path[:depth], rest) if isinstance(node, Mapping) and len(rest) == len(path) - depth else None
        node = below
    return None
