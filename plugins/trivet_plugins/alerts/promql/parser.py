"""`parse`: from a text to the tree that it means, through promql-parser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trivet_plugins.alerts.promql.errors import QueryError, UnsupportedError
from trivet_plugins.alerts.promql.reader import Reader
from trivet_plugins.alerts.promql.signatures import REFUSED
from trivet_plugins.alerts.promql.tokens import Token, place_in, tokens_of

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.syntax import Node

MAX_TEXT: Final = 100_000
"""The longest query, in characters."""
MAX_TOKENS: Final = 20_000
"""The most words of a query."""
MAX_BRACKETS: Final = 100
"""How deep brackets, or signs before one another, go."""

_NAMED: Final = re.compile(r"'([^']*)'|in call to function (\w+)|\b(by|on)\b")
_MODIFIERS: Final = frozenset({"anchored", "smoothed"})


def parse(text: str) -> Node:
    """Return the tree that a text means.

    Raises:
        QueryError: with the place where that is known, if it is no query.
        UnsupportedError: likewise, if it is one, and has something that is not supported, which is named.
    """
    if len(text) > MAX_TEXT:
        raise QueryError(f"a query has at most {MAX_TEXT:,} characters, this has {len(text):,}")
    words = []
    for word in tokens_of(text):
        words.append(word)
        if len(words) > MAX_TOKENS:
            raise QueryError(f"a query has at most {MAX_TOKENS:,} words", *place_in(text, word.start))
    _limit_depth(text, words)
    _refuse(text, words)
    return Reader(text, words).read(_parsed(text, words))


def _parsed(text: str, words: list[Token]) -> object:
    import promql_parser

    try:
        return promql_parser.parse(text)
    except ValueError as exc:
        reason = str(exc)
        raise QueryError(reason, *_place(text, words, reason)) from None
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":  # of the parser itself; it is no Exception
            raise
        raise QueryError("the parser cannot read this") from None


def _limit_depth(text: str, words: list[Token]) -> None:
    depth = signs = 0
    for word in words:
        signs = signs + 1 if word.text in {"+", "-"} else 0
        depth += (word.text in {"(", "[", "{"}) - (word.text in {")", "]", "}"})
        if max(depth, signs) > MAX_BRACKETS:
            raise QueryError(f"a query is at most {MAX_BRACKETS} brackets deep", *place_in(text, word.start))


def _refuse(text: str, words: list[Token]) -> None:
    """Refuse by name what the parser does not know, or takes for something else."""
    for before, word, after in zip([None, *words], words, [*words[1:], None], strict=False):
        name = word.text.lower()
        if word.kind != "word" or after is None:
            continue
        if after.text == "(" and name in REFUSED and (before is None or before.text != "@"):
            raise UnsupportedError(f"{name}() {REFUSED[name]}", *place_in(text, word.start))
        if name in _MODIFIERS and before is not None and before.text in {"]", ")"}:
            raise UnsupportedError(f"the modifier {name} is not supported", *place_in(text, word.start))


def _place(text: str, words: list[Token], reason: str) -> tuple[int, int]:
    """Guess the place of an error from what it names, else from what stands where it should not."""
    if found := _NAMED.search(reason):
        name = (found[1] or found[2] or found[3] or "").lower()
        for word in words:
            if word.text.lower() == name or (word.kind == "string" and word.text[1:-1].lower() == name):
                return place_in(text, word.start)
    before: Token | None = None
    for word in words:
        operand = word.kind in {"number", "string", "word"}
        if before and operand and before.kind in {"number", "string"}:
            return place_in(text, word.start)
        before = word
    if before and (before.kind == "sign" and before.text not in {")", "]", "}"}):
        return place_in(text, len(text))
    return 0, 0
