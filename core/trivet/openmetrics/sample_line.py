"""Read one line with a sample. Regular expressions without nested repetition, so that no line takes more than linear time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trivet.openmetrics.sample import ParsedExemplar, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LABELS: Final = 256
"""Labels that a sample may have."""

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_LABEL: Final = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=")
_NUMBER: Final = re.compile(
    r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z|[+-]?inf(?:inity)?\Z|nan\Z", re.IGNORECASE | re.ASCII
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", '"': '"', "\\": "\\"}


class LineError(ValueError):
    """A line is no sample."""


def unescape(text: str) -> str:
    """Undo the escapes of a label value or a help text; a backslash before anything else stands for itself."""
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), text) if "\\" in text else text


def read_number(text: str) -> float:
    """Read a number as the formats write it: decimal, Inf or NaN in any case, nothing that only Python or Go knows.

    Raises:
        LineError: if it is none.
    """
    if not _NUMBER.match(text):
        raise LineError(f"{text[:40]!r} is no number")
    return float(text)


def read_sample(line: str, *, openmetrics: bool = True) -> Sample:
    """Read a line with a sample.

    Args:
        line: Without its end.
        openmetrics: Whether the rules are those of OpenMetrics: one space between the parts, seconds, exemplars.

    Raises:
        LineError: if it is none.
    """
    name, labels, rest = _series(line, trailing_comma=not openmetrics)
    if not openmetrics:
        return _text_sample(name, labels, rest.split())
    if not rest.startswith(" "):
        raise LineError("there is no value")
    numbers, mark, exemplar = rest[1:].partition(" # ")
    value, *timestamps = numbers.split(" ")
    if len(timestamps) > 1:
        raise LineError(f"there is something after the timestamp: {timestamps[1][:40]!r}")
    stamp = _timestamp(timestamps[0]) if timestamps else None
    return Sample(name, labels, read_number(value), stamp, _exemplar(exemplar) if mark else None)


def _text_sample(name: str, labels: Mapping[str, str], numbers: list[str]) -> Sample:
    if not 1 <= len(numbers) <= 2:
        raise LineError("there must be a value, and at most a timestamp behind it")
    stamp = _timestamp(numbers[1]) / 1000 if len(numbers) == 2 else None
    return Sample(name, labels, read_number(numbers[0]), stamp)


def _timestamp(text: str) -> float:
    stamp = read_number(text)
    if stamp - stamp != 0:
        raise LineError(f"{text!r} is no timestamp")
    return stamp


def _exemplar(text: str) -> ParsedExemplar:
    if not text.startswith("{"):
        raise LineError("an exemplar begins with its labels")
    name, labels, end = _labels(text, 1, trailing_comma=False)
    if name is not None:
        raise LineError("an exemplar has no name")
    before, _, numbers = text[end:].partition(" ")
    value, *timestamps = numbers.split(" ")
    if before or len(timestamps) > 1:
        raise LineError("behind an exemplar's labels stand a value and at most a timestamp")
    return ParsedExemplar(labels, read_number(value), _timestamp(timestamps[0]) if timestamps else None)


def _series(line: str, *, trailing_comma: bool) -> tuple[str, Mapping[str, str], str]:
    """Return name, labels and the rest of a line."""
    found = _NAME.match(line)
    name: str | None = found[0] if found else None
    position = found.end() if found else 0
    if line[position : position + 1] != "{":
        if name is None:
            raise LineError("it begins with no name")
        return name, {}, line[position:]
    inner, labels, end = _labels(line, position + 1, trailing_comma=trailing_comma)
    if (name is None) == (inner is None):
        raise LineError("a sample has one name, before its labels or in quotes as the first of them")
    return name or inner or "", labels, line[end:]


def _labels(text: str, position: int, *, trailing_comma: bool) -> tuple[str | None, Mapping[str, str], int]:
    """Return the quoted name if there is one, the labels, and where the text goes on behind the closing brace."""
    name: str | None = None
    labels: dict[str, str] = {}
    if text[position : position + 1] == "}":
        return None, labels, position + 1
    while True:
        label, value, position = _pair(text, position)
        if value is None:
            if name is not None or labels:
                raise LineError("a name in quotes comes first, and once")
            name = label
        elif label in labels:
            raise LineError(f"label {label!r} comes twice")
        else:
            labels[label] = value
        if len(labels) > MAX_LABELS:
            raise LineError(f"there are more than {MAX_LABELS} labels")
        sign, position = text[position : position + 1], position + 1
        if sign == "}":
            return name, labels, position
        if sign != ",":
            raise LineError("labels are set apart by commas")
        if trailing_comma and text[position : position + 1] == "}":
            return name, labels, position + 1


def _pair(text: str, position: int) -> tuple[str, str | None, int]:
    """Return a label's name, its value, and where the text goes on; no value for a quoted name of a metric."""
    found = _LABEL.match(text, position)
    if found:
        name, position = found[1], found.end()
    else:
        quoted = _QUOTED.match(text, position)
        if not quoted:
            raise LineError(f"there is no label at {text[position : position + 20]!r}")
        name, position = unescape(quoted[1]), quoted.end()
        if name and text[position : position + 1] != "=":
            return name, None, position
        position += 1
    value = _QUOTED.match(text, position)
    if not name or not value:
        raise LineError(f"label {name!r} has no value in quotes")
    return name, unescape(value[1]), value.end()
