"""The functions that every template of Go's has, but for ``and`` and ``or``, which the expansion evaluates."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from html import escape
from typing import Final, NoReturn

from trivet_plugins.alerts.templates.function import Function, FunctionError
from trivet_plugins.alerts.templates.go_format import printf, shown
from trivet_plugins.alerts.templates.values import Record, Sequence, Table, Value, is_true, kind_of

_SCRIPT: Final = str.maketrans(
    {
        "\\": "\\\\",
        "'": "\\'",
        '"': '\\"',
        "<": "\\u003C",
        ">": "\\u003E",
        "&": "\\u0026",
        "=": "\\u003D",
        "\n": "\\u000A",
        "\r": "\\u000D",
        "\t": "\\u0009",
    }
)


def go_functions() -> Mapping[str, Function]:
    """Return them by name."""
    return {
        "eq": Function(_eq, ("any", "any"), "any"),
        "ge": Function(_ordered(lambda a, b: a >= b), ("any", "any")),
        "gt": Function(_ordered(lambda a, b: a > b), ("any", "any")),
        "html": Function(lambda *given: _html(_print(*given)), (), "any"),
        "index": Function(_index, ("any",), "any"),
        "js": Function(lambda *given: _print(*given).translate(_SCRIPT), (), "any"),
        "le": Function(_ordered(lambda a, b: a <= b), ("any", "any")),
        "len": Function(_len, ("any",)),
        "lt": Function(_ordered(lambda a, b: a < b), ("any", "any")),
        "ne": Function(lambda a, b: not _same(a, b), ("any", "any")),
        "not": Function(lambda value: not is_true(value), ("any",)),
        "print": Function(_print, (), "any"),
        "printf": Function(lambda form, *given: printf(form, given), ("string",), "any"),
        "println": Function(lambda *given: f"{' '.join(map(shown, given))}\n", (), "any"),
        "slice": Function(_slice, ("any",), "any"),
        "urlquery": Function(lambda *given: urllib.parse.quote_plus(_print(*given), safe="~"), (), "any"),
    }


def _print(*given: Value) -> str:
    """Put spaces between operands when neither is a text."""
    text = ""
    for number, value in enumerate(given):
        if number and not isinstance(value, str) and not isinstance(given[number - 1], str):
            text += " "
        text += "<nil>" if value is None else shown(value)
    return text


def _html(text: str) -> str:
    return escape(text, quote=False).replace('"', "&#34;").replace("'", "&#39;")


def _same(one: Value, other: Value) -> bool:
    if type(one) is not type(other) and one is not None and other is not None:
        _incompatible(one, other)
    if isinstance(one, (Table, Record, Sequence)):
        raise FunctionError(f"a {kind_of(one)} cannot be compared")
    return one == other


def _eq(one: Value, *others: Value) -> bool:
    return any(_same(one, other) for other in others)


def _incompatible(one: Value, other: Value) -> NoReturn:
    hint = "; write 1.0 for 1 beside a value" if {kind_of(one), kind_of(other)} == {"int", "float64"} else ""
    raise FunctionError(f"{kind_of(one)} and {kind_of(other)} cannot be compared{hint}")


def _ordered(fits: Callable[[float, float], bool]) -> Callable[[Value, Value], bool]:
    def compare(one: Value, other: Value) -> bool:
        if type(one) is not type(other):
            _incompatible(one, other)
        if isinstance(one, bool) or not isinstance(one, (str, int, float)):
            raise FunctionError(f"{kind_of(one)} has no order")
        return fits(one, other)  # type: ignore[arg-type]  # texts are compared as numbers are

    return compare


def _len(value: Value) -> int:
    if isinstance(value, str):
        return len(value.encode(errors="surrogateescape"))
    if isinstance(value, (Table, Sequence)):
        return len(value)
    raise FunctionError(f"{kind_of(value)} has no length")


def _index(value: Value, *keys: Value) -> Value:
    for key in keys:
        if isinstance(value, Table):
            if not isinstance(key, str):
                raise FunctionError(f"the key of a map is a text, not {kind_of(key)}")
            value = value.get(key, "")
        elif isinstance(value, (Sequence, str)):
            at = _place(key, len(value))
            value = value[at] if isinstance(value, Sequence) else ord(value[at])
        else:
            raise FunctionError(f"{kind_of(value)} has no parts")
    return value


def _place(key: Value, size: int) -> int:
    if isinstance(key, bool) or not isinstance(key, int):
        raise FunctionError(f"the place of a part is an integer, not {kind_of(key)}")
    if not 0 <= key < size:
        raise FunctionError(f"there is no part {key} of {size}")
    return key


def _slice(value: Value, *places: Value) -> Value:
    if not isinstance(value, (str, Sequence)) or len(places) > 2:
        raise FunctionError(f"a slice is of a text or a sequence, with one or two places, not of {kind_of(value)}")
    first = _place(places[0], len(value) + 1) if places else 0
    last = _place(places[1], len(value) + 1) if len(places) > 1 else len(value)
    if first > last:
        raise FunctionError(f"a slice does not go from {first} to {last}")
    return value[first:last] if isinstance(value, str) else Sequence(value[first:last])
