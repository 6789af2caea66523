"""The notation of test files: a series, ``up{job="api"}``, and the values it takes, ``0+1x5 _x3 stale 7``."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final

from trivet.metrics.history import STALE
from trivet_plugins.alerts.promql.errors import QueryError, UnsupportedError
from trivet_plugins.alerts.promql.labels import METRIC_NAME, Labels, labels_of
from trivet_plugins.alerts.promql.tokens import Token, place_in, tokens_of, unquoted

MAX_VALUES: Final = 1_000_000
"""The most values that one text stands for."""

_UNSIGNED: Final = r"(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[iI][nN][fF]|[nN][aA][nN])"
_ITEM: Final = re.compile(
    r"(?P<blank>_)(?:x(?P<blanks>\d+))?"
    rf"|(?:(?P<stale>stale)|(?P<first>[+-]?{_UNSIGNED})(?P<step>[+-]{_UNSIGNED})?)(?:x(?P<more>\d+))?"
)


def parse_series(text: str) -> Labels:
    """Return the labels of a series, with its name.

    Raises:
        QueryError: with the column, if the text is no series.
    """
    words = [*tokens_of(text), Token("end", "", len(text))]
    found: dict[str, str] = {}
    if words[0].kind == "word":
        found[METRIC_NAME] = words.pop(0).text
    if words[0].text == "{":
        _read_labels(text, words, found)
    if words[0].kind != "end" or len(words) > 1:
        raise _wrong(text, words[0], 'a series is written name{label="value"}')
    if not text.strip():
        raise _wrong(text, words[0], "there is no series")
    return labels_of(found)


def _read_labels(text: str, words: list[Token], found: dict[str, str]) -> None:
    words.pop(0)
    while words[0].text != "}":
        name = words.pop(0)
        if name.kind not in {"word", "string"}:
            raise _wrong(text, name, 'a label is written label="value"')
        key = unquoted(name.text) if name.kind == "string" else name.text
        if words[0].text == "=" and words[1].kind == "string":
            value = unquoted(words[1].text)
            del words[:2]
        elif name.kind == "string" and words[0].text in {",", "}"}:
            key, value = METRIC_NAME, key
        else:
            raise _wrong(text, words[0], 'a label is written label="value"')
        if key in found:
            raise _wrong(text, name, f"the label {key} is there twice")
        found[key] = value
        if words[0].text == ",":
            words.pop(0)
        elif words[0].text != "}":
            raise _wrong(text, words[0], "between labels there is a comma, after the last a brace")
    words.pop(0)


def _wrong(text: str, word: Token, reason: str) -> QueryError:
    return QueryError(f"{reason}; found {word.text or 'the end'!r}", *place_in(text, word.start))


def parse_values(text: str) -> list[float | None]:
    """Return values, one per step: None where there is no sample, `STALE` where the series is absent from then on.

    Raises:
        UnsupportedError: at a native histogram.
        QueryError: with the column, if the text stands for no values, or for more than `MAX_VALUES`.
    """
    values: list[float | None] = []
    for word in re.finditer(r"\S+", text):
        item = _ITEM.fullmatch(word[0])
        place = place_in(text, word.start())
        if word[0].startswith("{{"):
            raise UnsupportedError("native histograms are not supported", *place)
        if item is None:
            raise QueryError(f"{word[0]!r} is no value; there are 1, 1+2x3, 1x3, _, _x3 and stale", *place)
        count = int((item["blanks"] or item["more"] or "0")[:18])
        if len(values) + count >= MAX_VALUES:
            raise QueryError(f"these are more than {MAX_VALUES:,} values", *place)
        values += _values(item, count)
    return values


def _values(item: re.Match[str], count: int) -> list[float | None]:
    if item["blank"]:
        return [None] * (count if item["blanks"] else 1)
    if item["stale"]:
        return [STALE] * (count + 1)
    value, step = float(item["first"]), float(item["step"] or 0)
    if not item["step"]:
        return [value] * (count + 1)
    # Added up one by one, as Prometheus does it, rounding included.
    return [*accumulate([value, *[step] * count])]
