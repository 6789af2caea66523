"""Durations as Prometheus writes them: ``1h30m``, ``15s``, ``500ms``."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_FORM: Final = re.compile("".join(rf"(?:(?P<{unit}>\d{{1,18}}){unit})?" for unit in _UNITS))
_LONGEST: Final = 2**63 // 1_000_000


class DurationError(ValueError):
    """A text is no duration."""


def milliseconds_of(text: str) -> int:
    """Return a duration in milliseconds.

    Args:
        text: Whole numbers with the units y, w, d, h, m, s and ms, the larger first, each at most once; or ``0``.

    Raises:
        DurationError: if it is none, or longer than 292 years.
    """
    if text == "0":
        return 0
    found = _FORM.fullmatch(text)
    if not text or found is None:
        raise DurationError(f"{text!r} is no duration; write it like 90s, 1h30m or 500ms")
    total = sum(int(found[unit] or 0) * size for unit, size in _UNITS.items())
    if total > _LONGEST:
        raise DurationError(f"{text} is too long")
    return total


def duration_text(milliseconds: int) -> str:
    """Return a duration as Prometheus writes it: years and weeks only where it is a whole number of them."""
    if milliseconds == 0:
        return "0s"
    text, rest = "", milliseconds
    for unit, size in _UNITS.items():
        exact = unit in {"y", "w", "d"}
        if rest < size or (exact and rest % size):
            continue
        text += f"{rest // size}{unit}"
        rest %= size
    return text
