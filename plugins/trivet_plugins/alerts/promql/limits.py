"""What is refused before the parser sees it: too long, too deep, or out of bounds, which it would not all survive."""

from __future__ import annotations

import re
from typing import Final

from trivet_plugins.alerts.promql.errors import QueryError
from trivet_plugins.alerts.promql.operators import ARITHMETIC, COMPARISONS, SETS
from trivet_plugins.alerts.promql.tokens import Token, place_in, tokens_of, unquoted

MAX_TEXT: Final = 100_000
"""The longest query, in characters."""
MAX_WORDS: Final = 20_000
"""The most words of a query."""
MAX_DEPTH: Final = 120
"""How deep a query is: how many brackets and operators there are around its innermost part."""
MAX_SECONDS: Final = 1e10
"""The longest duration: some three hundred years."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_OPEN: Final = frozenset("([{")
_CLOSED: Final = frozenset(")]}")
_OPERATORS: Final = frozenset((*ARITHMETIC, *COMPARISONS, *SETS))
_UNITS: Final = {"ms": 1e-3, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_PART: Final = re.compile(r"(\d+)(ms|[smhdwy])")
_BEFORE_DURATIONS: Final = frozenset({"[", ":", "offset"})


def words_within_limits(text: str) -> list[Token]:
    """Return the words of a query.

    Raises:
        QueryError: if there are too many, or the query is too long or too deep, or has a duration that is too long,
            or a string that means nothing.
    """
    if len(text) > MAX_TEXT:
        raise QueryError(f"a query has at most {MAX_TEXT:,} characters, this has {len(text):,}")
    if lone := _SURROGATE.search(text):
        raise QueryError("a query is text of UTF-8", *place_in(text, lone.start()))
    words: list[Token] = []
    for word in tokens_of(text):
        words.append(word)
        if len(words) > MAX_WORDS:
            raise QueryError(f"a query has at most {MAX_WORDS:,} words", *place_in(text, word.start))
    _limit_depth(text, words)
    _limit_durations(text, words)
    for word in words:
        if word.kind == "string":
            try:
                unquoted(word.text)
            except QueryError as exc:
                raise QueryError(exc.reason, *place_in(text, word.start)) from None
    return words


def _limit_depth(text: str, words: list[Token]) -> None:
    levels = [0]  # for every bracket that is open, how many operators follow one another there
    signs = 0
    for word in words:
        signs = signs + 1 if word.text in {"+", "-"} else 0
        if word.text in _OPEN:
            levels[-1] += word.text == "["
            levels.append(1)
        elif word.text in _CLOSED:
            del levels[max(1, len(levels) - 1) :]
        elif word.text == ",":
            levels[-1] = 1
        elif word.text.lower() in _OPERATORS:
            levels[-1] += 1
        if max(sum(levels), signs) > MAX_DEPTH:
            reason = f"a query is at most {MAX_DEPTH} parts deep; write some of them as recording rules"
            raise QueryError(reason, *place_in(text, word.start))


def _limit_durations(text: str, words: list[Token]) -> None:
    before = ""
    for word in words:
        if word.text in {"+", "-"}:
            continue
        if _seconds(word, is_duration=before in _BEFORE_DURATIONS) > MAX_SECONDS:
            raise QueryError(f"{word.text} is longer than any duration may be", *place_in(text, word.start))
        before = word.text.lower()


def _seconds(word: Token, *, is_duration: bool) -> float:
    """Return how long a word is as a duration; 0 where it is none."""
    parts = _PART.findall(word.text) if word.kind == "number" else ()
    if parts and not word.text.lower().startswith("0x"):
        return sum(float(count) * _UNITS[unit] for count, unit in parts)
    if not is_duration:
        return 0.0
    if word.text.lower() in {"inf", "nan"}:
        return MAX_SECONDS * 2
    try:
        return float(int(word.text, 16)) if word.text.lower().startswith("0x") else float(word.text)
    except (ValueError, OverflowError):
        return 0.0
