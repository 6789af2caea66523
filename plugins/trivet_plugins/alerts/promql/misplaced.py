"""`place_of`: where an error may be that the parser tells without its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trivet_plugins.alerts.promql.operators import ARITHMETIC, COMPARISONS, SETS
from trivet_plugins.alerts.promql.tokens import Token, place_in

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMED: Final = re.compile(r"'([^']*)'|in call to function (\w+)|aggregate expression '?(\w+)|operation '?(\w+)")
_UNCLOSED: Final = re.compile(r"unclosed|unexpected end")
_SYNTAX: Final = re.compile("invalid promql query|unexpected|unclosed|no expression")
_OPERATORS: Final = frozenset((*ARITHMETIC, *COMPARISONS, *SETS))
_MODIFIERS: Final = frozenset({"bool", "on", "ignoring", "group_left", "group_right"})
_KEYWORDS: Final = _OPERATORS | _MODIFIERS | {"by", "without", "offset"}
_BEFORE_OPERANDS: Final = _MODIFIERS | {"(", "{", "+", "-", ")", "}"}
_AFTER_OPERANDS: Final = _OPERATORS | {"by", "without", "offset", "@", "(", "{", "[", "]", ")", "}", ",", ":", "="}
_LABELLED: Final = _MODIFIERS | {"by", "without"}
_WANTING: Final = _KEYWORDS | {"(", "{", ",", "[", ":", "=", "@", "=~", "!~"}
_PAIRS: Final = {"(": ")", "[": "]", "{": "}"}


def place_of(reason: str, text: str, words: Sequence[Token]) -> tuple[int, int]:
    """Return line and column of what an error is about: what it names, or the first word that stands where none of its kind may.

    Args:
        reason: What the parser says.
        text: The query.
        words: Of it.

    Returns:
        Zeros where it is about nothing in particular.
    """
    word = _word_of(reason, words)
    if word is not None:
        return place_in(text, word.start)
    return place_in(text, len(text)) if _SYNTAX.search(reason) else (0, 0)


def _word_of(reason: str, words: Sequence[Token]) -> Token | None:
    if _UNCLOSED.search(reason):
        return _unclosed(words)
    if found := _NAMED.search(reason):
        name = next(filter(None, found.groups()), "").lower()
        for word in words:
            if word.text.lower() == name or (word.kind == "string" and word.text[1:-1].lower() == name):
                return word
    return _misplaced(words)


def _unclosed(words: Sequence[Token]) -> Token | None:
    opened: list[Token] = []
    for word in words:
        if word.text in _PAIRS:
            opened.append(word)
        elif opened and word.text == _PAIRS[opened[-1].text]:
            opened.pop()
    return opened[-1] if opened else None


def _misplaced(words: Sequence[Token]) -> Token | None:
    wanted = True  # an operand, such as a number, a name or an opening bracket
    before = ""
    for word in words:
        text = word.text.lower()
        is_operand = word.kind in {"number", "string"} or (word.kind == "word" and text not in _KEYWORDS)
        if wanted:
            fits = is_operand or text in _BEFORE_OPERANDS
        else:
            fits = before in _LABELLED if is_operand else text in _AFTER_OPERANDS
        if not fits:
            return word
        wanted = text in _WANTING
        before = text
    return None
