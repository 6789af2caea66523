"""Docstrings, as far as they describe configuration: a class's first paragraph, and its ``Args:`` (Google style)."""

from __future__ import annotations

import inspect
import re

_SECTION = re.compile(r"^(?:Args|Attributes):\s*$", re.MULTILINE)
_ENTRY = re.compile(r"^\s+(\w+)(?: \([^)]*\))?: (.*)$")


def summary(cls: type) -> str:
    """Return the first paragraph of a class's own docstring as one line; empty where it has none."""
    return " ".join(_text(cls).strip().partition("\n\n")[0].split())


def arguments(cls: type) -> dict[str, str]:
    """Return what ``Args:`` or ``Attributes:`` says of each field of a class, or of the classes it inherits from."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        found |= _arguments(_text(one))
    return found


def _text(cls: type) -> str:
    text: object = vars(cls).get("__doc__")  # an inherited one speaks of another class
    return inspect.cleandoc(text) if isinstance(text, str) and cls is not object else ""


def _arguments(text: str) -> dict[str, str]:
    start = _SECTION.search(text)
    found: dict[str, str] = {}
    name, depth = "", 0
    for line in text[start.end() :].splitlines() if start is not None else ():
        indent = len(line) - len(line.lstrip())
        if line.strip() and not indent:
            break
        entry = _ENTRY.match(line)
        if entry is not None and (not depth or indent <= depth):
            name, depth = entry[1], indent
            found[name] = entry[2].strip()
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found
