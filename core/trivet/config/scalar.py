"""Scalars: one strict reader per scalar type. Text of a text layer is coerced; anything else must have the right type already."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import functools
import ipaddress
import pathlib
import typing
import uuid
from collections.abc import Callable
from typing import Any

from trivet.config import coercion
from trivet.config.byte_size import ByteSize
from trivet.config.fault import Fault
from trivet.config.tree import MISSING, Text
from trivet.config.url import Url

Reader = Callable[[Any], Any]


def type_name(value: object) -> str:
    """Name a value's type as a reader of the file would."""
    names = {
        dict: "a table",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a float",
        type(None): "null",
    }
    return names.get(type(value), f"a {type(value).__name__}")


def wrong(expected: str, value: object, *, hint: str = "") -> Fault:
    """Return the fault of a value of the wrong type. Of a container only the kind is shown."""
    if isinstance(value, Text):
        return Fault(f"expected {expected}", str(value), hint=hint)
    if value is None or isinstance(value, (dict, list)):
        return Fault(f"expected {expected}, not {type_name(value)}", MISSING, hint=hint)
    return Fault(f"expected {expected}, not {type_name(value)}", value, hint=hint)


def read_bool(value: object) -> bool:
    """Read a bool."""
    if type(value) is bool:
        return value
    if type(value) is Text:
        return coercion.to_bool(value)
    word = value.lower() if isinstance(value, str) else ""
    hint = "write true or false" if word in {"yes", "no", "on", "off"} else ""
    raise wrong("a boolean", value, hint=hint or _unquote(value, word in {"true", "false"}))


def read_int(value: object) -> int:
    """Read an int. A bool or a float is none."""
    if type(value) is int:
        return value
    if type(value) is Text:
        return coercion.to_int(value)
    raise wrong("an integer", value, hint=_unquote(value, str(value).strip("+-").isdigit()))


def read_float(value: object) -> float:
    """Read a float; an int is one too."""
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    if type(value) is Text:
        return coercion.to_float(value)
    raise wrong("a number", value, hint=_unquote(value, str(value).replace(".", "", 1).strip("+-").isdigit()))


def _unquote(value: object, looks_right: object) -> str:
    return "remove the quotes" if isinstance(value, str) and looks_right else ""


def read_str(value: object) -> str:
    """Read a string."""
    if type(value) is str:
        return value
    if type(value) is Text:
        return str(value)
    scalar = isinstance(value, (bool, int, float, dt.date, dt.time))
    raise wrong("a string", value, hint="put it in quotes" if scalar else "")


def read_none(value: object) -> None:
    """Read null."""
    if value is not None and not (type(value) is Text and value.lower() in {"", "null"}):
        raise wrong("null", value)


def read_any(value: object) -> object:
    """Take anything."""
    return coercion.guess(value) if type(value) is Text else value


def read_timedelta(value: object) -> dt.timedelta:
    """Read a duration: text in every layer, since no file format has durations."""
    if isinstance(value, dt.timedelta):
        return value
    if isinstance(value, str):
        return coercion.to_duration(value)
    raise wrong("a duration such as 250ms, 10s or 1h30m", value)


def _moment(kind: type[Any], expected: str) -> Reader:
    def read(value: object) -> Any:  # noqa: ANN401 - a date, time or both
        if type(value) is kind:
            return value
        if isinstance(value, str):
            try:
                return kind.fromisoformat(value.strip())
            except ValueError:
                raise Fault(f"expected {expected}", value) from None
        raise wrong(expected, value)

    return read


def named(kind: Callable[[Any], Any], expected: str, *, read: Reader = read_str) -> Reader:
    """Return a reader that makes a ``kind`` of what another reader gives."""

    def convert(value: object) -> Any:  # noqa: ANN401 - what `kind` makes
        try:
            return kind(read(value))
        except Fault:
            raise wrong(expected, value) from None
        except (ValueError, ArithmeticError):
            raise Fault(f"expected {expected}", value) from None

    return convert


def _read_decimal(value: object) -> decimal.Decimal:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        return decimal.Decimal(str(value) if number else read_str(value))
    except (Fault, ArithmeticError):
        raise wrong("a decimal number", value) from None


def _read_size(value: object) -> ByteSize:
    """Read a size: a number, or text with a unit in every layer, since no file format has units."""
    if type(value) is ByteSize:
        return value
    expected = "a size such as 65536, 64KiB or 1.5GB"
    if type(value) is not int and not isinstance(value, str):
        raise wrong(expected, value)
    try:
        return ByteSize(coercion.to_int(value) if isinstance(value, str) else value)
    except ValueError:
        raise Fault(f"expected {expected}", value) from None


READERS: dict[Any, Reader] = {
    bool: read_bool,
    int: read_int,
    float: read_float,
    str: read_str,
    bytes: named(str.encode, "a string"),
    type(None): read_none,
    None: read_none,
    Any: read_any,
    object: read_any,
    dt.timedelta: read_timedelta,
    dt.datetime: _moment(dt.datetime, "a date-time such as 2026-01-31T12:00:00Z"),
    dt.date: _moment(dt.date, "a date such as 2026-01-31"),
    dt.time: _moment(dt.time, "a time such as 12:30:00"),
    pathlib.Path: named(pathlib.Path, "a path"),
    pathlib.PurePath: named(pathlib.PurePath, "a path"),
    Url: named(Url, "a URL such as https://example.org/"),
    ByteSize: _read_size,
    uuid.UUID: named(uuid.UUID, "a UUID"),
    decimal.Decimal: _read_decimal,
    ipaddress.IPv4Address: named(ipaddress.IPv4Address, "an IPv4 address"),
    ipaddress.IPv6Address: named(ipaddress.IPv6Address, "an IPv6 address"),
}
"""The reader of each scalar type."""


@functools.cache
def enum_reader(kind: type[enum.Enum]) -> Reader:
    """Return the reader of an enum: by value, or by name."""
    expected = "one of " + ", ".join(str(member.value) for member in kind)

    def read(value: object) -> enum.Enum:
        for member in kind:
            if _is(value, member.value) or (isinstance(value, str) and value == member.name):
                return member
        raise Fault(f"expected {expected}", MISSING if isinstance(value, (dict, list)) else value)

    return read


def literal_reader(kind: Any) -> Reader:  # noqa: ANN401 - a typing form
    """Return the reader of a ``Literal``."""
    choices = typing.get_args(kind)
    expected = "one of " + ", ".join(map(repr, choices))

    def read(value: object) -> object:
        for choice in choices:
            if _is(value, choice):
                return choice
        raise Fault(f"expected {expected}", MISSING if isinstance(value, (dict, list)) else value)

    return read


def _is(value: object, choice: object) -> bool:
    if type(value) is Text:
        return str(value) == (str(choice).lower() if isinstance(choice, bool) else str(choice))
    return value == choice and (type(value) is type(choice) or isinstance(value, str))
