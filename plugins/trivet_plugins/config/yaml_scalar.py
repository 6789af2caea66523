"""What a plain YAML scalar means, by the core schema of YAML 1.2 (section 10.3.2): ``no`` is a text, ``0777`` is 777."""

from __future__ import annotations

import re
from typing import Final

from trivet import FormatError

PREFIX: Final = "tag:yaml.org,2002:"

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_FIRST = frozenset("-+.0123456789")

Scalar = str | int | float | bool | None


def plain(text: str) -> Scalar:
    """Return the value of a plain scalar.

    Raises:
        FormatError: if it is an integer of too many digits.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _FIRST:
        if _INT.fullmatch(text):
            return _integer(text)
        if _FLOAT.fullmatch(text):
            return _float(text)
    return text


def tagged(tag: str, text: str) -> Scalar:
    """Return the value of a scalar with an explicit tag, such as ``!!int "5"``.

    Raises:
        FormatError: if the tag is unknown, or does not fit the text.
    """
    kind = tag.removeprefix(PREFIX)
    if tag == "!" or kind == "str":
        return text
    value = plain(text)
    fits: dict[str, bool] = {
        "int": type(value) is int,
        "float": type(value) in {int, float},
        "bool": type(value) is bool,
        "null": value is None,
    }
    if not tag.startswith(PREFIX) or kind not in fits:
        raise FormatError(f"the tag {tag} means nothing here; remove it")
    if not fits[kind]:
        raise FormatError(f"the tag !!{kind} does not fit the value")
    return float(value) if kind == "float" and isinstance(value, int) else value


def _integer(text: str) -> int:
    try:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    except ValueError:  # Python caps the number of digits
        raise FormatError("an integer of that many digits is not read") from None


def _float(text: str) -> float:
    return float(text.replace(".", "", 1) if text[-1] in "fFnN" else text)


def is_safe_plain(text: str) -> bool:
    """Tell whether a text may be written without quotes, for readers of YAML 1.1 too."""
    words = {"yes", "no", "on", "off", "y", "n", "true", "false", "null"}
    return bool(re.fullmatch(r"[A-Za-z_/][\w./+-]*(?::[\w./+-]+)*=*", text, re.ASCII)) and text.lower() not in words
