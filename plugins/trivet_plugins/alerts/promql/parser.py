"""`parse`: from a text to the tree that it means, through promql-parser."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from trivet import MissingExtraError
from trivet_plugins.alerts.promql.errors import QueryError, UnsupportedError
from trivet_plugins.alerts.promql.limits import words_within_limits
from trivet_plugins.alerts.promql.misplaced import place_of
from trivet_plugins.alerts.promql.reader import Reader
from trivet_plugins.alerts.promql.signatures import REFUSED
from trivet_plugins.alerts.promql.tokens import Token, place_in

if TYPE_CHECKING:
    from trivet_plugins.alerts.promql.syntax import Node

_MODIFIERS: Final = frozenset({"anchored", "smoothed"})


def parse(text: str) -> Node:
    """Return the tree that a text means.

    Raises:
        QueryError: with the place where that is known, if it is no query.
        UnsupportedError: likewise, if it is one, and has something that is not supported, which is named.
        MissingExtraError: if the parser is not installed.
    """
    words = words_within_limits(text)
    _refuse(text, words)
    return Reader(text, words).read(_parsed(text, _without_patterns(text, words), words))


def _without_patterns(text: str, words: list[Token]) -> str:
    """Return the text with a plain letter in place of each pattern: those are RE2's, and the parser would have its own say."""
    pieces: list[str] = []
    at = 0
    for before, word in pairwise(words):
        if before.text in {"=~", "!~"} and word.kind == "string":
            pieces += text[at : word.start], '"a"'
            at = word.start + len(word.text)
    return "".join([*pieces, text[at:]])


def _parsed(text: str, parsable: str, words: list[Token]) -> object:
    try:
        import promql_parser
    except ImportError:
        raise MissingExtraError("PromQL", "alerts") from None
    try:
        return promql_parser.parse(parsable)
    except ValueError as exc:
        reason = str(exc)
        raise QueryError(reason, *place_of(reason, text, words)) from None
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":  # of the parser itself; it is no Exception
            raise
        raise QueryError("the parser cannot read this") from None


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
