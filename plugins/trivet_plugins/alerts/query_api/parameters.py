"""The parameters of Prometheus's HTTP API: times, durations, steps."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Final

from trivet_plugins.alerts.duration import DurationError, milliseconds_of

if TYPE_CHECKING:
    from trivet import AdminRequest

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[-+]\d\d:\d\d)")
_FARTHEST: Final = 2.0**53 / 1_000


class ParameterError(ValueError):
    """A parameter is missing, or is none."""


def time_of(request: AdminRequest, name: str, default: float | None = None) -> float:
    """Return a time in seconds since the epoch.

    Args:
        request: What was asked.
        name: Of the parameter: a number, or RFC 3339.
        default: Where it is missing; None: it must not be.

    Raises:
        ParameterError: if it is none.
    """
    text = request.get(name, "")
    if not text:
        if default is None:
            raise ParameterError(f'invalid parameter "{name}": it is missing')
        return default
    value = _number(text)
    if value is None and _RFC3339.fullmatch(text):
        try:
            value = dt.datetime.fromisoformat(text.upper()).timestamp()
        except ValueError:
            value = None
    if value is None or not -_FARTHEST < value < _FARTHEST:
        raise ParameterError(f'invalid parameter "{name}": cannot parse {text!r} to a valid timestamp')
    return value


def duration_of(request: AdminRequest, name: str, *, needed: bool) -> float | None:
    """Return a duration in seconds, more than 0: a number, or one like ``1m30s``; None where it is missing and may be.

    Raises:
        ParameterError: if it is none.
    """
    text = request.get(name, "")
    if not text and not needed:
        return None
    value = _number(text or "")
    if value is None:
        try:
            value = milliseconds_of(text or "") / 1_000
        except DurationError:
            value = math.nan
    if not 0 < value < _FARTHEST:
        raise ParameterError(f'invalid parameter "{name}": {text!r} is no duration of more than 0')
    return value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
