"""Coercion: what the text of a text layer means to a type. Files never come here: their values have types already."""

from __future__ import annotations

import datetime as dt
import json
import re
from fractions import Fraction
from typing import Any

from trivet.config.fault import Fault

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_INT = re.compile(
    r"[+-]?(?:\d+(?:_\d+)*|0x[0-9a-f]+(?:_[0-9a-f]+)*|0o[0-7]+(?:_[0-7]+)*|0b[01]+(?:_[01]+)*)", re.IGNORECASE
)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]i?)?B")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d|w))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)")
_SECOND = 1_000_000
_MICROSECONDS = {
    "us": 1,
    "ms": 1000,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
    "d": 86_400 * _SECOND,
    "w": 604_800 * _SECOND,
}


def to_bool(text: str) -> bool:
    """Read a bool word, in any case.

    Raises:
        Fault: if it is none.
    """
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Fault("expected a boolean (true/false/yes/no/on/off/1/0)", text)


def to_int(text: str) -> int:
    """Read an integer (``10_000``, ``0xff``) or a size in bytes (``10MiB`` = 10 * 2**20, ``10MB`` = 10 * 10**6).

    Raises:
        Fault: if it is none.
    """
    text = text.strip()
    if _INT.fullmatch(text):
        try:
            return int(text, 0) if re.match(r"[+-]?0[xob]", text, re.IGNORECASE) else int(text)
        except ValueError:  # Python caps the number of digits
            raise Fault("an integer of that many digits is not read", text) from None
    size = _SIZE.fullmatch(text)
    if size is None:
        raise Fault("expected an integer", text)
    unit = size[2] or ""
    power = "kMGT".index(unit[0].replace("K", "k")) + 1 if unit else 0
    factor: int = (1024 if unit.endswith("i") else 1000) ** power
    return round(float(size[1]) * factor)


def to_float(text: str) -> float:
    """Read a number.

    Raises:
        Fault: if it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise Fault("expected a number", text) from None


def to_duration(text: str) -> dt.timedelta:
    """Read a duration: ``250ms``, ``10s``, ``1h30m``, ``2d``, ``1w``.

    Raises:
        Fault: if it is none.
    """
    text = text.strip()
    if not _DURATION.fullmatch(text.removeprefix("-")):
        raise Fault("expected a duration such as 250ms, 10s or 1h30m", text)
    micros = round(sum(Fraction(number) * _MICROSECONDS[unit] for number, unit in _DURATION_PART.findall(text)))
    try:
        return dt.timedelta(microseconds=-micros if text.startswith("-") else micros)
    except OverflowError:
        raise Fault("a duration is at most 999999999d", text) from None


def from_duration(duration: dt.timedelta) -> str:
    """Write a duration so that `to_duration` reads the same."""
    micros = abs(duration) // dt.timedelta(microseconds=1)
    parts = ""
    for unit, size in (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000)):
        count, micros = divmod(micros, size)
        parts += f"{count}{unit}" if count else ""
    parts += f"{micros}us" if micros else ""
    return ("-" if duration < dt.timedelta() else "") + (parts or "0s")


def to_json(text: str, expected: type, what: str) -> Any:  # noqa: ANN401 - JSON is of any type
    """Read a JSON container.

    Args:
        text: The text.
        expected: ``dict`` or ``list``.
        what: Its name in the message.

    Raises:
        Fault: if it is no such container.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Fault(f"expected {what} as JSON", text) from None
    if not isinstance(value, expected):
        raise Fault(f"expected {what} as JSON", text)
    return value


def guess(text: str) -> Any:  # noqa: ANN401 - that is the point
    """Read a scalar where the schema says nothing: JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return str(text)


def _refuse(word: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(word)  # NaN and Infinity are words here, not numbers
