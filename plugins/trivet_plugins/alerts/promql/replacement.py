"""`filled`: what stands in place of a match, ``$1`` and ``${name}`` in it being what their groups have matched, as in Go."""

from __future__ import annotations

import re
from typing import Final

_REFERENCE: Final = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)

_LONGEST: Final = 100
"""Characters of the name of a group; no number of one has more."""


def filled(template: str, found: re.Match[str]) -> str:
    """Return the template with the groups put in; ``$$`` is a dollar, a group that is not there is empty."""
    return _REFERENCE.sub(lambda reference: _group(found, reference), template)


def _group(found: re.Match[str], reference: re.Match[str]) -> str:
    name = reference[1] or reference[2]
    if name is None:
        return "$"
    if len(name) > _LONGEST:
        return ""
    try:
        return found.group(int(name) if name.isdigit() else name) or ""
    except (IndexError, KeyError):
        return ""
