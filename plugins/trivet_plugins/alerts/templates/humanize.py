"""Numbers as people read them: ``humanize`` and its relatives, with the rounding of Prometheus (``template/template.go``)."""

from __future__ import annotations

import math
from typing import Final

from trivet_plugins.alerts.templates.go_format import four_digits, moment_text

_LARGE: Final = "kMGTPEZY"
_SMALL: Final = "munpfazy"


def humanize(value: float) -> str:
    """Return a number with a metric prefix: ``1.235k``, ``12.35m``."""
    if value == 0 or not math.isfinite(value):
        return four_digits(value)
    if abs(value) >= 1:
        return _scaled(value, 1_000, tuple(_LARGE))
    return _small(value)


def humanize1024(value: float) -> str:
    """Return a number with a binary prefix: ``1.206ki``."""
    if abs(value) <= 1 or not math.isfinite(value):
        return four_digits(value)
    return _scaled(value, 1_024, ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"))


def humanize_duration(seconds: float) -> str:
    """Return a duration: ``1d 2h 3m 4s``, ``12.35s``, ``400ms``."""
    if not math.isfinite(seconds):
        return four_digits(seconds)
    if seconds == 0:
        return f"{four_digits(seconds)}s"
    if abs(seconds) < 1:
        return f"{_small(seconds)}s"
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    whole = int(rest)
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {whole % 60}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {whole % 60}s"
    return f"{sign}{minutes}m {whole % 60}s" if minutes else f"{sign}{four_digits(rest)}s"


def humanize_percentage(value: float) -> str:
    """Return a share as percentage: ``12.5%``."""
    return f"{four_digits(value * 100)}%"


def humanize_timestamp(seconds: float) -> str:
    """Return a time since the epoch as UTC.

    Raises:
        ValueError: if it has no nanoseconds in 64 bits.
    """
    return moment_text(checked_time(seconds)) if math.isfinite(seconds) else four_digits(seconds)


def checked_time(seconds: float) -> float:
    """Return a time that Go can represent.

    Raises:
        ValueError: if it cannot.
    """
    if not math.isfinite(seconds) or not -(2.0**63) <= seconds * 1e9 < 2.0**63:
        raise ValueError(f"{four_digits(seconds)} is no time: it has no nanoseconds in 64 bits")
    return seconds


def _scaled(value: float, base: int, prefixes: tuple[str, ...]) -> str:
    prefix = ""
    for one in prefixes:
        if abs(value) < base:
            break
        prefix = one
        value /= base
    return four_digits(value) + prefix


def _small(value: float) -> str:
    prefix = ""
    for one in _SMALL:
        if abs(value) >= 1:
            break
        prefix = one
        value *= 1_000
    return four_digits(value) + prefix
