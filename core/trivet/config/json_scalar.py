"""JSON Schema of scalar types: what files accept for them, said with ``type``, ``pattern`` and ``enum``.

Patterns are written so that Python's `re` and ECMA 262 read them alike: ``[0-9]`` for a digit, of which Python knows more.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import typing
import uuid
from typing import Any

from trivet.config.byte_size import ByteSize
from trivet.config.url import Url

JsonSchema = dict[str, Any]

_JSON = (str, int, float, bool, type(None))
_END = r"\s*$"
_DATE = (
    r"(?:[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])|[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"|[0-9]{4}-W(?:0[1-9]|[1-4][0-9]|5[0-3])(?:-[1-7])?|[0-9]{4}W(?:0[1-9]|[1-4][0-9]|5[0-3])[1-7]?)"
)
_CLOCK = r"(?:[01][0-9]|2[0-3])(?::?[0-5][0-9](?::?[0-5][0-9](?:[.,][0-9]+)?)?)?"
_ZONE = r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9](?::?[0-5][0-9](?:[.,][0-9]+)?)?)?)?"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_INTEGER = (
    r"^\s*(?:[+-]?(?:[0-9]+(?:_[0-9]+)*|0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|0[oO][0-7]+(?:_[0-7]+)*"
    r"|0[bB][01]+(?:_[01]+)*)|[0-9]+(?:\.[0-9]+)?\s*(?:[kKMGT]i?)?B)\s*$"
)
_TEXT: JsonSchema = {"type": "string"}

SCALARS: dict[Any, JsonSchema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: _TEXT,
    bytes: _TEXT,
    type(None): {"type": "null"},
    None: {"type": "null"},
    dt.timedelta: {"type": "string", "pattern": rf"^\s*-?(?:[0-9]+(?:\.[0-9]+)?(?:us|ms|s|m|h|d|w))+{_END}"},
    dt.datetime: {
        "type": "string",
        "format": "date-time",
        "pattern": rf"^\s*{_DATE}(?:.{_CLOCK}{_ZONE})?{_END}",
    },
    dt.date: {"type": "string", "format": "date", "pattern": rf"^\s*{_DATE}{_END}"},
    dt.time: {"type": "string", "format": "time", "pattern": rf"^\s*T?{_CLOCK}{_ZONE}{_END}"},
    Url: {"type": "string", "format": "uri", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*://[^\s\x00-\x1f\x7f]+$(?!\n)"},
    ByteSize: {"type": ["integer", "string"], "minimum": 0, "pattern": _INTEGER},
    pathlib.Path: _TEXT,
    pathlib.PurePath: _TEXT,
    uuid.UUID: {
        "type": "string",
        "format": "uuid",
        "pattern": r"^(?:urn:)?(?:uuid:)?[{}]*(?:-*[0-9a-fA-F]){32}-*[{}]*$(?!\n)",
    },
    decimal.Decimal: {
        "type": ["number", "string"],
        "pattern": r"^\s*[+-]?(?:(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?"
        rf"|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[sS]?[nN][aA][nN][0-9]*){_END}",
    },
    ipaddress.IPv4Address: {"type": "string", "format": "ipv4", "pattern": rf"^(?:{_OCTET}\.){{3}}{_OCTET}$(?!\n)"},
    ipaddress.IPv6Address: {"type": "string", "format": "ipv6", "pattern": r"^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:%.+)?$"},
}
"""The schema of each type that has a reader in `trivet.config.scalar`."""

_KEYS: dict[Any, JsonSchema] = {
    bool: {
        "pattern": r"^\s*(?:[tT][rR][uU][eE]|[yY][eE][sS]|[oO][nN]|[fF][aA][lL][sS][eE]|[nN][oO]|[oO][fF][fF]|[01])\s*$"
    },
    int: {"pattern": _INTEGER},
}


def scalar_schema(kind: Any) -> JsonSchema | None:  # noqa: ANN401 - types are of any kind
    """Return the schema of a scalar type; None where it is none that configuration reads."""
    if typing.get_origin(kind) is typing.Literal:
        return _choice(typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _choice([*(member.value for member in kind), *(member.name for member in kind)])
    if isinstance(kind, typing.Hashable) and kind in SCALARS:
        return dict(SCALARS[kind])
    ancestors = kind.__mro__ if isinstance(kind, type) else ()
    return next((dict(SCALARS[one]) for one in ancestors if one in {str, bytes, int, float, pathlib.Path}), None)


def key_schema(kind: Any) -> JsonSchema:  # noqa: ANN401 - as above
    """Return the schema of the keys of a mapping: text, coerced like that of the environment. Empty where any will do."""
    if typing.get_origin(kind) is typing.Literal:
        return {"enum": [str(one).lower() if isinstance(one, bool) else str(one) for one in typing.get_args(kind)]}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": list(dict.fromkeys(str(text) for member in kind for text in (member.value, member.name)))}
    if kind in {str, bytes, Any, None}:
        return {}
    if kind in _KEYS:
        return dict(_KEYS[kind])
    scalar = scalar_schema(kind)
    return {"pattern": scalar["pattern"]} if scalar is not None and "pattern" in scalar else {}


def is_json(value: object) -> bool:
    """Tell whether a value is a scalar that JSON has, as itself."""
    return type(value) in _JSON and value == value and value not in {float("inf"), float("-inf")}  # noqa: PLR0124 - NaN


def _choice(values: typing.Iterable[object]) -> JsonSchema:
    found: list[object] = []
    for value in filter(is_json, values):
        if not any(value == one and type(value) is type(one) for one in found):
            found.append(value)
    return {"enum": found} if found else {"not": {}}
